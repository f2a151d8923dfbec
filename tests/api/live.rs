//! `GET /api/events`: what goes on, as it happens, to whom it may be told.

use std::future::poll_fn;
use std::io::{BufRead, BufReader, Read, Write};
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use keytide::api::Limits;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::{Value, json};

use crate::metadata::noop;
use crate::port::Port;
use crate::server::Server;

/// Longer than anything here takes on a machine that is busy with something else: a stream that hangs must not hang the test.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many lines that say nothing are taken for a stream that goes on.
const BEATS_MAX: usize = 4;

/// An event as a client reads it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) data: Value,
}

/// A client that listens.
pub(crate) struct Listening<'a> {
    server: &'a Server,
    body: Body,
    text: String,
    /// Where it is, as a browser remembers it.
    last: String,
}

impl<'a> Listening<'a> {
    pub(crate) fn to(server: &'a Server, token: Option<&str>, query: &str, last: Option<&str>) -> Self {
        let headers: Vec<_> = last.into_iter().map(|last| ("last-event-id", last)).collect();
        let response = server.begin(token, &format!("/api/events{query}"), &headers);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut listening = Self { server, body: response.into_body(), text: String::new(), last: String::new() };
        listening.read();
        assert!(listening.text.starts_with("retry: "), "{}", listening.text);
        listening
    }

    /// Reads more; returns whether there is more.
    fn read(&mut self) -> bool {
        let body = &mut self.body;
        let frame = self.server.daemon().runtime().block_on(async {
            tokio::time::timeout(PATIENCE, poll_fn(|context| Pin::new(&mut *body).poll_frame(context))).await.unwrap()
        });
        let Some(frame) = frame else { return false };
        self.text.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
        true
    }

    /// Returns the next event; nothing where the stream ended.
    fn next(&mut self) -> Option<Heard> {
        for _ in 0..BEATS_MAX {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let (kind, id, data) = (field("event: "), field("id: "), field("data: "));
                self.text = rest.to_owned();
                self.last.clone_from(id.as_ref().unwrap());
                if let (Some(kind), Some(id), Some(data)) = (kind, id, data) {
                    return Some(Heard { kind, id, data: serde_json::from_str(&data).unwrap() });
                }
            }
            if !self.read() {
                return None;
            }
        }
        panic!("nothing more is heard")
    }

    /// Returns events until one is wanted, with that one.
    pub(crate) fn until(&mut self, wanted: impl Fn(&Heard) -> bool) -> Vec<Heard> {
        let mut all = Vec::new();
        loop {
            let heard = self.next().unwrap_or_else(|| panic!("the stream ended after {all:?}"));
            let is_it = wanted(&heard);
            all.push(heard);
            if is_it {
                return all;
            }
        }
    }

    fn rest(mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.next()).collect()
    }
}

fn put(server: &Server, name: &str, value: &str) {
    assert_eq!(server.json("PUT", &format!("/api/secrets/{name}"), &json!(value)).status, 200);
}

fn define(server: &Server, name: &str) {
    assert_eq!(server.json("POST", "/api/metadata/workflow", &noop(name, 1)).status, 200);
}

fn start(server: &Server, name: &str) -> String {
    let started = server.json("POST", &format!("/api/workflow/{name}"), &json!({}));
    assert_eq!(started.status, 200, "{started:?}");
    started.body
}

fn is_end(heard: &Heard) -> bool {
    heard.kind == "execution" && heard.data["status"] == "COMPLETED"
}

fn secret(name: &str) -> impl Fn(&Heard) -> bool {
    move |heard| heard.kind == "secret" && heard.data["name"] == name
}

