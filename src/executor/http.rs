//! The HTTP task: one call, exactly as the task says, and what came back, raw.
//!
//! What matters most is to know what happened. A call is *not sent* only where no connection was made; once there was one
//! and no whole answer came, its outcome is *unknown*. Calls that change something get a connection of their own: a pooled
//! one may be closed by its server at the moment of use, and nobody could say whether the call arrived.
//!
//! **Architecture Invariant:** the network is touched here and in `client` only. Nothing is taken from the process
//! environment. Reasons name method, host and path, never a query, a header, a body or credentials.

mod body;
mod client;
mod egress;
mod request;
mod response;
mod sketch;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::engine::Answer;
pub use client::HttpClient;
use request::Request;
pub use sketch::Sketch;

/// An input that no call can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no `uri`.
    #[error("Missing HTTP URI.  See documentation for HttpTask for required input parameters")]
    NoUri,
    /// There is no `method`.
    #[error("No HTTP method specified")]
    NoMethod,
    /// A field is not what it must be.
    #[error("`{field}` must be {expected}")]
    Field {
        /// Which.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A header cannot be sent.
    #[error("header `{name}` {problem}")]
    Header {
        /// Its name, or its number where the name is broken.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The certificate authorities cannot be read.
    #[error("the certificates in `{path}` cannot be used: {problem}")]
    Authorities {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The client cannot be made.
    #[error("the HTTP client cannot be made: {problem}")]
    Client {
        /// What is wrong.
        problem: String,
    },
}

/// Makes the call that an input describes; stored secrets are resolved in it. Where the settings want it, the call says to
/// which trace it belongs. Dropping the future ends the call.
pub async fn call(client: &HttpClient, input: &Value, traceparent: impl FnOnce() -> String) -> Answer {
    match Request::parse(input) {
        Ok(request) => client.perform(client.traced(request, traceparent)).await,
        Err(error) => Answer::Failed { reason: error.to_string(), terminal: false },
    }
}
