use std::collections::HashMap;

use serde_json::Value;

use crate::access::TargetKind;
use crate::daemon::aside;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::executions::{Known, unavailable};
use crate::daemon::views::{Views, summary_of_snapshot};
use crate::journal::{Condition, Direction, Field, Head, Page, Query, Slot, SlotField};
use crate::words::{Owner, Permission};

/// How many searches look into the journal at once: the others wait, and leave the processors to what runs.
pub(in crate::daemon) const SEARCHES_AT_ONCE_MAX: usize = 4;

impl Handle {
    /// Returns the executions that a query asks for, as Conductor's WorkflowSummaries, masked.
    pub async fn search(&self, who: &Owner, query: Query<Field>) -> Result<Page<Value>, Error> {
        self.page_of(who, query, |views, known| match known {
            Known::Whole(execution) => views.summary(&execution),
            Known::Archived(snapshot) => summary_of_snapshot(&snapshot),
        })
        .await
    }

    /// Returns the executions that a query asks for, as Conductor's Workflows without their tasks, masked.
    pub async fn search_workflows(&self, who: &Owner, query: Query<Field>) -> Result<Page<Value>, Error> {
        self.page_of(who, query, |views, known| known.without_tasks(views)).await
    }

    /// Returns what became of slots of the schedules that `who` may read, the latest first.
    pub async fn slots(&self, who: &Owner, query: Query<SlotField>) -> Result<Page<Slot>, Error> {
        let who = who.clone();
        self.looking(move |handle| {
            let mut query = query;
            if who != Owner::Local {
                let mut names = handle.0.reader.schedule_names().map_err(unavailable)?;
                names.retain(|name| handle.may(&who, Permission::Read, TargetKind::Schedule, name));
                query.conditions.push(Condition::one_of(SlotField::Schedule, names));
            }
            handle.0.reader.slots(&query).map_err(unavailable)
        })
        .await
    }

    /// Returns the executions' heads, and counts no others.
    pub(super) fn heads(&self, query: &Query<Field>) -> Result<Vec<Head>, Error> {
        self.0.reader.heads(query).map_err(unavailable)
    }

    async fn page_of(
        &self,
        who: &Owner,
        query: Query<Field>,
        show: impl Fn(&Views, Known) -> Value + Send + 'static,
    ) -> Result<Page<Value>, Error> {
        let who = who.clone();
        self.looking(move |handle| {
            let page = handle.0.reader.search(&handle.readable_only(&who, query)?).map_err(unavailable)?;
            // Most of a page runs a few definitions: each is read and compiled once.
            let mut plans = HashMap::new();
            // What cannot be read is not shown.
            let known = page.rows.iter().filter_map(|head| handle.journaled(head.execution, &mut plans).ok());
            Ok(Page { rows: known.map(|known| show(&handle.0.views, known)).collect(), total: page.total })
        })
        .await
    }

    /// Looks into the journal where it holds up nobody else.
    async fn looking<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.0.searches.clone().acquire_owned().await;
        let turn = turn.map_err(|_| Error::Unavailable("keytide is stopping".to_owned()))?;
        let handle = self.clone();
        // Whoever asked may be gone meanwhile; the turn ends with the look.
        aside(move || (look(&handle), turn).0).await?
    }

    /// Returns the query as it is for `who`: what it may not see is not counted either.
    fn readable_only(&self, who: &Owner, mut query: Query<Field>) -> Result<Query<Field>, Error> {
        if *who != Owner::Local {
            let mut names = self.0.reader.workflow_names().map_err(unavailable)?;
            names.retain(|name| self.may(who, Permission::Read, TargetKind::Workflow, name));
            query.conditions.push(Condition::one_of(Field::Name, names));
        }
        Ok(query)
    }
}

/// Returns the query of the latest executions.
pub fn latest(count: u64) -> Query<Field> {
    Query { sort: vec![(Field::Started, Direction::Descending)], size: count, ..Query::default() }
}
