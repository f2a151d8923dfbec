//! The stored form: what events and rows hold.
//!
//! A secret is a live reference `${workflow.secrets.name}` in stored data until it is handed off. Text that merely looks like
//! one, because somebody sent it or because the definition escaped it, must never come alive. So the run of dollars in front
//! of `{workflow.secrets.` tells: a text that shows n of them is stored with 2n (inert); a live reference after p dollars of
//! text is stored with 2p + 1.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use super::copy::Copier;
use super::limit::Limit;
use super::lookup::DocumentLookup;
use super::path::{self, Fault, Path};
use super::{java, text};

/// What a live reference and its look-alikes contain.
const MARKER: &str = "${workflow.secrets.";
/// What a reference to a secret starts with, between the braces.
pub(super) const SECRETS: &str = "workflow.secrets.";
/// What a reference to the environment starts with, between the braces.
pub(super) const ENVIRONMENT: &str = "workflow.env.";

/// A reference to a secret: `${workflow.secrets.NAME[@VERSION][.PATH]}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretReference {
    /// The secret.
    pub name: String,
    /// Which of its values; the current one where absent.
    pub version: Option<SecretVersion>,
    /// What to take out of a value that is JSON.
    pub path: Option<String>,
}

/// Which value of a secret is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretVersion {
    /// `@current`
    Current,
    /// `@previous`
    Previous,
    /// `@7`
    Number(u64),
}

impl SecretReference {
    /// Reads what is between the braces, `workflow.secrets.` included. A name that no secret can have is not refused here:
    /// whoever looks it up finds nothing, and says so.
    pub fn parse(inner: &str) -> Option<Self> {
        let reference = inner.strip_prefix(SECRETS).filter(|rest| !rest.is_empty() && !rest.contains(['{', '}']))?;
        let (name, path) = match reference.split_once('.') {
            Some((name, path)) => (name, Some(path.to_owned())),
            None => (reference, None),
        };
        let versioned = name.split_once('@').and_then(|(name, version)| Some((name, SecretVersion::parse(version)?)));
        Some(match versioned {
            Some((name, version)) => Self { name: name.to_owned(), version: Some(version), path },
            None => Self { name: name.to_owned(), version: None, path },
        })
    }

    /// Says whether a secret can have this name: letters, digits, `_` and `-`.
    pub fn has_valid_name(&self) -> bool {
        !self.name.is_empty()
            && self.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    }

    /// Takes what the reference means out of a secret's value: the text, or what its path finds in it as JSON, or `null`.
    pub fn pick(&self, secret: &str) -> Result<Value, Limit> {
        let Some(path) = &self.path else { return Ok(Value::String(secret.to_owned())) };
        read_json_text(secret, path)
    }
}

impl SecretVersion {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "current" => Some(Self::Current),
            "previous" => Some(Self::Previous),
            number => number.parse().ok().map(Self::Number),
        }
    }
}

/// Reads a path in a text that is JSON; `null` where either cannot be read.
pub(super) fn read_json_text(text: &str, path: &str) -> Result<Value, Limit> {
    let found = path::lenient_json(text).and_then(|document| {
        let path = Path::parse(path)?;
        path::read(&path, &DocumentLookup(&document), &mut Copier::default())
    });
    match found {
        Ok(reading) => Ok(reading.value),
        Err(Fault::Invalid | Fault::Failed) => Ok(Value::Null),
        Err(Fault::Limit(limit)) => Err(limit),
    }
}

/// A text in pieces: what it says, and the live references in it.
#[derive(Default)]
pub(super) struct Pieces(Vec<Piece>);

enum Piece {
    Literal(String),
    /// What is between the braces.
    Live(String),
}

