use crate::access::{APPLICATIONS_MAX, AccessKey, Accounts, Application, KEYS_MAX, Ruled, name_problem};
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::message::Message;
use crate::journal::{Action, Entry, Object, ObjectKind, Owned, OwnedChange, OwnedKind};
use crate::secret::{random_access_key, random_id};
use crate::words::{Grantee, Owner, Sensitive};

/// What is to be done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// It signs in nobody, and what it signed in is signed out; or it signs in again.
    Toggle,
    /// It signs in nobody, and what it signed in is signed out.
    Disable,
    /// It is gone.
    Remove,
}

impl Handle {
    /// Returns the applications, by name.
    pub fn applications(&self, who: &Owner) -> Result<Vec<Application>, Error> {
        self.administers(who, Action::Look)?;
        Ok(self.0.authority.current().accounts.applications().cloned().collect())
    }

    /// Returns one application.
    pub fn application(&self, who: &Owner, name: &str) -> Result<Application, Error> {
        self.administers(who, Action::Look)?;
        self.0.authority.current().application(name).cloned().ok_or_else(|| unknown(name))
    }

    /// Returns the application whose key that is.
    pub fn application_of_key(&self, who: &Owner, key_id: &str) -> Result<Application, Error> {
        self.administers(who, Action::Look)?;
        let current = self.0.authority.current();
        current.accounts.holder(key_id).cloned().ok_or_else(|| Error::NotFound(format!("there is no key `{key_id}`")))
    }

    /// Makes an application, which has no key and no rights yet.
    pub async fn create_application(&self, who: &Owner, name: String) -> Result<Application, Error> {
        self.administers(who, Action::Create)?;
        if let Some(problem) = name_problem(&name) {
            return Err(Error::invalid(problem));
        }
        let entry = self.entry(who, Action::Create, Object::new(ObjectKind::Application, &name));
        let application = Application::new(name, random_id()?, self.now());
        self.govern(entry, move |handle, accounts, _| {
            if accounts.application(&application.name).is_some() {
                return Err(Error::Conflict(format!("there is an application `{}` already", application.name)));
            }
            if accounts.applications().count() >= APPLICATIONS_MAX {
                return Err(Error::invalid(format!("there are {APPLICATIONS_MAX} applications, and no room for more")));
            }
            accounts.put(application.clone());
            Ok((application.clone(), vec![handle.kept_application(&application)]))
        })
        .await
    }

    /// Removes an application with its keys and what was granted to it here; whatever it signed in is signed out, and what it
    /// made may do nothing any more.
    pub async fn remove_application(&self, who: &Owner, name: String) -> Result<(), Error> {
        self.administers(who, Action::Remove)?;
        let entry = self.entry(who, Action::Remove, Object::new(ObjectKind::Application, &name));
        self.govern(entry, move |handle, accounts, made| {
            accounts.application(&name).ok_or_else(|| unknown(&name))?;
            accounts.remove(&name);
            let mut changes = vec![removed(OwnedKind::Application, name.clone())];
            changes.extend(handle.forgotten(made, &Grantee::App(name)));
            Ok(((), changes))
        })
        .await
    }

    /// Makes a key for an application; its secret is returned once and kept nowhere.
    pub async fn add_key(&self, who: &Owner, name: String) -> Result<(String, Sensitive), Error> {
        self.administers(who, Action::Create)?;
        let (id, secret) = random_access_key()?;
        let key = AccessKey::new(id.clone(), &secret, self.now());
        let entry =
            self.entry(who, Action::Create, Object::new(ObjectKind::Key, &id)).detailed(&format!("of app:{name}"));
        self.govern(entry, move |handle, accounts, _| {
            let mut application = accounts.application(&name).cloned().ok_or_else(|| unknown(&name))?;
            if application.keys.len() >= KEYS_MAX {
                let advice = "remove one that is not used any more";
                return Err(Error::Conflict(format!("`{name}` has {KEYS_MAX} keys, the limit: {advice}")));
            }
            application.keys.push(key);
            let change = handle.kept_application(&application);
            accounts.put(application);
            Ok(((), vec![change]))
        })
        .await?;
        Ok((id, secret))
    }

