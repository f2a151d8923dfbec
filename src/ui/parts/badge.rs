use maud::{Markup, html};

use crate::ui::parts::icon::{Icon, icon};

/// What a state means to whoever looks at many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ui) enum Tone {
    /// All is well.
    Good,
    /// Something goes on, or will soon.
    Busy,
    /// Somebody should look at it.
    Warn,
    /// Somebody must look at it.
    Bad,
    /// Nothing is said.
    Plain,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }
}

/// Returns a state: a picture, a word and a colour, each of which is enough.
pub(in crate::ui) fn badge(tone: Tone, picture: Icon, word: &str) -> Markup {
    html! { span.badge.(tone.class()) { (icon(picture)) (word) } }
}
