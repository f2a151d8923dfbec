use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use keytide::api::{Limits, Openness, bind_socket, bind_tcp, router, serve};
use keytide::disk::SystemDisk;
use keytide::door::Door;
use tokio::sync::watch;

use crate::port::Port;
use crate::server::Server;

#[test]
fn a_foreign_page_is_refused_before_anything_is_routed() {
    let server = Server::new();
    for (method, path) in
        [("GET", "/health"), ("POST", "/api/workflow"), ("GET", "/no/such/route"), ("PATCH", "/health")]
    {
        for header in [
            ("host", "evil.com"),
            ("host", "evil.com:8321"),
            ("origin", "http://evil.com"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let refused = server.send(method, path, &[header, ("content-type", "text/plain")], b"{}");
            assert_eq!(refused.status, 403, "{method} {path} {header:?}");
            assert_eq!(refused.json()["status"], 403);
            assert!(!refused.headers.contains_key("access-control-allow-origin"));
        }
    }
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn unknown_paths_methods_and_signing_in_are_answered_in_conductors_shape() {
    let server = Server::new();
    let missing = server.get("/api/nope");
    assert_eq!((missing.status, missing.json()["message"].clone()), (404, "No static resource api/nope.".into()));
    assert_eq!(missing.json()["retryable"], false);
    let wrong = server.send("PATCH", "/health", &[], b"");
    assert_eq!(
        (wrong.status, wrong.json()["message"].clone()),
        (405, "Request method 'PATCH' is not supported".into())
    );
    assert_eq!(server.send("POST", "/api/token", &[], b"{}").status, 404, "clients take it for an open server");
    assert_eq!(server.get("/api/version").body, env!("CARGO_PKG_VERSION"));
    for answer in [missing, wrong, server.get("/api/health")] {
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
}

/// Sends bytes and reads until the other side hangs up.
fn exchange(stream: &mut (impl Read + Write), request: &[u8]) -> String {
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // A peer that refuses a flood hangs up with bytes unread, which is a reset here.
    drop(stream.read_to_end(&mut answer));
    String::from_utf8(answer).unwrap()
}

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[test]
fn the_socket_is_private_replaces_a_dead_one_and_closes() {
    let server = Server::new();
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("daemon.sock");
    std::fs::write(&path, "left behind").unwrap();
    let router = router(server.daemon().handle().clone(), Door::Socket);
    let runtime = server.daemon().runtime();
    let listener = runtime.block_on(async { bind_socket(&SystemDisk, state.path(), None) }).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let (stop, stopping) = watch::channel(false);
    let serving = runtime.spawn(serve(Limits::default(), listener, move || router, stopping));
    let answer = exchange(&mut UnixStream::connect(&path).unwrap(), HEALTH);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut idle = UnixStream::connect(&path).unwrap();
    stop.send(true).unwrap();
    runtime.block_on(serving).unwrap();
    assert_eq!(exchange_nothing(&mut idle), "");
    assert!(UnixStream::connect(&path).is_err());
}

#[test]
fn the_audit_says_where_each_request_came_from_and_no_header_says_otherwise() {
    let server = Server::new();
    let secret = |name: &str| {
        format!(
            "PUT /api/secrets/{name} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 10.1.1.1\r\n\
             Forwarded: for=10.1.1.1\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\nvalue"
        )
    };
    let port = Port::of(&server, Limits::default());
    let mut stream = port.connect();
    let address = stream.local_addr().unwrap().to_string();
    let by_port = secret("by_port").replace("localhost", &port.address.to_string());
    assert!(exchange(&mut stream, by_port.as_bytes()).starts_with("HTTP/1.1 200"));

    let state = tempfile::tempdir().unwrap();
    let router = router(server.daemon().handle().clone(), Door::Socket);
    let runtime = server.daemon().runtime();
    let listener = runtime.block_on(async { bind_socket(&SystemDisk, state.path(), None) }).unwrap();
    let (stop, stopping) = watch::channel(false);
    let serving = runtime.spawn(serve(Limits::default(), listener, move || router, stopping));
    let mut socket = UnixStream::connect(state.path().join("daemon.sock")).unwrap();
    assert!(exchange(&mut socket, secret("by_socket").as_bytes()).starts_with("HTTP/1.1 200"));
    stop.send(true).unwrap();
    runtime.block_on(serving).unwrap();

    let told = |name: &str| {
        let entry = server.get(&format!("/api/audit?secret={name}")).json()["entries"][0].clone();
        assert_eq!(entry["object"]["name"], name, "{entry}");
        entry["actor"]["address"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(told("by_port"), address);
    let own = std::fs::metadata(state.path()).unwrap().uid();
    assert_eq!(told("by_socket"), format!("socket uid {own} pid {}", std::process::id()));
    assert_eq!(server.get("/api/audit/verify").json()["valid"], true);
}

fn exchange_nothing(stream: &mut impl Read) -> String {
    let mut rest = String::new();
    drop(stream.read_to_string(&mut rest));
    rest
}

#[test]
fn a_socket_whose_path_is_too_long_moves_and_says_where() {
    let server = Server::new();
    let state = tempfile::tempdir().unwrap();
    let runtime = tempfile::tempdir().unwrap();
    let deep = state.path().join("x".repeat(120));
    std::fs::create_dir(&deep).unwrap();
    let bind = |runtime_folder: Option<&Path>| {
        server.daemon().runtime().block_on(async { bind_socket(&SystemDisk, &deep, runtime_folder).map(drop) })
    };
    let error = bind(None).unwrap_err().to_string();
    assert!(error.contains("XDG_RUNTIME_DIR"), "{error}");
    bind(Some(runtime.path())).unwrap();
    let moved = std::fs::read_to_string(deep.join("daemon.sock.path")).unwrap();
    assert!(Path::new(&moved).starts_with(runtime.path().join("keytide")), "{moved}");
    assert!(Path::new(&moved).exists());
}

#[test]
fn floods_are_cut_and_others_are_served() {
    let server = Server::new();
    let port = Port::of(&server, Limits::default());
    let (connect, address) = (|| port.connect(), port.address);
    // A connection that never says anything holds a place and nobody up.
    let _silent = connect();
    let mut many = b"GET /health HTTP/1.1\r\n".to_vec();
    (0..200).for_each(|number| many.extend(format!("X-{number}: y\r\n").bytes()));
    many.extend(format!("Host: {address}\r\nConnection: close\r\n\r\n").bytes());
    assert!(exchange(&mut connect(), &many).starts_with("HTTP/1.1 431"));
    let long = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nX: {}\r\n\r\n", "y".repeat(1 << 20));
    let answer = exchange(&mut connect(), long.as_bytes());
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let huge = format!("PUT /api/secrets/k HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1073741824\r\n\r\n");
    let answer = exchange(&mut connect(), huge.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let fine = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    assert!(exchange(&mut connect(), fine.as_bytes()).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_server_that_is_open_or_can_be_listened_to_is_on_loopback() {
    let server = Server::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        for openness in [Openness::Open, Openness::SignIn] {
            let bound = server.daemon().runtime().block_on(bind_tcp(address.parse().unwrap(), openness));
            let error = bound.map(drop).unwrap_err().to_string();
            assert!(error.contains("loopback"), "{error}");
        }
    }
}
