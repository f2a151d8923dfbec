//! Where values flow in a definition: which tasks fetch what an `UPDATE_SECRET` task stores.
//!
//! A call whose answer may become a secret is never repeated blindly, is never cut, and its answer is masked. So it must be
//! known before the call which those are: references are followed through variables, inputs, joins, loops and scripts.
//!
//! **Architecture Invariant:** pure, and cautious: what cannot be followed counts as flowing.

mod named;
mod outside;
mod tasks;
mod trace;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::definition::{Nature, TaskType, WorkflowTask};
use super::expressions::{Reference, parse};
use crate::words::Map;
pub use named::{secrets_written, workflows_started};
pub use outside::names_outside;
use tasks::{all_lists, all_tasks, pairs};
use trace::{Closeness, Stop, Trace};

/// Which tasks' outputs flow where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feeding {
    /// The references of the tasks whose output flows, or may flow, into a `secretValue`.
    pub refs: BTreeSet<String>,
    /// The references of the tasks whose output leaves the definition: to a worker, another workflow, an event, the
    /// workflow's own output. It may become a secret there.
    pub leaving: BTreeSet<String>,
    /// Per feeding task, the paths below its output that are known to reach a `secretValue`; `""` is all of it.
    ///
    /// `${<ref>.output.<path>}` reads one; where the path starts with `[`, without the dot.
    pub leaves: BTreeMap<String, BTreeSet<String>>,
    /// The paths below the workflow's own input that are known to reach a `secretValue`; `""` is all of it.
    pub inputs: BTreeSet<String>,
    /// Per feeding task, the names of the secrets, as far as the definition says them outright.
    pub secrets: BTreeMap<String, BTreeSet<String>>,
}

impl Feeding {
    /// Says whether a call that may have been done can be done again without a thought: its output provably feeds no secret.
    pub fn may_repeat(&self, reference: &str) -> bool {
        !self.refs.contains(reference) && !self.leaving.contains(reference)
    }
}

/// Finds what feeds secrets in the tasks of a workflow, and what leaves it.
///
/// A workflow without `outputParameters` gives the output of its last task.
pub fn feeding(tasks: &[WorkflowTask], output_parameters: &Map) -> Feeding {
    let all = all_tasks(tasks);
    let flow = Flow::over(tasks, &all);
    let mut result = Feeding::default();
    for pair in all.iter().filter(|task| task.task_type == TaskType::UpdateSecret).flat_map(|task| pairs(task)) {
        let mut trace = Trace::default();
        flow.follow_value(pair.value, Closeness::Itself, &mut trace);
        flow.finish(&mut trace);
        result.add(&trace, pair.literal_name());
    }
    let mut leaving = Trace::default();
    for task in &all {
        flow.follow_leaving(task, &mut leaving);
    }
    for value in output_parameters.values() {
        flow.follow_value(value, Closeness::Cause, &mut leaving);
    }
    if let (true, Some(last)) = (output_parameters.is_empty(), tasks.last()) {
        leaving.output(&last.task_reference_name, "", Closeness::Cause);
    }
    flow.finish(&mut leaving);
    result.leaving = leaving.met.into_iter().map(|(reference, _, _)| reference).collect();
    result
}

/// Finds what feeds secrets inside of one task that a dynamic fork made, as far as the task itself says it.
pub fn feeding_inside(task: &WorkflowTask) -> Feeding {
    // What the workflow gives is not this task's to say.
    let elsewhere = Map::from_iter([(String::new(), Value::Null)]);
    feeding(std::slice::from_ref(task), &elsewhere)
}

/// Returns the names of the tasks, with those of all that are nested in them: workers poll for these.
pub fn task_names(tasks: &[WorkflowTask]) -> impl Iterator<Item = &str> {
    all_tasks(tasks).into_iter().map(|task| task.name.as_str())
}

impl Feeding {
    fn add(&mut self, trace: &Trace, secret: Option<&str>) {
        self.inputs.extend(trace.inputs.iter().cloned());
        for (reference, leaf, closeness) in &trace.met {
            self.refs.insert(reference.clone());
            if *closeness == Closeness::Itself {
                self.leaves.entry(reference.clone()).or_default().insert(leaf.clone());
            }
            if let Some(secret) = secret {
                self.secrets.entry(reference.clone()).or_default().insert(secret.to_owned());
            }
        }
    }
}

