use maud::{DOCTYPE, Markup, html};

use crate::ui::form::TOKEN_FIELD;
use crate::ui::parts::icon;
use crate::ui::{Visitor, assets};
use crate::words::{Owner, Sensitive};

/// The pages that are in the navigation, in its order. A new one is one line here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ui) enum Place {
    Overview,
    Workflows,
    Schedules,
    Executions,
    Secrets,
    Problems,
    Audit,
    Access,
    Settings,
    /// The one that is beside the others.
    Search,
}

impl Place {
    const ALL: [Self; 9] = [
        Self::Overview,
        Self::Workflows,
        Self::Schedules,
        Self::Executions,
        Self::Secrets,
        Self::Problems,
        Self::Audit,
        Self::Access,
        Self::Settings,
    ];

    /// Returns the pages that somebody is led to: what each is called, and where it is.
    pub(in crate::ui) fn open_to(visitor: &Visitor) -> impl Iterator<Item = (&'static str, &'static str)> {
        Self::ALL.into_iter().filter(|place| place.is_for(visitor)).map(|place| (place.title(), place.path()))
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Workflows => "Workflows",
            Self::Schedules => "Schedules",
            Self::Executions => "Executions",
            Self::Secrets => "Secrets",
            Self::Problems => "Problems",
            Self::Audit => "Audit",
            Self::Access => "Access",
            Self::Settings => "Settings",
            Self::Search => "Search",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Workflows => "/workflows",
            Self::Schedules => "/schedules",
            Self::Executions => "/executions",
            Self::Secrets => "/secrets",
            Self::Problems => "/problems",
            Self::Audit => "/audit",
            Self::Access => "/access",
            Self::Settings => "/settings",
            Self::Search => "/search",
        }
    }

    /// Who would only read there that it is not theirs is not led there.
    fn is_for(self, visitor: &Visitor) -> bool {
        match self {
            Self::Overview | Self::Workflows | Self::Schedules | Self::Executions | Self::Secrets | Self::Search => {
                true
            }
            Self::Problems | Self::Audit | Self::Access | Self::Settings => visitor.who == Owner::Local,
        }
    }

    /// The letter that leads there after `g`.
    const fn key(self) -> &'static str {
        match self {
            Self::Overview => "o",
            Self::Workflows => "w",
            Self::Schedules => "c",
            Self::Executions => "e",
            Self::Secrets => "s",
            Self::Problems => "p",
            Self::Audit => "a",
            Self::Access => "r",
            Self::Settings => "t",
            Self::Search => "/",
        }
    }
}

/// Returns a page of the house: the title of the window, where it is in the navigation, and what it shows.
pub(in crate::ui) fn page(visitor: &Visitor, place: Place, title: &str, content: &Markup) -> Markup {
    framed(
        title,
        &html! {
            a.skip href="#content" { "Skip to the content" }
            header.top {
                a.brand href="/" { (brand()) }
                nav aria-label="Pages" {
                    @for other in Place::ALL.into_iter().filter(|place| place.is_for(visitor)) {
                        a href=(other.path()) data-key=(other.key()) aria-current=[(other == place).then_some("page")] {
                            (other.title())
                        }
                    }
                }
                div.who {
                    a.palette href=(Place::Search.path()) aria-current=[(place == Place::Search).then_some("page")] { "Search" }
                    span.name title="Whose rights this session has" { (visitor.who) }
                    @if visitor.session.is_some() {
                        form method="post" action="/sign-out" { (token(&visitor.form_token)) button.quiet { "Sign out" } }
                    }
                }
            }
            main #content tabindex="-1" { (content) }
            (icon::all())
        },
    )
}

/// Returns a page for who is not in the house yet, or lost.
pub(in crate::ui) fn bare(title: &str, content: &Markup) -> Markup {
    framed(
        title,
        &html! {
            main.bare #content {
                p.brand { (brand()) }
                (content)
            }
        },
    )
}

/// Returns the field that a form of ours carries.
pub(in crate::ui) fn token(token: &Sensitive) -> Markup {
    html! { input type="hidden" name=(TOKEN_FIELD) value=(token.expose()); }
}

fn brand() -> Markup {
    html! { img src=(assets::icon()) alt="" width="24" height="24"; span { "keytide" } }
}

fn framed(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) " · keytide" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href=(assets::icon()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::stylesheet());
                script src=(assets::script()) defer {}
            }
            body { (body) }
        }
    }
}
