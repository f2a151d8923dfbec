//! What the owner still has to do until a first secret is kept fresh by itself; nothing once it is.

use maud::{Markup, html};

use crate::daemon::Rotation;
use crate::ui::parts::badge::{Tone, badge};
use crate::ui::parts::icon::Icon;
use crate::ui::{Failure, House, Visitor};
use crate::words::Owner;

/// One thing to do, with the command and the button for it.
struct Step {
    what: &'static str,
    is_done: bool,
    command: &'static str,
    button: (&'static str, &'static str),
}

/// Returns what is missing, in the order in which it is done.
pub(super) async fn checklist(house: &House, visitor: &Visitor, rotations: &[Rotation]) -> Result<Markup, Failure> {
    if visitor.who != Owner::Local {
        return Ok(html! {});
    }
    let steps = [
        Step {
            what: "A key that opens the store",
            is_done: !house.handle.recipients().is_empty(),
            command: "keytide key show",
            button: ("See the problems", "/problems"),
        },
        Step {
            what: "A secret, as what an issuer asks for",
            is_done: rotations.iter().any(|rotation| rotation.current.is_some()),
            command: "keytide secret set NAME",
            button: ("Add a secret", "/add-secret"),
        },
        Step {
            what: "A workflow that fetches a new value and stores it",
            is_done: rotations.iter().any(|rotation| !rotation.writers.is_empty()),
            command: "keytide check",
            button: ("Define a workflow", "/edit-workflow"),
        },
        Step {
            what: "A schedule that starts it",
            is_done: house.handle.has_schedules(&visitor.who),
            command: "keytide schedule create -n NAME -c '0 0 3 * * *' -w WORKFLOW",
            button: ("Make a schedule", "/edit-schedule"),
        },
    ];
    let done = steps.iter().filter(|step| step.is_done).count();
    Ok(html! {
        @if done < steps.len() {
            section.checklist aria-labelledby="first-steps" {
                h2 #first-steps { "First steps" }
                p.hint { (done) " of " (steps.len()) " are done." }
                ol { @for step in &steps { (line(step)) } }
            }
        }
    })
}

fn line(step: &Step) -> Markup {
    let (label, target) = step.button;
    html! {
        li {
            @if step.is_done { (badge(Tone::Good, Icon::Check, "done")) } @else { (badge(Tone::Plain, Icon::Clock, "to do")) }
            span.what { (step.what) }
            @if !step.is_done {
                code { (step.command) }
                a.button href=(target) { (label) }
            }
        }
    }
}
