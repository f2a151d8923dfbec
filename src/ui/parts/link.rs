use maud::{Markup, html};

use crate::words::percent_encoded;

/// How much of an id people read: the millisecond of its beginning, which tells apart what a page shows.
const SHORT_ID: usize = 13;

/// Returns the path of a secret's page.
pub(in crate::ui) fn secret_path(name: &str) -> String {
    format!("/secrets/{}", percent_encoded(name))
}

/// Returns a link to a secret.
pub(in crate::ui) fn secret(name: &str) -> Markup {
    html! { a href=(secret_path(name)) { (name) } }
}

/// Returns the path of an execution's page.
pub(in crate::ui) fn execution_path(id: &str) -> String {
    format!("/executions/{}", percent_encoded(id))
}

/// Returns a link to an execution by the beginning of its id.
pub(in crate::ui) fn execution(id: &str) -> Markup {
    let short: String = id.chars().take(SHORT_ID).collect();
    html! { a.mono href=(execution_path(id)) title=(id) { (short) } }
}

/// Returns the path of a schedule's page.
pub(in crate::ui) fn schedule_path(name: &str) -> String {
    format!("/schedules/{}", percent_encoded(name))
}

/// Returns the path of a workflow's page.
pub(in crate::ui) fn workflow_path(name: &str) -> String {
    format!("/workflows/{}", percent_encoded(name))
}

/// Returns a link to a workflow.
pub(in crate::ui) fn workflow(name: &str) -> Markup {
    html! { a href=(workflow_path(name)) { (name) } }
}

/// Returns an address that has a query already with what a search asks for beside it; fields that say nothing are left out.
pub(in crate::ui) fn searched<'f>(address: &str, fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> String {
    let said = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let said = said.map(|(name, value)| format!("&{name}={}", percent_encoded(value)));
    format!("{address}{}", said.collect::<String>())
}