#[test]
fn what_happens_is_told_in_its_order_and_no_value_with_it() {
    let server = Server::new();
    let mut listening = Listening::to(&server, None, "", None);
    put(&server, "token", "canary-value-81b2");
    define(&server, "w");
    let schedule = json!({"name": "s", "cronExpression": "0 0 0 1 1 *", "startWorkflowRequest": {"name": "w"}});
    assert_eq!(server.json("POST", "/api/scheduler/schedules", &schedule).status, 200);
    assert_eq!(server.get("/api/scheduler/schedules/s/pause").status, 200);
    let id = start(&server, "w");
    put(&server, "token", "canary-value-9f20");
    assert_eq!(server.send("DELETE", "/api/secrets/token", &[], b"").status, 200);
    assert_eq!(server.send("DELETE", "/api/scheduler/schedules/s", &[], b"").status, 200);
    assert_eq!(server.send("DELETE", "/api/metadata/workflow/w/1", &[], b"").status, 200);
    let all = listening.until(|heard| heard.kind == "definition" && heard.data["removed"] == true);
    let of = |kind: &str| all.iter().filter(|heard| heard.kind == kind).map(|heard| &heard.data).collect::<Vec<_>>();
    assert_eq!(
        of("secret"),
        [
            &json!({"name": "token", "version": 1}),
            &json!({"name": "token", "version": 2}),
            &json!({"name": "token", "removed": true})
        ]
    );
    assert_eq!(of("definition").len(), 2, "{all:?}");
    assert_eq!(of("definition")[0], &json!({"name": "w", "version": 1, "removed": false}));
    let schedules = of("schedule");
    assert_eq!((&schedules[0]["name"], &schedules[0]["workflowName"]), (&json!("s"), &json!("w")));
    assert_eq!(schedules[0]["paused"], false);
    assert!(schedules[0]["nextRunTime"].is_i64(), "{schedules:?}");
    let paused = schedules.iter().find(|schedule| schedule["paused"] == true).unwrap();
    assert_eq!(paused["nextRunTime"], Value::Null);
    assert_eq!(schedules.last().unwrap(), &&json!({"name": "s", "removed": true}));
    let last = of("execution").last().copied().unwrap().clone();
    assert_eq!(
        (&last["workflowId"], &last["workflowName"], &last["status"]),
        (&json!(id), &json!("w"), &json!("COMPLETED"))
    );
    assert_eq!(last["tasks"][0]["status"], "COMPLETED", "{last}");
    assert!(last["tasks"][0]["referenceTaskName"].is_string());
    let places: Vec<u64> = all.iter().map(|heard| heard.id.split_once('-').unwrap().1.parse().unwrap()).collect();
    assert!(places.is_sorted_by(|one, other| one < other), "{places:?}");
    assert!(!format!("{all:?}").contains("canary"), "{all:?}");
}

#[test]
fn an_event_that_is_told_has_happened() {
    let server = Server::new();
    define(&server, "w");
    let mut listening = Listening::to(&server, None, "?kinds=execution", None);
    let id = start(&server, "w");
    let end = listening.until(is_end).pop().unwrap();
    assert_eq!(end.data["workflowId"], id.as_str());
    assert_eq!(server.get(&format!("/api/workflow/{id}")).json()["status"], "COMPLETED");
}

