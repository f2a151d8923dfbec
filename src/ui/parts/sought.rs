use maud::{Markup, html};

/// The form of a search: the field that most people use, and the others, which a phone shows to who asks for them.
pub(in crate::ui) struct Sought<'a> {
    /// Where it leads.
    pub(in crate::ui) path: &'static str,
    pub(in crate::ui) first: Markup,
    pub(in crate::ui) more: Markup,
    /// All fields with what they say; the first one is the first field's.
    pub(in crate::ui) fields: &'a [(&'static str, &'a str)],
    /// Whether what is wrong is in one of the others.
    pub(in crate::ui) is_wrong: bool,
}

impl Sought<'_> {
    /// Returns the form.
    pub(in crate::ui) fn form(&self) -> Markup {
        let said = |fields: &[(&str, &str)]| {
            let said = fields.iter().filter(|(_, value)| !value.trim().is_empty());
            said.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
        };
        let others = said(self.fields.get(1..).unwrap_or_default());
        html! {
            form.search method="get" action=(self.path) {
                div.line {
                    (self.first)
                    button.primary { "Search" }
                    @if !said(self.fields).is_empty() { a.button href=(self.path) { "Clear" } }
                }
                details.more open[self.is_wrong] {
                    summary { "More to search by" @if !others.is_empty() { ": " (others) } }
                    div.fields { (self.more) }
                }
            }
        }
    }
}
