//! A file's values with the place of each: one tree and one set of caps for JSON with comments and for YAML.
//!
//! **Architecture Invariant:** parsing takes time and memory in proportion to the file, whatever the file is. What an
//! alias stands for is shared, and counted as if it were written out.

mod json;
mod scalar;
mod text;
mod yaml;

use std::sync::Arc;

use serde_json::{Number, Value};

use crate::words::{Diagnostic, Map, Source, Span};

pub use text::decode;

/// How large a file may be: the largest known workflow has 2,000 tasks in half of it.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// How deep values may nest: deeper than people write, shallow enough for every recursive walk.
pub const DEPTH_MAX: usize = 64;
/// How many values a file may hold, aliases written out.
pub const NODES_MAX: usize = 100_000;
/// How many aliases a file may use: each costs a lookup, none is worth more.
pub const ALIASES_MAX: usize = 10_000;
/// How many bytes of text a file may hold, aliases written out.
const TEXT_BYTES_MAX: usize = 4 << 20;

/// A value and its place in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it is. What stands behind an alias lies where it was written.
    pub span: Span,
    /// What it is.
    pub value: Tree,
}

/// A value whose parts know their places.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(Arc<str>),
    /// Values in order.
    List(Arc<[Node]>),
    /// Values by name, in order, each name once.
    Map(Arc<[Entry]>),
}

/// A name and its value in a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The name.
    pub key: Arc<str>,
    /// Where the name is.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// JSON with comments.
    Json,
    /// YAML 1.2.
    Yaml,
}

impl Syntax {
    /// Returns the syntax of a file by its name; where that says nothing, by how the text starts.
    pub fn of(source: &Source) -> Self {
        let extension = source.name.rsplit_once('.').map_or("", |(_, extension)| extension);
        if extension.eq_ignore_ascii_case("json") || extension.eq_ignore_ascii_case("jsonc") {
            return Self::Json;
        }
        if extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml") {
            return Self::Yaml;
        }
        let start = source.text.trim_start();
        if ["{", "[", "//", "/*"].iter().any(|mark| start.starts_with(mark)) { Self::Json } else { Self::Yaml }
    }
}

/// What a file holds, as far as it could be read.
#[derive(Debug)]
pub struct Parsed {
    /// The documents: one in JSON, any number in YAML.
    pub documents: Vec<Node>,
    /// What is wrong with the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses a text.
pub fn parse(source: &Source, syntax: Syntax) -> Parsed {
    match syntax {
        Syntax::Json => json::parse(source),
        Syntax::Yaml => yaml::parse(source),
    }
}

impl Node {
    /// Returns the value of a map's key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Returns a map's entry.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    /// Returns the entries of a map, and none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Tree::Map(entries) => entries,
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) | Tree::List(_) => &[],
        }
    }

    /// Returns the items of a list, and none of anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Tree::List(items) => items,
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) | Tree::Map(_) => &[],
        }
    }

    /// Returns the text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Tree::Text(text) => Some(text),
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::List(_) | Tree::Map(_) => None,
        }
    }

    /// Returns whether it is a map.
    pub fn is_map(&self) -> bool {
        matches!(self.value, Tree::Map(_))
    }

    /// Returns whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Tree::Null)
    }

    /// Returns the part that people look at: of a collection its first key or item, else the whole.
    pub fn head(&self) -> Span {
        match &self.value {
            Tree::Map(entries) => entries.first().map_or(self.span, |entry| entry.key_span),
            Tree::List(items) => items.first().map_or(self.span, Self::head),
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => self.span,
        }
    }

    /// Returns where bytes of this text are in the file; the whole text where escapes make that unknown.
    pub fn within(&self, source: &Source, range: std::ops::Range<usize>) -> Span {
        let Some(text) = self.text() else { return self.span };
        let written = source.text.get(self.span.start..self.span.end).unwrap_or_default();
        match written.find(text) {
            Some(at) if written.len() <= text.len() + 2 && range.end <= text.len() => {
                Span::new(self.span.start + at + range.start, self.span.start + at + range.end)
            }
            Some(_) | None => self.span,
        }
    }

    /// Returns the value that a path leads to, or the last one on the way that exists.
    pub fn find(&self, path: &serde_path_to_error::Path) -> &Self {
        use serde_path_to_error::Segment;
        let mut node = self;
        for segment in path {
            let next = match segment {
                Segment::Seq { index } => node.items().get(*index),
                Segment::Map { key } => node.get(key),
                Segment::Enum { .. } | Segment::Unknown => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// Returns the value without its places.
    pub fn to_json(&self) -> Value {
        match &self.value {
            Tree::Null => Value::Null,
            Tree::Bool(flag) => Value::Bool(*flag),
            Tree::Number(number) => Value::Number(number.clone()),
            Tree::Text(text) => Value::String(text.to_string()),
            Tree::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Tree::Map(_) => Value::Object(self.to_map()),
        }
    }

    /// Returns a map without its places; of anything else the empty map.
    pub fn to_map(&self) -> Map {
        self.entries().iter().map(|entry| (entry.key.to_string(), entry.value.to_json())).collect()
    }
}

#[cfg(test)]
mod tests;
