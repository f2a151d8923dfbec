//! The project a command works in: its folder, settings, state and identity.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::cli::args::Global;
use crate::cli::environment::Environment;
use crate::cli::error::{Error, Kind};
use crate::clock::SystemClock;
use crate::daemon::{Config, Recovery};
use crate::disk::{self, Disk, SystemDisk};
use crate::executor::script::Evaluator;
use crate::observe::Masking;
use crate::secret::{Edges, Identity, Origin, Paths, Provenance, Store};
use crate::settings::{self, Settings};
use crate::words::{Diagnostic, Sensitive, Severity, Source};
use crate::workflow::report;

/// The longest settings file that is read.
const SETTINGS_BYTES_MAX: u64 = 1 << 20;
/// Where a policy file is looked for besides `--policy`.
const POLICY_FILE: &str = "/etc/keytide/policy.toml";

/// Where everything of a project is.
pub(super) struct Project {
    /// The folder.
    pub(super) root: PathBuf,
    /// What is set.
    pub(super) settings: Arc<Settings>,
    /// The folder of the definitions.
    pub(super) workflows: PathBuf,
    /// The state folder of this environment.
    pub(super) state: PathBuf,
    /// The store.
    pub(super) paths: Paths,
    /// The file system.
    pub(super) disk: Arc<dyn Disk>,
    /// The process environment.
    pub(super) environment: Environment,
    /// The server that commands speak to instead of this folder.
    pub(super) server: Option<String>,
    /// The certificate authorities that are trusted there too.
    pub(super) ca: Option<PathBuf>,
    identity_file: Option<PathBuf>,
    sources: Arc<Sources>,
}

/// What settings are made of besides `keytide.toml`, so that they can be read again when that changes.
struct Sources {
    policy: Option<Source>,
    environment: Option<String>,
    values: Vec<(String, String)>,
}

impl Sources {
    /// Returns the settings with this text of `keytide.toml`; wrong ones are an error with every problem in it.
    fn settings(&self, project: Option<&Source>) -> Result<Settings, Error> {
        let (mut settings, diagnostics) = Settings::load(project, self.policy.as_ref(), self.environment.as_deref());
        refuse_errors(&diagnostics)?;
        for (name, value) in &self.values {
            settings.override_environment(name, value, &format!("KEYTIDE_ENV_{name}"));
        }
        Ok(settings)
    }

    fn reread(&self, bytes: Option<&[u8]>) -> Result<Settings, String> {
        let text = bytes.map(std::str::from_utf8).transpose().map_err(|_| "it is not UTF-8".to_owned())?;
        let source = text.map(|text| Source { name: settings::FILE_NAME.into(), text: text.into() });
        self.settings(source.as_ref()).map_err(|error| error.message)
    }
}

impl Project {
    /// Finds the project and reads its settings; a wrong settings file is an error with every problem in it.
    pub(super) fn find(global: &Global) -> Result<Self, Error> {
        let environment = Environment::read().map_err(|error| Error::new(Kind::Failed, error))?;
        let root = match &global.directory {
            Some(directory) => folder(&SystemDisk, environment.current.join(directory))?,
            None => nearest_project(&SystemDisk, &environment.current),
        };
        Self::at(root, global, environment)
    }

