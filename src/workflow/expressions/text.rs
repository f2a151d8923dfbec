//! Where the references stand in a text.

use std::ops::Range;

use super::limit::Limit;
use super::path::{Fault, Path};

/// How deep references may nest in references; a person writes two.
pub(super) const REFERENCE_DEPTH_MAX: usize = 16;

/// One reference `${…}` of a text, with what is nested in it. Ranges are bytes of the whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// From `$` to the closing brace.
    pub range: Range<usize>,
    /// What is between the braces.
    pub path: Range<usize>,
    /// The references inside, which are resolved first.
    pub nested: Vec<Reference>,
}

/// Finds the references of a text. `$${…}` is not one, and after one that is never closed there are no more.
pub fn parse(text: &str) -> Vec<Reference> {
    parse_within(text, 0, 0)
}

fn parse_within(text: &str, offset: usize, depth: usize) -> Vec<Reference> {
    let nested = |inner: &Range<usize>| {
        if depth < REFERENCE_DEPTH_MAX {
            parse_within(&text[inner.clone()], offset + inner.start, depth + 1)
        } else {
            Vec::new()
        }
    };
    ranges(text)
        .into_iter()
        .map(|range| {
            let inner = range.start + 2..range.end - 1;
            Reference {
                range: offset + range.start..offset + range.end,
                path: offset + inner.start..offset + inner.end,
                nested: nested(&inner),
            }
        })
        .collect()
}

/// Returns the ranges of the references that are not in another.
pub(super) fn ranges(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| rest.find("${")) {
        let start = at + next;
        if start > 0 && bytes[start - 1] == b'$' {
            at = start + 2;
            continue;
        }
        let Some(end) = closing_brace(bytes, start + 1) else { break };
        found.push(start..end + 1);
        at = end + 1;
    }
    found
}

/// Returns where the brace that opens at `open` closes; every brace counts, in quotes too.
fn closing_brace(bytes: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

impl Reference {
    /// Returns the name that the reference starts with, as `workflow` or a task's, and its range. There is none where it
    /// starts with something else than one name, or with a name that is itself an expression.
    pub fn head<'t>(&self, text: &'t str) -> Option<(&'t str, Range<usize>)> {
        let known_end = self.nested.first().map_or(self.path.end, |nested| nested.range.start);
        let is_whole = self.nested.is_empty();
        let known = text.get(self.path.start..known_end)?;
        let rest = match known.strip_prefix(['$', '@']) {
            Some(rooted) if rooted.is_empty() || rooted.starts_with(['.', '[']) => {
                rooted.strip_prefix('.').unwrap_or(rooted)
            }
            _ => known,
        };
        let lead = known.len() - rest.len();
        let (start, length) = if let Some(quoted) = rest.strip_prefix('[') {
            let quote = quoted.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
            let length = quoted[1..].find(quote)?;
            quoted[length + 2..].trim_start().starts_with(']').then_some((lead + 2, length))?
        } else {
            let end = rest.find(['.', '[', '(', '*']);
            let is_name = end.is_none_or(|end| matches!(rest.as_bytes()[end], b'.' | b'['));
            is_name.then_some((lead, if is_whole { end.unwrap_or(rest.len()) } else { end? }))?
        };
        let range = self.path.start + start..self.path.start + start + length;
        let name = text.get(range.clone())?;
        (!name.is_empty()).then_some((name, range))
    }

    /// Says whether the path can be read. Conductor refuses to register a task input with one that cannot; a path that other
    /// references are part of cannot be judged yet.
    pub fn is_readable(&self, text: &str) -> bool {
        let path = text.get(self.path.clone()).unwrap_or_default();
        !self.nested.is_empty() || Path::parse(path).is_ok()
    }

    /// Returns the limit that the path hits before it is even read, whatever the data.
    pub fn limit(&self, text: &str) -> Option<Limit> {
        let path = text.get(self.path.clone()).unwrap_or_default();
        match Path::parse(path) {
            Err(Fault::Limit(limit)) if self.nested.is_empty() => Some(limit),
            Ok(_) | Err(_) => None,
        }
    }

    /// Lists this reference and all nested in it, outer first.
    pub fn with_nested(&self) -> Vec<&Self> {
        let mut all = vec![self];
        all.extend(self.nested.iter().flat_map(Self::with_nested));
        all
    }
}
