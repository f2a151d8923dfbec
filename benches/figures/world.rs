//! A project: an identity, a store with secrets, workflows, and the daemon on it in this process or another.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use keytide::catalog::Catalog;
use keytide::clock::SystemClock;
use keytide::daemon::{Config, Daemon, Recovery};
use keytide::disk::SystemDisk;
use keytide::executor::script::Evaluator;
use keytide::observe::Masking;
use keytide::redact::Masker;
use keytide::secret::{Change, Edges, Identity, Paths, Store, Write, Writer};
use keytide::settings::Settings;
use keytide::words::Sensitive;
use serde_json::Value;
use tempfile::TempDir;

use crate::{Outcome, program};

/// The released program.
pub(crate) const KEYTIDE: &str = env!("CARGO_BIN_EXE_keytide");

/// How long a secret's value is: a usual token.
const VALUE_BYTES: usize = 120;

/// Returns a folder on the disk that the build is on.
pub(crate) fn disk_folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// A project in a folder that goes away with this value.
pub(crate) struct World {
    folder: TempDir,
    identity: Identity,
}

impl World {
    /// Makes a project with this many secrets in a folder of `parent`.
    pub(crate) fn new(parent: &Path, secrets: usize) -> Outcome<Self> {
        let folder = tempfile::tempdir_in(parent)?;
        let world = Self { folder, identity: Identity::generate() };
        fs::create_dir(world.at("workflows"))?;
        fs::write(world.at("keytide.toml"), "")?;
        write_private(&world.at("identity.txt"), world.identity.to_text().expose())?;
        let (store, _) = Store::create(edges(), world.paths(), world.identity.clone(), "figures", 5)?;
        store.update(vec![put((0..secrets).map(|number| (secret(number), value(number))))])?;
        Ok(world)
    }

    /// Returns a path in the project.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the recipient that encrypts for this project's identity.
    pub(crate) fn recipient(&self) -> String {
        self.identity.recipients().join(",")
    }

    /// Writes a file of the project.
    pub(crate) fn add(&self, name: &str, definition: &Value) -> Outcome<PathBuf> {
        let path = self.at(name);
        fs::write(&path, serde_json::to_vec_pretty(definition)?)?;
        Ok(path)
    }

    /// Returns the bytes of the store's file.
    pub(crate) fn store_bytes(&self) -> Outcome<Vec<u8>> {
        Ok(fs::read(self.paths().store)?)
    }

    /// Returns a command of the released program on this project, whose run can be measured.
    pub(crate) fn command(&self, arguments: &[&str]) -> Outcome<Command> {
        let mut command = program::command(KEYTIDE)?;
        command.arg("-q");
        self.add_arguments(&mut command, arguments);
        Ok(command)
    }

    /// Runs a command of the released program to its end, and returns what it printed.
    pub(crate) fn output(&self, arguments: &[&str]) -> Outcome<String> {
        let mut command = Command::new(KEYTIDE);
        command.env_clear();
        self.add_arguments(&mut command, arguments);
        let output = command.output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Returns the command of `keytide serve` on this project.
    pub(crate) fn serve(&self) -> Command {
        let mut command = Command::new(KEYTIDE);
        command.env_clear();
        self.add_arguments(&mut command, &["serve", "-q"]);
        command
    }

    fn add_arguments(&self, command: &mut Command, arguments: &[&str]) {
        command.arg("-C").arg(self.folder.path()).arg("--identity").arg(self.at("identity.txt")).args(arguments);
        command.env("XDG_RUNTIME_DIR", self.folder.path()).env("HOME", self.folder.path());
    }

    /// Opens the store.
    pub(crate) fn store(&self) -> Outcome<Arc<Store>> {
        Ok(Arc::new(Store::open(edges(), self.paths(), self.identity.clone(), 5)?))
    }

    /// Starts the daemon in this process, without schedules.
    pub(crate) fn daemon(&self) -> Outcome<Daemon> {
        let store = self.store()?;
        let config = Config {
            settings: Arc::new(Settings::default()),
            masking: Masking::new(Masker::new(store.snapshot().masked_values())),
            store,
            disk: Arc::new(SystemDisk),
            clock: Arc::new(SystemClock),
            identity: None,
            project: self.folder.path().to_owned(),
            workflows: self.at("workflows"),
            state: self.at(".keytide"),
            evaluator: Evaluator::of(KEYTIDE),
            own_addresses: Vec::new(),
            recovery: Recovery::OwnOnly,
            catalog: Catalog::default(),
            reread: Arc::new(|_| Ok(Settings::default())),
        };
        Ok(Daemon::start(&config)?)
    }

    fn paths(&self) -> Paths {
        Paths::new(&self.at("secrets"), &self.at(".keytide"), None)
    }
}

/// Returns the name of a secret.
pub(crate) fn secret(number: usize) -> String {
    format!("service_{number}_token")
}

/// Returns a value that no other number has.
pub(crate) fn value(number: usize) -> String {
    format!("{number:0>VALUE_BYTES$}")
}

/// Returns the change that gives these secrets these values.
pub(crate) fn put(pairs: impl Iterator<Item = (String, String)>) -> Change {
    let write = |(name, value)| Write { name, value: Sensitive::new(value), expires: None, plain: false };
    Change::Put { writes: pairs.map(write).collect(), writer: Writer::person("owner") }
}

fn edges() -> Edges {
    Edges { disk: Arc::new(SystemDisk), clock: Arc::new(SystemClock) }
}

fn write_private(path: &Path, text: &str) -> Outcome<()> {
    use std::io::Write as _;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}
