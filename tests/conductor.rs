//! The recorded executions of Conductor, over HTTP through their own runner: a real daemon behind a real port.
//!
//! The runner and the echo server are Python (`tests/conductor/README.md`). Where there is none, the same recordings are
//! still played by the engine's own tests.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

use std::collections::HashSet;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use keytide::api::{Limits, Openness, bind_tcp, router, serve};
use keytide::door::Door;
use serde_json::Value;
use tokio::sync::watch;

use server::Server;

#[path = "api/contract.rs"]
mod contract;
#[path = "api/server.rs"]
#[expect(dead_code, clippy::panic, reason = "the tests of the API use more of it, and it may stop at once")]
mod server;

/// The task types that run here by now.
const TYPES: [&str; 22] = [
    "SIMPLE",
    "HTTP",
    "NOOP",
    "SET_VARIABLE",
    "TERMINATE",
    "WAIT",
    "FORK_JOIN",
    "FORK_JOIN_DYNAMIC",
    "JOIN",
    "SWITCH",
    "DYNAMIC",
    "DO_WHILE",
    "UPDATE_SECRET",
    "DECISION",
    "INLINE",
    "LAMBDA",
    "JSON_JQ_TRANSFORM",
    "EXCLUSIVE_JOIN",
    "HUMAN",
    "SUB_WORKFLOW",
    "START_WORKFLOW",
    "EVENT",
];

fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conductor")
}

/// Returns the cases that need only what is there, and whose secrets the real server does not show.
fn cases() -> Vec<String> {
    let manifest = std::fs::read_to_string(recordings().join("MANIFEST.json")).unwrap();
    let manifest: serde_json::Map<String, Value> = serde_json::from_str(&manifest).unwrap();
    let known = HashSet::from(TYPES);
    let runs =
        |case: &Value| case["types"].as_array().unwrap().iter().all(|name| known.contains(name.as_str().unwrap()));
    let cases = manifest.into_iter().filter(|(_, case)| case["tier"] != "masked" && runs(case));
    cases.map(|(name, _)| name).collect()
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(recordings().join(script));
    command
}

/// Starts the server that the recorded HTTP tasks call, and returns its address.
fn echo() -> (Running, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Running(python("echo.py").arg(port.to_string()).spawn().unwrap());
    let patience = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < patience, "the echo server does not start");
        std::thread::yield_now();
    }
    (child, format!("http://127.0.0.1:{port}"))
}

#[test]
fn recorded_executions_come_to_the_same_end() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("there is no python3: the recordings were not played over HTTP");
        return;
    }
    let server = Server::new();
    let runtime = server.daemon().runtime();
    let listener = runtime.block_on(bind_tcp("127.0.0.1:0".parse().unwrap(), Openness::Open)).unwrap();
    let address = listener.local_addr().unwrap();
    let (_stop, stopping) = watch::channel(false);
    let handle = server.daemon().handle().clone();
    runtime.spawn(serve(Limits::default(), listener, move || router(handle, Door::Loopback(address)), stopping));
    let (_echo, echo) = echo();
    let cases = cases();
    assert!(cases.len() >= 160, "{cases:?}");
    let told = python("run_corpus.py")
        .args(["--base", &format!("http://{address}/api"), "--echo", &echo, "--lenient", "--only", &cases.join(",")])
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "{report}{}", String::from_utf8_lossy(&told.stderr));
    assert!(report.contains(&format!("{} cases, 0 failed", cases.len())), "{report}");
}