    /// Disables, removes or toggles a key, and returns it as it was left; from then on its tokens are what it is.
    pub async fn change_key(
        &self,
        who: &Owner,
        name: String,
        key_id: String,
        change: KeyChange,
    ) -> Result<AccessKey, Error> {
        self.administers(who, Action::Write)?;
        let (action, word) = match change {
            KeyChange::Toggle => (Action::Write, "toggled"),
            KeyChange::Disable => (Action::Write, "disabled"),
            KeyChange::Remove => (Action::Remove, "removed"),
        };
        let entry = self.entry(who, action, Object::new(ObjectKind::Key, &key_id));
        let entry = entry.detailed(&format!("{word}, of app:{name}"));
        self.govern(entry, move |handle, accounts, _| {
            let mut application = accounts.application(&name).cloned().ok_or_else(|| unknown(&name))?;
            let at = application.keys.iter().position(|key| key.id == key_id);
            let at = at.ok_or_else(|| Error::NotFound(format!("`{name}` has no key `{key_id}`")))?;
            let key = &mut application.keys[at];
            match change {
                KeyChange::Toggle => key.disabled = !key.disabled,
                KeyChange::Disable | KeyChange::Remove => key.disabled = true,
            }
            let left = key.clone();
            if change == KeyChange::Remove {
                application.keys.remove(at);
            }
            let kept = handle.kept_application(&application);
            accounts.put(application);
            Ok((left, vec![kept]))
        })
        .await
    }

    /// Changes who may do what: the journal first, then what is in force. One change at a time is made, and none ends halfway
    /// because whoever asked went away. The entry says in the audit what is done.
    pub(super) async fn govern<T: Send + 'static>(
        &self,
        entry: Entry,
        decide: impl FnOnce(&Self, &mut Accounts, &mut Ruled) -> Result<(T, Vec<OwnedChange>), Error> + Send + 'static,
    ) -> Result<T, Error> {
        let handle = self.clone();
        self.to_the_end(async move {
            let _governing = handle.0.governing.lock().await;
            let current = handle.0.authority.current();
            let (mut accounts, mut made) = (current.accounts.clone(), current.made.clone());
            let (told, changes) = decide(&handle, &mut accounts, &mut made)?;
            if !changes.is_empty() {
                handle.ask_told(vec![entry], |reply| Message::Own { changes, reply }).await??;
                handle.0.authority.replace(accounts, made);
                handle.tell_rules(None);
                // What schedules may start follows from it.
                let changing = handle.0.definitions.begin();
                handle.publish(&changing, (*handle.catalog()).clone());
            }
            Ok(told)
        })
        .await
    }

    /// Returns the change that keeps a group.
    pub(super) fn kept_group(&self, name: &str, members: &[Grantee]) -> OwnedChange {
        self.kept_rule(OwnedKind::Group, name.to_owned(), members.iter().map(ToString::to_string).collect())
    }

    fn kept_application(&self, application: &Application) -> OwnedChange {
        let definition = serde_json::to_value(application).expect("an application has only text keys");
        self.kept_rule(OwnedKind::Application, application.name.clone(), definition)
    }

    /// Returns the change that keeps a rule.
    pub(super) fn kept_rule(&self, kind: OwnedKind, name: String, definition: serde_json::Value) -> OwnedChange {
        let now = self.now();
        let (version, app) = (0, String::new());
        OwnedChange::Put(Owned { kind, name, version, app, created: now, updated: now, definition })
    }
}

/// Returns the change that forgets a rule.
pub(super) const fn removed(kind: OwnedKind, name: String) -> OwnedChange {
    OwnedChange::Remove { kind, name, version: 0 }
}

fn unknown(name: &str) -> Error {
    Error::NotFound(format!("there is no application `{name}`"))
}
