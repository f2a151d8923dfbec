//! What some tasks need to know before they are planned: what a DYNAMIC becomes, the branches of a dynamic fork, the list of
//! a loop, and where an input shows what a loop has given.

use serde_json::Value;

use crate::engine::event::Scheduling;
use crate::engine::looping::Pin;
use crate::engine::operators::fork_join_dynamic::{self, Source};
use crate::engine::operators::{do_while, dynamic};
use crate::engine::plan::PlannedTask;
use crate::engine::step::Step;
use crate::words::{Map, Payload, RunNumber, TaskStatus};
use crate::workflow::definition::{TaskType, WorkflowTask};
use crate::workflow::expressions::parse;

/// What is special about a task that is planned.
pub(super) enum Special {
    /// Nothing.
    Nothing,
    /// It becomes the task of this name.
    Becomes(String),
    /// It starts these tasks.
    Branches(Payload),
    /// It goes through this list.
    Items(Payload),
}

impl Special {
    /// Notes it in the event that plans the task.
    pub(super) fn noted(self, scheduling: Scheduling) -> Scheduling {
        match self {
            Self::Nothing => scheduling,
            Self::Becomes(name) => Scheduling { becomes: Some(name), ..scheduling },
            Self::Branches(branches) => Scheduling { branches: Some(branches), ..scheduling },
            Self::Items(items) => Scheduling { items: Some(items), ..scheduling },
        }
    }
}

/// Returns the JSON pointer to a field.
pub(super) fn pointer(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

impl Step<'_> {
    /// Returns what is special about a task, or why the execution fails.
    pub(super) fn special(
        &self,
        planned: &PlannedTask,
        input: &mut Map,
        scope: Option<RunNumber>,
    ) -> Result<Special, String> {
        let reference = &planned.task.task_reference_name;
        Ok(match &planned.task.task_type {
            TaskType::Dynamic => Special::Becomes(dynamic::name(planned, input)?),
            TaskType::ForkJoinDynamic => Special::Branches(self.branches(planned, input, scope)?),
            TaskType::DoWhile => {
                let items = do_while::items(planned, |expression| self.scope().resolve(expression));
                let items = items.map_err(|hit| format!("the items of loop `{reference}`: {hit}"))?;
                items.map_or(Special::Nothing, Special::Items)
            }
            _ => Special::Nothing,
        })
    }

    fn branches(&self, planned: &PlannedTask, input: &mut Map, scope: Option<RunNumber>) -> Result<Payload, String> {
        let resolve = |value: &Value| self.scope().resolve(value);
        let templates = fork_join_dynamic::templates(&planned.task.input_parameters, &resolve);
        let templates = templates.map_err(|hit| hit.to_string())?;
        let is_later = self.execution.index.forked;
        let branches = Source { planned, input, templates: &templates, is_later }.branches()?;
        let read = |branch: &Value| serde_json::from_value(branch.clone()).map_err(|error| error.to_string());
        let tasks: Vec<WorkflowTask> = branches.iter().map(read).collect::<Result<_, _>>()?;
        if planned
            .next
            .and_then(|next| self.execution.plan.task(next))
            .is_none_or(|next| next.task.task_type != TaskType::Join)
        {
            return Err(
                "Dynamic join definition is not followed by a join task.  Check the workflow definition.".to_owned()
            );
        }
        self.are_new(&tasks, scope)?;
        let references = tasks.iter().map(|task| Value::String(task.task_reference_name.clone()));
        input.insert("forkedTasks".to_owned(), references.collect());
        self.execution.plan.with_branches(planned.index, &tasks).map_err(|error| error.to_string())?;
        Ok(Payload::new(Value::Array(branches)))
    }

    /// Refuses branches with the reference of a task that has run already.
    fn are_new(&self, branches: &[WorkflowTask], scope: Option<RunNumber>) -> Result<(), String> {
        let execution = &self.execution;
        let frame = execution.frame_of(scope);
        for branch in branches {
            let reference = &branch.task_reference_name;
            let known = execution.latest_by_reference(reference);
            if known.is_some_and(|run| (run.frame, run.iteration) == frame) {
                let (name, id) = (&execution.plan.pinned.workflow, execution.id);
                return Err(format!(
                    "No dynamic tasks could be created for the Workflow: {}.{}/{id}, Dynamic Fork Task: {}/{reference} \
                     attempted to create a duplicate task reference name: {reference}",
                    name.name, name.version, branch.name
                ));
            }
        }
        Ok(())
    }

    /// Takes out of a template what shows all that an open loop has given, and returns where it stood: it is put in its
    /// place whenever the input is read. A loop that keeps only its last iterations is small enough to be copied.
    pub(super) fn pin(&self, template: &mut Map) -> Vec<Pin> {
        let mut pins = Vec::new();
        for (key, value) in template {
            self.pin_value(value, pointer(key), &mut pins);
        }
        pins
    }

    fn pin_value(&self, value: &mut Value, at: String, pins: &mut Vec<Pin>) {
        match value {
            Value::String(text) => {
                if let Some((of, iteration)) = self.open_loop(text) {
                    pins.push(Pin { at, of, iteration });
                    *value = Value::Null;
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.pin_value(item, format!("{at}/{index}"), pins);
                }
            }
            Value::Object(fields) => {
                for (key, field) in fields {
                    let at = format!("{at}{}", pointer(key));
                    self.pin_value(field, at, pins);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Returns the loop that a text is the whole output of, while it goes on.
    fn open_loop(&self, text: &str) -> Option<(RunNumber, i32)> {
        let [reference] = parse(text).try_into().ok()?;
        let (head, range) = reference.head(text).filter(|_| reference.range == (0..text.len()))?;
        let is_whole = text[range.end..reference.path.end].trim_start_matches('.') == "output";
        let run = self.execution.latest_by_reference(head).filter(|_| is_whole)?;
        let looping = run.looping.as_ref().filter(|_| run.status == TaskStatus::InProgress)?;
        do_while::keeps(run.input.expose()).is_none().then_some((run.number, looping.iteration))
    }
}