    /// Returns the project in a folder.
    pub(super) fn at(root: PathBuf, global: &Global, environment: Environment) -> Result<Self, Error> {
        let disk: Arc<dyn Disk> = Arc::new(SystemDisk);
        if let Some(name) = &global.environment {
            check_environment(name)?;
        }
        let project = source(&*disk, &root.join(settings::FILE_NAME), settings::FILE_NAME)?;
        let sources = Sources {
            policy: policy(&*disk, global, &environment)?,
            environment: global.environment.clone(),
            values: environment.values.clone(),
        };
        #[cfg_attr(not(feature = "otel"), expect(unused_mut, reason = "only traces are set"))]
        let mut settings = sources.settings(project.as_ref())?;
        #[cfg(feature = "otel")]
        {
            settings.traces = environment.traces.clone().map_err(|error| Error::new(Kind::Usage, error))?;
        }
        let chosen_state = global.state.clone().or_else(|| environment.state.clone());
        let state_root = root.join(chosen_state.as_deref().unwrap_or(Path::new(&settings.folders.state)));
        let secrets = match (&settings.folders.secrets, &chosen_state) {
            (Some(secrets), _) => root.join(secrets),
            (None, Some(_)) => state_root.join("secrets"),
            (None, None) => root.join("secrets"),
        };
        let state = global.environment.as_ref().map_or_else(|| state_root.clone(), |name| state_root.join(name));
        Ok(Self {
            workflows: root.join(&settings.folders.workflows),
            paths: Paths::new(&secrets, &state, global.environment.as_deref()),
            identity_file: global.identity.clone(),
            server: server(global, &environment),
            ca: global.ca.as_ref().map(|file| environment.current.join(file)),
            root,
            settings: Arc::new(settings),
            sources: Arc::new(sources),
            state,
            disk,
            environment,
        })
    }

    /// Returns the identity: `--identity`, `KEYTIDE_IDENTITY_FILE`, `KEYTIDE_IDENTITY`, the systemd credential, the
    /// default file, whichever is first.
    pub(super) fn identity(&self) -> Result<Identity, Error> {
        match self.provenance().map(|found| found.origin) {
            Some(Origin::File(file)) => Identity::load(&*self.disk, &self.root.join(file)).map_err(key_error),
            Some(origin @ Origin::Variable(_)) => {
                let text = self.environment.identity.as_ref().map_or("", Sensitive::expose);
                Identity::parse(text, &origin).map_err(key_error)
            }
            None => Err(Error::new(Kind::Key, "there is no age identity")
                .hint("run `keytide init` to make one, or name one with --identity FILE")),
        }
    }

    /// Returns which identity is taken, where there is one, and what says so.
    pub(super) fn provenance(&self) -> Option<Provenance> {
        let environment = &self.environment;
        let file = |named_by: &'static str, file: PathBuf| Provenance { origin: Origin::File(file), named_by };
        if let Some(named) = &self.identity_file {
            return Some(file("--identity", named.clone()));
        }
        if let Some(named) = &environment.identity_file {
            return Some(file("KEYTIDE_IDENTITY_FILE", named.clone()));
        }
        if environment.identity.is_some() {
            let origin = Origin::Variable("KEYTIDE_IDENTITY");
            return Some(Provenance { origin, named_by: "the process environment" });
        }
        let credential = environment.credentials.as_ref().map(|folder| folder.join("age-identity"));
        let candidates = credential.map(|path| file("the credentials of systemd", path)).into_iter();
        let mut all = candidates.chain(environment.default_identity().map(|path| file("the default place", path)));
        all.find(|one| matches!(&one.origin, Origin::File(file) if self.disk.facts(file).is_ok()))
    }

    /// Opens the store.
    pub(super) fn store(&self) -> Result<Store, Error> {
        let identity = self.identity()?;
        Ok(Store::open(self.edges(), self.paths.clone(), identity, self.settings.secrets.versions)?)
    }

    /// Returns the project for what works on this machine alone, whatever server is named.
    pub(super) fn here(self) -> Self {
        Self { server: None, ..self }
    }

    /// Opens the store where commands work on this folder; where they speak to a server there is none.
    pub(super) fn store_here(&self) -> Result<Option<Arc<Store>>, Error> {
        if self.server.is_some() { Ok(None) } else { Ok(Some(Arc::new(self.store()?))) }
    }

    /// Returns what a daemon of this project is made of.
    pub(super) fn daemon(
        &self,
        store: &Arc<Store>,
        masking: &Arc<Masking>,
        recovery: Recovery,
        catalog: Catalog,
        own_addresses: Vec<SocketAddr>,
    ) -> Config {
        let sources = self.sources.clone();
        Config {
            settings: self.settings.clone(),
            store: store.clone(),
            evaluator: Evaluator::this_program(),
            disk: self.disk.clone(),
            clock: Arc::new(SystemClock),
            masking: masking.clone(),
            identity: self.provenance().map(|found| self.whole(found)),
            project: self.root.clone(),
            workflows: self.workflows.clone(),
            state: self.state.clone(),
            own_addresses,
            recovery,
            catalog,
            reread: Arc::new(move |bytes| sources.reread(bytes)),
        }
    }

