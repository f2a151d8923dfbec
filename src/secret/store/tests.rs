mod crash;
mod forks;
mod together;

use std::path::Path;
use std::sync::Arc;

use super::{Edges, Problem, Refreshed, Store};
use crate::clock::ManualClock;
use crate::disk::{Disk, FaultyDisk, SystemDisk, replace};
use crate::secret::contents::Contents;
use crate::secret::{Change, Error, Identity, Outcome, Paths, Recipient, Stage, Version, Write, Writer, envelope};
use crate::words::{Sensitive, Timestamp};

const BYTES_MAX: u64 = 1 << 24;
const VERSIONS_KEPT: usize = 5;

/// A store on some disk, and what it takes to open it again.
struct Bench {
    disk: Arc<dyn Disk>,
    clock: Arc<ManualClock>,
    paths: Paths,
    identity: Identity,
}

impl Bench {
    fn on(disk: Arc<dyn Disk>, root: &Path) -> Self {
        let paths = Paths::new(&root.join("secrets"), &root.join("state"), None);
        let clock = Arc::new(ManualClock::new(Timestamp::parse("2026-11-20T12:00:00Z").unwrap()));
        Self { disk, clock, paths, identity: Identity::generate() }
    }

    fn faulty(seed: u64) -> (Self, FaultyDisk) {
        let disk = FaultyDisk::new(seed);
        (Self::on(Arc::new(disk.clone()), Path::new("/project")), disk)
    }

    fn edges(&self) -> Edges {
        Edges { disk: self.disk.clone(), clock: self.clock.clone() }
    }

    fn create(&self) -> Store {
        self.create_with_recovery().0
    }

    fn create_with_recovery(&self) -> (Store, Sensitive) {
        Store::create(self.edges(), self.paths.clone(), self.identity.clone(), "here", VERSIONS_KEPT).unwrap_ok()
    }

    fn try_open(&self) -> Result<Store, Error> {
        Store::open(self.edges(), self.paths.clone(), self.identity.clone(), VERSIONS_KEPT)
    }

    fn open(&self) -> Store {
        self.try_open().unwrap_ok()
    }

    fn read_store(&self) -> Vec<u8> {
        self.disk.read(&self.paths.store, BYTES_MAX).unwrap()
    }

    fn write_store(&self, bytes: &[u8]) {
        replace(&*self.disk, &self.paths.store, bytes).unwrap();
    }

    /// Edits the payload as a person with `age -d` and `age -e` does.
    fn edit(&self, edit: impl FnOnce(&mut serde_json::Value)) {
        let plain = envelope::open(&self.read_store(), &self.identity, &self.paths.store).unwrap_ok();
        let mut payload = serde_json::from_slice(&plain).unwrap();
        edit(&mut payload);
        let recipients = serde_json::from_value::<Vec<Recipient>>(payload["recipients"].clone()).unwrap();
        let text = serde_json::to_vec(&payload).unwrap();
        self.write_store(&envelope::seal(&text, &recipients).unwrap_ok());
    }
}

trait UnwrapOk<T> {
    /// Unwraps what has no `Debug`.
    fn unwrap_ok(self) -> T;
}

impl<T> UnwrapOk<T> for Result<T, Error> {
    fn unwrap_ok(self) -> T {
        self.unwrap_or_else(|error| panic!("{error}"))
    }
}

fn put(name: &str, value: &str) -> Change {
    put_by(name, value, Writer::person("owner"))
}

fn put_by(name: &str, value: &str, writer: Writer) -> Change {
    let write = Write { name: name.to_owned(), value: Sensitive::new(value), expires: None, plain: false };
    Change::Put { writes: vec![write], writer }
}

fn attempt(run: &str, attempt: u32) -> Writer {
    Writer { by: "workflow:rotate".to_owned(), run: Some(run.to_owned()), reference: Some("store".to_owned()), attempt }
}

fn value(store: &Store, name: &str, version: Version) -> Option<String> {
    store.snapshot().get(name, version).map(|value| value.expose().to_owned())
}

fn current(store: &Store, name: &str) -> Option<String> {
    value(store, name, Version::Current)
}

#[test]
fn what_was_written_is_there_after_an_open() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    let written = store.update(vec![put("token", "one")]).unwrap();
    assert_eq!((written.revision, written.secrets[0].outcome), (2, Outcome::Created));
    store.update(vec![put("token", "two")]).unwrap();
    let again = bench.open();
    assert_eq!(current(&again, "token").as_deref(), Some("two"));
    assert_eq!(value(&again, "token", Version::Previous).as_deref(), Some("one"));
    assert_eq!(value(&again, "token", Version::Number(1)).as_deref(), Some("one"));
    assert_eq!(again.snapshot().fingerprint(&Sensitive::new("two")).len(), 12);
    assert_eq!(again.problems(), []);
}

