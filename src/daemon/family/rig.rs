//! A dispatcher with a library of its own over a faulty disk, whose families are looked at after every turn.

#![expect(clippy::needless_pass_by_value, reason = "a test reads better with values")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::catalog::Owned;
use crate::daemon::library::no_such_workflow;
use crate::daemon::{Asking, Dispatcher, Library, Message, Refused, Rules, Slots, Thing};
use crate::disk::{Disk as _, FaultyDisk};
use crate::engine::{
    Answer, Command, Execution, Idempotency, Input, Operation, Origin, Outcome, Pinned, Plan, Response, Start, Wanted,
    WorkerUpdate, replay, view,
};
use crate::journal::{DiskLog, History, Log as _};
use crate::redact::Masker;
use crate::secret::Sealer;
use crate::words::{
    App, ExecutionId, Map, Owner, Payload, Permission, Sensitive, TaskStatus, Timestamp, WorkflowStatus,
};
use crate::workflow::definition::EventHandler;

const NOON: Timestamp = Timestamp::from_millis(1_795_176_000_000);

#[derive(Clone, Default)]
pub(super) struct Shelf {
    plans: BTreeMap<String, Arc<Plan>>,
    /// What nobody may start, read or use; and, as `WORKFLOW NAME`, what one workflow may not.
    pub(super) denied: BTreeSet<String>,
    pub(super) handlers: Vec<Arc<Owned<EventHandler>>>,
}

impl Shelf {
    pub(super) fn of(definitions: &[Value]) -> Self {
        let mut shelf = Self::default();
        for definition in definitions {
            let plan = compiled(serde_json::from_value(definition.clone()).unwrap(), Owner::File("w.yaml".to_owned()));
            shelf.plans.insert(plan.pinned.workflow.name.clone(), plan);
        }
        shelf
    }
}

fn compiled(workflow: crate::workflow::definition::WorkflowDef, owner: Owner) -> Arc<Plan> {
    Arc::new(Plan::compile(Pinned::new(workflow, BTreeMap::new(), owner)).unwrap())
}

impl Library for Shelf {
    fn plan(&self, _asking: Asking<'_>, wanted: &Wanted) -> Result<Arc<Plan>, String> {
        match wanted {
            Wanted::Named { name, version } => {
                let found = self.plans.get(name).filter(|plan| {
                    !self.denied.contains(name) && version.is_none_or(|version| plan.pinned.workflow.version == version)
                });
                found.cloned().ok_or_else(|| no_such_workflow(wanted))
            }
            Wanted::Inline { definition, from_data } => {
                let owner = if *from_data { Owner::App(App::nobody()) } else { Owner::File("w.yaml".to_owned()) };
                Ok(compiled((**definition).clone(), owner))
            }
        }
    }

    fn allows(&self, asking: Asking<'_>, _permission: Permission, _thing: Thing, name: &str) -> bool {
        let own = asking.workflow.map(|workflow| format!("{workflow} {name}"));
        !self.denied.contains(name) && !own.is_some_and(|own| self.denied.contains(&own))
    }

    fn handlers(&self, event: &str) -> Vec<Arc<Owned<EventHandler>>> {
        self.handlers.iter().filter(|handler| handler.def.event == event && handler.def.active).cloned().collect()
    }

    fn view(&self, execution: &Execution, with_tasks: bool) -> Value {
        Masker::new(execution.masks.iter()).mask_value(&view::workflow_json(execution, with_tasks))
    }
}

pub(super) struct Rig {
    pub(super) dispatcher: Dispatcher,
    pub(super) log: DiskLog,
    pub(super) disk: FaultyDisk,
    pub(super) now: Timestamp,
    pub(super) shelf: Shelf,
    /// Calls that were released and are not answered.
    pub(super) calls: Vec<Command>,
    starts: u128,
    priority: i32,
}

impl Rig {
    pub(super) fn new(definitions: &[Value]) -> Self {
        Self::with(Shelf::of(definitions))
    }

    pub(super) fn with(shelf: Shelf) -> Self {
        let disk = FaultyDisk::new(1);
        disk.create_folder(Path::new("/state")).unwrap();
        let log = open(&disk);
        let dispatcher = dispatcher(&shelf);
        Self { dispatcher, log, disk, now: NOON, shelf, calls: Vec::new(), starts: 0, priority: 7 }
    }

