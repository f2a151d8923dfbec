//! What runs in every world: rotations alone, two at once, with retries behind a wait and a switch, over a GET, and below
//! other workflows, which may be the ones that store.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use keytide::catalog::Owned;
use keytide::daemon::{Asking, Library, Scheduled, Thing};
use keytide::engine::{DefinitionHash, Execution, Pinned, Plan, Wanted, view};
use keytide::scheduler::{Defaults, Schedule};
use keytide::words::{Owner, Permission};
use keytide::workflow::definition::{EventHandler, StartWorkflowRequest, TaskDef, WorkflowDef, WorkflowSchedule};
use serde_json::{Value, json};

/// The secrets that the workflows write; each has an issuer that revokes the old token when it mints a new one.
pub(crate) const SECRETS: [&str; 6] = ["rotated", "left", "right", "slow", "carried", READ];

/// The secret that is fetched by a GET.
pub(crate) const READ: &str = "read";

/// How many fetches may be under way at once.
pub(crate) const FETCHES: usize = 2;

/// The queue of the workers.
pub(crate) const QUEUE: &str = "work";

pub(crate) fn plans() -> &'static [Arc<Plan>] {
    static PLANS: OnceLock<Vec<Arc<Plan>>> = OnceLock::new();
    PLANS.get_or_init(|| definitions().into_iter().map(compiled).collect())
}

/// The workflows that people start; the last one only runs below another.
pub(crate) fn startable() -> &'static [Arc<Plan>] {
    plans().split_last().map(|(_, startable)| startable).unwrap_or_default()
}

/// What the dispatcher finds when an execution starts another one.
pub(crate) struct Shelf;

impl Library for Shelf {
    fn plan(&self, _asking: Asking<'_>, wanted: &Wanted) -> Result<Arc<Plan>, String> {
        let Wanted::Named { name, .. } = wanted else { return Err("no definition comes along".to_owned()) };
        let found = plans().iter().find(|plan| plan.pinned.workflow.name == *name);
        found.cloned().ok_or_else(|| format!("there is no {name}"))
    }

    fn allows(&self, _asking: Asking<'_>, _permission: Permission, _thing: Thing, _name: &str) -> bool {
        true
    }

    fn handlers(&self, _event: &str) -> Vec<Arc<Owned<EventHandler>>> {
        Vec::new()
    }

    fn view(&self, execution: &Execution, with_tasks: bool) -> Value {
        view::workflow_json(execution, with_tasks)
    }
}

pub(crate) fn plan(hash: &DefinitionHash) -> Arc<Plan> {
    plans().iter().find(|plan| plan.hash == *hash).unwrap().clone()
}

fn compiled(definition: Value) -> Arc<Plan> {
    let workflow: WorkflowDef = serde_json::from_value(definition).unwrap();
    let task_defs: Vec<TaskDef> = serde_json::from_value(json!([
        {"name": "work", "retryCount": 1, "retryDelaySeconds": 2, "responseTimeoutSeconds": 30},
        {"name": "fetch", "retryDelaySeconds": 3, "timeoutSeconds": 60, "timeoutPolicy": "RETRY",
            "concurrentExecLimit": FETCHES},
    ]))
    .unwrap();
    let task_defs: BTreeMap<_, _> = task_defs.into_iter().map(|def| (def.name.clone(), def)).collect();
    Arc::new(Plan::compile(Pinned::new(workflow, task_defs, Owner::Local)).unwrap())
}

fn fetch(secret: &str, method: &str, retries: u32) -> Value {
    json!({"name": "fetch", "taskReferenceName": format!("fetch_{secret}"), "type": "HTTP", "retryCount": retries,
        "inputParameters": {"uri": format!("http://issuer/{secret}"), "method": method,
            "body": {"key": "${workflow.secrets.app_key}"},
            "outputFilter": {"_secrets": {"token": format!("$${{fetch_{secret}.output.response.body.token}}")}}}})
}

fn store(secret: &str) -> Value {
    let value = format!("${{fetch_{secret}.output._secrets.token}}");
    json!({"name": "store", "taskReferenceName": format!("store_{secret}"), "type": "UPDATE_SECRET",
        "inputParameters": {"_secrets": {"secretKey": secret, "secretValue": value}}})
}

fn work(reference: &str) -> Value {
    json!({"name": QUEUE, "taskReferenceName": reference, "type": "SIMPLE"})
}

/// Runs another workflow and, where that failed, another one in its place.
fn sub(workflow: &str, retries: u32) -> Value {
    json!({"name": "sub", "taskReferenceName": "sub", "type": "SUB_WORKFLOW", "retryCount": retries,
        "subWorkflowParam": {"name": workflow}})
}

fn definitions() -> Vec<Value> {
    let carry = json!({"name": "store", "taskReferenceName": "store_carried", "type": "UPDATE_SECRET",
        "inputParameters": {"_secrets": {"secretKey": "carried", "secretValue": "${sub.output.token}"}}});
    let wait =
        json!({"name": "wait", "taskReferenceName": "wait", "type": "WAIT", "inputParameters": {"duration": "4s"}});
    let switch = json!({"name": "switch", "taskReferenceName": "switch", "type": "SWITCH", "evaluatorType": "javascript",
        "expression": "$.v", "inputParameters": {"v": "${ask.output.v}"},
        "decisionCases": {"1": [fetch("slow", "POST", 2), store("slow")], "2": []}, "defaultCase": [work("other")]});
    vec![
        json!({"name": "rotate", "tasks": [fetch("rotated", "POST", 1), store("rotated")]}),
        json!({"name": "both", "tasks": [
            {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [
                [fetch("left", "POST", 0), store("left")], [fetch("right", "POST", 1), store("right")]]},
            {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["store_left", "store_right"]},
            work("after"),
        ]}),
        json!({"name": "slow", "timeoutSeconds": 300, "timeoutPolicy": "TIME_OUT_WF",
            "tasks": [work("ask"), wait, switch]}),
        json!({"name": "read", "tasks": [fetch("read", "GET", 2), store("read")]}),
        json!({"name": "family", "tasks": [sub("rotate", 1), work("after")]}),
        json!({"name": "above", "tasks": [sub("below", 1), carry]}),
        json!({"name": "below", "tasks": [fetch("carried", "POST", 1), work("between")],
            "outputParameters": {"token": "${fetch_carried.output._secrets.token}"}}),
    ]
}

/// Two schedules of seconds: one that waits for its last run, and one that does not and catches up.
pub(crate) fn schedules() -> Vec<Scheduled> {
    static SCHEDULES: OnceLock<Vec<Scheduled>> = OnceLock::new();
    SCHEDULES
        .get_or_init(|| {
            vec![scheduled(0, "*/10 * * * * *", "skip", false), scheduled(3, "*/20 * * * * *", "allow", true)]
        })
        .clone()
}

/// The schedule that skips a slot while its last run goes.
pub(crate) const SKIPPING: &str = "rotate";

fn scheduled(at: usize, cron: &str, overlap: &str, catch_up: bool) -> Scheduled {
    let plan = plans()[at].clone();
    let name = &plan.pinned.workflow.name;
    let definition: WorkflowSchedule = serde_json::from_value(json!({"name": name, "cronExpression": cron,
        "overlap": overlap, "runCatchupScheduleInstances": catch_up, "startWorkflowRequest": {"name": name}}))
    .unwrap();
    let request = StartWorkflowRequest { name: name.clone(), ..StartWorkflowRequest::default() };
    let schedule = Schedule::from_definition(&definition, Defaults::default()).unwrap();
    Scheduled { schedule: Arc::new(schedule), request, plan: Ok(plan) }
}
