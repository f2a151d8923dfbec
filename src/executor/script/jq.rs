//! jq: a filter over its input, without the environment, other inputs, files and an exit. Where the library does otherwise
//! than Conductor's jq, `jq.jq` and `jq_updates` do as that.

use std::fmt::Write as _;

use jaq_core::compile::Undefined;
use jaq_core::data::JustLut;
use jaq_core::load::parse::Def;
use jaq_core::load::{Arena, File, Loader, parse};
use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use jaq_json::{Num, Val, read};
use serde_json::{Map, Number, Value};

use super::frame::Said;
use super::jq_error::told;
use super::jq_updates::rewritten;
use super::limits::Limits;
use crate::workflow::expressions::java_text;

type Data = JustLut<Val>;

/// How many outputs a filter may have: each is at least a byte of the result, and some filters never stop.
const OUTPUTS_MAX: usize = 100_000;

/// What Conductor's jq has besides, or does otherwise than the library.
const DEFINITIONS: &str = include_str!("jq.jq");

/// What the filter is called among the definitions.
const FILTER: &str = "filter__";

/// What a child process may not tell, whatever it knows.
const WITHHELD: [&str; 1] = ["env"];

/// Evaluates a filter over its input; the result is the list of all its outputs.
pub(super) fn evaluate(source: &str, input: &str, limits: &Limits) -> Said {
    match outputs(source, input, limits) {
        Ok(outputs) => {
            let text = Value::Array(outputs).to_string();
            if text.len() > limits.output_bytes { Said::Failed(limits.too_large()) } else { Said::Gave(text) }
        }
        Err(reason) => Said::Failed(reason),
    }
}

fn outputs(source: &str, input: &str, limits: &Limits) -> Result<Vec<Value>, String> {
    let filter = compile(source)?;
    let input = read::parse_single(input.as_bytes()).map_err(|error| error.to_string())?;
    let ctx = Ctx::<Data>::new(&filter.lut, Vars::new([]));
    let (mut outputs, mut bytes) = (Vec::new(), 0);
    for output in filter.id.run((ctx, input)) {
        let output = output.map_err(|thrown| match thrown.get_err() {
            Ok(error) => told(message(error.into_val())),
            Err(_) => "`halt` is not available here".to_owned(),
        })?;
        let output = json(output);
        bytes += output.to_string().len();
        if bytes > limits.output_bytes {
            return Err(limits.too_large());
        }
        if outputs.len() >= OUTPUTS_MAX {
            return Err(format!("the filter has more than {OUTPUTS_MAX} outputs, which is the limit"));
        }
        outputs.push(output);
    }
    Ok(outputs)
}

fn compile(source: &str) -> Result<Filter<Data>, String> {
    let ours = parse(DEFINITIONS, |parser| parser.defs()).ok_or("the definitions of jq cannot be read")?;
    let known = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).chain(ours);
    let mut definitions: Vec<Def<&str>> = known.collect();
    // A filter that cannot be read is left to the loader, which says where.
    let filter = parse(source, |parser| parser.term()).map(rewritten);
    let filter = filter.map(|body| Def { name: FILTER, args: Vec::new(), body });
    let code = if filter.is_some() { FILTER } else { source };
    definitions.extend(filter);
    let arena = Arena::default();
    let modules = Loader::new(definitions).load(&arena, File { code, path: () }).map_err(|errors| {
        let places = errors.iter().map(|(_, error)| match error {
            jaq_core::load::Error::Io(missing) => {
                missing.first().map_or_else(String::new, |(path, _)| format!("no module can be read here (`{path}`)"))
            }
            jaq_core::load::Error::Lex(wrong) => place(wrong.first().map(|(_, rest)| *rest), source),
            jaq_core::load::Error::Parse(wrong) => place(wrong.first().map(|(_, rest)| *rest), source),
        });
        places.collect::<Vec<_>>().join("; ")
    })?;
    Compiler::default().with_funs(functions()).compile(modules).map_err(|errors| {
        let mut text = String::new();
        for (name, kind) in errors.iter().flat_map(|(_, wrong)| wrong) {
            let separator = if text.is_empty() { "" } else { "; " };
            // Writing into a text does not fail.
            let _ = write!(text, "{separator}{}", undefined(name, kind));
        }
        text
    })
}