#[test]
fn who_comes_back_hears_what_it_missed_and_nothing_twice() {
    let server = Server::new();
    define(&server, "w");
    let mut whole = Listening::to(&server, None, "?kinds=secret,execution", None);
    let mut first = Listening::to(&server, None, "?kinds=secret,execution", None);
    put(&server, "a", "some-value-1");
    let mut heard = first.until(secret("a"));
    let last = first.last.clone();
    drop(first);
    put(&server, "b", "some-value-2");
    start(&server, "w");
    put(&server, "c", "some-value-3");
    let mut second = Listening::to(&server, None, "?kinds=secret,execution", Some(&last));
    put(&server, "d", "some-value-4");
    heard.extend(second.until(secret("d")));
    assert_eq!(heard, whole.until(secret("d")));
    // A link may say it, and an answer that is waited for ends.
    let again = Listening::to(&server, None, &format!("?kinds=secret&timeout=0&lastEventId={last}"), None).rest();
    let names: Vec<_> = again.iter().map(|heard| heard.data["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["b", "c", "d"]);
}

#[test]
fn who_comes_back_to_a_place_that_is_gone_has_to_read_again() {
    let server = Server::new();
    for last in ["", "x", "0000000000000000-7", "-", "18446744073709551616-1"] {
        let mut listening = Listening::to(&server, None, "?kinds=secret", Some(last));
        // What is written again as it was is no news.
        put(&server, "a", &format!("value of {last}"));
        let heard = listening.until(secret("a"));
        assert_eq!((heard[0].kind.as_str(), heard[0].data.clone()), ("reset", json!({})), "{last:?}");
    }
    let listening = Listening::to(&server, None, "", None);
    let place = server.begin(None, "/api/events?timeout=0", &[]);
    drop((listening, place));
    let server = server.restarted();
    let mut listening = Listening::to(&server, None, "", Some("0123456789abcdef-1"));
    assert_eq!(listening.next().unwrap().kind, "reset", "another process");
}

fn granted(app: &str, on: &str) -> Grant {
    let (to, on) = (Grantee::parse(app).unwrap(), GrantTarget::parse(on).unwrap());
    Grant { to, on, access: vec![Permission::Read] }
}

#[test]
fn a_client_hears_of_what_it_may_read_when_it_is_told() {
    let server = Server::with(|settings| {
        settings.access.grants.extend(["workflow:mine*", "secret:mine*"].map(|on| granted("app:ci", on)));
    });
    for name in ["mine", "other"] {
        define(&server, name);
    }
    let ci = server.signed_in("ci");
    let other = json!({"subject": {"type": "USER", "id": "app:ci"}, "target": {"type": "SECRET_NAME", "id": "other"},
        "access": ["READ"]});
    let govern = |method: &str| {
        assert_eq!(server.json(method, "/api/auth/authorization", &other).status, 200);
    };
    let mut listening = Listening::to(&server, Some(&ci), "", None);
    put(&server, "other", "some-value-1");
    start(&server, "other");
    start(&server, "mine");
    put(&server, "mine", "some-value-2");
    let heard = listening.until(secret("mine"));
    assert!(
        heard.iter().all(|heard| heard.data["name"] == "mine" || heard.data["workflowName"] == "mine"),
        "{heard:?}"
    );
    assert!(heard.iter().any(is_end));
    govern("POST");
    put(&server, "other", "some-value-3");
    listening.until(secret("other"));
    govern("DELETE");
    put(&server, "other", "some-value-4");
    put(&server, "mine", "some-value-5");
    assert_eq!(listening.until(secret("mine")).len(), 1, "its right was taken back while it listened");
    // Who may not read a secret does not hear that it is gone either.
    assert_eq!(server.send("DELETE", "/api/secrets/other", &[], b"").status, 200);
    put(&server, "mine", "some-value-6");
    assert_eq!(listening.until(secret("mine")).len(), 1);
    // What is asked for by name is not told to who may not read it.
    let mut asking = Listening::to(&server, Some(&ci), "?workflow=other", None);
    start(&server, "other");
    assert_eq!(server.send("DELETE", "/api/applications/ci", &[], b"").status, 200);
    start(&server, "mine");
    assert_eq!((asking.next(), listening.next()), (None, None), "a client that is signed out hears nothing more");
}

#[test]
fn it_is_told_what_was_asked_for() {
    let server = Server::new();
    for name in ["one", "two"] {
        define(&server, name);
    }
    let mut of_one = Listening::to(&server, None, "?workflow=one", None);
    let (first, second) = (start(&server, "one"), start(&server, "two"));
    let mut of_second = Listening::to(&server, None, &format!("?execution={second}&kinds=execution"), None);
    let third = start(&server, "one");
    assert_eq!(server.json("POST", &format!("/api/workflow/{second}/restart"), &json!({})).status, 204);
    let of = |heard: &[Heard]| heard.iter().map(|heard| heard.data["workflowId"].clone()).collect::<Vec<_>>();
    let heard = of_one.until(|heard| is_end(heard) && heard.data["workflowId"] == third.as_str());
    assert!(of(&heard).iter().all(|id| *id == first.as_str() || *id == third.as_str()), "{heard:?}");
    let heard = of_second.until(is_end);
    assert!(of(&heard).iter().all(|id| *id == second.as_str()), "{heard:?}");
    for (query, said) in [("?kinds=secrets", "kinds: \"secrets\" is none of"), ("?timeout=x", "timeout")] {
        let refused = server.get(&format!("/api/events{query}"));
        assert_eq!(refused.status, 400);
        assert!(refused.json()["message"].as_str().unwrap().contains(said), "{refused:?}");
    }
    assert_eq!(server.get("/api/events?execution=x").status, 404);
}

#[test]
fn a_problem_is_told_when_it_comes_and_when_it_is_mended() {
    let server = Server::new();
    let mut listening = Listening::to(&server, None, "?kinds=problem,definition", None);
    let broken = server.folder().join("workflows/broken.json");
    std::fs::write(&broken, "{\"name\": }").unwrap();
    let is = |mended: bool| {
        move |heard: &Heard| heard.data["place"] == "workflows/broken.json" && heard.data["mended"] == mended
    };
    listening.until(is(false));
    // Whoever begins to listen later has to ask what is wrong: it is not told again.
    std::fs::write(&broken, noop("broken", 1).to_string()).unwrap();
    let heard = listening.until(is(true));
    assert!(heard.iter().any(|heard| heard.kind == "definition" && heard.data["name"] == "broken"), "{heard:?}");
}

#[test]
fn one_caller_has_so_many_streams_and_no_more() {
    let server = Server::new();
    let ci = server.signed_in("ci");
    let all: Vec<_> = (0..256).map(|_| server.begin(Some(&ci), "/api/events", &[])).collect();
    assert!(all.iter().all(|one| one.status() == 200));
    let refused = server.client(Some(&ci), "GET", "/api/events", &Value::Null);
    assert_eq!(refused.status, 429);
    assert!(refused.json()["message"].as_str().unwrap().contains("256"), "{refused:?}");
    assert_eq!(server.begin(None, "/api/events", &[]).status(), 200, "others have theirs");
    drop(all);
    assert_eq!(server.client(Some(&ci), "GET", "/api/events?timeout=0", &Value::Null).status, 200);
}

#[test]
fn a_door_that_closes_ends_its_streams() {
    let server = Server::new();
    let port = Port::of(&server, Limits::default());
    let mut stream = port.connect();
    write!(stream, "GET /api/events HTTP/1.1\r\nHost: {}\r\n\r\n", port.address).unwrap();
    let mut reading = BufReader::new(stream);
    let mut head = String::new();
    while !head.contains("retry: ") {
        assert_ne!(reading.read_line(&mut head).unwrap(), 0, "{head}");
    }
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    port.close();
    let mut rest = String::new();
    reading.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "it ends as an answer ends: {rest:?}");
    port.closed(&server);
}
