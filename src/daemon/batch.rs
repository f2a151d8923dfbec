//! What one turn decided: the transaction to commit, and what is owed once it is on disk.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use crate::daemon::message::{Polled, Refused, Removal, Reply};
use crate::daemon::offers::Queues;
use crate::daemon::slots::Facts;
use crate::daemon::unwritten::Unwritten;
use crate::engine::{self, Command, Event, Execution, Outcome, Plan, Question};
use crate::journal::{Entry, OwnedChange, Record, Slot, TaskLog, Transaction};
use crate::scheduler::Watermark;
use crate::words::{ExecutionId, RunNumber};

/// The outcome of one turn, all of it or nothing.
#[derive(Default)]
pub struct Batch {
    /// The definitions that executions of this batch start with.
    pub(super) plans: Vec<Arc<Plan>>,
    /// The events of each execution, in order.
    pub(super) touched: IndexMap<ExecutionId, Vec<Event>>,
    /// Executions that were replayed: they owe everything that is outstanding.
    pub(super) recovered: IndexSet<ExecutionId>,
    /// Where the schedules stand now.
    pub(super) watermarks: Vec<Watermark>,
    /// The schedules that are not defined any more.
    pub(super) schedules_gone: Vec<String>,
    /// The schedules that are defined otherwise than before.
    pub(super) redefined: Vec<String>,
    /// What became of slots.
    pub(super) slots: Vec<Slot>,
    /// What the API owns now.
    pub(super) owned: Vec<OwnedChange>,
    /// What is logged for runs.
    pub(super) task_logs: Vec<TaskLog>,
    /// What the audit says.
    pub(super) audit: Vec<Entry>,
    /// Who wants what commands noted beside the journal in the audit.
    pub(super) noted: Vec<Reply<Result<(), Refused>>>,
    /// Executions that are to go once this batch is on disk.
    pub(super) removals: Vec<Removal>,
    /// Who waits for this batch to be on disk.
    pub(super) answers: Vec<Answer>,
    /// Conditions to be evaluated, for events that wait for them.
    pub(super) questions: Vec<Question>,
    /// The executor's answers in it, kept for the case that the commit fails.
    pub(super) outcomes: Vec<Outcome>,
}

/// An answer that is given once its batch is on disk.
pub(super) enum Answer {
    Started { result: Result<ExecutionId, Refused>, reply: Reply<Result<ExecutionId, Refused>> },
    Stepped { result: Result<(), Refused>, reply: Reply<Result<(), Refused>> },
    Read { execution: ExecutionId, whole: bool, reply: Reply<Option<Arc<Execution>>> },
    Live { ids: Vec<ExecutionId>, reply: Reply<Vec<ExecutionId>> },
    Queues { queues: Queues, reply: Reply<Queues> },
    Held { found: bool, reply: Reply<Result<bool, Refused>> },
    Facts { facts: Vec<Option<Facts>>, reply: Reply<Vec<Option<Facts>>> },
    Problems { problems: Vec<(String, String)>, reply: Reply<Vec<(String, String)>> },
    Unwritten { reply: Reply<Vec<Unwritten>> },
    Owned { reply: Reply<Result<(), Refused>> },
    Logged { reply: Reply<Result<(), Refused>> },
    Audited { reply: Reply<Result<(), Refused>> },
    Polled { runs: Vec<(ExecutionId, RunNumber)>, reply: Reply<Vec<Polled>> },
}

impl Answer {
    /// Returns whether what was asked is not done, although the batch may be.
    pub(super) const fn is_refused(&self) -> bool {
        match self {
            Self::Started { result, .. } => result.is_err(),
            Self::Stepped { result, .. } => result.is_err(),
            Self::Held { found, .. } => !*found,
            Self::Read { .. }
            | Self::Live { .. }
            | Self::Queues { .. }
            | Self::Facts { .. }
            | Self::Problems { .. }
            | Self::Unwritten { .. }
            | Self::Owned { .. }
            | Self::Logged { .. }
            | Self::Audited { .. }
            | Self::Polled { .. } => false,
        }
    }

    /// Tells whoever waits that nothing was done.
    pub(super) fn refuse(self, refused: &Refused) {
        match self {
            Self::Started { result, reply } => drop(reply.send(result.and(Err(refused.clone())))),
            Self::Stepped { result, reply } => drop(reply.send(result.and(Err(refused.clone())))),
            Self::Held { reply, .. } => drop(reply.send(Err(refused.clone()))),
            Self::Owned { reply } | Self::Logged { reply } | Self::Audited { reply } => {
                drop(reply.send(Err(refused.clone())));
            }
            Self::Facts { .. }
            | Self::Problems { .. }
            | Self::Read { .. }
            | Self::Live { .. }
            | Self::Queues { .. }
            | Self::Unwritten { .. }
            | Self::Polled { .. } => {}
        }
    }
}

impl Batch {
    /// Returns what is to be kept, or nothing of it.
    pub fn transaction(&self, read: impl Fn(ExecutionId) -> Option<Arc<Execution>>) -> Transaction {
        let record = |(id, events): (&ExecutionId, &Vec<Event>)| {
            let execution = read(*id).filter(|_| !events.is_empty())?;
            Some(Record::of(&execution, events.clone()))
        };
        Transaction {
            definitions: self.plans.clone(),
            records: self.touched.iter().filter_map(record).collect(),
            watermarks: self.watermarks.clone(),
            schedules_gone: self.schedules_gone.clone(),
            owned: self.owned.clone(),
            slots: self.slots.clone(),
            task_logs: self.task_logs.clone(),
            audit: self.audit.clone(),
        }
    }

    /// Returns the schedules that stand otherwise than before; some of them more than once.
    pub(super) fn schedules(&self) -> impl Iterator<Item = &str> {
        let marked = self.watermarks.iter().map(|mark| mark.schedule.as_str());
        let slots = self.slots.iter().map(|slot| slot.schedule.as_str());
        let defined = self.schedules_gone.iter().chain(&self.redefined).map(String::as_str);
        marked.chain(slots).chain(defined)
    }

    /// Adds the definition that an execution starts with.
    pub(super) fn started(&mut self, plan: Arc<Plan>, execution: ExecutionId) {
        self.touch(execution);
        if !self.plans.iter().any(|known| known.hash == plan.hash) {
            self.plans.push(plan);
        }
    }

    /// Marks an execution as one that a rollback must load again.
    pub(super) fn touch(&mut self, execution: ExecutionId) {
        self.touched.entry(execution).or_default();
    }

    /// Adds events of an execution.
    pub(super) fn record(&mut self, execution: ExecutionId, events: Vec<Event>) {
        self.touched.entry(execution).or_default().extend(events);
    }

    /// Returns what the batch owes: all that is outstanding where an execution was replayed, else what its events ask.
    pub(super) fn commands(&self, read: impl Fn(ExecutionId) -> Option<Arc<Execution>>) -> Vec<Command> {
        let questions = self.questions.iter().cloned();
        let mut commands: Vec<_> = questions.map(|question| Command::Evaluate(Box::new(question))).collect();
        for id in &self.recovered {
            commands.extend(read(*id).iter().flat_map(|execution| engine::outstanding(execution)));
        }
        for (id, events) in &self.touched {
            if !self.recovered.contains(id)
                && let Some(execution) = read(*id)
            {
                commands.extend(engine::commands(&execution, events));
            }
        }
        commands
    }
}
