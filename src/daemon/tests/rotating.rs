//! The journey of a rotation, over real HTTP.

use serde_json::json;

use crate::cli::demo::issuer::Fault;
use crate::engine::Operation;
use crate::secret::{Allow, Version};
use crate::words::{Grant, GrantTarget, Grantee, Owner, Permission, WorkflowStatus};

use super::world::{KEY_ID, KEY_SECRET, TOKEN, World, rotation, scheduled, single};

#[test]
fn the_seed_rotation_stores_the_issued_token_and_shows_it_to_nobody() {
    let world = World::new();
    let served = world.serve();
    let (status, view) = served.run(rotation(&world.issuer.token_url()));
    assert_eq!(status, WorkflowStatus::Completed, "{view:#}");
    let token = world.issued();
    assert_eq!(served.secret(TOKEN).as_ref(), Some(&token));
    assert_eq!(world.visit(&token), 200);
    for canary in [token.as_str(), KEY_ID, KEY_SECRET] {
        assert!(!view.to_string().contains(canary), "a view shows a secret");
        assert_eq!(world.file_with(canary), None);
    }
    assert_eq!(view["tasks"][0]["outputData"], json!({"_secrets": "***"}));
    assert_eq!(view["tasks"][1]["inputData"]["_secrets"], "***");
    served.stop();
    for canary in [token.as_str(), KEY_ID, KEY_SECRET] {
        assert_eq!(world.file_with(canary), None, "after the stop");
    }
}

#[test]
fn a_file_of_the_folder_rotates_on_its_schedule() {
    let world = World::new();
    world.write("workflows/rotate.json", scheduled(&world.issuer.token_url(), "* * * * * *").to_string());
    let served = world.serve();
    let first = served.until("the first token", || served.secret(TOKEN));
    assert_eq!(world.visit(&first), 200);
    let second = served.until("the second token", || served.secret(TOKEN).filter(|token| *token != first));
    assert_eq!(world.visit(&second), 200);
    assert_eq!(world.visit(&first), 401, "the new token revoked the old one");
    let slots = served.slots();
    assert!(slots.len() >= 2, "{slots:?}");
    let run = served.view(slots[0].execution);
    assert_eq!(run["input"]["_startedByScheduler"], "update_rotate_secrets_tracker_app");
    assert_eq!(run["input"]["_scheduledTime"], slots[0].due.as_millis());
    assert_eq!(run["input"]["_executionId"], slots[0].execution.to_string());
    assert_eq!(run["input"]["_schedulerCron"], "* * * * * * UTC");
    assert!(run["input"]["_executedTime"].as_i64() >= Some(slots[0].due.as_millis()));
    served.stop();
    let stored = world.store().snapshot().get(TOKEN, Version::Current);
    assert!(stored == world.issuer.issued_last(), "the newest token is stored");
}

#[test]
fn what_is_no_token_is_never_stored_and_a_retry_helps() {
    let world = World::new();
    let served = world.serve();
    for fault in [Fault::ServerError, Fault::Garbage, Fault::LoginPage] {
        world.issuer.fail_next(fault);
        let id = served.start(rotation(&world.issuer.token_url()));
        assert_eq!(served.end_of(id), WorkflowStatus::Failed, "{fault:?}");
        let before = served.secret(TOKEN);
        served.operate(id, Operation::Retry).unwrap();
        assert_eq!(served.end_of(id), WorkflowStatus::Completed, "{fault:?}: {:#}", served.view(id));
        let after = served.secret(TOKEN);
        assert_ne!(before, after);
        assert_eq!(after, Some(world.issued()));
        served.has_no_problem();
    }
    served.stop();
}

#[test]
fn a_response_without_the_token_is_fetched_but_not_extracted() {
    let world = World::new();
    let served = world.serve();
    let mut definition = rotation(&world.issuer.token_url());
    let path = "$${retrieve_token.output.response.body.access_token}";
    definition["tasks"][0]["inputParameters"]["outputFilter"]["_secrets"]["token"] = path.into();
    let id = served.start(definition);
    assert_eq!(served.end_of(id), WorkflowStatus::Failed);
    let reason = served.view(id)["reasonForIncompletion"].to_string();
    assert!(reason.contains("fetched but not extracted"), "{reason}");
    assert!(!reason.contains(&world.issued()), "a reason shows a secret");
    assert_eq!(served.secret(TOKEN), None);
    served.problem(&[&id.to_string(), "could not store", "keytide rescue"]);
    let missing = served.ask(served.handle.rescue(&Owner::Local, id, "access_token", TOKEN, Allow::default()));
    assert!(missing.unwrap_err().to_string().contains("it has the keys: token"));
    let rescue = |who: &Owner, secret: &str| {
        served.ask(served.handle.rescue(who, id, "token", secret, Allow::default())).map(drop)
    };
    let ci = served.ask(served.handle.create_application(&Owner::Local, "ci".to_owned())).unwrap().as_owner();
    let grant = |on: &str| {
        let (to, on) = (Grantee::parse("app:ci").unwrap(), GrantTarget::parse(on).unwrap());
        served.ask(served.handle.grant(&Owner::Local, Grant { to, on, access: Permission::ALL.to_vec() })).unwrap();
    };
    grant("workflow:*");
    grant("secret:own");
    let denied = rescue(&ci, "own").unwrap_err().to_string();
    assert!(
        denied.contains("may not rescue this run into `own`"),
        "a token must not be read by putting it elsewhere: {denied}"
    );
    assert_eq!(served.secret("own"), None);
    assert!(rescue(&ci, TOKEN).is_err());
    grant(&format!("secret:{TOKEN}"));
    rescue(&ci, TOKEN).unwrap();
    assert_eq!(served.secret(TOKEN), Some(world.issued()));
    served.has_no_problem();
    served.stop();
}

