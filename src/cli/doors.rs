//! Where a daemon of this process answers: its socket and, where it is asked for, a port on loopback.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::error::{Error, Kind};
use super::project::Project;
use crate::api::{self, Limits, Openness, Tls, TlsFiles, TlsListener};
use crate::daemon::Daemon;
use crate::door::Door;
use crate::ui::{self, House};

/// The open doors; closing them lets requests under way finish.
#[derive(Default)]
pub(super) struct Doors {
    stopping: Option<watch::Sender<bool>>,
    /// The port, as it was bound.
    pub(super) port: Option<SocketAddr>,
    /// Whether nobody signs in at the port.
    pub(super) is_open: bool,
    /// Whether the port speaks TLS.
    pub(super) is_encrypted: bool,
    /// Has the certificate read again.
    renewing: Arc<Notify>,
}

/// The port that is wanted, and who may come in by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listen {
    pub(super) address: SocketAddr,
    pub(super) openness: Openness,
    /// Where the certificate is, where TLS is spoken.
    pub(super) tls: Option<TlsFiles>,
}

impl Doors {
    /// Opens the socket and, with an address, the port.
    pub(super) fn open(
        daemon: &Daemon,
        project: &Project,
        listen: Option<Listen>,
        limits: Limits,
    ) -> Result<Self, Error> {
        let cannot = |error: api::BindError| match &error {
            api::BindError::Readable(_) => Error::new(Kind::Usage, &error)
                .hint("where something before it speaks TLS, add --insecure-listen; else listen on 127.0.0.1"),
            _ => Error::new(Kind::Failed, error),
        };
        let (stopping, stopped) = watch::channel(false);
        let runtime = daemon.runtime();
        let _context = runtime.enter();
        let socket = api::bind_socket(&*project.disk, &project.state, project.environment.runtime.as_deref());
        let handle = daemon.handle().clone();
        let router = move || api::router(handle, Door::Socket);
        runtime.spawn(api::serve(limits, socket.map_err(cannot)?, router, stopped.clone()));
        let renewing = Arc::new(Notify::new());
        let (mut is_open, mut is_encrypted) = (false, false);
        let port = match listen {
            None => None,
            Some(Listen { address, openness, tls }) => {
                let tls = tls.map(|files| Tls::read(project.disk.clone(), files)).transpose();
                let tls = tls.map_err(|error| Error::new(Kind::Usage, error))?;
                (is_open, is_encrypted) = (openness == Openness::Open, tls.is_some());
                let listener = runtime.block_on(api::bind_tcp(address, openness)).map_err(cannot)?;
                let bound = listener.local_addr().map_err(|error| Error::new(Kind::Failed, error))?;
                let door = if openness == Openness::Open { Door::Loopback(bound) } else { Door::Clients };
                let handle = daemon.handle().clone();
                let house = House::new(handle.clone(), door.clone(), bound.port())?;
                daemon.handle().open_pages_at(origin(bound, is_encrypted), is_open);
                let router = move || ui::router(house, api::router(handle, door));
                match tls {
                    None => drop(runtime.spawn(api::serve(limits, listener, router, stopped))),
                    Some(tls) => {
                        let handle = daemon.handle().clone();
                        runtime.spawn(tls.clone().follow(handle, renewing.clone(), stopped.clone()));
                        let listener = TlsListener { port: listener, tls };
                        runtime.spawn(api::serve(limits, listener, router, stopped));
                    }
                }
                Some(bound)
            }
        };
        Ok(Self { stopping: Some(stopping), port, is_open, is_encrypted, renewing })
    }

    /// Has the certificate read again.
    pub(super) fn renew(&self) {
        self.renewing.notify_one();
    }

    /// Takes no new requests.
    pub(super) fn close(&self) {
        if let Some(stopping) = &self.stopping {
            stopping.send_replace(true);
        }
    }
}

/// Returns how browsers of this machine name a port.
fn origin(bound: SocketAddr, is_encrypted: bool) -> String {
    let scheme = if is_encrypted { "https" } else { "http" };
    if bound.ip().is_unspecified() {
        format!("{scheme}://localhost:{}", bound.port())
    } else {
        format!("{scheme}://{bound}")
    }
}
