//! Measured times and what they come to.

use std::time::Duration;

/// The times of one side of a row.
#[derive(Clone, Default)]
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    /// Adds a time.
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// Returns how many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the time below which this share of them lies; zero where there are none.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a small count"
        )]
        let index = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
        sorted.get(index).copied().unwrap_or_default()
    }

    /// Returns the middle one.
    pub(crate) fn median(&self) -> Duration {
        self.quantile(0.5)
    }

    /// Returns the sum of all.
    pub(crate) fn total(&self) -> Duration {
        self.0.iter().sum()
    }

    /// Returns how many per second they are, one after the other.
    pub(crate) fn per_second(&self) -> f64 {
        per_second(self.count(), self.total())
    }

    /// Returns minimum, median and 99th percentile, as the table shows them.
    pub(crate) fn text(&self) -> String {
        let [min, p50, p99] = [0.0, 0.5, 0.99].map(|share| milliseconds(self.quantile(share)));
        format!("{min} / {p50} / {p99} ms (n {})", self.count())
    }
}

impl FromIterator<Duration> for Sample {
    fn from_iter<T: IntoIterator<Item = Duration>>(times: T) -> Self {
        Self(times.into_iter().collect())
    }
}

/// Returns a rate.
#[expect(clippy::cast_precision_loss, reason = "counts of a measurement")]
pub(crate) fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// Returns how many times the one is the other.
pub(crate) fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// Returns a time as the page shows it, without its unit.
pub(crate) fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1_000.0;
    if milliseconds < 10.0 { format!("{milliseconds:.2}") } else { format!("{milliseconds:.1}") }
}
