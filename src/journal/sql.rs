use serde_json::Value;

use crate::journal::query::{Bound, Condition, Direction, Operand};
use crate::journal::{PAGE_ROWS_MAX, Query, Searchable};

/// How many values of a list are bound by themselves: longer lists are bound whole. A statement takes 32,766 values, and each
/// range of an index repeats those of the conditions.
const MARKS_MAX: usize = 32;

/// A piece of SQL: text made of our own words only, and the values that its marks stand for, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Sql {
    /// The text.
    pub(super) text: String,
    /// The values.
    pub(super) values: Vec<Operand>,
}

impl Sql {
    /// Returns a piece without values.
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), values: Vec::new() }
    }

    /// Adds words.
    pub(super) fn words(mut self, words: &str) -> Self {
        self.text.push_str(words);
        self
    }

    /// Adds another piece.
    pub(super) fn then(mut self, other: Self) -> Self {
        self.text.push_str(&other.text);
        self.values.extend(other.values);
        self
    }

    /// Returns the pieces with words between them; `none` where there is no piece.
    pub(super) fn joined(pieces: impl IntoIterator<Item = Self>, by: &str, none: &str) -> Self {
        let joined = pieces.into_iter().reduce(|joined, piece| joined.words(by).then(piece));
        joined.unwrap_or_else(|| Self::of(none))
    }

    /// Returns that all of these hold.
    pub(super) fn all<'a, F: Searchable>(conditions: impl IntoIterator<Item = &'a Condition<F>>) -> Self {
        Self::joined(conditions.into_iter().map(Condition::sql), " AND ", "TRUE")
    }
}

impl<F: Searchable> Query<F> {
    /// Returns what sorts the rows: those that are equal in what they are sorted by keep one order.
    pub(super) fn order(&self) -> String {
        let terms = self.sort.iter().map(|(field, direction)| format!("{} {}", field.column(), direction.sql()));
        let tie = format!("{} {}", F::TIE, self.direction().sql());
        format!("ORDER BY {}", terms.chain([tie]).collect::<Vec<_>>().join(", "))
    }

    /// Returns what cuts the page.
    pub(super) fn cut(&self) -> String {
        let start = i64::try_from(self.start).unwrap_or(i64::MAX);
        format!("LIMIT {} OFFSET {start}", self.size.min(PAGE_ROWS_MAX))
    }

    /// Returns the direction of the first sort.
    pub(super) fn direction(&self) -> Direction {
        self.sort.first().map_or(Direction::Descending, |(_, direction)| *direction)
    }
}

impl<F: Searchable> Condition<F> {
    /// Returns the condition as SQL.
    pub(super) fn sql(&self) -> Sql {
        match self {
            Self::OneOf(field, operands) => one_of(field.column(), operands),
            Self::Bounded(field, bound, operand) => {
                Sql { text: format!("{} {} ?", field.column(), bound.sql()), values: vec![operand.clone()] }
            }
            Self::Begins(field, prefix) => begins(field.column(), prefix),
            Self::Contains(field, part) => {
                Sql { text: format!("instr(lower({}), lower(?)) > 0", field.column()), values: vec![text(part)] }
            }
            Self::Missing(field) => Sql::of(format!("{} IS NULL", field.column())),
            Self::Mentions(part) => {
                let fields = F::LISTED.iter().chain(F::CONTAINING).map(|field| Self::Contains(*field, part.clone()));
                let beginnings = F::BEGINNING.iter().map(|field| Self::Begins(*field, part.clone()));
                Self::Any(fields.chain(beginnings).collect()).sql()
            }
            Self::Not(condition) => Sql::of("(").then(condition.sql()).words(") IS NOT TRUE"),
            Self::All(conditions) => Sql::of("(").then(Sql::all(conditions)).words(")"),
            Self::Any(conditions) => {
                Sql::of("(").then(Sql::joined(conditions.iter().map(Self::sql), " OR ", "FALSE")).words(")")
            }
        }
    }
}

fn one_of(column: &str, operands: &[Operand]) -> Sql {
    if operands.len() > MARKS_MAX {
        let list: Value = operands.iter().map(Operand::to_json).collect();
        let text = format!("{column} IN (SELECT value FROM json_each(?))");
        return Sql { text, values: vec![Operand::Text(list.to_string())] };
    }
    // SQLite takes no index by its name for a condition that is false by its form alone.
    let marks = if operands.is_empty() { "NULL".to_owned() } else { vec!["?"; operands.len()].join(", ") };
    Sql { text: format!("{column} IN ({marks})"), values: operands.to_vec() }
}

fn begins(column: &str, prefix: &str) -> Sql {
    match above(prefix) {
        Some(end) => {
            Sql { text: format!("({column} >= ? AND {column} < ?)"), values: vec![text(prefix), Operand::Text(end)] }
        }
        None => Sql { text: format!("{column} >= ?"), values: vec![text(prefix)] },
    }
}

fn text(text: &str) -> Operand {
    Operand::Text(text.to_owned())
}

/// Returns the least text that is above every text that begins with this one; above the greatest characters is none.
fn above(prefix: &str) -> Option<String> {
    let mut head: Vec<char> = prefix.chars().collect();
    while let Some(last) = head.pop() {
        // Some numbers between two characters are none.
        if let Some(next) = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32) {
            return Some(head.into_iter().chain([next]).collect());
        }
    }
    None
}

impl Bound {
    const fn sql(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }
}

impl Direction {
    /// Returns the word for it.
    pub(super) const fn sql(self) -> &'static str {
        match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::above;

    #[test]
    fn what_is_above_a_beginning_is_the_next_text() {
        assert_eq!(above("ab").as_deref(), Some("ac"));
        assert_eq!(above("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(above("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(above("\u{10ffff}"), None);
        assert_eq!(above(""), None);
    }
}
