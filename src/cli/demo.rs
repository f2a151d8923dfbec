//! The demo: an issuer on loopback whose tokens expire, and a project that keeps up with it.

pub mod issuer;
mod scene;
mod visitor;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::args::LogFormat;
use super::args::{self, Global};
use super::console::Console;
use super::doors::Doors;
use super::environment::Environment;
use super::error::{Error, Kind};
use super::init;
use super::logs;
use super::project::Project;
use super::serve::stopped;
use super::signals::Hurry;
use crate::api::Limits;
use crate::catalog::Catalog;
use crate::clock::SystemClock;
use crate::daemon::{Daemon, Recovery};
use crate::disk::{TemporaryFolder, replace};
use crate::secret::{Change, Identity, Store, Write, Writer};
use crate::settings;
use crate::words::Sensitive;

use issuer::{Issuer, Options};
use scene::Scene;

/// The seed's workflow, which asks another issuer.
const WORKFLOW: &str = include_str!("../../workflows/update_rotate_secrets_tracker_app.json");
/// The issuer that the seed's workflow asks.
const SEED_URI: &str = "https://conductor-server.orkesconductor.io/api/token";
/// Before which field the schedule is written.
const LAST_FIELD: &str = "\n  \"schemaVersion\"";
/// Every two seconds.
const SCHEDULE: &str = "\n  \"schedules\": [{\"cronExpression\": \"0/2 * * * * *\", \"zoneId\": \"UTC\"}],";
/// How long a token lives: a few missed rotations, and the resource is closed.
const TOKEN_LIFETIME: Duration = Duration::from_secs(10);
/// What the demo's project calls its key.
const KEY_ID: &str = "demo-key";

/// Shows a rotation at work until it is interrupted, or until there were enough.
pub(super) fn run(arguments: &args::Demo, console: &Console) -> Result<(), Error> {
    let environment = Environment::read().map_err(failed)?;
    let stage =
        Stage::set(arguments.keep.as_ref().map(|folder| environment.current.join(folder)), environment, console)?;
    let runtime = Runtime::new().map_err(failed)?;
    let key_secret = Sensitive::new(uuid::Uuid::new_v4().to_string());
    let options = Options { lifetime: TOKEN_LIFETIME, key_id: KEY_ID.to_owned(), key_secret: key_secret.clone() };
    let issuer = runtime.block_on(Issuer::start(options, Arc::new(SystemClock))).map_err(failed)?;
    stage.furnish(&issuer, &key_secret)?;
    let masking = logs::install(&stage.store, console, LogFormat::Text);
    let config = stage.project.daemon(&stage.store, &masking, Recovery::Everything, Catalog::default(), Vec::new());
    let daemon = Daemon::start(&config)?;
    let doors = Doors::open(&daemon, &stage.project, None, Limits::default())?;
    let mut scene = Scene::new(&issuer, &stage.store, console);
    let played = daemon.runtime().block_on(scene.play(arguments.rotations));
    doors.close();
    let hurry = Hurry::on(&daemon);
    let lost = daemon.stop(move || hurry.is_wanted());
    played?;
    stopped(&lost)?;
    scene.end();
    if let Some(folder) = &arguments.keep {
        console.note(&format!("the project is in {}; its issuer is gone", folder.display()));
        console.note(&format!("next: keytide -C {} secret history {}", folder.display(), scene::SECRET));
    }
    Ok(())
}

/// The project that the demo plays in; a temporary one goes when this is dropped.
struct Stage {
    project: Project,
    store: Arc<Store>,
    _folder: Option<TemporaryFolder>,
}

impl Stage {
    /// Makes a project: one to keep as `init` does, else one whose identity is nowhere but in memory.
    fn set(keep: Option<PathBuf>, mut environment: Environment, console: &Console) -> Result<Self, Error> {
        environment.forget_places();
        if let Some(root) = keep {
            let project = Project::at(root, &Global::default(), environment)?;
            if project.disk.facts(&project.root.join(settings::FILE_NAME)).is_ok() {
                return Err(Error::new(Kind::Conflict, format!("{} is a project already", project.root.display())));
            }
            init::make_project(&project, console)?;
            let store = Arc::new(project.store()?);
            return Ok(Self { project, store, _folder: None });
        }
        let folder = TemporaryFolder::create("keytide-demo-").map_err(failed)?;
        let project = Project::at(folder.path().to_owned(), &Global::default(), environment)?;
        project.disk.create_folder(&project.workflows).map_err(failed)?;
        let versions = project.settings.secrets.versions;
        let identity = Identity::generate();
        let (store, _) = Store::create(project.edges(), project.paths.clone(), identity, "demo", versions)?;
        Ok(Self { project, store: Arc::new(store), _folder: Some(folder) })
    }

    /// Keeps the key that the issuer knows, and writes the workflow that asks it.
    fn furnish(&self, issuer: &Issuer, key_secret: &Sensitive) -> Result<(), Error> {
        let write = |name: &str, value: Sensitive| Write { name: name.to_owned(), value, expires: None, plain: false };
        let writes = vec![write("appKeyId", Sensitive::new(KEY_ID)), write("appKeySecret", key_secret.clone())];
        self.store.update(vec![Change::Put { writes, writer: Writer::person("owner") }])?;
        let workflow = WORKFLOW.replace(SEED_URI, &issuer.token_url());
        let workflow = workflow.replace(LAST_FIELD, &format!("{SCHEDULE}{LAST_FIELD}"));
        let file = self.project.workflows.join("update_rotate_secrets_tracker_app.json");
        replace(&*self.project.disk, &file, workflow.as_bytes()).map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Failed, error)
}

#[cfg(test)]
mod workflow_tests {
    use super::{LAST_FIELD, SEED_URI, WORKFLOW};

    #[test]
    fn the_seed_has_what_the_demo_replaces() {
        assert_eq!((WORKFLOW.matches(SEED_URI).count(), WORKFLOW.matches(LAST_FIELD).count()), (1, 1));
    }
}
