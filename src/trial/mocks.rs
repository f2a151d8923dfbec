//! What the test says in the place of the world.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Error;
use crate::engine::{Answer, Assignment, Execution, PlannedTask, Response, Run, WorkerUpdate, view};
use crate::words::{ExecutionId, Map, Payload, TaskStatus};
use crate::workflow::definition::{Mock, WorkflowTest};

/// The mocks of a test, and how many attempts of each task had one.
pub(super) struct Mocks<'t> {
    test: &'t WorkflowTest,
    given: BTreeMap<(ExecutionId, String), usize>,
}

/// What there is for one attempt.
pub(super) enum Given<'t> {
    /// This.
    Mock(&'t Mock),
    /// The task has mocks, and they are used up.
    UsedUp(usize),
    /// Nothing.
    Nothing,
}

impl<'t> Mocks<'t> {
    pub(super) fn new(test: &'t WorkflowTest) -> Self {
        Self { test, given: BTreeMap::new() }
    }

    /// Returns what the test says of a task, in any of its attempts.
    fn list(&self, path: &[String], name: &str, reference: &str) -> Option<(String, &'t [Mock])> {
        let request = request(self.test, path, name);
        // An iteration of a loop may have its own.
        let base = reference.rsplit_once("__").map_or(reference, |(base, _)| base);
        [reference, base].into_iter().find_map(|key| {
            let mocks = request.task_ref_to_mock_output.get(key)?;
            Some((key.to_owned(), mocks.as_slice()))
        })
    }

    /// Returns whether an attempt of a task has a mock.
    pub(super) fn has(&self, id: ExecutionId, path: &[String], name: &str, reference: &str) -> bool {
        let list = self.list(path, name, reference);
        list.is_some_and(|(key, mocks)| self.given.get(&(id, key)).copied().unwrap_or(0) < mocks.len())
    }

    /// Takes what the test says of the next attempt of a task. `path` leads to its execution: the references of the tasks
    /// that started it, from the top.
    pub(super) fn take(&mut self, id: ExecutionId, path: &[String], name: &str, reference: &str) -> Given<'t> {
        let Some((key, mocks)) = self.list(path, name, reference) else { return Given::Nothing };
        let count = self.given.entry((id, key)).or_insert(0);
        match mocks.get(*count) {
            Some(mock) => {
                *count += 1;
                Given::Mock(mock)
            }
            None => Given::UsedUp(mocks.len()),
        }
    }
}

/// Returns the part of a test that is about an execution: by the tasks that started it, else by its workflow's name, as of
/// one that was started beside.
fn request<'t>(test: &'t WorkflowTest, path: &[String], name: &str) -> &'t WorkflowTest {
    static NOTHING: std::sync::LazyLock<WorkflowTest> = std::sync::LazyLock::new(WorkflowTest::default);
    let mut request = test;
    for reference in path {
        let base = reference.rsplit_once("__").map_or(reference.as_str(), |(base, _)| base);
        let requests = &request.sub_workflow_test_request;
        match requests.get(reference).or_else(|| requests.get(base)) {
            Some(below) => request = below,
            None => return &NOTHING,
        }
    }
    if path.is_empty() && !is_about(test, name) {
        let mut named = test.sub_workflow_test_request.values();
        return named.find(|below| below.name == name).unwrap_or(test);
    }
    request
}

fn is_about(test: &WorkflowTest, name: &str) -> bool {
    test.name == name || test.workflow_def.as_ref().is_some_and(|def| def.name == name)
}

