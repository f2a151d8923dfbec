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
            match shape.kind(&entry.key) {
                Some(kind) => self.value(&entry.value, kind, &entry.key),
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
            self.push(
                match kind {
                    Kind::Text => problem::warning(self.source, Some(node.span), "W0203", message),
                    _ => problem::error(self.source, Some(node.span), "E0201", message),
                }
                .help("remove it"),
            );
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
                let text = format!("\"{}\"", written(self.source, node));
                let diagnostic = odd(self.source, node, name, "a text", &text).fix(node.span, text);
                self.push(diagnostic.help("put it in quotes"));
            }
            Tree::Null | Tree::List(_) | Tree::Map(_) => self.wrong(node, name, "a text"),
        }
    }

    fn one_of(&mut self, node: &Node, words: &'static [&'static str], name: &str) {
        if node.text().is_some_and(|text| words.contains(&text)) {
            return;
        }
        if let Some(word) = place_of(node, words) {
            let diagnostic = odd(self.source, node, name, "a word", &format!("`{word}`"));
            return self.push(diagnostic.help(format!("write `{word}`")).fix(node.span, format!("\"{word}\"")));
        }
        let Some(text) = node.text() else { return self.wrong(node, name, "a text") };
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
                let whole = lenient::whole(number).filter(|whole| range.contains(whole));
                let message = format!("`{}` is a fraction, where a whole number is meant", shorten(name));
                self.push(match whole {
                    Some(whole) => problem::warning(self.source, Some(node.span), "W0203", message)
                        .label("what follows the point is not read")
                        .help(format!("write `{whole}`"))
                        .fix(node.span, whole.to_string()),
                    None => problem::error(self.source, Some(node.span), "E0201", message),
                });
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
        let expected = "true or false";
        if let Tree::Bool(_) = &node.value {
            return;
        }
        if let Some(flag) = lenient::as_flag(&node.to_json()) {
            let flag = flag.to_string();
            let diagnostic = odd(self.source, node, name, expected, &flag);
            return self.push(diagnostic.help(format!("write `{flag}`")).fix(node.span, flag));
        }
        let diagnostic = wrong(self.source, node, name, expected);
        self.push(match node.text().unwrap_or_default().to_ascii_lowercase().as_str() {
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

/// Says what a value of another type is read as.
fn odd(source: &Source, node: &Node, name: &str, expected: &str, read: &str) -> Diagnostic {
    let message = format!("`{}` is {}, where {expected} is meant", shorten(name), found(node));
    problem::warning(source, Some(node.span), "W0203", message).label(format!("it is read as {}", shorten(read)))
}

/// Returns a value as it stands in the file.
fn written<'a>(source: &'a Source, node: &Node) -> &'a str {
    source.text.get(node.span.start..node.span.end).unwrap_or_default()
}

/// Returns the word whose place in the list a value is. The words that are ours have no places.
fn place_of(node: &Node, words: &[&'static str]) -> Option<&'static str> {
    let is_ours = words.iter().any(|word| word.starts_with(|first: char| first.is_ascii_lowercase()));
    if is_ours { None } else { lenient::as_word(&node.to_json(), words) }
}

/// Returns a value with what is of another type as what it is read as, so that every reader sees the same.
pub(super) fn as_read(source: &Source, node: &Node, kind: &Kind) -> Node {
    let each = |items: &[Node], kind: &Kind| -> Vec<Node> {
        let given = items.iter().filter(|item| !(item.is_null() && matches!(kind, Kind::Text)));
        given.map(|item| as_read(source, item, kind)).collect()
    };
    let fields = |entries: &[Entry], kind: &dyn Fn(&str) -> Option<&'static Kind>| -> Vec<Entry> {
        let read = |entry: &Entry| match kind(&entry.key) {
            Some(kind) => Entry { value: as_read(source, &entry.value, kind), ..entry.clone() },
            None => entry.clone(),
        };
        entries.iter().map(read).collect()
    };
    let value = match (kind, &node.value) {
        (Kind::Text | Kind::Known(_), Tree::Number(_) | Tree::Bool(_)) => {
            Some(Tree::Text(written(source, node).into()))
        }
        (Kind::Flag, Tree::Number(_) | Tree::Text(_)) => lenient::as_flag(&node.to_json()).map(Tree::Bool),
        (Kind::Integer | Kind::Long, Tree::Number(number)) => {
            lenient::whole(number).map(|whole| Tree::Number(whole.into()))
        }
        (Kind::OneOf(words), _) => place_of(node, words).map(|word| Tree::Text(word.into())),
        (Kind::List(kind), Tree::List(items)) => Some(Tree::List(each(items, kind).into())),
        (Kind::MapOf(kind), Tree::Map(entries)) => Some(Tree::Map(fields(entries, &|_| Some(*kind)).into())),
        (Kind::Of(shape), Tree::Map(entries)) => Some(Tree::Map(fields(entries, &|name| shape.kind(name)).into())),
        _ => None,
    };
    value.map_or_else(|| node.clone(), |value| Node { span: node.span, value })
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
