use maud::{Markup, html};
use serde::Deserialize;

use crate::ui::failure::sentence;

/// What a form did, as the page that it leads to is told. It is a word of ours, so that a link of another site puts no words
/// of its own into a page.
#[derive(Debug, Default, Deserialize)]
pub(in crate::ui) struct Done {
    #[serde(default)]
    done: String,
}

/// What a form did: the word in the address, and what people read.
const SENTENCES: [(&str, &str); 26] = [
    ("stored", "The value is stored."),
    ("removed", "The secret is gone, with all its versions."),
    ("rolled-back", "The old value is the current one again."),
    ("tagged", "The tag is set."),
    ("untagged", "The tag is gone."),
    ("started", "It has started."),
    ("retried", "The failed task is tried again."),
    ("restarted", "It has started again from the beginning."),
    ("rerun", "It runs again from that task."),
    ("paused", "It is paused."),
    ("resumed", "It goes on."),
    ("terminated", "It is terminated."),
    ("skipped", "The task will be skipped."),
    ("registered", "The definition is registered."),
    ("scheduled", "The schedule is saved."),
    ("unscheduled", "The schedule is gone."),
    ("app-made", "The application is there; it may do what is granted to it."),
    ("app-removed", "The application is gone, with its keys and what was granted to it here."),
    ("key-changed", "The key is as you wanted it."),
    ("key-removed", "The key is gone, and whoever signed in with it is signed out."),
    ("granted", "It is granted."),
    ("revoked", "It is granted no more."),
    ("group-made", "The group is there, with nobody in it."),
    ("group-changed", "The group has changed."),
    ("group-removed", "The group is gone, with what was granted to it here."),
    ("unchanged", "Nothing was changed."),
];

/// Returns what the form before did.
pub(in crate::ui) fn notice(done: &Done) -> Markup {
    let said = SENTENCES.iter().find(|(word, _)| *word == done.done).map(|(_, sentence)| sentence);
    html! { @if let Some(said) = said { p.message.good role="status" tabindex="-1" autofocus { (said) } } }
}

/// Returns what was wrong with a form. Like what a form did it has the focus, so that keys go on from there.
pub(in crate::ui) fn problem(message: &str) -> Markup {
    html! { p.message.bad #problem role="alert" tabindex="-1" autofocus { (sentence(message)) } }
}
