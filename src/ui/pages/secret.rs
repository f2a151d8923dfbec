use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use maud::{Markup, html};

use crate::access::TargetKind;
use crate::secret::{Stage, VersionInfo};
use crate::ui::pages::secret_forms::expiry_and_force;
use crate::ui::parts::icon::{Icon, icon};
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::notice::{Done, notice, problem};
use crate::ui::parts::{link, moment, secret};
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House, Visitor};
use crate::words::{Permission, Timestamp};

pub(super) fn routes() -> Routes {
    Routes::default().page("/secrets/{name}", show)
}

/// What the page shows, and what its visitor may do to it.
struct Shown<'a> {
    visitor: &'a Visitor,
    name: &'a str,
    tags: BTreeMap<String, String>,
    versions: Vec<VersionInfo>,
    rights: Vec<Permission>,
    now: Timestamp,
}

async fn show(
    State(house): State<Arc<House>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(done): Query<Done>,
) -> Answer {
    Ok(page(&house, &visitor, &name, &notice(&done)).await?.into_response())
}

/// Shows the page again to who sent a form of it that is wrong, and says why.
pub(super) async fn again(house: &House, visitor: &Visitor, name: &str, failure: &Failure) -> Answer {
    Ok((failure.status(), page(house, visitor, name, &problem(failure.message())).await?).into_response())
}

async fn page(house: &House, visitor: &Visitor, name: &str, said: &Markup) -> Result<Markup, Failure> {
    let versions = house.handle.secret_history(&visitor.who, name).await?;
    let tags = house.handle.secret_tags(&visitor.who, name).await?;
    let rights = house.handle.rights(&visitor.who, TargetKind::Secret, name);
    let shown = Shown { visitor, name, tags, versions, rights, now: house.handle.now() };
    let content = html! {
        nav.crumbs aria-label="Where this page is" { a href="/secrets" { "Secrets" } " / " }
        div.head { h1.name { (name) } }
        (said)
        (shown.current())
        (shown.update())
        (shown.tags())
        (shown.versions())
        (shown.delete())
    };
    Ok(layout::page(visitor, Place::Secrets, name, &content))
}

impl Shown<'_> {
    fn may(&self, permission: Permission) -> bool {
        self.rights.contains(&permission)
    }

    /// Returns the beginning of a form about this secret.
    fn form(&self, action: &str, content: &Markup) -> Markup {
        html! {
            form method="post" action={ (link::secret_path(self.name)) (action) } autocomplete="off" {
                (layout::token(&self.visitor.form_token))
                (content)
            }
        }
    }

    fn current(&self) -> Markup {
        let current = self.versions.iter().find(|version| version.stage == Some(Stage::Current));
        html! {
            @if let Some(current) = current {
                dl.facts {
                    div { dt { "Value" } dd { (secret::eye(self.visitor, self.name, None)) } }
                    div { dt { "Version" } dd { "v" (current.version) } }
                    div { dt { "Age" } dd { (moment::age(current.created, self.now)) } }
                    div { dt { "Expires" } dd { @match current.expires {
                        Some(expires) => (moment::moment(expires, self.now)),
                        None => "never, as far as is known",
                    } } }
                    div { dt { "Written by" } dd { (secret::writer(current)) } }
                    div { dt { "Fingerprint" } dd { (secret::fingerprint(current)) } }
                }
            }
        }
    }

    fn update(&self) -> Markup {
        let fields = html! {
            label for="value" { "New value" }
            textarea.masked #value name="value" rows="3" spellcheck="false" autocapitalize="off" {}
            (expiry_and_force())
            button.primary { "Store the new value" }
        };
        html! {
            @if self.may(Permission::Update) {
                section #update aria-labelledby="update-title" {
                    h2 #update-title { "Update" }
                    (self.form("", &fields))
                }
            }
        }
    }

    fn tags(&self) -> Markup {
        let add = html! {
            label for="tag" { "New tag" }
            div.line {
                input #tag name="tag" required placeholder="key:value" pattern="[^:]+:.+" spellcheck="false" maxlength="1100";
                button { (icon(Icon::Tag)) "Add tag" }
            }
        };
        html! {
            section #tags aria-labelledby="tags-title" {
                h2 #tags-title { "Tags" }
                @if self.tags.is_empty() { p.none { "No tags. Grants name them as " code { "tag:key:value" } "." } }
                ul.tags {
                    @for (key, value) in &self.tags {
                        li {
                            span.tag { (key) ":" (value) }
                            @if self.may(Permission::Update) {
                                (self.form("/untag", &html! {
                                    input type="hidden" name="key" value=(key);
                                    button.quiet aria-label={ "Remove the tag " (key) ":" (value) } title="Remove" { (icon(Icon::Cross)) }
                                }))
                            }
                        }
                    }
                }
                @if self.may(Permission::Update) { (self.form("/tag", &add)) }
            }
        }
    }

    fn versions(&self) -> Markup {
        html! {
            section #versions aria-labelledby="versions-title" {
                h2 #versions-title { "Versions" }
                table {
                    thead {
                        tr {
                            th scope="col" { "Version" }
                            th scope="col" { "Value" }
                            th scope="col" { "Written" }
                            th scope="col" { "Written by" }
                            th scope="col" { "Expires" }
                            th scope="col" { "Fingerprint" }
                            @if self.may(Permission::Update) { th scope="col" { "Roll back" } }
                        }
                    }
                    tbody { @for version in &self.versions { (self.version(version)) } }
                }
            }
        }
    }

    fn version(&self, version: &VersionInfo) -> Markup {
        let is_current = version.stage == Some(Stage::Current);
        let roll_back = html! {
            input type="hidden" name="to" value=(version.version);
            button { "Roll back to v" (version.version) }
        };
        html! {
            tr {
                th scope="row" {
                    "v" (version.version)
                    @if let Some(stage) = version.stage { " " span.tag { (stage.as_str()) } }
                }
                td data-label="Value" { (secret::eye(self.visitor, self.name, Some(version.version))) }
                td data-label="Written" { (moment::moment(version.created, self.now)) }
                td data-label="Written by" { span { (secret::writer(version)) } }
                td data-label="Expires" { @match version.expires {
                    Some(expires) => (moment::moment(expires, self.now)),
                    None => span.none.dash { "–" },
                } }
                td data-label="Fingerprint" { (secret::fingerprint(version)) }
                @if self.may(Permission::Update) {
                    td data-label="Roll back" {
                        @if is_current { span.none { "current" } } @else { (self.form("/roll-back", &roll_back)) }
                    }
                }
            }
        }
    }

    fn delete(&self) -> Markup {
        let fields = html! {
            p { "Every version of it goes, and workflows that read it fail. To be sure, write its name." }
            label for="confirm" { "Name of the secret" }
            div.line {
                input #confirm name="confirm" required spellcheck="false" autocapitalize="off";
                button.danger { "Delete the secret" }
            }
        };
        html! {
            @if self.may(Permission::Delete) {
                details #delete {
                    summary { "Delete this secret" }
                    (self.form("/delete", &fields))
                }
            }
        }
    }
}
