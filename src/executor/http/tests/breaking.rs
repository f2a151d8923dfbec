//! What happened, when there is no whole answer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::super::HttpClient;
use super::{call, client, client_with, listen, read_request, summary};

/// Why a call went wrong, with the address of its server replaced.
async fn trouble(client: &HttpClient, address: SocketAddr, input: &Value) -> String {
    summary(&call(client, input).await).replace(&address.to_string(), "SERVER")
}

/// Waits long enough for a busy machine.
fn post(address: SocketAddr) -> Value {
    post_within(address, 20_000)
}

fn post_within(address: SocketAddr, timeout_ms: u64) -> Value {
    let uri = format!("http://{address}/t");
    json!({"uri": uri, "method": "POST", "body": {}, "readTimeOut": timeout_ms, "connectionTimeOut": timeout_ms})
}

/// Reads the request, writes these bytes and then keeps the connection open or closes it.
async fn stub(bytes: &'static [u8], then: fn(TcpStream)) -> SocketAddr {
    listen(move |mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(bytes).await;
        then(stream);
    })
    .await
}

/// Keeps the connection open for ever.
fn hang(stream: TcpStream) {
    std::mem::forget(stream);
}

fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
    drop(stream);
}

#[tokio::test]
async fn nothing_was_sent_where_no_connection_was_made() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let refused = trouble(&client(), address, &post(address)).await;
    assert!(refused.starts_with("not sent: no connection to SERVER: ") && refused.contains("refused"), "{refused}");
    let unresolved = call(&client(), &json!({"uri": "http://nowhere.invalid/", "method": "POST"})).await;
    assert_eq!(summary(&unresolved), "not sent: host `nowhere.invalid` does not resolve");
}

#[tokio::test]
async fn nothing_was_sent_where_tls_was_not_agreed_on() {
    let silent = listen(|stream| async { hang(stream) }).await;
    let mut input = post_within(silent, 100);
    input["uri"] = format!("https://{silent}/").into();
    let expected = "not sent: no connection to SERVER within 100ms (`connectionTimeOut`)";
    assert_eq!(trouble(&client(), silent, &input).await, expected);
    let plain = stub(b"HTTP/1.1 200 OK\r\n\r\n", drop).await;
    input["uri"] = format!("https://{plain}/").into();
    let refused = trouble(&client(), plain, &input).await;
    assert!(refused.starts_with("not sent: no connection to SERVER"), "{refused}");
}

#[tokio::test]
async fn outcome_is_unknown_once_the_server_may_have_seen_the_request() {
    for (bytes, then, expected) in [
        (&b""[..], hang as fn(TcpStream), "no answer to POST http://SERVER/t within 500ms (`readTimeOut`)"),
        (b"", drop, "POST http://SERVER/t got no whole answer: "),
        (b"", reset, "POST http://SERVER/t got no whole answer: "),
        (b"HTTP/1.1 200 OK\r\ncontent-le", drop, "POST http://SERVER/t got no whole answer: "),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", drop, "POST http://SERVER/t got no whole answer: "),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", reset, "POST http://SERVER/t got no whole answer: "),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{",
            hang,
            "POST http://SERVER/t answered 200 OK and then nothing for 500ms (`readTimeOut`)",
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            hang,
            "POST http://SERVER/t got no whole answer: ",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
            hang,
            "POST http://SERVER/t got no whole",
        ),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", hang, "POST http://SERVER/t got no whole answer: "),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
            drop,
            "POST http://SERVER/t got no w",
        ),
    ] {
        let address = stub(bytes, then).await;
        let timeout_ms = if expected.contains("500ms") { 500 } else { 20_000 };
        let seen = trouble(&client(), address, &post_within(address, timeout_ms)).await;
        assert!(seen.starts_with(&format!("unknown: {expected}")), "{seen}, wanted {expected}");
    }
}

