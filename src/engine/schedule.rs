//! What comes next: by scope and `next`, never by walking the definition again.

use std::time::Duration;

use serde_json::Value;

use crate::engine::event::{Completion, Fact, Scheduling};
use crate::engine::execution::Run;
use crate::engine::limits::{EXECUTION_BYTES, PAYLOAD_BYTES, RUNS_PER_EXECUTION, size_bytes};
use crate::engine::looping::Pin;
use crate::engine::operators::{
    decision, do_while, event, exclusive_join, fork, http, human, inline, join, json_jq_transform, lambda, noop,
    set_variable, sub_workflow, switch, terminate, update_secret, wait,
};
use crate::engine::plan::{Plan, PlannedTask, TaskIndex, Ways};
use crate::engine::special::pointer;
use crate::engine::step::Step;
use crate::words::{Map, Payload, RunNumber, TaskId, TaskStatus, WorkflowStatus};
use crate::workflow::definition::TaskType;
use crate::workflow::expressions::LimitHit;

/// Another attempt, or the first.
#[derive(Default)]
pub(super) struct Attempt {
    pub(super) scope: Option<RunNumber>,
    pub(super) retry_of: Option<RunNumber>,
    pub(super) delay: Duration,
    pub(super) reason: Option<String>,
    /// What it takes; absent: what its definition says.
    pub(super) input: Option<Map>,
}

