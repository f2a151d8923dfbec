//! What a term of a condition is worth, and how two of them compare.

use std::cmp::Ordering;

use regex_lite::Regex;
use serde_json::{Number, Value};

use super::filter::Operator;
use super::literal::lenient_json;
use super::{Fault, Found};
use crate::workflow::expressions::java;

/// The value of a term.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    /// An array or an object: one found by a path, or the text of a literal.
    Found(Value),
    Literal(String),
    Pattern(Regex),
}

impl Operand {
    /// Wraps what a path found.
    pub(super) fn of(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(flag),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(text),
            found @ (Value::Array(_) | Value::Object(_)) => Self::Found(found),
        }
    }

    fn json(&self) -> Found<Option<Value>> {
        match self {
            Self::Found(value) => Ok(Some(value.clone())),
            Self::Literal(text) => lenient_json(text).map(Some),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Pattern(_) => Ok(None),
        }
    }

    /// Returns the items of an array; `None` for an object. Anything else is invalid here.
    fn items(&self) -> Found<Option<Vec<Self>>> {
        match self.json()? {
            Some(Value::Array(items)) => items.into_iter().map(Self::item).collect::<Found<Vec<_>>>().map(Some),
            Some(_) => Ok(None),
            None => Err(Fault::Invalid),
        }
    }

    fn item(value: Value) -> Found<Self> {
        match value {
            Value::Array(_) | Value::Object(_) => Err(Fault::Failed),
            Value::String(text) => Ok(Self::Text(text)),
            scalar => Ok(Self::of(scalar)),
        }
    }

    fn equals(&self, other: &Self) -> Found<bool> {
        Ok(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Number(left), Self::Number(right)) => compare(left, right) == Some(Ordering::Equal),
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Number(left), Self::Text(right)) => {
                number(right).is_some_and(|right| compare(left, &right) == Some(Ordering::Equal))
            }
            (Self::Text(left), Self::Number(right)) => *left == java::number(right),
            (Self::Found(left), Self::Found(_) | Self::Literal(_)) => Some(left) == other.json()?.as_ref(),
            _ => false,
        })
    }

    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => compare(left, right),
            (Self::Text(left), Self::Text(right)) => Some(utf16_order(left, right)),
            _ => None,
        }
    }

    fn is_same_kind(&self, other: &Self) -> bool {
        let json = |operand: &Self| matches!(operand, Self::Found(_) | Self::Literal(_));
        json(self) && json(other) || std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Returns what matching a pattern with the operand may cost, in visits: a dozen a byte.
    pub(super) fn matching_cost(&self) -> usize {
        const VISITS_A_BYTE: usize = 12;
        let bytes = match self {
            Self::Text(text) => text.len(),
            Self::Found(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::len).sum(),
            _ => 0,
        };
        bytes.saturating_mul(VISITS_A_BYTE)
    }

    /// Returns the text that a pattern is matched with.
    fn matched_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => java::number(number),
            Self::Bool(flag) => flag.to_string(),
            Self::Null | Self::Found(_) | Self::Literal(_) | Self::Pattern(_) => String::new(),
        }
    }
}

/// Judges a comparison.
pub(super) fn holds(left: &Operand, operator: Operator, right: &Operand) -> Found<bool> {
    match operator {
        Operator::Equal => left.equals(right),
        Operator::NotEqual => left.equals(right).map(|equal| !equal),
        Operator::Same => Ok(left.is_same_kind(right) && left.equals(right)?),
        Operator::NotSame => Ok(!(left.is_same_kind(right) && left.equals(right)?)),
        Operator::Less => Ok(left.order(right) == Some(Ordering::Less)),
        Operator::LessOrEqual => Ok(left.order(right).is_some_and(Ordering::is_le)),
        Operator::Greater => Ok(left.order(right) == Some(Ordering::Greater)),
        Operator::GreaterOrEqual => Ok(left.order(right).is_some_and(Ordering::is_ge)),
        Operator::Matches => matches(left, right),
        Operator::In => is_in(left, right),
        Operator::NotIn => is_in(left, right).map(|found| !found),
        Operator::Contains => contains(left, right),
        Operator::Size => has_size(left, right),
        Operator::Empty => is_empty(left, right),
        Operator::SubsetOf => lists(left, right, |left, right| all(left, |item| has(right, item))),
        Operator::AnyOf => lists(left, right, |left, right| any(left, |item| reaches(item, right))),
        Operator::NoneOf => lists(left, right, |left, right| any(left, |item| reaches(item, right)).map(|met| !met)),
        Operator::Exists => exists(left, right),
        Operator::Never => Err(Fault::Invalid),
    }
}

