//! The pure part of HTTP: what a response, or the lack of one, means.

use serde_json::{Value, json};

use crate::engine::answer::{Answer, Response};
use crate::engine::event::{Completion, Fact, Failure};
use crate::engine::execution::{Execution, Run};
use crate::engine::limits::REASON_BODY_CHARS;
use crate::engine::operators::{http_poll, update_secret};
use crate::engine::plan::PlannedTask;
use crate::engine::step::Step;
use crate::words::{Map, Payload, RunNumber, TaskStatus};
use crate::workflow::definition::TaskType;
use crate::workflow::expressions::inert;

/// The names under which a filter is given.
const FILTERS: [&str; 2] = ["outputFilter", "_outputFilters"];

/// Shows in the input whether somebody else completes the task, as Conductor does.
pub(in crate::engine) fn note_input(planned: &PlannedTask, input: &mut Map) {
    input.insert("asyncComplete".to_owned(), Value::Bool(planned.task.async_complete));
}

/// Returns a field of the request, in either form that the dialect has.
pub(super) fn field<'a>(input: &'a Value, name: &str) -> Option<&'a Value> {
    input.get("http_request").and_then(|request| request.get(name)).or_else(|| input.get(name))
}

/// Returns whether a status code is one that the task accepts: 2xx unless it says otherwise.
pub(in crate::engine) fn is_accepted(input: &Value, status: u16) -> bool {
    match field(input, "acceptedStatusCodes") {
        Some(Value::Array(items)) if !items.is_empty() => items.iter().any(|item| accepts(item, status)),
        Some(Value::String(text)) if !text.trim().is_empty() => text.split(',').any(|item| accepts_text(item, status)),
        Some(item @ Value::Number(_)) => accepts(item, status),
        Some(_) | None => (200..300).contains(&status),
    }
}

fn accepts(item: &Value, status: u16) -> bool {
    match item {
        Value::Number(number) => number.as_f64() == Some(f64::from(status)),
        Value::String(text) => accepts_text(text, status),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Reads `404`, `2xx` and `200-299`.
fn accepts_text(text: &str, status: u16) -> bool {
    let text = text.trim().to_ascii_lowercase();
    if let Some((from, to)) = text.split_once('-') {
        let bounds = (from.trim().parse::<u16>(), to.trim().parse::<u16>());
        return matches!(bounds, (Ok(from), Ok(to)) if (from..=to).contains(&status));
    }
    let code = status.to_string();
    text.len() == code.len() && text.chars().zip(code.chars()).all(|(wanted, given)| wanted == 'x' || wanted == given)
}

/// Returns a response as Conductor shows it.
pub(in crate::engine) fn output(response: &Response) -> Payload {
    Payload::new(inert(json!({"response": {
        "statusCode": response.status_code,
        "reasonPhrase": response.reason_phrase,
        "headers": response.headers.expose(),
        "body": response.body.expose(),
    }})))
}

/// Deals with a response that arrived whole. It is kept raw before anything is made of it.
pub(in crate::engine) fn answered(step: &mut Step<'_>, run: RunNumber, response: Response) {
    let accepted = is_accepted(step.at(run).input.expose(), response.status_code);
    let refusal = (!accepted).then(|| refusal(step, run, &response));
    step.emit(Fact::Answered { run, answer: Answer::Response(response) });
    match refusal {
        Some((reason, output)) => {
            // A server may give the value with a status that the task does not accept.
            mask_late(step, run);
            step.fail_run_with(run, TaskStatus::Failed, reason, output);
            step.follow(run);
        }
        None if is_polling(step, run) => http_poll::ask(step, run),
        None => succeed(step, run),
    }
}

fn is_polling(step: &Step<'_>, run: RunNumber) -> bool {
    step.execution.planned(step.at(run)).task.task_type == TaskType::HttpPoll
}

/// Ends a run whose response is the last one.
pub(super) fn succeed(step: &mut Step<'_>, run: RunNumber) {
    match filtered(step, run) {
        Ok(output) => {
            mask_fetched(step, run, output.as_ref());
            let plan = step.plan();
            if step.planned(&plan, run).task.async_complete {
                return keep_open(step, run, output);
            }
            let completion = Completion { run, errors: false, output, reason: None, worker_id: None };
            step.emit(Fact::Completed(Box::new(completion)));
        }
        Err(reason) => {
            mask_fetched(step, run, None);
            step.fail_run(run, TaskStatus::FailedWithTerminalError, reason);
        }
    }
    step.follow(run);
}

/// Leaves a task whose end somebody else reports in progress.
fn keep_open(step: &mut Step<'_>, run: RunNumber, filtered: Option<Payload>) {
    let response = step.at(run).response.as_ref();
    let output = filtered.or_else(|| response.map(output)).unwrap_or_default();
    step.emit(Fact::Updated {
        run,
        output,
        reason: None,
        worker_id: None,
        callback_after_seconds: 0,
        offered_from: None,
        silence_limit: None,
    });
}

/// Returns the filter as the definition has it: data never becomes part of one.
fn filter(planned: &PlannedTask) -> Option<&Value> {
    let parameters = &planned.task.input_parameters;
    let request = parameters.get("http_request");
    let given = |name: &str| request.and_then(|request| request.get(name)).or_else(|| parameters.get(name));
    FILTERS.iter().find_map(|name| given(name)).filter(|filter| !filter.is_null())
}

/// Applies the filter to the response as if the run had ended; `None` where there is none.
fn filtered(step: &Step<'_>, run: RunNumber) -> Result<Option<Payload>, String> {
    let plan = step.plan();
    let Some(filter) = filter(step.planned(&plan, run)) else { return Ok(None) };
    let Some(raw) = step.at(run).response.as_ref().map(output) else { return Ok(None) };
    let template = unescaped(filter);
    let mut scope = step.scope();
    scope.finished = Some((run, raw.expose()));
    if let Some(path) = scope.missing(&template).first() {
        return Err(format!("fetched but not extracted: the response has nothing at `{path}`"));
    }
    match scope.resolve(&template).map_err(|hit| format!("fetched but not extracted: {hit}"))? {
        map @ Value::Object(_) => Ok(Some(Payload::new(map))),
        other => Ok(Some(Payload::new(json!({"output": other})))),
    }
}

/// A filter is written with `$${…}` so that it is not resolved when the task is planned; now it is.
fn unescaped(template: &Value) -> Value {
    match template {
        Value::String(text) => Value::String(text.replace("$${", "${")),
        Value::Array(items) => Value::Array(items.iter().map(unescaped).collect()),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), unescaped(value))).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other.clone(),
    }
}

