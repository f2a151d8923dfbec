//! Slow clients, at a door with one place: whoever holds it for nothing loses it to the next.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use keytide::api::{Limits, Openness, bind_tcp, router, serve_within};
use keytide::door::Door;
use tokio::sync::watch;

use crate::server::Server;

/// Less than a person notices; what waits here waits for it to pass, however slow the machine is.
const SHORT: Duration = Duration::from_millis(200);

fn open(limits: Limits) -> (Server, SocketAddr, watch::Sender<bool>) {
    let server = Server::new();
    let runtime = server.daemon().runtime();
    let listener = runtime.block_on(bind_tcp("127.0.0.1:0".parse().unwrap(), Openness::Open)).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    let handle = server.daemon().handle().clone();
    runtime.spawn(serve_within(limits, listener, move || router(handle, Door::Loopback(address)), stopping));
    (server, address, stop)
}

fn is_served(address: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 200")
}

#[test]
fn a_head_that_trickles_in_or_does_not_come_loses_its_place() {
    let (_server, address, _stop) = open(Limits { connections: 1, head_patience: SHORT, ..Limits::default() });
    let _silent = TcpStream::connect(address).unwrap();
    assert!(is_served(address));
    let mut trickling = TcpStream::connect(address).unwrap();
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
    assert!(is_served(address));
}

#[test]
fn who_takes_nothing_of_what_it_asked_for_loses_its_place() {
    let (_server, address, _stop) = open(Limits { connections: 1, write_patience: SHORT, ..Limits::default() });
    let mut deaf = TcpStream::connect(address).unwrap();
    let request = format!("GET /openapi.json HTTP/1.1\r\nHost: {address}\r\n\r\n");
    // More than all buffers on the way hold together; it is hung up on before it has asked for all, or after.
    for _ in 0..400 {
        if deaf.write_all(request.as_bytes()).is_err() {
            break;
        }
    }
    assert!(is_served(address));
}

#[test]
fn a_connection_that_waits_for_nothing_is_not_kept() {
    let (_server, address, _stop) = open(Limits { connections: 1, head_patience: SHORT, ..Limits::default() });
    let mut kept = TcpStream::connect(address).unwrap();
    write!(kept, "GET /health HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    kept.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    assert!(is_served(address), "the one before is idle");
}