#[test]
fn a_login_page_is_refused_by_the_guard_and_named() {
    let world = World::new();
    let served = world.serve();
    let mut definition = rotation(&world.issuer.token_url());
    definition["tasks"][0]["inputParameters"]["outputFilter"]["_secrets"]["token"] =
        "$${retrieve_token.output.response.body}".into();
    world.issuer.fail_next(Fault::LoginPage);
    let id = served.start(definition);
    assert_eq!(served.end_of(id), WorkflowStatus::Failed);
    let view = served.view(id);
    let reason = view["reasonForIncompletion"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("400: "), "{reason}");
    assert_eq!(served.secret(TOKEN), None);
    served.problem(&[&id.to_string(), TOKEN]);
    let refused = served.ask(served.handle.rescue(&Owner::Local, id, "$", TOKEN, Allow::default()));
    assert!(refused.is_err(), "the guard holds for a rescue too");
    let allow = Allow { html: true, ..Allow::default() };
    served.ask(served.handle.rescue(&Owner::Local, id, "$", TOKEN, allow)).unwrap();
    assert!(served.secret(TOKEN).unwrap().starts_with("<!DOCTYPE html>"));
    served.has_no_problem();
    served.stop();
}

#[test]
fn a_lost_reply_is_in_doubt_and_is_not_repeated() {
    let world = World::new();
    let served = world.serve();
    let mut definition = rotation(&world.issuer.token_url());
    definition["tasks"][0]["retryCount"] = 3.into();
    world.issuer.fail_next(Fault::LostReply);
    let id = served.start(definition);
    assert_eq!(served.end_of(id), WorkflowStatus::Failed);
    let reason = served.view(id)["reasonForIncompletion"].as_str().unwrap().to_owned();
    assert!(reason.contains("in doubt: ") && reason.contains(&format!("secret \"{TOKEN}\"")), "{reason}");
    assert_eq!(world.issuer.counts().issued, 1, "the call is not repeated");
    served.problem(&[&id.to_string(), "in doubt", TOKEN]);
    served.stop();

    let served = world.serve();
    served.problem(&[&id.to_string(), "in doubt", TOKEN]);
    served.operate(id, Operation::Retry).unwrap();
    assert_eq!(served.end_of(id), WorkflowStatus::Completed);
    assert_eq!(served.secret(TOKEN), Some(world.issued()));
    served.has_no_problem();
    served.stop();
}

#[test]
fn a_missing_secret_fails_the_task_in_the_agreed_words() {
    let world = World::new();
    let served = world.serve();
    let task = json!({
        "name": "call", "taskReferenceName": "call", "type": "HTTP",
        "inputParameters": {"uri": world.issuer.resource_url(), "method": "GET",
            "headers": {"X-Authorization": "${workflow.secrets.nowhere}"}},
    });
    let (status, view) = served.run(single("reads_nothing", &task));
    assert_eq!(status, WorkflowStatus::Failed);
    let reason = view["tasks"][0]["reasonForIncompletion"].as_str().unwrap();
    assert_eq!(reason, "secret \"nowhere\" is not available to workflow:reads_nothing (missing or not granted)");
    assert_eq!(world.issuer.counts().resource_refused, 0, "nothing was sent");
    served.stop();
}

#[test]
fn an_incomplete_update_ends_the_workflow_with_400() {
    let world = World::new();
    let served = world.serve();
    for (input, what) in [
        (json!({}), "missing in the input"),
        (json!({"_secrets": {"secretValue": "v"}}), "secretKey"),
        (json!({"_secrets": {"secretKey": "k"}}), "secretValue"),
        (json!({"_secrets": {"secretKey": "k", "secretValue": ""}}), "refused"),
        (json!({"_secrets": {"secretKey": "k", "secretValue": "***"}}), "refused"),
        (json!({"_secrets": {"secretKey": "k", "secretValue": "${workflow.input.nothing}"}}), "refused"),
    ] {
        let task = json!({
            "name": "update", "taskReferenceName": "update", "type": "UPDATE_SECRET",
            "optional": true, "inputParameters": input,
        });
        let (status, view) = served.run(single("incomplete", &task));
        assert_eq!(status, WorkflowStatus::Failed, "{input}");
        let reason = view["reasonForIncompletion"].as_str().unwrap();
        assert!(reason.starts_with("400: ") && reason.contains(what), "{input}: {reason}");
    }
    assert_eq!(served.secret("k"), None);
    served.stop();
}
