//! Resolves the references of templates.

use serde_json::{Map, Value};

use super::copy::Copier;
use super::java;
use super::lookup::Lookup;
use super::path::{self, Path, Reading};
use super::stored::{self, Pieces, SECRETS, SecretReference};
use super::text::{REFERENCE_DEPTH_MAX, ranges};

/// What a reference to the environment starts with, between the braces.
const ENVIRONMENT: &str = "workflow.env.";
/// The one bare name that Conductor knows beside task references: the id of the task that is scheduled.
const TASK_ID: &str = "CPEWF_TASK_ID";

/// Resolves the references in a template's values, never in its names, and returns it in stored form.
///
/// A text that is one reference becomes its value. What cannot be found, cannot be read or breaks a limit is `null`.
pub fn resolve(template: &Value, lookup: &impl Lookup) -> Value {
    Resolver { lookup, copier: Copier::default() }.value(template)
}

/// Resolves the references in one text, as [`resolve`] does.
pub fn resolve_text(text: &str, lookup: &impl Lookup) -> Value {
    Resolver { lookup, copier: Copier::default() }.text(text)
}

struct Resolver<'l> {
    lookup: &'l dyn Lookup,
    copier: Copier,
}

/// What stands in for a reference.
enum Resolved {
    Value(Reading),
    /// A reference to a secret, which stays one.
    Live(String),
    /// The reference stays as it is written.
    Unchanged,
}

impl Resolved {
    fn value(value: Value) -> Self {
        Self::Value(Reading { value, is_collected: false })
    }
}

impl Resolver<'_> {
    fn value(&mut self, template: &Value) -> Value {
        match template {
            Value::String(text) => self.text(text),
            Value::Array(items) => self.nested(|resolver| items.iter().map(|item| resolver.value(item)).collect()),
            Value::Object(fields) => self.nested(|resolver| {
                let fields = fields.iter().map(|(name, field)| (name.clone(), resolver.value(field)));
                Value::Object(fields.collect::<Map<_, _>>())
            }),
            scalar @ (Value::Null | Value::Bool(_) | Value::Number(_)) => scalar.clone(),
        }
    }

    fn nested(&mut self, build: impl FnOnce(&mut Self) -> Value) -> Value {
        self.copier.enter();
        let value = if self.copier.is_too_deep() { Value::Null } else { build(self) };
        self.copier.leave();
        value
    }

    fn text(&mut self, text: &str) -> Value {
        if !text.contains("${") {
            return Value::String(text.to_owned());
        }
        if let [whole] = ranges(text).as_slice()
            && *whole == (0..text.len())
        {
            return match self.reference(&text[2..text.len() - 1], 0) {
                Resolved::Value(reading) => reading.value,
                Resolved::Live(inner) => Value::String(format!("${{{inner}}}")),
                Resolved::Unchanged => Value::String(stored::inert_text(text).into_owned()),
            };
        }
        self.pieces(text, 0).map_or(Value::Null, |pieces| Value::String(pieces.into_stored()))
    }

    /// Interpolates; `None` where it grows too big.
    fn pieces(&mut self, text: &str, depth: usize) -> Option<Pieces> {
        let mut pieces = Pieces::default();
        let mut at = 0;
        for range in ranges(text) {
            pieces.push_literal(&text[at..range.start]);
            at = range.end;
            match self.reference(&text[range.start + 2..range.end - 1], depth) {
                Resolved::Live(inner) => pieces.push_live(&inner),
                Resolved::Unchanged => pieces.push_literal(&text[range]),
                Resolved::Value(reading) => {
                    let text =
                        if reading.is_collected { java::json(&reading.value) } else { java::text(&reading.value) };
                    self.copier.spend(text.len())?;
                    pieces.push_stored(&text);
                }
            }
        }
        pieces.push_literal(&text[at..]);
        pieces.unescape();
        Some(pieces)
    }

    fn reference(&mut self, inner: &str, depth: usize) -> Resolved {
        if depth >= REFERENCE_DEPTH_MAX {
            return Resolved::value(Value::Null);
        }
        let Some(path) = self.pieces(inner, depth + 1).map(Pieces::into_shown) else {
            return Resolved::value(Value::Null);
        };
        if path.trim().is_empty() {
            return Resolved::value(Value::String(String::new()));
        }
        if path.starts_with(SECRETS) {
            return if SecretReference::parse(&path).is_some() { Resolved::Live(path) } else { Resolved::Unchanged };
        }
        if let Some(name) = path.strip_prefix(ENVIRONMENT) {
            return Resolved::value(self.environment(name));
        }
        if path == TASK_ID {
            return self.task_id();
        }
        let reading = Path::parse(&path).and_then(|path| path::read(&path, self.lookup, &mut self.copier));
        reading.map_or_else(|_| Resolved::value(Value::Null), Resolved::Value)
    }

    fn task_id(&mut self) -> Resolved {
        let id = self.lookup.head(TASK_ID).and_then(|id| self.copier.copy(&id));
        id.map_or(Resolved::Unchanged, Resolved::value)
    }

    /// Reads `NAME` or `NAME.path` of the environment; the path goes into a text that is JSON.
    fn environment(&mut self, reference: &str) -> Value {
        let (name, path) = match reference.split_once('.') {
            Some((name, path)) => (name, Some(path)),
            None => (reference, None),
        };
        let Some(environment) = self.lookup.part("workflow", "env") else { return Value::Null };
        let value = match (environment.get(name), path) {
            (None, _) => Value::Null,
            (Some(value), None) => self.copier.copy(value).unwrap_or_default(),
            (Some(Value::String(text)), Some(path)) => stored::read_json_text(text, path),
            (Some(value), Some(path)) => stored::read_json_text(&value.to_string(), path),
        };
        stored::inert(value)
    }
}
