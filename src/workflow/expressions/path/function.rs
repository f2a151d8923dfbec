//! The functions of paths: `length() sum() avg() min() max() stddev() first() last() index(n) keys() concat() append()`.

use serde_json::{Number, Value};

use super::literal::lenient_json;
use super::{Fault, Found};
use crate::workflow::expressions::copy::Copier;
use crate::workflow::expressions::{java, stored};

/// An argument, evaluated.
pub(super) enum Argument {
    Json(Value),
    Path(Value),
}

impl Argument {
    /// Reads a literal. Its text may hold data, so nothing in it becomes a live reference.
    pub(super) fn from_json(text: &str) -> Found<Self> {
        lenient_json(text).map(|value| Self::Json(stored::inert(value)))
    }

    fn value(&self) -> &Value {
        match self {
            Self::Json(value) | Self::Path(value) => value,
        }
    }

    fn numbers(&self) -> Vec<f64> {
        match self.value() {
            Value::Number(number) => number.as_f64().into_iter().collect(),
            Value::Array(items) => items.iter().filter_map(Value::as_f64).collect(),
            _ => Vec::new(),
        }
    }
}

/// Applies a function to a value.
pub(super) fn call(name: &str, model: &Value, arguments: &[Argument]) -> Found<Value> {
    match name {
        "length" | "size" => Ok(match model {
            Value::Array(items) => Value::from(items.len()),
            Value::Object(fields) => Value::from(fields.len()),
            _ => Value::Null,
        }),
        "keys" => Ok(match model {
            Value::Object(fields) => {
                fields.keys().map(|name| Value::String(stored::inert_text(name).into_owned())).collect()
            }
            _ => Value::Null,
        }),
        "sum" | "avg" | "min" | "max" | "stddev" => aggregate(name, model, arguments),
        "first" => element(model, 0),
        "last" => element(model, -1),
        "index" => {
            let wanted = arguments.iter().flat_map(Argument::numbers).next().ok_or(Fault::Failed)?;
            #[expect(clippy::cast_possible_truncation, reason = "as Java's intValue: truncated, and saturating")]
            element(model, i64::from(wanted as i32))
        }
        "concat" => Ok(concat(model, arguments)),
        "append" => append(model, arguments),
        _ => Err(Fault::Invalid),
    }
}

fn aggregate(name: &str, model: &Value, arguments: &[Argument]) -> Found<Value> {
    let own = model.as_array().into_iter().flatten().filter_map(Value::as_f64);
    let numbers: Vec<f64> = own.chain(arguments.iter().flat_map(Argument::numbers)).collect();
    if numbers.is_empty() {
        return Err(Fault::Failed);
    }
    #[expect(clippy::cast_precision_loss, reason = "no array has 2^52 items")]
    let count = numbers.len() as f64;
    let sum: f64 = numbers.iter().sum();
    let result = match name {
        "sum" => sum,
        "avg" => sum / count,
        "min" => numbers.iter().copied().fold(f64::MAX, f64::min),
        // The smallest positive number, as Jayway starts its maximum with Java's `Double.MIN_VALUE`.
        "max" => numbers.iter().copied().fold(f64::from_bits(1), f64::max),
        _ => (numbers.iter().map(|number| number * number).sum::<f64>() / count - sum * sum / count / count).sqrt(),
    };
    // JSON has no such number; Conductor writes its name.
    let name = if result.is_nan() {
        "NaN"
    } else if result > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    Ok(Number::from_f64(result).map_or_else(|| Value::from(name), Value::Number))
}

/// Returns an element; a negative index counts from the end but never reaches the first.
fn element(model: &Value, index: i64) -> Found<Value> {
    let items = model.as_array().ok_or(Fault::Failed)?;
    let length = i64::try_from(items.len()).map_err(|_| Fault::Failed)?;
    let position = if index >= 0 { index } else { Some(length + index).filter(|at| *at > 0).ok_or(Fault::Failed)? };
    let item = usize::try_from(position).ok().and_then(|at| items.get(at)).ok_or(Fault::Failed)?;
    Ok(Copier::default().copy(item)?)
}

fn concat(model: &Value, arguments: &[Argument]) -> Value {
    let mut joined = stored::Pieces::default();
    for text in model.as_array().into_iter().flatten().filter_map(Value::as_str) {
        joined.push_stored(text);
    }
    for value in arguments.iter().map(Argument::value) {
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for item in items.iter().filter(|item| !item.is_null()) {
            joined.push_stored(&java::text(item));
        }
    }
    Value::String(joined.into_stored())
}

fn append(model: &Value, arguments: &[Argument]) -> Found<Value> {
    let mut copier = Copier::default();
    let mut copy = copier.copy(model)?;
    if let Value::Array(items) = &mut copy {
        for argument in arguments {
            items.push(copier.copy(argument.value())?);
        }
    }
    Ok(copy)
}