#[test]
fn the_recovery_key_opens_the_store_and_a_stranger_does_not() {
    let (mut bench, _) = Bench::faulty(1);
    let (store, recovery) = bench.create_with_recovery();
    store.update(vec![put("token", "one")]).unwrap();
    bench.identity = Identity::parse(recovery.expose(), &crate::secret::Origin::Variable("TEST")).unwrap_ok();
    assert_eq!(current(&bench.open(), "token").as_deref(), Some("one"));
    bench.identity = Identity::generate();
    assert!(matches!(bench.try_open().err(), Some(Error::NotARecipient { .. })));
}

#[test]
fn a_second_create_leaves_the_store_as_it_is() {
    let (bench, _) = Bench::faulty(1);
    bench.create();
    let before = bench.read_store();
    let second = Store::create(bench.edges(), bench.paths.clone(), bench.identity.clone(), "here", VERSIONS_KEPT);
    assert!(matches!(second.err(), Some(Error::Exists { .. })));
    assert_eq!(bench.read_store(), before);
}

#[test]
fn the_same_value_makes_no_new_version_and_no_rewrite() {
    let (bench, disk) = Bench::faulty(1);
    let store = bench.create();
    store.update(vec![put("token", "one")]).unwrap();
    store.catch_up();
    let steps = disk.steps();
    let written = store.update(vec![put("token", "one")]).unwrap();
    assert_eq!((written.secrets[0].outcome, written.secrets[0].version), (Outcome::Same, 1));
    assert_eq!(disk.steps(), steps, "nothing was written");
}

#[test]
fn the_same_attempt_writes_once() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    store.update(vec![put_by("token", "one", attempt("run", 0))]).unwrap();
    store.update(vec![put_by("token", "two", attempt("run", 1))]).unwrap();
    let repeated = store.update(vec![put_by("token", "one", attempt("run", 0))]).unwrap();
    assert_eq!(repeated.secrets[0].outcome, Outcome::Repeated);
    assert_eq!(current(&store, "token").as_deref(), Some("two"));
}

#[test]
fn a_repeat_of_what_brought_the_same_value_undoes_no_later_write() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    store.update(vec![put("token", "one")]).unwrap();
    let same = store.update(vec![put_by("token", "one", attempt("run", 0))]).unwrap();
    assert_eq!((same.secrets[0].outcome, same.secrets[0].version), (Outcome::Same, 1));
    store.update(vec![put_by("token", "two", attempt("other", 0))]).unwrap();
    drop(store);
    let store = bench.open();
    let repeated = store.update(vec![put_by("token", "one", attempt("run", 0))]).unwrap();
    assert_eq!(repeated.secrets[0].outcome, Outcome::Repeated);
    assert_eq!(current(&store, "token").as_deref(), Some("two"));
}

#[test]
fn the_last_five_versions_are_kept_with_their_stages() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    for number in 1..=7 {
        store.update(vec![put("token", &number.to_string())]).unwrap();
    }
    let history = store.snapshot().history("token").unwrap();
    let shown: Vec<_> = history.iter().map(|info| (info.version, info.stage)).collect();
    let stages = [Some(Stage::Current), Some(Stage::Previous), None, None, None];
    assert_eq!(shown, [7, 6, 5, 4, 3].into_iter().zip(stages).collect::<Vec<_>>());
}

#[test]
fn a_rollback_is_a_new_version_with_the_old_value() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    for value in ["one", "two"] {
        store.update(vec![put("token", value)]).unwrap();
    }
    let roll_back = |to| Change::Rollback { name: "token".to_owned(), to, writer: Writer::person("owner") };
    let written = store.update(vec![roll_back(Version::Previous)]).unwrap();
    assert_eq!(written.secrets[0].version, 3);
    assert_eq!(current(&store, "token").as_deref(), Some("one"));
    assert_eq!(value(&store, "token", Version::Previous).as_deref(), Some("two"));
    assert!(matches!(store.update(vec![roll_back(Version::Number(9))]), Err(Error::UnknownVersion { .. })));
}

