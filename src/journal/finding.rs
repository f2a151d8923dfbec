//! How rows are found without looking at all of them.
//!
//! Theory of operation. Where an index knows all that the search asks for, the page is cut from the order of that index, or
//! of a few ranges of it that are merged. Else what each condition leaves is counted, up to [`FEW_MAX`]: few rows are read
//! and sorted, whatever the rest of the search is. Where every condition leaves many, the rows of an index are looked at in
//! its order until the page is full. Only a search that is sorted by something else, or whose rows are rare among many,
//! looks at everything.

use std::cell::OnceCell;

use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use crate::journal::fields::{Index, Kind};
use crate::journal::query::{Condition, Operand};
use crate::journal::sql::Sql;
use crate::journal::{Error, Query, Searchable};

/// How many rows are few: reading and sorting as many takes some ten milliseconds.
const FEW_MAX: u64 = 10_000;

/// How many ranges of an index are merged at most: each row passes through all of them.
const RANGES_MAX: usize = 24;

/// How many different values of a field are looked at instead of rows.
const LISTED_MAX: usize = 1_000;

/// Up to how many rows are counted where an index alone says which they are: some five milliseconds.
const COUNTED_BY_INDEX_MAX: u64 = 100_000;

/// Up to how many rows are counted where each has to be looked at: some ten milliseconds.
const COUNTED_BY_ROW_MAX: u64 = 10_000;

/// A search in one moment of the journal.
pub(super) struct Finding<'a, F: 'static> {
    moment: &'a Connection,
    query: &'a Query<F>,
    conditions: Vec<Condition<F>>,
    way: OnceCell<Way>,
}

/// How the rows of a page are come by.
#[derive(Clone)]
enum Way {
    /// These pieces of SQL give the ties of all rows that can be meant, and they are few.
    Few(Vec<Sql>),
    /// The rows follow each other in these ranges of an index.
    Merged(Vec<Sql>),
    /// Every row is looked at.
    Whole,
}

impl<'a, F: Searchable> Finding<'a, F> {
    /// Returns a search; `None` where no row can be meant.
    pub(super) fn of(moment: &'a Connection, query: &'a Query<F>) -> Result<Option<Self>, Error> {
        let mut conditions = Vec::new();
        for condition in &query.conditions {
            let condition = expanded(moment, condition)?;
            match condition {
                Condition::All(inner) => inner.into_iter().for_each(|inner| add(&mut conditions, inner)),
                other => add(&mut conditions, other),
            }
        }
        let is_none = |condition: &Condition<F>| match condition {
            Condition::OneOf(_, operands) => operands.is_empty(),
            Condition::Any(conditions) => conditions.is_empty(),
            _ => false,
        };
        let found = !conditions.iter().any(is_none);
        Ok(found.then_some(Self { moment, query, conditions, way: OnceCell::new() }))
    }

