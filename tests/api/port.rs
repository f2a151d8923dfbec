//! A door on loopback where nobody signs in, for what only a connection can show.

use std::net::{SocketAddr, TcpStream};

use keytide::api::{Limits, Openness, bind_tcp, router, serve};
use keytide::door::Door;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::server::Server;

/// An open door of a server; it closes with this value.
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Port {
    pub(crate) fn of(server: &Server, limits: Limits) -> Self {
        let runtime = server.daemon().runtime();
        let listener = runtime.block_on(bind_tcp("127.0.0.1:0".parse().unwrap(), Openness::Open)).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let handle = server.daemon().handle().clone();
        let router = move || router(handle, Door::Loopback(address));
        let serving = runtime.spawn(serve(limits, listener, router, stopping));
        Self { address, stop, serving }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    /// Asks it to close.
    pub(crate) fn close(&self) {
        self.stop.send(true).unwrap();
    }

    /// Waits until it is closed.
    pub(crate) fn closed(self, server: &Server) {
        server.daemon().runtime().block_on(self.serving).unwrap();
    }
}
