//! What pages show of a secret, which is never its value.

use maud::{Markup, html};

use crate::secret::VersionInfo;
use crate::ui::Visitor;
use crate::ui::parts::icon::{Icon, icon};
use crate::ui::parts::{layout, link};

/// Returns the button that shows a value: a form, whose answer is the only page with the value in it.
pub(in crate::ui) fn eye(visitor: &Visitor, name: &str, version: Option<u32>) -> Markup {
    let what =
        version.map_or_else(|| format!("Reveal {name}"), |version| format!("Reveal version {version} of {name}"));
    html! {
        form.reveal method="post" action={ (link::secret_path(name)) "/reveal" } data-reveal {
            (layout::token(&visitor.form_token))
            @if let Some(version) = version { input type="hidden" name="version" value=(version); }
            span.dots aria-hidden="true" { "••••••••" }
            button.quiet aria-label=(what) title=(what) { (icon(Icon::Eye)) }
            button.quiet type="button" hidden data-copy aria-label={ "Copy " (name) } title="Copy" { (icon(Icon::Copy)) }
        }
    }
}

/// Returns tags as people write them.
pub(in crate::ui) fn tags<'t>(tags: impl IntoIterator<Item = (&'t String, &'t String)>) -> Markup {
    html! { @for (key, value) in tags { span.tag { (key) ":" (value) } " " } }
}

/// Returns who wrote a version, with the run that did it.
pub(in crate::ui) fn writer(version: &VersionInfo) -> Markup {
    let name = version.by.strip_prefix("workflow:").unwrap_or(&version.by);
    html! {
        (name)
        @if let Some(run) = &version.run { " " span.run { "run " (link::execution(run)) } }
    }
}

/// Returns a fingerprint: equal ones stand for equal values.
pub(in crate::ui) fn fingerprint(version: &VersionInfo) -> Markup {
    html! { code title="Equal values of this store have equal fingerprints" { (version.fingerprint) } }
}