    /// Returns the same with the whole path of its file.
    fn whole(&self, found: Provenance) -> Provenance {
        match found.origin {
            Origin::File(file) => Provenance { origin: Origin::File(self.root.join(file)), ..found },
            Origin::Variable(_) => found,
        }
    }

    /// Returns what a store works through.
    pub(super) fn edges(&self) -> Edges {
        Edges { disk: self.disk.clone(), clock: Arc::new(SystemClock) }
    }

    /// Returns a path as people know it: below the project folder where it is there.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

/// Returns the server that is meant: `--server`, else the one of the process environment, where no option names what is here.
fn server(global: &Global, environment: &Environment) -> Option<String> {
    let Global { directory, identity, state, environment: chosen, .. } = global;
    let names_here = directory.is_some() || identity.is_some() || state.is_some() || chosen.is_some();
    let of_process = environment.conductor_server.clone().filter(|_| !names_here);
    global.server.clone().or(of_process)
}

fn key_error(error: crate::secret::Error) -> Error {
    Error::new(Kind::Key, error)
}

fn folder(disk: &dyn Disk, path: PathBuf) -> Result<PathBuf, Error> {
    if disk.facts(&path).is_ok_and(|facts| facts.kind == disk::Kind::Folder) {
        return Ok(path);
    }
    Err(Error::new(Kind::NotFound, format!("there is no folder {}", path.display()))
        .hint(format!("`keytide init {}` makes it a project", path.display())))
}

/// An environment's name is a part of paths and of settings.
fn check_environment(name: &str) -> Result<(), Error> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_plain) {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, format!("`{name}` is no name of an environment"))
        .hint("use letters, digits, `_` and `-`"))
}

fn nearest_project(disk: &dyn Disk, current: &Path) -> PathBuf {
    let found = current.ancestors().find(|folder| disk.facts(&folder.join(settings::FILE_NAME)).is_ok());
    found.unwrap_or(current).to_owned()
}

fn policy(disk: &dyn Disk, global: &Global, environment: &Environment) -> Result<Option<Source>, Error> {
    if let Some(file) = &global.policy {
        let file = environment.current.join(file);
        return match source(disk, &file, &file.display().to_string())? {
            Some(source) => Ok(Some(source)),
            None => Err(Error::new(Kind::Usage, format!("there is no policy file {}", file.display()))),
        };
    }
    let credential = environment.credentials.as_ref().map(|folder| folder.join("policy.toml"));
    for file in std::iter::once(PathBuf::from(POLICY_FILE)).chain(credential) {
        if let Some(source) = source(disk, &file, &file.display().to_string())? {
            return Ok(Some(source));
        }
    }
    Ok(None)
}

fn source(disk: &dyn Disk, file: &Path, name: &str) -> Result<Option<Source>, Error> {
    let cannot = |error: &dyn std::fmt::Display| Error::new(Kind::Failed, format!("cannot read {name}: {error}"));
    match disk.read(file, SETTINGS_BYTES_MAX) {
        Ok(bytes) => {
            let text = String::from_utf8(bytes).map_err(|_| cannot(&"it is not UTF-8"))?;
            Ok(Some(Source { name: name.into(), text: text.into() }))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot(&error)),
    }
}

fn refuse_errors(diagnostics: &[Diagnostic]) -> Result<(), Error> {
    if diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error) {
        return Ok(());
    }
    let reports: Vec<String> = diagnostics.iter().map(|diagnostic| report::render(diagnostic, false)).collect();
    Err(Error::new(Kind::Usage, format!("the settings are not usable\n{}", reports.join("\n"))))
}