fn matches(left: &Operand, right: &Operand) -> Found<bool> {
    let (pattern, subject) = match (left, right) {
        (Operand::Pattern(_), Operand::Pattern(_)) => return Ok(false),
        (Operand::Pattern(pattern), subject) | (subject, Operand::Pattern(pattern)) => (pattern, subject),
        _ => return Ok(false),
    };
    if let Some(Value::Array(_)) = subject.json()? {
        let items = subject.items()?.unwrap_or_default();
        return Ok(items.iter().any(|item| pattern.is_match(&item.matched_text())));
    }
    Ok(pattern.is_match(&subject.matched_text()))
}

/// Compares two booleans; it is an error without one, and false where only one side is.
fn exists(left: &Operand, right: &Operand) -> Found<bool> {
    match (left, right) {
        (Operand::Bool(left), Operand::Bool(right)) => Ok(left == right),
        (Operand::Bool(_), _) | (_, Operand::Bool(_)) => Err(Fault::Invalid),
        _ => Err(Fault::Failed),
    }
}

fn is_in(left: &Operand, right: &Operand) -> Found<bool> {
    match right.items()? {
        Some(items) => has(&items, left),
        None => Ok(false),
    }
}

fn contains(left: &Operand, right: &Operand) -> Found<bool> {
    match (left, right) {
        (Operand::Text(left), Operand::Text(right)) => Ok(left.contains(right.as_str())),
        (Operand::Found(_) | Operand::Literal(_), _) => is_in(right, left),
        _ => Ok(false),
    }
}

fn has_size(left: &Operand, right: &Operand) -> Found<bool> {
    let Operand::Number(wanted) = right else { return Ok(false) };
    let wanted = wanted.as_f64().map_or(0.0, f64::trunc);
    let size = match left {
        Operand::Text(text) => Some(text.encode_utf16().count()),
        _ => match left.json()? {
            Some(Value::Array(items)) => Some(items.len()),
            _ => None,
        },
    };
    #[expect(clippy::cast_precision_loss, reason = "no array has 2^52 items")]
    Ok(size.is_some_and(|size| (size as f64 - wanted).abs() < 0.5))
}

fn is_empty(left: &Operand, right: &Operand) -> Found<bool> {
    let empty = match left {
        Operand::Text(text) => text.is_empty(),
        _ => match left.json()? {
            Some(Value::Array(items)) => items.is_empty(),
            Some(_) => return Err(Fault::Failed),
            None => return Ok(false),
        },
    };
    match right {
        Operand::Bool(wanted) => Ok(empty == *wanted),
        _ => Err(Fault::Invalid),
    }
}

fn lists(left: &Operand, right: &Operand, judge: impl Fn(&[Operand], &[Operand]) -> Found<bool>) -> Found<bool> {
    let right = right.items()?;
    let left = left.items()?;
    match (left, right) {
        (Some(left), Some(right)) => judge(&left, &right),
        _ => Ok(false),
    }
}

fn has(items: &[Operand], wanted: &Operand) -> Found<bool> {
    any(items, |item| wanted.equals(item))
}

fn reaches(item: &Operand, others: &[Operand]) -> Found<bool> {
    any(others, |other| item.equals(other))
}

fn any(items: &[Operand], judge: impl Fn(&Operand) -> Found<bool>) -> Found<bool> {
    for item in items {
        if judge(item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn all(items: &[Operand], judge: impl Fn(&Operand) -> Found<bool>) -> Found<bool> {
    any(items, |item| judge(item).map(|met| !met)).map(|missed| !missed)
}

/// Reads a number as Java's `BigDecimal` does: a leading zero or point is allowed.
pub(super) fn number(text: &str) -> Option<Number> {
    let looks_right = text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'));
    if !looks_right {
        return None;
    }
    text.parse::<i64>()
        .map(Number::from)
        .or_else(|_| text.parse::<u64>().map(Number::from))
        .ok()
        .or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64))
}

fn compare(left: &Number, right: &Number) -> Option<Ordering> {
    let whole = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// Orders as Java's `compareTo`: by UTF-16 units.
fn utf16_order(left: &str, right: &str) -> Ordering {
    left.encode_utf16().cmp(right.encode_utf16())
}