/// Notes the values of a response that gives no output: it came too late, or with a status that is refused.
pub(in crate::engine) fn mask_late(step: &mut Step<'_>, run: RunNumber) {
    let output = filtered(step, run).ok().flatten();
    mask_fetched(step, run, output.as_ref());
}

/// Notes the values of a response that feed a secret, so that every view hides them.
fn mask_fetched(step: &mut Step<'_>, run: RunNumber, filtered: Option<&Payload>) {
    let plan = step.plan();
    let planned = step.planned(&plan, run);
    let raw = step.at(run).response.as_ref().map(output);
    let mut values = Vec::new();
    for output in raw.iter().chain(filtered) {
        update_secret::leaves(&planned.leaves, output.expose(), &mut values);
    }
    step.mask(values);
}

fn refusal(step: &Step<'_>, run: RunNumber, response: &Response) -> (String, Option<Payload>) {
    let plan = step.plan();
    let hides = filter(step.planned(&plan, run)).is_some();
    if (300..400).contains(&response.status_code) {
        let shown = Response { body: hidden(hides, &response.body), ..response.clone() };
        return ("No response from the remote service".to_owned(), Some(output(&shown)));
    }
    let (method, url) = response.request.split_once(' ').unwrap_or(("", &response.request));
    let body = if hides { "***".to_owned() } else { text(response.body.expose()) };
    let said = format!(
        "java.lang.Exception: {} {} on {method} request for \"{url}\": \"{body}\"",
        response.status_code, response.reason_phrase
    );
    let output = inert(json!({"response": said}));
    (format!("Failed to invoke HTTP task due to: {said}"), Some(Payload::new(output)))
}

fn hidden(hides: bool, body: &Payload) -> Payload {
    if hides && !body.expose().is_null() { Payload::new(json!("***")) } else { body.clone() }
}

fn text(body: &Value) -> String {
    let text = match body {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(REASON_BODY_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Deals with a request that was not sent.
pub(in crate::engine) fn not_sent(step: &mut Step<'_>, run: RunNumber, reason: &str) {
    let output = Payload::new(inert(json!({"response": reason})));
    let reason = format!("Failed to invoke HTTP task due to: {reason}");
    step.fail_run_with(run, TaskStatus::Failed, reason, Some(output));
    step.follow(run);
}

/// Deals with a call of which nobody knows what it did.
pub(in crate::engine) fn unknown(step: &mut Step<'_>, run: RunNumber, status: TaskStatus, reason: &str) {
    let in_doubt = is_doubtful(step.execution, step.at(run));
    let reason = if in_doubt { doubt(step, run, reason) } else { reason.to_owned() };
    step.emit(Fact::Failed(Box::new(Failure {
        run,
        status,
        reason: Some(reason),
        output: None,
        in_doubt,
        worker_id: None,
    })));
    step.follow(run);
}

fn doubt(step: &Step<'_>, run: RunNumber, reason: &str) -> String {
    let method = field(step.at(run).input.expose(), "method").and_then(Value::as_str).unwrap_or("the call");
    let secrets = update_secret::written(step, run);
    let whom = if secrets.is_empty() { String::new() } else { format!(" for secret {}", secrets.join(", ")) };
    format!("in doubt: {reason}; {method} may have replaced the value{whom}, so it is not repeated: look, then retry")
}

/// Returns whether a call whose outcome is unknown may not be repeated without being asked.
pub(in crate::engine) fn is_doubtful(execution: &Execution, run: &Run) -> bool {
    match field(run.input.expose(), "onUnknownOutcome").and_then(Value::as_str) {
        Some("retry") => false,
        Some("fail") => true,
        Some(_) | None => !execution.planned(run).may_repeat && !is_idempotent(run),
    }
}

/// Returns whether the call can be made again without harm.
pub(in crate::engine) fn is_idempotent(run: &Run) -> bool {
    let method = field(run.input.expose(), "method").and_then(Value::as_str).unwrap_or_default();
    matches!(method.to_ascii_uppercase().as_str(), "GET" | "HEAD" | "OPTIONS")
}

/// Returns whether a call is under way: sent, perhaps, and not answered.
pub(in crate::engine) fn is_in_flight(execution: &Execution, run: &Run) -> bool {
    execution.planned(run).task.task_type.is_http()
        && run.status == TaskStatus::InProgress
        && run.response.is_none()
        && run.wake.is_none()
}

/// Returns whether ending this run now leaves a call of which nobody knows what it did.
pub(in crate::engine) fn is_cut_in_doubt(execution: &Execution, run: &Run) -> bool {
    is_in_flight(execution, run) && is_doubtful(execution, run)
}
