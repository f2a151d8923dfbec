use axum::Json;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::daemon::{self, SignedOut};
use crate::journal::Malformed;
use crate::workflow::registration::ValidationError;

/// What clients read as the name of the machine that answered.
const INSTANCE: &str = "keytide";

/// Why a request is not answered as asked, in Conductor's shape.
#[derive(Clone, Debug)]
pub struct Error {
    status: StatusCode,
    message: String,
    problems: Vec<ValidationError>,
    /// The word by which clients know that they should sign in again.
    code: Option<&'static str>,
}

impl Error {
    /// Returns an error.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), problems: Vec::new(), code: None }
    }

    /// Returns the error of a request that is wrong.
    pub(super) fn wrong(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Returns the error of a definition that is not registered.
    pub(super) fn invalid(problems: Vec<ValidationError>) -> Self {
        let message = "Validation failed, check below errors for detail.".to_owned();
        Self { problems, ..Self::wrong(message) }
    }

    /// Returns the error of something that is not there.
    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// Returns the error of a mistake of ours, of which clients need to know no more.
    pub(super) fn ours() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "keytide made a mistake; its log says more")
    }

    /// Clients ask for a new token where they read one of these two words, and try once more; a wrong key has neither.
    fn signed_out(why: SignedOut, message: String) -> Self {
        let code = match why {
            SignedOut::Expired => Some("EXPIRED_TOKEN"),
            SignedOut::Invalid | SignedOut::NoToken => Some("INVALID_TOKEN"),
            SignedOut::WrongKey | SignedOut::DeadLink => None,
        };
        Self { code, ..Self::new(StatusCode::UNAUTHORIZED, message) }
    }

    /// Returns whether something is not there.
    pub(super) fn is_missing(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    /// Returns what is wrong, for a result that lists what went wrong by name.
    pub(super) fn into_message(self) -> String {
        self.message
    }

    fn body(self) -> Value {
        let mut body = json!({
            "status": self.status.as_u16(),
            "message": self.message,
            "instance": INSTANCE,
            "retryable": self.status == StatusCode::SERVICE_UNAVAILABLE,
        });
        if let Some(code) = self.code {
            body["error"] = code.into();
        }
        if !self.problems.is_empty() {
            body["validationErrors"] = json!(self.problems);
        }
        body
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}

impl From<daemon::Error> for Error {
    fn from(error: daemon::Error) -> Self {
        use daemon::Error as Cause;
        let message = error.to_string();
        let (status, problems) = match error {
            Cause::NotFound(_) => (StatusCode::NOT_FOUND, Vec::new()),
            Cause::Conflict(_) | Cause::Forked(_) => (StatusCode::CONFLICT, Vec::new()),
            Cause::Invalid { problems, .. } => (StatusCode::BAD_REQUEST, problems),
            Cause::SignedOut(signed_out) => return Self::signed_out(signed_out, message),
            Cause::Impatient(_) => (StatusCode::TOO_MANY_REQUESTS, Vec::new()),
            Cause::Denied(_) => (StatusCode::FORBIDDEN, Vec::new()),
            Cause::Key(_) => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
            Cause::Busy(_) | Cause::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, Vec::new()),
        };
        Self { problems, ..Self::new(status, message) }
    }
}

impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<BytesRejection> for Error {
    fn from(rejection: BytesRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::wrong(malformed.to_string())
    }
}

/// Answers a path that is no route.
pub(super) async fn no_such_route(uri: Uri) -> Error {
    Error::missing(format!("No static resource {}.", uri.path().trim_start_matches('/')))
}

/// Answers a route that is there for other methods.
pub(super) async fn wrong_method(method: Method) -> Error {
    Error::new(StatusCode::METHOD_NOT_ALLOWED, format!("Request method '{method}' is not supported"))
}
