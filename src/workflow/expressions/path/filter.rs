//! Conditions in `[?(…)]`: `||`, `&&`, `!`, parentheses and comparisons.

use regex_lite::Regex;

use super::cursor::Cursor;
use super::literal::unescape;
use super::{FILTER_DEPTH_MAX, Fault, Found, Path, pattern};
use crate::workflow::expressions::limit::Limit;

/// A condition on one item.
#[derive(Debug)]
pub(super) enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Not(Box<Condition>),
    /// Whether a path finds something, or (`!@.x`) does not.
    Exists {
        path: Path,
        wanted: bool,
    },
    Compare {
        left: Term,
        operator: Operator,
        right: Term,
    },
}

/// One side of a comparison.
#[derive(Debug)]
pub(super) enum Term {
    Path(Path),
    Text(String),
    Number(serde_json::Number),
    Bool(bool),
    Null,
    Json(String),
    Pattern(Regex),
}

/// How two terms are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Same,
    NotSame,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    In,
    NotIn,
    Contains,
    Size,
    Empty,
    SubsetOf,
    AnyOf,
    NoneOf,
    Exists,
    /// `all`, `type`, `matches`: known words that no text in a path can satisfy.
    Never,
}

impl Operator {
    fn from_text(text: &str) -> Found<Self> {
        Ok(match text.to_uppercase().as_str() {
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "===" => Self::Same,
            "!==" => Self::NotSame,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "=~" => Self::Matches,
            "IN" => Self::In,
            "NIN" => Self::NotIn,
            "CONTAINS" => Self::Contains,
            "SIZE" => Self::Size,
            "EMPTY" => Self::Empty,
            "SUBSETOF" => Self::SubsetOf,
            "ANYOF" => Self::AnyOf,
            "NONEOF" => Self::NoneOf,
            "EXISTS" => Self::Exists,
            "ALL" | "TYPE" | "MATCHES" => Self::Never,
            _ => return Err(Fault::Invalid),
        })
    }
}

impl Condition {
    /// Reads `(…)`.
    pub(super) fn parse(text: &str, depth: usize) -> Found<Self> {
        let mut parser = Parser { cursor: Cursor::new(text), depth };
        let condition = parser.any()?;
        parser.cursor.skip_blanks();
        if parser.cursor.in_bounds() { Err(Fault::Invalid) } else { Ok(condition) }
    }
}

struct Parser {
    cursor: Cursor,
    depth: usize,
}

impl Parser {
    fn any(&mut self) -> Found<Condition> {
        self.depth += 1;
        if self.depth > FILTER_DEPTH_MAX {
            return Err(Limit::Conditions.into());
        }
        let mut conditions = vec![self.all()?];
        while self.takes("||") {
            conditions.push(self.all()?);
        }
        self.depth -= 1;
        Ok(one_or(conditions, Condition::Any))
    }

    fn all(&mut self) -> Found<Condition> {
        let mut conditions = vec![self.operand()?];
        while self.takes("&&") {
            conditions.push(self.operand()?);
        }
        Ok(one_or(conditions, Condition::All))
    }

    fn takes(&mut self, operator: &str) -> bool {
        self.cursor.skip_blanks();
        let at = self.cursor.position();
        let found = self.cursor.text(at, at + operator.len()) == operator;
        self.cursor.advance(if found { operator.len() } else { 0 });
        found
    }

    fn operand(&mut self) -> Found<Condition> {
        self.cursor.skip_blanks();
        if self.cursor.current()? == '!' {
            let mark = self.cursor.position();
            let next = self.cursor.next_significant(mark).ok_or(Fault::Invalid)?;
            if !matches!(self.cursor.get(next), Some('$' | '@')) {
                self.cursor.advance(1);
                return self.negated();
            }
        }
        if self.takes("(") {
            let condition = self.any()?;
            return if self.takes(")") { Ok(condition) } else { Err(Fault::Invalid) };
        }
        self.comparison()
    }

    fn negated(&mut self) -> Found<Condition> {
        self.depth += 1;
        if self.depth > FILTER_DEPTH_MAX {
            return Err(Limit::Conditions.into());
        }
        let condition = self.operand()?;
        self.depth -= 1;
        Ok(Condition::Not(Box::new(condition)))
    }

    fn comparison(&mut self) -> Found<Condition> {
        self.cursor.skip_blanks();
        let wanted = self.cursor.current()? != '!';
        let left = self.term()?;
        let after_left = self.cursor.position();
        match self.operator_and_right() {
            Ok((operator, right)) => return Ok(Condition::Compare { left, operator, right }),
            Err(limit @ Fault::Limit(_)) => return Err(limit),
            Err(Fault::Invalid | Fault::Failed) => self.cursor.move_to(after_left),
        }
        match left {
            Term::Path(path) => Ok(Condition::Exists { path, wanted }),
            _ => Err(Fault::Invalid),
        }
    }

