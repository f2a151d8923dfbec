use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use sha2::{Digest, Sha256};

use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure};

/// How many bytes of its digest stand in the path of a file: enough that no two of our versions share them.
const DIGEST_BYTES: usize = 8;

const STYLESHEET: &str = include_str!("assets/keytide.css");
const SCRIPT: &str = include_str!("assets/keytide.js");
const ICON: &str = include_str!("assets/keytide.svg");

/// A file of ours.
struct Asset {
    path: String,
    kind: &'static str,
    content: &'static str,
}

/// The files, each at a path that says what is in it: a browser that has one need not ask for it again.
static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        asset("keytide", "css", "text/css; charset=utf-8", STYLESHEET),
        asset("keytide", "js", "text/javascript; charset=utf-8", SCRIPT),
        asset("keytide", "svg", "image/svg+xml", ICON),
    ]
});

fn asset(name: &str, ending: &str, kind: &'static str, content: &'static str) -> Asset {
    let digest = Sha256::digest(content.as_bytes());
    let number = digest.iter().take(DIGEST_BYTES).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    Asset { path: format!("{name}.{number:016x}.{ending}"), kind, content }
}

pub(super) fn routes() -> Routes {
    Routes::default().open_page("/assets/{file}", file)
}

/// Returns the path of the stylesheet.
pub fn stylesheet() -> String {
    format!("/assets/{}", ASSETS[0].path)
}

/// Returns the path of the script.
pub fn script() -> String {
    format!("/assets/{}", ASSETS[1].path)
}

/// Returns the path of the icon.
pub(super) fn icon() -> String {
    format!("/assets/{}", ASSETS[2].path)
}

async fn file(Path(name): Path<String>) -> Answer {
    let asset =
        ASSETS.iter().find(|asset| asset.path == name).ok_or_else(|| Failure::missing("there is no such file"))?;
    let headers = [(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.content).into_response())
}
