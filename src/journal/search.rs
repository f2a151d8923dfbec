//! Conductor's search texts: `workflowType = 'rotate' AND (status IN (FAILED, TIMED_OUT) OR endTime IS NULL)`.

mod tokens;

use tokens::{Piece, Token, Tokens};

use crate::journal::{Bound, Condition, Direction, Kind, Named, Operand};
use crate::words::Timestamp;

/// How many values a list holds at most: SQLite binds up to 32,766, and nobody types more than a few.
const VALUES_MAX: usize = 1_000;

/// How many conditions or sort fields a text holds at most.
const CONDITIONS_MAX: usize = 32;

/// How deep parentheses nest at most: nobody reads more, and each costs the stack a call.
const DEPTH_MAX: usize = 16;

/// A search text that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No such field.
    #[error("column {column}: there is no field \"{name}\" to search by; there are {known}")]
    UnknownField {
        /// Where it stands.
        column: usize,
        /// What was written.
        name: String,
        /// The fields that there are.
        known: String,
    },
    /// The text ends or goes on where it should not.
    #[error(
        "Incorrectly formatted query string, column {column}: expected {expected} at \"{found}\"; write field = value (or \
         !=, <, <=, >, >=), field IN (a, b), field BETWEEN a AND b, field STARTS_WITH value or field IS NULL, joined by AND, \
         OR, NOT and parentheses"
    )]
    Grammar {
        /// Where it stands.
        column: usize,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The direction of a sort is none.
    #[error(
        "sort, column {column}: expected ASC or DESC at \"{found}\"; write field:ASC or field:DESC, joined by commas"
    )]
    Direction {
        /// Where it stands.
        column: usize,
        /// What is there.
        found: String,
    },
    /// The value is not one of its field's.
    #[error("column {column}: \"{value}\" is no value of {field}: {expected}")]
    Value {
        /// Where it stands.
        column: usize,
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
pub fn conditions<F: Named>(query: &str, free_text: &str) -> Result<Vec<Condition<F>>, Malformed> {
    let mut conditions = match query.trim() {
        "" | "*" => Vec::new(),
        _ => Parser { tokens: Tokens::of(query), count: 0, depth: 0 }.whole()?,
    };
    match free_text.trim() {
        "" | "*" => {}
        text => conditions.push(Condition::Mentions(text.to_owned())),
    }
    Ok(conditions)
}

/// Reads Conductor's `sort`: `startTime:DESC`, several joined by a comma or a bar; without a direction, ascending.
pub fn sorting<F: Named>(sort: &str) -> Result<Vec<(F, Direction)>, Malformed> {
    let mut column = 1;
    let mut fields = Vec::new();
    for part in sort.split([',', '|']) {
        let indent = part.chars().take_while(|c| c.is_whitespace()).count();
        if !part.trim().is_empty() {
            fields.push(sort_field(part.trim(), column + indent)?);
        }
        column += part.chars().count() + 1;
    }
    match fields.len() {
        0 => Ok(vec![(F::NEWEST, Direction::Descending)]),
        1..=CONDITIONS_MAX => Ok(fields),
        _ => Err(Malformed::TooMany { max: CONDITIONS_MAX, what: "sort fields" }),
    }
}

fn sort_field<F: Named>(part: &str, column: usize) -> Result<(F, Direction), Malformed> {
    let (name, direction) = part.split_once(':').unwrap_or((part, "ASC"));
    let wanted = direction.trim();
    let direction = if wanted.eq_ignore_ascii_case("ASC") {
        Direction::Ascending
    } else if wanted.eq_ignore_ascii_case("DESC") {
        Direction::Descending
    } else {
        let column = column + name.chars().count() + 1;
        return Err(Malformed::Direction { column, found: wanted.to_owned() });
    };
    Ok((field(name.trim(), column)?, direction))
}

/// Reads a query; AND binds closer than OR.
struct Parser<'a> {
    tokens: Tokens<'a>,
    count: usize,
    depth: usize,
}

