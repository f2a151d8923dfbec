use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::response::{IntoResponse as _, Response};
use subtle::ConstantTimeEq as _;

use crate::ui::{Failure, House, Visitor};
use crate::words::{Sensitive, Timestamp};

/// The field that says that a form is one of ours, shown in this session.
pub(super) const TOKEN_FIELD: &str = "form-token";

/// How many fields a form may have; ours have under ten.
const FIELDS_MAX: usize = 100;

/// What somebody sent by a form.
pub(super) struct Fields(Vec<(String, Sensitive)>);

impl Fields {
    /// Returns a field, or nothing where it is missing.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.expose())
    }

    /// Returns the fields whose names begin so, by the rest of their names.
    pub(super) fn beginning<'f>(&'f self, prefix: &'f str) -> impl Iterator<Item = (&'f str, &'f str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.expose())))
    }

    /// Returns a field without the space around it.
    pub(super) fn trimmed(&self, name: &str) -> &str {
        self.get(name).trim()
    }

    /// Returns whether a box was ticked.
    pub(super) fn is_ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// Returns a text of several lines as it was typed: browsers send every end of a line as two characters.
    pub(super) fn lines(&self, name: &str) -> Sensitive {
        Sensitive::new(self.get(name).replace("\r\n", "\n"))
    }
}

/// Reads the fields of a form that carries no token: there is no session yet.
impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let fields = axum::Form::<Vec<(String, String)>>::from_request(request, state).await;
        let fields = fields.map_err(|rejection| Failure::new(rejection.status(), rejection.body_text()))?.0;
        if fields.len() > FIELDS_MAX {
            return Err(Failure::wrong("the form has too many fields"));
        }
        Ok(Self(fields.into_iter().map(|(name, value)| (name, Sensitive::new(value))).collect()))
    }
}

/// Reads the time of a field; browsers give a local time without seconds, and the field says that it is taken for UTC.
pub(super) fn local_time(text: &str) -> Result<Option<Timestamp>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let read =
        [text.to_owned(), format!("{text}Z"), format!("{text}:00Z")].iter().find_map(|text| Timestamp::parse(text));
    read.map(Some).ok_or_else(|| Failure::wrong(format!("`{text}` is no time: write it as 2026-11-20T12:00")))
}

/// A form of ours, with who sent it: it carries the token of their session.
pub(super) struct Form {
    pub(super) visitor: Visitor,
    pub(super) fields: Fields,
}

impl FromRequest<Arc<House>> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, house: &Arc<House>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, house).await?;
        let request = Request::from_parts(parts, body);
        let fields = Fields::from_request(request, house).await.map_err(Failure::into_response)?;
        let (sent, wanted) = (fields.get(TOKEN_FIELD).as_bytes(), visitor.form_token.expose().as_bytes());
        if bool::from(sent.ct_eq(wanted)) {
            return Ok(Self { visitor, fields });
        }
        let message = "the form is of another session: load the page again, and send it once more";
        Err(Failure::new(axum::http::StatusCode::FORBIDDEN, message).into_response())
    }
}
