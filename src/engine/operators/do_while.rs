//! DO_WHILE repeats its tasks: for each item of a list, or for as long as its condition holds.
//!
//! It is looked at when nothing is left to do in its iteration. Each look costs what the iteration has, whatever came
//! before it.

use serde_json::{Value, json};

use crate::engine::event::Fact;
use crate::engine::execution::{Execution, Run};
use crate::engine::plan::{PlannedTask, TaskIndex, Ways};
use crate::engine::script::{Language, Script, Verdict};
use crate::engine::step::Step;
use crate::words::{Map, Payload, RunNumber, TaskStatus};
use crate::workflow::expressions::{LimitHit, java_text, parse};

/// The name under which Orkes takes the list, as an input.
const ITEMS: &str = "_items";

/// Returns the list that a loop goes through; none where it only has a condition. What is no list is a list of itself.
pub(in crate::engine) fn items(
    planned: &PlannedTask,
    resolve: impl Fn(&Value) -> Result<Value, LimitHit>,
) -> Result<Option<Payload>, LimitHit> {
    let Some(expression) = expression(planned) else { return Ok(None) };
    Ok(Some(Payload::new(match resolve(expression)? {
        Value::Array(items) => Value::Array(items),
        Value::Null => json!([]),
        single => json!([single]),
    })))
}

/// Returns the expression of the list.
fn expression(planned: &PlannedTask) -> Option<&Value> {
    let is_given = |value: &&Value| match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(_) => true,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    };
    let field = planned.task.items.as_ref().filter(is_given);
    field.or_else(|| planned.task.input_parameters.get(ITEMS).filter(is_given))
}

/// Goes on with a loop in whose iteration nothing is open.
pub(in crate::engine) fn advance(step: &mut Step<'_>, run: RunNumber) {
    let plan = step.plan();
    let planned = step.planned(&plan, run);
    let Some((iteration, count)) = step.at(run).looping.as_ref().map(|looping| (looping.iteration, looping.len()))
    else {
        return;
    };
    if iteration == 0 {
        return match count {
            Some(0) => finish(step, run),
            Some(_) | None => begin(step, planned, run, None),
        };
    }
    if let Some(reason) = failures(step, run, iteration) {
        return fail(step, run, TaskStatus::Failed, reason);
    }
    drop_old(step, run, iteration);
    let condition = planned.task.loop_condition.as_deref().unwrap_or_default();
    if condition.trim().is_empty() {
        decide(step, planned, run, count.is_some());
    } else {
        ask(step, planned, run, condition);
    }
}

/// Goes on with the next iteration, or ends.
fn decide(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber, holds: bool) {
    let (iteration, before) = match step.at(run).looping.as_ref() {
        Some(looping) => (looping.iteration, looping.items.clone()),
        None => return,
    };
    let now = match changed_items(step, planned, before.as_ref()) {
        Ok(now) => now,
        Err(hit) => return fail(step, run, TaskStatus::FailedWithTerminalError, format!("the items: {hit}")),
    };
    let has_more = now.as_ref().or(before.as_ref()).is_none_or(|items| {
        let count = items.expose().as_array().map_or(0, Vec::len);
        usize::try_from(iteration).is_ok_and(|iteration| iteration < count)
    });
    if holds && has_more { begin(step, planned, run, now) } else { finish(step, run) }
}

/// Returns the list where it is another than before. Only what can change is evaluated again: what the workflow took, and
/// what tasks outside of the loop gave, is as it was.
fn changed_items(
    step: &Step<'_>,
    planned: &PlannedTask,
    before: Option<&Payload>,
) -> Result<Option<Payload>, LimitHit> {
    let text = expression(planned).and_then(Value::as_str).filter(|text| may_change(step, planned, text));
    let (Some(before), Some(_)) = (before, text) else { return Ok(None) };
    let now = items(planned, |expression| step.scope().resolve(expression))?;
    Ok(now.filter(|now| now != before))
}

fn may_change(step: &Step<'_>, planned: &PlannedTask, text: &str) -> bool {
    let plan = step.plan();
    parse(text).iter().flat_map(|reference| reference.with_nested()).any(|reference| {
        let Some((head, range)) = reference.head(text) else { return true };
        if head == "workflow" {
            let below = text[range.end..].trim_start_matches(['.', '[', '\'', '"']);
            return !below.starts_with("input");
        }
        // The tasks of a loop come right after it.
        plan.by_reference(head).is_none_or(|task| task.index >= planned.index || task.is_generated)
    })
}

