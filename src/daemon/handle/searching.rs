use std::collections::HashMap;

use serde_json::Value;

use crate::access::TargetKind;
use crate::daemon::aside;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::executions::{Known, unavailable};
use crate::daemon::sought::{SummaryField, TaskField};
use crate::daemon::views::{Views, task_summary};
use crate::journal::{Condition, Direction, Field, Head, Named, Page, Query, Slot, SlotField};
use crate::words::{Owner, Permission};

/// How many searches look into the journal at once: the others wait, and leave the processors to what runs.
pub(in crate::daemon) const SEARCHES_AT_ONCE_MAX: usize = 4;

/// How many executions are opened for one page that asks for what is sealed: a tenth of a second.
const OPENED_MAX: usize = 1_000;

/// What a found execution is shown as.
type Show = fn(&Views, Known) -> Value;

impl Handle {
    /// Returns the executions that a query asks for, as Conductor's WorkflowSummaries, masked.
    pub async fn search(&self, who: &Owner, query: Query<SummaryField>) -> Result<Page<Value>, Error> {
        self.looking(who, move |handle, who| handle.executions(who, query, summary)).await
    }

    /// Returns the executions that a query asks for, as Conductor's Workflows without their tasks, masked.
    pub async fn search_workflows(&self, who: &Owner, query: Query<SummaryField>) -> Result<Page<Value>, Error> {
        self.looking(who, move |handle, who| handle.executions(who, query, workflow)).await
    }

    /// Returns the tasks that a query asks for, as Conductor's TaskSummaries, masked; those of the latest execution first.
    pub async fn search_tasks(&self, who: &Owner, query: Query<TaskField>) -> Result<Page<Value>, Error> {
        self.looking(who, move |handle, who| {
            handle.by_tasks(who, query, |_, _, tasks| tasks.iter().map(task_summary).collect())
        })
        .await
    }

    /// Returns the tasks that a query asks for, as Conductor's Tasks, masked; those of the latest execution first.
    pub async fn search_whole_tasks(&self, who: &Owner, query: Query<TaskField>) -> Result<Page<Value>, Error> {
        self.looking(who, move |handle, who| handle.by_tasks(who, query, |_, _, tasks| tasks)).await
    }

    /// Returns the executions that have a task that a query asks for, as WorkflowSummaries, masked; the latest first.
    pub async fn search_by_tasks(&self, who: &Owner, query: Query<TaskField>) -> Result<Page<Value>, Error> {
        self.looking(who, move |handle, who| handle.by_tasks(who, query, |views, known, _| vec![summary(views, known)]))
            .await
    }

    /// Returns the executions that have a task that a query asks for, as Workflows without their tasks, masked; the latest
    /// first.
    pub async fn search_workflows_by_tasks(&self, who: &Owner, query: Query<TaskField>) -> Result<Page<Value>, Error> {
        self.looking(who, move |handle, who| {
            handle.by_tasks(who, query, |views, known, _| vec![workflow(views, known)])
        })
        .await
    }

