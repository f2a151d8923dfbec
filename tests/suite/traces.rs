//! Traces, as a collector gets them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

use super::rig::{Running, Test};

const SECRET: &str = "sk-canary-90ab41";

/// A request that somebody got: its head in lower case, and its body.
struct Got {
    head: String,
    body: String,
}

/// Answers every request in this way, and hands it on.
fn server(answers: &'static [&'static str]) -> (SocketAddr, Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (told, got) = channel();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let answer = answers[number.min(answers.len() - 1)];
            if told.send(answered(stream.unwrap(), answer)).is_err() {
                return;
            }
        }
    });
    (address, got)
}

fn answered(stream: TcpStream, answer: &str) -> Got {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
    }
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
    reader.get_mut().write_all(answer.as_bytes()).unwrap();
    Got { head, body: String::from_utf8(body).unwrap() }
}

fn project(service: SocketAddr) -> Test {
    let call = format!(
        r#"{{"name": "call", "version": 2, "tasks": [{{"name": "get", "taskReferenceName": "get", "type": "HTTP",
            "inputParameters": {{"uri": "http://{service}/path-canary?query=canary", "method": "POST",
            "headers": {{"x-key": "${{workflow.secrets.key}}"}}, "body": {{"k": "${{workflow.secrets.key}}"}}}}}}]}}"#
    );
    let outer = r#"{"name": "outer", "version": 1, "tasks": [{"name": "sub", "taskReferenceName": "sub",
        "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "call", "version": 2}}]}"#;
    Test::new().secret("key", SECRET).file("workflows/call.json", &call).file("workflows/outer.json", outer)
}

fn collected(test: Test, collector: SocketAddr) -> Test {
    test.variable("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{collector}"))
        .variable("OTEL_EXPORTER_OTLP_HEADERS", "x-collector-key=some%20key")
        .variable("OTEL_SERVICE_NAME", "rotation")
}

/// Returns the spans of a request to a collector, by name.
fn spans_of(got: &Got) -> Vec<Value> {
    assert!(
        got.head.starts_with("post /v1/traces ") && got.head.contains("content-type: application/json"),
        "{}",
        got.head
    );
    assert!(got.head.contains("x-collector-key: some key"), "{}", got.head);
    assert!(!got.body.contains("canary"), "{}", got.body);
    let body: Value = serde_json::from_str(&got.body).unwrap();
    let resource = &body["resourceSpans"][0];
    assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "rotation");
    resource["scopeSpans"][0]["spans"].as_array().unwrap().clone()
}

fn named<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no `{name}` in {spans:#?}"))
}

fn value<'a>(span: &'a Value, attribute: &str) -> &'a Value {
    let all = span["attributes"].as_array().unwrap();
    let found = all.iter().find(|one| one["key"] == attribute).unwrap_or_else(|| panic!("no {attribute} in {span:#}"));
    found["value"].as_object().unwrap().values().next().unwrap()
}

#[test]
fn a_run_is_one_trace_that_goes_on_at_the_service_and_holds_no_secret() {
    let (service, calls) = server(&["200 OK"]);
    // What is not taken for now comes again.
    let (collector, got) = server(&["503 Service Unavailable", "200 OK"]);
    let test = collected(project(service), collector).file("keytide.toml", "[http]\ntraceparent = true\n");
    let mut serving = Running::serve(&test, &[]);
    serving.until("2 workflows");
    let run = test.keytide(&["run", "outer", "-o", "json"]).success().json();
    let (refused, taken) = (got.recv().unwrap(), got.recv().unwrap());
    assert_eq!(refused.body, taken.body);
    let mut spans = spans_of(&taken);
    while spans.len() < 5 {
        spans.extend(spans_of(&got.recv().unwrap()));
    }
    assert_eq!(serving.stop(), Some(0));
    let [outer, sub, inner, task, call] =
        ["workflow outer", "task sub", "workflow call", "task get", "POST"].map(|name| named(&spans, name));
    for (below, above) in [(sub, outer), (inner, sub), (task, inner), (call, task)] {
        assert_eq!(below["parentSpanId"], above["spanId"], "{below:#} {above:#}");
        assert_eq!(below["traceId"], above["traceId"]);
    }
    assert_eq!(outer["parentSpanId"], "");
    let id = run["workflowId"].as_str().unwrap();
    assert_eq!(outer["traceId"], id.replace('-', ""));
    assert_eq!(
        (value(outer, "conductor.workflow.id"), value(outer, "conductor.workflow.status")),
        (&id.into(), &"COMPLETED".into())
    );
    assert_eq!(
        (value(call, "server.address"), value(call, "http.response.status_code")),
        (&"127.0.0.1".into(), &"200".into())
    );
    assert_eq!((&call["kind"], &task["kind"]), (&3.into(), &1.into()));
    let nanoseconds = |span: &Value, field: &str| span[field].as_str().unwrap().parse::<u64>().unwrap();
    for span in &spans {
        assert!(nanoseconds(span, "startTimeUnixNano") <= nanoseconds(span, "endTimeUnixNano"), "{span:#}");
        assert_eq!(span["status"]["code"], 0, "{span:#}");
    }
    let [trace, span] = ["traceId", "spanId"].map(|field| call[field].as_str().unwrap());
    let head = calls.recv().unwrap().head;
    assert!(head.contains(&format!("traceparent: 00-{trace}-{span}-01\r\n")), "{head}");
}

