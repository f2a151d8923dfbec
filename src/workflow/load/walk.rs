//! Types and fields, judged on the tree so that one wrong field hides no other.

use std::ops::RangeInclusive;

use crate::words::{Diagnostic, Source, nearest};
use crate::workflow::definition::lenient;
use crate::workflow::problem;
use crate::workflow::shape::{Kind, Shape};
use crate::workflow::tree::{Entry, Node, Tree};

/// How many problems of one file are told: who has more mends these first.
pub(super) const DIAGNOSTICS_MAX: usize = 200;

/// Reports every field of `node` that is of the wrong type, unknown or missing.
pub(super) fn walk(source: &Source, node: &Node, shape: &'static Shape, diagnostics: &mut Vec<Diagnostic>) {
    Walk { source, diagnostics }.map(node, shape, shape.what);
}

struct Walk<'a> {
    source: &'a Source,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Walk<'_> {
    fn map(&mut self, node: &Node, shape: &'static Shape, name: &str) {
        if !node.is_map() {
            return self.wrong(node, name, shape.what);
        }
        for entry in node.entries() {
            if self.diagnostics.len() > DIAGNOSTICS_MAX {
                return;
            }
            match shape.fields.iter().find(|(name, ..)| *name == &*entry.key) {
                Some((name, kind, _)) => self.value(&entry.value, kind, name),
                None => self.unknown(entry, shape),
            }
        }
        for required in shape.required {
            if node.get(required).is_none_or(is_empty) {
                self.missing(node, required, shape);
            }
        }
    }

    fn value(&mut self, node: &Node, kind: &'static Kind, name: &str) {
        if node.is_null() || self.diagnostics.len() > DIAGNOSTICS_MAX {
            return;
        }
        match kind {
            Kind::Any => {}
            Kind::Text | Kind::Known(_) => self.text(node, name),
            Kind::OneOf(words) => self.one_of(node, words, name),
            Kind::Integer => self.integer(node, name, i32::MIN.into()..=i32::MAX.into()),
            Kind::Long => self.integer(node, name, i64::MIN..=i64::MAX),
            Kind::Flag => self.flag(node, name),
            Kind::Map if node.is_map() => {}
            Kind::Map => self.wrong(node, name, "a map"),
            Kind::List(kind) => match &node.value {
                Tree::List(items) => items.iter().for_each(|item| self.item(item, kind, name)),
                _ => self.no_list(node, name),
            },
            Kind::Each(_) => match &node.value {
                Tree::List(items) => items.iter().for_each(|item| self.item(item, &Kind::Any, name)),
                _ => self.no_list(node, name),
            },
            Kind::MapOf(kind) => match &node.value {
                Tree::Map(entries) => entries.iter().for_each(|entry| self.value(&entry.value, kind, &entry.key)),
                _ => self.wrong(node, name, "a map"),
            },
            Kind::Of(shape) => self.map(node, shape, name),
        }
    }

    /// Reads an item of a list, where `null` is nothing that was left out.
    fn item(&mut self, node: &Node, kind: &'static Kind, name: &str) {
        if node.is_null() {
            let message = format!("`{}` holds an empty item", shorten(name));
            self.push(problem::error(self.source, Some(node.span), "E0201", message).help("remove it"));
            return;
        }
        if let (Kind::Of(shape), false) = (kind, node.is_map()) {
            let message = format!("an item of `{}` must be {}, not {}", shorten(name), shape.what, found(node));
            let diagnostic = problem::error(self.source, Some(node.head()), "E0201", message);
            let is_comment = node.text().is_some_and(|text| text.starts_with("//"));
            self.push(if is_comment {
                diagnostic.help("YAML comments start with `#`; `//` is for JSON files")
            } else {
                diagnostic.label(format!("expected {}", shape.what))
            });
            return;
        }
        self.value(node, kind, name);
    }

    fn text(&mut self, node: &Node, name: &str) {
        match &node.value {
            Tree::Text(_) => {}
            Tree::Number(_) | Tree::Bool(_) => {
                let written = self.source.text.get(node.span.start..node.span.end).unwrap_or_default();
                let diagnostic = wrong(self.source, node, name, "a text").fix(node.span, format!("\"{written}\""));
                self.push(diagnostic.help("put it in quotes"));
            }
            Tree::Null | Tree::List(_) | Tree::Map(_) => self.wrong(node, name, "a text"),
        }
    }

    fn one_of(&mut self, node: &Node, words: &'static [&'static str], name: &str) {
        let Some(text) = node.text() else { return self.text(node, name) };
        if words.contains(&text) {
            return;
        }
        let message = format!("`{}` is none of {}", shorten(text), listed(words));
        let diagnostic = problem::error(self.source, Some(node.span), "E0203", message);
        self.push(match nearest(text, words.iter().copied()) {
            Some(word) => diagnostic.help(format!("did you mean `{word}`?")).suggest(node.span, word),
            None => diagnostic.label(format!("`{}` takes one of these", shorten(name))),
        });
    }

    fn integer(&mut self, node: &Node, name: &str, range: RangeInclusive<i64>) {
        let number = match &node.value {
            Tree::Number(number) if number.as_f64().is_some_and(|number| number.fract() != 0.0) => {
                let message = format!("`{}` must be a whole number, not a fraction", shorten(name));
                self.push(problem::error(self.source, Some(node.span), "E0201", message));
                return;
            }
            Tree::Number(number) => lenient::whole(number),
            Tree::Text(text) if text.trim().is_empty() => return,
            Tree::Text(text) if is_digits(text.trim()) => text.trim().parse::<i64>().ok(),
            Tree::Text(_) | Tree::Null | Tree::Bool(_) | Tree::List(_) | Tree::Map(_) => {
                return self.wrong(node, name, "a whole number");
            }
        };
        if number.is_none_or(|number| !range.contains(&number)) {
            let message = format!("`{}` is out of range", shorten(name));
            let diagnostic = problem::error(self.source, Some(node.span), "E0201", message);
            self.push(diagnostic.help(format!("it takes {} to {}", range.start(), range.end())));
        }
    }

    fn flag(&mut self, node: &Node, name: &str) {
        let Tree::Text(text) = &node.value else {
            if !matches!(node.value, Tree::Bool(_)) {
                self.wrong(node, name, "true or false");
            }
            return;
        };
        let diagnostic = wrong(self.source, node, name, "true or false");
        self.push(match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => diagnostic.help("write `true`").fix(node.span, "true"),
            "false" | "no" | "off" | "n" => diagnostic.help("write `false`").fix(node.span, "false"),
            _ => diagnostic,
        });
    }

    fn no_list(&mut self, node: &Node, name: &str) {
        let diagnostic = wrong(self.source, node, name, "a list");
        self.push(match &node.value {
            Tree::Map(_) => diagnostic.help("in YAML each item starts with `- `, in JSON the list is in `[ ]`"),
            _ => diagnostic,
        });
    }

    fn wrong(&mut self, node: &Node, name: &str, expected: &str) {
        let diagnostic = wrong(self.source, node, name, expected);
        self.push(diagnostic);
    }

    fn missing(&mut self, node: &Node, field: &str, shape: &'static Shape) {
        let message = format!("{} needs `{field}`", shape.what);
        let diagnostic = problem::error(self.source, Some(node.head()), "E0202", message);
        self.push(match node.entry(field) {
            Some(entry) => Diagnostic { span: Some(entry.key_span), ..diagnostic }.label("it is empty"),
            None => diagnostic.label(format!("`{field}` is missing here")),
        });
    }

    fn unknown(&mut self, entry: &Entry, shape: &'static Shape) {
        // `x-…` is the usual home of what a file keeps for its own anchors.
        if entry.key.starts_with("x-") {
            return;
        }
        let message = format!("{} has no field `{}`", shape.what, shorten(&entry.key));
        let diagnostic = problem::warning(self.source, Some(entry.key_span), "W0201", message);
        let elsewhere = if shape.what == "a schedule beside its workflow" && &*entry.key == "startWorkflowRequest" {
            Some("it starts its workflow: put `input` and `version` into the schedule itself")
        } else {
            None
        };
        self.push(match (elsewhere, nearest(&entry.key, shape.fields.iter().map(|(name, ..)| *name))) {
            (Some(help), _) => diagnostic.help(help),
            (None, Some(name)) => diagnostic.label("nobody reads this").help(format!("did you mean `{name}`?")),
            (None, None) if shape.fields.iter().any(|(name, ..)| *name == "metadata") => {
                diagnostic.label("nobody reads this").help("remove it, or put it under `metadata`")
            }
            (None, None) => diagnostic.label("nobody reads this").help("remove it"),
        });
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

fn wrong(source: &Source, node: &Node, name: &str, expected: &str) -> Diagnostic {
    let message = format!("`{}` must be {expected}, not {}", shorten(name), found(node));
    problem::error(source, Some(node.head()), "E0201", message).label(format!("expected {expected}"))
}

/// Returns whether a text is a whole number, whatever its size.
fn is_digits(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Names a value's type for people.
pub(super) fn found(node: &Node) -> &'static str {
    match &node.value {
        Tree::Null => "nothing",
        Tree::Bool(_) => "true or false",
        Tree::Number(_) => "a number",
        Tree::Text(_) => "a text",
        Tree::List(_) => "a list",
        Tree::Map(_) => "a map",
    }
}

fn is_empty(node: &Node) -> bool {
    match &node.value {
        Tree::Null => true,
        Tree::Text(text) => text.trim().is_empty(),
        Tree::List(items) => items.is_empty(),
        Tree::Bool(_) | Tree::Number(_) | Tree::Map(_) => false,
    }
}

/// Shortens a name of a file so that a message stays a line.
pub(super) fn shorten(name: &str) -> String {
    match name.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
