use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;

use crate::journal::Searchable;

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

impl<F: Searchable> Default for Query<F> {
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

impl<F: Searchable> Condition<F> {
    /// Returns whether it looks at this field and no other.
    pub(super) fn is_about(&self, field: F) -> bool {
        match self {
            Self::OneOf(own, _)
            | Self::Bounded(own, _, _)
            | Self::Begins(own, _)
            | Self::Contains(own, _)
            | Self::Missing(own) => *own == field,
            Self::Mentions(_) => false,
            Self::Not(condition) => condition.is_about(field),
            Self::All(conditions) | Self::Any(conditions) => {
                conditions.iter().all(|condition| condition.is_about(field))
            }
        }
    }

    /// Returns whether it holds for a field that is this text; it is about no other field.
    pub(super) fn holds(&self, text: &str) -> bool {
        match self {
            Self::OneOf(_, operands) => operands.iter().any(|operand| operand.text() == Some(text)),
            Self::Bounded(_, bound, operand) => operand.text().is_some_and(|operand| match bound {
                Bound::Below => text < operand,
                Bound::AtMost => text <= operand,
                Bound::Above => text > operand,
                Bound::AtLeast => text >= operand,
            }),
            Self::Begins(_, prefix) => text.starts_with(prefix.as_str()),
            Self::Contains(_, part) | Self::Mentions(part) => contains(text, part),
            Self::Missing(_) => false,
            Self::Not(condition) => !condition.holds(text),
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(text)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(text)),
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
}

/// Large and small letters are the same, as where SQLite looks.
fn contains(text: &str, part: &str) -> bool {
    text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}
