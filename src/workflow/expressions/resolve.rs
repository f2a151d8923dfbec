//! Resolves the references of templates.

use serde_json::{Map, Value};

use super::copy::Copier;
use super::java;
use super::limit::{Limit, LimitHit};
use super::lookup::Lookup;
use super::path::{self, Fault, Path, Reading};
use super::stored::{self, ENVIRONMENT, Pieces, SECRETS, SecretReference};
use super::text::{REFERENCE_DEPTH_MAX, ranges};

/// The one bare name that Conductor knows beside task references: the id of the task that is scheduled.
const TASK_ID: &str = "CPEWF_TASK_ID";
/// Bare names that Conductor knows from long ago and that have no value: such a reference stays as it is written.
const NEVER_SET: [&str; 2] = ["NETFLIX_ENV", "NETFLIX_STACK"];

/// Resolves the references in a template's values, never in its names, and returns it in stored form.
///
/// A text that is one reference becomes its value. What cannot be found or cannot be read is `null`, as in Conductor; what
/// breaks one of our limits is an error.
pub fn resolve(template: &Value, lookup: &impl Lookup) -> Result<Value, LimitHit> {
    Resolver { lookup, copier: Copier::default() }.value(template)
}

/// Resolves the references in one text, as [`resolve`] does.
pub fn resolve_text(text: &str, lookup: &impl Lookup) -> Result<Value, LimitHit> {
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
    fn value(&mut self, template: &Value) -> Result<Value, LimitHit> {
        match template {
            Value::String(text) => self.text(text),
            Value::Array(items) => self.nested(|resolver| {
                let items = items.iter().map(|item| resolver.value(item));
                items.collect::<Result<_, _>>().map(Value::Array)
            }),
            Value::Object(fields) => self.nested(|resolver| {
                let fields = fields.iter().map(|(name, field)| Ok((name.clone(), resolver.value(field)?)));
                fields.collect::<Result<Map<_, _>, _>>().map(Value::Object)
            }),
            scalar @ (Value::Null | Value::Bool(_) | Value::Number(_)) => Ok(scalar.clone()),
        }
    }

    fn nested(&mut self, build: impl FnOnce(&mut Self) -> Result<Value, LimitHit>) -> Result<Value, LimitHit> {
        self.copier.enter();
        self.copier.check_depth().map_err(|limit| LimitHit::new("the template", limit))?;
        let value = build(self)?;
        self.copier.leave();
        Ok(value)
    }

    fn text(&mut self, text: &str) -> Result<Value, LimitHit> {
        if !text.contains("${") {
            return Ok(Value::String(text.to_owned()));
        }
        if let [whole] = ranges(text).as_slice()
            && *whole == (0..text.len())
        {
            let resolved = self.reference(&text[2..text.len() - 1], 0).map_err(|limit| LimitHit::new(text, limit))?;
            return Ok(match resolved {
                Resolved::Value(reading) => reading.value,
                Resolved::Live(inner) => Value::String(format!("${{{inner}}}")),
                Resolved::Unchanged => Value::String(stored::inert_text(text).into_owned()),
            });
        }
        let mut pieces = Pieces::default();
        let mut at = 0;
        for range in ranges(text) {
            pieces.push_literal(&text[at..range.start]);
            at = range.end;
            let reference = &text[range];
            self.piece(&mut pieces, reference, 0).map_err(|limit| LimitHit::new(reference, limit))?;
        }
        pieces.push_literal(&text[at..]);
        pieces.unescape();
        Ok(Value::String(pieces.into_stored()))
    }

    /// Interpolates what is between the braces of a reference.
    fn pieces(&mut self, text: &str, depth: usize) -> Result<Pieces, Limit> {
        let mut pieces = Pieces::default();
        let mut at = 0;
        for range in ranges(text) {
            pieces.push_literal(&text[at..range.start]);
            at = range.end;
            self.piece(&mut pieces, &text[range], depth)?;
        }
        pieces.push_literal(&text[at..]);
        pieces.unescape();
        Ok(pieces)
    }

    /// Appends what one reference of a text gives to the text's pieces.
    fn piece(&mut self, pieces: &mut Pieces, reference: &str, depth: usize) -> Result<(), Limit> {
        match self.reference(&reference[2..reference.len() - 1], depth)? {
            Resolved::Live(inner) => pieces.push_live(&inner),
            Resolved::Unchanged => pieces.push_literal(reference),
            Resolved::Value(reading) => {
                let text = if reading.is_collected { java::json(&reading.value) } else { java::text(&reading.value) };
                self.copier.spend(text.len())?;
                pieces.push_stored(&text);
            }
        }
        Ok(())
    }

    fn reference(&mut self, inner: &str, depth: usize) -> Result<Resolved, Limit> {
        if depth >= REFERENCE_DEPTH_MAX {
            return Err(Limit::References);
        }
        let path = self.pieces(inner, depth + 1)?.into_shown();
        if path.trim().is_empty() {
            return Ok(Resolved::value(Value::String(String::new())));
        }
        if path.starts_with(SECRETS) {
            let is_reference = SecretReference::parse(&path).is_some();
            return Ok(if is_reference { Resolved::Live(path) } else { Resolved::Unchanged });
        }
        if let Some(name) = path.strip_prefix(ENVIRONMENT) {
            return self.environment(name).map(Resolved::value);
        }
        if path == TASK_ID {
            return self.task_id();
        }
        if NEVER_SET.contains(&path.as_str()) {
            return Ok(Resolved::Unchanged);
        }
        match Path::parse(&path).and_then(|path| path::read(&path, self.lookup, &mut self.copier)) {
            Ok(reading) => Ok(Resolved::Value(reading)),
            Err(Fault::Invalid | Fault::Failed) => Ok(Resolved::value(Value::Null)),
            Err(Fault::Limit(limit)) => Err(limit),
        }
    }

    fn task_id(&mut self) -> Result<Resolved, Limit> {
        match self.lookup.head(TASK_ID) {
            Some(id) => self.copier.copy(&id).map(Resolved::value),
            None => Ok(Resolved::Unchanged),
        }
    }

    /// Reads `NAME` or `NAME.path` of the environment; the path goes into a text that is JSON.
    fn environment(&mut self, reference: &str) -> Result<Value, Limit> {
        let (name, path) = match reference.split_once('.') {
            Some((name, path)) => (name, Some(path)),
            None => (reference, None),
        };
        let Some(environment) = self.lookup.part("workflow", "env") else { return Ok(Value::Null) };
        // What is read in it may be JSON.
        let environment = stored::shown(&environment);
        let value = match (environment.get(name), path) {
            (None, _) => Value::Null,
            (Some(value), None) => self.copier.copy(value)?,
            (Some(Value::String(text)), Some(path)) => stored::read_json_text(text, path)?,
            (Some(value), Some(path)) => stored::read_json_text(&value.to_string(), path)?,
        };
        Ok(stored::inert(value))
    }
}
