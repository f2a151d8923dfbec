use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect};
use maud::{Markup, html};
use serde::Deserialize;

use crate::daemon::Error;
use crate::secret::Summary;
use crate::ui::form::{Fields, Form};
use crate::ui::pages::secret_forms::{Written, expiry_and_force, written};
use crate::ui::parts::empty::empty;
use crate::ui::parts::filter::Filter;
use crate::ui::parts::icon::{Icon, icon};
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::notice::{self, Done, notice};
use crate::ui::parts::{link, moment, secret};
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House, Visitor};
use crate::words::{Permission, Timestamp};

pub(super) fn routes() -> Routes {
    Routes::default().page("/secrets", show).page("/add-secret", ask).form("/add-secret", add)
}

async fn show(
    State(house): State<Arc<House>>,
    visitor: Visitor,
    Query(done): Query<Done>,
    Query(filter): Query<Filter>,
) -> Answer {
    let secrets = house.handle.secrets(&visitor.who, &[Permission::Read]).await?;
    let now = house.handle.now();
    let sifted = filter.sift(secrets, |summary| {
        let tags: Vec<_> = summary.tags.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        format!("{} {} {} {}", summary.name, tags.join(" "), summary.current.by, summary.current.fingerprint)
    });
    let content = html! {
        div.head {
            h1 { "Secrets" }
            (filter.form("/secrets", &sifted))
            @if !sifted.is_of_nothing() {
                a.button.primary.end href="/add-secret" { (icon(Icon::Plus)) "Add secret" }
            }
        }
        (notice(&done))
        div data-live="secret" {
            @if sifted.is_of_nothing() {
                (empty("There are no secrets yet.", "keytide secret set NAME", ("Add a secret", "/add-secret")))
            } @else {
                (sifted.rest())
                (table(&visitor, &sifted.rows, now))
            }
        }
    };
    Ok(layout::page(&visitor, Place::Secrets, "Secrets", &content).into_response())
}

fn table(visitor: &Visitor, secrets: &[Summary], now: Timestamp) -> Markup {
    html! {
        table data-filter {
            caption.hidden { "Every secret, with its version and who wrote it" }
            thead {
                tr {
                    th scope="col" { "Name" }
                    th scope="col" { "Value" }
                    th scope="col" { "Tags" }
                    th scope="col" { "Version" }
                    th scope="col" { "Age" }
                    th scope="col" { "Expires" }
                    th scope="col" { "Written by" }
                    th scope="col" { "Fingerprint" }
                }
            }
            tbody { @for summary in secrets { (row(visitor, summary, now)) } }
        }
    }
}

fn row(visitor: &Visitor, summary: &Summary, now: Timestamp) -> Markup {
    let (name, current) = (&summary.name, &summary.current);
    html! {
        tr {
            th scope="row" { (link::secret(name)) }
            td data-label="Value" { (secret::eye(visitor, name, None)) }
            td data-label="Tags" {
                span {
                    (secret::tags(&summary.tags))
                    a.button.quiet href={ (link::secret_path(name)) "#tags" } aria-label={ "Tags of " (name) } title="Tags" {
                        (icon(Icon::Tag))
                    }
                }
            }
            td data-label="Version" { "v" (current.version) }
            td data-label="Age" { (moment::age(current.created, now)) }
            td data-label="Expires" { @match current.expires {
                Some(expires) => (moment::moment(expires, now)),
                None => span.none.dash { "–" },
            } }
            td data-label="Written by" { span { (secret::writer(current)) } }
            td data-label="Fingerprint" { (secret::fingerprint(current)) }
        }
    }
}

/// The name that somebody comes with, as from a run that lacks it.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    name: String,
}

async fn ask(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    Ok(form(&visitor, &asked.name, None).into_response())
}

async fn add(State(house): State<Arc<House>>, form: Form) -> Answer {
    let Form { visitor, fields } = form;
    let name = fields.trimmed("name").to_owned();
    match added(&house, &visitor, &name, &fields).await {
        Ok(()) => Ok(Redirect::to(&format!("{}?done=stored", link::secret_path(&name))).into_response()),
        Err(failure) if failure.status() == StatusCode::UNAUTHORIZED => Err(failure),
        Err(failure) => Ok((failure.status(), self::form(&visitor, &name, Some(failure.message()))).into_response()),
    }
}

async fn added(house: &House, visitor: &Visitor, name: &str, fields: &Fields) -> Result<(), Failure> {
    // Who wants to add one does not mean to change one.
    if house.handle.secret_exists(&visitor.who, name).await? {
        return Err(Error::Conflict(format!("there is a secret `{name}` already: change it on its own page")).into());
    }
    let Written { value, expires } = written(fields)?;
    house.put_secret(visitor, name, value, expires).await
}

fn form(visitor: &Visitor, name: &str, problem: Option<&str>) -> Markup {
    let content = html! {
        h1 { "Add secret" }
        @if let Some(text) = problem { (notice::problem(text)) }
        form.narrow method="post" action="/add-secret" autocomplete="off" {
            (layout::token(&visitor.form_token))
            label for="name" { "Name" }
            input #name name="name" value=(name) required maxlength="255" spellcheck="false" autocapitalize="off"
                pattern="[A-Za-z0-9_\\-]+" aria-describedby="name-hint";
            p.hint #name-hint { "Letters, digits, " code { "_" } " and " code { "-" } ". Workflows read it as "
                code { "${workflow.secrets.NAME}" } "." }
            label for="value" { "Value" }
            textarea.masked #value name="value" rows="3" spellcheck="false" autocapitalize="off" {}
            (expiry_and_force())
            p.buttons { button.primary { "Add secret" } a.button href="/secrets" { "Cancel" } }
        }
    };
    layout::page(visitor, Place::Secrets, "Add secret", &content)
}
