//! Secrets that must be seen nowhere, and a day with them: rotations that go well, that are refused and that get nonsense, a
//! worker that tells too much, and a client that pastes a value where none belongs.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::any;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::forms::forms;
use crate::server::Server;

/// What values look like: each has in it what no other text has, its mark.
const KINDS: [&str; 6] = ["plain", "json", "lines", "unicode", "html", "base64"];

/// How often each value changes.
const GENERATIONS: usize = 4;

/// What every mark begins with, so that a test knows a value when it sees one.
pub(crate) const MARK: &str = "Cnry9";

fn mark(kind: &str, generation: usize) -> String {
    format!("{MARK}{kind}{generation}Qz7")
}

fn value(kind: &str, generation: usize) -> String {
    let mark = mark(kind, generation);
    match kind {
        "json" => json!({"user": "deploy", "password": mark, "note": "say \"so\""}).to_string(),
        "lines" => format!("-----BEGIN KEY-----\n{mark}0123456789abcdef\n{mark}fedcba9876543210\n-----END KEY-----\n"),
        "unicode" => format!("schlüssel-🔑-{mark}-Ω"),
        "html" => format!("<b title=\"{mark}\">&'</b>"),
        "base64" => format!("{mark}AAECAwQFBgcICQ=="),
        _ => format!("tok-{mark}"),
    }
}

/// What a caller of the issuer told it, as a careless service says it again.
fn echoed(headers: &HeaderMap, body: &str) -> Value {
    let headers: BTreeMap<_, _> =
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or(""))).collect();
    json!({"headers": headers, "body": body})
}

/// Answers with a new value and all that it was told; refuses; or answers with a page. Each has a value in it.
async fn issue(
    Path((how, kind, generation)): Path<(String, String, usize)>,
    headers: HeaderMap,
    body: String,
) -> impl IntoResponse {
    let (value, echo) = (value(&kind, generation), echoed(&headers, &body));
    match how.as_str() {
        "refused" => {
            (StatusCode::FORBIDDEN, Json(json!({"error": format!("no: {echo}"), "echo": echo}))).into_response()
        }
        "nonsense" => (StatusCode::OK, format!("<html>{body}</html>")).into_response(),
        _ => Json(json!({"value": value, "echo": echo})).into_response(),
    }
}

fn call(uri: &str, kind: &str) -> Value {
    let current = format!("${{workflow.secrets.{kind}}}");
    json!({"name": "fetch", "taskReferenceName": "fetch", "type": "HTTP", "retryCount": 0, "inputParameters": {
        "uri": uri, "method": "POST", "contentType": "application/json",
        "headers": {"Authorization": "Bearer ${workflow.secrets.plain}"},
        "body": {"old": current, "text": format!("<i>{current}</i>")},
    }})
}

fn rotation(name: &str, uri: &str, kind: &str) -> Value {
    let keep = json!({"name": "keep", "taskReferenceName": "keep", "type": "UPDATE_SECRET", "inputParameters": {
        "_secrets": {"secretKey": kind, "secretValue": "${fetch.output.response.body.value}"},
    }});
    let seen = json!({"name": "seen", "taskReferenceName": "seen", "type": "SET_VARIABLE", "inputParameters": {
        "echo": "${fetch.output.response.body.echo}",
    }});
    json!({"name": name, "version": 1, "tasks": [call(uri, kind), keep, seen],
        "outputParameters": {"echo": "${fetch.output.response.body.echo}"}})
}

/// What there is after the day, to ask for.
pub(crate) struct Day {
    pub(crate) workflows: Vec<String>,
    pub(crate) executions: Vec<String>,
    pub(crate) tasks: Vec<String>,
}

/// The last workflow that runs: who listens has heard all once this is told.
pub(crate) const LAST: &str = "the_last_one";

impl Day {
    pub(crate) const SECRETS: [&str; 6] = KINDS;