/// Starts an iteration.
fn begin(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber, items: Option<Payload>) {
    let iteration = step.at(run).looping.as_ref().map_or(0, |looping| looping.iteration) + 1;
    step.emit(Fact::Iterated { run, iteration, items });
    if let Ways::Loop(Some(first)) = planned.ways {
        // What an iteration begins with is done in the next pass, as in Conductor.
        let rest = std::mem::take(&mut step.work);
        step.schedule(first, Some(run));
        let begun = std::mem::replace(&mut step.work, rest);
        step.later.extend(begun);
    }
}

fn finish(step: &mut Step<'_>, run: RunNumber) {
    step.complete_run(run, None);
    step.follow(run);
}

fn fail(step: &mut Step<'_>, run: RunNumber, status: TaskStatus, reason: String) {
    step.fail_run(run, status, reason);
    step.follow(run);
}

impl Step<'_> {
    /// Fails the loop around a run that has failed while it was scheduled: as in Conductor, the loop is looked at before
    /// anything follows from the failure. What an iteration begins with comes after that look.
    pub(in crate::engine) fn fail_loop_of(&mut self, run: RunNumber) {
        let failed = self.at(run);
        let Some(around) = failed.frame.map(|around| self.at(around)).filter(|around| !around.status.is_terminal())
        else {
            return;
        };
        let frame = self.execution.index.frames.get(&(around.number, failed.iteration));
        let begun = frame.and_then(|frame| frame.runs.first().copied());
        if self.is_fatal(run) && self.place(run).first().copied() != begun {
            let reason = format!("{} ", failed.reason.as_deref().unwrap_or("null"));
            fail(self, around.number, TaskStatus::Failed, reason);
        }
    }
}

/// Returns why an iteration in which something permissive failed fails its loop.
fn failures(step: &Step<'_>, run: RunNumber, iteration: i32) -> Option<String> {
    let frame = step.execution.index.frames.get(&(run, iteration))?;
    let failed = frame.runs.iter().map(|run| step.at(*run)).find(|run| run.permitted && !run.retried)?;
    Some(format!("{} ", failed.reason.as_deref().unwrap_or("null")))
}

/// Lets go of what `keepLastN` does not keep.
fn drop_old(step: &mut Step<'_>, run: RunNumber, iteration: i32) {
    let known = step.at(run);
    let Some(until) = keeps(known.input.expose()).map(|kept| iteration - kept) else { return };
    if known.looping.as_ref().is_some_and(|looping| looping.first <= until) {
        step.emit(Fact::Dropped { run, until });
    }
}

/// Returns how many iterations a loop keeps; none where it keeps all.
pub(in crate::engine) fn keeps(input: &Value) -> Option<i32> {
    let text = java_text(input.get("keepLastN")?);
    text.parse().ok().filter(|kept| *kept >= 0)
}

/// Has the condition evaluated.
fn ask(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber, condition: &str) {
    match condition_input(step, planned, run) {
        Ok(input) => {
            let script = Script::literal(Language::JavaScript, condition).over(Payload::new(Value::Object(input)));
            step.ask(run, script);
        }
        Err(hit) => impossible(step, planned, run, &hit.to_string()),
    }
}

/// Goes on with what the condition came to.
pub(in crate::engine) fn answered(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber, verdict: Verdict) {
    match verdict {
        Verdict::Gave(value) => decide(step, planned, run, holds(value.expose())),
        Verdict::Failed(reason) => impossible(step, planned, run, &reason),
    }
}

/// Conductor's words.
fn impossible(step: &mut Step<'_>, planned: &PlannedTask, run: RunNumber, reason: &str) {
    let condition = planned.task.loop_condition.as_deref().unwrap_or_default();
    let reason = format!("Unable to evaluate condition {condition}, exception {reason}");
    fail(step, run, TaskStatus::FailedWithTerminalError, reason);
}

