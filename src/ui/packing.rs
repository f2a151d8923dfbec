//! Packs pages and files of ours on their way, where nobody learns anything from how small they get.

use axum::extract::Request;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::Response;
use tower_http::CompressionLevel;
use tower_http::compression::{CompressionLayer, Predicate};

/// What is packed: text that is whole. News that has no end is not.
const KINDS: [&str; 4] = ["text/html", "text/css", "text/javascript", "image/svg+xml"];

/// Packs what may be packed. Rows of a table are alike, so the quickest way already makes a twentieth of them.
pub(super) fn layer() -> CompressionLayer<Harmless> {
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(Harmless)
}

/// Says of an answer that it may be packed: it has nothing in it that its address says. What somebody chooses, next to the
/// token of a form, would tell by the size of the packed whether it has a part of the token in it.
pub(super) async fn mark(request: Request, next: Next) -> Response {
    let says_nothing = request.method() == Method::GET && request.uri().query().is_none();
    let mut response = next.run(request).await;
    if says_nothing && response.status().is_success() {
        response.extensions_mut().insert(Harmless);
    }
    response
}

/// What may be packed.
#[derive(Clone, Copy)]
pub(super) struct Harmless;

impl Predicate for Harmless {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default();
        response.extensions().get::<Self>().is_some() && KINDS.contains(&kind)
    }
}
