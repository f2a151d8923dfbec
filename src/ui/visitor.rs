use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::HeaderName;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{DOCTYPE, html};

use crate::daemon::Listed;
use crate::ui::{Failure, House};
use crate::words::{Owner, Sensitive};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who looks at a page.
#[derive(Clone)]
pub(super) struct Visitor {
    /// Whose rights they have.
    pub(super) who: Owner,
    /// What the forms that they are shown carry.
    pub(super) form_token: Sensitive,
    /// What the audit was last told of their pages.
    pub(super) listed: Arc<Listed>,
    /// The cookie of their session; none where nobody signs in.
    pub(super) session: Option<Sensitive>,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| stranger(parts))
    }
}

/// Who may have signed in, for the pages that everybody sees.
pub(super) struct MaybeVisitor(pub(super) Option<Visitor>);

impl FromRequestParts<Arc<House>> for MaybeVisitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<House>) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get::<Visitor>().cloned()))
    }
}

/// Answers who has not signed in, or whose session is over.
fn stranger(parts: &Parts) -> Response {
    if parts.method != Method::GET {
        let message = "your session is over: sign in, and send the form again";
        return Failure::new(StatusCode::UNAUTHORIZED, message).into_response();
    }
    let is_foreign =
        parts.headers.get_all(SEC_FETCH_SITE).iter().any(|site| site == "cross-site" || site == "same-site");
    if is_foreign { again(&parts.uri) } else { Redirect::to(&sign_in_path(&parts.uri)).into_response() }
}

/// Browsers leave our cookie out where a link of another site leads here. A page of ours that leads to the same place has
/// them send it.
fn again(uri: &Uri) -> Response {
    let place = local_path(uri);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content={ "0; url=" (place) };
                title { "keytide" }
            }
            body { p { a href=(place) { "Go on to keytide" } } }
        }
    }
    .into_response()
}

fn sign_in_path(uri: &Uri) -> String {
    match local_path(uri).as_str() {
        "/" => "/sign-in".to_owned(),
        place => format!("/sign-in?to={}", crate::words::percent_encoded(place)),
    }
}

/// Returns where somebody wanted to go, as far as it is ours: one slash, and no host.
fn local_path(uri: &Uri) -> String {
    let place = uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
    safe_path(place).unwrap_or("/").to_owned()
}

/// Returns a path to go to, where it leads to a page of ours and nowhere else.
pub(super) fn safe_path(place: &str) -> Option<&str> {
    let is_ours = place.starts_with('/') && !place.starts_with("//") && !place.contains('\\');
    (is_ours && place.bytes().all(|byte| byte.is_ascii_graphic())).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::safe_path;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for place in ["/", "/secrets", "/secrets/a?b=c#d", "/a//b"] {
            assert_eq!(safe_path(place), Some(place));
        }
        for place in ["", "//evil.com", "/\\evil.com", "https://evil.com", "evil.com", "/a\nb", "/\t/evil.com", "/ö"] {
            assert_eq!(safe_path(place), None, "{place}");
        }
    }
}
