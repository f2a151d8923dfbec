//! Where the logs go: to stderr, through the masker.

use std::sync::Arc;

use tracing_subscriber::filter::LevelFilter;

use super::args::LogFormat;
use super::console::{self, Console};
use crate::observe::{self, Masking, Verbosity};
use crate::redact::Masker;
use crate::secret::Store;

/// Sends the logs to stderr, masked by what the store knows; the masker learns as the store changes.
pub(super) fn install(store: &Store, console: &Console, form: LogFormat) -> Arc<Masking> {
    let masking = Masking::new(Masker::new(store.snapshot().masked_values()));
    let json = form == LogFormat::Json;
    let level = match (console.quiet, console.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) if json => LevelFilter::INFO,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    observe::install(Verbosity { level, json }, masking.clone(), console::stderr);
    masking
}
