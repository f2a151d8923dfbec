use crate::journal::reader::Reader;
use crate::journal::{Error, Head, rows};
use crate::words::WorkflowStatus;

/// How many executions in trouble are told of: nobody looks through more at once.
const TROUBLED_MAX: usize = 1_000;

impl Reader {
    /// Returns the newest execution of each of these workflows in each status that one of them has: a few steps of one index
    /// each, however many executions there are.
    pub fn newest<'n>(&self, workflows: impl IntoIterator<Item = &'n str>) -> Result<Vec<Head>, Error> {
        let columns = rows::HEAD_COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM executions WHERE name = ?1 AND status = ?2 ORDER BY started DESC, key DESC LIMIT 1"
        );
        self.with(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut heads = Vec::new();
            for workflow in workflows {
                for status in WorkflowStatus::ALL {
                    let found = statement.query_map((workflow, status.as_str()), rows::head)?;
                    heads.extend(found.collect::<Result<Vec<_>, _>>()?);
                }
            }
            Ok(heads)
        })
    }

    /// Returns the executions that hold what they could not store, or of whose calls nobody knows what they did, the newest
    /// first.
    pub fn troubled(&self) -> Result<Vec<Head>, Error> {
        let columns = rows::HEAD_COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM executions WHERE unstored = 1 OR in_doubt = 1 ORDER BY started DESC LIMIT {TROUBLED_MAX}"
        );
        self.with(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let found = statement.query_map([], rows::head)?;
            Ok(found.collect::<Result<_, _>>()?)
        })
    }
}
