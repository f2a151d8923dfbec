use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;

use crate::daemon;
use crate::ui::parts::layout;

/// Why a page is not shown as asked.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// Returns the failure of a form that is wrong.
    pub(super) fn wrong(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Returns the failure of something that is not there.
    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// Returns the failure of a mistake of ours.
    pub(super) fn ours() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "keytide made a mistake; its log says more")
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    fn title(&self) -> &'static str {
        match self.status {
            StatusCode::NOT_FOUND => "Not there",
            StatusCode::FORBIDDEN => "Not allowed",
            StatusCode::UNAUTHORIZED => "Not signed in",
            StatusCode::CONFLICT => "It changed meanwhile",
            StatusCode::TOO_MANY_REQUESTS => "Too often",
            StatusCode::SERVICE_UNAVAILABLE => "Not now",
            status if status.is_server_error() => "A mistake",
            _ => "Not understood",
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let page = layout::bare(
            self.title(),
            &html! {
                h1 { (self.title()) }
                p.message { (sentence(&self.message)) }
                p {
                    @if self.status == StatusCode::UNAUTHORIZED {
                        a.button.primary href="/sign-in" { "Sign in" }
                    } @else {
                        a.button href="/" { "Back to the overview" }
                    }
                }
            },
        );
        (self.status, page).into_response()
    }
}

/// Returns a message as a sentence.
pub(super) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

impl From<daemon::Error> for Failure {
    fn from(error: daemon::Error) -> Self {
        use daemon::Error as Cause;
        let status = match error {
            Cause::NotFound(_) => StatusCode::NOT_FOUND,
            Cause::Conflict(_) | Cause::Forked(_) => StatusCode::CONFLICT,
            Cause::Invalid { .. } => StatusCode::BAD_REQUEST,
            Cause::SignedOut(_) => StatusCode::UNAUTHORIZED,
            Cause::Impatient(_) => StatusCode::TOO_MANY_REQUESTS,
            Cause::Denied(_) => StatusCode::FORBIDDEN,
            Cause::Key(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Cause::Busy(_) | Cause::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}
