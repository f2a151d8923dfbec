//! The patterns of conditions, `=~ /…/flags`: Java's, as far as a matcher that cannot hang goes.

use regex_lite::{Regex, RegexBuilder};

use super::{Fault, Found};
use crate::workflow::expressions::limit::Limit;

/// The largest compiled pattern, in bytes: several times what a long hand-written one needs, and few enough states that a
/// match costs little more a byte than [`super::operand::Operand::matching_cost`] says.
const PATTERN_BYTES_MAX: usize = 32 << 10;

/// Compiles a pattern that matches a text as a whole. One that Java cannot read is invalid.
pub(super) fn compile(body: &str, flags: &str) -> Found<Regex> {
    // Alone first, since `a)(b` only closes what is put around it.
    build(body, flags)?;
    let end = if flags.contains('x') { "\n" } else { "" };
    build(&format!("\\A(?:{body}{end})\\z"), flags)
}

fn build(pattern: &str, flags: &str) -> Found<Regex> {
    RegexBuilder::new(pattern)
        .case_insensitive(flags.contains('i'))
        .ignore_whitespace(flags.contains('x'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .crlf(!flags.contains('d'))
        .size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|error| why_not(&error))
}

/// Says why a pattern cannot be compiled; the crate tells the cases apart in its words alone.
fn why_not(error: &regex_lite::Error) -> Fault {
    let error = error.to_string();
    let says = |words: &[&str]| words.iter().any(|words| error.contains(words));
    if says(&["size limit", "too much nesting"]) {
        Limit::PatternSize.into()
    } else if says(&["not supported", "unrecognized escape"]) {
        Limit::PatternSyntax.into()
    } else {
        Fault::Invalid
    }
}
