//! P28: how many executions are read over HTTP in a second, beside a server that sends the same bytes and does nothing else.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use keytide::api::{self, Limits, Openness};
use keytide::daemon::Daemon;
use keytide::door::Door;
use keytide::ui::{self, House};
use keytide::words::{ExecutionId, Map};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::Outcome;
use crate::client::Client;
use crate::report::Row;
use crate::sample::per_second;
use crate::wire::{Wire, request};
use crate::world::{World, disk_folder};

/// How many connections ask at once.
const CONNECTIONS: usize = 64;
/// How many requests one turn is, and how many turns each side has.
const REQUESTS: usize = 20_000;
const TURNS: usize = 5;
/// How many executions are read for the first time.
const EXECUTIONS: usize = 4_000;
/// How long a text makes an execution read like 5 KB.
const TEXT_BYTES: usize = 540;

/// Measures it, both servers and their clients in this process.
pub(crate) fn rows() -> Outcome<Vec<Row>> {
    let world = World::new(disk_folder(), 100)?;
    let daemon = world.daemon()?;
    let client = Client::new(&daemon, definition())?;
    let ids: Vec<ExecutionId> = daemon.runtime().block_on(async {
        let mut ids = Vec::new();
        for number in 0..EXECUTIONS {
            ids.push(client.done(input(number)).await?);
        }
        Ok::<_, String>(ids)
    })?;
    let (_stop, address) = ours(&daemon)?;
    let clients = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let paths: Vec<String> = ids.iter().map(|id| format!("/api/workflow/{id}")).collect();
    let first = paths.first().cloned().ok_or("there are executions")?;
    let body = clients.block_on(async {
        let mut wire = Wire::to(address).await.map_err(|error| error.to_string())?;
        wire.get(&request(address, &first, None)).await.map(<[u8]>::to_vec)
    })?;
    let size = body.len();
    let bare = bare(&daemon, body.into())?;
    let uncached = rate(&clients, address, &paths, EXECUTIONS)?;
    let (mut cached, mut floor) = (Vec::new(), Vec::new());
    let one = [first];
    for _ in 0..TURNS {
        floor.push(rate(&clients, bare, &one, REQUESTS)?);
        cached.push(rate(&clients, address, &one, REQUESTS)?);
    }
    daemon.stop(|| true);
    Ok(vec![row(size, median(&mut cached), median(&mut floor), uncached)])
}

fn row(size: usize, cached: f64, floor: f64, uncached: f64) -> Row {
    let share = cached / floor;
    Row {
        number: "P28",
        measure: format!("an execution of {size} bytes over HTTP, {CONNECTIONS} connections"),
        ours: format!("{cached:.0}/s (median of {TURNS} turns of {REQUESTS}); the first time that it is read {uncached:.0}/s"),
        beside: format!("`hyper` with the same bytes: {floor:.0}/s"),
        result: format!("{share:.2} of the bare rate; {:.2} the first time", uncached / floor),
        goal: "≥ 0.5",
        met: Some(share >= 0.5),
        note: "both servers and the clients share the cores and the process. The first time an execution is replayed from the \
               journal, masked and written as JSON; what has ended is kept so until something is done about it or the store \
               changes, and who may read it is asked every time."
            .to_owned(),
    }
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}

/// Lets all connections ask for these paths in turn, and returns how many answers they get a second.
fn rate(clients: &tokio::runtime::Runtime, address: SocketAddr, paths: &[String], count: usize) -> Outcome<f64> {
    let requests: Arc<[String]> = paths.iter().map(|path| request(address, path, None)).collect();
    let next = Arc::new(AtomicUsize::new(0));
    let took = clients.block_on(async {
        let mut wires = Vec::new();
        for _ in 0..CONNECTIONS {
            wires.push(Wire::to(address).await.map_err(|error| error.to_string())?);
        }
        let began = Instant::now();
        let all: Vec<_> = wires
            .into_iter()
            .map(|mut wire| {
                let (requests, next) = (requests.clone(), next.clone());
                tokio::spawn(async move {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            return Ok::<(), String>(());
                        }
                        wire.get(&requests[number % requests.len()]).await?;
                    }
                })
            })
            .collect();
        for one in all {
            one.await.map_err(|error| error.to_string())??;
        }
        Ok::<_, String>(began.elapsed())
    })?;
    Ok(per_second(count, took))
}

/// Opens the port as `serve --open` does.
fn ours(daemon: &Daemon) -> Outcome<(watch::Sender<bool>, SocketAddr)> {
    let runtime = daemon.runtime();
    let listener = runtime.block_on(api::bind_tcp("127.0.0.1:0".parse()?, Openness::Open))?;
    let address = listener.local_addr()?;
    let (stop, stopping) = watch::channel(false);
    let (handle, door) = (daemon.handle().clone(), Door::Loopback(address));
    let house = House::new(handle.clone(), door.clone(), address.port())?;
    let router = move || ui::router(house, api::router(handle, door));
    runtime.spawn(api::serve(Limits::default(), listener, router, stopping));
    Ok((stop, address))
}

/// Opens a port where every request is answered with these bytes.
fn bare(daemon: &Daemon, body: Bytes) -> Outcome<SocketAddr> {
    let listener = daemon.runtime().block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    daemon.runtime().spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let body = body.clone();
            let answer = service_fn(move |_: Request<hyper::body::Incoming>| {
                let mut response = Response::new(Whole(Some(body.clone())));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                async { Ok::<_, Infallible>(response) }
            });
            drop(stream.set_nodelay(true));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    Ok(address)
}

/// A body of one piece.
struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

fn input(number: usize) -> Map {
    Map::from_iter([("text".to_owned(), Value::from(format!("{number:x>TEXT_BYTES$}")))])
}

/// Returns a workflow of two tasks that do their work inside.
fn definition() -> Value {
    let task = |name: &str| {
        json!({"name": name, "taskReferenceName": name, "type": "SET_VARIABLE",
            "inputParameters": {"text": "${workflow.input.text}"}})
    };
    json!({"name": "two_steps", "tasks": [task("one"), task("two")]})
}
