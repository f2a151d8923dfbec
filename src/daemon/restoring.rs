//! What the API made, read back from the journal: each row by itself, so that one that cannot be read hides no other.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::access::{Accounts, Application, Ruled, Tagged};
use crate::catalog::{Problem, Registration};
use crate::journal::{Kept, Owned, OwnedKind};
use crate::words::{App, Grant, Grantee, Owner, Timestamp};

/// The id of applications that were removed before there were ids; those that are made are longer.
const REMOVED: &str = "removed";

/// What the API made.
#[derive(Default)]
pub(super) struct Restored {
    /// Definitions, with whom they act as.
    pub(super) registrations: Vec<(Registration, Owner)>,
    /// The applications.
    pub(super) accounts: Accounts,
    /// Groups and grants.
    pub(super) made: Ruled,
    /// What cannot be read. It has no effect, so that a grant that cannot be read grants nothing.
    pub(super) problems: Vec<Problem>,
}

impl Restored {
    /// Reads the rows.
    pub(super) fn read(owned: Kept<Owned>) -> Self {
        let place = "what the API made".to_owned();
        let unreadable = owned.unreadable.into_iter().map(|fault| fault.to_string());
        let problem = |message| Problem { place: place.clone(), message, diagnostics: Vec::new() };
        let mut restored = Self { problems: unreadable.map(problem).collect(), ..Self::default() };
        let born = born(&owned.rows);
        for mut row in owned.rows {
            // It was made by the one before of that name: an application makes nothing before there is one.
            if born.get(&row.app).is_some_and(|born| row.updated < *born) {
                row.app = App { name: row.app, id: REMOVED.to_owned() }.into();
            }
            let place = format!("{} {}", row.kind.as_str(), row.name);
            if let Err(error) = restored.take(row) {
                let message = format!("was made over the API and cannot be read back, so it is not served: {error}");
                restored.problems.push(Problem { place, message, diagnostics: Vec::new() });
            }
        }
        for problem in &restored.problems {
            tracing::error!(place = problem.place, "{}", problem.message);
        }
        restored
    }

    fn take(&mut self, row: Owned) -> Result<(), serde_json::Error> {
        let owner = if row.app.is_empty() { Owner::Local } else { Owner::App(App::from(row.app)) };
        let registration = match row.kind {
            OwnedKind::Workflow => Registration::Workflow(Box::new(read(row.definition)?)),
            OwnedKind::Schedule => Registration::Schedule(read(row.definition)?),
            OwnedKind::Task => Registration::TaskDef(read(row.definition)?),
            OwnedKind::EventHandler => Registration::EventHandler(Box::new(read(row.definition)?)),
            OwnedKind::Application => {
                self.accounts.put(read::<Application>(row.definition)?);
                return Ok(());
            }
            OwnedKind::Group => {
                self.made.groups.insert(row.name, read::<Vec<Grantee>>(row.definition)?);
                return Ok(());
            }
            OwnedKind::Grant => {
                self.made.grants.push(read::<Grant>(row.definition)?);
                return Ok(());
            }
            OwnedKind::Tags => {
                let unknown = || serde::de::Error::custom("it names nothing that is tagged");
                let (tagged, name) = Tagged::of_row(&row.name).ok_or_else(unknown)?;
                self.made.tags.set(tagged, name.to_owned(), read(row.definition)?);
                return Ok(());
            }
            OwnedKind::Variable => {
                self.made.variables.insert(row.name, read(row.definition)?);
                return Ok(());
            }
        };
        self.registrations.push((registration, owner));
        Ok(())
    }
}

/// Returns the applications from before there were ids, with when each was made.
fn born(rows: &[Owned]) -> BTreeMap<String, Timestamp> {
    let applications = rows.iter().filter(|row| row.kind == OwnedKind::Application);
    let applications = applications.filter_map(|row| read::<Application>(row.definition.clone()).ok());
    applications.filter(|one| one.id.is_empty()).map(|one| (one.name, one.created)).collect()
}

fn read<T: DeserializeOwned>(definition: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(definition)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Restored;
    use crate::access::Policy;
    use crate::journal::{Kept, Owned, OwnedKind};
    use crate::words::{App, Owner, Timestamp};

    fn row(kind: OwnedKind, name: &str, app: &str, definition: serde_json::Value) -> Owned {
        let (created, name, app) = (Timestamp::EPOCH, name.to_owned(), app.to_owned());
        Owned { kind, name, version: 0, app, created, updated: created, definition }
    }

    #[test]
    fn what_a_removed_application_left_is_not_of_the_one_that_was_made_anew_under_its_name() {
        let handler = |name: &str| json!({"name": name, "event": "conductor:e", "actions": [], "active": true});
        let at = |millis: i64, row: Owned| Owned { updated: Timestamp::from_millis(millis), ..row };
        let made = json!({"name": "ci", "created": 1_000, "keys": []});
        let kept = Kept {
            rows: vec![
                at(500, row(OwnedKind::EventHandler, "before", "ci", handler("before"))),
                at(1_000, row(OwnedKind::EventHandler, "same", "ci", handler("same"))),
                at(2_000, row(OwnedKind::Application, "ci", "", made)),
            ],
            unreadable: Vec::new(),
        };
        let restored = Restored::read(kept);
        let policy = Policy::default().with_applications(restored.accounts.apps());
        let barred = restored.registrations.iter().map(|(made, owner)| (made.name(), policy.security_error(owner)));
        let barred: Vec<_> = barred.map(|(name, error)| (name.to_string(), error.is_some())).collect();
        assert_eq!(barred, [("event handler `before`".to_owned(), true), ("event handler `same`".to_owned(), false)]);
    }

    #[test]
    fn what_was_kept_before_there_were_ids_keeps_its_owner_and_no_later_application_becomes_it() {
        let handler = json!({"name": "h", "event": "conductor:e", "actions": [], "active": true});
        let kept = Kept {
            rows: vec![
                row(OwnedKind::Application, "ci", "", json!({"name": "ci", "created": 0, "keys": []})),
                row(OwnedKind::EventHandler, "h", "ci", handler),
            ],
            unreadable: Vec::new(),
        };
        let restored = Restored::read(kept);
        assert_eq!(restored.problems, []);
        let (_, owner) = &restored.registrations[0];
        let removed = |apps| Policy::default().with_applications(apps).security_error(owner).is_some();
        assert!(!removed(restored.accounts.apps()));
        assert!(removed([App::parse("ci#0a1b")].into()), "one that was made anew");
        assert_eq!(restored.accounts.application("ci").unwrap().as_owner(), *owner);
        assert_eq!(*owner, Owner::App(App::parse("ci")));
    }
}
