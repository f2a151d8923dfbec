//! What goes on, for the pages that are looked at: they read themselves again when something has changed.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use serde::Deserialize;

use crate::daemon::{Kind, Wanted};
use crate::live::{self, Stopping};
use crate::ui::guard::visitor;
use crate::ui::routes::Routes;
use crate::ui::sessions::Use;
use crate::ui::{Answer, Failure, House, Visitor};

/// Where the page left off, as browsers send it when they come back.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(super) fn routes() -> Routes {
    Routes::default().page("/live", events)
}

/// What a page shows.
#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    kinds: String,
    #[serde(default)]
    execution: String,
    #[serde(default)]
    workflow: String,
}

async fn events(
    State(house): State<Arc<House>>,
    Visitor { who, .. }: Visitor,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
    Query(Shown { kinds, execution, workflow }): Query<Shown>,
) -> Answer {
    let unknown = |word: &str| Failure::wrong(format!("`{word}` is nothing that is told of"));
    let kinds = kinds.split(',').filter(|word| !word.is_empty());
    let kinds = kinds.map(|word| Kind::parse(word).ok_or_else(|| unknown(word))).collect::<Result<_, _>>()?;
    let execution = match execution.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| unknown(id))?),
    };
    let workflow = Some(workflow).filter(|workflow| !workflow.is_empty());
    let last = headers.get(LAST_EVENT_ID).and_then(|last| last.to_str().ok());
    let listener = house.handle.hear(&who, Wanted { kinds, workflow, execution }, last, None)?;
    // A page that only lies open uses no session: one that ends, ends this.
    let still = Box::new(move || visitor(&house, &headers, Use::Looking).map(|visitor| visitor.who));
    Ok(live::answer(listener, still, stopping.map(|Extension(stopping)| stopping)))
}
