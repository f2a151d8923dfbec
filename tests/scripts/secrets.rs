//! Secrets in what a script sees: resolved just before it runs, for who may read them, and masked with all that it gives.

use keytide::access::{Authority, Ruled};
use keytide::engine::Language;
use serde_json::json;

use crate::rig::Rig;

const REFERENCE: &str = "${workflow.secrets.token}";

#[test]
fn a_secret_in_the_input_is_resolved_and_masked_with_the_result() {
    let rig = Rig::new(4_000);
    rig.ask(1, 1, Language::JavaScript, "({r: $.t.split('').reverse().join(''), n: 1})", json!({"t": REFERENCE}));
    let told = rig.told();
    let reversed: String = "canary-of-the-token".chars().rev().collect();
    assert_eq!(told.result, Ok(json!({"r": reversed, "n": 1})));
    for value in ["canary-of-the-token", &reversed] {
        assert!(told.resolved.iter().any(|known| known == value), "{value} is not masked");
    }
}

#[test]
fn more_than_can_be_masked_is_refused_where_secrets_are_seen() {
    let rig = Rig::new(4_000);
    let many = "Array.from({length: 1001}, (_, n) => 'text ' + n)";
    assert!(rig.javascript(many, json!({})).is_ok());
    let reason = rig.javascript(many, json!({"t": REFERENCE})).unwrap_err();
    assert!(reason.contains("may give at most 1000 texts and numbers"), "{reason}");
    assert!(rig.javascript("Array.from({length: 1001}, (_, n) => n % 7)", json!({"t": REFERENCE})).is_ok());
}

#[test]
fn a_secret_in_the_script_itself_is_resolved_too() {
    let told = Rig::new(4_000).jq(&format!("\"{REFERENCE}\" | length"), json!({}));
    assert_eq!(told, Ok(json!(["canary-of-the-token".len()])));
}

#[test]
fn a_secret_that_the_owner_may_not_read_fails_the_script() {
    let rig = Rig::with(4_000, Authority::new(true, Ruled::default()));
    let reason = rig.javascript("1", json!({"t": REFERENCE})).unwrap_err();
    assert_eq!(reason, "secret \"token\" is not available to workflow:w (missing or not granted)");
    rig.is_well();
}

#[test]
fn text_that_only_looks_like_a_reference_is_text() {
    let looks = "$${workflow.secrets.token}";
    let rig = Rig::new(4_000);
    rig.ask(1, 1, Language::JavaScript, "$.t", json!({"t": looks}));
    let told = rig.told();
    assert_eq!(told.result, Ok(json!("${workflow.secrets.token}")));
    assert!(told.resolved.is_empty());
}
