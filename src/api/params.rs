use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use crate::api::error::Error;

/// The parameters of a request's query. Clients send `""` and Python's sends `None` for what is absent.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Returns a parameter as text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Returns every value of a parameter.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let given = move |(key, value): &'a (String, String)| (key == name).then_some(value.as_str());
        self.0.iter().filter_map(given).filter(|value| !matches!(*value, "" | "None"))
    }

    /// Returns a parameter as a number.
    pub(super) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Error> {
        let wrong = |text: &str| Error::wrong(format!("{name}: \"{text}\" is not a number that fits"));
        self.text(name).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    }

    /// Returns a parameter that is true or false.
    pub(super) fn flag(&self, name: &str, usual: bool) -> Result<bool, Error> {
        match self.text(name) {
            None => Ok(usual),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => Err(Error::wrong(format!("{name}: \"{text}\" is neither true nor false"))),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Query(pairs) = Query::from_request_parts(parts, state).await?;
        Ok(Self(pairs))
    }
}
