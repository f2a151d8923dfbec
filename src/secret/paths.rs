use std::path::{Path, PathBuf};

/// Where a store and what belongs to it are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The age file.
    pub store: PathBuf,
    /// The list of recipients for people.
    pub recipients: PathBuf,
    /// The state folder, of this environment.
    pub state: PathBuf,
}

impl Paths {
    /// Returns the paths of a project's store, or of one of its environments. `state` is the environment's own folder.
    pub fn new(secrets: &Path, state: &Path, environment: Option<&str>) -> Self {
        let (store, recipients) = match environment {
            None => ("store.age".to_owned(), "recipients.txt".to_owned()),
            Some(name) => (format!("{name}.age"), format!("{name}.recipients.txt")),
        };
        Self { store: secrets.join(store), recipients: secrets.join(recipients), state: state.to_owned() }
    }

    /// Returns the last good copy.
    pub(super) fn last(&self) -> PathBuf {
        self.state.join("store.last.age")
    }

    /// Returns what the state folder remembers of the store.
    pub(super) fn anchor(&self) -> PathBuf {
        self.state.join("store.anchor")
    }

    /// Returns the file of the sealing keys.
    pub(super) fn data_key(&self) -> PathBuf {
        self.state.join("data-key.age")
    }
}

/// Returns the lock file beside a store.
pub(super) fn lock_beside(store: &Path) -> PathBuf {
    let name = store.file_name().unwrap_or_default().to_string_lossy();
    store.with_file_name(format!(".{name}.lock"))
}
