//! What calls bring, to the byte and in their order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::daemon::Known;
use crate::engine::Operation;
use crate::secret::Allow;
use crate::words::{Owner, WorkflowStatus};

use super::world::{Served, TOKEN, World, rotation, single};

/// An issuer whose first answer waits until somebody lets it go.
#[derive(Clone)]
struct Slow {
    calls: Arc<AtomicUsize>,
    first: Arc<Semaphore>,
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

fn start_slow(world: &World) -> (Slow, String) {
    let slow = Slow { calls: Arc::default(), first: Arc::new(Semaphore::new(0)) };
    let shared = slow.clone();
    let answer = move || {
        let slow = shared.clone();
        async move {
            let number = slow.calls.fetch_add(1, Ordering::SeqCst) + 1;
            if number == 1 {
                slow.first.acquire().await.unwrap().forget();
            }
            axum::Json(json!({"token": format!("token-number-{number}")}))
        }
    };
    let address = world.beside(serve(Router::new().fallback(answer)));
    (slow, format!("http://{address}/token"))
}

#[test]
fn a_retry_waits_for_the_call_on_the_wire_and_the_later_token_is_stored() {
    let world = World::new();
    let served = world.serve();
    let (slow, uri) = start_slow(&world);
    let mut definition = rotation(&uri);
    definition["tasks"][0]["inputParameters"]["readTimeOut"] = 20_000.into();
    let id = served.start(definition);
    served.until("the first call", || (slow.calls.load(Ordering::SeqCst) == 1).then_some(()));
    served.operate(id, Operation::Terminate { reason: None }).unwrap();
    served.operate(id, Operation::Retry).unwrap();
    let shown = served.until("the wait", || {
        let view = served.view(id);
        view["tasks"][1]["reasonForIncompletion"].as_str().map(str::to_owned)
    });
    assert!(shown.contains("waits for an earlier call of this task"), "{shown}");
    assert_eq!(slow.calls.load(Ordering::SeqCst), 1, "no second call while the first is on the wire");
    slow.first.add_permits(1);
    assert_eq!(served.end_of(id), WorkflowStatus::Completed, "{:#}", served.view(id));
    assert_eq!(served.secret(TOKEN).as_deref(), Some("token-number-2"));
    served.has_no_problem();
    served.stop();
}

fn fetching(body: &'static [u8], world: &World) -> Value {
    let address = world.beside(serve(Router::new().fallback(move || async move { Bytes::from_static(body) })));
    rotation(&format!("http://{address}/token"))
}

fn filtered(body: &'static [u8], path: &str, world: &World) -> Value {
    let mut definition = fetching(body, world);
    definition["tasks"][0]["inputParameters"]["outputFilter"]["_secrets"]["token"] =
        format!("$${{retrieve_token.output.response.{path}}}").into();
    definition
}

#[test]
fn a_token_of_digits_is_stored_digit_for_digit() {
    let world = World::new();
    let served = world.serve();
    let digits = "123456789012345678901234567890";
    for (body, path, stored) in [
        (&b"{\"id\": 123456789012345678901234567890}"[..], "body.id", digits),
        (b"123456789012345678901234567890\n", "body", "123456789012345678901234567890\n"),
        (b"12345678901234567", "body", "12345678901234567"),
        (b"0012", "body", "0012"),
        (b"482913", "body", "482913"),
        (b"{\"id\":18446744073709551615}", "body.id", "18446744073709551615"),
    ] {
        let (status, view) = served.run(filtered(body, path, &world));
        assert_eq!(status, WorkflowStatus::Completed, "{view:#}");
        assert_eq!(served.secret(TOKEN).as_deref(), Some(stored));
    }
    served.stop();
}

#[test]
fn a_response_that_is_no_text_is_stored_nowhere_and_kept_to_the_byte() {
    const BODY: &[u8] = b"\xfftok\x00en\xc3";
    let world = World::new();
    let served = world.serve();
    let id = served.start(filtered(BODY, "body", &world));
    assert_eq!(served.end_of(id), WorkflowStatus::Failed);
    let reason = served.view(id)["reasonForIncompletion"].to_string();
    assert!(reason.contains("bytes in it were no text"), "{reason}");
    assert_eq!(served.secret(TOKEN), None);
    served.problem(&[&id.to_string(), TOKEN]);
    let rescued = served.ask(served.handle.rescue(&Owner::Local, id, "$", TOKEN, Allow::default()));
    assert!(rescued.is_err(), "the guard holds for a rescue too");
    served.stop();
    let served = world.serve();
    let Ok(Known::Whole(known)) = served.ask(served.handle.read(&Owner::Local, id)) else { panic!("it is kept") };
    let raw = known.runs[0].response.as_ref().and_then(|response| response.raw.as_ref());
    assert!(raw.is_some_and(|raw| raw.bytes() == BODY));
    served.stop();
}

#[test]
fn what_leads_to_nothing_is_not_stored_wherever_it_stands() {
    let world = World::new();
    let served = world.serve();
    for secrets in [
        json!({"secretKey": "k", "secretValue": {"user": "u", "token": "${workflow.input.nothing}"}}),
        json!({"secretKey": "k", "secretValue": ["v", "is ${workflow.input.nothing}"]}),
        json!({"secretKey": "k_${workflow.input.nothing}", "secretValue": "v"}),
    ] {
        let task = json!({"name": "update", "taskReferenceName": "update", "type": "UPDATE_SECRET",
            "inputParameters": {"_secrets": secrets}});
        let (status, view) = served.run(single("leads_to_nothing", &task));
        assert_eq!(status, WorkflowStatus::Failed, "{secrets}");
        let reason = view["reasonForIncompletion"].as_str().unwrap();
        assert!(reason.starts_with("400: ") && reason.contains("was not resolved"), "{reason}");
    }
    assert!(served.secret("k").is_none() && served.secret("k_null").is_none());
    served.stop();
}

/// Runs a workflow with a literal secret, and returns its views: while it is open, ended and archived they are one form.
fn views_of_a_literal(served: &Served<'_>) -> Value {
    let task = json!({"name": "update", "taskReferenceName": "update", "type": "UPDATE_SECRET", "inputParameters": {
        "_secrets": {"secretKey": "my_token", "secretValue": "abcd-literal", "allow": ["html"]},
        "_masked": {"pin": 4711, "from": "${workflow.input.pin}"}}});
    let mut definition = single("literal", &task);
    definition["tasks"].as_array_mut().unwrap().insert(
        0,
        json!({"name": "hold", "taskReferenceName": "hold", "type": "WAIT", "inputParameters": {"duration": "1 h"}}),
    );
    definition["inputTemplate"] = json!({"_secrets": {"other": "other-literal"}});
    let id = served.start(definition);
    served.view(id)
}

#[test]
fn a_literal_where_secrets_belong_is_in_no_view_of_its_definition() {
    let world = World::new();
    let served = world.serve();
    let view = views_of_a_literal(&served);
    let text = view.to_string();
    for literal in ["abcd-literal", "other-literal", "4711"] {
        assert!(!text.contains(literal), "{view:#}");
    }
    let shown = &view["workflowDefinition"]["tasks"][1]["inputParameters"];
    let expected = json!({"secretKey": "my_token", "secretValue": "***", "allow": ["html"]});
    assert_eq!(shown["_secrets"], expected);
    assert_eq!(shown["_masked"], json!({"pin": "***", "from": "${workflow.input.pin}"}));
    served.stop();
}
