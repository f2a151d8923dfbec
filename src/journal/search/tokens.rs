use crate::journal::Malformed;

/// A piece of a query, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// What it is.
    pub(super) piece: Piece<'a>,
    /// The column of its first character; the first of a text is 1.
    pub(super) column: usize,
}

/// What a piece of a query is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A name, an operator or a value without quotes.
    Word(&'a str),
    /// A value in quotes.
    Quoted(&'a str),
    /// One of [`MARKS`].
    Mark(&'static str),
    /// There is no more.
    End,
}

/// What stands for itself, the longer ones first.
const MARKS: [&str; 9] = ["!=", "<>", "<=", ">=", "=", "<", ">", "(", ")"];

/// Parts the values of a list.
const COMMA: &str = ",";

impl<'a> Token<'a> {
    /// Returns whether it is this word, written large or small.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self.piece, Piece::Word(found) if found.eq_ignore_ascii_case(word))
    }

    /// Returns the value that it is.
    pub(super) fn value(&self) -> Result<&'a str, Malformed> {
        match self.piece {
            Piece::Word(value) | Piece::Quoted(value) => Ok(value),
            Piece::Mark(_) | Piece::End => Err(self.unexpected("a value")),
        }
    }

    /// Returns the error of something else that should be here.
    pub(super) fn unexpected(&self, expected: &'static str) -> Malformed {
        let found = match self.piece {
            Piece::Word(text) | Piece::Quoted(text) | Piece::Mark(text) => text,
            Piece::End => "the end",
        };
        Malformed::Grammar { column: self.column, expected, found: found.to_owned() }
    }
}

/// The pieces of a query, one after the other.
pub(super) struct Tokens<'a> {
    rest: &'a str,
    column: usize,
}

impl<'a> Tokens<'a> {
    /// Returns the pieces of a text.
    pub(super) const fn of(text: &'a str) -> Self {
        Self { rest: text, column: 1 }
    }

    /// Takes the next piece; after the last there are only ends.
    pub(super) fn next(&mut self) -> Result<Token<'a>, Malformed> {
        let blank = self.rest.len() - self.rest.trim_start().len();
        self.take(blank);
        let column = self.column;
        let Some(first) = self.rest.chars().next() else { return Ok(Token { piece: Piece::End, column }) };
        let piece = if let Some(mark) = MARKS.into_iter().chain([COMMA]).find(|mark| self.rest.starts_with(mark)) {
            self.take(mark.len());
            Piece::Mark(mark)
        } else if matches!(first, '\'' | '"') {
            Piece::Quoted(self.quoted(first)?)
        } else {
            let ends = |c: char| c.is_whitespace() || "=<>(),'\"".contains(c);
            let end = self.rest.find(ends).unwrap_or(self.rest.len());
            // `a!=b` is a comparison; any other `!` is part of its word.
            let end = if self.rest[end..].starts_with('=') && self.rest[..end].ends_with('!') { end - 1 } else { end };
            Piece::Word(self.take(end))
        };
        Ok(Token { piece, column })
    }

    /// Returns the next piece and leaves it there.
    pub(super) fn peek(&self) -> Result<Token<'a>, Malformed> {
        Self { rest: self.rest, column: self.column }.next()
    }

    /// Takes the next piece where it is this word.
    pub(super) fn skip(&mut self, word: &str) -> Result<bool, Malformed> {
        self.skip_where(|token| token.is(word))
    }

    /// Takes the next piece where it is this mark.
    pub(super) fn skip_mark(&mut self, mark: &'static str) -> Result<bool, Malformed> {
        self.skip_where(|token| token.piece == Piece::Mark(mark))
    }

    fn skip_where(&mut self, wanted: impl Fn(&Token<'_>) -> bool) -> Result<bool, Malformed> {
        let found = wanted(&self.peek()?);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    fn quoted(&mut self, quote: char) -> Result<&'a str, Malformed> {
        let inside = &self.rest[1..];
        let (value, _) = inside.split_once(quote).ok_or_else(|| Malformed::Grammar {
            column: self.column,
            expected: "a closing quote",
            found: inside.to_owned(),
        })?;
        self.take(value.len() + 2);
        Ok(value)
    }

    /// Takes so many bytes, which end where a character does.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.column += taken.chars().count();
        self.rest = rest;
        taken
    }
}
