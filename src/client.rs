//! Our own client of the API that we and Conductor share: over the daemon's socket, or of a server somewhere.
//!
//! **Architecture Invariant:** it speaks to the socket or the server that it is given and to nothing else: no proxy is asked,
//! no redirect followed, so that a token goes where it belongs.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Certificate, Url, redirect};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::words::Sensitive;

/// How long an answer may take; a long poll of ours never waits longer.
const PATIENCE: Duration = Duration::from_secs(90);

/// The longest answer that is read: all definitions of a large cluster are a few MiB.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Somebody who answers: a daemon on its socket, or a server.
pub struct Client {
    http: reqwest::Client,
    session: Session,
    /// What stands before the path, without a slash at its end.
    base: String,
    /// What people know it by.
    name: String,
    runtime: Runtime,
}

/// What a client signs in with.
pub enum Login {
    /// A token that somebody else got.
    Token(Sensitive),
    /// The id and the secret of an access key.
    Key(String, Sensitive),
}

/// Who a client is to the server. Tokens end, also while somebody works: a key then gets another one.
#[derive(Default)]
struct Session {
    key: Option<(String, Sensitive)>,
    token: Mutex<Option<Sensitive>>,
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
    /// The key is none of the server's.
    #[error("{0} refuses the access key (status {1})")]
    Refused(String, u16),
}

impl Client {
    /// Returns a client of the daemon on this socket; whether one answers, its first call says.
    pub fn on_socket(socket: &Path) -> Result<Self, Error> {
        let builder = reqwest::Client::builder().unix_socket(socket);
        Self::new(builder, "http://localhost".to_owned(), "the daemon's socket".to_owned())
    }

    /// Returns a client of a server. Its address may end in `/api`, as Conductor's clients have it.
    pub fn of_server(address: &str, login: Option<Login>) -> Result<Self, Error> {
        Self::of_server_with(address, login, None)
    }

    /// Returns a client of a server, which trusts the certificates of this PEM too.
    pub fn of_server_with(address: &str, login: Option<Login>, authorities: Option<&[u8]>) -> Result<Self, Error> {
        let wrong = || Error::Address(address.to_owned());
        let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(wrong)?;
        if url.cannot_be_a_base() || !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(wrong());
        }
        let base = url.as_str().trim_end_matches('/');
        let base = base.strip_suffix("/api").unwrap_or(base).to_owned();
        let session = match login {
            None => Session::default(),
            Some(Login::Token(token)) => Session { key: None, token: Mutex::new(Some(token)) },
            Some(Login::Key(id, secret)) => Session { key: Some((id, secret)), token: Mutex::default() },
        };
        let mut builder = reqwest::Client::builder();
        if let Some(pem) = authorities {
            let all = Certificate::from_pem_bundle(pem).ok().filter(|all| !all.is_empty());
            let wrong = || Error::Setup("the file with authorities holds no certificate as PEM".to_owned());
            builder = builder.tls_certs_merge(all.ok_or_else(wrong)?);
        }
        Ok(Self { session, ..Self::new(builder, base.clone(), base)? })
    }

    fn new(builder: reqwest::ClientBuilder, base: String, name: String) -> Result<Self, Error> {
        let builder = builder.no_proxy().redirect(redirect::Policy::none()).timeout(PATIENCE);
        let http = builder.build().map_err(|error| Error::Setup(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let session = Session::default();
        Ok(Self { http, session, base, name, runtime: runtime.map_err(|error| Error::Setup(error.to_string()))? })
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
        if self.session.key.is_some() && self.token().is_none() {
            self.sign_in().await?;
        }
        let reply = self.send(request).await?;
        if self.session.key.is_some() && is_signed_out(&reply) {
            self.sign_in().await?;
            return self.send(request).await;
        }
        Ok(reply)
    }

    /// Gets a token for the key. Where there is no such route the server is open, as Conductor's clients take it.
    async fn sign_in(&self) -> Result<(), Error> {
        let Some((id, secret)) = &self.session.key else { return Ok(()) };
        // The old token says nothing any more.
        *self.session.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let body = json!({"keyId": id, "keySecret": secret.expose()});
        let request = Request { method: Method::POST, path: &["api", "token"], query: &[], body: Some(&body) };
        let reply = self.send(&request).await?;
        let token = match (reply.status, reply.body["token"].as_str()) {
            (404, _) => Sensitive::new(""),
            (200..300, Some(token)) => Sensitive::new(token),
            (status, _) => return Err(Error::Refused(self.name.clone(), status)),
        };
        *self.session.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        Ok(())
    }

    fn token(&self) -> Option<Sensitive> {
        let token = self.session.token.lock().unwrap_or_else(PoisonError::into_inner);
        token.as_ref().map(|token| Sensitive::new(token.expose()))
    }

    async fn send(&self, request: &Request<'_>) -> Result<Reply, Error> {
        let target = request.target();
        let mut call = self.http.request(request.method.clone(), format!("{}{target}", self.base));
        if let Some(token) = self.token().filter(|token| !token.expose().is_empty()) {
            let mut value = HeaderValue::from_str(token.expose())
                .map_err(|_| Error::Setup("the token of the server holds what no header may".to_owned()))?;
            value.set_sensitive(true);
            call = call.header("X-Authorization", value);
        }
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
        let is_text = response_is_text(response.headers());
        Ok(Reply::read(status, &bytes, is_text))
    }

    fn unreachable(&self, error: reqwest::Error) -> Error {
        Error::Unreachable(self.name.clone(), error.without_url())
    }
}

impl Request<'_> {
    /// Returns the path with what stands behind the `?`.
    pub fn target(&self) -> String {
        let mut path = String::new();
        for part in self.path {
            path.push('/');
            path.push_str(&encoded(part));
        }
        let pair = |(name, value): &(&str, &str)| format!("{}={}", encoded(name), encoded(value));
        let query: Vec<String> = self.query.iter().map(pair).collect();
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }
}

impl Reply {
    /// Reads an answer; what says that it is text is not taken for JSON, whatever it looks like.
    pub fn read(status: u16, bytes: &[u8], is_text: bool) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let json = (!is_text).then(|| serde_json::from_str(&text).ok()).flatten();
        Self { status, body: json.unwrap_or_else(|| Value::String(text.into_owned())) }
    }
}

fn response_is_text(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// Returns whether a new token would be taken.
fn is_signed_out(reply: &Reply) -> bool {
    reply.status == 401 && matches!(reply.body["error"].as_str(), Some("EXPIRED_TOKEN" | "INVALID_TOKEN"))
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
