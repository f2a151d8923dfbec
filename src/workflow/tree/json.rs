//! JSON with comments, and nothing else that JSON does not have.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use jsonc_parser::ast::{Object, ObjectPropName, Value as Ast};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use serde_json::Number;

use super::{DEPTH_MAX, Entry, NODES_MAX, Node, Parsed, Tree};
use crate::words::{Diagnostic, Source, Span};
use crate::workflow::problem;

const STRICT: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// How many commas too many are read over: each costs a parse of the file.
const MENDED_MAX: usize = 20;

/// Parses a text of one JSON value.
pub(super) fn parse(source: &Source) -> Parsed {
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let mut text = Cow::Borrowed(&*source.text);
    let mut diagnostics = Vec::new();
    while let Err(error) = parse_to_ast(&text, &collect, &STRICT) {
        diagnostics.push(explain(source, &error));
        let comma = error.range();
        let is_mended = matches!(error.kind(), ParseErrorKind::TrailingCommasNotAllowed)
            && text.get(comma.start..comma.end) == Some(",")
            && diagnostics.len() < MENDED_MAX;
        if !is_mended {
            return Parsed { documents: Vec::new(), diagnostics };
        }
        // A comma too many hides nothing: without it the rest can be judged in the same go.
        text.to_mut().replace_range(comma.start..comma.end, " ");
    }
    let ast = parse_to_ast(&text, &collect, &STRICT).ok().and_then(|parsed| parsed.value);
    let mut reading = Reading { source, nodes: 0, diagnostics };
    let document = ast.and_then(|ast| match reading.node(&ast, 1) {
        Ok(node) => Some(node),
        Err(stop) => {
            reading.diagnostics.push(*stop);
            None
        }
    });
    Parsed { documents: document.into_iter().collect(), diagnostics: reading.diagnostics }
}

struct Reading<'a> {
    source: &'a Source,
    nodes: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Reading<'_> {
    fn node(&mut self, ast: &Ast<'_>, depth: usize) -> Result<Node, Box<Diagnostic>> {
        let span = span(ast.range());
        let height = usize::from(matches!(ast, Ast::Array(_) | Ast::Object(_)));
        self.count(span, depth - 1 + height)?;
        let value = match ast {
            Ast::NullKeyword(_) => Tree::Null,
            Ast::BooleanLit(literal) => Tree::Bool(literal.value),
            Ast::StringLit(literal) => Tree::Text(Arc::from(&*literal.value)),
            Ast::NumberLit(literal) => Tree::Number(self.number(literal.value, span)?),
            Ast::Array(array) => {
                let items: Result<Vec<_>, _> = array.elements.iter().map(|item| self.node(item, depth + 1)).collect();
                Tree::List(items?.into())
            }
            Ast::Object(object) => Tree::Map(self.entries(object, depth)?.into()),
        };
        Ok(Node { span, value })
    }

    fn count(&mut self, span: Span, depth: usize) -> Result<(), Box<Diagnostic>> {
        self.nodes += 1;
        if depth > DEPTH_MAX {
            return Err(Box::new(too_deep(self.source, span)));
        }
        if self.nodes > NODES_MAX {
            let message = format!("the file holds more than {NODES_MAX} values");
            return Err(Box::new(
                problem::error(self.source, Some(span), "E0102", message).help("split it into several files"),
            ));
        }
        Ok(())
    }

    fn entries(&mut self, object: &Object<'_>, depth: usize) -> Result<Vec<Entry>, Box<Diagnostic>> {
        let mut seen: HashMap<Arc<str>, Span> = HashMap::with_capacity(object.properties.len());
        let mut entries = Vec::with_capacity(object.properties.len());
        for property in &object.properties {
            let (name, range) = match &property.name {
                ObjectPropName::String(literal) => (&*literal.value, literal.range),
                ObjectPropName::Word(word) => (word.value, word.range),
            };
            let (key, key_span): (Arc<str>, _) = (name.into(), span(range));
            let value = self.node(&property.value, depth + 1)?;
            if let Some(first) = seen.get(&key) {
                self.diagnostics.push(duplicate_key(self.source, &key, key_span, *first));
            } else {
                seen.insert(Arc::clone(&key), key_span);
                entries.push(Entry { key, key_span, value });
            }
        }
        Ok(entries)
    }

    fn number(&mut self, literal: &str, span: Span) -> Result<Number, Box<Diagnostic>> {
        let number: Number = serde_json::from_str(literal).map_err(|_| {
            let message = format!("`{}` is not a number that JSON can hold", shorten(literal));
            Box::new(problem::error(self.source, Some(span), "E0104", message).help("quote it"))
        })?;
        let whole = literal.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
        if whole && number.is_f64() {
            let message = "this number is too large to keep all its digits".to_owned();
            self.diagnostics.push(
                problem::warning(self.source, Some(span), "W0101", message)
                    .label("only about 16 digits are kept")
                    .help("quote it to keep it as text")
                    .fix(span, format!("\"{literal}\"")),
            );
        }
        Ok(number)
    }
}