/// Starts a workflow by the port, with these headers beside what a request needs.
fn start(address: &str, name: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/workflow/{name} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: 2\r\n\r\n{{}}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, id) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    id.to_owned()
}

#[test]
fn an_execution_goes_on_with_the_trace_of_who_started_it_where_that_is_one() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";
    let (service, calls) = server(&["200 OK"]);
    let (collector, got) = server(&["200 OK"]);
    let test = collected(project(service), collector).file("keytide.toml", "[http]\ntraceparent = true\n");
    let mut serving = Running::serve(&test, &["--open", "--listen", "127.0.0.1:0"]);
    let said = serving.until("listening on http://127.0.0.1:");
    serving.until("2 workflows");
    let address = said.split("http://").nth(1).unwrap().split(['/', ' ', ',', ';']).next().unwrap().to_owned();
    let good = format!("traceparent: 00-{TRACE}-{SPAN}-01\r\n");
    let twice = good.repeat(2);
    let mut ids = BTreeMap::new();
    for (what, headers) in [("none", ""), ("good", &*good), ("twice", &*twice), ("bad", "traceparent: 00-0-0-01\r\n")] {
        ids.insert(what, start(&address, "outer", headers));
    }
    let mut spans = Vec::new();
    // Each is two executions, two tasks and a call.
    while spans.len() < 5 * ids.len() {
        spans.extend(spans_of(&got.recv().unwrap()));
    }
    for (what, id) in &ids {
        let workflow =
            |span: &&Value| span["name"] == "workflow outer" && value(span, "conductor.workflow.id") == id.as_str();
        let outer = spans.iter().find(workflow).unwrap();
        let (trace, parent) = if *what == "good" { (TRACE.to_owned(), SPAN) } else { (id.replace('-', ""), "") };
        assert_eq!((&outer["traceId"], &outer["parentSpanId"]), (&trace.clone().into(), &parent.into()), "{what}");
        let below: Vec<_> = spans.iter().filter(|span| span["traceId"] == *trace).collect();
        assert_eq!(below.len(), 5, "{what}: what is below it is in its trace: {below:#?}");
    }
    let heads: Vec<_> = ids.iter().map(|_| calls.recv().unwrap().head).collect();
    assert_eq!(heads.iter().filter(|head| head.contains(&format!("traceparent: 00-{TRACE}-"))).count(), 1, "{heads:?}");
    assert!(heads.iter().all(|head| !head.contains(SPAN)), "a call names its own span: {heads:?}");
    assert_eq!(serving.stop(), Some(0));
}

#[test]
fn a_run_that_a_retry_takes_up_again_is_another_span() {
    let (service, _calls) = server(&["400 no", "200 OK"]);
    let (collector, got) = server(&["200 OK"]);
    let test = collected(project(service), collector);
    let mut serving = Running::serve(&test, &[]);
    serving.until("2 workflows");
    let run = test.keytide(&["run", "outer", "-o", "json"]).fails(1).json();
    let id = run["workflowId"].as_str().unwrap();
    test.keytide(&["workflow", "retry", id, "--resume-subworkflow-tasks"]).success();
    let mut spans: Vec<Value> = Vec::new();
    let ended = |spans: &[Value]| spans.iter().filter(|span| span["name"] == "workflow outer").count();
    while ended(&spans) < 2 {
        spans.extend(spans_of(&got.recv().unwrap()));
    }
    assert_eq!(serving.stop(), Some(0));
    let ids: BTreeSet<_> = spans.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), spans.len(), "{spans:#?}");
}

#[test]
fn what_failed_is_told_so_and_a_service_hears_of_no_trace_where_nobody_wants_it() {
    let (service, calls) = server(&["500 canary"]);
    let (collector, got) = server(&["200 OK"]);
    let test = collected(project(service), collector);
    // A process that ends sends the last of them before.
    test.keytide(&["run", "call"]).fails(1);
    let spans = spans_of(&got.recv().unwrap());
    for name in ["workflow call", "task get", "POST"] {
        assert_eq!(named(&spans, name)["status"]["code"], 2, "{name}");
    }
    assert!(!calls.recv().unwrap().head.contains("traceparent"));
}

#[test]
fn a_collector_that_is_not_there_holds_up_nothing_and_a_wrong_one_is_said() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (service, _calls) = server(&["200 OK"]);
    let test = collected(project(service), free);
    test.keytide(&["run", "call"]).success();
    let test = test.variable("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    test.keytide(&["run", "call"]).fails(2).tells("http/json");
}
