//! Masking: finds known values in text, in every encoding that a service or a tool may give them, and puts `***` there.
//!
//! A value of 8 characters or more is found anywhere in a text, one of 4 to 7 only as a whole word or leaf, a shorter one
//! never: that is for [`mask_structure`], which masks by the name of the field.
//!
//! **Architecture Invariant:** pure. It changes payload text only; names, statuses and ids of our own never come here.
//! It can show no value: [`Masker`] has neither `Debug` nor `Serialize`.

mod forms;
mod structure;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde_json::Value;

use crate::words::{Map, Sensitive};
use forms::{Encoding, Form, Reach};
pub use structure::{is_masked_key, mask_structure};

/// What stands where a secret was.
pub const MASK: &str = "***";

/// How much of a form the automaton holds; the rest is compared where that much was found. It bounds the memory of long
/// values, and is short enough to lie within one line of wrapped base64.
const ANCHOR_BYTES_MAX: usize = 48;

/// How many bytes after anchors are compared for each byte of a text. A text full of anchors, of values that begin alike or
/// repeat themselves, would take longer the longer the values are; where it does, a find reaches as far as it could.
const COMPARED_PER_BYTE_MAX: usize = 64;

/// How many parts of one size a growing masker has before they become one.
const PARTS_MAX: usize = 8;

/// Finds and masks known values. Cloning is cheap.
#[derive(Clone, Default)]
pub struct Masker {
    sets: Vec<Arc<Patterns>>,
}

impl Masker {
    /// Returns the masker of these values.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a Sensitive>) -> Self {
        Self::default().with(values)
    }

    /// Returns a masker of these values too; what is known already is shared, not built again.
    pub fn with<'a>(&self, extra: impl IntoIterator<Item = &'a Sensitive>) -> Self {
        let mut sets = self.sets.clone();
        sets.extend(Patterns::of(extra).map(Arc::new));
        Self { sets }
    }

    /// Returns a masker of these values too, for a set of values that grows for long: small parts are put together, so that
    /// there are never many of them and each value is built in only a few times.
    pub fn grown<'a>(&self, extra: impl IntoIterator<Item = &'a Sensitive>) -> Self {
        let Self { mut sets } = self.with(extra);
        while let Some(last) = sets.last() {
            let small = sets.iter().rev().take_while(|set| set.magnitude() <= last.magnitude()).count();
            if small < PARTS_MAX {
                break;
            }
            let parts = sets.split_off(sets.len() - small);
            sets.extend(Patterns::joined(&parts).map(Arc::new));
        }
        Self { sets }
    }

    /// Returns how many values it knows; one that was added twice may count twice.
    pub fn value_count(&self) -> usize {
        self.sets.iter().map(|set| set.values.len()).sum()
    }

    /// Returns the text with every known value masked.
    pub fn mask_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut ranges = Vec::new();
        self.each_find(text, |find| cover(&mut ranges, find.range));
        replace(text, ranges)
    }

    /// Returns the value with every known value masked in its strings, numbers and keys.
    pub fn mask_value(&self, value: &Value) -> Value {
        match value {
            Value::Number(number) if self.is_secret_number(&number.to_string()) => MASK.into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
            Value::String(text) => self.mask_text(text).into_owned().into(),
            Value::Array(items) => items.iter().map(|item| self.mask_value(item)).collect(),
            Value::Object(fields) => Value::Object(self.mask_fields(fields)),
        }
    }

    /// Returns an input, an output or variables as people may see them: masked by structure, then by value.
    pub fn mask_payload(&self, value: &Value, masked_fields: &[String]) -> Value {
        self.mask_value(&mask_structure(value, masked_fields))
    }

    /// Returns the known values that appear anywhere in the value, each once.
    pub fn values_in(&self, value: &Value) -> Vec<Sensitive> {
        let mut found = BTreeMap::new();
        self.collect(value, &mut found);
        found.into_values().collect()
    }

    fn collect(&self, value: &Value, found: &mut BTreeMap<String, Sensitive>) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.collect_text(&number.to_string(), found),
            Value::String(text) => self.collect_text(text, found),
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, found)),
            Value::Object(fields) => {
                for (key, field) in fields {
                    self.collect_text(key, found);
                    self.collect(field, found);
                }
            }
        }
    }

    fn collect_text(&self, text: &str, found: &mut BTreeMap<String, Sensitive>) {
        self.each_find(text, |find| {
            if !found.contains_key(find.value.expose()) {
                found.insert(find.value.expose().to_owned(), find.value.clone());
            }
        });
    }

    fn mask_fields(&self, fields: &Map) -> Map {
        let mut masked = Map::new();
        for (key, field) in fields {
            masked.insert(self.free_key(key, &masked), self.mask_value(field));
        }
        masked
    }

    /// Masks a key, by long values only (a short one may well be the name of a field), and keeps it apart from the others.
    fn free_key(&self, key: &str, taken: &Map) -> String {
        let mut ranges = Vec::new();
        self.each_find(key, |find| {
            if find.reach == Reach::Anywhere {
                cover(&mut ranges, find.range);
            }
        });
        let masked = replace(key, ranges).into_owned();
        let mut free = masked.clone();
        let mut number = 2;
        while taken.contains_key(&free) {
            free = format!("{masked} ({number})");
            number += 1;
        }
        free
    }

    fn is_secret_number(&self, text: &str) -> bool {
        let whole = text.strip_suffix(".0").unwrap_or(text).len();
        let mut is_secret = false;
        self.each_find(text, |find| is_secret |= find.reach == Reach::Anywhere || find.range == (0..whole));
        is_secret
    }

    fn each_find<'s>(&'s self, text: &str, mut see: impl FnMut(Find<'s>)) {
        for set in &self.sets {
            set.find(text, &mut see);
        }
    }
}

