//! Who may do what: applications with their keys, grants and groups. The owner's alone.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use maud::{Markup, html};

use crate::access::{AccessKey, Application};
use crate::settings::{Access, Row};
use crate::ui::parts::badge::{Tone, badge};
use crate::ui::parts::icon::{Icon, icon};
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::moment;
use crate::ui::parts::notice::{Done, notice, problem};
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House, Visitor};
use crate::words::{Grant, Grantee, Permission, Sensitive, Timestamp, percent_encoded};

pub(super) fn routes() -> Routes {
    Routes::default().page("/access", show)
}

/// The path of what is done to an application.
pub(super) fn application_path(name: &str) -> String {
    format!("/access/applications/{}", percent_encoded(name))
}

fn group_path(name: &str) -> String {
    format!("/access/groups/{}", percent_encoded(name))
}

async fn show(State(house): State<Arc<House>>, visitor: Visitor, Query(done): Query<Done>) -> Answer {
    Ok(page(&house, &visitor, &notice(&done))?.into_response())
}

/// Shows the page again to who sent a form of it that is wrong, and says why.
pub(super) fn again(house: &House, visitor: &Visitor, failure: &Failure) -> Answer {
    Ok((failure.status(), page(house, visitor, &problem(failure.message()))?).into_response())
}

