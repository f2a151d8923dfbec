//! What Ctrl-C and SIGTERM mean: the first asks to stop, a second one does not wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::error::{Error, Kind};
use crate::daemon::Daemon;

/// The requests to stop, heard from the moment that this is made: until then they end the process at once.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Begins to listen, within a runtime.
    pub(super) fn listen() -> Result<Self, Error> {
        let on = |kind| {
            signal(kind).map_err(|error| Error::new(Kind::Failed, format!("cannot listen for signals: {error}")))
        };
        Ok(Self { interrupt: on(SignalKind::interrupt())?, terminate: on(SignalKind::terminate())? })
    }

    /// Waits for a request to stop.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The requests to read again what is read once: SIGHUP, which ends a process that does not listen.
pub(super) struct HangUps(Signal);

impl HangUps {
    /// Begins to listen, within a runtime.
    pub(super) fn listen() -> Result<Self, Error> {
        let heard = signal(SignalKind::hangup());
        heard.map(Self).map_err(|error| Error::new(Kind::Failed, format!("cannot listen for signals: {error}")))
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// Listens for a second request to stop, while the first is being met.
pub(super) struct Hurry(Arc<AtomicBool>);

impl Hurry {
    /// Begins to listen.
    pub(super) fn on(daemon: &Daemon) -> Self {
        let wanted = Arc::new(AtomicBool::new(false));
        let told = wanted.clone();
        let _context = daemon.runtime().enter();
        // Where no signal can be heard, calls in flight have their own deadlines.
        if let Ok(mut signals) = Signals::listen() {
            daemon.runtime().spawn(async move {
                signals.next().await;
                told.store(true, Ordering::Relaxed);
            });
        }
        Self(wanted)
    }

    /// Returns whether it was asked for.
    pub(super) fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
