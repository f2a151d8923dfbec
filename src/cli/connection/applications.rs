//! The clients of the API, as the command line asks about them.

use serde_json::{Value, json};

use super::super::error::Error;
use super::here::WHO;
use super::there::list;
use super::{Connection, Here};
use crate::api;
use crate::client::Method;
use crate::daemon::KeyChange;

impl Connection {
    /// Returns the applications.
    pub(in crate::cli) fn applications(&self) -> Result<Vec<Value>, Error> {
        match self {
            Self::Here(here) => Ok(handle(here).applications(&WHO)?.iter().map(api::shown_application).collect()),
            Self::There(there) => there.get(&["api", "applications"], &[]).map(list),
        }
    }

    /// Returns the keys of an application.
    pub(in crate::cli) fn keys(&self, name: &str) -> Result<Vec<Value>, Error> {
        match self {
            Self::Here(here) => Ok(handle(here).application(&WHO, name)?.keys.iter().map(api::shown_key).collect()),
            Self::There(there) => there.get(&["api", "applications", name, "accessKeys"], &[]).map(list),
        }
    }

    /// Makes an application.
    pub(in crate::cli) fn create_application(&self, name: &str) -> Result<(), Error> {
        match self {
            Self::Here(here) => here.wait(handle(here).create_application(&WHO, name.to_owned())).map(drop),
            Self::There(there) => {
                there.call(Method::POST, &["api", "applications"], &[], Some(&json!({"name": name}))).map(drop)
            }
        }
    }

    /// Removes an application.
    pub(in crate::cli) fn remove_application(&self, name: &str) -> Result<(), Error> {
        match self {
            Self::Here(here) => here.wait(handle(here).remove_application(&WHO, name.to_owned())),
            Self::There(there) => there.call(Method::DELETE, &["api", "applications", name], &[], None).map(drop),
        }
    }

    /// Makes a key and returns it with its secret.
    pub(in crate::cli) fn add_key(&self, name: &str) -> Result<Value, Error> {
        match self {
            Self::Here(here) => {
                let (id, secret) = here.wait(handle(here).add_key(&WHO, name.to_owned()))?;
                Ok(json!({"id": id, "secret": secret.expose()}))
            }
            Self::There(there) => {
                there.call(Method::POST, &["api", "applications", name, "accessKeys"], &[], Some(&json!({})))
            }
        }
    }

    /// Removes a key.
    pub(in crate::cli) fn remove_key(&self, name: &str, key: &str) -> Result<(), Error> {
        match self {
            Self::Here(here) => change(here, name, key, KeyChange::Remove),
            Self::There(there) => {
                there.call(Method::DELETE, &["api", "applications", name, "accessKeys", key], &[], None).map(drop)
            }
        }
    }

    /// Disables a key.
    pub(in crate::cli) fn disable_key(&self, name: &str, key: &str) -> Result<(), Error> {
        let path = ["api", "keytide", "applications", name, "keys", key, "disable"];
        match self {
            Self::Here(here) => change(here, name, key, KeyChange::Disable),
            Self::There(there) => there.call(Method::POST, &path, &[], None).map(drop),
        }
    }
}

fn handle(here: &Here) -> &crate::daemon::Handle {
    here.daemon.handle()
}

fn change(here: &Here, name: &str, key: &str, change: KeyChange) -> Result<(), Error> {
    here.wait(handle(here).change_key(&WHO, name.to_owned(), key.to_owned(), change)).map(drop)
}
