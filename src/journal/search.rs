//! Conductor's search texts: `workflowType = 'rotate' AND status IN (FAILED, TIMED_OUT) AND startTime > 1763640000000`.

use crate::journal::query::{Condition, Direction, Kind, Operand, Searchable};
use crate::words::Timestamp;

/// How many values a list holds at most: SQLite binds up to 32,766, and nobody types more than a few.
const VALUES_MAX: usize = 1_000;

/// How many conditions or sort fields a text holds at most.
const CONDITIONS_MAX: usize = 32;

/// A search text that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No such field.
    #[error("there is no field \"{name}\" to search by; there are {known}")]
    UnknownField {
        /// What was written.
        name: String,
        /// The fields that there are.
        known: String,
    },
    /// The text ends or goes on where it should not.
    #[error(
        "Incorrectly formatted query string: expected {expected} at \"{found}\"; write field = value, field IN (a, b), \
         field < value or field > value, joined by AND"
    )]
    Grammar {
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The value is not one of its field's.
    #[error("\"{value}\" is no value of {field}: {expected}")]
    Value {
        /// The field.
        field: &'static str,
        /// What was written.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// There is too much of it.
    #[error("a query holds at most {max} {what}")]
    TooMany {
        /// How many may be.
        max: usize,
        /// What of.
        what: &'static str,
    },
}

/// Reads Conductor's `query` and `freeText`; an empty text and `*` ask for nothing.
pub fn conditions<F: Searchable>(query: &str, free_text: &str) -> Result<Vec<Condition<F>>, Malformed> {
    let mut conditions = match query.trim() {
        "" | "*" => Vec::new(),
        text => read_query(text)?,
    };
    match free_text.trim() {
        "" | "*" => {}
        text => conditions.push(Condition::Mentions(text.to_owned())),
    }
    Ok(conditions)
}

/// Reads Conductor's `sort`: `startTime:DESC`, several joined by a comma or a bar; without a direction, ascending.
pub fn sorting<F: Searchable>(sort: &str) -> Result<Vec<(F, Direction)>, Malformed> {
    let parts: Vec<&str> = sort.split([',', '|']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() > CONDITIONS_MAX {
        return Err(Malformed::TooMany { max: CONDITIONS_MAX, what: "sort fields" });
    }
    if parts.is_empty() {
        return Ok(vec![(F::NEWEST, Direction::Descending)]);
    }
    parts.into_iter().map(sort_field).collect()
}

fn sort_field<F: Searchable>(part: &str) -> Result<(F, Direction), Malformed> {
    let (name, direction) = part.split_once(':').unwrap_or((part, "ASC"));
    let direction = if direction.trim().eq_ignore_ascii_case("ASC") {
        Direction::Ascending
    } else if direction.trim().eq_ignore_ascii_case("DESC") {
        Direction::Descending
    } else {
        return Err(Malformed::Grammar { expected: "ASC or DESC", found: direction.to_owned() });
    };
    Ok((field(name.trim())?, direction))
}

fn read_query<F: Searchable>(text: &str) -> Result<Vec<Condition<F>>, Malformed> {
    let mut tokens = Tokens { rest: text };
    let mut conditions = Vec::new();
    loop {
        conditions.push(condition(&mut tokens)?);
        if conditions.len() > CONDITIONS_MAX {
            return Err(Malformed::TooMany { max: CONDITIONS_MAX, what: "conditions" });
        }
        match tokens.next()? {
            None => return Ok(conditions),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("AND") => {}
            Some(other) => return Err(other.unexpected("AND")),
        }
    }
}

fn condition<F: Searchable>(tokens: &mut Tokens<'_>) -> Result<Condition<F>, Malformed> {
    let field = field(tokens.word("a field")?)?;
    match tokens.next()? {
        Some(Token::Mark('=')) => Ok(Condition::OneOf(field, vec![operand(field, tokens.value()?)?])),
        Some(Token::Mark('<')) => Ok(Condition::Below(field, operand(field, tokens.value()?)?)),
        Some(Token::Mark('>')) => Ok(Condition::Above(field, operand(field, tokens.value()?)?)),
        Some(Token::Word(word)) if word.eq_ignore_ascii_case("IN") => list(field, tokens),
        Some(other) => Err(other.unexpected("=, <, > or IN")),
        None => Err(Token::END.unexpected("=, <, > or IN")),
    }
}

/// Reads `(a, b)`; an empty list is taken, and nothing is in it.
fn list<F: Searchable>(field: F, tokens: &mut Tokens<'_>) -> Result<Condition<F>, Malformed> {
    tokens.mark('(', "(")?;
    let mut operands = Vec::new();
    if tokens.skip(')') {
        return Ok(Condition::OneOf(field, operands));
    }
    loop {
        operands.push(operand(field, tokens.value()?)?);
        if operands.len() > VALUES_MAX {
            return Err(Malformed::TooMany { max: VALUES_MAX, what: "values in a list" });
        }
        if tokens.skip(')') {
            return Ok(Condition::OneOf(field, operands));
        }
        tokens.mark(',', ", or )")?;
    }
}

fn field<F: Searchable>(name: &str) -> Result<F, Malformed> {
    let named = F::ALL.iter().find(|field| field.names().iter().any(|known| known.eq_ignore_ascii_case(name)));
    named.copied().ok_or_else(|| Malformed::UnknownField {
        name: name.to_owned(),
        known: F::ALL.iter().map(|field| usual_name(*field)).collect::<Vec<_>>().join(", "),
    })
}

fn usual_name<F: Searchable>(field: F) -> &'static str {
    field.names().first().copied().unwrap_or_default()
}

fn operand<F: Searchable>(field: F, value: &str) -> Result<Operand, Malformed> {
    let wrong = |expected: String| Malformed::Value { field: usual_name(field), value: value.to_owned(), expected };
    match field.kind() {
        Kind::Text => Ok(Operand::Text(value.to_owned())),
        Kind::Number => value.parse().map(Operand::Number).map_err(|_| wrong("it should be a whole number".to_owned())),
        Kind::Moment => moment(value).map(Operand::Number).ok_or_else(|| {
            wrong("it should be milliseconds since 1970 or a time like 2026-11-20T12:00:00Z".to_owned())
        }),
        Kind::Word(words) if words.contains(&value) => Ok(Operand::Text(value.to_owned())),
        Kind::Word(words) => Err(wrong(format!("it should be one of {}", words.join(", ")))),
    }
}

fn moment(value: &str) -> Option<i64> {
    value.parse().ok().or_else(|| Timestamp::parse(value).map(Timestamp::as_millis))
}

/// A piece of a query.
#[derive(Clone, Copy)]
enum Token<'a> {
    /// A name, or a value without quotes.
    Word(&'a str),
    /// A value in quotes.
    Quoted(&'a str),
    /// `=`, `<`, `>`, `(`, `)` or `,`.
    Mark(char),
}

impl Token<'_> {
    /// Stands for the end of the text in a message.
    const END: Token<'static> = Token::Word("the end");

    fn unexpected(self, expected: &'static str) -> Malformed {
        let found = match self {
            Self::Word(text) | Self::Quoted(text) => text.to_owned(),
            Self::Mark(mark) => mark.to_string(),
        };
        Malformed::Grammar { expected, found }
    }
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Result<Option<Token<'a>>, Malformed> {
        self.rest = self.rest.trim_start();
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        match first {
            '=' | '<' | '>' | '(' | ')' | ',' => {
                self.rest = &self.rest[1..];
                Ok(Some(Token::Mark(first)))
            }
            '\'' | '"' => self.quoted(first).map(Some),
            _ => {
                let ends = |c: char| c.is_whitespace() || "=<>(),'\"".contains(c);
                let (word, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
                self.rest = rest;
                Ok(Some(Token::Word(word)))
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Token<'a>, Malformed> {
        let inside = &self.rest[1..];
        let (value, rest) = inside
            .split_once(quote)
            .ok_or_else(|| Malformed::Grammar { expected: "a closing quote", found: inside.to_owned() })?;
        self.rest = rest;
        Ok(Token::Quoted(value))
    }

    fn word(&mut self, expected: &'static str) -> Result<&'a str, Malformed> {
        match self.next()? {
            Some(Token::Word(word)) => Ok(word),
            other => Err(other.unwrap_or(Token::END).unexpected(expected)),
        }
    }

    fn value(&mut self) -> Result<&'a str, Malformed> {
        match self.next()? {
            Some(Token::Word(value) | Token::Quoted(value)) => Ok(value),
            other => Err(other.unwrap_or(Token::END).unexpected("a value")),
        }
    }

    fn mark(&mut self, mark: char, expected: &'static str) -> Result<(), Malformed> {
        match self.next()? {
            Some(Token::Mark(found)) if found == mark => Ok(()),
            other => Err(other.unwrap_or(Token::END).unexpected(expected)),
        }
    }

    fn skip(&mut self, mark: char) -> bool {
        let rest = self.rest.trim_start();
        let skipped = rest.strip_prefix(mark);
        if let Some(rest) = skipped {
            self.rest = rest;
        }
        skipped.is_some()
    }
}
