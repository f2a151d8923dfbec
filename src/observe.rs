//! Logs, redacted: every line passes the masker before it reaches a stream.
//!
//! **Architecture Invariant:** there is one sink. What is logged anywhere in the process, by us or by a library, leaves
//! through it, so a known secret value cannot be written in any encoding, at any level.

mod line;
pub mod metrics;

use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::redact::Masker;
use crate::secret::Snapshot;

/// The masker in force, shared by everything that prints.
pub struct Masking(RwLock<InForce>);

#[derive(Clone)]
struct InForce {
    masker: Arc<Masker>,
    /// The moment of the store that the masker knows.
    snapshot: Option<Arc<Snapshot>>,
}

/// How many values that the store holds no more are masked on, before the masker is built anew without them.
const VALUES_SPARE: usize = 256;

impl Masking {
    /// Starts with the values known now.
    pub fn new(masker: Masker) -> Arc<Self> {
        Arc::new(Self(RwLock::new(InForce { masker: Arc::new(masker), snapshot: None })))
    }

    /// Puts the values of the store in force; an older moment than the one in force changes nothing.
    ///
    /// It stands between a secret that was stored and who waits for it, so only what is new is built.
    pub fn follow(&self, snapshot: &Arc<Snapshot>) {
        let InForce { masker, snapshot: known } = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if !is_newer(snapshot, known.as_ref()) {
            return;
        }
        let masker = Arc::new(next(&masker, known.as_ref(), snapshot));
        let mut in_force = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if is_newer(snapshot, in_force.snapshot.as_ref()) {
            *in_force = InForce { masker, snapshot: Some(snapshot.clone()) };
        }
    }

    /// Returns the masker in force.
    pub fn current(&self) -> Arc<Masker> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).masker.clone()
    }
}

fn is_newer(snapshot: &Snapshot, known: Option<&Arc<Snapshot>>) -> bool {
    known.is_none_or(|known| known.revision() < snapshot.revision())
}

fn next(masker: &Masker, known: Option<&Arc<Snapshot>>, snapshot: &Snapshot) -> Masker {
    let whole = || Masker::new(snapshot.masked_values());
    let Some(known) = known else { return whole() };
    let grown = masker.grown(snapshot.masked_values_since(known));
    let count_max = 2 * snapshot.masked_values().count() + VALUES_SPARE;
    if grown.value_count() > count_max { whole() } else { grown }
}

/// How much is logged, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verbosity {
    /// The least important level that is logged.
    pub level: LevelFilter,
    /// Whether a line is JSON.
    pub json: bool,
}

/// Sends all logs of the process, masked, to the stream that `open` gives for each line. Called once; a second call
/// changes nothing.
pub fn install<W>(verbosity: Verbosity, masking: Arc<Masking>, open: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // Libraries see bytes whose values no masker knows yet, so they never say more than their warnings.
    let others = verbosity.level.min(LevelFilter::WARN);
    let filter = Targets::new().with_default(others).with_target("keytide", verbosity.level);
    let layer = fmt::layer().with_writer(MaskedWriter { masking, open }).with_ansi(false);
    let layer = if verbosity.json { layer.event_format(line::JsonLine).boxed() } else { layer.boxed() };
    // A subscriber that is there already stays: tests install one each.
    let _ = tracing_subscriber::registry().with(filter).with(layer).try_init();
}

struct MaskedWriter<W> {
    masking: Arc<Masking>,
    open: W,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for MaskedWriter<W> {
    type Writer = MaskedLine<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        MaskedLine { masker: self.masking.current(), line: Vec::new(), target: self.open.make_writer() }
    }
}

/// Gathers one event's bytes, so that a value that is written in pieces is still found.
struct MaskedLine<W: Write> {
    masker: Arc<Masker>,
    line: Vec<u8>,
    target: W,
}

impl<W: Write> Write for MaskedLine<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        self.target.write_all(self.masker.mask_text(&text).as_bytes())?;
        self.target.flush()
    }
}

impl<W: Write> Drop for MaskedLine<W> {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            // Nobody is left to tell that the log cannot be written.
            let _ = self.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Mutex;

    use super::*;
    use crate::clock::SystemClock;
    use crate::disk::FaultyDisk;
    use crate::secret::{self, Change, Edges, Identity, Paths, Store, Writer};
    use crate::words::Sensitive;

    #[derive(Clone, Default)]
    struct Stream(Arc<Mutex<Vec<u8>>>);

    impl Write for Stream {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_value_that_is_written_in_pieces_is_masked() {
        let secret = Sensitive::new("tok-4242-canary");
        let masking = Masking::new(Masker::new([&secret]));
        let stream = Stream::default();
        let target = stream.clone();
        let writer = MaskedWriter { masking, open: move || target.clone() };
        let mut line = writer.make_writer();
        line.write_all(b"token is tok-42").unwrap();
        line.write_all(b"42-canary, base64 dG9rLTQyNDItY2FuYXJ5\n").unwrap();
        drop(line);
        let text = String::from_utf8(stream.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "token is ***, base64 ***\n");
    }

    /// A store on a disk in memory.
    fn store() -> Store {
        let edges = Edges { disk: Arc::new(FaultyDisk::new(1)), clock: Arc::new(SystemClock) };
        let paths = Paths::new(Path::new("/project/secrets"), Path::new("/project/state"), None);
        Store::create(edges, paths, Identity::generate(), "here", 2).unwrap_or_else(|error| panic!("{error}")).0
    }

    fn put(store: &Store, value: &str) {
        let write =
            secret::Write { name: "token".to_owned(), value: Sensitive::new(value), expires: None, plain: false };
        let change = Change::Put { writes: vec![write], writer: Writer::person("owner") };
        assert!(store.update(vec![change]).is_ok());
    }

    #[test]
    fn a_value_that_is_stored_later_is_masked_from_then_on() {
        let (store, masking) = (store(), Masking::new(Masker::new([])));
        for number in 0..20 {
            let value = format!("late-secret-value-{number:02}");
            assert_eq!(masking.current().mask_text(&value), value);
            put(&store, &value);
            masking.follow(&store.snapshot());
            assert_eq!(masking.current().mask_text(&value), "***");
        }
    }

    #[test]
    fn values_that_left_the_store_do_not_pile_up() {
        let (store, masking) = (store(), Masking::new(Masker::new([])));
        let older = store.snapshot();
        for number in 0..VALUES_SPARE + 20 {
            put(&store, &format!("passing-value-{number}"));
            masking.follow(&store.snapshot());
        }
        assert!(masking.current().value_count() < VALUES_SPARE / 2);
        masking.follow(&older);
        assert_eq!(masking.current().mask_text(&format!("passing-value-{}", VALUES_SPARE + 19)), "***");
    }
}
