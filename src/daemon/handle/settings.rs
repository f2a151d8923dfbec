use std::path::PathBuf;
use std::sync::PoisonError;

use crate::catalog::{News, Problem};
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::rules::Rules;
use crate::journal::Action;
use crate::scheduler::Defaults;
use crate::secret::Provenance;
use crate::settings::{self, Settings};
use crate::words::Owner;

/// Where everything of a project is, for its owner to find.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Which identity opened the store, where it is known.
    pub identity: Option<Provenance>,
    /// The project's folder.
    pub project: PathBuf,
    /// The folder of the definitions.
    pub workflows: PathBuf,
    /// The age file of the secrets.
    pub store: PathBuf,
    /// The database of the executions.
    pub journal: PathBuf,
}

impl Handle {
    /// Returns where everything is; only the owner hears it.
    pub fn places(&self, who: &Owner) -> Result<&Ground, Error> {
        self.administers(who, Action::Look)?;
        Ok(&self.0.ground)
    }

    /// Takes a changed settings file: what can change while the process runs does, for the rest it says that it must be
    /// started again. A broken file changes nothing.
    pub(in crate::daemon) fn take_settings(&self, news: &News) {
        let read = match news {
            News::Written(bytes) => (self.0.reread)(Some(bytes)),
            News::Removed => (self.0.reread)(None),
            News::Unreadable(reason) => Err(reason.clone()),
        };
        let problem = match read {
            Ok(settings) => self.apply_settings(&settings),
            Err(reason) => Some(reason),
        };
        if let Some(message) = &problem {
            tracing::warn!("{}: {message}", settings::FILE_NAME);
        }
        let place = settings::FILE_NAME.to_owned();
        let problem = problem.map(|message| Problem { place, message, diagnostics: Vec::new() });
        *self.0.unsettled.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// Returns what keeps the settings file from being in force.
    pub(super) fn unsettled(&self) -> Option<Problem> {
        self.0.unsettled.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn apply_settings(&self, changed: &Settings) -> Option<String> {
        let environment = changed.environment.clone();
        self.tell_rules(Some(Rules { environment, store_retry: changed.secrets.store_retry }));
        let changing = self.0.definitions.begin();
        self.0.definitions.set_defaults(Defaults::from(&changed.schedules));
        self.publish(&changing, (*self.catalog()).clone());
        let before = &self.0.settings;
        let same = [
            ("[folders]", before.folders == changed.folders),
            ("[secrets]", before.secrets.versions == changed.secrets.versions),
            ("[history]", before.history == changed.history),
            ("[audit]", before.audit == changed.audit),
            ("[schedules] start", before.schedules.start == changed.schedules.start),
            ("[http]", before.http == changed.http),
            ("[server]", before.server == changed.server),
            ("[access]", before.access == changed.access),
        ];
        let stale: Vec<_> = same.into_iter().filter(|(_, same)| !same).map(|(table, _)| table).collect();
        let message = || format!("{} changed: start keytide again to have it in force", stale.join(", "));
        (!stale.is_empty()).then(message)
    }
}