/// Returns whether what a condition gave means yes: `true`, and numbers above zero; no text, and no object.
pub fn holds(value: &Value) -> bool {
    match value {
        Value::Bool(holds) => *holds,
        Value::Number(number) => number.as_f64().is_some_and(|number| number > 0.0),
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Returns what the condition sees: what the loop takes, resolved again, what its tasks gave last, and where it stands.
fn condition_input(step: &Step<'_>, planned: &PlannedTask, run: RunNumber) -> Result<Map, LimitHit> {
    let known = step.at(run);
    let mut input = match step.scope().resolve(&Value::Object(planned.task.input_parameters.clone()))? {
        Value::Object(input) => input,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    let Some(looping) = &known.looping else { return Ok(input) };
    let shown = looping.position(looping.iteration);
    let items = shown.iter().filter(|(name, _)| *name != "iteration");
    input.extend(items.map(|(name, value)| (name.clone(), value.clone())));
    input.insert(step.execution.reference(known).into_owned(), Value::Object(shown));
    input.extend(latest(step.execution, planned, known));
    Ok(input)
}

/// Returns what each task of a loop gave last, in whichever iteration that was.
fn latest(execution: &Execution, planned: &PlannedTask, run: &Run) -> Map {
    let plan = &execution.plan;
    let is_inside = |task: &&PlannedTask| {
        let mut around = task.in_loop;
        while let Some(inner) = around.filter(|inner| *inner != planned.index) {
            around = plan.task(inner).and_then(|inner| inner.in_loop);
        }
        around.is_some()
    };
    // The tasks of a loop come right after it.
    let inside = (planned.index.0 + 1..).map_while(|index| plan.task(TaskIndex(index))).take_while(is_inside);
    let latest = inside.filter_map(|task| Some((task, execution.latest(task.slot)?)));
    let latest = latest.filter(|(_, given)| given.number > run.number && !given.gone);
    latest.map(|(task, given)| (task.task.task_reference_name.clone(), execution.output(given).into_owned())).collect()
}

/// Returns what a condition sees of its loop besides: all iterations, where its text reads more than where the loop stands.
/// They are not journaled with the question.
pub(in crate::engine) fn history(execution: &Execution, run: &Run) -> Option<(String, Value)> {
    let planned = execution.planned(run);
    let condition = planned.task.loop_condition.as_deref()?;
    let looping = run.looping.as_ref().filter(|_| reads_iterations(condition, &planned.task.task_reference_name))?;
    let shown = execution.loop_output(run, looping, looping.iteration, looping.iteration);
    Some((execution.reference(run).into_owned(), shown))
}

/// Returns whether a condition may read earlier iterations: it names its loop, or all that it sees, and not only where the
/// loop stands.
fn reads_iterations(condition: &str, reference: &str) -> bool {
    let mut rest = condition.to_owned();
    for name in ["iteration", "loopIndex", "loopItem"] {
        for loop_name in [format!(".{reference}"), format!("['{reference}']"), format!("[\"{reference}\"]")] {
            for field in [format!("['{name}']"), format!("[\"{name}\"]"), format!(".{name}")] {
                rest = rest.replace(&format!("${loop_name}{field}"), "");
            }
        }
    }
    let bare = rest.match_indices('$').any(|(at, _)| !rest[at + 1..].starts_with(['.', '[']));
    bare || rest.contains(reference)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{holds, reads_iterations};

    #[test]
    fn only_true_and_numbers_above_zero_hold() {
        for value in [json!(true), json!(1), json!(0.5)] {
            assert!(holds(&value), "{value}");
        }
        for value in [json!(false), json!(0), json!(-1), json!("true"), json!({}), json!([1]), json!(null)] {
            assert!(!holds(&value), "{value}");
        }
    }

    #[test]
    fn condition_reads_iterations_only_where_its_text_says_so() {
        for condition in
            ["$.dw['iteration'] < 3", "$.dw.iteration < $.max", "$['dw'][\"loopIndex\"] < 2", "$.li.result < 20"]
        {
            assert!(!reads_iterations(condition, "dw"), "{condition}");
        }
        for condition in
            ["$.dw['1'].li.result == 10", "$.dw[$.dw.iteration].li", "var d = $.dw; d.iteration < 2", "f($) < 3"]
        {
            assert!(reads_iterations(condition, "dw"), "{condition}");
        }
    }
}