    /// Returns what became of slots of the schedules that `who` may read, the latest first.
    pub async fn slots(&self, who: &Owner, mut query: Query<SlotField>) -> Result<Page<Slot>, Error> {
        self.looking(who, move |handle, who| {
            if *who != Owner::Local {
                let mut names = handle.0.reader.schedule_names().map_err(unavailable)?;
                names.retain(|name| handle.may(who, Permission::Read, TargetKind::Schedule, name));
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

    /// Looks into the journal where it holds up nobody else.
    pub(super) async fn looking<T: Send + 'static>(
        &self,
        who: &Owner,
        look: impl FnOnce(&Self, &Owner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.0.searches.clone().acquire_owned().await;
        let turn = turn.map_err(|_| Error::Unavailable("keytide is stopping".to_owned()))?;
        let (handle, who) = (self.clone(), who.clone());
        // Whoever asked may be gone meanwhile; the turn ends with the look.
        aside(move || (look(&handle, &who), turn).0).await?
    }

    fn executions(&self, who: &Owner, query: Query<SummaryField>, show: Show) -> Result<Page<Value>, Error> {
        let (conditions, sealed) = split(query.conditions, |condition| condition.translated(&|field| field.kept()));
        let sort = query.sort.into_iter().map(|(field, direction)| Some((field.kept()?, direction)));
        let sort = sort.collect::<Option<_>>().ok_or_else(|| {
            Error::invalid("sort: what is sealed sorts nothing; sort by startTime, endTime, workflowType or the like")
        })?;
        let kept = self.readable_only(who, Query { conditions, sort, start: query.start, size: query.size })?;
        if sealed.is_empty() {
            return self.in_clear(&kept, show);
        }
        let mut sieve = Sieve::of(&kept);
        let all = self.open(kept, |head, known| {
            let seen = summary(&self.0.views, known.clone());
            if sealed.iter().all(|condition| condition.holds(&|field: SummaryField| field.of(head, &seen))) {
                sieve.add(|| show(&self.0.views, known));
            }
        })?;
        sieve.page(all)
    }

    /// Returns what the journal finds by what it keeps in clear.
    fn in_clear(&self, query: &Query<Field>, show: Show) -> Result<Page<Value>, Error> {
        let page = self.0.reader.search(query).map_err(unavailable)?;
        // Most of a page runs a few definitions: each is read and compiled once.
        let mut plans = HashMap::new();
        // What cannot be read is not shown.
        let known = page.rows.iter().filter_map(|head| self.journaled(head.execution, &mut plans).ok());
        Ok(Page { rows: known.map(|known| show(&self.0.views, known)).collect(), total: page.total })
    }

    /// Looks at the tasks of the executions that can be meant, and gives what `show` makes of those that are.
    fn by_tasks(
        &self,
        who: &Owner,
        query: Query<TaskField>,
        show: impl Fn(&Views, Known, Vec<Value>) -> Vec<Value>,
    ) -> Result<Page<Value>, Error> {
        let [(TaskField::NEWEST, direction)] = query.sort[..] else {
            return Err(Error::invalid("sort: tasks come by the startTime of their executions, and by nothing else"));
        };
        // Free text is looked for in the tasks.
        let (conditions, sealed) = split(query.conditions, |condition| match condition {
            Condition::Mentions(_) => None,
            other => other.translated(&|field| field.kept()),
        });
        let sort = vec![(Field::Started, direction)];
        let kept = self.readable_only(who, Query { conditions, sort, start: query.start, size: query.size })?;
        let mut sieve = Sieve::of(&kept);
        let all = self.open(kept, |head, known| {
            let mut tasks = known.tasks(&self.0.views);
            tasks.retain(|task| sealed.iter().all(|one| one.holds(&|field: TaskField| field.of(head, task))));
            if direction == Direction::Descending {
                tasks.reverse();
            }
            if !tasks.is_empty() {
                for row in show(&self.0.views, known, tasks) {
                    sieve.add(|| row);
                }
            }
        })?;
        sieve.page(all)
    }

    /// Opens the executions that a query asks for, as many as one search opens, and returns whether these are all.
    fn open(&self, query: Query<Field>, mut visit: impl FnMut(&Head, Known)) -> Result<bool, Error> {
        let heads = self.heads(&Query { start: 0, size: OPENED_MAX as u64 + 1, ..query })?;
        let mut plans = HashMap::new();
        for head in heads.iter().take(OPENED_MAX) {
            // What cannot be read is not shown.
            if let Ok(known) = self.journaled(head.execution, &mut plans) {
                visit(head, known);
            }
        }
        Ok(heads.len() <= OPENED_MAX)
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

/// What passes, of which a page keeps some.
struct Sieve {
    start: u64,
    size: u64,
    passed: u64,
    rows: Vec<Value>,
}

impl Sieve {
    fn of(query: &Query<Field>) -> Self {
        Self { start: query.start, size: query.size, passed: 0, rows: Vec::new() }
    }

    fn add(&mut self, row: impl FnOnce() -> Value) {
        let is_full = u64::try_from(self.rows.len()).is_ok_and(|rows| rows >= self.size);
        if self.passed >= self.start && !is_full {
            self.rows.push(row());
        }
        self.passed += 1;
    }

    /// Returns the page, where it is sure what is on it.
    fn page(self, all: bool) -> Result<Page<Value>, Error> {
        if !all && self.passed < self.start.saturating_add(self.size) {
            return Err(Error::invalid(format!(
                "query: what executions take, give and say is sealed, and a search opens at most {OPENED_MAX} of them; name \
                 workflowType, correlationId, startTime or the like besides, so that fewer are left"
            )));
        }
        Ok(Page { total: self.passed, rows: self.rows })
    }
}

/// Parts what the journal answers from what has to be opened.
fn split<F: Named>(
    conditions: Vec<Condition<F>>,
    kept: impl Fn(&Condition<F>) -> Option<Condition<Field>>,
) -> (Vec<Condition<Field>>, Vec<Condition<F>>) {
    let (mut clear, mut sealed) = (Vec::new(), Vec::new());
    for condition in conditions {
        match kept(&condition) {
            Some(kept) => clear.push(kept),
            None => sealed.push(condition),
        }
    }
    (clear, sealed)
}

fn summary(views: &Views, known: Known) -> Value {
    known.summary(views)
}

fn workflow(views: &Views, known: Known) -> Value {
    known.without_tasks(views)
}

/// Returns the query of the latest executions.
pub fn latest(count: u64) -> Query<SummaryField> {
    Query { size: count, ..Query::default() }
}
