//! What the faces need of the runtime: tasks and threads are the daemon's.

use crate::daemon::error::Error;

/// Runs something beside everything else, as a connection is.
pub fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}

/// Runs something that waits for the disk where it holds up nobody else.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Error::Unavailable("keytide is stopping".to_owned()))
}
