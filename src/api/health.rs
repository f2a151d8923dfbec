use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::api::about::Content::One;
use crate::api::about::{Content, about};
use crate::api::routes::{Need, Routes};
use crate::api::text;
use crate::daemon::Handle;

/// There is no `POST /api/token`: clients take the 404 for a server without signing in.
pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/health", Need::Nothing, about("Says that the server is up").gives(One("Health")), health)
        .get("/api/health", Need::Nothing, about("Says that the server is up").gives(One("Health")), health)
        .get("/api/version", Need::Nothing, about("Says the version of the server").gives(Content::Text), async || {
            text(env!("CARGO_PKG_VERSION"))
        })
}

async fn health(State(_): State<Handle>) -> Json<Value> {
    Json(json!({"healthResults": [], "suppressedHealthResults": [], "healthy": true}))
}