#[tokio::test]
async fn total_deadline_ends_an_answer_that_only_drips() {
    let address = listen(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while stream.write_all(b"x").await.is_ok() {
            ticks.tick().await;
        }
    })
    .await;
    let client = client_with(|http| http.timeout = Duration::from_secs(1), &[]);
    let started = Instant::now();
    let expected = "unknown: POST http://SERVER/t took longer than 1s (`http.timeout`)";
    assert_eq!(trouble(&client, address, &post(address)).await, expected);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn total_deadline_before_a_connection_says_that_nothing_was_sent() {
    let silent = listen(|stream| async { hang(stream) }).await;
    let client = client_with(|http| http.timeout = Duration::from_millis(50), &[]);
    let input = json!({"uri": format!("https://{silent}/"), "method": "POST"});
    let expected = "not sent: POST https://SERVER/ took longer than 50ms (`http.timeout`)";
    assert_eq!(trouble(&client, silent, &input).await, expected);
}

#[tokio::test]
async fn endless_and_inflating_bodies_stop_at_the_limit() {
    let client = client_with(|http| http.body_bytes_max = 100_000, &[]);
    let expected = "unknown: POST http://SERVER/t answered 200 OK with more than 100000 bytes (`http.body_max`)";
    let endless = listen(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        while stream.write_all(b"4\r\nabcd\r\n").await.is_ok() {}
    });
    let endless = endless.await;
    assert_eq!(trouble(&client, endless, &post(endless)).await, expected);
    let body = gzip_zeros(64 << 20);
    assert!(body.len() < 500_000);
    let bomb = listen(move |mut stream| {
        let body = body.clone();
        async move {
            read_request(&mut stream).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&body).await;
        }
    });
    let bomb = bomb.await;
    assert_eq!(trouble(&client, bomb, &post(bomb)).await, expected);
}

#[tokio::test]
async fn endless_headers_are_not_read_for_ever() {
    let many = listen(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x-header: 0123456789\r\n").await.is_ok() {}
    });
    let long = listen(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx-header: ").await;
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    for address in [many.await, long.await] {
        let seen = trouble(&client(), address, &post(address)).await;
        assert!(seen.starts_with("unknown: POST http://SERVER/t got no whole answer: "), "{seen}");
    }
}

/// Compresses zeros by hand: one literal zero, then "258 bytes from one byte back" in fixed Huffman codes.
fn gzip_zeros(length: usize) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut buffer, mut filled) = (0_u64, 0);
    let mut put = |code: u32, bits: u32| {
        for bit in (0..bits).rev() {
            buffer |= u64::from(code >> bit & 1) << filled;
            filled += 1;
            if filled == 8 {
                bytes.push(u8::try_from(buffer).unwrap());
                (buffer, filled) = (0, 0);
            }
        }
    };
    // A final block (1), of fixed codes (01, its low bit first).
    put(0b110, 3);
    put(0b0011_0000, 8);
    for _ in 0..length / 258 {
        put(0b1100_0101, 8);
        put(0, 5);
    }
    put(0, 7);
    put(0, 7);
    bytes
}

#[tokio::test]
async fn no_reason_names_what_the_call_carried() {
    let canary = "cAnArY0123456789";
    let silent = stub(b"", hang).await;
    let gone = stub(b"", drop).await;
    let full = stub(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\ncAnArY0123456789", drop).await;
    for (host, scheme) in [(silent, "http"), (gone, "http"), (full, "http"), (gone, "https")] {
        let input = json!({
            "uri": format!("{scheme}://{canary}:{canary}@{host}/p?q={canary}#{canary}"), "method": "POST",
            "headers": {"X-Key": canary}, "body": {"k": canary}, "readTimeOut": 50, "connectionTimeOut": 50,
        });
        let reason = summary(&call(&client(), &input).await);
        assert!(!reason.to_lowercase().contains(&canary.to_lowercase()), "{reason}");
    }
}

#[tokio::test]
async fn a_connection_that_was_there_has_no_time_to_be_made() {
    let address = listen(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        read_request(&mut stream).await;
        hang(stream);
    })
    .await;
    let client = client();
    let input = |read_ms: u64| {
        // With an hour for the connection the call would last as long as `[http] timeout` lets it.
        json!({"uri": format!("http://{address}/t"), "method": "GET", "readTimeOut": read_ms,
            "connectionTimeOut": 3_600_000})
    };
    assert_eq!(summary(&call(&client, &input(20_000)).await), "response 200");
    let expected = "unknown: no answer to GET http://SERVER/t within 300ms (`readTimeOut`)";
    assert_eq!(trouble(&client, address, &input(300)).await, expected);
}
