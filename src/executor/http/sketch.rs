//! A call as it would be sent, for whoever shows or compares it and makes none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Error;
use super::request::Request;

/// How a URL writes the start and the end of a reference to a secret in its path.
const ENCODED: (&str, &str) = ("$%7Bworkflow.secrets.", "%7D");

/// A call that nobody makes. No `Debug`: what another call fetched may be in it.
#[derive(Clone)]
pub struct Sketch {
    /// Its method.
    pub method: String,
    /// Where it would go.
    pub uri: String,
    /// Its headers, by lower-case names.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Option<String>,
    /// The method, host and path, without what may be secret.
    pub described: String,
}

impl Sketch {
    /// Draws the call that an input describes; references to secrets in it are texts that stay as they are.
    pub fn of(input: &Value) -> Result<Self, Error> {
        let request = Request::parse(input)?;
        let text = |value: &http::HeaderValue| super::response::latin1(value.as_bytes());
        let headers = request.headers.iter().map(|(name, value)| (name.to_string(), credentials(text(value))));
        Ok(Self {
            method: request.method.to_string(),
            uri: references(request.url.as_str()),
            headers: headers.collect(),
            described: request.described(),
            body: request.body.map(|body| String::from_utf8_lossy(&body).into_owned()),
        })
    }
}

/// Writes the references in a URL as people do.
fn references(url: &str) -> String {
    let (start, end) = ENCODED;
    let mut out = String::new();
    let mut rest = url;
    while let Some(at) = rest.find(start) {
        out.push_str(&rest[..at]);
        rest = &rest[at + start.len()..];
        let Some(until) = rest.find(end) else {
            out.push_str(start);
            break;
        };
        out.extend(["${workflow.secrets.", &rest[..until], "}"]);
        rest = &rest[until + end.len()..];
    }
    out + rest
}

/// Shows basic credentials by the references that they are made of: encoded, nobody could read them.
fn credentials(value: String) -> String {
    let encoded = value.strip_prefix("Basic ").and_then(|encoded| STANDARD.decode(encoded).ok());
    let plain = encoded.and_then(|bytes| String::from_utf8(bytes).ok());
    match plain.filter(|plain| plain.contains("${workflow.secrets.")) {
        Some(plain) => format!("Basic {plain}"),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Sketch;

    #[test]
    fn references_to_secrets_stay_readable_wherever_they_stand() {
        let sketch = Sketch::of(&json!({
            "uri": "https://host/a/${workflow.secrets.one}/b?q=${workflow.secrets.two}",
            "method": "POST",
            "auth": {"type": "basic", "username": "me", "password": "${workflow.secrets.three}"},
            "body": {"key": "${workflow.secrets.four}"},
        }));
        let sketch = sketch.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(sketch.uri, "https://host/a/${workflow.secrets.one}/b?q=${workflow.secrets.two}");
        let basic = ("authorization".to_owned(), "Basic me:${workflow.secrets.three}".to_owned());
        assert!(sketch.headers.contains(&basic));
        assert_eq!(sketch.body.as_deref(), Some("{\"key\":\"${workflow.secrets.four}\"}"));
        assert_eq!(sketch.method, "POST");
    }
}
