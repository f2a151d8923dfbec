//! The exporter: spans as JSON, as OTLP over HTTP has it, to whoever collects them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use reqwest::StatusCode;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::Span;
use crate::settings;

/// How many spans wait to be sent: a busy daemon makes as many in a second. What is beyond is dropped.
const WAITING_MAX: usize = 4_096;
/// How many are sent at once, as OpenTelemetry's own exporters do.
const BATCH_MAX: usize = 512;
/// How long the first of them waits for others.
const GATHERING: Duration = Duration::from_secs(1);
/// How long a request may take, as OpenTelemetry has it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a batch is sent that the collector does not take now, and how long each pause is.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);
/// How long a process that stops waits for the last of them.
const FAREWELL: Duration = Duration::from_secs(5);

/// Sends spans, one batch after the other.
pub(in crate::daemon) struct Exporter {
    parcels: mpsc::Sender<Parcel>,
    /// Whether it was said that spans are dropped.
    is_full: AtomicBool,
    sending: Mutex<Option<JoinHandle<()>>>,
}

enum Parcel {
    Span(Box<Span>),
    Stop,
}

/// Where spans go.
struct Collector {
    client: reqwest::Client,
    url: String,
    headers: HeaderMap,
    service: String,
    /// Whether it was said that it takes nothing.
    is_lost: bool,
}

impl Exporter {
    /// Starts to send what it gets.
    pub(in crate::daemon) fn start(settings: &settings::Traces, runtime: &Runtime) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("keytide/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .build()?;
        let collector = Collector {
            client,
            url: settings.endpoint.to_string(),
            headers: settings.headers.clone(),
            service: settings.service.clone(),
            is_lost: false,
        };
        let (parcels, waiting) = mpsc::channel(WAITING_MAX);
        let sending = Mutex::new(Some(runtime.spawn(collector.serve(waiting))));
        Ok(Self { parcels, is_full: AtomicBool::new(false), sending })
    }

    /// Takes a span, if there is room.
    pub(super) fn send(&self, span: Span) {
        let is_full = self.parcels.try_send(Parcel::Span(Box::new(span))).is_err();
        if is_full && !self.is_full.swap(is_full, Ordering::Relaxed) {
            tracing::warn!("spans are dropped: {WAITING_MAX} wait for the collector already");
        }
        if !is_full {
            self.is_full.store(false, Ordering::Relaxed);
        }
    }

    /// Waits until everything is sent, for a while.
    pub(super) fn stop(&self, runtime: &Runtime) {
        let sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(sending) = sending else { return };
        let all = async {
            // Where the queue is full it gets its place in it.
            drop(self.parcels.send(Parcel::Stop).await);
            sending.await
        };
        let sent = runtime.block_on(async { timeout(FAREWELL, all).await });
        if sent.is_err() {
            tracing::warn!("the last spans were not taken in time");
        }
    }
}

impl Collector {
    async fn serve(mut self, mut waiting: mpsc::Receiver<Parcel>) {
        let mut goes_on = true;
        while goes_on {
            let mut spans = Vec::new();
            let mut until = None;
            while spans.len() < BATCH_MAX && goes_on {
                let next = match until {
                    None => Ok(waiting.recv().await),
                    Some(until) => timeout_at(until, waiting.recv()).await,
                };
                match next {
                    Ok(Some(Parcel::Span(span))) => {
                        until.get_or_insert_with(|| Instant::now() + GATHERING);
                        spans.push(*span);
                    }
                    Ok(Some(Parcel::Stop) | None) => goes_on = false,
                    Err(_) => break,
                }
            }
            if !spans.is_empty() {
                // A process that stops does not wait for a collector that is away.
                self.deliver(&spans, if goes_on { TRIES } else { 1 }).await;
            }
        }
    }

    async fn deliver(&mut self, spans: &[Span], tries: u32) {
        let body = document(&self.service, spans).to_string();
        let mut problem = String::new();
        for attempt in 0..tries {
            if attempt > 0 {
                sleep(PAUSE * attempt).await;
            }
            let request = self.client.post(&self.url).headers(self.headers.clone());
            let request = request.header("content-type", "application/json").body(body.clone());
            match request.send().await {
                Ok(response) if response.status().is_success() => {
                    self.is_lost = false;
                    return;
                }
                Ok(response) => {
                    problem = format!("it answered {}", response.status());
                    if !is_for_now(response.status()) {
                        break;
                    }
                }
                // The address may hold credentials.
                Err(error) => problem = error.without_url().to_string(),
            }
        }
        if !std::mem::replace(&mut self.is_lost, true) {
            tracing::warn!("{} spans were not taken by the collector: {problem}", spans.len());
        }
    }
}

/// Returns whether OTLP wants a request that was answered so to come again.
fn is_for_now(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

fn document(service: &str, spans: &[Span]) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [attribute("service.name", &service.into()), attribute("service.version", &version.into())];
    let spans: Vec<_> = spans.iter().map(shown).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{"scope": {"name": "keytide", "version": version}, "spans": spans}],
    }]})
}

fn shown(span: &Span) -> Value {
    let nanoseconds = |at: crate::words::Timestamp| (i128::from(at.as_millis()) * 1_000_000).to_string();
    let attributes: Vec<_> = span.attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    json!({
        "traceId": span.trace.to_string(),
        "spanId": span.id.to_string(),
        "parentSpanId": span.parent.map_or_else(String::new, |parent| parent.to_string()),
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": nanoseconds(span.began),
        "endTimeUnixNano": nanoseconds(span.ended),
        "attributes": attributes,
        // Unset, or an error.
        "status": {"code": if span.is_failed { 2 } else { 0 }},
    })
}

fn attribute(name: &str, value: &Value) -> Value {
    let value = match value {
        // Numbers of 64 bits are texts in the JSON of protocol buffers.
        Value::Number(number) => json!({"intValue": number.to_string()}),
        Value::String(text) => json!({"stringValue": text}),
        other => json!({"stringValue": other.to_string()}),
    };
    json!({"key": name, "value": value})
}
