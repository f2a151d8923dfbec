//! The audit of a real daemon: who used which secret, and nothing is used that it could not tell of.

use serde_json::{Value, json};

use super::world::{Served, TOKEN, World, put, rotation};
use crate::daemon::Error;
use crate::journal::AuditQuery;
use crate::secret::{Snapshot, Version, Write};
use crate::settings::Settings;
use crate::words::{App, ExecutionId, Owner, Sensitive, WorkflowStatus};
use crate::workflow::definition::{StartWorkflowRequest, WorkflowDef};

/// Returns all entries, the oldest first.
fn audit(served: &Served<'_>) -> Vec<Value> {
    let query =
        AuditQuery { since: None, secret: None, actor: None, run: None, before: None, count: 1_000, brief: false };
    let mut entries = served.ask(served.handle.audit(&Owner::Local, query)).unwrap().entries;
    entries.reverse();
    entries
}

/// Returns what a run did, in words.
fn told(served: &Served<'_>, run: ExecutionId) -> Vec<String> {
    let of_run = |entry: &Value| entry["run"]["id"] == run.to_string();
    let words = |entry: Value| {
        let text = |path: &str| entry.pointer(path).and_then(Value::as_str).unwrap_or("-").to_owned();
        format!("{} {}:{} {}", text("/action"), text("/object/kind"), text("/object/name"), text("/outcome"))
    };
    audit(served).into_iter().filter(of_run).map(words).collect()
}

fn fingerprint(store: &Snapshot, name: &str, version: Version) -> Value {
    store.get(name, version).map(|value| store.fingerprint(&value)).into()
}

fn verified(served: &Served<'_>) {
    assert!(served.ask(served.handle.verify_audit(&Owner::Local)).unwrap().breaks.is_empty());
}

#[test]
fn a_rotation_tells_what_it_read_and_which_value_took_the_place_of_which() {
    let world = World::new();
    let served = world.serve();
    for _ in 0..2 {
        let id = served.start(rotation(&world.issuer.token_url()));
        assert_eq!(served.end_of(id), WorkflowStatus::Completed);
        let words = told(&served, id);
        assert_eq!(words[0], "start workflow:update_rotate_secrets_tracker_app allowed");
        for name in ["appKeyId", "appKeySecret"] {
            assert!(words.contains(&format!("read secret:{name} asked")), "{words:?}");
        }
        let last = [format!("write secret:{TOKEN} asked"), format!("write secret:{TOKEN} allowed")];
        assert_eq!(words[words.len() - 2..], last);
    }
    let store = world.store().snapshot();
    let entry = audit(&served).pop().unwrap();
    assert_eq!(entry["version"], 2);
    assert_eq!(entry["old"], fingerprint(&store, TOKEN, Version::Previous));
    assert_eq!(entry["new"], fingerprint(&store, TOKEN, Version::Current));
    assert_eq!(entry["run"]["task"], "update_secret_task_ref");
    verified(&served);
    let token = world.issued();
    assert!(audit(&served).iter().all(|entry| !entry.to_string().contains(&token)));
    served.stop();
}

#[test]
fn no_call_is_made_with_a_secret_and_none_is_shown_while_the_audit_cannot_be_written() {
    let world = World::new();
    let served = world.serve();
    let journal = rusqlite::Connection::open(world.at(".keytide/journal.db")).unwrap();
    journal.execute_batch("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END").unwrap();
    let definition: WorkflowDef = serde_json::from_value(rotation(&world.issuer.token_url())).unwrap();
    let request = StartWorkflowRequest {
        name: definition.name.clone(),
        workflow_def: Some(Box::new(definition)),
        ..StartWorkflowRequest::default()
    };
    let refused = |error: Result<(), Error>| assert!(matches!(error, Err(Error::Unavailable(_))), "{error:?}");
    refused(served.ask(served.handle.start(&Owner::Local, request)).map(drop));
    refused(served.ask(served.handle.reveal(&Owner::Local, "appKeyId", Version::Current)).map(drop));
    let write = Write { name: TOKEN.to_owned(), value: Sensitive::new("never-stored"), expires: None, plain: false };
    refused(served.ask(served.handle.put_secrets(&Owner::Local, vec![write])).map(drop));
    assert_eq!(world.issuer.counts().issued, 0);
    journal.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(served.secret(TOKEN), None);
    served.until("a working journal", || served.secret("appKeyId"));
    let id = served.start(rotation(&world.issuer.token_url()));
    assert_eq!(served.end_of(id), WorkflowStatus::Completed);
    verified(&served);
    served.stop();
}

#[test]
fn a_run_that_may_not_read_or_write_a_secret_is_told_as_denied() {
    let world = World::new();
    let mut settings = Settings::default();
    settings.access.workflows_granted = true;
    let mut definition = rotation(&world.issuer.token_url());
    world.write("workflows/rotate.json", definition.to_string());
    let served = world.serve_with(settings.clone());
    let id = served.start_named("update_rotate_secrets_tracker_app", &json!({}));
    assert_eq!(served.end_of(id), WorkflowStatus::Failed);
    let words = told(&served, id);
    assert_eq!(words.last().unwrap(), "read secret:appKeyId denied", "{words:?}");
    served.stop();

    definition["tasks"].as_array_mut().unwrap().remove(0);
    definition["tasks"][0]["inputParameters"]["_secrets"]["secretValue"] = "a literal value".into();
    world.write("workflows/rotate.json", definition.to_string());
    let served = world.serve_with(settings);
    let id = served.start_named("update_rotate_secrets_tracker_app", &json!({}));
    assert_eq!(served.end_of(id), WorkflowStatus::Failed);
    assert_eq!(told(&served, id)[1..], [format!("write secret:{TOKEN} asked"), format!("write secret:{TOKEN} denied")]);
    verified(&served);
    served.stop();
}

#[test]
fn what_was_shown_is_told_with_version_and_fingerprint_and_a_name_that_is_a_value_is_masked() {
    let world = World::new();
    world.store().update(vec![put(TOKEN, "first-value"), put("other", "a-value-of-other")]).unwrap();
    world.store().update(vec![put(TOKEN, "second-value")]).unwrap();
    let served = world.serve();
    served.ask(served.handle.reveal(&Owner::Local, TOKEN, Version::Previous)).unwrap();
    let store = world.store().snapshot();
    let entry = audit(&served).pop().unwrap();
    assert_eq!((&entry["action"], &entry["version"]), (&"reveal".into(), &1.into()));
    assert_eq!(entry["new"], fingerprint(&store, TOKEN, Version::Number(1)));
    let stranger = Owner::App(App::parse("stranger"));
    let denied = served.ask(served.handle.reveal(&stranger, "a-value-of-other", Version::Current));
    assert!(matches!(denied, Err(Error::NotFound(_))));
    let entry = served.until("the refusal", || audit(&served).pop().filter(|entry| entry["outcome"] == "denied"));
    assert_eq!((&entry["actor"]["name"], &entry["object"]["name"]), (&"stranger".into(), &"***".into()));
    served.stop();
}
