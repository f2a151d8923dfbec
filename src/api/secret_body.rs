//! The value in the body of `PUT /secrets/{key}`, in the dialect of whoever sends it.
//!
//! All of Conductor's clients say `application/json` and mean three things: JavaScript's and curl's send a JSON string,
//! Go's and Java's the raw text, Python's a JSON string that lost its quotes.

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use serde_json::Value;

/// Clients that send raw text whatever they call it.
const RAW: [&str; 2] = ["Go-http-client", "okhttp"];
/// The client that strips quotes off JSON text, all that there are at the end.
const STRIPPED: &str = "python-httpx";

/// Returns the value: text, or null where a client says so in JSON.
pub(super) fn value(headers: &HeaderMap, body: &str) -> Value {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (content_type, agent) = (header(CONTENT_TYPE), header(USER_AGENT));
    if content_type.starts_with("text/plain") || RAW.iter().any(|raw| agent.starts_with(raw)) {
        return Value::from(body);
    }
    match serde_json::from_str(body) {
        Ok(value @ (Value::String(_) | Value::Null)) => value,
        _ if agent.starts_with(STRIPPED) => mended(body).unwrap_or_else(|| Value::from(body)),
        _ => Value::from(body),
    }
}

/// Puts the quotes back, also the one that belonged to the text, and reads the JSON string.
fn mended(body: &str) -> Option<Value> {
    if !body.contains('\\') {
        return None;
    }
    let backslashes = body.len() - body.trim_end_matches('\\').len();
    let lost = if backslashes % 2 == 1 { "\"" } else { "" };
    serde_json::from_str(&format!("\"{body}{lost}\"")).ok()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};
    use serde_json::{Value, json};

    use super::value;

    fn read(agent: &str, content_type: &str, body: &str) -> Value {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", HeaderValue::from_str(agent).unwrap());
        if !content_type.is_empty() {
            headers.insert("content-type", HeaderValue::from_str(content_type).unwrap());
        }
        value(&headers, body)
    }

    /// What Python's client sends for a value: JSON text without the quotes at its ends.
    fn stripped(value: &str) -> String {
        json!(value).to_string().trim_matches('"').to_owned()
    }

    const VALUES: [&str; 10] = [
        "plain",
        "say \"hi\"",
        "line1\nline2",
        "{\"a\": \"b\"}",
        "back\\slash",
        "ends with a backslash\\",
        "é ✓ 🔑",
        "tab\tand \u{1} control",
        "123",
        "a \"quoted\" word inside",
    ];

    #[test]
    fn every_client_gets_back_what_it_stored() {
        for wanted in VALUES {
            let quoted = json!(wanted).to_string();
            for (agent, content_type, body) in [
                ("curl/8.5", "application/json", quoted.as_str()),
                ("undici", "application/json", &quoted),
                ("undici", "", &quoted),
                ("Go-http-client/1.1", "application/json", wanted),
                ("okhttp/4.12.0", "application/json; charset=utf-8", wanted),
                ("python-httpx/0.28.1", "application/json", &stripped(wanted)),
                ("keytide", "text/plain", wanted),
            ] {
                assert_eq!(read(agent, content_type, body), json!(wanted), "{agent} {wanted:?}");
            }
        }
    }

    #[test]
    fn raw_clients_keep_their_quotes() {
        assert_eq!(read("Go-http-client/1.1", "application/json", "\"q\""), json!("\"q\""));
        assert_eq!(read("curl/8.5", "text/plain", "\"q\""), json!("\"q\""));
        assert_eq!(read("curl/8.5", "application/json", "\"q\""), json!("q"));
    }

    #[test]
    fn null_is_null_only_where_it_is_json() {
        assert_eq!(read("curl/8.5", "application/json", "null"), json!(null));
        assert_eq!(read("curl/8.5", "text/plain", "null"), json!("null"));
    }
}
