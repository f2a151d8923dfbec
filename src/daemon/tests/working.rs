use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use super::timing::pass;
use super::world::{KEY_SECRET, Served, World, single, worker_task};
use crate::daemon::Queue;
use crate::engine::WorkerUpdate;
use crate::words::{ExecutionId, Owner, Payload, RunNumber, TaskStatus, WorkflowStatus};

const NOON: &str = "2026-11-20T12:00:00Z";
const SECOND: Duration = Duration::from_secs(1);

fn defined(def: &Value) -> Value {
    let mut task = worker_task(&json!({}));
    task["taskDefinition"] = def.clone();
    single("working", &task)
}

/// Takes what the queue gives now.
fn polled(served: &Served<'_>, domain: Option<&str>) -> Vec<Value> {
    let queue = Queue { name: "carry".to_owned(), domain: domain.map(str::to_owned) };
    served
        .ask(served.handle.poll(&Owner::Local, Box::new(|| true), queue, Some("w1".to_owned()), 10, Duration::ZERO))
        .unwrap()
}

fn report(served: &Served<'_>, id: ExecutionId, status: TaskStatus, output: Value) {
    let worker_id = Some("w1".to_owned());
    let update =
        WorkerUpdate { status, output: Payload::new(output), reason: None, callback_after_seconds: 0, worker_id };
    served.ask(served.handle.update_task(&Owner::Local, id, RunNumber(1), update)).unwrap();
}

fn id_of(task: &Value) -> ExecutionId {
    task["workflowInstanceId"].as_str().unwrap().parse().unwrap()
}

#[test]
fn no_more_are_under_way_at_once_than_the_definition_says_also_over_a_restart() {
    let (world, _clock) = World::standing_still(NOON);
    let served = world.serve();
    let def = defined(&json!({"name": "carry", "retryCount": 0, "concurrentExecLimit": 2}));
    for _ in 0..3 {
        served.start(def.clone());
    }
    let first = polled(&served, None);
    assert_eq!((first.len(), polled(&served, None).len()), (2, 0));
    served.stop();
    let served = world.serve();
    assert_eq!(polled(&served, None).len(), 0, "those that workers have count after a restart");
    report(&served, id_of(&first[0]), TaskStatus::Completed, json!({}));
    assert_eq!((polled(&served, None).len(), polled(&served, None).len()), (1, 0));
    served.stop();
}

#[test]
fn no_more_start_in_a_window_than_the_definition_says_also_over_a_restart() {
    let (world, clock) = World::standing_still(NOON);
    let served = world.serve();
    let def = json!({"name": "carry", "rateLimitPerFrequency": 1, "rateLimitFrequencyInSeconds": 60});
    let def = defined(&def);
    for _ in 0..3 {
        served.start(def.clone());
    }
    assert_eq!((polled(&served, None).len(), polled(&served, None).len()), (1, 0));
    pass(&served, &clock, 59 * SECOND);
    assert_eq!(polled(&served, None).len(), 0);
    served.stop();
    let served = world.serve();
    assert_eq!(polled(&served, None).len(), 0, "what started counts after a restart");
    pass(&served, &clock, SECOND);
    assert_eq!((polled(&served, None).len(), polled(&served, None).len()), (1, 0));
    served.stop();
}

#[test]
fn calls_beyond_the_limit_of_their_definition_do_not_reach_the_server() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let served = world.serve();
    let definition = json!({"name": "fetch", "retryCount": 0, "concurrentExecLimit": 1});
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let fetch = json!({"name": "fetch", "taskReferenceName": "fetch", "type": "HTTP", "taskDefinition": definition,
        "inputParameters": {"uri": uri, "method": "GET"}});
    let mut ids = [0, 1, 2].map(|_| served.start(single("limited", &fetch)));
    // Those that wait go by the millisecond, and within one by their ids, which are chance.
    ids[1..].sort_by_key(|id| (served.view(*id)["tasks"][0]["scheduledTime"].as_i64(), *id));
    for (position, now) in ids.iter().enumerate() {
        listener.set_nonblocking(false).unwrap();
        let (mut call, _) = listener.accept().unwrap();
        for later in &ids[position + 1..] {
            let task = &served.view(*later)["tasks"][0];
            assert_eq!((&task["status"], &task["startTime"]), (&json!("SCHEDULED"), &json!(0)), "{task}");
        }
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "a call beyond the limit came");
        call.set_nonblocking(false).unwrap();
        let read = call.read(&mut [0; 4_096]).unwrap();
        assert!(read > 0);
        call.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
        assert_eq!(served.end_of(*now), WorkflowStatus::Completed);
    }
    served.stop();
}

#[test]
fn runtime_metadata_reaches_the_worker_and_nobody_else() {
    let world = World::new();
    let served = world.serve();
    let id = served.start(defined(&json!({"name": "carry", "runtimeMetadata": ["appKeySecret"]})));
    let tasks = polled(&served, None);
    assert_eq!(tasks[0]["runtimeMetadata"], json!({"appKeySecret": KEY_SECRET}));
    assert_eq!(tasks[0]["inputData"], json!({}));
    report(&served, id, TaskStatus::Completed, json!({"said": format!("got {KEY_SECRET}")}));
    assert_eq!(served.end_of(id), WorkflowStatus::Completed);
    let view = served.view(id);
    assert_eq!(view["tasks"][0]["outputData"]["said"], "got ***");
    assert_eq!(view["tasks"][0].get("runtimeMetadata"), None, "{view}");
    served.stop();
    assert_eq!(world.file_with(KEY_SECRET), None);
}

#[test]
fn runtime_metadata_that_is_missing_or_not_granted_fails_the_task_and_names_it() {
    let world = World::new();
    world.write("keytide.toml", "[access]\nworkflows = \"granted\"\n");
    let names = ["appKeySecret", "nowhere"];
    for name in names {
        let mut definition = defined(&json!({"name": "carry", "retryCount": 0, "runtimeMetadata": [name]}));
        definition["name"] = name.into();
        world.write(&format!("workflows/{name}.json"), definition.to_string());
    }
    let served = world.serve();
    let ids = names.map(|name| (name, served.start_named(name, &json!({}))));
    assert_eq!(polled(&served, None), Vec::<Value>::new());
    for (name, id) in ids {
        assert_eq!(served.end_of(id), WorkflowStatus::Failed);
        let reason = served.view(id)["tasks"][0]["reasonForIncompletion"].clone();
        let expected = format!("secret \"{name}\" is not available to workflow:{name} (missing or not granted)");
        assert_eq!(reason, expected);
    }
    served.stop();
}
