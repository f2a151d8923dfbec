use std::fmt;

use super::copy::{EXPANSION_BYTES_MAX, NESTING_MAX};
use super::path::{FILTER_DEPTH_MAX, LITERAL_DEPTH_MAX, PATH_CHARACTERS_MAX, STEPS_MAX, VISITS_MAX};
use super::text::REFERENCE_DEPTH_MAX;

/// How much of a reference is shown where a limit names it.
const SHOWN_CHARACTERS_MAX: usize = 80;

/// A limit that an expression has here. Conductor has none of them, so hitting one is an error and never a silent `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The path is too long.
    Characters,
    /// The path has too many steps.
    Steps,
    /// Conditions and their parentheses nest too deep.
    Conditions,
    /// A literal in the path nests too deep.
    Literal,
    /// References nest too deep in references.
    References,
    /// The paths of one template touch too many values.
    Visits,
    /// What the expressions of one template make is too big.
    Bytes,
    /// What an expression makes nests too deep.
    Nesting,
    /// A pattern is too big once compiled.
    PatternSize,
    /// A pattern uses what Java can match and we cannot.
    PatternSyntax,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Characters => write!(f, "its path is over the limit of {PATH_CHARACTERS_MAX} characters"),
            Self::Steps => write!(f, "its path is over the limit of {STEPS_MAX} steps"),
            Self::Conditions => write!(f, "its conditions nest over the limit of {FILTER_DEPTH_MAX} levels"),
            Self::Literal => write!(f, "a literal in it nests over the limit of {LITERAL_DEPTH_MAX} levels"),
            Self::References => write!(f, "references in it nest over the limit of {REFERENCE_DEPTH_MAX} levels"),
            Self::Visits => write!(f, "it touches more values than the limit of {VISITS_MAX}"),
            Self::Bytes => write!(f, "what is made here is over the limit of {EXPANSION_BYTES_MAX} bytes"),
            Self::Nesting => write!(f, "what it gives nests over the limit of {NESTING_MAX} levels"),
            Self::PatternSize => f.write_str("its pattern is over the limit for patterns"),
            Self::PatternSyntax => f.write_str(
                "its pattern uses what is not supported here: look-around, back references, `\\p{…}`, `\\Q`, `&&`",
            ),
        }
    }
}

/// An expression that hit a limit, and gives nothing for that reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{reference}` cannot be evaluated: {limit}")]
pub struct LimitHit {
    /// The reference as the template has it, cut where it is long; never a value.
    pub reference: String,
    /// What was hit.
    pub limit: Limit,
}

impl LimitHit {
    pub(super) fn new(reference: &str, limit: Limit) -> Self {
        let mut shown: String = reference.chars().take(SHOWN_CHARACTERS_MAX).collect();
        if shown.len() < reference.len() {
            shown.push('…');
        }
        Self { reference: shown, limit }
    }
}