    /// Has all of it happen.
    pub(crate) fn on(server: &Server) -> Self {
        let mut day = Self { workflows: Vec::new(), executions: Vec::new(), tasks: Vec::new() };
        let issuer = issuer(server);
        for kind in KINDS {
            put(server, kind, &value(kind, 0));
        }
        for (number, how) in ["issued", "refused", "nonsense", "issued"].into_iter().enumerate() {
            for kind in KINDS {
                let name = format!("{how}_{kind}");
                let uri = format!("{issuer}/{how}/{kind}/{}", number + 1);
                let definition = rotation(&name, &uri, kind);
                let answer = server.json("PUT", "/api/metadata/workflow", &json!([definition]));
                assert_eq!(answer.status, 200, "{answer:?}");
                let ends = if how == "issued" { "COMPLETED" } else { "FAILED" };
                day.runs(server, &name, &json!({}), ends);
            }
        }
        day.work(server);
        let pasted: Vec<_> = KINDS.iter().map(|kind| value(kind, 1)).collect();
        let noop =
            json!({"name": LAST, "version": 1, "tasks": [{"name": "n", "taskReferenceName": "n", "type": "NOOP"}]});
        assert_eq!(server.json("PUT", "/api/metadata/workflow", &json!([noop])).status, 200);
        day.runs(server, LAST, &json!({"pasted": pasted, "deep": {"again": pasted.concat()}}), "COMPLETED");
        for execution in &day.executions {
            let whole = server.get(&format!("/api/workflow/{execution}")).json();
            let tasks = whole["tasks"].as_array().unwrap().iter();
            day.tasks.extend(tasks.map(|task| task["taskId"].as_str().unwrap().to_owned()));
        }
        for kind in KINDS {
            assert_eq!(server.get(&format!("/api/secrets/{kind}")).body, value(kind, GENERATIONS), "it was rotated");
        }
        day
    }

    fn runs(&mut self, server: &Server, name: &str, input: &Value, ends: &str) {
        let answer = server.json("POST", &format!("/api/workflow/{name}"), input);
        assert_eq!(answer.status, 200, "{answer:?}");
        server.until(&format!("/api/workflow/{}", answer.body), |one| one["status"] == ends);
        self.workflows.push(name.to_owned());
        self.executions.push(answer.body);
    }

    /// A worker that writes the values into its log, its output and the reason of its failure.
    fn work(&mut self, server: &Server) {
        let task = json!({"name": "work", "taskReferenceName": "work", "type": "SIMPLE", "retryCount": 0});
        let definition = json!({"name": "worked", "version": 1, "tasks": [task]});
        assert_eq!(server.json("PUT", "/api/metadata/workflow", &json!([definition])).status, 200);
        let execution = server.json("POST", "/api/workflow/worked", &json!({})).body;
        let task = server.get("/api/tasks/poll/batch/work?timeout=5000&count=1").json()[0]["taskId"]
            .as_str()
            .unwrap()
            .to_owned();
        let all: Vec<_> = KINDS.iter().map(|kind| value(kind, GENERATIONS)).collect();
        for value in &all {
            let answer = server.json("POST", &format!("/api/tasks/{task}/log"), &json!(format!("it is {value}")));
            assert!(answer.status < 300, "{answer:?}");
        }
        let told = json!({"workflowInstanceId": execution, "taskId": task, "status": "FAILED",
            "outputData": {"all": all}, "reasonForIncompletion": format!("no: {}", all.concat())});
        assert_eq!(server.json("POST", "/api/tasks", &told).status, 200);
        server.until(&format!("/api/workflow/{execution}"), |one| one["status"] == "FAILED");
        self.workflows.push("worked".to_owned());
        self.executions.push(execution);
    }
}

fn put(server: &Server, name: &str, value: &str) {
    let answer = server.json("PUT", &format!("/api/secrets/{name}"), &json!(value));
    assert!(answer.status < 300, "{name}: {answer:?}");
}

/// Begins to issue, until the runtime of the daemon is gone.
fn issuer(server: &Server) -> String {
    let runtime = server.daemon().runtime();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/{how}/{kind}/{generation}", any(issue));
    runtime.spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Finds every value in every form, and every part of one that has its mark in it.
pub(crate) struct Scan {
    forms: Vec<String>,
    automaton: AhoCorasick,
}

impl Scan {
    pub(crate) fn new() -> Self {
        let marks = KINDS.iter().flat_map(|kind| (0..=GENERATIONS).map(|generation| (*kind, generation)));
        let all = marks.flat_map(|(kind, generation)| {
            forms(&mark(kind, generation))
                .into_iter()
                .map(move |(form, text)| (format!("{kind} {generation} as {form}"), text))
        });
        let (forms, texts): (Vec<_>, Vec<_>) = all.unzip();
        Self { forms, automaton: AhoCorasick::new(texts).unwrap() }
    }

    /// Fails where a text has anything of a value.
    pub(crate) fn finds_nothing_in(&self, place: &str, text: &str) {
        if let Some(found) = self.automaton.find(text) {
            let around = text.get(found.start().saturating_sub(200)..found.end().min(text.len())).unwrap_or_default();
            panic!("{place} holds {}: {around}", self.forms[found.pattern().as_usize()]);
        }
    }
}
