mod authorities;
mod breaking;
// The tests of the port take it too.
#[path = "../../../tests/api/certificate.rs"]
mod certificates;
mod egress;
mod sending;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::HttpClient;
use crate::disk::SystemDisk;
use crate::engine::{Answer, Response};
use crate::settings::{self, Settings};

/// What the servers of the tests got, one text for each request.
type Requests = Arc<Mutex<Vec<String>>>;

fn client_with(change: impl FnOnce(&mut settings::Http), own: &[SocketAddr]) -> HttpClient {
    let mut settings = Settings::default().http;
    change(&mut settings);
    HttpClient::new(settings, own.to_vec(), Arc::new(SystemDisk), PathBuf::from("."))
}

fn client() -> HttpClient {
    client_with(|_| {}, &[])
}

/// Serves raw answers in turn, one connection each, and then the last one for ever.
async fn serve(answers: Vec<String>) -> (SocketAddr, Requests) {
    let requests = Requests::default();
    let seen = requests.clone();
    let address = listen(move |mut stream| {
        let (answers, seen) = (answers.clone(), seen.clone());
        async move {
            let request = read_request(&mut stream).await;
            let number = {
                let mut seen = seen.lock().unwrap();
                seen.push(request);
                seen.len().min(answers.len()) - 1
            };
            stream.write_all(answers[number].as_bytes()).await.unwrap();
        }
    });
    (address.await, requests)
}

/// Hands each connection to `handle`; a connection is closed when that ends.
async fn listen<F, T>(handle: F) -> SocketAddr
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(handle(stream));
        }
    });
    address
}

/// Reads a request with its body; an empty text where the other side closed.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap_or(0);
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            body.len() >= length.map_or(0, |length| length.parse().unwrap())
        });
        if whole || read == 0 {
            return text.into_owned();
        }
    }
}

/// Returns a whole answer that closes its connection.
fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
}

async fn call(client: &HttpClient, input: &Value) -> Answer {
    super::call(client, input, || "00-trace-span-01".to_owned()).await
}

async fn response_of(client: &HttpClient, input: &Value) -> Response {
    match call(client, input).await {
        Answer::Response(response) => response,
        other => panic!("{}", summary(&other)),
    }
}

fn summary(answer: &Answer) -> String {
    match answer {
        Answer::Response(response) => format!("response {}", response.status_code),
        Answer::Failed { reason, terminal: false } => format!("failed: {reason}"),
        Answer::NotSent { reason } => format!("not sent: {reason}"),
        Answer::Unknown { reason } => format!("unknown: {reason}"),
        Answer::Ready
        | Answer::Done { .. }
        | Answer::Failed { .. }
        | Answer::Evaluated { .. }
        | Answer::Trouble { .. } => "unexpected".to_owned(),
    }
}
