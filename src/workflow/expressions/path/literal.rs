//! The small literals of paths: escapes in quoted names, and JSON as leniently as Conductor's reader takes it.

use std::str::Chars;

use serde_json::{Map, Number, Value};

use super::{Fault, Found};
use crate::workflow::expressions::limit::Limit;

/// How deep a literal may nest; nobody writes deeper, and reading recurses once a level.
pub(in super::super) const LITERAL_DEPTH_MAX: usize = 32;

/// Undoes the escapes of a quoted name or text.
pub(super) fn unescape(text: &str) -> Found<String> {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            result.push(character);
            continue;
        }
        match characters.next() {
            Some('u') => result.push(unicode(&mut characters)?),
            Some('n') => result.push('\n'),
            Some('t') => result.push('\t'),
            Some('r') => result.push('\r'),
            Some('b') => result.push('\u{8}'),
            Some('f') => result.push('\u{c}'),
            Some(other) => result.push(other),
            None => result.push('\\'),
        }
    }
    Ok(result)
}

/// Reads the four digits of `\u1234`, and the other half where they are the first half of a pair.
fn unicode(characters: &mut Chars<'_>) -> Found<char> {
    let first = unit(characters)?;
    let mut ahead = characters.clone();
    if (0xD800..0xDC00).contains(&first)
        && (ahead.next(), ahead.next()) == (Some('\\'), Some('u'))
        && let Ok(second) = unit(&mut ahead)
        && let Some(Ok(pair)) = char::decode_utf16([first, second]).next()
    {
        *characters = ahead;
        return Ok(pair);
    }
    Ok(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn unit(characters: &mut Chars<'_>) -> Found<u16> {
    let digits: String = characters.by_ref().take(4).collect();
    u16::from_str_radix(&digits, 16).map_err(|_| Fault::Invalid)
}

/// Reads JSON that may use `'` for `"` and leave quotes out.
pub(in super::super) fn lenient_json(text: &str) -> Found<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    let mut reader = Reader { characters: text.chars().collect(), at: 0 };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.at == reader.characters.len() { Ok(value) } else { Err(Fault::Failed) }
}

struct Reader {
    characters: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip_space();
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Found<Value> {
        if depth > LITERAL_DEPTH_MAX {
            return Err(Limit::Literal.into());
        }
        if self.take('[') {
            self.array(depth)
        } else if self.take('{') {
            self.object(depth)
        } else {
            self.scalar(if depth == 0 { &[] } else { &[',', ']', '}'] })
        }
    }

    fn array(&mut self, depth: usize) -> Found<Value> {
        let mut items = Vec::new();
        while !self.take(']') {
            items.push(self.value(depth + 1)?);
            if !self.take(',') && self.peek() != Some(']') {
                return Err(Fault::Failed);
            }
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self, depth: usize) -> Found<Value> {
        let mut fields = Map::new();
        while !self.take('}') {
            let Value::String(name) = self.text_or_word(&[':'])? else { return Err(Fault::Failed) };
            if !self.take(':') {
                return Err(Fault::Failed);
            }
            fields.insert(name, self.value(depth + 1)?);
            if !self.take(',') && self.peek() != Some('}') {
                return Err(Fault::Failed);
            }
        }
        Ok(Value::Object(fields))
    }

    fn scalar(&mut self, ends: &[char]) -> Found<Value> {
        let is_quoted = matches!(self.peek(), Some('"' | '\''));
        let value = self.text_or_word(ends)?;
        match value {
            Value::String(word) if !is_quoted => Ok(bare(word)),
            value => Ok(value),
        }
    }

    fn text_or_word(&mut self, ends: &[char]) -> Found<Value> {
        self.skip_space();
        match self.peek() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            Some(_) => Ok(Value::String(self.word(ends))),
            None => Err(Fault::Failed),
        }
    }

    fn quoted(&mut self, quote: char) -> Found<Value> {
        let start = self.at + 1;
        let mut end = start;
        while *self.characters.get(end).ok_or(Fault::Failed)? != quote {
            end += if self.characters[end] == '\\' { 2 } else { 1 };
        }
        self.at = end + 1;
        let text: String = self.characters[start..end].iter().collect();
        unescape(&text).map(Value::String)
    }

    fn word(&mut self, ends: &[char]) -> String {
        let start = self.at;
        while self.peek().is_some_and(|character| !ends.contains(&character)) {
            self.at += 1;
        }
        let word: String = self.characters[start..self.at].iter().collect();
        word.trim().to_owned()
    }
}

fn bare(word: String) -> Value {
    match word.as_str() {
        "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        number => match number.parse::<Number>() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::String(word),
        },
    }
}
