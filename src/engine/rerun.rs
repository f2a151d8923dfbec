//! Runs that are made again, and tasks that are passed over.
//!
//! What a task brings about is found by structure: what follows it in its list, and what follows the tasks that hold the
//! list. Runs beside it, in other branches, stay; what failed or was cut off there is made again.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::engine::event::Fact;
use crate::engine::execution::Run;
use crate::engine::input::{Rejected, Rerun, Skip};
use crate::engine::limits::{PAYLOAD_BYTES, is_too_deep, size_bytes};
use crate::engine::plan::{Plan, PlannedTask, TaskIndex};
use crate::engine::schedule::Attempt;
use crate::engine::step::{Step, inert_input};
use crate::words::{Map, Payload, RunNumber, TaskStatus, WorkflowStatus};
use crate::workflow::definition::TaskType;

impl Step<'_> {
    /// Makes again what an ended execution did, from a task on or all of it.
    pub(super) fn rerun(&mut self, rerun: Rerun) -> Result<(), Rejected> {
        if self.execution.is_live() {
            return Err(Rejected::StillRunning(self.id()));
        }
        for given in [&rerun.task_input, &rerun.workflow_input].into_iter().flatten() {
            within_limits(given)?;
        }
        let input = rerun.workflow_input.map(|given| Payload::new(Value::Object(inert_input(given))));
        let amended = Fact::Amended { input, correlation_id: rerun.correlation_id };
        let deadline = self.new_deadline();
        let Some(from) = rerun.from else {
            self.emit(Fact::Restarted { deadline, definition: None });
            self.emit(amended);
            self.begin_flow();
            return Ok(());
        };
        let found = self.execution.shown_runs().find(|run| run.id(self.id()) == from);
        let from = found.map(|run| run.number).ok_or(Rejected::UnknownRun(self.id()))?;
        self.emit(Fact::Reopened { deadline });
        self.emit(amended);
        self.rerun_from(from, rerun.task_input.map(inert_input));
        Ok(())
    }

    fn rerun_from(&mut self, from: RunNumber, input: Option<Map>) {
        let plan = self.plan();
        let Rewind { removed, loops, joins, cut } = self.rewind(&plan, from);
        let known = self.at(from);
        let (task, scope, retry_of) = (known.task, known.scope, known.retry_of);
        let cut: Vec<_> = cut.into_iter().map(|run| (run, self.at(run).scope, self.at(run).retry_of)).collect();
        self.emit(Fact::Removed { runs: removed });
        for (run, iteration) in loops {
            self.emit(Fact::Rewound { run, iteration });
        }
        let planned = plan.task(task).expect("the run is one of this plan's");
        // What a sub-workflow takes is more than its input: it stays as the definition says.
        let input = input.filter(|_| planned.task.task_type != TaskType::SubWorkflow);
        // What came first does so again: the output may be that of the last task.
        let (before, after): (Vec<_>, Vec<_>) = cut.into_iter().partition(|(run, ..)| *run < from);
        self.begin_again(&plan, before);
        self.attempt(planned, Attempt { scope, retry_of, input, ..Attempt::default() });
        self.begin_again(&plan, after);
        for (join, scope) in joins {
            self.schedule(join, scope);
        }
    }

    fn begin_again(&mut self, plan: &Plan, runs: Vec<(RunNumber, Option<RunNumber>, Option<RunNumber>)>) {
        for (run, scope, retry_of) in runs {
            let planned = self.planned(plan, run);
            match planned.task.task_type {
                TaskType::DoWhile => self.emit(Fact::Reinstated { run }),
                TaskType::Join | TaskType::ExclusiveJoin => {
                    self.emit(Fact::Reinstated { run });
                    self.work.push_back(run);
                }
                _ => self.attempt(planned, Attempt { scope, retry_of, ..Attempt::default() }),
            }
        }
    }

    /// Returns what a run brought about.
    fn rewind(&self, plan: &Plan, from: RunNumber) -> Rewind {
        let shown: Vec<&Run> = self.execution.shown_runs().collect();
        let known = self.at(from);
        let slot = self.execution.planned(known).slot;
        let again =
            |run: &&&Run| run.number >= from && self.execution.planned(run).slot == slot && run.is_beside(known);
        let mut removed: BTreeSet<RunNumber> = shown.iter().filter(again).map(|run| run.number).collect();
        let (mut loops, mut joins) = (Vec::new(), Vec::new());
        let mut inner = known;
        loop {
            let after = following(plan, self.execution.planned(inner).next);
            let is_after = |run: &&&Run| {
                run.scope == inner.scope && run.is_beside(inner) && after.contains(&self.execution.planned(run).slot)
            };
            removed.extend(shown.iter().filter(is_after).map(|run| run.number));
            let Some(holder) = inner.scope else { break };
            let outer = self.at(holder);
            if outer.looping.is_some() {
                loops.push((holder, inner.iteration));
                let later = |run: &&&Run| run.frame == Some(holder) && run.iteration > inner.iteration;
                removed.extend(shown.iter().filter(later).map(|run| run.number));
            } else if is_fork(self.execution.planned(outer)) {
                joins.extend(self.execution.planned(outer).next.map(|join| (join, outer.scope)));
            }
            inner = outer;
        }
        // What is inside of something that goes, goes with it: what holds a run is made before it.
        for run in &shown {
            if run.scope.is_some_and(|scope| removed.contains(&scope)) {
                removed.insert(run.number);
            }
        }
        let held: BTreeSet<_> = loops.iter().map(|(run, _)| *run).collect();
        let latest = |run: &Run| {
            self.execution.latest(self.execution.planned(run).slot).is_some_and(|one| one.number == run.number)
        };
        // A call in doubt is repeated by nobody who does not name it.
        let again = |run: &Run| run.status == TaskStatus::Canceled || !run.in_doubt;
        let cut = shown.iter().filter(|run| !run.status.is_successful() && again(run) && latest(run));
        let cut = cut.filter(|run| !removed.contains(&run.number) && !held.contains(&run.number));
        let cut: Vec<_> = cut.map(|run| run.number).collect();
        // As in Conductor, they take the place of what they were; what holds others stays itself.
        removed.extend(cut.iter().filter(|run| !self.is_kept(**run)));
        // Loops go on from the outside in.
        loops.reverse();
        Rewind { removed: removed.into_iter().collect(), loops, joins, cut }
    }

    /// Returns whether a run goes on as it is, since others name it or it only waits for them.
    fn is_kept(&self, run: RunNumber) -> bool {
        let task_type = &self.execution.planned(self.at(run)).task.task_type;
        matches!(task_type, TaskType::DoWhile | TaskType::Join | TaskType::ExclusiveJoin)
    }

    /// Passes over a task that the flow has not come to.
    pub(super) fn skip(&mut self, skip: Skip) -> Result<(), Rejected> {
        if self.execution.status != WorkflowStatus::Running {
            return Err(Rejected::NotRunning(self.id()));
        }
        let plan = self.plan();
        let Some(planned) = plan.by_reference(&skip.reference) else {
            let workflow = self.execution.name().to_owned();
            return Err(Rejected::UnknownTask { workflow, reference: skip.reference });
        };
        if self.execution.latest(planned.slot).is_some() {
            return Err(Rejected::AlreadyRun(skip.reference));
        }
        [&skip.input, &skip.output].into_iter().try_for_each(within_limits)?;
        let run = RunNumber(u32::try_from(self.execution.runs.len() + 1).unwrap_or(u32::MAX));
        let payload = |given: Map| Payload::new(Value::Object(inert_input(given)));
        let (input, output) = (payload(skip.input), payload(skip.output));
        self.emit(Fact::Skipped { run, task: planned.index, input, output });
        let joins = planned.joined_by.iter().filter_map(|join| plan.task(*join));
        let joins = joins.filter_map(|join| self.execution.latest(join.slot)).map(|join| join.number);
        let ready: Vec<_> = joins.filter(|join| self.execution.index.joins.get(join) == Some(&0)).collect();
        self.work.extend(ready);
        Ok(())
    }
}

