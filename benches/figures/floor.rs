//! What the disk itself allows: the bare operations that a guarantee is made of.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keytide::disk::{SystemDisk, replace};
use rusqlite::Connection;

use crate::Outcome;

/// The bare operations, in a folder of their own.
pub(crate) struct Floor {
    file: PathBuf,
    database: Connection,
}

impl Floor {
    /// Makes a file to rewrite and a database to commit to.
    pub(crate) fn new(folder: &Path) -> Outcome<Self> {
        std::fs::create_dir_all(folder)?;
        let database = Connection::open(folder.join("floor.db"))?;
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        database.execute_batch("CREATE TABLE rows(key INTEGER PRIMARY KEY, body BLOB NOT NULL)")?;
        Ok(Self { file: folder.join("floor.bin"), database })
    }

    /// Replaces the file as a store is replaced: new file, sync, rename, sync of the folder.
    pub(crate) fn rewrite(&self, bytes: &[u8]) -> Outcome<Duration> {
        let started = Instant::now();
        replace(&SystemDisk, &self.file, bytes)?;
        Ok(started.elapsed())
    }

    /// Commits rows of these bytes in one synced transaction.
    pub(crate) fn commit(&mut self, rows: usize, bytes: &[u8]) -> Outcome<Duration> {
        let started = Instant::now();
        let transaction = self.database.transaction()?;
        for _ in 0..rows {
            transaction.prepare_cached("INSERT INTO rows(body) VALUES(?1)")?.execute([bytes])?;
        }
        transaction.commit()?;
        Ok(started.elapsed())
    }
}
