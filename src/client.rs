//! Our own client of the API that we and Conductor share: over the daemon's socket, or of a server somewhere.
//!
//! **Architecture Invariant:** it speaks to the socket or the server that it is given and to nothing else: no proxy is asked,
//! no redirect followed, so that a token goes where it belongs.

use std::path::Path;
use std::time::Duration;

pub use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Url, redirect};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::words::Sensitive;

/// How long an answer may take; a long poll of ours never waits longer.
const PATIENCE: Duration = Duration::from_secs(90);

/// The longest answer that is read: all definitions of a large cluster are a few MiB.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Somebody who answers: a daemon on its socket, or a server.
pub struct Client {
    http: reqwest::Client,
    /// What stands before the path, without a slash at its end.
    base: String,
    /// What people know it by.
    name: String,
    runtime: Runtime,
}

/// A request.
pub struct Request<'a> {
    /// What to do.
    pub method: Method,
    /// Where: the segments of the path, as they are.
    pub path: &'a [&'a str],
    /// What stands behind the `?`.
    pub query: &'a [(&'a str, &'a str)],
    /// What is sent.
    pub body: Option<&'a Value>,
}

/// What was answered.
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body: JSON where it is JSON, else text.
    pub body: Value,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client could not be made.
    #[error("cannot make a client: {0}")]
    Setup(String),
    /// The address is none.
    #[error("`{0}` is no address of a server, as http://localhost:8080 is")]
    Address(String),
    /// Nobody answers.
    #[error("{0} does not answer: {1}")]
    Unreachable(String, #[source] reqwest::Error),
    /// The answer has no end.
    #[error("{0} answers with more than {ANSWER_BYTES_MAX} bytes, which is the limit")]
    TooLong(String),
}

impl Client {
    /// Returns a client of the daemon on this socket; whether one answers, its first call says.
    pub fn on_socket(socket: &Path) -> Result<Self, Error> {
        let builder = reqwest::Client::builder().unix_socket(socket);
        Self::new(builder, "http://localhost".to_owned(), "the daemon's socket".to_owned())
    }

    /// Returns a client of a server. Its address may end in `/api`, as Conductor's clients have it.
    pub fn of_server(address: &str, token: Option<&Sensitive>) -> Result<Self, Error> {
        let wrong = || Error::Address(address.to_owned());
        let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(wrong)?;
        if url.cannot_be_a_base() || !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(wrong());
        }
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token.expose())
                .map_err(|_| Error::Setup("the token of the server holds what no header may".to_owned()))?;
            value.set_sensitive(true);
            headers.insert("X-Authorization", value);
        }
        let base = url.as_str().trim_end_matches('/');
        let base = base.strip_suffix("/api").unwrap_or(base).to_owned();
        Self::new(reqwest::Client::builder().default_headers(headers), base.clone(), base)
    }

    fn new(builder: reqwest::ClientBuilder, base: String, name: String) -> Result<Self, Error> {
        let builder = builder.no_proxy().redirect(redirect::Policy::none()).timeout(PATIENCE);
        let http = builder.build().map_err(|error| Error::Setup(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self { http, base, name, runtime: runtime.map_err(|error| Error::Setup(error.to_string()))? })
    }

    /// Returns the runtime that calls are made on, for what waits between them.
    pub const fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Makes a call and waits for its answer.
    pub fn call(&self, request: &Request<'_>) -> Result<Reply, Error> {
        self.runtime.block_on(self.answer(request))
    }

    /// Makes a call, for who makes several at once on [`Client::runtime`].
    pub async fn answer(&self, request: &Request<'_>) -> Result<Reply, Error> {
        let path = request.path.iter().map(|part| encoded(part)).collect::<Vec<_>>().join("/");
        let mut call = self.http.request(request.method.clone(), format!("{}/{path}", self.base)).query(request.query);
        if let Some(body) = request.body {
            call = call.json(body);
        }
        let mut response = call.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(Error::TooLong(self.name.clone()));
            }
            bytes.extend_from_slice(&chunk);
        }
        let text = String::from_utf8_lossy(&bytes);
        let body = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()));
        Ok(Reply { status, body })
    }

    fn unreachable(&self, error: reqwest::Error) -> Error {
        Error::Unreachable(self.name.clone(), error.without_url())
    }
}

/// Returns one segment of a path.
fn encoded(segment: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    segment.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn a_name_is_one_segment_whatever_is_in_it() {
        assert_eq!(encoded("a/b ü?%.-_~"), "a%2Fb%20%C3%BC%3F%25.-_~");
    }
}