    pub(super) fn turn(&mut self, messages: Vec<Message>) {
        let batch = self.dispatcher.turn(messages, self.now, &self.log);
        let released = self.dispatcher.commit(batch, self.now, &mut self.log);
        self.calls.extend(released.unwrap_or_default());
        if !self.dispatcher.awaits_journal() {
            self.check();
        }
    }

    /// What holds in every family, on disk and in memory.
    pub(super) fn check(&self) {
        for id in self.log.live().unwrap() {
            let execution = self.on_disk(id);
            assert!(
                self.dispatcher.read(id).is_some_and(|live| live.seq == execution.seq),
                "memory is what the disk is"
            );
            if let Some(place) = execution.parent.as_ref().filter(|_| !execution.detached) {
                let parent = self.on_disk(place.execution);
                let run = parent.run(place.run).unwrap();
                let waits = parent.is_live() && !run.status.is_terminal() && run.child == Some(id);
                assert!(waits, "nobody waits for a live child: {}", view::workflow_json(&parent, true));
            }
            for child in execution.shown_runs().filter(|run| !run.status.is_terminal()).filter_map(|run| run.child) {
                assert!(self.on_disk(child).is_live(), "a run waits for a child that has ended");
            }
        }
    }

    pub(super) fn on_disk(&self, id: ExecutionId) -> Execution {
        let stored = self.log.load(id).unwrap().unwrap_or_else(|| panic!("{id} is not there"));
        let History::Events(events) = stored.history else { panic!("{id} cannot be read") };
        let pinned = self.log.definition(&stored.head.definition).unwrap().unwrap();
        replay(id, Arc::new(Plan::compile(pinned).unwrap()), events).unwrap()
    }

    pub(super) fn start(&mut self, name: &str, input: &Value) -> ExecutionId {
        self.start_with(name, input, Origin::default()).unwrap()
    }

    pub(super) fn start_keyed(&mut self, name: &str, key: &str, strategy: &str) -> Result<ExecutionId, Refused> {
        let idempotency = Idempotency::of(Some(key.to_owned()), Some(strategy)).unwrap();
        self.start_with(name, &json!({}), Origin { idempotency, ..Origin::default() })
    }

    /// Starts a workflow with a priority.
    pub(super) fn start_before(&mut self, name: &str, input: &Value, priority: i32) -> ExecutionId {
        self.priority = priority;
        self.start(name, input)
    }

    fn start_with(&mut self, name: &str, input: &Value, origin: Origin) -> Result<ExecutionId, Refused> {
        self.starts += 1;
        let id = ExecutionId::new(Uuid::from_u128(self.starts << 64));
        let start = Start { priority: self.priority, ..start_of(id, input, origin) };
        let plan = self.shelf.plans[name].clone();
        let (reply, mut answer) = oneshot::channel();
        self.turn(vec![Message::Start { plan, start: Box::new(start), reply }]);
        answer.try_recv().unwrap()
    }

    /// Returns the message of a start for whose answer nobody waits.
    pub(super) fn plan(&self, name: &str) -> Message {
        let start = start_of(ExecutionId::new(Uuid::from_u128(99)), &json!({}), Origin::default());
        let (reply, _answer) = oneshot::channel();
        Message::Start { plan: self.shelf.plans[name].clone(), start: Box::new(start), reply }
    }

    pub(super) fn operate(&mut self, execution: ExecutionId, operation: Operation) -> Result<(), Refused> {
        self.step(execution, Input::Operation(operation))
    }

    pub(super) fn step(&mut self, execution: ExecutionId, input: Input) -> Result<(), Refused> {
        let (reply, mut answer) = oneshot::channel();
        self.turn(vec![Message::Step { execution, input: Box::new(input), reply }]);
        answer.try_recv().unwrap()
    }

    /// Reports on the latest run of a task.
    pub(super) fn update(&mut self, execution: ExecutionId, reference: &str, status: TaskStatus, output: Value) {
        let run = self.on_disk(execution).task_by_reference(reference).unwrap().number;
        let output = Payload::new(output);
        let update = WorkerUpdate { status, output, reason: None, callback_after_seconds: 0, worker_id: None };
        self.step(execution, Input::Updated { run, update }).unwrap();
    }

