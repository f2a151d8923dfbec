//! Traces: each run that has ended is a span, each call of a run one below it, and each execution the span around them.
//!
//! A span is made of what the journal says, once it is there: nothing is kept while something is under way, and what ended
//! after a crash is told like anything else.
//!
//! **Architecture Invariant:** a span holds names, ids, statuses and times, each text masked, and never a payload, a reason, a
//! path, a query or a header. Telling waits for nobody: where nobody takes the spans they are dropped.

mod export;

use std::sync::Arc;

use reqwest::Url;
use serde_json::Value;

use crate::daemon::batch::Batch;
use crate::daemon::dispatcher::Dispatcher;
use crate::engine::{Event, Execution, Fact, Run};
use crate::executor::http::Sketch;
use crate::observe::Masking;
use crate::redact::Masker;
use crate::words::{RunNumber, SpanId, Timestamp, TraceId, WorkflowStatus};
pub(super) use export::Exporter;

/// The spans' way out.
pub(super) struct Traces {
    masking: Arc<Masking>,
    exporter: Exporter,
}

/// Something that took its time.
struct Span {
    trace: TraceId,
    id: SpanId,
    parent: Option<SpanId>,
    name: String,
    kind: Kind,
    began: Timestamp,
    ended: Timestamp,
    is_failed: bool,
    attributes: Vec<(&'static str, Value)>,
}

/// What a span is to others, as OTLP numbers it.
#[derive(Clone, Copy)]
enum Kind {
    Internal = 1,
    Client = 3,
}

impl Traces {
    /// Returns traces whose texts are masked, and sent by this exporter.
    pub(super) const fn new(masking: Arc<Masking>, exporter: Exporter) -> Self {
        Self { masking, exporter }
    }

    /// Sends what is waiting to be sent, for as long as a process that stops has time.
    pub(super) fn stop(&self, runtime: &tokio::runtime::Runtime) {
        self.exporter.stop(runtime);
    }

    fn tell(&self, execution: &Execution, events: &[Event]) {
        let mut spans = events.iter().flat_map(|event| spans(execution, event)).peekable();
        if spans.peek().is_none() {
            return;
        }
        let masker = self.masking.current().with(execution.masks.iter());
        for mut span in spans {
            span.mask(&masker);
            self.exporter.send(span);
        }
    }
}

impl Dispatcher {
    /// Tells the spans of what ended in a batch.
    pub(super) fn trace(&self, batch: &Batch, traces: &Traces) {
        for (id, events) in &batch.touched {
            if let Some(live) = self.live.get(id) {
                traces.tell(&live.execution, events);
            }
        }
    }
}

impl Span {
    fn mask(&mut self, masker: &Masker) {
        let hide = |text: &mut String| *text = masker.mask_text(text).into_owned();
        hide(&mut self.name);
        for (_, value) in &mut self.attributes {
            if let Value::String(text) = value {
                hide(text);
            }
        }
    }
}

fn spans(execution: &Execution, event: &Event) -> Vec<Span> {
    match &event.fact {
        Fact::Ended { status, .. } => vec![span_of_workflow(execution, *status, event.at)],
        Fact::Completed(completion) => spans_of_run(execution, completion.run),
        Fact::Failed(failure) => spans_of_run(execution, failure.run),
        Fact::Canceled { run } => spans_of_run(execution, *run),
        _ => Vec::new(),
    }
}

/// Returns since when an execution goes on: a retry is a span of its own.
fn since(execution: &Execution) -> Timestamp {
    execution.last_retried.unwrap_or(execution.created)
}

fn span_of_workflow(execution: &Execution, status: WorkflowStatus, at: Timestamp) -> Span {
    let parent = execution.parent.as_ref().map(|parent| SpanId::of_task(parent.execution, parent.run));
    let parent = parent.or_else(|| execution.begun?.span);
    Span {
        trace: execution.trace(),
        id: SpanId::of_workflow(execution.id, since(execution)),
        parent,
        name: format!("workflow {}", execution.name()),
        kind: Kind::Internal,
        began: since(execution),
        ended: at,
        is_failed: status != WorkflowStatus::Completed,
        attributes: vec![
            ("conductor.workflow.id", execution.id.to_string().into()),
            ("conductor.workflow.name", execution.name().into()),
            ("conductor.workflow.version", execution.plan.pinned.workflow.version.into()),
            ("conductor.workflow.status", status.as_str().into()),
        ],
    }
}

fn spans_of_run(execution: &Execution, run: RunNumber) -> Vec<Span> {
    let Some(run) = execution.run(run) else { return Vec::new() };
    let planned = execution.planned(run);
    let reference = execution.reference(run);
    let ended = run.ended.unwrap_or(run.updated);
    // A run that a retry takes up again has told a span already.
    let again = execution.last_retried.filter(|retried| run.scheduled < *retried);
    let id = again.map_or_else(
        || SpanId::of_task(execution.id, run.number),
        |retried| SpanId::of_task_again(execution.id, run.number, retried),
    );
    let task = Span {
        trace: execution.trace(),
        id,
        parent: Some(SpanId::of_workflow(execution.id, since(execution))),
        name: format!("task {reference}"),
        kind: Kind::Internal,
        began: run.scheduled,
        ended,
        is_failed: !run.status.is_successful(),
        attributes: vec![
            ("conductor.workflow.id", execution.id.to_string().into()),
            ("conductor.task.id", run.id(execution.id).to_string().into()),
            ("conductor.task.reference", reference.as_ref().into()),
            ("conductor.task.type", planned.task.task_type.as_str().into()),
            ("conductor.task.status", run.status.as_str().into()),
            ("conductor.task.retry_count", run.attempt.into()),
        ],
    };
    let began = run.started.filter(|_| planned.task.task_type.is_http());
    let call = began.map(|began| Span { parent: Some(id), ..span_of_call(execution, run, began, ended) });
    [task].into_iter().chain(call).collect()
}

/// Returns what a call says of itself: its method and its host, as far as they are known without a secret.
fn span_of_call(execution: &Execution, run: &Run, began: Timestamp, ended: Timestamp) -> Span {
    let sketch = Sketch::of(execution.input(run).expose()).ok();
    let url = sketch.as_ref().and_then(|sketch| Url::parse(&sketch.uri).ok());
    let method = sketch.map_or_else(|| "HTTP".to_owned(), |sketch| sketch.method);
    let mut attributes = vec![("http.request.method", method.as_str().into())];
    if let Some(url) = &url {
        attributes.extend(url.host_str().map(|host| ("server.address", host.into())));
        attributes.extend(url.port_or_known_default().map(|port| ("server.port", port.into())));
        attributes.push(("url.scheme", url.scheme().into()));
    }
    let status = run.response.as_ref().map(|response| response.status_code);
    attributes.extend(status.map(|status| ("http.response.status_code", status.into())));
    Span {
        trace: execution.trace(),
        id: SpanId::of_call(execution.id, run.number),
        parent: Some(SpanId::of_task(execution.id, run.number)),
        name: method,
        kind: Kind::Client,
        began,
        ended,
        is_failed: status.is_none_or(|status| status >= 400),
        attributes,
    }
}