#[test]
fn several_secrets_change_together_or_not_at_all() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    let refused = store.update(vec![put("good", "one"), put("not a name", "two")]);
    assert!(matches!(refused, Err(Error::BadName { .. })));
    assert!(!store.snapshot().contains("good"));
    let long = "x".repeat(crate::secret::VALUE_BYTES_MAX + 1);
    let refused = store.update(vec![put("good", "one"), put("long", &long)]).unwrap_err();
    assert!(matches!(refused, Error::ValueTooLarge { .. }) && !refused.is_transient());
    assert!(!store.snapshot().contains("good"));
}

#[test]
fn a_refused_update_leaves_everything_that_it_touched() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    store.update(vec![put("kept", "one")]).unwrap_ok();
    let before = store.snapshot();
    let stranger = Identity::generate().recipients().remove(0);
    let refused = store.update(vec![
        put("kept", "two"),
        Change::Tag { name: "kept".to_owned(), key: "team".to_owned(), value: Some("build".to_owned()) },
        Change::AddRecipient(Recipient { recipient: stranger, name: "stranger".to_owned() }),
        put("new", "three"),
        Change::Remove { name: "kept".to_owned() },
        Change::Remove { name: "missing".to_owned() },
    ]);
    assert!(matches!(refused, Err(Error::UnknownSecret { .. })));
    assert!(store.snapshot().contents() == before.contents());
}

#[test]
fn tags_and_removal_are_changes_like_others() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    let tag = |value: Option<&str>| Change::Tag {
        name: "token".to_owned(),
        key: "team".to_owned(),
        value: value.map(str::to_owned),
    };
    store.update(vec![put("token", "one"), tag(Some("build"))]).unwrap();
    assert_eq!(bench.open().snapshot().tags("token").unwrap()["team"], "build");
    store.update(vec![tag(None)]).unwrap();
    assert!(store.snapshot().tags("token").unwrap().is_empty());
    store.update(vec![Change::Remove { name: "token".to_owned() }]).unwrap();
    assert!(!bench.open().snapshot().contains("token"));
    assert!(matches!(store.update(vec![tag(None)]), Err(Error::UnknownSecret { .. })));
}

#[test]
fn a_removed_recipient_reads_no_more_and_new_records_have_a_new_key() {
    let (mut bench, _) = Bench::faulty(1);
    let store = bench.create();
    let guest = Identity::generate();
    let recipient = guest.recipients().remove(0);
    let sealer = store.sealer().unwrap_ok();
    let old = sealer.seal(b"row", b"text");
    let add = Change::AddRecipient(Recipient { recipient: recipient.clone(), name: "guest".to_owned() });
    store.update(vec![add, put("token", "one")]).unwrap();
    let guests_sealer = {
        let guest_bench = Bench { identity: guest.clone(), ..Bench::on(bench.disk.clone(), Path::new("/project")) };
        guest_bench.open().sealer().unwrap_ok()
    };
    assert_eq!(guests_sealer.open(b"row", &old).unwrap_ok().as_slice(), b"text");

    store.update(vec![Change::RemoveRecipient { recipient: "guest".to_owned() }]).unwrap();
    let new = sealer.seal(b"row", b"text");
    assert!(matches!(guests_sealer.open(b"row", &new).err(), Some(Error::UnknownKey { .. })));
    assert_eq!(bench.open().sealer().unwrap_ok().open(b"row", &old).unwrap_ok().as_slice(), b"text");
    assert_eq!(bench.open().sealer().unwrap_ok().open(b"row", &new).unwrap_ok().as_slice(), b"text");
    let list = bench.disk.read(&bench.paths.recipients, BYTES_MAX).unwrap();
    assert!(!String::from_utf8(list).unwrap().contains(&recipient));
    let own = bench.identity.recipients().remove(0);
    let locked_out = store.update(vec![Change::RemoveRecipient { recipient: own }]);
    assert!(matches!(locked_out, Err(Error::OwnRecipient { .. })));
    bench.identity = guest;
    assert!(matches!(bench.try_open().err(), Some(Error::NotARecipient { .. })));
}

#[test]
fn a_list_of_recipients_that_was_edited_is_a_problem_and_adds_no_reader() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    let stranger = Identity::generate().recipients().remove(0);
    let mut list = bench.disk.read(&bench.paths.recipients, BYTES_MAX).unwrap();
    list.extend_from_slice(format!("# me\n{stranger}\n").as_bytes());
    replace(&*bench.disk, &bench.paths.recipients, &list).unwrap();
    let store_again = bench.open();
    assert_eq!(store_again.problems(), [Problem::RecipientsDiffer(bench.paths.recipients.clone())]);
    store.update(vec![put("token", "one")]).unwrap();
    assert_eq!(bench.open().snapshot().recipients().len(), 2);
}

