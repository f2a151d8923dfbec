use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::words::Sensitive;

use super::desk::Desk;
use super::{Fault, locked};

/// A call for a token is two short fields.
const BODY_BYTES_MAX: usize = 16 * 1024;

const LOGIN_PAGE: &str =
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>Sign in</form></body></html>";

/// The connection is cut instead of answering.
#[derive(Debug, thiserror::Error)]
#[error("the reply is lost on purpose")]
pub(super) struct Cut;

pub(super) async fn answer(request: Request<Incoming>, desk: Arc<Mutex<Desk>>) -> Result<Response<Body>, Cut> {
    let (parts, body) = request.into_parts();
    match (&parts.method, parts.uri.path()) {
        (&Method::POST, "/api/token") => token(body, &desk).await,
        (&Method::GET, "/api/resource") => Ok(resource(&parts.headers, &desk)),
        _ => Ok(problem(StatusCode::NOT_FOUND, "no such page")),
    }
}

async fn token(body: Incoming, desk: &Mutex<Desk>) -> Result<Response<Body>, Cut> {
    let body = to_bytes(Body::new(body), BODY_BYTES_MAX).await.unwrap_or_default();
    let fault = locked(desk).fault();
    match fault {
        None => Ok(issue(&body, desk)),
        Some(Fault::ServerError) => Ok(problem(StatusCode::INTERNAL_SERVER_ERROR, "out of order")),
        Some(Fault::Garbage) => Ok(respond(StatusCode::OK, "application/json", "{\"token\": oops")),
        Some(Fault::LoginPage) => Ok(respond(StatusCode::OK, "text/html", LOGIN_PAGE)),
        Some(Fault::SlowReply(delay)) => {
            let response = issue(&body, desk);
            tokio::time::sleep(delay).await;
            Ok(response)
        }
        Some(Fault::LostReply) => {
            drop(issue(&body, desk));
            Err(Cut)
        }
    }
}

fn issue(body: &[u8], desk: &Mutex<Desk>) -> Response<Body> {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| asked[name].as_str().unwrap_or_default();
    match locked(desk).issue(field("keyId"), &Sensitive::new(field("keySecret"))) {
        Some(token) => json_response(StatusCode::OK, &json!({"token": token.expose()})),
        None => problem(StatusCode::UNAUTHORIZED, "unknown key"),
    }
}

fn resource(headers: &HeaderMap, desk: &Mutex<Desk>) -> Response<Body> {
    if locked(desk).admits(&presented(headers)) {
        json_response(StatusCode::OK, &json!({"tide": "high"}))
    } else {
        problem(StatusCode::UNAUTHORIZED, "the token is unknown, revoked or expired")
    }
}

/// Returns the token of a visit; an empty one where there is none.
fn presented(headers: &HeaderMap) -> Sensitive {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bearer = text(AUTHORIZATION.as_str()).strip_prefix("Bearer ").unwrap_or_default();
    Sensitive::new(if bearer.is_empty() { text("x-authorization") } else { bearer })
}

fn problem(status: StatusCode, message: &str) -> Response<Body> {
    json_response(status, &json!({"message": message}))
}

fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    respond(status, "application/json", body.to_string())
}

fn respond(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let response = Response::builder().status(status).header(CONTENT_TYPE, content_type);
    response.body(body.into()).expect("the status and the content type are constants")
}
