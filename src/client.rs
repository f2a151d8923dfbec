//! Our own client of our own API, over the daemon's socket.

use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

/// How long an answer may take; a long poll of ours never waits longer.
const PATIENCE: Duration = Duration::from_secs(90);

/// A daemon that answers on a socket.
pub struct Client {
    http: reqwest::Client,
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
    Setup(#[source] reqwest::Error),
    /// The daemon does not answer.
    #[error("the daemon does not answer on its socket: {0}")]
    Unreachable(#[source] reqwest::Error),
}

impl Client {
    /// Returns a client of the daemon on this socket.
    pub fn on_socket(socket: &Path) -> Result<Self, Error> {
        let builder = reqwest::Client::builder().unix_socket(socket).no_proxy().timeout(PATIENCE);
        Ok(Self { http: builder.build().map_err(Error::Setup)? })
    }

    /// Makes a call; `path` begins with `/api/` or is `/health`.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Reply, Error> {
        let mut request = self.http.request(method, format!("http://localhost{path}"));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| Error::Unreachable(error.without_url()))?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(|error| Error::Unreachable(error.without_url()))?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Reply { status, body })
    }
}
