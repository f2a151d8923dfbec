//! Loops: which runs belong to which iteration, and what a loop has given so far.
//!
//! What a loop gives is never stored: it is what the runs of its iterations gave. A part of it is read without the whole.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::engine::execution::{Execution, Run};
use crate::words::{Map, Payload, RunNumber, TaskStatus};
use crate::workflow::definition::TaskType;

/// Where a loop stands.
#[derive(Clone)]
pub(super) struct Looping {
    /// The iteration under way, or the last; 0 before the first.
    pub(super) iteration: i32,
    /// The first iteration that is still there.
    pub(super) first: i32,
    /// The list it goes through.
    pub(super) items: Option<Payload>,
}

/// The runs of one iteration of one loop, those that are nested in them too, but not those of loops in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    pub(super) runs: Vec<RunNumber>,
    /// How many of them have not ended.
    pub(super) open: usize,
}

/// A place in an input that shows what a loop had given when the input was made: so that a task of the loop that takes all
/// of it does not make the journal grow with the square of the iterations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// Where, as a JSON pointer.
    pub at: String,
    /// The loop.
    pub of: RunNumber,
    /// The iteration that was under way; it is not part of what is shown.
    pub iteration: i32,
}

impl Looping {
    /// Returns the item of an iteration.
    fn item(&self, iteration: i32) -> Option<&Value> {
        let index = usize::try_from(iteration).ok()?.checked_sub(1)?;
        self.items.as_ref()?.expose().get(index)
    }

    /// Returns where a loop stands in an iteration, as it shows it.
    pub(super) fn position(&self, iteration: i32) -> Map {
        let mut position = Map::from_iter([("iteration".to_owned(), json!(iteration))]);
        if let Some(item) = self.item(iteration) {
            position.insert("loopIndex".to_owned(), json!(iteration - 1));
            position.insert("loopItem".to_owned(), item.clone());
        }
        position
    }

    /// Returns how many items there are.
    pub(super) fn len(&self) -> Option<usize> {
        self.items.as_ref().map(|items| items.expose().as_array().map_or(0, Vec::len))
    }
}

impl Run {
    /// Returns whether it and another belong to the same iteration of the same loop, or to none.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        (self.frame, self.iteration) == (other.frame, other.iteration)
    }
}

impl Execution {
    /// Returns the loop, and its iteration, that a run in a scope belongs to.
    pub(super) fn frame_of(&self, scope: Option<RunNumber>) -> (Option<RunNumber>, i32) {
        match scope.and_then(|scope| self.run(scope)) {
            Some(run) => match &run.looping {
                Some(looping) => (Some(run.number), looping.iteration),
                None => (run.frame, run.iteration),
            },
            None => (None, 0),
        }
    }

    /// Returns the reference by which people know a run: in a loop with its iteration.
    pub fn reference<'e>(&'e self, run: &'e Run) -> Cow<'e, str> {
        let reference = &self.planned(run).task.task_reference_name;
        match run.frame {
            Some(_) => Cow::Owned(format!("{reference}__{}", run.iteration)),
            None => Cow::Borrowed(reference),
        }
    }

    /// Returns the iteration that people see: a loop's own, else that of the loop around it.
    pub fn shown_iteration(&self, run: &Run) -> i32 {
        run.looping.as_ref().map_or(run.iteration, |looping| looping.iteration)
    }

    /// Returns what a run gave; of a loop, what its iterations gave.
    pub fn output<'e>(&'e self, run: &'e Run) -> Cow<'e, Value> {
        match &run.looping {
            Some(looping) => {
                let last = self.last_shown(run, looping);
                Cow::Owned(self.loop_output(run, looping, last, looping.iteration))
            }
            None => Cow::Borrowed(run.output.expose()),
        }
    }

    /// Returns what a run took; where it took what a loop had given, with that in its place.
    pub fn input<'e>(&'e self, run: &'e Run) -> Cow<'e, Payload> {
        if run.pins.is_empty() {
            return Cow::Borrowed(&run.input);
        }
        let mut input = run.input.expose().clone();
        for pin in &run.pins {
            let shown = self.run(pin.of).and_then(|of| {
                let looping = of.looping.as_ref()?;
                Some(self.loop_output(of, looping, pin.iteration - 1, pin.iteration))
            });
            if let (Some(place), Some(shown)) = (input.pointer_mut(&pin.at), shown) {
                *place = shown;
            }
        }
        Cow::Owned(Payload::new(input))
    }