struct Flow<'t> {
    all: &'t [&'t WorkflowTask],
    by_reference: BTreeMap<&'t str, &'t WorkflowTask>,
    /// The dynamic forks by the JOIN right after each. What flows from their branches, which nobody knows before they run,
    /// counts as their output: `<reference of a branch>.<path>`.
    forks: BTreeMap<&'t str, &'t str>,
}

impl<'t> Flow<'t> {
    fn over(tasks: &'t [WorkflowTask], all: &'t [&'t WorkflowTask]) -> Self {
        let by_reference = all.iter().map(|task| (task.task_reference_name.as_str(), *task)).collect();
        let mut forks = BTreeMap::new();
        for list in all_lists(tasks) {
            for pair in list.windows(2).filter(|pair| pair[0].task_type == TaskType::ForkJoinDynamic) {
                forks.insert(pair[1].task_reference_name.as_str(), pair[0].task_reference_name.as_str());
            }
        }
        Self { all, by_reference, forks }
    }

    fn finish(&self, trace: &mut Trace) {
        while let Some(stop) = trace.open.pop() {
            match stop {
                Stop::Output { reference, leaf, closeness } => self.follow_output(&reference, &leaf, closeness, trace),
                Stop::Input { reference, name, closeness } => {
                    self.follow_input(&reference, name.as_deref(), closeness, trace);
                }
                Stop::Variable { name, closeness } => self.follow_variable(name.as_deref(), closeness, trace),
            }
        }
    }

    fn follow_value(&self, value: &Value, closeness: Closeness, trace: &mut Trace) {
        match value {
            Value::String(text) => {
                for reference in parse(text) {
                    self.follow_reference(&reference, text, closeness, trace);
                    let nested = reference.nested.iter().flat_map(Reference::with_nested);
                    nested.for_each(|nested| self.follow_reference(nested, text, Closeness::Cause, trace));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.follow_value(item, closeness, trace)),
            Value::Object(fields) => fields.values().for_each(|field| self.follow_value(field, closeness, trace)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn follow_reference(&self, reference: &Reference, text: &str, closeness: Closeness, trace: &mut Trace) {
        let Some((head, head_range)) = reference.head(text) else { return self.follow_everything(closeness, trace) };
        let is_dynamic = !reference.nested.is_empty();
        let end = reference.nested.first().map_or(reference.path.end, |nested| nested.range.start);
        let (field, below) = next_name(text.get(head_range.end..end).unwrap_or_default());
        if is_filtered(below) {
            self.follow_everything(Closeness::Cause, trace);
        }
        let below = if is_dynamic { "" } else { below };
        match (head, field) {
            ("workflow", Some("variables")) => trace.variable(next_name(below).0, closeness),
            ("workflow", None) => trace.variable(None, closeness),
            ("workflow", Some("input")) if closeness == Closeness::Itself => {
                trace.inputs.insert(below.strip_prefix('.').unwrap_or(below).to_owned());
            }
            ("workflow", Some(_)) => {}
            (task, field) => {
                let name = without_iteration(task, &self.by_reference);
                match self.by_reference.get(name) {
                    Some(task) => meet_task(task, field, below, closeness, trace),
                    None if field.is_none_or(|field| matches!(field, "output" | "*")) => {
                        self.follow_branches(name, below, closeness, trace);
                    }
                    None => {}
                }
            }
        }
    }

    fn follow_output(&self, reference: &str, leaf: &str, closeness: Closeness, trace: &mut Trace) {
        let Some(task) = self.by_reference.get(reference) else { return };
        self.follow_filter(task, leaf, closeness, trace);
        match kind(&task.task_type) {
            Kind::Join => self.follow_join(task, leaf, closeness, trace),
            Kind::Loop => self.follow_loop(task, leaf, closeness, trace),
            Kind::Script => trace.input(reference, None, closeness),
            Kind::Control | Kind::Call | Kind::Elsewhere => {
                trace.input(reference, None, Closeness::Cause);
                self.follow_value(&task.sub_workflow_param.clone().unwrap_or_default(), Closeness::Cause, trace);
            }
        }
    }

    /// Follows what a task gave that no task of the definition is called: a branch of a dynamic fork.
    fn follow_branches(&self, name: &str, below: &str, closeness: Closeness, trace: &mut Trace) {
        let name = name
            .rsplit_once("__")
            .filter(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()))
            .map_or(name, |(base, _)| base);
        let leaf = if below.starts_with('[') || below.is_empty() {
            format!("{name}{below}")
        } else {
            format!("{name}.{}", below.trim_start_matches('.'))
        };
        for fork in self.all.iter().filter(|task| task.task_type == TaskType::ForkJoinDynamic) {
            trace.output(&fork.task_reference_name, &leaf, closeness);
        }
    }

    /// Follows what a loop gives: its items, and what its tasks gave.
    fn follow_loop(&self, task: &WorkflowTask, leaf: &str, closeness: Closeness, trace: &mut Trace) {
        let first = leaf.split(['.', '[']).next().unwrap_or_default();
        if matches!(first, "iteration" | "loopIndex") {
            return;
        }
        if matches!(first, "" | "loopItem") {
            task.items
                .iter()
                .chain(task.input_parameters.get("_items"))
                .for_each(|items| self.follow_value(items, closeness, trace));
        }
        if first != "loopItem" {
            for inner in all_tasks(&task.loop_over) {
                trace.output(&inner.task_reference_name, "", closeness);
            }
        }
    }

    /// Follows an output that the task's own filter makes: `$${ref.output.response.body.token}`.
    fn follow_filter(&self, task: &WorkflowTask, leaf: &str, closeness: Closeness, trace: &mut Trace) {
        let request = task.input_parameters.get("http_request").and_then(Value::as_object);
        for parameters in request.into_iter().chain([&task.input_parameters]) {
            for filter in ["outputFilter", "_outputFilters"].iter().filter_map(|name| parameters.get(*name)) {
                let chosen = leaf.split('.').try_fold(filter, |value, name| value.get(name)).unwrap_or(filter);
                self.follow_value(&without_escape(chosen), closeness, trace);
            }
        }
    }

    fn follow_join(&self, task: &WorkflowTask, leaf: &str, closeness: Closeness, trace: &mut Trace) {
        let dotted = if leaf.starts_with('[') { leaf.to_owned() } else { format!(".{leaf}") };
        let (first, below) = next_name(&dotted);
        if let Some(joined) = first.filter(|name| self.by_reference.contains_key(name)) {
            return trace.output(joined, below.strip_prefix('.').unwrap_or(below), closeness);
        }
        if let Some(fork) = self.forks.get(task.task_reference_name.as_str()) {
            return trace.output(fork, leaf, closeness);
        }
        if task.join_on.is_empty() {
            return self.follow_everything(closeness, trace);
        }
        task.join_on.iter().for_each(|joined| trace.output(joined, "", closeness));
    }

    fn follow_input(&self, reference: &str, name: Option<&str>, closeness: Closeness, trace: &mut Trace) {
        let Some(task) = self.by_reference.get(reference) else { return };
        match name.and_then(|name| task.input_parameters.get(name)) {
            Some(value) => self.follow_value(value, closeness, trace),
            None => task.input_parameters.values().for_each(|value| self.follow_value(value, closeness, trace)),
        }
    }

    fn follow_variable(&self, name: Option<&str>, closeness: Closeness, trace: &mut Trace) {
        for task in self.all.iter().filter(|task| task.task_type == TaskType::SetVariable) {
            for (set, value) in &task.input_parameters {
                if name.is_none_or(|name| name == set) {
                    self.follow_value(value, closeness, trace);
                }
            }
        }
    }

    fn follow_everything(&self, closeness: Closeness, trace: &mut Trace) {
        for task in self.all {
            trace.output(&task.task_reference_name, "", closeness);
        }
    }

    /// Follows what a task hands to somebody outside the definition.
    fn follow_leaving(&self, task: &'t WorkflowTask, trace: &mut Trace) {
        match kind(&task.task_type) {
            Kind::Elsewhere => {
                for value in task.input_parameters.values() {
                    self.follow_value(value, Closeness::Cause, trace);
                    // The branches of a dynamic fork evaluate `$${…}` of the definition once more.
                    if task.task_type == TaskType::ForkJoinDynamic {
                        self.follow_value(&without_escape(value), Closeness::Cause, trace);
                    }
                }
                self.follow_value(&task.sub_workflow_param.clone().unwrap_or_default(), Closeness::Cause, trace);
            }
            Kind::Control if task.task_type == TaskType::Terminate => {
                if let Some(output) = task.input_parameters.get("workflowOutput") {
                    self.follow_value(output, Closeness::Cause, trace);
                }
            }
            Kind::Control | Kind::Join | Kind::Loop | Kind::Script | Kind::Call => {}
        }
    }
}

/// Meets what a reference to a task names: its output, its input, or both.
fn meet_task(task: &WorkflowTask, field: Option<&str>, below: &str, closeness: Closeness, trace: &mut Trace) {
    let reference = &task.task_reference_name;
    match field {
        Some("output") => trace.output(reference, below.strip_prefix('.').unwrap_or(below), closeness),
        Some("input") => trace.input(reference, next_name(below).0, closeness),
        Some(other) if other != "*" => {}
        _ => {
            trace.output(reference, "", closeness);
            trace.input(reference, None, closeness);
        }
    }
}

/// How a task's output comes from its input.
enum Kind {
    /// It makes no use of values but to decide.
    Control,
    /// Its output is the output of others.
    Join,
    /// Its output holds what its tasks gave.
    Loop,
    /// Its output is computed here.
    Script,
    /// Its output is somebody's answer; what it sends is not kept there.
    Call,
    /// Its input goes where nothing can be followed: a worker, another workflow, an event.
    Elsewhere,
}

fn kind(task_type: &TaskType) -> Kind {
    match (task_type, task_type.nature()) {
        (TaskType::Join | TaskType::ExclusiveJoin, _) => Kind::Join,
        (TaskType::DoWhile, _) => Kind::Loop,
        (TaskType::ForkJoinDynamic | TaskType::Dynamic, _) => Kind::Elsewhere,
        (TaskType::SetVariable, _) | (_, Nature::Script) => Kind::Script,
        (_, Nature::Call) => Kind::Call,
        (_, Nature::Holder | Nature::Flow | Nature::Moment | Nature::Wait) => Kind::Control,
        (_, Nature::Worker | Nature::Kin | Nature::Human) => Kind::Elsewhere,
    }
}

/// Splits `.name…`, `['name']…` into the name and what follows it.
fn next_name(path: &str) -> (Option<&str>, &str) {
    let path = path.strip_prefix("']").or_else(|| path.strip_prefix("\"]")).unwrap_or(path);
    for (open, close) in [("['", "']"), ("[\"", "\"]")] {
        let quoted = path.strip_prefix('.').unwrap_or(path).strip_prefix(open);
        if let Some((name, rest)) = quoted.and_then(|quoted| quoted.split_once(close)) {
            return (Some(name), rest);
        }
    }
    let Some(rest) = path.strip_prefix('.') else { return (None, path) };
    let end = rest.find(['.', '[', '(']).unwrap_or(rest.len());
    if end == 0 { (None, path) } else { (Some(rest[..end].trim()), &rest[end..]) }
}

/// Says whether a path below a head may read other parts of the document: a filter or a function with a path from the root.
fn is_filtered(path: &str) -> bool {
    path.contains("$.") || path.contains("$[")
}

/// Returns the reference that `ref__3` means: a task in a loop.
fn without_iteration<'n>(name: &'n str, known: &BTreeMap<&str, &WorkflowTask>) -> &'n str {
    match name.rsplit_once("__") {
        Some((base, iteration)) if !known.contains_key(name) && iteration.bytes().all(|byte| byte.is_ascii_digit()) => {
            base
        }
        _ => name,
    }
}

/// Returns a filter as it is when it is applied: `$${…}` is `${…}` by then.
fn without_escape(filter: &Value) -> Value {
    match filter {
        Value::String(text) => Value::String(text.replace("$${", "${")),
        Value::Array(items) => items.iter().map(without_escape).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, field)| (name.clone(), without_escape(field))).collect())
        }
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_)) => scalar.clone(),
    }
}