/// Returns what a mock says as the answer to a call.
pub(super) fn http_answer(mock: &Mock, work: &Assignment, described: &str) -> Result<Answer, Error> {
    if let Some(reason) = &mock.not_sent {
        return Ok(Answer::NotSent { reason: reason.clone() });
    }
    if let Some(reason) = &mock.unknown {
        return Ok(Answer::Unknown { reason: reason.clone() });
    }
    let status = mock.status.unwrap_or(TaskStatus::Completed);
    let failed = matches!(status, TaskStatus::Failed | TaskStatus::FailedWithTerminalError);
    let bad = |problem: String| bad_mock(work.workflow_name(), &work.reference, "HTTP", problem);
    match mock.output.get("response") {
        Some(Value::Object(response)) if failed || status == TaskStatus::Completed => {
            response_of(response, failed, described).map(Answer::Response).map_err(bad)
        }
        Some(Value::Object(_)) => Err(bad(format!("ends it as {}, which no response does", status.as_str()))),
        None | Some(Value::Null) if failed => {
            let reason = mock.reason_for_incompletion.clone().unwrap_or_else(|| "the mock fails".to_owned());
            Ok(Answer::Failed { reason, terminal: status == TaskStatus::FailedWithTerminalError })
        }
        _ => Err(bad("gives no `output.response`: an HTTP task gives `{response: {statusCode, headers, body}}`; \
             `notSent: WHY` is a request that did not go out, `unknown: WHY` one that nobody answered"
            .to_owned())),
    }
}

fn response_of(given: &Map, failed: bool, described: &str) -> Result<Response, String> {
    let status_code = match given.get("statusCode") {
        None | Some(Value::Null) => Some(if failed { 500 } else { 200 }),
        Some(code) => code.as_u64().or_else(|| code.as_str()?.parse().ok()).and_then(|code| u16::try_from(code).ok()),
    };
    let status_code = status_code.filter(|code| (100..1000).contains(code));
    let headers = match given.get("headers") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(headers)) => headers.clone(),
        Some(_) => return Err("has `headers` that are no map".to_owned()),
    };
    // Conductor shows each name with the list of its values; people write one.
    let listed = |(name, value): (String, Value)| (name, if value.is_array() { value } else { json!([value]) });
    Ok(Response {
        status_code: status_code.ok_or("has a `statusCode` that is no status of HTTP")?,
        reason_phrase: given.get("reasonPhrase").and_then(Value::as_str).unwrap_or_default().to_owned(),
        headers: Payload::new(Value::Object(headers.into_iter().map(listed).collect())),
        body: Payload::new(given.get("body").cloned().unwrap_or(Value::Null)),
        raw: None,
        request: described.to_owned(),
    })
}

/// Returns what a mock says as the report of a worker, or of somebody in its place.
pub(super) fn update(mock: &Mock) -> WorkerUpdate {
    WorkerUpdate {
        status: mock.status.unwrap_or(TaskStatus::Completed),
        output: Payload::new(Value::Object(mock.output.clone())),
        reason: mock.reason_for_incompletion.clone(),
        callback_after_seconds: 0,
        worker_id: Some("mock".to_owned()),
    }
}

/// Returns what a mock says in the place of work that is otherwise done for real: only that it fails.
pub(super) fn failure(mock: &Mock) -> Option<Answer> {
    let terminal = mock.status == Some(TaskStatus::FailedWithTerminalError);
    (terminal || mock.status == Some(TaskStatus::Failed)).then(|| {
        let reason = mock.reason_for_incompletion.clone().unwrap_or_else(|| "the mock fails".to_owned());
        Answer::Failed { reason, terminal }
    })
}

fn bad_mock(workflow: &str, task: &str, kind: &str, problem: String) -> Error {
    Error::BadMock { workflow: workflow.to_owned(), task: task.to_owned(), kind: kind.to_owned(), problem }
}

/// Returns the type of a task as people write it.
pub(super) fn kind(planned: &PlannedTask) -> &str {
    if planned.task.task_type.is_worker() { "SIMPLE" } else { view::task_type(planned) }
}

/// Returns the error for a run that nobody answers.
pub(super) fn no_mock(execution: &Execution, run: &Run, used: Option<usize>) -> Error {
    let planned = execution.planned(run);
    missing(execution.name(), &execution.reference(run), kind(planned), used, "waits for an answer")
}

/// Returns the error for work that nobody answers.
pub(super) fn missing(workflow: &str, task: &str, kind: &str, used: Option<usize>, what: &str) -> Error {
    let what = match used {
        Some(count) => format!("{what}, and its {count} mocked attempts are used up"),
        None => format!("{what} and has no mock"),
    };
    let advice = if used.is_some() { "one more" } else { "one" };
    Error::NoMock { workflow: workflow.to_owned(), task: task.to_owned(), kind: kind.to_owned(), what, advice }
}
