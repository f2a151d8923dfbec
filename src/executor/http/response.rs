//! Reads a response, whole or not at all.

use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, StatusCode};
use hyper::body::Bytes;
use hyper::ext::ReasonPhrase;
use reqwest::Url;
use serde_json::Value;
use tokio::time::timeout;

use super::body::read_body;
use super::client::{Broken, broken};
use super::request::Request;
use crate::engine::Response;
use crate::words::{Map, Payload};

/// Returns where a redirect leads, if it stays within the origin.
pub(super) fn redirect_target(received: &reqwest::Response, url: &Url) -> Option<Url> {
    let is_redirect = matches!(received.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = received.headers().get(LOCATION).filter(|_| is_redirect)?.to_str().ok()?;
    url.join(location).ok().filter(|target| target.origin() == url.origin())
}

/// Reads the rest of a response; the body is counted as it is decoded, so a small one cannot become a large one unseen.
pub(super) async fn read_response(
    mut received: reqwest::Response,
    request: &Request,
    body_bytes_max: usize,
) -> Result<Response, Broken> {
    let status = received.status();
    let reason_phrase = reason_phrase(status, received.extensions().get::<ReasonPhrase>());
    let headers = headers_json(received.headers());
    let is_latin1 = is_latin1(received.headers());
    let mut body = Vec::new();
    while let Some(chunk) = next_chunk(&mut received, request).await? {
        if body.len() + chunk.len() > body_bytes_max {
            let answer = format!("{} answered {status}", request.described());
            return Err(Broken::Unknown(format!("{answer} with more than {body_bytes_max} bytes (`http.body_max`)")));
        }
        body.extend_from_slice(&chunk);
    }
    let (body, raw) = read_body(body, is_latin1);
    Ok(Response {
        status_code: status.as_u16(),
        reason_phrase,
        headers: Payload::new(headers),
        body: Payload::new(body),
        raw,
        request: request.described(),
    })
}

async fn next_chunk(received: &mut reqwest::Response, request: &Request) -> Result<Option<Bytes>, Broken> {
    if let Ok(read) = timeout(request.read_timeout, received.chunk()).await {
        return read.map_err(|error| broken(error, request));
    }
    let answer = format!("{} answered {}", request.described(), received.status());
    let waited = request.read_timeout;
    Err(Broken::Unknown(format!("{answer} and then nothing for {waited:?} (`readTimeOut`)")))
}

fn reason_phrase(status: StatusCode, given: Option<&ReasonPhrase>) -> String {
    match given {
        Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
        None => status.canonical_reason().unwrap_or_default().to_owned(),
    }
}

/// Returns the headers as Conductor does: each name with the list of its values.
fn headers_json(headers: &HeaderMap) -> Value {
    let mut map = Map::new();
    for name in headers.keys() {
        let values = headers.get_all(name).iter().map(|value| latin1(value.as_bytes()));
        map.insert(name.to_string(), values.collect());
    }
    Value::Object(map)
}

fn is_latin1(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.to_ascii_lowercase().contains("charset=iso-8859-1")
}

/// Reads bytes as ISO 8859-1, which has a character for each.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
