use maud::{Markup, html};

/// A small picture beside a word, never in its place; the one for a button has the button's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ui) enum Icon {
    Check,
    Clock,
    Late,
    Cross,
    Question,
    Hourglass,
    Hand,
    Eye,
    Tag,
    Copy,
    Plus,
}

impl Icon {
    const ALL: [Self; 11] = [
        Self::Check,
        Self::Clock,
        Self::Late,
        Self::Cross,
        Self::Question,
        Self::Hourglass,
        Self::Hand,
        Self::Eye,
        Self::Tag,
        Self::Copy,
        Self::Plus,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Clock => "clock",
            Self::Late => "late",
            Self::Cross => "cross",
            Self::Question => "question",
            Self::Hourglass => "hourglass",
            Self::Hand => "hand",
            Self::Eye => "eye",
            Self::Tag => "tag",
            Self::Copy => "copy",
            Self::Plus => "plus",
        }
    }

    /// The lines of the picture, on a field of 16 by 16.
    const fn lines(self) -> &'static str {
        match self {
            Self::Check => "M3 8.5l3.5 3.5L13 4.5",
            Self::Clock => "M8 1.5a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM8 4.5V8l2.5 1.5",
            Self::Late => "M8 1.8L15 14H1zM8 6.3v3.4M8 11.8v.4",
            Self::Cross => "M4 4l8 8M12 4l-8 8",
            Self::Question => "M5.5 5.6C5.7 2.6 10.6 2.8 10.5 5.9 10.4 7.8 8 8 8 10M8 12.6v.5",
            Self::Hourglass => {
                "M4 1.5h8M4 14.5h8M4.5 1.5c0 4 3.5 4.5 3.5 6.5s-3.5 2.5-3.5 6.5M11.5 1.5c0 4-3.5 4.5-3.5 6.5s3.5 2.5 3.5 6.5"
            }
            Self::Hand => "M8 1.5a3 3 0 100 6 3 3 0 000-6zM2.5 14.5c0-7 11-7 11 0",
            Self::Eye => "M1 8c3.5-6 10.5-6 14 0-3.5 6-10.5 6-14 0zM8 6a2 2 0 100 4 2 2 0 000-4z",
            Self::Tag => "M1.5 1.5h6l7 7-6 6-7-7zM4.5 4.5h.1",
            Self::Copy => "M5.5 5.5h9v9h-9zM10.5 5.5v-4h-9v9h4",
            Self::Plus => "M8 3v10M3 8h10",
        }
    }
}

/// Returns a picture that says nothing by itself.
pub(in crate::ui) fn icon(icon: Icon) -> Markup {
    html! { svg.icon aria-hidden="true" { use href={ "#i-" (icon.name()) } {} } }
}

/// Returns the pictures that [`icon`] shows, once a page.
pub(in crate::ui) fn all() -> Markup {
    html! {
        svg.sprite aria-hidden="true" width="0" height="0" {
            @for icon in Icon::ALL {
                symbol id={ "i-" (icon.name()) } viewBox="0 0 16 16" { path d=(icon.lines()) {} }
            }
        }
    }
}
