use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;

use crate::journal::Named;

/// How many rows a page holds at most, as on Conductor.
pub const PAGE_ROWS_MAX: u64 = 5_000;

/// How many rows a page holds where nobody says.
const PAGE_ROWS_USUAL: u64 = 100;

/// A value that a column is compared with; moments are epoch milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Text.
    Text(String),
    /// A number.
    Number(i64),
}

impl ToSql for Operand {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Number(number) => number.to_sql(),
        }
    }
}

/// What a row must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition<F> {
    /// The field has one of the values.
    OneOf(F, Vec<Operand>),
    /// The field is on this side of the value.
    Bounded(F, Bound, Operand),
    /// The field is a text that begins with this one.
    Begins(F, String),
    /// The field has no value.
    Missing(F),
    /// The field is a text that contains this one.
    Contains(F, String),
    /// A text that people search by contains this one, or where there are many of them, begins with it.
    Mentions(String),
    /// It is not like this; a field without a value is not like anything.
    Not(Box<Condition<F>>),
    /// All of these hold.
    All(Vec<Condition<F>>),
    /// One of these holds.
    Any(Vec<Condition<F>>),
}

/// A side of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Less than the value.
    Below,
    /// The value, or less.
    AtMost,
    /// Greater than the value.
    Above,
    /// The value, or greater.
    AtLeast,
}

/// Which way a page is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Greatest first.
    Descending,
}

/// A search: all conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query<F> {
    /// What the rows must be like.
    pub conditions: Vec<Condition<F>>,
    /// What they are sorted by, the first first.
    pub sort: Vec<(F, Direction)>,
    /// How many rows to pass over.
    pub start: u64,
    /// How many rows to give, at most [`PAGE_ROWS_MAX`].
    pub size: u64,
}

impl<F: Named> Default for Query<F> {
    fn default() -> Self {
        Self { conditions: Vec::new(), sort: vec![(F::NEWEST, Direction::Descending)], start: 0, size: PAGE_ROWS_USUAL }
    }
}

/// Some of the rows that a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// How many there are in all; what is beyond ten thousand is counted only as far as an index counts it.
    pub total: u64,
    /// These of them.
    pub rows: Vec<T>,
}

impl<F> Condition<F> {
    /// Returns that the field is one of these texts; where there is none, no row is like that.
    pub fn one_of(field: F, texts: impl IntoIterator<Item = String>) -> Self {
        Self::OneOf(field, texts.into_iter().map(Operand::Text).collect())
    }
}

impl<F: Named> Condition<F> {
    /// Returns whether it looks at this field and no other.
    pub(super) fn is_about(&self, field: F) -> bool {
        self.translated(&|own| (own == field).then_some(own)).is_some()
    }

    /// Returns the condition in the words of other fields; `None` where one of its own is none of them.
    pub fn translated<G>(&self, field: &impl Fn(F) -> Option<G>) -> Option<Condition<G>> {
        let each = |conditions: &[Self]| -> Option<Vec<_>> {
            conditions.iter().map(|condition| condition.translated(field)).collect()
        };
        Some(match self {
            Self::OneOf(own, operands) => Condition::OneOf(field(*own)?, operands.clone()),
            Self::Bounded(own, bound, operand) => Condition::Bounded(field(*own)?, *bound, operand.clone()),
            Self::Begins(own, prefix) => Condition::Begins(field(*own)?, prefix.clone()),
            Self::Contains(own, part) => Condition::Contains(field(*own)?, part.clone()),
            Self::Missing(own) => Condition::Missing(field(*own)?),
            Self::Mentions(text) => Condition::Mentions(text.clone()),
            Self::Not(condition) => Condition::Not(Box::new(condition.translated(field)?)),
            Self::All(conditions) => Condition::All(each(conditions)?),
            Self::Any(conditions) => Condition::Any(each(conditions)?),
        })
    }

    /// Returns whether it holds where each field has the value that `value` gives.
    pub fn holds(&self, value: &impl Fn(F) -> Option<Operand>) -> bool {
        let is = |field: F, like: &dyn Fn(&Operand) -> bool| value(field).is_some_and(|value| like(&value));
        let text = |field: F, like: &dyn Fn(&str) -> bool| is(field, &|value| value.text().is_some_and(like));
        match self {
            Self::OneOf(field, operands) => is(*field, &|value| operands.contains(value)),
            Self::Bounded(field, bound, operand) => is(*field, &|value| bound.admits(value, operand)),
            Self::Begins(field, prefix) => text(*field, &|text| text.starts_with(prefix.as_str())),
            Self::Contains(field, part) => text(*field, &|text| contains(text, part)),
            Self::Missing(field) => value(*field).is_none(),
            Self::Mentions(part) => F::ALL.iter().any(|field| text(*field, &|text| contains(text, part))),
            Self::Not(condition) => !condition.holds(value),
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(value)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(value)),
        }
    }
}

impl Bound {
    /// Values of different kinds are on no side of each other.
    fn admits(self, value: &Operand, operand: &Operand) -> bool {
        let order = match (value, operand) {
            (Operand::Text(value), Operand::Text(operand)) => value.cmp(operand),
            (Operand::Number(value), Operand::Number(operand)) => value.cmp(operand),
            (Operand::Text(_), Operand::Number(_)) | (Operand::Number(_), Operand::Text(_)) => return false,
        };
        match self {
            Self::Below => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Above => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

impl Operand {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) => None,
        }
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => (*number).into(),
        }
    }

    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) => None,
        }
    }
}

/// Large and small letters are the same, as where SQLite looks.
fn contains(text: &str, part: &str) -> bool {
    text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}
