use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::access::TargetKind;
use crate::api::about::Content::{List, One};
use crate::api::about::{Content, about};
use crate::api::parameters::{DOMAIN, TASK_TYPE, TASK_TYPES};
use crate::api::params::Params;
use crate::api::routes::{Routes, each};
use crate::api::{Answer, Caller, Error, text};
use crate::daemon::{Handle, LastPoll, Queue};
use crate::words::{Owner, Permission};

pub(super) fn routes() -> Routes {
    let need = || each(Permission::Execute, TargetKind::Workflow);
    Routes::default()
        .get(
            "/api/tasks/queue/sizes",
            need(),
            about("Says how many tasks of some kinds wait").asks([TASK_TYPES]).gives(Content::Map("Count")),
            sizes,
        )
        .get(
            "/api/tasks/queue/size",
            need(),
            about("Says how many tasks of a kind wait").asks([TASK_TYPE, DOMAIN]).gives(One("Count")),
            size,
        )
        .get(
            "/api/tasks/queue/all",
            need(),
            about("Says how many tasks of each kind wait").gives(Content::Map("Count")),
            all_sizes,
        )
        .get(
            "/api/tasks/queue/all/verbose",
            need(),
            about("Says how many tasks of each kind wait, as Conductor's queues with one shard")
                .gives(Content::Map("QueueShards")),
            all_verbose,
        )
        .get(
            "/api/tasks/queue/polldata",
            need(),
            about("Says who polled last for a kind of task").asks([TASK_TYPE]).gives(List("PollData")),
            polls,
        )
        .get(
            "/api/tasks/queue/polldata/all",
            need(),
            about("Says who polled last for each kind of task").gives(List("PollData")),
            all_polls,
        )
        .post(
            "/api/tasks/queue/requeue/{type}",
            need(),
            about("Does nothing: what waits is in no queue that could lose it").gives(Content::Text),
            requeue,
        )
}

async fn sizes(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    let all = by_name(&handle, &who).await?;
    let asked: BTreeMap<_, _> =
        params.all("taskType").map(|name| (name, all.get(name).copied().unwrap_or(0))).collect();
    Ok(Json(asked).into_response())
}

async fn size(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    let name = params.text("taskType").ok_or_else(|| Error::wrong("`taskType` says of which queue, and is missing"))?;
    let queue = Queue { name: name.to_owned(), domain: params.text("domain").map(str::to_owned) };
    let size = handle.queues(&who).await?.sizes.get(&queue).copied().unwrap_or(0);
    Ok(Json(size).into_response())
}

async fn all_sizes(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    Ok(Json(by_name(&handle, &who).await?).into_response())
}

/// What is given to a worker is in no queue any more, so nothing here waits to be acknowledged.
async fn all_verbose(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let sizes = by_name(&handle, &who).await?.into_iter();
    let shards: BTreeMap<_, _> = sizes.map(|(name, size)| (name, json!({"a": {"size": size, "uacked": 0}}))).collect();
    Ok(Json(shards).into_response())
}

/// Conductor's name of a queue: the task's, and the domain before it.
async fn by_name(handle: &Handle, who: &Owner) -> Result<BTreeMap<String, usize>, Error> {
    let name = |queue: Queue| match queue.domain {
        Some(domain) => format!("{domain}:{}", queue.name),
        None => queue.name,
    };
    Ok(handle.queues(who).await?.sizes.into_iter().map(|(queue, size)| (name(queue), size)).collect())
}

/// Conductor answers with how many tasks it found that were in no queue.
async fn requeue() -> Response {
    text("0")
}

async fn polls(State(handle): State<Handle>, Caller(who): Caller, params: Params) -> Answer {
    let name = params.text("taskType").ok_or_else(|| Error::wrong("`taskType` says of which queue, and is missing"))?;
    let polls = handle.queues(&who).await?.polls;
    Ok(Json(polls.iter().filter(|poll| poll.queue.name == name).map(poll_data).collect::<Vec<_>>()).into_response())
}

async fn all_polls(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    Ok(Json(handle.queues(&who).await?.polls.iter().map(poll_data).collect::<Vec<_>>()).into_response())
}

/// Conductor's PollData.
fn poll_data(poll: &LastPoll) -> Value {
    let mut data = json!({"queueName": poll.queue.name, "lastPollTime": poll.at.as_millis()});
    let known = [("domain", &poll.queue.domain), ("workerId", &poll.worker_id)];
    for (field, text) in known {
        if let Some(text) = text {
            data[field] = json!(text);
        }
    }
    data
}
