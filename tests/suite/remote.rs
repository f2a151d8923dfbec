//! Commands that speak to a server over HTTP, as an application with its key.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::Value;

use super::rig::{Running, Test};

const WAITS: &str = r#"{"name": "far_waits", "version": 1, "tasks": [
  {"name": "ask", "taskReferenceName": "ask", "type": "HUMAN"}], "outputParameters": {"said": "${ask.output.said}"}}"#;
const ECHO: &str = r#"{"name": "far_echo", "version": 1, "tasks": [
  {"name": "n", "taskReferenceName": "n", "type": "NOOP"}], "outputParameters": {"x": "${workflow.input.x}"}}"#;

/// A server that is running, and a machine that knows its address and a key.
struct Far {
    here: Test,
    there: Test,
    serving: Running,
    address: String,
}

fn grants() -> String {
    let all = r#"access = ["READ", "CREATE", "UPDATE", "DELETE", "EXECUTE"]"#;
    let of = |on: &str| format!("[[grant]]\nto = \"app:ci\"\non = \"{on}:far_*\"\n{all}\n");
    ["secret", "workflow", "schedule", "environment"].map(of).concat()
}

fn far() -> Far {
    let there = Test::new().file("keytide.toml", &grants());
    let mut serving = Running::serve(&there, &["--listen", "127.0.0.1:0"]);
    let line = serving.until("listening on ");
    let address =
        line.split_whitespace().find(|word| word.starts_with("http")).unwrap().trim_end_matches(',').to_owned();
    let key = there.keytide(&["app", "create", "ci", "-o", "json"]).success().json();
    let text = |field: &str| key[field].as_str().unwrap().to_owned();
    let here = Test::empty()
        .variable("CONDUCTOR_SERVER_URL", &format!("{address}/api"))
        .variable("CONDUCTOR_AUTH_KEY", &text("id"))
        .variable("CONDUCTOR_AUTH_SECRET", &text("secret"));
    Far { here, there, serving, address }
}

#[test]
fn secrets_of_a_server_are_kept_and_shown_as_those_of_a_folder_are() {
    let Far { here, there, serving: _serving, .. } = far();
    let value = "line one\n\"quoted\" \\ 🔑";
    let here = here.stdin(value);
    here.keytide(&["secret", "set", "far_token", "--expires", "90d"]).success().tells("stored far_token v1");
    let here = here.stdin("123");
    here.keytide(&["secret", "put", "far_token"]).success().tells("far_token v2");
    here.keytide(&["secret", "get", "far_token", "--reveal"]).success().stdout("123");
    here.keytide(&["secret", "get", "far_token@previous", "--reveal"]).success().stdout(value);
    there.keytide(&["secret", "get", "far_token@1", "--reveal"]).success().stdout(value);
    let (far, near) = (["secret", "list", "-o", "json"], ["secret", "history", "far_token", "-o", "json"]);
    for command in [&far[..], &near[..], &["secret", "get", "far_token", "-o", "json"]] {
        assert_eq!(here.keytide(command).success().json(), there.keytide(command).success().json(), "{command:?}");
    }
    assert!(!here.keytide(&near).success().json()[1]["expires"].is_null());
    here.keytide(&["secret", "tag", "far_token", "team:build", "by:hand"]).success().stdout("by:hand\nteam:build\n");
    here.keytide(&["secret", "tag", "far_token", "by:"]).success().stdout("team:build\n");
    let tag = |word: &str, tag: &str| here.keytide(&["secret", word, "far_token", "--tag", tag]).success();
    tag("tag-add", "by:hand").stdout("by:hand\nteam:build\n");
    tag("tag-delete", "by:hand").stdout("team:build\n");
    here.keytide(&["secret", "tag-list", "far_token"]).success().stdout("team:build\n");
    here.keytide(&["secret", "rollback", "far_token"]).success().tells("v3");
    here.keytide(&["secret", "exists", "far_token"]).success();
    here.keytide(&["secret", "exists", "far_other"]).fails(1);
    here.keytide(&["secret", "rm", "far_token"]).fails(2).tells("--confirm");
    here.keytide(&["secret", "rm", "far_token", "--confirm", "far_token"]).success();
    here.keytide(&["secret", "get", "far_token", "--reveal"]).fails(3);
}