/// A place where a value is.
struct Find<'s> {
    range: Range<usize>,
    reach: Reach,
    value: &'s Sensitive,
}

/// The forms of some values and the automaton that finds them.
struct Patterns {
    values: Vec<Sensitive>,
    forms: Vec<(Form, usize)>,
    automaton: AhoCorasick,
}

impl Patterns {
    /// Returns the patterns of the values, or nothing where none is long enough.
    fn of<'a>(values: impl IntoIterator<Item = &'a Sensitive>) -> Option<Self> {
        let values: Vec<Sensitive> = values.into_iter().cloned().collect();
        let forms = values.iter().enumerate();
        let forms =
            forms.flat_map(|(index, value)| forms::of(value.expose()).into_iter().map(move |form| (form, index)));
        let forms = forms.collect();
        Self::built(values, forms)
    }

    /// Returns the patterns of several parts as one. Their forms are known, and only looked for in another way.
    fn joined(parts: &[Arc<Self>]) -> Option<Self> {
        let (mut values, mut forms) = (Vec::new(), Vec::new());
        for part in parts {
            let first = values.len();
            forms.extend(part.forms.iter().map(|(form, index)| (form.clone(), first + index)));
            values.extend(part.values.iter().cloned());
        }
        Self::built(values, forms)
    }

    fn built(values: Vec<Sensitive>, mut forms: Vec<(Form, usize)>) -> Option<Self> {
        let mut known = HashSet::new();
        let is_new: Vec<bool> = forms.iter().map(|(form, _)| known.insert(form)).collect();
        let mut is_new = is_new.into_iter();
        forms.retain(|_| is_new.next().unwrap_or_default());
        if forms.is_empty() {
            return None;
        }
        // Standard semantics report overlapping finds: of two values that share some text both are covered whole.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(forms.iter().map(|(form, _)| anchor(&form.text)))
            .expect("anchors are bounded, so millions of values stay under the automaton's two billion states");
        Some(Self { values, forms, automaton })
    }

    /// Returns the size as a power of [`PARTS_MAX`].
    fn magnitude(&self) -> u32 {
        self.values.len().ilog(PARTS_MAX)
    }

    fn find<'s>(&'s self, text: &str, see: &mut impl FnMut(Find<'s>)) {
        // The plain search has a prefilter that skips clean text many times faster than the overlapping one can read it.
        if self.automaton.find(text).is_none() {
            return;
        }
        let mut left = text.len().saturating_mul(COMPARED_PER_BYTE_MAX);
        for found in self.automaton.find_overlapping_iter(text) {
            let (form, value) = &self.forms[found.pattern().as_usize()];
            if let Some(range) = extent(form, text, found.range(), &mut left) {
                see(Find { range, reach: form.reach, value: &self.values[*value] });
            }
        }
    }
}