impl Step<'_> {
    /// Plans the first attempt of a task.
    pub(super) fn schedule(&mut self, task: TaskIndex, scope: Option<RunNumber>) {
        if let Some(run) = self.execution.index.skips.get(&task).copied() {
            self.emit(Fact::Passed { run, scope });
            return self.follow(run);
        }
        let plan = self.plan();
        let planned = plan.task(task).expect("the plan links only its own tasks");
        let delay = if planned.task.task_type.has_effect() {
            Duration::from_secs(u64::try_from(planned.task.start_delay).unwrap_or(0))
        } else {
            Duration::ZERO
        };
        self.attempt(planned, Attempt { scope, delay, ..Attempt::default() });
    }

    /// Plans an attempt of a task and begins what can begin at once.
    pub(super) fn attempt(&mut self, planned: &PlannedTask, mut attempt: Attempt) {
        if self.execution.status != WorkflowStatus::Running {
            return;
        }
        if self.execution.runs.len() >= RUNS_PER_EXECUTION {
            let reason = format!("the execution has {RUNS_PER_EXECUTION} task runs, which is the limit: split it");
            return self.end(WorkflowStatus::Failed, Some(reason), None);
        }
        if self.execution.index.bytes > EXECUTION_BYTES {
            let reason = format!(
                "what the tasks take and give is over the limit of {EXECUTION_BYTES} bytes: let each give less, or split it"
            );
            return self.end(WorkflowStatus::Failed, Some(reason), None);
        }
        let run = RunNumber(u32::try_from(self.execution.runs.len() + 1).unwrap_or(u32::MAX));
        let given = attempt.input.take().map(|input| (input, Vec::new()));
        let (mut input, pins) = match given.map_or_else(|| self.input(planned, run), Ok) {
            Ok(input) => input,
            Err(hit) => {
                let reference = &planned.task.task_reference_name;
                let reason = format!("the input of task `{reference}`: {hit}");
                return self.end(WorkflowStatus::Failed, Some(reason), None);
            }
        };
        let special = match self.special(planned, &mut input, attempt.scope) {
            Ok(special) => special,
            Err(reason) => return self.end(WorkflowStatus::Failed, Some(reason), None),
        };
        if input.values().map(size_bytes).sum::<usize>() > PAYLOAD_BYTES {
            let reference = &planned.task.task_reference_name;
            let reason = format!("the input of task `{reference}` is over the limit of {PAYLOAD_BYTES} bytes");
            return self.end(WorkflowStatus::Failed, Some(reason), None);
        }
        let choice = match &planned.ways {
            Ways::Switch { .. } if planned.task.task_type == TaskType::Decision => decision::choose(planned, &input),
            Ways::Switch { .. } => switch::choose(planned, &input),
            Ways::None | Ways::Fork(_) | Ways::Join { .. } | Ways::Loop(_) => None,
        };
        // A DECISION shows nothing of what it decides on.
        let (mut input, hidden) =
            if planned.task.task_type == TaskType::Decision { (Map::new(), input) } else { (input, Map::new()) };
        input.extend(choice.iter().flat_map(switch::Choice::noted));
        let scope = attempt.scope;
        let scheduling = Scheduling { pins, ..self.scheduling(planned, run, input, attempt) };
        self.emit(Fact::Scheduled(Box::new(special.noted(scheduling))));
        // A dynamic task is another by now.
        let plan = self.plan();
        let planned = self.planned(&plan, run);
        match (&planned.task.task_type, choice) {
            (TaskType::ForkJoin | TaskType::ForkJoinDynamic, _) => self.fork(planned, run, scope),
            (_, Some(choice)) => self.switch(planned, run, choice),
            // A DYNAMIC that became one has no ways to choose from.
            (TaskType::Switch | TaskType::Decision, None) if matches!(planned.ways, Ways::None) => {
                self.work.push_back(run);
            }
            (
                TaskType::SetVariable
                | TaskType::Terminate
                | TaskType::Noop
                | TaskType::ExclusiveJoin
                | TaskType::Inline
                | TaskType::Lambda
                | TaskType::DoWhile,
                None,
            ) => self.work.push_back(run),
            (TaskType::Join, None) if join::is_eager(planned) => self.work.push_back(run),
            // As in Conductor, which has it done before what begins with it.
            (TaskType::JsonJqTransform, None) => json_jq_transform::execute(self, run),
            (TaskType::Human, None) => human::execute(self, run),
            (TaskType::Decision, None) => decision::ask(self, planned, run, hidden),
            (TaskType::Wait, None) => self.wait(run),
            (TaskType::Http | TaskType::HttpPoll | TaskType::UpdateSecret | TaskType::GetSignedJwt, None) => {
                self.release(run);
            }
            (TaskType::Switch, None) => switch::ask(self, planned, run),
            // The others are asked for once their event is on disk.
            (_, None) => {}
        }
    }

    fn scheduling(&self, planned: &PlannedTask, run: RunNumber, input: Map, attempt: Attempt) -> Scheduling {
        let now = self.now();
        let unresolved = planned.task.task_type == TaskType::UpdateSecret
            && update_secret::is_unresolved(&planned.task.input_parameters, |text| {
                self.scope().resolve(&text.into()).unwrap_or_default()
            });
        let previous = attempt.retry_of.map(|previous| self.at(previous));
        let not_before = now.plus(attempt.delay);
        let def = planned.def.as_ref();
        let poll_timeout = def.and_then(|def| seconds(def.poll_timeout_seconds.unwrap_or(0)));
        let total =
            def.and_then(|def| seconds(def.total_timeout_seconds)).filter(|_| planned.task.task_type.has_effect());
        Scheduling {
            run,
            task: planned.index,
            scope: attempt.scope,
            attempt: previous.map_or(0, |previous| previous.attempt + 1),
            retry_of: attempt.retry_of,
            not_before,
            delay_seconds: i64::try_from(attempt.delay.as_secs()).unwrap_or(i64::MAX),
            input: Payload::new(Value::Object(input)),
            reason: attempt.reason,
            silence_limit: poll_timeout
                .filter(|_| planned.task.task_type.is_worker())
                .map(|timeout| not_before.plus(timeout)),
            total_limit: total.map(|total| previous.and_then(|run| run.total_limit).unwrap_or(now.plus(total))),
            unresolved,
            becomes: None,
            branches: None,
            items: None,
            pins: Vec::new(),
        }
    }

    /// Resolves what a task takes, with its task definition's template for what is left out or null.
    fn input(&self, planned: &PlannedTask, run: RunNumber) -> Result<(Map, Vec<Pin>), LimitHit> {
        match &planned.task.task_type {
            TaskType::Noop => return Ok((noop::input(), Vec::new())),
            TaskType::Join => return Ok((join::input(planned), Vec::new())),
            TaskType::ExclusiveJoin => return Ok((exclusive_join::input(planned), Vec::new())),
            _ => {}
        }
        let mut scope = self.scope();
        scope.task_id = Some(TaskId::of(self.id(), run).to_string());
        let mut template = planned.task.input_parameters.clone();
        let defaults = planned.def.as_ref().map(|def| &def.input_template);
        for (key, value) in defaults.into_iter().flatten() {
            template.entry(key.clone()).or_insert_with(|| value.clone());
        }
        let pins = if planned.task.task_type.is_handed_over() { self.pin(&mut template) } else { Vec::new() };
        let mut input = object(scope.resolve(&Value::Object(template))?);
        for (key, value) in defaults.into_iter().flatten() {
            if input.get(key).is_some_and(Value::is_null) && pins.iter().all(|pin| pin.at != pointer(key)) {
                input.insert(key.clone(), value.clone());
            }
        }
        match planned.task.task_type {
            TaskType::Http | TaskType::HttpPoll => http::note_input(planned, &mut input),
            TaskType::SubWorkflow => input = sub_workflow::input(planned, &scope, input)?,
            TaskType::Event => {
                let sink = scope.resolve(&serde_json::json!(planned.task.sink))?;
                event::note_input(planned, sink, &mut input);
            }
            _ => {}
        }
        Ok((input, pins))
    }

    fn fork(&mut self, planned: &PlannedTask, run: RunNumber, scope: Option<RunNumber>) {
        self.complete_run(run, Some(fork::output()));
        if let Ways::Fork(branches) = &planned.ways {
            self.open(run, branches);
        }
        if let Some(join) = planned.next {
            self.schedule(join, scope);
        }
    }

    /// Begins with the first tasks of ways. They take what was there before all of it, as in Conductor, which makes them and
    /// what holds them at once.
    fn open(&mut self, holder: RunNumber, ways: &[TaskIndex]) {
        let outer = self.opening;
        self.opening.get_or_insert(holder);
        for way in ways {
            self.schedule(*way, Some(holder));
        }
        self.opening = outer;
    }

    /// Notes what a script chose, and takes the way.
    pub(super) fn take(&mut self, planned: &PlannedTask, run: RunNumber, choice: switch::Choice) {
        let noted = choice.noted();
        if !noted.is_empty() {
            self.emit(Fact::Noted { run, fields: Payload::new(Value::Object(noted)) });
        }
        self.switch(planned, run, choice);
    }

    /// Takes the way that was chosen.
    pub(super) fn switch(&mut self, planned: &PlannedTask, run: RunNumber, choice: switch::Choice) {
        match choice {
            switch::Choice::Taken { value, first } => {
                let is_old = planned.task.task_type == TaskType::Decision;
                self.complete_run(run, Some(if is_old { decision::output(&value) } else { switch::output(&value) }));
                match first {
                    Some(first) => self.open(run, &[first]),
                    None => self.follow(run),
                }
            }
            switch::Choice::Impossible { reason } => {
                self.fail_run(run, TaskStatus::Failed, reason);
                self.follow(run);
                self.fail_loop_of(run);
            }
        }
    }

    fn wait(&mut self, run: RunNumber) {
        match wait::end(self.at(run).input.expose(), self.now()) {
            Ok(end) => {
                let time_limit = self.time_limit(run);
                self.emit(Fact::RunStarted { run, worker_id: None, wake: Some(end), time_limit, silence_limit: None });
            }
            Err(reason) => {
                self.fail_run(run, TaskStatus::FailedWithTerminalError, reason);
                self.follow(run);
            }
        }
    }

    /// Does the work of a control task.
    pub(super) fn execute(&mut self, run: RunNumber) {
        if self.at(run).status.is_terminal() {
            return;
        }
        let plan = self.plan();
        let planned = self.planned(&plan, run);
        match &planned.task.task_type {
            TaskType::SetVariable => set_variable::execute(self, run),
            TaskType::Terminate => terminate::execute(self, run),
            TaskType::Noop => self.pass_by(run),
            TaskType::Switch | TaskType::Decision if matches!(planned.ways, Ways::None) => self.pass_by(run),
            TaskType::Join => join::execute(self, planned, run),
            TaskType::ExclusiveJoin => exclusive_join::execute(self, planned, run),
            TaskType::Inline => inline::execute(self, planned, run),
            TaskType::Lambda => lambda::execute(self, run),
            TaskType::DoWhile if self.is_idle(run) => do_while::advance(self, run),
            _ => {}
        }
    }

    /// Ends a run that does nothing.
    fn pass_by(&mut self, run: RunNumber) {
        self.complete_run(run, Some(Payload::empty()));
        self.follow(run);
    }

    /// Ends a run well.
    pub(super) fn complete_run(&mut self, run: RunNumber, output: Option<Payload>) {
        self.emit(Fact::Completed(Box::new(Completion { run, errors: false, output, reason: None, worker_id: None })));
    }

    /// Goes on after a run: with what follows in its list, or with what follows the task that holds the list.
    pub(super) fn proceed(&mut self, run: RunNumber) {
        let plan = self.plan();
        let mut run = run;
        loop {
            let planned = self.planned(&plan, run);
            for join in &planned.joined_by {
                self.look_at(&plan, *join);
            }
            let scope = self.at(run).scope;
            match (planned.next, scope) {
                (Some(next), _) if self.has_begun_after(run, &plan, next) => return,
                (Some(next), scope) => return self.schedule(next, scope),
                (None, None) => return,
                (None, Some(holder)) => match &self.planned(&plan, holder).task.task_type {
                    // The branch is at its end, and its JOIN goes on by itself; an iteration ends when nothing of it is left.
                    TaskType::ForkJoin | TaskType::DoWhile => return,
                    // This one waits for the branch, whatever it holds.
                    TaskType::ForkJoinDynamic => {
                        let join = self.planned(&plan, holder).next;
                        return join.into_iter().for_each(|join| self.look_at(&plan, join));
                    }
                    _ => run = holder,
                },
            }
        }
    }

    /// Returns whether the flow went on to a task after a run once before: an attempt of it was let fail, or its child goes
    /// on once more. What follows has had its runs, and those that failed are tried again by themselves.
    fn has_begun_after(&self, run: RunNumber, plan: &Plan, next: TaskIndex) -> bool {
        let (run, Some(planned)) = (self.at(run), plan.task(next)) else { return false };
        let is_skipped = self.execution.index.skips.contains_key(&next);
        let follows = |one: &Run| one.scope == run.scope && one.is_beside(run);
        !is_skipped && self.execution.latest(planned.slot).is_some_and(follows)
    }

    /// Has a JOIN go on for which nothing is open any more, where it does not wait until all is quiet.
    fn look_at(&mut self, plan: &Plan, join: TaskIndex) {
        let Some(planned) = plan.task(join) else { return };
        if planned.task.task_type == TaskType::Join && !join::is_eager(planned) {
            return;
        }
        let waiting = self.execution.latest(planned.slot).map(|join| join.number);
        self.work.extend(waiting.filter(|join| self.is_ready(*join)));
    }

    /// Returns whether a JOIN waits for nothing any more; an EXCLUSIVE_JOIN that waits looks by itself.
    fn is_ready(&self, join: RunNumber) -> bool {
        match self.execution.index.joins.get(&join) {
            Some(waiting) => *waiting == 0,
            None => self.execution.index.open.contains(&join),
        }
    }
}

/// Returns the fields of a resolved template, which is an object as the template was.
fn object(value: Value) -> Map {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// Returns a number of seconds as a duration; zero and less is none.
pub(super) fn seconds(seconds: i64) -> Option<Duration> {
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}