/// Says what a filter names that is not there, in the words of Conductor's jq.
fn undefined(name: &str, kind: &Undefined) -> String {
    match kind {
        Undefined::Filter(arity) => format!("Function {name}/{arity} does not exist"),
        Undefined::Var => format!("Undefined variable: {name}"),
        other => format!("the {} `{name}` is not defined", other.as_str()),
    }
}

/// Says where the filter could not be read on.
fn place(rest: Option<&str>, source: &str) -> String {
    let at = rest.and_then(|rest| (rest.as_ptr() as usize).checked_sub(source.as_ptr() as usize));
    match at.and_then(|at| Some((at, source.get(..at)?))) {
        Some((at, before)) if at < source.len() => {
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            let line = before.matches('\n').count() + 1;
            format!("the filter cannot be read at line {line}, column {column}")
        }
        _ => "the filter cannot be read: it ends too early".to_owned(),
    }
}

fn functions() -> impl Iterator<Item = Fun<Data>> {
    let all = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    all.filter(|(name, _, _)| !WITHHELD.contains(name)).chain([
        run(("decimal__", v(0), |(_, value)| bome(Ok(decimal(value))))),
        run(("text__", v(0), |(_, value)| bome(Ok(number_text(value))))),
        run(("index__", v(1), |(mut ctx, _)| bome(Ok(index(ctx.pop_var()))))),
    ])
}

/// Returns a whole number as one with a fraction, as Conductor's mathematical functions give it.
fn decimal(value: Val) -> Val {
    match as_float(&value) {
        Some(float) if float.fract() == 0.0 => Val::Num(Num::Dec(format!("{float:?}").into())),
        _ => value,
    }
}

/// Returns a number as the text that Java has of it, where what was calculated to a whole number is one; anything else as
/// it is.
fn number_text(value: Val) -> Val {
    match &value {
        Val::Num(number @ (Num::Float(_) | Num::Dec(_))) => {
            let number = match number {
                Num::Dec(_) => as_float(&value).and_then(Number::from_f64).map(Value::Number),
                _ => Some(self::number(number)),
            };
            number.map_or(value, |number| Val::utf8_str(java_text(&number)))
        }
        _ => value,
    }
}

/// Returns a number as an index.
fn index(value: Val) -> Val {
    match &value {
        Val::Num(Num::Float(_) | Num::Dec(_)) => match as_float(&value) {
            #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53, checked here")]
            Some(float) if float.abs() < 9_007_199_254_740_992.0 => Val::Num(Num::Int(float.floor() as isize)),
            _ => value,
        },
        _ => value,
    }
}

fn as_float(value: &Val) -> Option<f64> {
    let Val::Num(number) = value else { return None };
    number.to_string().parse().ok()
}

/// Returns the text of an error: what it was raised with.
fn message(error: Val) -> String {
    match json(error) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Returns a value as JSON has it: what it does not have becomes text.
fn json(value: Val) -> Value {
    match value {
        Val::Null => Value::Null,
        Val::Bool(flag) => Value::Bool(flag),
        Val::Num(number) => self::number(&number),
        Val::BStr(bytes) | Val::TStr(bytes) => Value::String(String::from_utf8_lossy(&bytes).into_owned()),
        Val::Arr(items) => items.iter().cloned().map(json).collect(),
        Val::Obj(fields) => {
            let fields = fields.iter().map(|(key, value)| (message(key.clone()), json(value.clone())));
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}

fn number(number: &Num) -> Value {
    match number {
        Num::Int(whole) => Value::from(*whole as i64),
        Num::Float(float) if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53, checked on the line above")]
            Value::from(*float as i64)
        }
        // Conductor writes what JSON does not have as text.
        Num::Float(float) => Number::from_f64(*float).map_or_else(|| Value::String(number.to_string()), Value::Number),
        Num::BigInt(_) | Num::Dec(_) => {
            let text = number.to_string();
            let float = || text.parse().map(Num::Float);
            // What is too large for a number is as large as can be.
            serde_json::from_str(&text)
                .ok()
                .or_else(|| float().ok().map(|float| self::number(&float)))
                .unwrap_or_default()
        }
    }
}
