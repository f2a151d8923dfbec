//! The `${…}` of a text as rules see them: also those that are written `$${…}`.

use std::ops::Range;

use crate::workflow::expressions::{self, Limit, parse};

/// The most references of one text that are judged.
const REFERENCES_MAX: usize = 200;

/// One `${…}` of a text.
#[derive(Debug, PartialEq)]
pub(super) struct Reference<'a> {
    /// Its bytes in the text, with `${` and `}`.
    pub(super) range: Range<usize>,
    /// What stands between the braces.
    pub(super) path: &'a str,
    /// The name that it starts with, where that is known before anything is resolved.
    pub(super) head: Option<&'a str>,
    /// Whether it is written `$${…}`, which the first evaluation leaves alone.
    pub(super) is_escaped: bool,
    /// Whether its path can be read.
    pub(super) is_readable: bool,
    /// The limit that its path hits, whatever the data.
    pub(super) limit: Option<Limit>,
    rest: &'a str,
}

impl<'a> Reference<'a> {
    fn of(text: &'a str, found: &expressions::Reference, offset: usize, is_escaped: bool) -> Self {
        let head = found.head(text);
        let rest = head.as_ref().and_then(|(_, head)| text.get(head.end..found.path.end)).unwrap_or_default();
        Self {
            range: found.range.start + offset..found.range.end + offset,
            path: &text[found.path.clone()],
            head: head.map(|(name, _)| name),
            is_escaped,
            is_readable: found.is_readable(text),
            limit: found.limit(text),
            rest,
        }
    }

    /// Returns the plain names after the head, up to the first that is no plain name.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        let is_plain = |name: &&str| !name.is_empty() && !name.contains(['[', '(', '$', '{', '*', ' ', '@']);
        self.rest.strip_prefix('.').unwrap_or_default().split('.').take_while(is_plain)
    }
}

/// Returns every reference of a text, with those inside others.
pub(super) fn references(text: &str) -> Vec<Reference<'_>> {
    let found = parse(text);
    let plain = found.iter().flat_map(expressions::Reference::with_nested);
    let mut all: Vec<_> =
        plain.take(REFERENCES_MAX).map(|reference| Reference::of(text, reference, 0, false)).collect();
    for (at, _) in text.match_indices("$${").take(REFERENCES_MAX) {
        // From the second dollar on it reads as a reference.
        let rest = &text[at + 1..];
        all.extend(parse(rest).first().map(|reference| Reference::of(rest, reference, at + 1, true)));
    }
    all
}
