use maud::{Markup, html};

/// Returns links to the parts of one thing: what each is called, where it is, and whether it is the one that is shown.
pub(in crate::ui) fn tabs<'t>(label: &str, tabs: impl IntoIterator<Item = (&'t str, String, bool)>) -> Markup {
    html! {
        nav.tabs aria-label=(label) {
            @for (name, target, is_here) in tabs {
                a href=(target) aria-current=[is_here.then_some("page")] { (name) }
            }
        }
    }
}
