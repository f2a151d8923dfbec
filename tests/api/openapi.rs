//! `/openapi.json` is the table of routes, and keeps the rules of OpenAPI 3.1.

use std::collections::HashSet;

use keytide::api::{document, table};
use serde_json::Value;

use crate::contract::{Contract, hold, objects};
use crate::server::{Answer, Server};

#[test]
fn every_route_is_described_and_nothing_else() {
    let document = document();
    let mut described: Vec<(String, String)> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        described.extend(methods.as_object().unwrap().keys().map(|method| (path.clone(), method.to_uppercase())));
    }
    let mut routes: Vec<_> =
        table().into_iter().map(|route| (route.path.to_owned(), route.method.to_string())).collect();
    described.sort();
    routes.sort();
    assert_eq!(described, routes);
}

#[test]
fn the_description_keeps_the_rules_of_openapi() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = HashSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{place}: its id is taken");
            assert!(!operation["summary"].as_str().unwrap().ends_with('.'), "{place}");
            let parameters = operation["parameters"].as_array().unwrap();
            let mut names: Vec<_> = parameters.iter().map(|one| (one["in"].as_str(), one["name"].as_str())).collect();
            let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
            let in_path: Vec<_> = in_path.map(|name| (Some("path"), Some(name))).collect();
            assert_eq!(names.iter().filter(|(place, _)| *place == Some("path")).copied().collect::<Vec<_>>(), in_path);
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), parameters.len(), "{place}: a parameter is there twice");
            assert!(
                operation["responses"].as_object().unwrap().keys().any(|status| status.starts_with('2')),
                "{place}"
            );
            for response in operation["responses"].as_object().unwrap().values() {
                assert!(response["description"].is_string(), "{place}");
            }
            let is_open = operation["x-keytide-needs"]["who"] == "anybody";
            assert_eq!(operation.get("security").is_some(), is_open, "{place}");
        }
    }
}

#[test]
fn every_schema_is_one_and_is_used() {
    // Making the contract holds each against the rules for schemas.
    let document = Contract::new().document;
    let names: Vec<&String> = document["components"]["schemas"].as_object().unwrap().keys().collect();
    let mut found = Vec::new();
    objects("", &document, &mut found);
    let used: HashSet<_> = found
        .iter()
        .filter_map(|(_, fields)| fields.get("$ref")?.as_str()?.strip_prefix("#/components/schemas/"))
        .collect();
    for name in &used {
        assert!(names.iter().any(|known| known.as_str() == *name), "there is no schema {name}");
    }
    let unused: Vec<_> = names.iter().filter(|name| !used.contains(name.as_str())).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn a_wrong_answer_is_found() {
    let json = |status, body: &str| Answer {
        status,
        headers: [(axum::http::header::CONTENT_TYPE, "application/json".parse().unwrap())].into_iter().collect(),
        body: body.to_owned(),
    };
    hold("GET", "/health", &json(200, r#"{"healthy":true,"healthResults":[],"suppressedHealthResults":[]}"#));
    for (method, path, wrong) in [
        ("GET", "/health", json(200, r#"{"healthy":"yes"}"#)),
        ("GET", "/health", json(201, "{}")),
        ("GET", "/api/secrets", json(200, "[1]")),
        ("GET", "/api/secrets/x", json(200, "\"x\"")),
        ("GET", "/api/secrets/x", json(404, r#"{"status":404}"#)),
    ] {
        let found = std::panic::catch_unwind(|| hold(method, path, &wrong));
        assert!(found.is_err(), "{method} {path} {wrong:?}");
    }
}

#[test]
fn it_is_served_to_whoever_signed_in() {
    let server = Server::new();
    assert_eq!(server.get("/openapi.json").json(), document());
    assert_eq!(server.client(None, "GET", "/openapi.json", &Value::Null).status, 401);
    let token = server.signed_in("ci");
    assert_eq!(server.client(Some(&token), "GET", "/openapi.json", &Value::Null).status, 200);
}