#[test]
fn a_value_is_never_an_argument_wherever_it_goes() {
    let Far { here, serving: _serving, .. } = far();
    for command in
        [&["secret", "put", "far_token", "canary-in-argv"][..], &["secret", "set", "far_token=canary-in-argv"]]
    {
        let said = here.keytide(command).fails(2).tells("| keytide secret set NAME");
        assert!(!said.stderr.contains("canary"), "{}", said.stderr);
    }
    here.keytide(&["secret", "list", "-o", "json"]).success().stdout("[]\n");
}

#[test]
fn workflows_are_registered_started_and_operated_with_the_words_of_conductors_command_line() {
    let Far { here, serving: _serving, .. } = far();
    let here = here.file("waits.json", WAITS).file("echo.yaml", ECHO).file("input.json", r#"{"x": 2}"#);
    here.keytide(&["workflow", "create", "waits.json"]).success().tells("registered far_waits version 1");
    here.keytide(&["workflow", "create", "waits.json"]).fails(4);
    here.keytide(&["workflow", "create", "waits.json", "--force"]).success();
    here.keytide(&["workflow", "update", "echo.yaml"]).success();
    here.keytide(&["workflow", "list"]).success().prints("far_echo").prints("far_waits");
    let definition = here.keytide(&["workflow", "get", "far_waits", "1"]).success().json();
    assert_eq!(definition["tasks"][0]["type"], "HUMAN");
    here.keytide(&["workflow", "get", "far_nothing"]).fails(3);
    here.keytide(&["run", "far_echo", "-p", "x=1"]).success().prints("\"x\": 1");
    here.keytide(&["run", "echo.yaml", "-p", "x=3"]).success().prints("\"x\": 3");
    let ended = here.keytide(&["workflow", "start", "-w", "far_echo", "-f", "input.json", "--sync"]).success().json();
    assert_eq!((&ended["status"], &ended["output"]["x"]), (&"COMPLETED".into(), &2.into()));
    let start = ["workflow", "start", "-w", "far_waits", "-i", "{}", "--version", "1", "--correlation", "c1"];
    let id = here.keytide(&start).success().stdout.trim().to_owned();
    let status = || here.keytide(&["workflow", "status", &id]).success().stdout.trim().to_owned();
    assert_eq!(status(), "RUNNING");
    here.keytide(&["workflow", "pause", &id]).success();
    assert_eq!(status(), "PAUSED");
    here.keytide(&["workflow", "resume", &id]).success();
    here.keytide(&["workflow", "terminate", &id, "--reason", "enough"]).success();
    here.keytide(&["workflow", "pause", &id]).fails(4);
    here.keytide(&["workflow", "restart", &id, "--use-latest"]).success();
    let signal = ["task", "signal", "--workflow-id", &id, "--data", r#"{"said": "yes"}"#, "--sync"];
    assert_eq!(here.keytide(&signal).success().json()["status"], "COMPLETED");
    let execution = here.keytide(&["workflow", "get-execution", &id]).success().json();
    assert_eq!((&execution["output"]["said"], &execution["correlationId"]), (&"yes".into(), &"c1".into()));
    here.keytide(&["workflow", "search", "-w", "far_waits", "-s", "completed", "-c", "5"]).success().prints(&id);
    here.keytide(&["runs", "-w", "far_waits"]).success().prints(&id);
    here.keytide(&["show", &id]).success().prints("far_waits COMPLETED");
    here.keytide(&["graph", "far_waits"]).success().prints("ask");
    here.keytide(&["workflow", "delete", "far_waits", "1"]).success();
    here.keytide(&["workflow", "start", "-w", "far_waits"]).fails(3);
}

#[test]
fn tasks_and_schedules_have_the_words_of_conductors_command_line() {
    let Far { here, there, serving: _serving, .. } = far();
    let work = ECHO.replace("NOOP", "SIMPLE").replace("\"n\"", "\"far_work\"").replace("far_echo", "far_works");
    let here = here.file("works.json", &work).file("task.json", r#"{"name": "far_work", "retryCount": 3}"#);
    here.keytide(&["task", "create", "task.json"]).success().tells("registered far_work");
    assert_eq!(here.keytide(&["task", "get", "far_work"]).success().json()["retryCount"], 3);
    here.keytide(&["task", "list"]).success().prints("far_work");
    here.keytide(&["workflow", "create", "works.json"]).success();
    let id = here.keytide(&["workflow", "start", "-w", "far_works"]).success().stdout.trim().to_owned();
    let polled = here.keytide(&["task", "poll", "far_work", "-c", "2"]).success().json();
    assert_eq!(polled[0]["workflowInstanceId"], id.as_str());
    let report = ["--workflow-id", &id, "--task-ref-name", "far_work", "--status", "COMPLETED"];
    here.keytide(&[&["task", "update-execution"][..], &report[..]].concat()).success();
    here.keytide(&[&["task", "update-execution"][..], &report[..]].concat()).fails(3);
    here.keytide(&["task", "delete", "far_work"]).success();
    here.keytide(&["task", "get", "far_work"]).fails(3);
    let create = ["schedule", "create", "-n", "far_nightly", "-c", "0 0 3 * * *", "-w", "far_works", "-p", "x=1"];
    here.keytide(&create).success();
    here.keytide(&create).fails(4);
    here.keytide(&["schedule", "update", "-n", "far_nightly", "-c", "0 0 4 * * *", "-w", "far_works"]).success();
    assert_eq!(here.keytide(&["schedule", "get", "far_nightly"]).success().json()["cronExpression"], "0 0 4 * * *");
    here.keytide(&["schedule", "create", "-n", "far_bad", "-c", "every tuesday", "-w", "far_works"]).fails(1);
    here.keytide(&["schedule", "pause", "far_nightly", "--reason", "holidays"]).success();
    there.keytide(&["schedule", "list"]).success().prints("paused");
    here.keytide(&["schedule", "resume", "far_nightly"]).success();
    here.keytide(&["schedule", "next", "far_nightly", "-n", "2"]).success().prints("far_nightly");
    here.keytide(&["schedule", "search", "-w", "far_works"]).success().prints("far_nightly");
    here.keytide(&["schedule", "delete", "far_nightly"]).success();
    here.keytide(&["schedule", "get", "far_nightly"]).fails(3);
}

#[test]
fn who_may_not_or_cannot_reach_the_server_is_told_with_code_6() {
    let Far { here, there, mut serving, address } = far();
    there.keytide(&["app", "key", "add", "ci"]).success();
    here.keytide(&["app", "list"]).fails(6).tells("owner");
    let stranger = Test::empty().variable("CONDUCTOR_SERVER_URL", &address);
    stranger.keytide(&["secret", "list"]).fails(6).tells("sign in");
    let wrong =
        Test::empty().variable("CONDUCTOR_AUTH_KEY", "nobody").variable("CONDUCTOR_AUTH_SECRET", "canary-secret");
    let said = wrong.keytide(&["--server", &address, "secret", "list"]).fails(6).tells("refuses the access key");
    assert!(!said.stderr.contains("canary"), "{}", said.stderr);
    serving.signal(rustix::process::Signal::TERM);
    assert_eq!(serving.code(), Some(0));
    here.keytide(&["workflow", "list"]).fails(6).tells("does not answer");
    here.keytide(&["--server", "ftp://x", "workflow", "list"]).fails(2).tells("no address of a server");
}

/// Answers one request after another with a status and a body, and returns the address and, at the end, the requests.
fn answering(answers: Vec<(&'static str, &'static str)>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let serve = move |(status, body): (&str, &str)| {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).unwrap();
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n");
        write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    };
    (address, std::thread::spawn(move || answers.into_iter().map(serve).collect()))
}

#[test]
fn a_server_that_is_busy_is_told_apart_from_a_wrong_request() {
    let busy = r#"{"status":503,"message":"keytide is busy","instance":"x","retryable":true}"#;
    let (address, served) = answering(vec![("503 Service Unavailable", busy)]);
    Test::empty().keytide(&["--server", &address, "workflow", "list"]).fails(6).tells("keytide is busy");
    served.join().unwrap();
}

#[test]
fn a_token_that_ends_in_mid_use_is_replaced_once() {
    let expired = r#"{"status":401,"error":"EXPIRED_TOKEN","message":"sign in again"}"#;
    let signed_in = |token: &'static str| ("200 OK", token);
    let (one, two) = (signed_in(r#"{"token":"first"}"#), signed_in(r#"{"token":"second"}"#));
    let (address, served) = answering(vec![one, ("401 Unauthorized", expired), two, ("200 OK", "[]")]);
    let test = Test::empty().variable("CONDUCTOR_AUTH_KEY", "id").variable("CONDUCTOR_AUTH_SECRET", "s");
    test.keytide(&["--server", &address, "workflow", "list", "-o", "json"]).success().stdout("[]\n");
    let tokens: Vec<_> =
        served.join().unwrap().iter().map(|request| (request.contains("first"), request.contains("second"))).collect();
    assert_eq!(tokens, [(false, false), (true, false), (false, false), (false, true)]);
    // A server that goes on refusing is asked no third time.
    let (one, two) = (signed_in(r#"{"token":"first"}"#), signed_in(r#"{"token":"second"}"#));
    let (address, served) = answering(vec![one, ("401 Unauthorized", expired), two, ("401 Unauthorized", expired)]);
    test.keytide(&["--server", &address, "workflow", "list"]).fails(6).tells("sign in again");
    served.join().unwrap();
}

#[test]
fn what_works_on_this_machine_alone_says_so() {
    let test = Test::new();
    let server = ["--server", "http://127.0.0.1:1"];
    for command in [
        &["key", "show"][..],
        &["recipient", "list"],
        &["init"],
        &["check", "x.json"],
        &["serve"],
        &["secret", "resolve"],
    ] {
        test.keytide(&[&server[..], command].concat()).fails(2).tells("works on this machine");
    }
    // The process environment sends none of them elsewhere.
    let test = test.variable("CONDUCTOR_SERVER_URL", "http://127.0.0.1:1");
    test.keytide(&["key", "show"]).success();
    test.keytide(&["check"]).success();
    test.keytide(&["secret", "list"]).fails(6).tells("at http://127.0.0.1:1 (CONDUCTOR_SERVER_URL)");
    test.keytide(&["-C", ".", "secret", "list"]).success();
}

#[test]
fn an_application_is_made_listed_and_removed_with_its_keys() {
    let test = Test::new();
    let made = test.keytide(&["app", "create", "ci"]).success();
    let line = |name: &str| made.stdout.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let (id, secret) = (line("CONDUCTOR_AUTH_KEY="), line("CONDUCTOR_AUTH_SECRET="));
    test.keytide(&["app", "create", "ci"]).fails(4);
    let other = test.keytide(&["app", "key", "add", "ci", "-o", "json"]).success().json();
    let keys = |test: &Test| test.keytide(&["app", "list", "-o", "json"]).success().json()[0]["keys"].clone();
    let listed = keys(&test);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(&secret), "a secret is shown once");
    test.keytide(&["app", "key", "disable", "ci", &id]).success();
    test.keytide(&["app", "key", "rm", "ci", other["id"].as_str().unwrap()]).success();
    let left: Vec<Value> = serde_json::from_value(keys(&test)).unwrap();
    assert_eq!((left.len(), &left[0]["status"]), (1, &"INACTIVE".into()));
    test.keytide(&["app", "key", "rm", "ci", "nothing"]).fails(3);
    test.keytide(&["app", "rm", "ci"]).success();
    test.keytide(&["app", "rm", "ci"]).fails(3);
    test.keytide(&["app", "list", "-o", "json"]).success().stdout("[]\n");
}
