use maud::{Markup, html};

/// Returns what stands where there is nothing yet: one sentence, the command for it and the button for it.
pub(in crate::ui) fn empty(sentence: &str, command: &str, button: (&str, &str)) -> Markup {
    let (label, target) = button;
    html! {
        div.empty {
            p { (sentence) }
            p { code { (command) } }
            p { a.button.primary href=(target) { (label) } }
        }
    }
}
