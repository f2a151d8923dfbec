use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::about::Content::One;
use crate::api::about::about;
use crate::api::body::Body;
use crate::api::caller::Standing;
use crate::api::error::no_such_route;
use crate::api::routes::{Need, Routes};
use crate::api::{Answer, Caller};
use crate::daemon::Handle;
use crate::words::{Owner, Sensitive};

pub(super) fn routes() -> Routes {
    Routes::default()
        .post(
            "/api/token",
            Need::Nothing,
            about("Signs in with a key: the token goes into X-Authorization")
                .takes(One("Credentials"))
                .gives(One("Token"))
                .fails(&[401, 404, 429]),
            sign_in,
        )
        .get("/api/token/userInfo", Need::SignIn, about("Says who signed in").gives(One("User")), user_info)
}

/// What a client signs in with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    #[serde(default)]
    key_id: String,
    #[serde(default)]
    key_secret: String,
}

/// Where nobody signs in there is no such route: clients take the 404 for a server that is open.
async fn sign_in(State(handle): State<Handle>, standing: Standing, uri: Uri, body: Body) -> Answer {
    if matches!(standing, Standing::Owner) {
        return Err(no_such_route(uri).await);
    }
    let Credentials { key_id, key_secret } = body.json()?;
    let token = handle.sign_in(&key_id, &Sensitive::new(key_secret)).await?;
    Ok(Json(json!({"token": token.expose()})).into_response())
}

async fn user_info(State(handle): State<Handle>, Caller(who): Caller) -> Answer {
    let application = handle.own_application(&who);
    Ok(Json(user(&who, application.as_ref().map(|application| application.name.as_str()))).into_response())
}

/// Returns somebody in the shape that Orkes has for users, which its clients read of applications too.
fn user(who: &Owner, application: Option<&str>) -> Value {
    json!({
        "id": who.to_string(),
        "name": application.unwrap_or("owner"),
        "uuid": who.to_string(),
        "roles": [],
        "groups": [],
        "namespace": null,
        "applicationUser": application.is_some(),
    })
}