impl Parser<'_> {
    /// Reads the whole text, as conditions that all hold.
    fn whole<F: Named>(mut self) -> Result<Vec<Condition<F>>, Malformed> {
        let condition = self.any()?;
        let after = self.tokens.next()?;
        if after.piece != Piece::End {
            return Err(after.unexpected("AND or OR"));
        }
        Ok(match condition {
            Condition::All(conditions) => conditions,
            other => vec![other],
        })
    }

    fn any<F: Named>(&mut self) -> Result<Condition<F>, Malformed> {
        let first = self.all()?;
        let mut conditions = vec![first];
        while self.tokens.skip("OR")? {
            conditions.push(self.all()?);
        }
        Ok(one_or(conditions, Condition::Any))
    }

    fn all<F: Named>(&mut self) -> Result<Condition<F>, Malformed> {
        let mut conditions = Vec::new();
        loop {
            match self.term()? {
                Condition::All(inner) => conditions.extend(inner),
                other => conditions.push(other),
            }
            if !self.tokens.skip("AND")? {
                return Ok(one_or(conditions, Condition::All));
            }
        }
    }

    /// Reads a comparison, a group, or either of them with NOT before it.
    fn term<F: Named>(&mut self) -> Result<Condition<F>, Malformed> {
        if self.tokens.skip("NOT")? {
            return self.deeper(|parser| Ok(negated(parser.term()?)));
        }
        if !self.tokens.skip_mark("(")? {
            return self.comparison();
        }
        let condition = self.deeper(Self::any)?;
        let close = self.tokens.next()?;
        if close.piece == Piece::Mark(")") { Ok(condition) } else { Err(close.unexpected("AND, OR or )")) }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Malformed>) -> Result<T, Malformed> {
        if self.depth == DEPTH_MAX {
            return Err(Malformed::TooMany { max: DEPTH_MAX, what: "levels of parentheses and NOT" });
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn comparison<F: Named>(&mut self) -> Result<Condition<F>, Malformed> {
        self.count += 1;
        if self.count > CONDITIONS_MAX {
            return Err(Malformed::TooMany { max: CONDITIONS_MAX, what: "conditions" });
        }
        let name = self.tokens.next()?;
        let Piece::Word(word) = name.piece else { return Err(name.unexpected("a field")) };
        let field = field(word, name.column)?;
        let operator = self.tokens.next()?;
        match operator.piece {
            Piece::Mark("=") => self.equal(field),
            Piece::Mark("!=" | "<>") => Ok(negated(self.equal(field)?)),
            Piece::Mark("<") => self.bounded(field, Bound::Below),
            Piece::Mark("<=") => self.bounded(field, Bound::AtMost),
            Piece::Mark(">") => self.bounded(field, Bound::Above),
            Piece::Mark(">=") => self.bounded(field, Bound::AtLeast),
            _ if operator.is("NOT") => {
                let positive = self.tokens.next()?;
                if positive.is("IN") || positive.is("BETWEEN") || positive.is("STARTS_WITH") {
                    return Ok(negated(self.worded(field, positive)?));
                }
                Err(positive.unexpected("IN, BETWEEN or STARTS_WITH"))
            }
            _ => self.worded(field, operator),
        }
    }

    /// Reads a value; as on Conductor, a star at the end of a text stands for any end.
    fn equal<F: Named>(&mut self, field: F) -> Result<Condition<F>, Malformed> {
        let value = self.tokens.peek()?.value()?;
        if let (Kind::Text | Kind::Prose, Some(prefix)) = (field.kind(), value.strip_suffix('*')) {
            self.tokens.next()?;
            return Ok(Condition::Begins(field, prefix.to_owned()));
        }
        Ok(one_of(field, vec![self.operand(field)?]))
    }

    /// Reads what follows a field and an operator that is a word.
    fn worded<F: Named>(&mut self, field: F, operator: Token<'_>) -> Result<Condition<F>, Malformed> {
        if operator.is("IN") {
            return self.list(field);
        }
        if operator.is("BETWEEN") {
            let low = self.bounded(field, Bound::AtLeast)?;
            if !self.tokens.skip("AND")? {
                return Err(self.tokens.peek()?.unexpected("AND"));
            }
            return Ok(Condition::All(vec![low, self.bounded(field, Bound::AtMost)?]));
        }
        if operator.is("STARTS_WITH") {
            let value = self.tokens.next()?;
            let prefix = value.value()?;
            if matches!(field.kind(), Kind::Text | Kind::Prose) {
                return Ok(Condition::Begins(field, prefix.to_owned()));
            }
            let expected = "STARTS_WITH is for texts, this field takes =, <, > or IN".to_owned();
            let (column, value) = (value.column, prefix.to_owned());
            return Err(Malformed::Value { column, field: usual_name(field), value, expected });
        }
        if operator.is("IS") {
            let is_not = self.tokens.skip("NOT")?;
            if !self.tokens.skip("NULL")? {
                return Err(self.tokens.peek()?.unexpected("NULL or NOT NULL"));
            }
            return Ok(if is_not { negated(Condition::Missing(field)) } else { Condition::Missing(field) });
        }
        Err(operator.unexpected("=, !=, <, <=, >, >=, IN, BETWEEN, STARTS_WITH or IS"))
    }

    fn bounded<F: Named>(&mut self, field: F, bound: Bound) -> Result<Condition<F>, Malformed> {
        Ok(Condition::Bounded(field, bound, self.operand(field)?))
    }

    /// Reads `(a, b)`; an empty list is taken, and nothing is in it.
    fn list<F: Named>(&mut self, field: F) -> Result<Condition<F>, Malformed> {
        let open = self.tokens.next()?;
        if open.piece != Piece::Mark("(") {
            return Err(open.unexpected("("));
        }
        let mut operands = Vec::new();
        if self.tokens.skip_mark(")")? {
            return Ok(one_of(field, operands));
        }
        loop {
            operands.push(self.operand(field)?);
            if operands.len() > VALUES_MAX {
                return Err(Malformed::TooMany { max: VALUES_MAX, what: "values in a list" });
            }
            let after = self.tokens.next()?;
            match after.piece {
                Piece::Mark(")") => return Ok(one_of(field, operands)),
                Piece::Mark(",") => {}
                _ => return Err(after.unexpected(", or )")),
            }
        }
    }

    fn operand<F: Named>(&mut self, field: F) -> Result<Operand, Malformed> {
        let token = self.tokens.next()?;
        operand(field, token.value()?, token.column)
    }
}

fn one_of<F: Named>(field: F, operands: Vec<Operand>) -> Condition<F> {
    if field.kind() != Kind::Prose {
        return Condition::OneOf(field, operands);
    }
    let parts = operands.into_iter().filter_map(Operand::into_text);
    one_or(parts.map(|part| Condition::Contains(field, part)).collect(), Condition::Any)
}

fn one_or<F>(mut conditions: Vec<Condition<F>>, join: fn(Vec<Condition<F>>) -> Condition<F>) -> Condition<F> {
    match (conditions.len(), conditions.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            conditions.extend(last);
            join(conditions)
        }
    }
}

