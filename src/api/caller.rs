use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::api::error::Error;
use crate::daemon::{self, Handle, Still};
use crate::words::{Owner, Sensitive};

/// The header that holds a token, as Conductor's clients send it.
const TOKEN_HEADER: &str = "x-authorization";

/// The token that a request came with, for what waits; none where nobody signs in.
pub(super) struct Ticket(Option<Box<str>>);

impl Ticket {
    /// Says whether it is still good.
    pub(super) fn still(self, handle: &Handle, who: &Owner) -> Still {
        let Some(token) = self.0 else { return Box::new(|| true) };
        let (handle, who) = (handle.clone(), who.clone());
        Box::new(move || handle.is_still_good(&token, &who))
    }
}

/// Who sent the request.
#[derive(Clone, Debug)]
pub(super) struct Caller(pub(super) Owner);

/// What a door says of who sent a request.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// Who can come in by this door is the owner; nobody signs in here.
    Owner,
    /// Whoever signed in, or why nobody did.
    Client(Result<Owner, daemon::Error>),
}

impl Standing {
    /// Returns who acts.
    pub(super) fn caller(self) -> Result<Owner, Error> {
        match self {
            Self::Owner => Ok(Owner::Local),
            Self::Client(client) => Ok(client?),
        }
    }

    /// Looks at a key and its secret, where a request comes with them as user and password.
    pub(super) fn of_scraper(handle: &Handle, headers: &HeaderMap) -> Option<Self> {
        let sent = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, encoded) = sent.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let pair = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (key, secret) = pair.as_deref()?.split_once(':')?;
        Some(Self::Client(handle.opened_by(key, &Sensitive::new(secret))))
    }

    /// Looks at the token of a request.
    pub(super) fn of_client(handle: &Handle, headers: &HeaderMap) -> Self {
        let mut tokens = headers.get_all(TOKEN_HEADER).iter();
        Self::Client(match (tokens.next(), tokens.next()) {
            (None, _) => handle.authenticate(None),
            (Some(token), None) => handle.authenticate(Some(token.to_str().unwrap_or_default())),
            // Which of them is meant is nobody's to guess.
            (Some(_), Some(_)) => Err(handle.refused_token()),
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Standing {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        // A route that no door guards is a mistake of ours, and must not be an open one.
        parts.extensions.get::<Self>().cloned().ok_or_else(Error::ours)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Ticket {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        Ok(Self(match Standing::from_request_parts(parts, state).await? {
            Standing::Owner => None,
            // A copy: the header would keep all that was read of the request.
            Standing::Client(_) => {
                let token = parts.headers.get(TOKEN_HEADER).and_then(|token| token.to_str().ok());
                Some(token.unwrap_or_default().into())
            }
        }))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        Standing::from_request_parts(parts, state).await?.caller().map(Self)
    }
}
