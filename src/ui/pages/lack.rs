//! What is to be done about a secret that a run has failed for lack of.

use maud::{Markup, html};

use crate::access::TargetKind;
use crate::executor::missing_secret;
use crate::ui::{House, Visitor};
use crate::words::{Owner, Permission, percent_encoded};

/// What somebody can do about a secret that is not available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// Nothing: it is not theirs.
    Nothing,
    /// It is not there, and they may add it.
    Add,
    /// It is there, and they may grant it.
    Grant,
}

/// Says what is to be done, and nothing about secrets that somebody may not read or make.
pub(super) fn lack(house: &House, visitor: &Visitor, reason: &str) -> Lack {
    let Some(secret) = missing_secret(reason) else { return Lack::Nothing };
    let may_add = house.handle.rights(&visitor.who, TargetKind::Secret, secret).contains(&Permission::Create);
    match (house.handle.has_secret(&visitor.who, secret), &visitor.who) {
        (Some(false), _) if may_add => Lack::Add,
        (Some(true), Owner::Local) => Lack::Grant,
        _ => Lack::Nothing,
    }
}

/// Returns what is to be done, with the button for it.
pub(super) fn remedy(secret: &str, lack: Lack) -> Markup {
    html! {
        @match lack {
            Lack::Nothing => "",
            Lack::Add => p {
                a.button href={ "/add-secret?name=" (percent_encoded(secret)) } { "Add " (secret) }
                " or " code { "keytide secret set " (secret) } ", then retry."
            },
            Lack::Grant => p { "There is a secret " code { (secret) } ": retry; where that fails again, " a href="/access" { "grant it" } " to the workflow." },
        }
    }
}
