//! The path language of references: Jayway's `JsonPath` as Conductor uses it, with its corners.
//!
//! A path is parsed ([`Path::parse`]), then read over a document ([`read`]). What Jayway throws is a [`Fault`] here, and a
//! fault of the whole path is the value `null`.

mod course;
mod cursor;
mod filter;
mod function;
mod literal;
mod operand;
mod parse;
mod pattern;
mod walk;

use serde_json::Value;

use super::limit::Limit;

pub(super) use literal::{LITERAL_DEPTH_MAX, lenient_json};
pub(super) use walk::{VISITS_MAX, read};

/// The longest path that is read: far above any that a person writes, and it bounds what parsing may cost.
pub(super) const PATH_CHARACTERS_MAX: usize = 10_000;
/// The most steps of a path: evaluation recurses once a step.
pub(super) const STEPS_MAX: usize = 256;
/// How deep filters and their parentheses may nest: parsing recurses once a level.
pub(super) const FILTER_DEPTH_MAX: usize = 32;

/// Why a path gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The path cannot be read, or asks for something that is not there: in a filter it makes the condition false.
    Invalid,
    /// The evaluation failed: the whole path gives nothing.
    Failed,
    /// A limit of ours was hit, which whoever wrote the path must hear of.
    Limit(Limit),
}

impl From<Limit> for Fault {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

type Found<T> = Result<T, Fault>;

/// A path: where it starts, and its steps.
#[derive(Debug)]
pub(super) struct Path {
    from_root: bool,
    steps: Vec<Step>,
}

/// One step of a path.
#[derive(Debug)]
enum Step {
    Properties(Vec<String>),
    Indexes(Vec<i64>),
    Slice { from: Option<i64>, to: Option<i64> },
    Wildcard,
    Scan,
    Filter(filter::Condition),
    Function { name: String, parameters: Vec<Parameter> },
}

/// An argument of a function.
#[derive(Debug)]
enum Parameter {
    Json(String),
    Path(Path),
}

impl Path {
    /// Returns whether the path gives one value; any other gives an array.
    pub(super) fn is_definite(&self) -> bool {
        self.is_definite_before(self.steps.len())
    }

    fn is_definite_before(&self, step: usize) -> bool {
        self.steps.iter().take(step).enumerate().all(|(at, step)| match step {
            Step::Properties(names) => names.len() == 1 || at + 1 == self.steps.len(),
            Step::Indexes(indexes) => indexes.len() == 1,
            Step::Function { .. } => true,
            Step::Slice { .. } | Step::Wildcard | Step::Scan | Step::Filter(_) => false,
        })
    }

    /// Returns the name of the first step, where it is one plain name.
    pub(super) fn head(&self) -> Option<&str> {
        match self.steps.first() {
            Some(Step::Properties(names)) if self.from_root => match names.as_slice() {
                [name] => Some(name),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What a path found.
pub(super) struct Reading {
    /// The value, or the array of what an indefinite path met.
    pub(super) value: Value,
    /// Whether it is such an array; its text is JSON, where other values have Java's.
    pub(super) is_collected: bool,
}
