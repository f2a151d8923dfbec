//! Our own client of our own API, over the daemon's socket.
//!
//! **Architecture Invariant:** it speaks to the socket that it is given and to nothing else; no proxy is asked.

use std::path::Path;
use std::time::Duration;

pub use reqwest::Method;
use serde_json::Value;
use tokio::runtime::Runtime;

/// How long an answer may take; a long poll of ours never waits longer.
const PATIENCE: Duration = Duration::from_secs(90);

/// A daemon that answers on a socket.
pub struct Client {
    http: reqwest::Client,
    runtime: Runtime,
}

/// A request to the daemon.
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

/// What the daemon answered.
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
    /// The daemon does not answer.
    #[error("the daemon does not answer on its socket: {0}")]
    Unreachable(#[source] reqwest::Error),
}

impl Client {
    /// Returns a client of the daemon on this socket; whether one answers, its first call says.
    pub fn on_socket(socket: &Path) -> Result<Self, Error> {
        let builder = reqwest::Client::builder().unix_socket(socket).no_proxy().timeout(PATIENCE);
        let http = builder.build().map_err(|error| Error::Setup(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self { http, runtime: runtime.map_err(|error| Error::Setup(error.to_string()))? })
    }

    /// Returns the runtime that calls are made on, for what waits between them.
    pub const fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Makes a call and waits for its answer.
    pub fn call(&self, request: &Request<'_>) -> Result<Reply, Error> {
        self.runtime.block_on(self.answer(request))
    }

    async fn answer(&self, request: &Request<'_>) -> Result<Reply, Error> {
        let url =
            format!("http://localhost/{}", request.path.iter().map(|part| encoded(part)).collect::<Vec<_>>().join("/"));
        let mut call = self.http.request(request.method.clone(), url).query(request.query);
        if let Some(body) = request.body {
            call = call.json(body);
        }
        let response = call.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(unreachable)?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Reply { status, body })
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

fn unreachable(error: reqwest::Error) -> Error {
    Error::Unreachable(error.without_url())
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn a_name_is_one_segment_whatever_is_in_it() {
        assert_eq!(encoded("a/b ü?%.-_~"), "a%2Fb%20%C3%BC%3F%25.-_~");
    }
}