impl Pieces {
    pub(super) fn push_literal(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Piece::Literal(last)) => last.push_str(text),
            _ => self.0.push(Piece::Literal(text.to_owned())),
        }
    }

    pub(super) fn push_live(&mut self, inner: &str) {
        self.0.push(Piece::Live(inner.to_owned()));
    }

    /// Takes a text in stored form apart.
    pub(super) fn push_stored(&mut self, stored: &str) {
        let mut rest = stored;
        while let Some(at) = rest.find(MARKER) {
            let run_start = rest[..at].trim_end_matches('$').len();
            let dollars = at - run_start + 1;
            self.push_literal(&rest[..run_start]);
            rest = &rest[at + 1..];
            let live = if dollars % 2 == 1 { live_reference(rest) } else { None };
            match live {
                Some(inner) => {
                    self.push_literal(&"$".repeat(dollars / 2));
                    self.push_live(inner);
                    rest = &rest[inner.len() + 2..];
                }
                None => self.push_literal(&"$".repeat(dollars.div_ceil(2))),
            }
        }
        self.push_literal(rest);
    }

    /// Undoes `$${` in what the text says.
    pub(super) fn unescape(&mut self) {
        for piece in &mut self.0 {
            if let Piece::Literal(text) = piece
                && text.contains("$${")
            {
                *text = text.replace("$${", "${");
            }
        }
    }

    pub(super) fn into_stored(self) -> String {
        let mut out = String::new();
        let mut pieces = self.0.into_iter().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Literal(text) => {
                    out.push_str(&inert_text(&text));
                    if let Some(Piece::Live(_)) = pieces.peek() {
                        let trailing = text.len() - text.trim_end_matches('$').len();
                        out.push_str(&"$".repeat(trailing));
                    }
                }
                Piece::Live(inner) => out.extend(["${", &inner, "}"]),
            }
        }
        out
    }

    pub(super) fn into_shown(self) -> String {
        let mut out = String::new();
        for piece in self.0 {
            match piece {
                Piece::Literal(text) => out.push_str(&text),
                Piece::Live(inner) => out.extend(["${", &inner, "}"]),
            }
        }
        out
    }
}

/// Returns what is between the braces that `text` starts with, if a reference is.
fn live_reference(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('{')?;
    let inner = &inner[..inner.find('}')?];
    SecretReference::parse(inner).map(|_| inner)
}