/// Returns the opposite. What is not one of a few words is one of the others, which an index finds.
fn negated<F: Named>(condition: Condition<F>) -> Condition<F> {
    match condition {
        Condition::Not(inner) => *inner,
        Condition::OneOf(field, operands) => match field.kind() {
            Kind::Word(words) => {
                let others = words.iter().map(|word| Operand::Text((*word).to_owned()));
                Condition::OneOf(field, others.filter(|word| !operands.contains(word)).collect())
            }
            Kind::Text | Kind::Prose | Kind::Number | Kind::Moment => {
                Condition::Not(Box::new(Condition::OneOf(field, operands)))
            }
        },
        other => Condition::Not(Box::new(other)),
    }
}

fn field<F: Named>(name: &str, column: usize) -> Result<F, Malformed> {
    let named = F::ALL.iter().find(|field| field.names().iter().any(|known| known.eq_ignore_ascii_case(name)));
    named.copied().ok_or_else(|| Malformed::UnknownField {
        column,
        name: name.to_owned(),
        known: F::ALL.iter().map(|field| usual_name(*field)).collect::<Vec<_>>().join(", "),
    })
}

fn usual_name<F: Named>(field: F) -> &'static str {
    field.names().first().copied().unwrap_or_default()
}

fn operand<F: Named>(field: F, value: &str, column: usize) -> Result<Operand, Malformed> {
    let wrong =
        |expected: String| Malformed::Value { column, field: usual_name(field), value: value.to_owned(), expected };
    match field.kind() {
        Kind::Text | Kind::Prose => Ok(Operand::Text(value.to_owned())),
        Kind::Number => value.parse().map(Operand::Number).map_err(|_| wrong("it should be a whole number".to_owned())),
        Kind::Moment => moment(value).map(Operand::Number).ok_or_else(|| {
            wrong("it should be milliseconds since 1970 or a time like 2026-11-20T12:00:00Z".to_owned())
        }),
        Kind::Word(words) => match words.iter().find(|word| word.eq_ignore_ascii_case(value)) {
            Some(word) => Ok(Operand::Text((*word).to_owned())),
            None => Err(wrong(format!("it should be one of {}", words.join(", ")))),
        },
    }
}

fn moment(value: &str) -> Option<i64> {
    value.parse().ok().or_else(|| Timestamp::parse(value).map(Timestamp::as_millis))
}
