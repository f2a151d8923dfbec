//! Slow clients, at a door with one place: whoever holds it for nothing loses it to the next.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use keytide::api::Limits;

use crate::port::Port;
use crate::server::Server;

/// Less than a person notices; what waits here waits for it to pass, however slow the machine is.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

fn open(limits: Limits) -> (Server, Port) {
    let server = Server::new();
    let port = Port::of(&server, limits);
    (server, port)
}

fn is_served(port: &Port) -> bool {
    let (mut stream, address) = (port.connect(), port.address);
    write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 200")
}

#[test]
fn a_head_that_trickles_in_or_does_not_come_loses_its_place() {
    let (_server, port) = open(Limits { connections: 1, head_patience: SHORT, ..Limits::default() });
    let _silent = port.connect();
    assert!(is_served(&port));
    let mut trickling = port.connect();
    trickling.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    // A byte, and a look whether it is hung up on: each byte comes in time, and the head never.
    let is_cut = (0..10_000).any(|_| {
        let sent = trickling.write_all(b"x");
        let read = trickling.read(&mut [0; 64]);
        let goes_on =
            matches!(&read, Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
        sent.is_err() || !goes_on
    });
    assert!(is_cut);
    assert!(is_served(&port));
}

#[test]
fn who_takes_nothing_of_what_it_asked_for_loses_its_place() {
    let (_server, port) = open(Limits { connections: 1, write_patience: SHORT, ..Limits::default() });
    let mut deaf = port.connect();
    let request = format!("GET /openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", port.address);
    // More than all buffers on the way hold together; it is hung up on before it has asked for all, or after.
    for _ in 0..400 {
        if deaf.write_all(request.as_bytes()).is_err() {
            break;
        }
    }
    assert!(is_served(&port));
}

#[test]
fn who_is_answered_before_it_has_sent_all_hears_the_answer_and_is_not_hung_up_on() {
    let (_server, port) = open(Limits::default());
    let body = "x".repeat(2 << 20);
    let head = |more: &str, bytes: usize| {
        format!("POST /api/nothing HTTP/1.1\r\nHost: {}\r\n{more}Content-Length: {bytes}\r\n\r\n", port.address)
    };
    let mut kept = port.connect();
    for _ in 0..2 {
        kept.write_all(head("", body.len()).as_bytes()).unwrap();
        let answer = heard(&mut kept);
        assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("connection: close"), "{answer}");
        kept.write_all(body.as_bytes()).unwrap();
    }
    // It may not send what it asked for first, and what is far too long is not waited for.
    for (more, bytes) in [("Expect: 100-continue\r\n", 2), ("", 1 << 40)] {
        let mut stream = port.connect();
        stream.write_all(head(more, bytes).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
}

/// Reads one answer.
fn heard(stream: &mut std::net::TcpStream) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    let head = String::from_utf8(answer).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    stream.read_exact(&mut vec![0; length]).unwrap();
    head
}

#[test]
fn a_connection_that_waits_for_nothing_is_not_kept() {
    let (_server, port) = open(Limits { connections: 1, head_patience: SHORT, ..Limits::default() });
    let mut kept = port.connect();
    write!(kept, "GET /health HTTP/1.1\r\nHost: {}\r\n\r\n", port.address).unwrap();
    let mut answer = [0; 12];
    kept.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    assert!(is_served(&port), "the one before is idle");
}

#[test]
fn a_process_with_few_files_keeps_half_of_them_for_itself_and_says_what_to_do() {
    let (limits, advice) = Limits::within(Limits::FILES);
    assert_eq!((limits.connections, advice), (Limits::default().connections, None));
    for files in [0, 1, 2, 64, 1_024, 4_096, Limits::FILES - 2] {
        let (limits, advice) = Limits::within(files);
        assert!(limits.connections >= 1 && limits.connections <= (files / 2).max(1), "{files}: {limits:?}");
        let advice = advice.unwrap();
        assert!(advice.contains(&format!("may have {files} files")) && advice.contains("LimitNOFILE"), "{advice}");
    }
}
