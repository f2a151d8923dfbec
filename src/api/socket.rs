//! The doors: the socket in the state folder, and the port on loopback.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, UnixListener};

use crate::disk::{self, Disk};

/// The socket's name in the state folder.
const SOCKET: &str = "daemon.sock";
/// The file that says where the socket is, where it is not in the state folder.
const SOCKET_PATH: &str = "daemon.sock.path";
/// The longest path of a socket: systems take 104 to 108 bytes, with the byte at its end.
const PATH_BYTES_MAX: usize = 100;

/// Why a door does not open.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The socket's path is too long, and there is no other place for it.
    #[error("the path of the socket is over {PATH_BYTES_MAX} bytes: {path}; set XDG_RUNTIME_DIR or a shorter --state")]
    TooLong {
        /// The path.
        path: PathBuf,
    },
    /// The socket cannot be made.
    #[error("cannot listen on {path}: {cause}")]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Others could reach a port where nobody signs in.
    #[error("an open server listens on loopback only, and {0} is not")]
    NotLoopback(SocketAddr),
    /// Others could read what is sent.
    #[error("{0} is no loopback address, and without TLS others can read the tokens and secrets that pass there")]
    Readable(SocketAddr),
    /// The port cannot be had.
    #[error("cannot listen on {address}: {cause}")]
    Port {
        /// Where.
        address: SocketAddr,
        /// Why.
        cause: io::Error,
    },
}

/// Opens the daemon's socket, 0600, in place of one that a dead daemon left: whoever calls holds the daemon's lock.
///
/// A path that is too long moves into `runtime`, the user's runtime folder, and a file in the state folder says so.
pub fn bind_socket(disk: &dyn Disk, state: &Path, runtime: Option<&Path>) -> Result<UnixListener, BindError> {
    let path = socket_path(state, runtime)?;
    let failed = |cause| BindError::Socket { path: path.clone(), cause };
    disk.create_folder(disk::folder_of(&path)).map_err(failed)?;
    let facts = disk.facts(disk::folder_of(&path)).map_err(failed)?;
    if !facts.ours || !facts.is_guarded() {
        return Err(failed(io::Error::other("others may write into its folder")));
    }
    absent_is_fine(disk.remove(&path)).map_err(failed)?;
    tell(disk, state, &path).map_err(failed)?;
    let listener = net::UnixListener::from(disk::listen_private(&path).map_err(failed)?);
    listener.set_nonblocking(true).and_then(|()| UnixListener::from_std(listener)).map_err(failed)
}

/// Who may come in by a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Openness {
    /// Everybody on this machine, without signing in.
    Open,
    /// Whoever signs in.
    SignIn,
    /// Whoever signs in, also where others can read what is sent.
    SignInReadable,
    /// Whoever signs in, over TLS.
    Encrypted,
}

/// Opens a port. One where nobody signs in is on loopback, and so is one where others could read what is sent, unless that
/// is what the operator wants: something before it speaks TLS.
pub async fn bind_tcp(address: SocketAddr, openness: Openness) -> Result<TcpListener, BindError> {
    match openness {
        Openness::Open if !address.ip().is_loopback() => return Err(BindError::NotLoopback(address)),
        Openness::SignIn if !address.ip().is_loopback() => return Err(BindError::Readable(address)),
        Openness::Open | Openness::SignIn | Openness::SignInReadable | Openness::Encrypted => {}
    }
    TcpListener::bind(address).await.map_err(|cause| BindError::Port { address, cause })
}

fn socket_path(state: &Path, runtime: Option<&Path>) -> Result<PathBuf, BindError> {
    let path = state.join(SOCKET);
    let fits = |path: &Path| path.as_os_str().len() <= PATH_BYTES_MAX;
    if fits(&path) {
        return Ok(path);
    }
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let hash = digest.iter().take(8).fold(0, |hash: u64, byte| hash << 8 | u64::from(*byte));
    let moved = runtime.map(|runtime| runtime.join("keytide").join(format!("{hash:016x}.sock")));
    moved.filter(|moved| fits(moved)).ok_or(BindError::TooLong { path })
}

/// Says where the socket is, where nobody would look for it.
fn tell(disk: &dyn Disk, state: &Path, path: &Path) -> io::Result<()> {
    let pointer = state.join(SOCKET_PATH);
    if path.parent() == Some(state) {
        return absent_is_fine(disk.remove(&pointer));
    }
    disk::replace_unsynced(disk, &pointer, path.as_os_str().as_encoded_bytes())
}

fn absent_is_fine(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