/// Shows a new key, the one time that its secret is seen.
pub(super) fn new_key(visitor: &Visitor, name: &str, id: &str, secret: &Sensitive) -> Markup {
    let content = html! {
        nav.crumbs aria-label="Where this page is" { a href="/access" { "Access" } " / " }
        div.head { h1.name { "New key of " (name) } }
        p { "The secret is shown this once, and kept nowhere. Clients sign in with both:" }
        dl.facts {
            div { dt { "Key id" } dd.mono #key-id { (id) } dd { (copy("key-id", "Copy the id")) } }
            div { dt { "Key secret" } dd.mono #key-secret { (secret.expose()) } dd { (copy("key-secret", "Copy the secret")) } }
        }
        p.hint { "Conductor's clients take them as " code { "CONDUCTOR_AUTH_KEY" } " and " code { "CONDUCTOR_AUTH_SECRET" } "." }
        p { a.button.primary href="/access" { "Back to access" } }
    };
    layout::page(visitor, Place::Access, "New key", &content)
}

/// Returns the button that copies an element's text; only who has a script and a clipboard sees it.
fn copy(of: &str, label: &str) -> Markup {
    html! { button.quiet type="button" data-copies=(of) hidden { (icon(Icon::Copy)) (label) } }
}

fn page(house: &House, visitor: &Visitor, said: &Markup) -> Result<Markup, Failure> {
    let handle = &house.handle;
    let (applications, grants) = (handle.applications(&visitor.who)?, handle.grants(&visitor.who)?);
    let groups = handle.groups(&visitor.who)?;
    let settings = handle.settings();
    let shown =
        Shown { form_token: &visitor.form_token, set: &settings.access, rows: settings.sources(), now: handle.now() };
    let content = html! {
        div.head { h1 { "Access" } }
        (said)
        p { (shown.files()) }
        (shown.applications(&applications))
        (shown.grants(&grants))
        (shown.groups(groups.iter()))
    };
    Ok(layout::page(visitor, Place::Access, "Access", &content))
}

/// What every part of the page needs.
struct Shown<'a> {
    form_token: &'a Sensitive,
    /// What the settings say, which is changed in their file.
    set: &'a Access,
    /// Where each of them stands.
    rows: Vec<Row>,
    now: Timestamp,
}

impl Shown<'_> {
    fn form(&self, action: &str, content: &Markup) -> Markup {
        html! { form method="post" action=(action) autocomplete="off" { (layout::token(self.form_token)) (content) } }
    }

    /// Returns the file and line of a setting.
    fn place(&self, key: &str) -> &str {
        self.rows.iter().find(|row| row.key == key).map_or("settings", |row| row.source.as_str())
    }

    fn files(&self) -> Markup {
        html! {
            @if self.set.workflows_granted {
                "Workflows of the folder may use only the secrets that are granted to their file or name: "
                code { "access.workflows = \"granted\"" } "."
            } @else {
                "Workflows of the folder may use every secret; " code { "access.workflows = \"granted\"" }
                " in the settings leaves them what is granted."
            }
        }
    }

    fn applications(&self, applications: &[Application]) -> Markup {
        let add = html! {
            label for="application" { "New application" }
            div.line {
                input #application name="name" required maxlength="255" spellcheck="false" autocapitalize="off";
                button.primary { "Make application" }
            }
        };
        html! {
            section #applications aria-labelledby="applications-title" {
                h2 #applications-title { "Applications" }
                @if applications.is_empty() {
                    p.none { "None yet. An application is a client with rights of its own: a pipeline, a worker, a script." }
                } @else {
                    table {
                        caption.hidden { "Applications and their keys" }
                        thead { tr { th scope="col" { "Name" } th scope="col" { "Made" } th scope="col" { "Keys" } th scope="col" { "Change" } } }
                        tbody { @for application in applications { (self.application(application)) } }
                    }
                }
                (self.form("/access/applications", &add))
            }
        }
    }

    fn application(&self, application: &Application) -> Markup {
        let path = application_path(&application.name);
        let remove = html! {
            input type="hidden" name="sure" value="yes";
            p { "Its keys go with it, whoever signed in with them is signed out, and what it made may do nothing any more." }
            button.danger { "Remove " (application.name) }
        };
        html! {
            tr {
                th scope="row" { (application.name) }
                td data-label="Made" { (moment::moment(application.created, self.now)) }
                td data-label="Keys" {
                    div {
                        @if application.keys.is_empty() { span.none { "none: it cannot sign in" } }
                        @for key in &application.keys { (self.key(&path, key)) }
                    }
                }
                td data-label="Change" {
                    div {
                        (self.form(&format!("{path}/keys"), &html! { button { "New key" } }))
                        details { summary { "Remove" } (self.form(&format!("{path}/remove"), &remove)) }
                    }
                }
            }
        }
    }

    fn key(&self, path: &str, key: &AccessKey) -> Markup {
        let change = |what: &str, label: &str| {
            let fields = html! {
                input type="hidden" name="key" value=(key.id);
                input type="hidden" name="change" value=(what);
                button.quiet aria-label={ (label) " key " (key.id) } { (label) }
            };
            self.form(&format!("{path}/key"), &fields)
        };
        html! {
            div.line {
                span.mono { (key.id) } " "
                @if key.disabled { (badge(Tone::Warn, Icon::Hand, "disabled")) } @else { (badge(Tone::Good, Icon::Check, "active")) }
                (change("toggle", if key.disabled { "Enable" } else { "Disable" }))
                (change("remove", "Remove"))
            }
        }
    }

    fn grants(&self, grants: &[Grant]) -> Markup {
        let add = html! {
            label for="to" { "To" }
            input #to name="to" required placeholder="app:ci" spellcheck="false" autocapitalize="off" aria-describedby="to-hint";
            p.hint #to-hint { code { "app:NAME" } ", " code { "group:NAME" } ", " code { "file:GLOB" } " or " code { "workflow:PATTERN" } "." }
            label for="on" { "On" }
            input #on name="on" required placeholder="secret:github_*" spellcheck="false" autocapitalize="off" aria-describedby="on-hint";
            p.hint #on-hint { code { "secret:" } ", " code { "workflow:" } ", " code { "schedule:" } " or " code { "environment:" }
                " and a name or pattern, or " code { "tag:KEY:VALUE" } "." }
            fieldset {
                legend { "May" }
                @for permission in Permission::ALL {
                    label.box { input type="checkbox" name={ "may-" (permission) } value="yes"; (permission) }
                }
            }
            button.primary { "Grant" }
        };
        html! {
            section #grants aria-labelledby="grants-title" {
                h2 #grants-title { "Grants" }
                @if grants.is_empty() { p.none { "Nothing is granted: applications may do nothing." } } @else {
                    table {
                        caption.hidden { "Who may do what to what" }
                        thead { tr { th scope="col" { "To" } th scope="col" { "On" } th scope="col" { "May" } th scope="col" { "From" } } }
                        tbody { @for grant in grants { (self.granted(grant)) } }
                    }
                }
                details { summary { "Grant something" } (self.form("/access/grants", &add)) }
            }
        }
    }

    fn granted(&self, grant: &Grant) -> Markup {
        let revoke = html! {
            input type="hidden" name="to" value=(grant.to);
            input type="hidden" name="on" value=(grant.on);
            @for permission in &grant.access { input type="hidden" name={ "may-" (permission) } value="yes"; }
            button.quiet aria-label={ "Revoke " (grant) } { "Revoke" }
        };
        html! {
            tr {
                th scope="row" { (grant.to) }
                td data-label="On" { (grant.on) }
                td data-label="May" { @for permission in &grant.access { (permission) " " } }
                td data-label="From" {
                    @if let Some(index) = self.set.grants.iter().position(|set| set == grant) {
                        span.none { (self.place(&format!("grant[{index}]"))) }
                    }
                    @else { (self.form("/access/grants/revoke", &revoke)) }
                }
            }
        }
    }

    fn groups<'g>(&self, groups: impl ExactSizeIterator<Item = (&'g String, &'g Vec<Grantee>)>) -> Markup {
        let add = html! {
            label for="group" { "New group" }
            div.line {
                input #group name="name" required maxlength="255" spellcheck="false" autocapitalize="off";
                button { "Make group" }
            }
        };
        html! {
            section #groups aria-labelledby="groups-title" {
                h2 #groups-title { "Groups" }
                @if groups.len() == 0 { p.none { "None. A group is granted things once for all that are in it." } } @else {
                    table {
                        caption.hidden { "Groups and who is in them" }
                        thead { tr { th scope="col" { "Name" } th scope="col" { "Members" } th scope="col" { "Change" } } }
                        tbody { @for (name, members) in groups { (self.group(name, members)) } }
                    }
                }
                (self.form("/access/groups", &add))
            }
        }
    }

    fn group(&self, name: &str, members: &[Grantee]) -> Markup {
        let (path, is_set) = (group_path(name), self.set.groups.contains_key(name));
        let leave = |member: &Grantee| {
            let fields = html! {
                input type="hidden" name="member" value=(member);
                button.quiet aria-label={ "Take " (member) " out of " (name) } { "Take out" }
            };
            self.form(&format!("{path}/leave"), &fields)
        };
        let join = html! {
            div.line {
                input name="member" required placeholder="app:ci" spellcheck="false" autocapitalize="off" aria-label={ "New member of " (name) };
                button { "Add" }
            }
        };
        let remove = html! { input type="hidden" name="sure" value="yes"; button.danger { "Remove " (name) } };
        html! {
            tr {
                th scope="row" { (name) }
                td data-label="Members" {
                    div {
                        @if members.is_empty() { span.none { "nobody" } }
                        @for member in members { div.line { (member) @if !is_set { (leave(member)) } } }
                    }
                }
                td data-label="Change" {
                    @if is_set { span.none { (self.place(&format!("groups.{name}"))) } } @else {
                        div {
                            (self.form(&format!("{path}/join"), &join))
                            details { summary { "Remove" } (self.form(&format!("{path}/remove"), &remove)) }
                        }
                    }
                }
            }
        }
    }
}
