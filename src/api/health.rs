use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::api::text;
use crate::daemon::Handle;

/// There is no `POST /api/token`: clients take the 404 for a server without signing in.
pub(super) fn routes() -> Router<Handle> {
    Router::new()
        .route("/health", get(health))
        .route("/api/health", get(health))
        .route("/api/version", get(async || text(env!("CARGO_PKG_VERSION"))))
}

async fn health(State(_): State<Handle>) -> Json<Value> {
    Json(json!({"healthResults": [], "suppressedHealthResults": [], "healthy": true}))
}
