use maud::{Markup, html};

use crate::ui::parts::path::encoded;

/// Returns the path of a secret's page.
pub(in crate::ui) fn secret_path(name: &str) -> String {
    format!("/secrets/{}", encoded(name))
}

/// Returns a link to a secret.
pub(in crate::ui) fn secret(name: &str) -> Markup {
    html! { a href=(secret_path(name)) { (name) } }
}
