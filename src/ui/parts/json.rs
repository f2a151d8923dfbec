//! JSON as people read it.

use maud::{Markup, html};
use serde_json::Value;

/// How many bytes of one value a page shows: a browser lays out more only slowly, and nobody reads it there.
const BYTES_MAX: usize = 128 << 10;

/// Returns a value as text, or says that there is nothing.
pub(in crate::ui) fn json(label: &str, value: &Value) -> Markup {
    let is_empty = match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    if is_empty {
        return html! { p.none { "Nothing." } };
    }
    text(label, &format!("{value:#}"))
}

/// Returns a text as it is; what is too long for a page is cut, and it says so.
pub(in crate::ui) fn text(label: &str, text: &str) -> Markup {
    let mut end = text.len().min(BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    html! {
        pre.text tabindex="0" role="region" aria-label=(label) { (&text[..end]) }
        @if end < text.len() {
            p.hint { "Only the first " (BYTES_MAX >> 10) " KiB of " (text.len() >> 10) " are shown here." }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{BYTES_MAX, json, text};

    #[test]
    fn what_is_too_long_is_cut_between_letters_and_says_so() {
        let shown = text("x", &"ü".repeat(BYTES_MAX)).into_string();
        assert!(shown.contains("Only the first 128 KiB of 256"), "{}", &shown[shown.len() - 200..]);
        assert!(shown.len() < BYTES_MAX + 500);
    }

    #[test]
    fn what_a_value_says_is_text() {
        let shown = json("x", &json!({"a": "<script>\"&"})).into_string();
        assert!(shown.contains("&lt;script&gt;") && !shown.contains("<script>"), "{shown}");
        assert!(json("x", &json!({})).into_string().contains("Nothing."));
    }
}