    /// Returns one field of a loop's output without the others, `null` where there is none; nothing where the run is no loop.
    pub(super) fn loop_field(&self, run: &Run, name: &str) -> Option<Value> {
        let looping = run.looping.as_ref()?;
        if let Some(value) = looping.position(looping.iteration).remove(name) {
            return Some(value);
        }
        let last = self.last_shown(run, looping);
        let iteration = name.parse().ok().filter(|number| (looping.first..=last).contains(number));
        Some(iteration.map_or(Value::Null, |iteration| Value::Object(self.iteration_output(run.number, iteration))))
    }

    /// Returns what the tasks of one iteration gave, by their references.
    pub(super) fn iteration_output(&self, number: RunNumber, iteration: i32) -> Map {
        let mut output = Map::new();
        let Some(frame) = self.index.frames.get(&(number, iteration)) else { return output };
        let is_cut =
            self.run(number).is_some_and(|run| !run.status.is_terminal() || run.status == TaskStatus::Canceled);
        let runs = frame.runs.iter().filter_map(|number| self.run(*number));
        for run in runs.filter(|run| !run.retried) {
            let planned = self.planned(run);
            if !planned.is_generated {
                // What a TERMINATE gives comes when nobody looks at the loop any more.
                let ends = is_cut && planned.task.task_type == TaskType::Terminate;
                let given = if ends { Value::Object(Map::new()) } else { self.output(run).into_owned() };
                output.insert(planned.task.task_reference_name.clone(), given);
            }
            if let Some(inner) = &run.looping {
                // Conductor shows the tasks of an inner loop beside it too.
                output.extend(self.iteration_output(run.number, inner.iteration));
            }
            // What comes after a failure is not shown, as in Conductor; where the loop was cut, nobody had looked.
            if run.status.is_terminal() && !run.status.is_successful() && !is_cut {
                break;
            }
        }
        output
    }

    /// Returns what a loop shows: its iterations up to one, and where it stands in one.
    pub(super) fn loop_output(&self, run: &Run, looping: &Looping, last: i32, iteration: i32) -> Value {
        let iterations = looping.first..=last;
        let shown = |number: i32| (number.to_string(), Value::Object(self.iteration_output(run.number, number)));
        Value::Object(iterations.map(shown).chain(looping.position(iteration)).collect())
    }

    /// Returns the last iteration that a loop shows: the one under way is not shown, and one that was cut is where the
    /// engine itself cut it, as Conductor has it.
    fn last_shown(&self, run: &Run, looping: &Looping) -> i32 {
        let is_shown = match run.status {
            TaskStatus::Scheduled | TaskStatus::InProgress | TaskStatus::Canceled => {
                self.was_cut_by_the_flow(run.number, looping.iteration)
            }
            TaskStatus::Failed
            | TaskStatus::FailedWithTerminalError
            | TaskStatus::Completed
            | TaskStatus::CompletedWithErrors
            | TaskStatus::TimedOut
            | TaskStatus::Skipped => true,
        };
        if is_shown { looping.iteration } else { looping.iteration - 1 }
    }

    /// Returns whether the flow ended the execution with a task that came after the iteration had begun: the loop was looked
    /// at in that moment.
    fn was_cut_by_the_flow(&self, number: RunNumber, iteration: i32) -> bool {
        let frame = self.index.frames.get(&(number, iteration));
        let Some(begun) = frame.and_then(|frame| frame.runs.iter().min()) else { return false };
        let after = self.runs.get(begun.0 as usize - 1..).unwrap_or_default();
        after.iter().filter(|run| !run.gone && !run.permitted && !run.retried).any(|run| {
            let task_type = &self.planned(run).task.task_type;
            let failed = matches!(run.status, TaskStatus::Failed | TaskStatus::FailedWithTerminalError);
            let ended = *task_type == TaskType::Terminate && run.status == TaskStatus::Completed;
            (failed && task_type.ends_at_once()) || ended
        })
    }
}