    /// Answers the oldest call.
    pub(super) fn answer(&mut self, status_code: u16, body: Value, resolved: &[&str]) {
        let Command::Perform(work) = self.calls.remove(0) else { panic!("no call is under way") };
        let response = Response {
            status_code,
            reason_phrase: "Reason".to_owned(),
            headers: Payload::new(json!({})),
            body: Payload::new(body),
            raw: None,
            request: "GET http://x".to_owned(),
        };
        let resolved = resolved.iter().map(|value| Sensitive::new(*value)).collect();
        let (execution, run) = (work.execution, work.run);
        let answer = Answer::Response(response);
        self.turn(vec![Message::Outcome(Outcome { execution, run, answer, resolved })]);
    }

    /// The process ends, and another one goes on with what is on disk.
    pub(super) fn crash(&mut self) {
        self.disk.restart(crate::disk::Outage::Power);
        self.log = open(&self.disk);
        self.dispatcher = dispatcher(&self.shelf);
        self.calls.clear();
        let live = self.log.live().unwrap();
        let batch = self.dispatcher.recover(&live, &self.log, self.now);
        self.calls.extend(self.dispatcher.commit(batch, self.now, &mut self.log).unwrap());
        self.check();
    }

    pub(super) fn status(&self, id: ExecutionId) -> WorkflowStatus {
        self.on_disk(id).status
    }

    pub(super) fn json(&self, id: ExecutionId) -> Value {
        self.shelf.view(&self.on_disk(id), true)
    }

    /// Returns a task of an execution as people see it: the latest run.
    pub(super) fn task(&self, id: ExecutionId, reference: &str) -> Value {
        let json = self.json(id);
        let tasks = json["tasks"].as_array().unwrap().iter().rev();
        tasks.into_iter().find(|task| task["referenceTaskName"] == reference).cloned().unwrap()
    }

    pub(super) fn child(&self, id: ExecutionId, reference: &str) -> ExecutionId {
        self.task(id, reference)["subWorkflowId"].as_str().unwrap().parse().unwrap()
    }

    /// Returns every execution that there is, by name.
    pub(super) fn names(&self) -> Vec<String> {
        let ids = self.log.with_prefix("").unwrap();
        let mut names: Vec<_> = ids.iter().map(|id| self.on_disk(*id).name().to_owned()).collect();
        names.sort();
        names
    }

    pub(super) fn named(&self, name: &str) -> ExecutionId {
        let ids = self.log.with_prefix("").unwrap();
        ids.into_iter().find(|id| self.on_disk(*id).name() == name).unwrap_or_else(|| panic!("no {name} was started"))
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
        self.turn(Vec::new());
    }
}

fn start_of(execution: ExecutionId, input: &Value, origin: Origin) -> Start {
    Start {
        execution,
        input: input.as_object().unwrap().clone(),
        correlation_id: Some("c-1".to_owned()),
        priority: 7,
        started_by: "owner".to_owned(),
        slot: None,
        task_to_domain: BTreeMap::new(),
        timeout: None,
        origin,
    }
}

fn open(disk: &FaultyDisk) -> DiskLog {
    DiskLog::open(Arc::new(disk.clone()), Path::new("/state/journal"), Arc::new(Sealer::from_key([7; 32]))).unwrap()
}

fn dispatcher(shelf: &Shelf) -> Dispatcher {
    let rules = Rules { environment: Map::new(), store_retry: Duration::from_hours(72) };
    Dispatcher::new(rules, Slots::new("store".to_owned(), false)).with_library(Box::new(shelf.clone()))
}

pub(super) fn sub(reference: &str, workflow: &str, input: Value) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": "SUB_WORKFLOW", "inputParameters": input,
        "subWorkflowParam": {"name": workflow}})
}

pub(super) fn wait(reference: &str) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": "WAIT"})
}

pub(super) fn set(reference: &str, input: Value) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": "SET_VARIABLE", "inputParameters": input})
}

pub(super) fn get(reference: &str, input: Value) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": "HTTP", "inputParameters": input})
}

pub(super) fn workflow(name: &str, tasks: &[Value]) -> Value {
    json!({"name": name, "tasks": tasks})
}

pub(super) fn giving(name: &str, tasks: &[Value], output: Value) -> Value {
    json!({"name": name, "tasks": tasks, "outputParameters": output})
}
