//! Where a daemon of this process answers: its socket and, where it is asked for, a port on loopback.

use std::net::SocketAddr;

use tokio::sync::watch;

use super::error::{Error, Kind};
use super::project::Project;
use crate::api::{self, Door};
use crate::daemon::Daemon;

/// The open doors; closing them lets requests under way finish.
#[derive(Default)]
pub(super) struct Doors {
    stopping: Option<watch::Sender<bool>>,
    /// The port, as it was bound.
    pub(super) port: Option<SocketAddr>,
}

impl Doors {
    /// Opens the socket and, with an address, the port.
    pub(super) fn open(daemon: &Daemon, project: &Project, listen: Option<SocketAddr>) -> Result<Self, Error> {
        let cannot = |error: api::BindError| Error::new(Kind::Failed, error);
        let (stopping, stopped) = watch::channel(false);
        let runtime = daemon.runtime();
        let _context = runtime.enter();
        let socket = api::bind_socket(&*project.disk, &project.state, project.environment.runtime.as_deref());
        let router = api::router(daemon.handle().clone(), Door::Socket);
        runtime.spawn(api::serve(socket.map_err(cannot)?, router, stopped.clone()));
        let port = match listen {
            None => None,
            Some(address) => {
                let listener = runtime.block_on(api::bind_tcp(address)).map_err(cannot)?;
                let bound = listener.local_addr().map_err(|error| Error::new(Kind::Failed, error))?;
                let router = api::router(daemon.handle().clone(), Door::Loopback(bound));
                runtime.spawn(api::serve(listener, router, stopped));
                Some(bound)
            }
        };
        Ok(Self { stopping: Some(stopping), port })
    }

    /// Takes no new requests.
    pub(super) fn close(&self) {
        if let Some(stopping) = &self.stopping {
            stopping.send_replace(true);
        }
    }
}
