//! What the faces need of the runtime: tasks and threads are the daemon's.

use std::thread;

use crate::daemon::error::Error;

/// Runs something beside everything else, as a connection is; nothing where the process is at its end.
pub fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work);
    }
}

/// Does something that another waits for anyway, on a thread of its own while the other is done; not at all where there is no
/// thread to be had.
pub fn meanwhile<T>(ahead: impl FnOnce() + Send, work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        drop(thread::Builder::new().spawn_scoped(scope, ahead));
        work()
    })
}

/// Runs something that waits for the disk where it holds up nobody else.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Error::Unavailable("keytide is stopping".to_owned()))
}