/// What is to be undone, and what to begin again besides.
struct Rewind {
    removed: Vec<RunNumber>,
    /// The loops that hold the run, with the iterations in which they go on.
    loops: Vec<(RunNumber, i32)>,
    /// The JOINs of the FORK_JOINs that hold the run, with the runs that hold those.
    joins: Vec<(TaskIndex, Option<RunNumber>)>,
    /// Runs elsewhere that failed or were cut off.
    cut: Vec<RunNumber>,
}

/// Returns a task and what follows it in its list.
fn following(plan: &Plan, first: Option<TaskIndex>) -> BTreeSet<TaskIndex> {
    let mut tasks = BTreeSet::new();
    let mut next = first.and_then(|first| plan.task(first));
    while let Some(planned) = next {
        tasks.insert(planned.slot);
        next = planned.next.and_then(|next| plan.task(next));
    }
    tasks
}

fn is_fork(planned: &PlannedTask) -> bool {
    matches!(planned.task.task_type, TaskType::ForkJoin | TaskType::ForkJoinDynamic)
}

fn within_limits(given: &Map) -> Result<(), Rejected> {
    if given.values().map(size_bytes).sum::<usize>() > PAYLOAD_BYTES {
        return Err(Rejected::TooLarge(format!("the data are over the limit of {PAYLOAD_BYTES} bytes")));
    }
    if given.values().any(is_too_deep) {
        return Err(Rejected::TooLarge("the data nest too deep".to_owned()));
    }
    Ok(())
}
