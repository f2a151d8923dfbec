//! The wall clock and its twin.
//!
//! Pure code takes `now` as an argument; only the rooms that own a loop or a lock hold a [`Clock`].
//!
//! **Architecture Invariant:** nothing else in the tree reads the system's time or sleeps.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::words::Timestamp;

/// Tells the time and waits.
pub trait Clock: Send + Sync {
    /// Returns the moment that it is.
    fn now(&self) -> Timestamp;

    /// Returns how long it is until a moment; nothing where it has come.
    fn until(&self, moment: Timestamp) -> Duration {
        moment.since(self.now())
    }

    /// Waits that long.
    fn sleep(&self, duration: Duration);
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the wall clock is read")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    /// Exact: a wait that counts from a truncated `now` ends up to a millisecond late.
    #[expect(clippy::disallowed_methods, reason = "this is where the wall clock is read")]
    fn until(&self, moment: Timestamp) -> Duration {
        let due = Duration::from_millis(u64::try_from(moment.as_millis()).unwrap_or(0));
        due.saturating_sub(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// A clock that stands still until it is told to move: the twin for tests and simulations.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// Returns a clock that stands at `now`.
    pub const fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock to `now`, forwards or back.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Moves the clock forwards.
    pub fn advance(&self, duration: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.plus(duration);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the clock forwards and returns at once.
    fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Duration, ManualClock, SystemClock, Timestamp};

    #[test]
    fn a_sleep_on_the_manual_clock_moves_it() {
        let clock = ManualClock::new(Timestamp::from_millis(1_000));
        clock.sleep(Duration::from_millis(250));
        assert_eq!(clock.now(), Timestamp::from_millis(1_250));
        clock.set(Timestamp::EPOCH);
        assert_eq!(clock.now(), Timestamp::EPOCH);
    }

    #[test]
    fn waiting_until_a_moment_never_ends_late() {
        let moment = SystemClock.now().plus(Duration::from_hours(1));
        let wait = SystemClock.until(moment);
        assert!(wait <= Duration::from_hours(1) && wait > Duration::from_mins(59), "{wait:?}");
        assert_eq!(SystemClock.until(Timestamp::EPOCH), Duration::ZERO);
    }

    #[test]
    fn the_system_clock_is_past_the_year_2025() {
        assert!(SystemClock.now() > Timestamp::from_millis(1_735_689_600_000));
    }
}
