//! Canaries: a value that somebody knows is in no view, no reason, no log and no file, in no encoding.

use std::net::SocketAddr;

use axum::Json;
use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::secret::Write;
use crate::words::{Owner, Sensitive, WorkflowStatus};

use super::world::{KEY_SECRET, World, put, rotation, single};

/// A value with everything in it that an encoding changes.
const SPIKY: &str = "spi ky/secret+\"value\"<&>%canary";

/// Answers with what it was sent, in every encoding: on `/fine` with 200, else with 500.
async fn echo(uri: Uri, headers: HeaderMap, body: String) -> (StatusCode, Json<Value>) {
    let key = headers.get("x-key").map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned()).unwrap_or_default();
    let hex = hex(&key);
    let auth = headers.get("authorization").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let aligned: Vec<String> =
        ["", "a", "ab"].iter().map(|before| BASE64_STANDARD.encode(format!("{before}{key} and more"))).collect();
    let status = if uri.path() == "/fine" { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    let said = json!({
        "uri": uri.to_string(), "raw": format!("the key is {key}."), "hex": hex, "base64": aligned,
        "json": json!({"k": key}).to_string(), "auth": auth, "body": body,
    });
    (status, Json(said))
}

fn start_echo(world: &World) -> SocketAddr {
    world.beside(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, Router::new().fallback(echo)).into_future());
        address
    })
}

fn telling(uri: &str) -> Value {
    let task = json!({
        "name": "tell", "taskReferenceName": "tell", "type": "HTTP",
        "inputParameters": {
            "uri": format!("{uri}?key=${{workflow.secrets.appKeySecret}}"), "method": "PUT",
            "headers": {"X-Key": "${workflow.secrets.spiky}"},
            "auth": {"type": "basic", "username": "me", "password": "${workflow.secrets.appKeySecret}"},
            "contentType": "application/json",
            "body": {"key": "${workflow.secrets.spiky}", "text": "it is ${workflow.secrets.appKeySecret}"},
        },
    });
    let mut definition = single("telling", &task);
    definition["outputParameters"] = json!({"said": "${tell.output.response.body}"});
    definition
}

/// Returns a value in the encodings in which it might come back.
fn forms(value: &str) -> Vec<String> {
    let hex = hex(value);
    let json = json!(value).to_string();
    let url: String = url_encoded(value);
    let aligned = ["", "a", "ab"].iter().map(|before| {
        let whole = BASE64_STANDARD.encode(format!("{before}{value}"));
        // The characters at the ends depend on what stands beside the value.
        whole.get(4..whole.len() - 4).unwrap_or_default().to_owned()
    });
    let inner = json[1..json.len() - 1].to_owned();
    let mut forms: Vec<String> = aligned.chain([value.to_owned(), hex, inner, url]).collect();
    // A view is JSON itself.
    forms.extend(forms.clone().iter().map(|form| json!(form).to_string().trim_matches('"').to_owned()));
    forms
}

fn hex(value: &str) -> String {
    value.bytes().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn url_encoded(value: &str) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    value.bytes().map(|byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn assert_hidden(place: &str, text: &str, value: &str) {
    for form in forms(value) {
        assert!(!text.contains(&form), "{place} shows a secret as `{form}`: {text}");
    }
}

fn assert_hidden_everywhere(world: &World, view: &Value, value: &str) {
    assert_hidden("the view", &view.to_string(), value);
    for form in forms(value) {
        assert_eq!(world.file_with(&form), None, "as `{form}`");
    }
}

#[test]
fn a_value_that_comes_back_in_any_encoding_is_hidden() {
    let world = World::new();
    world.store().update(vec![put("spiky", SPIKY)]).unwrap();
    let echo = start_echo(&world);
    let served = world.serve();
    let (status, view) = served.run(telling(&format!("http://{echo}/fine")));
    assert_eq!(status, WorkflowStatus::Completed, "{view:#}");
    assert_eq!(view["output"]["said"]["raw"], "the key is ***.", "{view:#}");
    for value in [SPIKY, KEY_SECRET] {
        assert_hidden_everywhere(&world, &view, value);
    }
    served.stop();
}

#[test]
fn a_refused_call_names_no_secret_of_its_query_header_or_credentials() {
    let world = World::new();
    world.store().update(vec![put("spiky", SPIKY)]).unwrap();
    let echo = start_echo(&world);
    let served = world.serve();
    for uri in [format!("http://{echo}/refused"), "http://127.0.0.1:1/nobody".to_owned()] {
        let (status, view) = served.run(telling(&uri));
        assert_eq!(status, WorkflowStatus::Failed);
        let reason = view["reasonForIncompletion"].as_str().unwrap();
        // The body that the server sent back begins here.
        let (ours, _) = reason.split_once("\": \"").unwrap_or((reason, ""));
        assert!(!ours.contains("key="), "a reason names no query: {reason}");
        for value in [SPIKY, KEY_SECRET] {
            assert_hidden_everywhere(&world, &view, value);
        }
    }
    served.stop();
}

#[test]
fn masks_outlive_the_secret_and_its_versions() {
    let world = World::new();
    let echo = start_echo(&world);
    world.store().update(vec![put("spiky", SPIKY)]).unwrap();
    let served = world.serve();
    let id = served.start(telling(&format!("http://{echo}/fine")));
    assert_eq!(served.end_of(id), WorkflowStatus::Completed);
    for number in 0..7 {
        let value = Sensitive::new(format!("another-value-{number}"));
        let write = Write { name: "spiky".to_owned(), value, expires: None, plain: false };
        served.ask(served.handle.put_secrets(&Owner::Local, vec![write])).unwrap();
    }
    assert_hidden("a view after seven rotations", &served.view(id).to_string(), SPIKY);
    served.ask(served.handle.remove_secret(&Owner::Local, "spiky")).unwrap();
    assert_hidden("a view after the removal", &served.view(id).to_string(), SPIKY);
    served.stop();
    let served = world.serve();
    assert_hidden("a view after a restart", &served.view(id).to_string(), SPIKY);
    served.stop();
}

#[test]
fn logs_hide_a_fetched_token_before_anybody_looks_at_its_run() {
    let world = World::new();
    let served = world.serve();
    served.start(rotation(&world.issuer.token_url()));
    let token = served.until("the token", || served.secret(super::world::TOKEN));
    served.until("the mask", || (served.masking.current().mask_text(&token) == "***").then_some(()));
    served.stop();
}
