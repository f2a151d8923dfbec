use super::{Fault, Found};

/// A position in a text, with the small looks ahead and back that the path language is defined by.
pub(super) struct Cursor {
    characters: Vec<char>,
    at: usize,
}

impl Cursor {
    pub(super) fn new(text: &str) -> Self {
        Self { characters: text.chars().collect(), at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn move_to(&mut self, position: usize) {
        self.at = position;
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.at += count;
    }

    pub(super) fn len(&self) -> usize {
        self.characters.len()
    }

    pub(super) fn in_bounds(&self) -> bool {
        self.at < self.characters.len()
    }

    /// Returns the character here; a text that ended is invalid.
    pub(super) fn current(&self) -> Found<char> {
        self.get(self.at).ok_or(Fault::Invalid)
    }

    pub(super) fn get(&self, position: usize) -> Option<char> {
        self.characters.get(position).copied()
    }

    /// Says whether nothing follows the character here.
    pub(super) fn is_tail(&self) -> bool {
        self.at + 1 >= self.characters.len()
    }

    pub(super) fn text(&self, from: usize, to: usize) -> String {
        self.characters.get(from..to.min(self.characters.len())).unwrap_or_default().iter().collect()
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.get(self.at) == Some(' ') {
            self.at += 1;
        }
    }

    /// Returns where the first character that is no blank stands after `position`.
    pub(super) fn next_significant(&self, position: usize) -> Option<usize> {
        (position + 1..self.characters.len()).find(|at| self.characters[*at] != ' ')
    }

    /// Returns where `wanted` stands, if it is the first character after `position` that is no blank.
    pub(super) fn next_is(&self, position: usize, wanted: char) -> Option<usize> {
        self.next_significant(position).filter(|at| self.characters[*at] == wanted)
    }

    pub(super) fn previous_significant(&self, position: usize) -> Option<usize> {
        (0..position).rev().find(|at| self.characters[*at] != ' ')
    }

    pub(super) fn find(&self, from: usize, wanted: char) -> Option<usize> {
        (from..self.characters.len()).find(|at| self.characters[*at] == wanted)
    }

    /// Returns where `wanted` stands without a backslash in front.
    pub(super) fn find_unescaped(&self, from: usize, wanted: char) -> Option<usize> {
        let before = |at: usize, back: usize| at.checked_sub(back).and_then(|position| self.get(position));
        (from..self.characters.len()).find(|at| {
            let escaped = before(*at, 1) == Some('\\') && before(*at, 2) != Some('\\');
            self.characters[*at] == wanted && !escaped
        })
    }

    /// Returns where the bracket that opens at `position` closes; brackets in quotes and, where wanted, in `/…/` do not
    /// count.
    pub(super) fn closing(&self, position: usize, open: char, close: char, skip_patterns: bool) -> Option<usize> {
        let mut depth = 1;
        let mut at = position + 1;
        while let Some(character) = self.get(at) {
            if matches!(character, '\'' | '"') || (skip_patterns && character == '/') {
                at = self.find_unescaped(at + 1, character)? + 1;
                continue;
            }
            if character == open {
                depth += 1;
            } else if character == close {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            at += 1;
        }
        None
    }
}
