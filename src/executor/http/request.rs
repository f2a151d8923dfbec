//! Makes a request of a task's input.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::Url;
use serde_json::Value;

use super::Error;
use crate::words::{Map, Sensitive};
use crate::workflow::expressions::java_text;

/// What Conductor waits for a connection, and then for each piece of the answer.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(3);
/// No wait of a call is longer than the longest total deadline that can be set.
const TIMEOUT_MAX: Duration = Duration::from_hours(1);
/// What Conductor sends as `Accept` and `Content-Type` where the task does not say.
const JSON: &str = "application/json";
/// The content type whose bodies are made of fields.
const FORM: &str = "application/x-www-form-urlencoded";
/// The methods that Conductor knows, without the one that asks a server to send everything back.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
/// Headers that say where a message ends: they are the client's own, or two sides may see two different messages.
const FRAMING: [&str; 6] = ["connection", "content-length", "keep-alive", "te", "transfer-encoding", "upgrade"];

/// One call, ready to be made. It has no `Debug`: its headers and body hold secrets.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    pub(super) connect_timeout: Duration,
    pub(super) read_timeout: Duration,
    pub(super) redirects: Redirects,
    pub(super) ca_file: Option<String>,
    /// The certificates and the key with which it says who it is, as PEM.
    pub(super) identity: Option<Sensitive>,
}

/// Whether a redirect is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirects {
    /// It is the answer.
    Returned,
    /// It is followed within the origin.
    Followed,
}

impl Request {
    /// Reads both forms of the input: the fields themselves, or below `http_request`.
    pub(super) fn parse(input: &Value) -> Result<Self, Error> {
        let fields = match input.get("http_request") {
            Some(Value::Object(fields)) => fields,
            None | Some(Value::Null) => input.as_object().ok_or(Error::NoUri)?,
            Some(_) => return Err(Error::Field { field: "http_request", expected: "an object" }),
        };
        let url = parse_url(fields)?;
        let method = parse_method(fields)?;
        let headers = parse_headers(fields)?;
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or(JSON);
        let followed = flag(fields, "followRedirects")? && (method == Method::GET || method == Method::HEAD);
        Ok(Self {
            body: encode_body(present(fields, "body"), content_type),
            connect_timeout: timeout(fields, "connectionTimeOut")?,
            read_timeout: timeout(fields, "readTimeOut")?,
            redirects: if followed { Redirects::Followed } else { Redirects::Returned },
            ca_file: optional_text(fields, "caFile")?.map(str::to_owned),
            identity: parse_identity(fields, &url)?,
            method,
            url,
            headers,
        })
    }

    /// Returns what is asked, as people may read it: `POST https://host/path`.
    pub(super) fn described(&self) -> String {
        format!("{} {}://{}{}", self.method, self.url.scheme(), self.place(), self.url.path())
    }

    /// Returns the host, and the port where it is not the usual one.
    pub(super) fn place(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Returns whether the call changes nothing, so that a connection may be shared.
    pub(super) fn is_safe(&self) -> bool {
        self.method.is_safe()
    }
}

fn parse_url(fields: &Map) -> Result<Url, Error> {
    let wrong = |expected| Error::Field { field: "uri", expected };
    let uri = optional_text(fields, "uri")?.map(str::trim).filter(|uri| !uri.is_empty()).ok_or(Error::NoUri)?;
    if uri.contains(|c: char| c.is_control()) {
        return Err(wrong("free of line breaks and other control characters"));
    }
    let url = Url::parse(uri).map_err(|_| wrong("a whole URL, as https://host/path"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("an http or https URL"));
    }
    Ok(url)
}

/// Reads the client's certificate and its key, which may be in one text.
fn parse_identity(fields: &Map, url: &Url) -> Result<Option<Sensitive>, Error> {
    let certificate = optional_text(fields, "clientCertificate")?.filter(|pem| !pem.trim().is_empty());
    let key = optional_text(fields, "clientKey")?.filter(|pem| !pem.trim().is_empty());
    let pem = match (certificate, key) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            return Err(Error::Field { field: "clientCertificate", expected: "given where there is a clientKey" });
        }
        (Some(certificate), None) => certificate.to_owned(),
        (Some(certificate), Some(key)) => format!("{key}\n{certificate}"),
    };
    if url.scheme() != "https" {
        return Err(Error::Field { field: "uri", expected: "an https URL where a clientCertificate is given" });
    }
    Ok(Some(Sensitive::new(pem)))
}

fn parse_method(fields: &Map) -> Result<Method, Error> {
    let name =
        optional_text(fields, "method")?.map(str::trim).filter(|name| !name.is_empty()).ok_or(Error::NoMethod)?;
    let known = METHODS.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(name));
    known.ok_or(Error::Field { field: "method", expected: "GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS" })
}

