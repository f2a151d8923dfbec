//! HTTP_POLL asks a URL again and again, until a condition holds of what it answers.
//!
//! Each answer is kept raw, like that of any call, until its condition is answered; only the last one stays.

use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::event::Fact;
use crate::engine::execution::{Execution, Run};
use crate::engine::limits::{POLL_INTERVAL, POLL_INTERVAL_MAX, POLLS_PER_RUN};
use crate::engine::operators::do_while::holds;
use crate::engine::operators::http::{self, field};
use crate::engine::script::{Language, Script, Verdict};
use crate::engine::step::Step;
use crate::words::{Map, RunNumber, TaskStatus};
use crate::workflow::expressions::java_text;

/// Has the condition evaluated; where there is none, the first answer is the last.
pub(super) fn ask(step: &mut Step<'_>, run: RunNumber) {
    let input = step.at(run).input.clone();
    let condition = field(input.expose(), "terminationCondition").filter(|condition| !condition.is_null());
    let condition = condition.map(java_text).unwrap_or_default();
    if condition.trim().is_empty() {
        return http::succeed(step, run);
    }
    step.ask(run, Script::stored(Language::JavaScript, &condition));
}

/// Returns what the condition sees besides the task's input: what the URL answered, and what those tasks gave that it names.
pub(in crate::engine) fn seen(execution: &Execution, run: &Run, condition: &str) -> Map {
    let tasks = execution.plan.tasks.iter().filter(|task| condition.contains(&*task.task.task_reference_name));
    let given = tasks.filter_map(|task| Some((task, execution.latest(task.slot)?)));
    let given = given.filter(|(_, given)| given.number != run.number && !given.gone);
    let named = given.map(|(task, given)| {
        let output = execution.output(given).into_owned();
        (task.task.task_reference_name.clone(), json!({"output": output}))
    });
    let response = run.response.as_ref().map(http::output);
    let own = response.map(|output| ("output".to_owned(), output.into_value()));
    named.chain(own).collect()
}

/// Ends where the condition holds, else has the URL asked again.
pub(in crate::engine) fn answered(step: &mut Step<'_>, run: RunNumber, verdict: Verdict) {
    let met = match verdict {
        Verdict::Gave(value) => holds(value.expose()),
        Verdict::Failed(reason) => return fail(step, run, format!("the terminationCondition: {reason}")),
    };
    if met {
        return http::succeed(step, run);
    }
    // A secret may be in an answer that is not the last.
    http::mask_late(step, run);
    let known = step.at(run);
    let input = known.input.expose();
    let polls = known.poll_count + 1;
    let most = number(field(input, "maxPollCount")).filter(|most| *most > 0).unwrap_or(POLLS_PER_RUN);
    if u64::from(polls) >= most.min(POLLS_PER_RUN) {
        return fail(step, run, format!("the terminationCondition did not hold in {polls} polls"));
    }
    let again = step.now().plus(interval(input, polls));
    step.emit(Fact::Polled { run, again });
}

fn fail(step: &mut Step<'_>, run: RunNumber, reason: String) {
    http::mask_late(step, run);
    step.fail_run(run, TaskStatus::Failed, reason);
    step.follow(run);
}

/// Returns how long it waits after a number of polls.
fn interval(input: &Value, polls: u32) -> Duration {
    let seconds = number(field(input, "pollingInterval")).filter(|seconds| *seconds > 0);
    let interval = seconds.map_or(POLL_INTERVAL, Duration::from_secs);
    let strategy = field(input, "pollingStrategy").and_then(Value::as_str).unwrap_or_default();
    let interval = match strategy {
        "LINEAR_BACKOFF" => interval.saturating_mul(polls),
        "EXPONENTIAL_BACKOFF" => interval.saturating_mul(1 << (polls - 1).min(30)),
        _ => interval,
    };
    interval.min(POLL_INTERVAL_MAX)
}

/// Reads a number, which may be written as text.
fn number(value: Option<&Value>) -> Option<u64> {
    value.and_then(|value| java_text(value).trim().parse().ok())
}
