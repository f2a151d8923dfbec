//! Certain fixes, done: bytes are replaced where the problems are, and comments and layout stay.
//!
//! **Architecture Invariant:** what comes out parses to what went in but for the fixes, or the fix is not done.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use super::load::{Loaded, load};
use super::tree::{self, Node, Syntax, Tree};
use crate::words::{Certainty, Diagnostic, Fix, Severity, Source, Span};

/// Applies the certain fixes among the problems of a file; nothing where none can be done.
pub fn mend(file: &Loaded, problems: &[Diagnostic]) -> Option<Loaded> {
    let certain = problems.iter().filter_map(|problem| problem.fix.as_ref());
    let mut fixes: Vec<&Fix> = certain.filter(|fix| fix.certainty == Certainty::Certain).collect();
    fixes.sort_by_key(|fix| (fix.span.start, fix.span.end));
    // Of two that overlap the first is done; the other comes up again if it is still needed.
    let mut end = None;
    fixes.retain(|fix| {
        let is_free = end.is_none_or(|end| fix.span.start > end);
        if is_free {
            end = Some(fix.span.end);
        }
        is_free
    });
    let before = Read::of(&file.source);
    let together = applied(&file.source, &fixes).filter(|after| before.allows(after, &fixes));
    let mended = together.or_else(|| {
        // One of them does harm here: the others are done without it.
        let mut good: Vec<&Fix> = Vec::new();
        for fix in &fixes {
            good.push(fix);
            if !applied(&file.source, &good).is_some_and(|after| before.allows(&after, &good)) {
                good.pop();
            }
        }
        applied(&file.source, &good)
    })?;
    let after = load(&file.source.name, mended.text.as_bytes());
    (errors(&after) <= errors(file)).then_some(after)
}

fn errors(file: &Loaded) -> usize {
    file.diagnostics.iter().filter(|problem| problem.severity == Severity::Error).count()
}

/// Returns the text with the fixes done, which are in order and apart; none where that changes nothing.
fn applied(source: &Source, fixes: &[&Fix]) -> Option<Source> {
    let mut text = String::with_capacity(source.text.len() + 64);
    let mut at = 0;
    for fix in fixes {
        text.push_str(source.text.get(at..fix.span.start)?);
        text.push_str(&fix.replacement);
        at = fix.span.end;
    }
    text.push_str(source.text.get(at..)?);
    (*text != *source.text).then(|| Source { name: source.name.clone(), text: text.into() })
}

/// A text as its syntax has it.
struct Read {
    documents: Vec<Node>,
    wrong: usize,
}

impl Read {
    fn of(source: &Source) -> Self {
        let parsed = tree::parse(source, Syntax::of(source));
        let wrong = parsed.diagnostics.iter().filter(|problem| problem.severity == Severity::Error).count();
        Self { documents: parsed.documents, wrong }
    }

    /// Returns whether a text says what this one says but for the fixes.
    fn allows(&self, after: &Source, fixes: &[&Fix]) -> bool {
        let after = Self::of(after);
        if self.wrong > 0 {
            // What could not be read has no tree to compare; it must have become readable here.
            return after.wrong < self.wrong;
        }
        let touched: Vec<Span> = fixes.iter().map(|fix| fix.span).collect();
        after.wrong == 0
            && self.documents.len() == after.documents.len()
            && self.documents.iter().zip(&after.documents).all(|(before, after)| is_same(before, after, &touched))
    }
}

/// Returns whether two trees differ only where something was touched.
fn is_same(before: &Node, after: &Node, touched: &[Span]) -> bool {
    let is_touched = |span: Span| touched.iter().any(|fix| span.start <= fix.start && fix.end <= span.end);
    match (&before.value, &after.value) {
        (Tree::List(before), Tree::List(after)) => {
            before.len() == after.len() && pairs(before, after).all(|(before, after)| is_same(before, after, touched))
        }
        (Tree::Map(before), Tree::Map(after)) => {
            before.len() == after.len()
                && pairs(before, after).all(|(before, after)| {
                    let is_named = before.key == after.key || is_touched(before.key_span);
                    is_named && is_same(&before.value, &after.value, touched)
                })
        }
        (Tree::List(_) | Tree::Map(_), _) | (_, Tree::List(_) | Tree::Map(_)) => false,
        (before_value, after_value) => before_value == after_value || is_touched(before.span),
    }
}

fn pairs<'a, T>(before: &'a Arc<[T]>, after: &'a Arc<[T]>) -> impl Iterator<Item = (&'a T, &'a T)> {
    before.iter().zip(after.iter())
}

/// Returns the lines of a change as `diff -u` shows them, without the lines that must not be shown.
pub fn difference(before: &Source, after: &Source, hidden: &BTreeSet<usize>) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.text.lines().collect(), after.text.lines().collect());
    let name = super::report::visible(&before.name);
    let mut text = format!("--- {name}\n+++ {name}\n");
    let mut line = 0;
    while line < old.len().max(new.len()) {
        let end = if old.len() == new.len() {
            line + (line..old.len()).take_while(|at| old.get(*at) != new.get(*at)).count()
        } else {
            old.len().max(new.len())
        };
        if end == line {
            line += 1;
            continue;
        }
        let count = |all: &[&str]| all.len().min(end) - line.min(all.len());
        let header = (line + 1, count(&old), count(&new));
        let _ = writeln!(text, "@@ -{0},{1} +{0},{2} @@", header.0, header.1, header.2);
        for (mark, all) in [('-', &old), ('+', &new)] {
            for (at, shown) in all.iter().enumerate().take(end).skip(line) {
                let shown = if hidden.contains(&(at + 1)) {
                    "(a value in clear)".into()
                } else {
                    super::report::visible(shown)
                };
                let _ = writeln!(text, "{mark}{shown}");
            }
        }
        line = end;
    }
    text
}

#[cfg(test)]
mod tests;