fn parse_headers(fields: &Map) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    match present(fields, "headers") {
        None => {}
        Some(Value::Object(given)) => {
            for (number, (name, value)) in given.iter().enumerate() {
                add_header(&mut headers, number + 1, name, value)?;
            }
        }
        Some(_) => return Err(Error::Field { field: "headers", expected: "an object" }),
    }
    add_basic_auth(&mut headers, present(fields, "auth"))?;
    if !headers.contains_key(ACCEPT) {
        let accept = accept(fields)?.unwrap_or_else(|| JSON.to_owned());
        headers.insert(ACCEPT, header_value("accept", &accept)?);
    }
    if !headers.contains_key(CONTENT_TYPE) {
        let content_type = optional_text(fields, "contentType")?.unwrap_or(JSON);
        headers.insert(CONTENT_TYPE, header_value("contentType", content_type)?);
    }
    Ok(headers)
}

fn add_header(headers: &mut HeaderMap, number: usize, name: &str, value: &Value) -> Result<(), Error> {
    let wrong = |name: &str, problem| Error::Header { name: name.to_owned(), problem };
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| wrong(&format!("number {number}"), "has a name with characters that no header may have"))?;
    if FRAMING.contains(&parsed.as_str()) {
        return Err(wrong(parsed.as_str(), "is set by the client itself; leave it out"));
    }
    if value.is_null() {
        return Ok(());
    }
    headers.append(parsed, header_value(name, &java_text(value))?);
    Ok(())
}

/// Makes a value that is kept out of every debug output and out of the compression table of HTTP/2.
fn header_value(name: &str, text: &str) -> Result<HeaderValue, Error> {
    let wrong = |problem| Error::Header { name: name.to_owned(), problem };
    if text.ends_with(['\r', '\n']) {
        return Err(wrong("ends with a line break; store the value without it"));
    }
    let mut value =
        HeaderValue::from_str(text).map_err(|_| wrong("has a line break or another control character in its value"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn add_basic_auth(headers: &mut HeaderMap, auth: Option<&Value>) -> Result<(), Error> {
    let Some(auth) = auth else { return Ok(()) };
    let wrong = Error::Field { field: "auth", expected: "{type: basic, username, password}" };
    let text = |name: &str| auth.get(name).and_then(Value::as_str);
    let (Some("basic"), Some(user), Some(password)) = (text("type"), text("username"), text("password")) else {
        return Err(wrong);
    };
    if user.contains(':') {
        return Err(Error::Field { field: "auth.username", expected: "free of colons" });
    }
    if headers.contains_key(AUTHORIZATION) {
        return Err(Error::Field { field: "auth", expected: "left out where an Authorization header is given" });
    }
    let credentials = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    headers.insert(AUTHORIZATION, header_value("authorization", &credentials)?);
    Ok(())
}

fn accept(fields: &Map) -> Result<Option<String>, Error> {
    let wrong = Error::Field { field: "accept", expected: "text or a list of texts" };
    match present(fields, "accept") {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Array(types)) => {
            let types: Option<Vec<&str>> = types.iter().map(Value::as_str).collect();
            types.map(|types| Some(types.join(", "))).ok_or(wrong)
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_) | Value::Null) => Err(wrong),
    }
}

/// Encodes a body: text as it is, an object as a form where the content type says so, everything else as JSON.
fn encode_body(body: Option<&Value>, content_type: &str) -> Option<Vec<u8>> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    match body? {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Object(fields) if media_type.eq_ignore_ascii_case(FORM) => Some(encode_form(fields).into_bytes()),
        other => Some(other.to_string().into_bytes()),
    }
}

/// Encodes the fields of a form: a list repeats its field, a missing value leaves it out.
fn encode_form(fields: &Map) -> String {
    let mut form = Url::parse("form:").expect("a scheme alone is a URL");
    let mut pairs = form.query_pairs_mut();
    for (name, field) in fields {
        let values = field.as_array().map_or(std::slice::from_ref(field), Vec::as_slice);
        for value in values.iter().filter(|value| !value.is_null()) {
            pairs.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    drop(pairs);
    form.query().unwrap_or_default().to_owned()
}

/// Reads milliseconds, as a number or as text; zero means no limit of its own.
fn timeout(fields: &Map, name: &'static str) -> Result<Duration, Error> {
    let millis = match present(fields, name) {
        None => return Ok(TIMEOUT_DEFAULT),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(TIMEOUT_DEFAULT),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(Value::Number(number)) => number
            .as_u64()
            .map(Duration::from_millis)
            .or_else(|| number.as_f64().and_then(|millis| Duration::try_from_secs_f64(millis / 1_000.0).ok()))
            .and_then(|duration| u64::try_from(duration.as_millis()).ok()),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_) | Value::Null) => None,
    };
    match millis.ok_or(Error::Field { field: name, expected: "a number of milliseconds" })? {
        0 => Ok(TIMEOUT_MAX),
        millis => Ok(Duration::from_millis(millis).min(TIMEOUT_MAX)),
    }
}

fn flag(fields: &Map, name: &'static str) -> Result<bool, Error> {
    match present(fields, name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::String(text)) if text == "true" || text == "false" => Ok(text == "true"),
        Some(_) => Err(Error::Field { field: name, expected: "true or false" }),
    }
}

fn optional_text<'f>(fields: &'f Map, name: &'static str) -> Result<Option<&'f str>, Error> {
    match present(fields, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::Field { field: name, expected: "text" }),
    }
}

fn present<'f>(fields: &'f Map, name: &str) -> Option<&'f Value> {
    fields.get(name).filter(|value| !value.is_null())
}
