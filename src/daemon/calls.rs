//! The calls that are under way in this process and are never cut.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::engine::{Command, Outcome};
use crate::words::{ExecutionId, RunNumber};

/// Which calls were released and are not answered. It is not kept: the calls of a process end with it.
#[derive(Default)]
pub(super) struct Calls {
    by_execution: HashMap<ExecutionId, UnderWay>,
    /// Those of sub-workflows, by the execution at the top, with the references of their tasks.
    by_family: HashMap<ExecutionId, BTreeMap<(ExecutionId, RunNumber), String>>,
}

/// The calls of one execution, and the execution at the top where that is another one.
struct UnderWay {
    runs: BTreeSet<RunNumber>,
    root: Option<ExecutionId>,
}

static NONE: BTreeSet<RunNumber> = BTreeSet::new();

impl Calls {
    /// Notes a call that is released now. One that may be cut is not noted: nobody answers for it then.
    pub(super) fn begin(&mut self, command: &Command, root: Option<ExecutionId>) {
        if let Command::Perform(work) = command
            && work.feeds_secret
            && work.task_type().is_http()
        {
            let calls = self.by_execution.entry(work.execution);
            calls.or_insert(UnderWay { runs: BTreeSet::new(), root }).runs.insert(work.run);
            if let Some(root) = root {
                let calls = self.by_family.entry(root).or_default();
                calls.insert((work.execution, work.run), work.reference.clone());
            }
        }
    }

    /// Forgets a call that is answered.
    pub(super) fn end(&mut self, outcome: &Outcome) {
        let (execution, run) = (outcome.execution, outcome.run);
        let Some(calls) = self.by_execution.get_mut(&execution) else { return };
        calls.runs.remove(&run);
        let (is_last, root) = (calls.runs.is_empty(), calls.root);
        if is_last {
            self.by_execution.remove(&execution);
        }
        if let Some(root) = root
            && let Some(family) = self.by_family.get_mut(&root)
        {
            family.remove(&(execution, run));
            if family.is_empty() {
                self.by_family.remove(&root);
            }
        }
    }

    /// Returns the runs of an execution whose calls are under way.
    pub(super) fn of(&self, execution: ExecutionId) -> &BTreeSet<RunNumber> {
        self.by_execution.get(&execution).map_or(&NONE, |calls| &calls.runs)
    }

    /// Returns the executions below `root` with calls under way, and the references of their tasks.
    pub(super) fn below(&self, root: ExecutionId) -> impl Iterator<Item = (ExecutionId, &str)> {
        let calls = self.by_family.get(&root).into_iter().flatten();
        calls.map(|((execution, _), reference)| (*execution, reference.as_str()))
    }
}