fn shorten(literal: &str) -> String {
    literal.chars().take(40).collect()
}

pub(super) fn too_deep(source: &Source, span: Span) -> Diagnostic {
    let message = format!("values nest deeper than {DEPTH_MAX} levels");
    problem::error(source, Some(span), "E0102", message).help("split the workflow with SUB_WORKFLOW tasks")
}

pub(super) fn duplicate_key(source: &Source, key: &str, span: Span, first: Span) -> Diagnostic {
    problem::error(source, Some(span), "E0105", format!("`{key}` stands twice in one map"))
        .label("second")
        .help("keep one of them")
        .related(first, "first here")
}

const fn span(range: Range) -> Span {
    Span::new(range.start, range.end)
}

fn explain(source: &Source, error: &ParseError) -> Diagnostic {
    let kind = error.kind();
    let place = span(error.range());
    if matches!(kind, ParseErrorKind::NestingDepthExceeded) {
        return too_deep(source, place);
    }
    if matches!(kind, ParseErrorKind::ExpectedComma)
        && let Some(number) = leading_zero(source, place.start)
    {
        let message = "a number in JSON does not start with 0".to_owned();
        return problem::error(source, Some(number), "E0104", message).help("drop the leading zeros, or quote it");
    }
    let text = kind.to_string();
    let mut letters = text.chars();
    let message = letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default();
    let diagnostic = problem::error(source, Some(place), "E0104", message);
    match kind {
        ParseErrorKind::TrailingCommasNotAllowed => diagnostic.help("remove the comma").fix(place, ""),
        ParseErrorKind::ExpectedComma => diagnostic.help("put a comma between the two"),
        ParseErrorKind::MultipleRootJsonValues => diagnostic.help("put several definitions into a list: [ {…}, {…} ]"),
        ParseErrorKind::SingleQuotedStringsNotAllowed => diagnostic.help("JSON quotes with \""),
        ParseErrorKind::ExpectedStringObjectProperty | ParseErrorKind::UnexpectedWord => {
            diagnostic.help("JSON quotes every name and text with \"")
        }
        ParseErrorKind::UnterminatedObject => diagnostic.help("close it with `}`"),
        ParseErrorKind::UnterminatedArray => diagnostic.help("close it with `]`"),
        ParseErrorKind::UnterminatedCommentBlock => diagnostic.help("close it with `*/`"),
        ParseErrorKind::UnexpectedToken | ParseErrorKind::UnexpectedTokenInObject if is_hash(source, place) => {
            diagnostic.help("comments in JSON files start with `//`; `#` is for YAML")
        }
        ParseErrorKind::UnexpectedToken => {
            diagnostic.help("a value is a text in \"quotes\", a number, true, false, null, a list or a map")
        }
        ParseErrorKind::ExpectedColonAfterObjectKey => diagnostic.help("write `\"name\": value`"),
        _ => diagnostic,
    }
}

fn is_hash(source: &Source, place: Span) -> bool {
    source.text.get(place.start..).is_some_and(|rest| rest.starts_with('#'))
}

/// Returns the digits around a place where a number that starts with 0 was cut in two.
fn leading_zero(source: &Source, at: usize) -> Option<Span> {
    let before = source.text.get(..at)?.strip_suffix('0')?;
    let digits = source.text.get(at..)?.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0 && !before.ends_with(|last: char| last.is_ascii_digit())).then(|| Span::new(before.len(), at + digits))
}