    fn operator_and_right(&mut self) -> Found<(Operator, Term)> {
        self.cursor.skip_blanks();
        let start = self.cursor.position();
        let is_sign = is_operator(self.cursor.current()?);
        while self.cursor.get(self.cursor.position()).is_some_and(|c| if is_sign { is_operator(c) } else { c != ' ' }) {
            self.cursor.advance(1);
        }
        let operator = Operator::from_text(&self.cursor.text(start, self.cursor.position()))?;
        Ok((operator, self.term()?))
    }

    fn term(&mut self) -> Found<Term> {
        self.cursor.skip_blanks();
        if self.cursor.current()? == '!' {
            self.cursor.advance(1);
            self.cursor.skip_blanks();
            return if matches!(self.cursor.current()?, '$' | '@') { self.path() } else { Err(Fault::Invalid) };
        }
        match self.cursor.current()? {
            '$' | '@' => self.path(),
            quote @ ('\'' | '"') => {
                let (start, end) = self.until_unescaped(quote)?;
                unescape(&self.cursor.text(start, end)).map(Term::Text)
            }
            't' => self.word("true", Term::Bool(true)),
            'f' => self.word("false", Term::Bool(false)),
            'n' => self.word("null", Term::Null),
            '{' => self.json('{', '}'),
            '[' => self.json('[', ']'),
            '/' => self.pattern(),
            _ => self.number(),
        }
    }

    fn until_unescaped(&mut self, mark: char) -> Found<(usize, usize)> {
        let start = self.cursor.position() + 1;
        let end = self.cursor.find_unescaped(start, mark).ok_or(Fault::Invalid)?;
        self.cursor.move_to(end + 1);
        Ok((start, end))
    }

    fn word(&mut self, word: &str, term: Term) -> Found<Term> {
        if self.takes(word) { Ok(term) } else { Err(Fault::Invalid) }
    }

    fn json(&mut self, open: char, close: char) -> Found<Term> {
        let start = self.cursor.position();
        let end = self.cursor.closing(start, open, close, false).ok_or(Fault::Invalid)?;
        self.cursor.move_to(end + 1);
        Ok(Term::Json(self.cursor.text(start, end + 1)))
    }

    fn number(&mut self) -> Found<Term> {
        let start = self.cursor.position();
        while self
            .cursor
            .get(self.cursor.position())
            .is_some_and(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | 'e' | 'E'))
        {
            self.cursor.advance(1);
        }
        super::operand::number(&self.cursor.text(start, self.cursor.position())).map(Term::Number).ok_or(Fault::Invalid)
    }

    fn pattern(&mut self) -> Found<Term> {
        let (start, end) = self.until_unescaped('/')?;
        let body = self.cursor.text(start, end);
        let flags_start = self.cursor.position();
        while self.cursor.get(self.cursor.position()).is_some_and(|c| "dixmsuU".contains(c)) {
            self.cursor.advance(1);
        }
        let flags = self.cursor.text(flags_start, self.cursor.position());
        pattern::compile(&body, &flags).map(Term::Pattern)
    }

    fn path(&mut self) -> Found<Term> {
        let start = self.cursor.position();
        self.cursor.advance(1);
        while self.cursor.in_bounds() {
            if self.cursor.current()? == '[' {
                let close = self.cursor.closing(self.cursor.position(), '[', ']', false).ok_or(Fault::Invalid)?;
                self.cursor.move_to(close + 1);
            }
            let character = self.cursor.current()?;
            let ends = character == ')' && !self.closes_a_call(start);
            if ends || character == ' ' || is_operator(character) {
                break;
            }
            self.cursor.advance(1);
        }
        let text = self.cursor.text(start, self.cursor.position());
        Path::parse_at(&text, self.depth).map(Term::Path)
    }

    /// Says whether the `)` here closes `.name(`.
    fn closes_a_call(&self, start: usize) -> bool {
        let open =
            self.cursor.previous_significant(self.cursor.position()).filter(|at| self.cursor.get(*at) == Some('('));
        open.is_some_and(|open| (start + 1..open).any(|at| self.cursor.get(at) == Some('.')))
    }
}

fn is_operator(character: char) -> bool {
    matches!(character, '<' | '>' | '=' | '~' | '!')
}

fn one_or(mut conditions: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    match conditions.pop() {
        Some(only) if conditions.is_empty() => only,
        Some(last) => {
            conditions.push(last);
            many(conditions)
        }
        None => many(conditions),
    }
}