/// Makes a text from outside inert: it never reads as a reference to a secret.
pub(super) fn inert_text(text: &str) -> Cow<'_, str> {
    if !text.contains(MARKER) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.find(MARKER) {
        let run_start = rest[..at].trim_end_matches('$').len();
        out.push_str(&rest[..=at]);
        out.push_str(&rest[run_start..=at]);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Makes data from outside inert: workflow inputs, task outputs, updates of variables. Names of fields stay as they are;
/// nothing resolves them.
pub fn inert(mut value: Value) -> Value {
    make_inert(&mut value);
    value
}

fn make_inert(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(escaped) = inert_text(text) {
                *text = escaped;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_inert),
        Value::Object(fields) => fields.values_mut().for_each(make_inert),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns stored data as people and clients see it: references as they are, inert text without its escape.
pub fn shown(value: &Value) -> Cow<'_, Value> {
    if !has_marker(value) {
        return Cow::Borrowed(value);
    }
    let as_shown = map_texts(value, &mut |text| {
        let mut pieces = Pieces::default();
        pieces.push_stored(text);
        Ok::<_, std::convert::Infallible>(Value::String(pieces.into_shown()))
    });
    match as_shown {
        Ok(value) => Cow::Owned(value),
        Err(never) => match never {},
    }
}

/// Returns stored data as a template that resolves to the same: data stays data, and a reference to a secret stays one.
pub fn template_of(value: &Value) -> Value {
    let template = map_texts(value, &mut |text| {
        let mut pieces = Pieces::default();
        pieces.push_stored(text);
        let escaped = pieces.0.into_iter().map(|piece| match piece {
            Piece::Literal(text) => text.replace("${", "$${"),
            Piece::Live(inner) => format!("${{{inner}}}"),
        });
        Ok::<_, std::convert::Infallible>(Value::String(escaped.collect()))
    });
    match template {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// Resolves the live references of stored data, at the last moment. `resolve` looks a secret up and [picks] what is meant.
///
/// A text that is one reference becomes the value; inside a text it becomes Java's text of it, and nothing for `null`.
/// Inert text loses its escape.
///
/// [picks]: SecretReference::pick
pub fn hand_off<'v, E>(
    value: &'v Value,
    resolve: &mut dyn FnMut(&SecretReference) -> Result<Value, E>,
) -> Result<Cow<'v, Value>, E> {
    if !has_marker(value) {
        return Ok(Cow::Borrowed(value));
    }
    map_texts(value, &mut |text| hand_off_text(text, resolve)).map(Cow::Owned)
}

fn hand_off_text<E>(text: &str, resolve: &mut dyn FnMut(&SecretReference) -> Result<Value, E>) -> Result<Value, E> {
    let mut pieces = Pieces::default();
    pieces.push_stored(text);
    pieces.0.retain(|piece| !matches!(piece, Piece::Literal(text) if text.is_empty()));
    if let [Piece::Live(inner)] = pieces.0.as_slice()
        && let Some(reference) = SecretReference::parse(inner)
    {
        return resolve(&reference);
    }
    let mut out = String::new();
    for piece in pieces.0 {
        match piece {
            Piece::Literal(text) => out.push_str(&text),
            Piece::Live(inner) => {
                if let Some(reference) = SecretReference::parse(&inner) {
                    let value = resolve(&reference)?;
                    out.push_str(&if value.is_null() { String::new() } else { java::raw_text(&value) });
                }
            }
        }
    }
    Ok(Value::String(out))
}

/// Lists the live references of stored data, each once, in order of appearance.
pub fn references(value: &Value) -> Vec<SecretReference> {
    let mut found = Vec::new();
    each_text(value, &mut |text| {
        let mut pieces = Pieces::default();
        pieces.push_stored(text);
        for piece in pieces.0 {
            if let Piece::Live(inner) = piece
                && let Some(reference) = SecretReference::parse(&inner)
                && !found.contains(&reference)
            {
                found.push(reference);
            }
        }
    });
    found
}

/// Lists the references to secrets that a definition names outright, each once. One whose name is itself an expression is
/// not among them.
pub fn references_in_template(template: &Value) -> Vec<SecretReference> {
    let mut found = Vec::new();
    each_text(template, &mut |template| {
        for reference in text::parse(template).iter().flat_map(text::Reference::with_nested) {
            if let Some(reference) = SecretReference::parse(&template[reference.path.clone()])
                && !found.contains(&reference)
            {
                found.push(reference);
            }
        }
    });
    found
}

/// Lists the names of the environment that a definition reads, each once, in order.
pub fn environment_in_template(template: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    each_text(template, &mut |template| {
        for reference in text::parse(template).iter().flat_map(text::Reference::with_nested) {
            let path = &template[reference.path.clone()];
            let below = path.strip_prefix(ENVIRONMENT).and_then(|below| below.split(['.', '[']).next());
            names.extend(below.filter(|name| !name.is_empty() && !name.contains('$')).map(str::to_owned));
        }
    });
    names
}

fn has_marker(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(MARKER),
        Value::Array(items) => items.iter().any(has_marker),
        Value::Object(fields) => fields.values().any(has_marker),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn each_text(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, visit)),
        Value::Object(fields) => fields.values().for_each(|field| each_text(field, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn map_texts<E>(value: &Value, change: &mut dyn FnMut(&str) -> Result<Value, E>) -> Result<Value, E> {
    Ok(match value {
        Value::String(text) => change(text)?,
        Value::Array(items) => items.iter().map(|item| map_texts(item, change)).collect::<Result<_, E>>()?,
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| Ok((name.clone(), map_texts(field, change)?)));
            Value::Object(fields.collect::<Result<_, E>>()?)
        }
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_)) => scalar.clone(),
    })
}
