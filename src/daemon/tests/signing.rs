//! GET_SIGNED_JWT: the key comes from the store, and what it signs is shown nowhere.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::world::{World, put};
use crate::words::WorkflowStatus;

fn key() -> String {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", STANDARD.encode(der.as_ref()))
}

/// A token is signed, handed on below a field of another name, and stored.
fn definition() -> Value {
    let sign = json!({"name": "sign", "taskReferenceName": "sign", "type": "GET_SIGNED_JWT", "inputParameters": {
        "issuer": "app-1", "privateKey": "${workflow.secrets.app_key}", "ttlInSecond": 600}});
    let hand_on = json!({"name": "note", "taskReferenceName": "note", "type": "SET_VARIABLE", "inputParameters": {
        "header": "Bearer ${sign.output._secrets.jwt}"}});
    let store = json!({"name": "store", "taskReferenceName": "store", "type": "UPDATE_SECRET", "inputParameters": {
        "_secrets": {"secretKey": "signed", "secretValue": "${sign.output._secrets.jwt}"}}});
    json!({"name": "signing", "tasks": [sign, hand_on, store], "outputParameters": {"sent": "${workflow.variables.header}"}})
}

#[test]
fn a_token_is_signed_with_a_stored_key_and_both_are_masked_wherever_they_go() {
    let world = World::new();
    let (served, key) = (world.serve(), key());
    world.store().update(vec![put("app_key", &key)]).unwrap();
    let (status, view) = served.run(definition());
    assert_eq!(status, WorkflowStatus::Completed, "{view:#}");
    let token = served.secret("signed").unwrap();
    assert_eq!(token.split('.').count(), 3);
    let shown = view.to_string();
    assert!(!shown.contains(&token) && !shown.contains(&key[40..80]), "{view:#}");
    assert_eq!(view["output"]["sent"], "Bearer ***");
    assert!(world.file_with(&token).is_none() && world.file_with(&key[40..80]).is_none());
    served.stop();
}

#[test]
fn a_key_that_is_not_there_fails_the_task_and_is_named() {
    let world = World::new();
    let served = world.serve();
    let (status, view) = served.run(definition());
    assert_eq!(status, WorkflowStatus::Failed);
    assert!(
        view["reasonForIncompletion"].as_str().unwrap().contains("secret \"app_key\" is not available"),
        "{view:#}"
    );
    served.stop();
}