fn anchor(text: &str) -> &[u8] {
    &text.as_bytes()[..text.len().min(ANCHOR_BYTES_MAX)]
}

/// Returns how far a form reaches that was found by its anchor, or nothing where it had to be a word and is not.
///
/// `left` is how many bytes may still be compared.
fn extent(form: &Form, text: &str, anchor: Range<usize>, left: &mut usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let (rest, after) = (&form.text.as_bytes()[anchor.len()..], &bytes[anchor.end..]);
    let end = anchor.end
        + if *left > 0 || rest.is_empty() {
            let same = common(rest, after, form.encoding);
            *left = left.saturating_sub(same);
            same
        } else {
            farthest(rest, after, form.encoding)
        };
    let range = text.floor_char_boundary(anchor.start)..text.ceil_char_boundary(end);
    match form.reach {
        Reach::Word => is_word(text, &range).then_some(range),
        Reach::Anywhere => Some(match form.encoding {
            Encoding::Base64 => with_edges(bytes, range),
            Encoding::Text => range,
        }),
    }
}

/// Returns how many bytes of `text` go on as `rest` does. Tools break base64 into lines: such breaks are passed over.
fn common(rest: &[u8], text: &[u8], encoding: Encoding) -> usize {
    let (mut at, mut end) = (0, 0);
    for expected in rest {
        while encoding == Encoding::Base64 && text.get(at).is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
            at += 1;
        }
        if text.get(at) != Some(expected) {
            break;
        }
        at += 1;
        end = at;
    }
    end
}

/// Returns how many bytes of `text` could go on as `rest` does, whatever they are.
fn farthest(rest: &[u8], text: &[u8], encoding: Encoding) -> usize {
    match encoding {
        Encoding::Text => rest.len().min(text.len()),
        // There is no end of line breaks.
        Encoding::Base64 => text.len(),
    }
}

fn is_word(text: &str, range: &Range<usize>) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    !text[..range.start].ends_with(inside) && !text[range.end..].starts_with(inside)
}

/// Widens a find in base64 by the characters at its ends that hold a few bits of the value.
fn with_edges(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let digit = |at: usize| bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || b"+/-_".contains(b));
    let start = if range.start > 0 && digit(range.start - 1) { range.start - 1 } else { range.start };
    let mut end = if digit(range.end) { range.end + 1 } else { range.end };
    while bytes.get(end) == Some(&b'=') {
        end += 1;
    }
    start..end
}

/// Adds a range to those that are to be masked; a text full of finds has few of them that do not overlap.
fn cover(ranges: &mut Vec<Range<usize>>, range: Range<usize>) {
    match ranges.last_mut() {
        Some(last) if last.start <= range.start && range.start <= last.end => last.end = last.end.max(range.end),
        _ => ranges.push(range),
    }
}

/// Puts the mask in the place of each range; ranges that touch become one.
fn replace(text: &str, mut ranges: Vec<Range<usize>>) -> Cow<'_, str> {
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    ranges.sort_unstable_by_key(|range| range.start);
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    let mut covered = false;
    for range in ranges {
        if !covered || range.start > done {
            masked.push_str(&text[done..range.start]);
            masked.push_str(MASK);
            covered = true;
        }
        done = done.max(range.end);
    }
    masked.push_str(&text[done..]);
    Cow::Owned(masked)
}