#[test]
fn flipping_any_bit_is_refused() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    store.update(vec![put("token", "one")]).unwrap();
    let good = bench.read_store();
    let known = store.snapshot();
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let opened = envelope::open(&flipped, &bench.identity, &bench.paths.store);
        let same = opened.and_then(|plain| Contents::parse(&plain, &bench.paths.store));
        // White space around the armor carries nothing.
        assert!(same.is_err() || same.is_ok_and(|same| same == **known.contents()), "bit {bit}");
    }
    for length in 0..good.len() - 1 {
        let opened = envelope::open(&good[..length], &bench.identity, &bench.paths.store);
        assert!(opened.is_err(), "length {length}");
    }
}

#[test]
fn a_value_reaches_no_error_and_no_file_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::on(Arc::new(SystemDisk), folder.path());
    let store = bench.create();
    let canary = "canary-3f9a1c77";
    store.update(vec![put("token", canary)]).unwrap();
    bench.edit(|payload| payload["revision"] = canary.into());
    store.refresh().unwrap();
    let shown = format!("{:?} {}", store.problems(), store.update(vec![put("token", "x")]).unwrap_err());
    assert!(!shown.contains(canary), "{shown}");
    for folder in ["secrets", "state"].map(|name| folder.path().join(name)) {
        for entry in bench.disk.list(&folder).unwrap() {
            let bytes = bench.disk.read(&entry.path, BYTES_MAX).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(canary), "{}", entry.path.display());
            assert_eq!(bench.disk.facts(&entry.path).unwrap().mode, 0o600, "{}", entry.path.display());
        }
    }
}

#[test]
fn a_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::on(Arc::new(SystemDisk), folder.path());
    drop(bench.create());
    let real = folder.path().join("real.age");
    bench.disk.rename(&bench.paths.store, &real).unwrap();
    std::os::unix::fs::symlink(&real, &bench.paths.store).unwrap();
    bench.open().update(vec![put("token", "one")]).unwrap();
    assert_eq!(bench.disk.link_facts(&bench.paths.store).unwrap().kind, crate::disk::Kind::Link);
    assert_eq!(current(&bench.open(), "token").as_deref(), Some("one"));
}

#[test]
fn a_moment_that_no_calendar_has_leaves_a_store_that_can_be_read() {
    let (bench, _) = Bench::faulty(1);
    let store = bench.create();
    let write =
        Write { name: "token".to_owned(), value: Sensitive::new("one"), expires: Some(Timestamp::MAX), plain: false };
    store.update(vec![Change::Put { writes: vec![write.clone()], writer: Writer::person("owner") }]).unwrap();
    // The same value again, which only takes over when it expires.
    store.update(vec![Change::Put { writes: vec![write], writer: Writer::person("owner") }]).unwrap();
    drop(store);
    let again = bench.open();
    assert_eq!((current(&again, "token").as_deref(), again.problems()), (Some("one"), vec![]));
    assert_eq!(again.snapshot().history("token").unwrap()[0].expires, None);
}

#[test]
fn a_link_that_is_swapped_is_a_fork_and_neither_file_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::on(Arc::new(SystemDisk), folder.path());
    let store = bench.create();
    store.update(vec![put("token", "one")]).unwrap();
    let (backup, link) = (bench.read_store(), &bench.paths.store);
    store.update(vec![put("token", "two")]).unwrap();
    let [real, other] = ["real", "other"].map(|name| folder.path().join(name));
    for path in [&real, &other] {
        std::fs::create_dir(path).unwrap();
    }
    std::fs::rename(link, real.join("store.age")).unwrap();
    replace(&SystemDisk, &other.join("store.age"), &backup).unwrap();
    let target = link.with_extension("new");
    std::os::unix::fs::symlink(other.join("store.age"), &target).unwrap();
    std::fs::rename(&target, link).unwrap();
    let before = std::fs::read(real.join("store.age")).unwrap();
    assert!(matches!(store.update(vec![put("token", "lost?")]), Err(Error::Forked { .. })));
    assert_eq!(current(&store, "token").as_deref(), Some("two"), "reads go on from the last good copy");
    assert_eq!(std::fs::read(real.join("store.age")).unwrap(), before);
    assert_eq!(std::fs::read(other.join("store.age")).unwrap(), backup);
}

#[test]
fn a_folder_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::on(Arc::new(SystemDisk), folder.path());
    drop(bench.create());
    let secrets = folder.path().join("secrets");
    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o777)).unwrap();
    let error = bench.try_open().err().unwrap().to_string();
    assert!(error.contains("chmod go-w"), "{error}");
}
