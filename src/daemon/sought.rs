//! What executions and tasks are searched by: what the journal keeps in clear, and what their views show.
//!
//! **Architecture Invariant:** what is sealed is compared as it is shown, masked: a search tells nobody more than a view.

use serde_json::Value;

use crate::journal::{Field, Head, Kind, Named, Operand};

/// A field by which executions are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SummaryField(Sought);

/// A field by which tasks are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskField(Sought);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sought {
    /// The journal keeps it in clear, and mostly finds by it.
    Kept(Field),
    /// A view shows it: its names, what its values are, and what the view calls it.
    Shown(&'static [&'static str], Kind, &'static str),
}

use Sought::{Kept, Shown};

impl From<Field> for SummaryField {
    fn from(field: Field) -> Self {
        Self(Kept(field))
    }
}

impl SummaryField {
    /// Returns the field that the journal keeps.
    pub(super) const fn kept(self) -> Option<Field> {
        self.0.kept()
    }

    /// Returns what an execution has in the field; `summary` is what is seen of it.
    pub(super) fn of(self, head: &Head, summary: &Value) -> Option<Operand> {
        self.0.of(head, summary)
    }
}

impl TaskField {
    /// Returns the field of its execution that the journal keeps.
    pub(super) const fn kept(self) -> Option<Field> {
        self.0.kept()
    }

    /// Returns what a task of an execution has in the field; `task` is what is seen of it.
    pub(super) fn of(self, head: &Head, task: &Value) -> Option<Operand> {
        self.0.of(head, task)
    }
}

impl Sought {
    const fn kept(self) -> Option<Field> {
        match self {
            Kept(field) => Some(field),
            Shown(..) => None,
        }
    }

    fn of(self, head: &Head, view: &Value) -> Option<Operand> {
        let (kind, value) = match self {
            Kept(field) => return field.of(head),
            Shown(_, kind, key) => (kind, &view[key]),
        };
        match value {
            Value::Null => None,
            // What has not come yet is zero in a task.
            Value::Number(number) if kind == Kind::Moment && number.as_i64() == Some(0) => None,
            Value::Number(number) => number.as_i64().map(Operand::Number),
            Value::String(text) => Some(Operand::Text(text.clone())),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Some(Operand::Text(value.to_string())),
        }
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Kept(field) => field.names(),
            Shown(names, _, _) => names,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Kept(field) => field.kind(),
            Shown(_, kind, _) => kind,
        }
    }
}

impl Named for SummaryField {
    const ALL: &'static [Self] = &[
        Self(Kept(Field::Id)),
        Self(Kept(Field::CorrelationId)),
        Self(Kept(Field::Name)),
        Self(Kept(Field::Version)),
        Self(Kept(Field::Status)),
        Self(Kept(Field::Schedule)),
        Self(Kept(Field::Parent)),
        Self(Kept(Field::IdempotencyKey)),
        Self(Kept(Field::Started)),
        Self(Kept(Field::Updated)),
        Self(Kept(Field::Ended)),
        Self(Shown(&["input"], Kind::Prose, "input")),
        Self(Shown(&["output"], Kind::Prose, "output")),
        Self(Shown(&["reasonForIncompletion"], Kind::Prose, "reasonForIncompletion")),
        Self(Shown(&["failedReferenceTaskNames"], Kind::Prose, "failedReferenceTaskNames")),
        Self(Shown(&["failedTaskNames"], Kind::Prose, "failedTaskNames")),
        Self(Shown(&["createdBy"], Kind::Text, "createdBy")),
        Self(Shown(&["priority"], Kind::Number, "priority")),
        Self(Shown(&["executionTime"], Kind::Number, "executionTime")),
    ];
    const NEWEST: Self = Self(Kept(Field::Started));

    fn names(self) -> &'static [&'static str] {
        self.0.names()
    }

    fn kind(self) -> Kind {
        self.0.kind()
    }
}

/// Every status of a task.
const TASK_STATUSES: &[&str] = &[
    "SCHEDULED",
    "IN_PROGRESS",
    "CANCELED",
    "FAILED",
    "FAILED_WITH_TERMINAL_ERROR",
    "COMPLETED",
    "COMPLETED_WITH_ERRORS",
    "TIMED_OUT",
    "SKIPPED",
];

impl Named for TaskField {
    const ALL: &'static [Self] = &[
        Self(Kept(Field::Id)),
        Self(Kept(Field::CorrelationId)),
        Self(Kept(Field::Name)),
        Self(Kept(Field::Version)),
        Self(Kept(Field::Schedule)),
        Self(Shown(&["taskId"], Kind::Text, "taskId")),
        Self(Shown(&["taskType"], Kind::Text, "taskType")),
        Self(Shown(&["taskDefName", "taskName"], Kind::Text, "taskDefName")),
        Self(Shown(&["referenceTaskName", "taskReferenceName"], Kind::Text, "referenceTaskName")),
        Self(Shown(&["status"], Kind::Word(TASK_STATUSES), "status")),
        Self(Shown(&["scheduledTime"], Kind::Moment, "scheduledTime")),
        Self::NEWEST,
        Self(Shown(&["updateTime", "modifiedTime"], Kind::Moment, "updateTime")),
        Self(Shown(&["endTime"], Kind::Moment, "endTime")),
        Self(Shown(&["workerId"], Kind::Text, "workerId")),
        Self(Shown(&["domain"], Kind::Text, "domain")),
        Self(Shown(&["retryCount"], Kind::Number, "retryCount")),
        Self(Shown(&["reasonForIncompletion"], Kind::Prose, "reasonForIncompletion")),
        Self(Shown(&["input", "inputData"], Kind::Prose, "inputData")),
        Self(Shown(&["output", "outputData"], Kind::Prose, "outputData")),
    ];
    const NEWEST: Self = Self(Shown(&["startTime"], Kind::Moment, "startTime"));

    fn names(self) -> &'static [&'static str] {
        self.0.names()
    }

    fn kind(self) -> Kind {
        self.0.kind()
    }
}

#[cfg(test)]
mod tests {
    use super::{Kept, SummaryField, TASK_STATUSES};
    use crate::journal::{Field, Named as _};
    use crate::words::TaskStatus;

    #[test]
    fn every_field_of_the_journal_and_every_status_is_named() {
        assert_eq!(TASK_STATUSES, TaskStatus::ALL.map(TaskStatus::as_str));
        assert!(Field::ALL.iter().all(|field| SummaryField::ALL.contains(&SummaryField(Kept(*field)))));
    }
}