    /// Returns the rows of the page, each as `read` reads these columns.
    pub(super) fn rows<T>(
        &self,
        columns: &str,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Error> {
        let sql = self.page(columns)?;
        let mut prepared = self.moment.prepare_cached(&sql.text)?;
        let found = prepared.query_map(params_from_iter(&sql.values), read)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Returns how many rows there are, at least as many as the page shows that there are.
    pub(super) fn total(&self, shown: usize) -> Result<u64, Error> {
        let counted = self.count(&self.counting()?)?;
        let shown = u64::try_from(shown).unwrap_or(u64::MAX);
        let seen = if shown > 0 { self.query.start.saturating_add(shown) } else { 0 };
        Ok(counted.max(seen))
    }

    /// Returns how many steps SQLite makes for the page.
    #[cfg(test)]
    pub(super) fn steps(&self, columns: &str) -> Result<i32, Error> {
        let sql = self.page(columns)?;
        let mut prepared = self.moment.prepare(&sql.text)?;
        let mut rows = prepared.query(params_from_iter(&sql.values))?;
        while rows.next()?.is_some() {}
        drop(rows);
        Ok(prepared.get_status(rusqlite::StatementStatus::VmStep))
    }

    fn page(&self, columns: &str) -> Result<Sql, Error> {
        let (table, tie, order, cut) = (F::TABLE, F::TIE, self.query.order(), self.query.cut());
        Ok(match self.way()? {
            Way::Few(ties) => {
                let few = Sql::joined(ties, " UNION ", "");
                let from = format!(") AS few CROSS JOIN {table} ON {tie} = few.row WHERE ");
                let sql = Sql::of(format!("SELECT {columns} FROM (")).then(few).words(&from);
                sql.then(Sql::all(&self.conditions)).words(&format!(" {order} {cut}"))
            }
            Way::Merged(ranges) => {
                let direction = self.query.direction().sql();
                let merged = Sql::joined(ranges, " UNION ALL ", "");
                let page = format!(" ORDER BY 2 {direction}, 1 {direction} {cut}");
                let rest = format!(") AS page CROSS JOIN {table} ON {tie} = page.row {order}");
                Sql::of(format!("SELECT {columns} FROM (")).then(merged).words(&page).words(&rest)
            }
            Way::Whole => {
                let sql = Sql::of(format!("SELECT {columns} FROM {table} WHERE "));
                sql.then(Sql::all(&self.conditions)).words(&format!(" {order} {cut}"))
            }
        })
    }

    fn counting(&self) -> Result<Sql, Error> {
        let (table, tie) = (F::TABLE, F::TIE);
        if let Way::Few(ties) = self.way()? {
            let few = Sql::of("SELECT 1 FROM (").then(Sql::joined(ties, " UNION ", ""));
            let few = few.words(&format!(") AS few CROSS JOIN {table} ON {tie} = few.row WHERE "));
            return Ok(few.then(Sql::all(&self.conditions)));
        }
        let index = self.usable().find(|index| self.covers(index));
        let (index, limit) = match index {
            Some(index) => (Some(index), COUNTED_BY_INDEX_MAX),
            None => (self.usable().next(), COUNTED_BY_ROW_MAX),
        };
        let by = index.map(|index| format!(" INDEXED BY {}", index.name)).unwrap_or_default();
        let sql = Sql::of(format!("SELECT 1 FROM {table}{by} WHERE ")).then(Sql::all(&self.conditions));
        Ok(sql.words(&format!(" LIMIT {limit}")))
    }

    fn count(&self, rows: &Sql) -> Result<u64, Error> {
        let sql = format!("SELECT COUNT(*) FROM ({})", rows.text);
        let mut prepared = self.moment.prepare_cached(&sql)?;
        Ok(prepared.query_row(params_from_iter(&rows.values), |row| super::rows::unsigned(row, 0))?)
    }

    fn way(&self) -> Result<Way, Error> {
        if let Some(way) = self.way.get() {
            return Ok(way.clone());
        }
        let way = match self.merged(|index| self.covers(index)) {
            Some(way) => way,
            None => match self.few()? {
                Some(ties) => Way::Few(ties),
                None => self.merged(|_| true).unwrap_or(Way::Whole),
            },
        };
        Ok(self.way.get_or_init(|| way).clone())
    }

    /// Returns what leads to all rows that can be meant, where they are few.
    fn few(&self) -> Result<Option<Vec<Sql>>, Error> {
        let led = F::INDEXES.iter().filter(|index| self.leads(index)).map(|index| {
            let within = self.conditions.iter().filter(|condition| within(index, condition));
            Some(vec![ties(index, &Sql::all(within))])
        });
        let parted = F::PARTED.iter().filter(|(field, _)| self.bounds(*field)).map(|(field, parts)| {
            let within = Sql::all(self.conditions.iter().filter(|condition| condition.is_about(*field)));
            let part = |(index, common): &(&str, &str)| {
                let head = format!("SELECT {} AS row FROM {} INDEXED BY {index} WHERE {common} AND ", F::TIE, F::TABLE);
                Sql::of(head).then(within.clone())
            };
            Some(parts.iter().map(part).collect())
        });
        // Of alternatives, each must be led to.
        let alternatives = self.conditions.iter().map(|condition| match condition {
            Condition::Any(alternatives) => alternatives.iter().map(alone).collect(),
            _ => None,
        });
        for ties in led.chain(parted).chain(alternatives).flatten() {
            if self.are_few(&ties)? {
                return Ok(Some(ties));
            }
        }
        Ok(None)
    }

    /// Returns whether some condition is a side of a value of the field.
    fn bounds(&self, field: F) -> bool {
        self.conditions.iter().any(|condition| matches!(condition, Condition::Bounded(own, _, _) if *own == field))
    }

    /// Returns whether some condition makes the index a way to few rows.
    fn leads(&self, index: &Index<F>) -> bool {
        self.conditions.iter().any(|condition| match condition {
            Condition::OneOf(field, _) | Condition::Begins(field, _) => index.leading.first() == Some(field),
            Condition::Bounded(field, _, _) => index.leading.is_empty() && index.sorted == Some(*field),
            _ => false,
        })
    }

    fn are_few(&self, ties: &[Sql]) -> Result<bool, Error> {
        let rows = Sql::joined(ties.iter().cloned(), " UNION ALL ", "");
        Ok(self.count(&rows.words(&format!(" LIMIT {}", FEW_MAX + 1)))? <= FEW_MAX)
    }

    /// Returns the indexes in whose order the rows can be read or counted; the last has all rows.
    fn usable(&self) -> impl Iterator<Item = &'static Index<F>> {
        F::INDEXES.iter().filter(|index| {
            index.sorted.is_some()
                && index.leading.iter().enumerate().all(|(number, field)| {
                    let is_given = self.values(*field).is_some();
                    is_given || number > 0 && matches!(field.kind(), Kind::Word(_))
                })
        })
    }

    fn covers(&self, index: &Index<F>) -> bool {
        self.conditions.iter().all(|condition| within(index, condition))
    }

    /// Returns the ranges of the first usable index that is `good` and has few enough of them.
    fn merged(&self, good: impl Fn(&Index<F>) -> bool) -> Option<Way> {
        let [(sorted, _)] = self.query.sort.as_slice() else { return None };
        let mut indexes = self.usable().filter(|index| index.sorted == Some(*sorted) && good(index));
        indexes.find_map(|index| Some(Way::Merged(self.ranges(index)?)))
    }

    fn ranges(&self, index: &Index<F>) -> Option<Vec<Sql>> {
        let is_led = |condition: &&Condition<F>| !matches!(condition, Condition::OneOf(field, _) if index.leading.contains(field));
        let rest = Sql::all(self.conditions.iter().filter(is_led));
        let mut ranges = vec![Sql::default()];
        for field in index.leading {
            let values = self.values(*field).unwrap_or_else(|| words(*field));
            if ranges.len() * values.len() > RANGES_MAX {
                return None;
            }
            let column = field.column();
            let of = |value: &Operand| Sql { text: format!("{column} = ? AND "), values: vec![value.clone()] };
            ranges = ranges.iter().flat_map(|range| values.iter().map(|value| range.clone().then(of(value)))).collect();
        }
        let sorted = index.sorted?.column();
        let head =
            format!("SELECT {} AS row, {sorted} AS place FROM {} INDEXED BY {} WHERE ", F::TIE, F::TABLE, index.name);
        Some(ranges.into_iter().map(|range| Sql::of(head.clone()).then(range).then(rest.clone())).collect())
    }

    /// Returns the values that a field must have one of.
    fn values(&self, wanted: F) -> Option<Vec<Operand>> {
        self.conditions.iter().find_map(|condition| match condition {
            Condition::OneOf(field, values) if *field == wanted => Some(values.clone()),
            _ => None,
        })
    }
}

/// Returns how a condition leads to its rows by itself.
fn alone<F: Searchable>(condition: &Condition<F>) -> Option<Sql> {
    match condition {
        Condition::OneOf(field, _) | Condition::Begins(field, _) => {
            let index = F::INDEXES.iter().find(|index| index.leading.first() == Some(field))?;
            Some(ties(index, &condition.sql()))
        }
        // One that leads is enough: the others are looked at afterwards.
        Condition::All(conditions) => conditions.iter().find_map(alone),
        _ => None,
    }
}

fn ties<F: Searchable>(index: &Index<F>, filter: &Sql) -> Sql {
    let head = format!("SELECT {} AS row FROM {} INDEXED BY {} WHERE ", F::TIE, F::TABLE, index.name);
    Sql::of(head).then(filter.clone())
}

/// Returns whether the index alone says if a condition holds.
fn within<F: Searchable>(index: &Index<F>, condition: &Condition<F>) -> bool {
    index.leading.iter().copied().chain(index.sorted).any(|field| condition.is_about(field))
}

fn words<F: Searchable>(field: F) -> Vec<Operand> {
    match field.kind() {
        Kind::Word(words) => words.iter().map(|word| Operand::Text((*word).to_owned())).collect(),
        Kind::Text | Kind::Prose | Kind::Number | Kind::Moment => Vec::new(),
    }
}

/// Adds a condition; two that name values of one field become one.
fn add<F: Searchable>(conditions: &mut Vec<Condition<F>>, condition: Condition<F>) {
    let Condition::OneOf(field, values) = condition else {
        conditions.push(condition);
        return;
    };
    let known = conditions.iter_mut().find_map(|known| match known {
        Condition::OneOf(other, values) if *other == field => Some(values),
        _ => None,
    });
    if let Some(known) = known {
        known.retain(|value| values.contains(value));
        return;
    }
    let mut once = Vec::with_capacity(values.len());
    for value in values {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    conditions.push(Condition::OneOf(field, once));
}

/// Returns a condition in the words of the indexes: what few values can answer is looked up among them.
fn expanded<F: Searchable>(moment: &Connection, condition: &Condition<F>) -> Result<Condition<F>, Error> {
    match condition {
        Condition::Mentions(text) => mentioned(moment, text),
        Condition::OneOf(..) => Ok(condition.clone()),
        // What a row without a value is like, its values do not say.
        other => match F::LISTED.first().filter(|field| other.is_about(**field)) {
            Some(field) => Ok(listed(moment, *field, other)?.unwrap_or_else(|| other.clone())),
            None => Ok(other.clone()),
        },
    }
}

fn mentioned<F: Searchable>(moment: &Connection, text: &str) -> Result<Condition<F>, Error> {
    let mut alternatives = Vec::new();
    for field in F::LISTED {
        let contains = Condition::Contains(*field, text.to_owned());
        match listed(moment, *field, &contains)? {
            Some(Condition::OneOf(_, values)) if values.is_empty() => {}
            Some(found) => alternatives.push(found),
            None => alternatives.push(contains),
        }
    }
    for field in F::BEGINNING {
        let begins = Condition::Begins(*field, text.to_owned());
        let is_there = match alone(&begins) {
            Some(ties) => moment.prepare_cached(&ties.text)?.exists(params_from_iter(&ties.values))?,
            None => true,
        };
        alternatives.extend(is_there.then_some(begins));
    }
    alternatives.extend(F::CONTAINING.iter().map(|field| Condition::Contains(*field, text.to_owned())));
    Ok(match <[_; 1]>::try_from(alternatives) {
        Ok([only]) => only,
        Err(alternatives) => Condition::Any(alternatives),
    })
}

/// Returns that the field has one of those of its values for which the condition holds; `None` where it has too many.
fn listed<F: Searchable>(
    moment: &Connection,
    field: F,
    condition: &Condition<F>,
) -> Result<Option<Condition<F>>, Error> {
    let values = values(moment, F::TABLE, field.column(), Some(LISTED_MAX + 1))?;
    if values.len() > LISTED_MAX {
        return Ok(None);
    }
    Ok(Some(Condition::one_of(
        field,
        values.into_iter().filter(|value| condition.holds(&|_| Some(Operand::Text(value.clone())))),
    )))
}

/// Returns the different texts of a column that leads an index, by steps from one to the next.
pub(super) fn values(
    moment: &Connection,
    table: &str,
    column: &str,
    limit: Option<usize>,
) -> Result<Vec<String>, Error> {
    let sql = format!("SELECT {column} FROM {table} WHERE {column} > ? ORDER BY {column} LIMIT 1");
    let mut prepared = moment.prepare_cached(&sql)?;
    let mut values: Vec<String> = Vec::new();
    while limit.is_none_or(|limit| values.len() < limit) {
        let last = values.last().map_or("", String::as_str);
        let next: Option<String> = prepared.query_row([last], |row| row.get(0)).optional()?;
        match next {
            Some(next) => values.push(next),
            None => break,
        }
    }
    Ok(values)
}
