//! The variables that `${workflow.env.NAME}` gives: those of the settings, and beside them those that the API made.

use std::sync::{MutexGuard, PoisonError};

use serde_json::Value;

use crate::access::{Tagged, TargetKind, name_problem};
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::applications::removed;
use crate::daemon::message::Message;
use crate::daemon::rules::Rules;
use crate::journal::{Action, Object, ObjectKind, OwnedKind};
use crate::settings::Row;
use crate::words::{Map, Owner, Permission};

/// How many variables the API keeps: each is a row of the journal, and all of them go into every turn of the dispatcher.
const VARIABLES_MAX: usize = 1_000;
/// How long a value may be: an address or a list, not a document.
const VALUE_BYTES_MAX: usize = 64 << 10;

impl Handle {
    /// Returns what `${workflow.env.NAME}` gives now.
    pub fn variables(&self) -> Map {
        self.rules().environment
    }

    /// Returns the variables of the environment that `who` may read.
    pub fn environment(&self, who: &Owner) -> Vec<(String, Value)> {
        let readable = |(name, _): &(String, Value)| self.may(who, Permission::Read, TargetKind::Environment, name);
        self.variables().into_iter().filter(readable).collect()
    }

    /// Returns what of the environment a definition of this owner sees.
    pub(super) fn environment_of(&self, owner: &Owner) -> Map {
        match owner {
            Owner::App(_) => self.environment(owner).into_iter().collect(),
            Owner::File(_) | Owner::Local => self.variables(),
        }
    }

    /// Returns a variable of the environment.
    pub fn variable(&self, who: &Owner, name: &str) -> Result<Value, Error> {
        let missing = || Error::NotFound(format!("there is no environment variable `{name}`"));
        self.permit_known(who, Permission::Read, TargetKind::Environment, name, missing)?;
        self.variables().remove(name).ok_or_else(missing)
    }

    /// Sets a variable over the API. One of the settings is changed in their file alone.
    pub async fn put_variable(&self, who: &Owner, name: String, value: String) -> Result<(), Error> {
        if let Some(problem) = name_problem(&name).or_else(|| name.contains('.').then(|| "it holds a `.`".to_owned())) {
            return Err(Error::invalid(format!("environment variable: {problem}")));
        }
        if value.len() > VALUE_BYTES_MAX {
            let bytes = value.len();
            return Err(Error::invalid(format!("the value has {bytes} bytes, and the limit is {VALUE_BYTES_MAX}")));
        }
        self.permit_write(who, TargetKind::Environment, &name, self.variables().contains_key(&name))?;
        self.of_api(&name)?;
        let entry = self.entry(who, Action::Write, Object::new(ObjectKind::Environment, &name));
        self.govern(entry, move |handle, _, made| {
            if made.variables.len() >= VARIABLES_MAX && !made.variables.contains_key(&name) {
                let advice = "remove one, or set it in keytide.toml";
                return Err(Error::invalid(format!("there are {VARIABLES_MAX} variables, the limit: {advice}")));
            }
            let kept = handle.kept_rule(OwnedKind::Variable, name.clone(), Value::from(value.as_str()));
            made.variables.insert(name, value);
            Ok(((), vec![kept]))
        })
        .await
    }

    /// Removes a variable that the API made, and returns what it was to who may read it; nothing to others.
    pub async fn remove_variable(&self, who: &Owner, name: &str) -> Result<String, Error> {
        let missing = || Error::NotFound(format!("there is no environment variable `{name}`"));
        self.permit_known(who, Permission::Delete, TargetKind::Environment, name, missing)?;
        self.of_api(name)?;
        self.forget_tags(who, Tagged::Environment, name).await?;
        let entry = self.entry(who, Action::Remove, Object::new(ObjectKind::Environment, name));
        let sees = self.may(who, Permission::Read, TargetKind::Environment, name);
        let name = name.to_owned();
        self.govern(entry, move |_, _, made| match made.variables.remove(&name) {
            Some(value) => Ok((if sees { value } else { String::new() }, vec![removed(OwnedKind::Variable, name)])),
            None => Err(Error::NotFound(format!("there is no environment variable `{name}`"))),
        })
        .await
    }

    /// Returns every setting of the start with where it comes from; only the owner sees them. A value of the store that somebody
    /// set there is masked.
    pub fn shown_settings(&self, who: &Owner) -> Result<Vec<Row>, Error> {
        self.administers(who, Action::Look)?;
        let masker = self.0.views.masker();
        let masked = |row: Row| Row { value: masker.mask_text(&row.value).into_owned(), ..row };
        Ok(self.settings().sources().into_iter().map(masked).collect())
    }

    /// Fails for a variable of the settings.
    fn of_api(&self, name: &str) -> Result<(), Error> {
        if !self.set().environment.contains_key(name) {
            return Ok(());
        }
        let key = format!("environment.{name}");
        let row = self.settings().sources().into_iter().find(|row| row.key == key);
        let place = row.map_or_else(|| crate::settings::FILE_NAME.to_owned(), |row| row.source);
        Err(Error::Conflict(format!("the environment variable `{name}` is set by {place}: change it there")))
    }

    /// Returns what the dispatcher goes by: the settings with what the API made beside them.
    pub(in crate::daemon) fn rules(&self) -> Rules {
        self.merged(&self.set())
    }

    /// Has the dispatcher go by the settings of now, or by these, and by what the API made.
    pub(super) fn tell_rules(&self, changed: Option<Rules>) {
        // Who tells holds the lock, so that the last one to be told is the last one that was made.
        let mut set = self.set();
        if let Some(changed) = changed {
            *set = changed;
        }
        let Rules { environment, store_retry } = self.merged(&set);
        // A dispatcher that has stopped follows no rules any more.
        self.0.inbox.tell(Message::Rules { environment, store_retry });
    }

    fn merged(&self, set: &Rules) -> Rules {
        let made = self.0.authority.current();
        let made = made.made.variables.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        let mut environment: Map = made.collect();
        environment.extend(set.environment.clone());
        Rules { environment, store_retry: set.store_retry }
    }

    fn set(&self) -> MutexGuard<'_, Rules> {
        self.0.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
