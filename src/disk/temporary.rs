use std::io;
use std::path::Path;

/// A new folder, 0700, that is removed with all that is in it when it is dropped.
pub struct TemporaryFolder(tempfile::TempDir);

impl TemporaryFolder {
    /// Makes one in the system's folder for such things.
    pub fn create(prefix: &str) -> io::Result<Self> {
        tempfile::Builder::new().prefix(prefix).tempdir().map(Self)
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
