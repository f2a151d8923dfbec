//! The overview says of every secret how fresh it is, from what really happened.

use serde_json::json;

use crate::rig::{Browser, Site};
use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};

/// A workflow that writes a constant, or fails before it does.
fn rotation(name: &str, secret: &str, fails: bool) -> serde_json::Value {
    let task = |kind: &str, input: serde_json::Value| json!({"name": kind, "taskReferenceName": kind, "type": kind, "inputParameters": input});
    let first = if fails {
        task("TERMINATE", json!({"terminationStatus": "FAILED", "terminationReason": "no"}))
    } else {
        task("NOOP", json!({"reads": "${workflow.secrets.by_hand}"}))
    };
    let write = task("UPDATE_SECRET", json!({"_secrets": {"secretKey": secret, "secretValue": "fetched-value"}}));
    json!({"name": name, "version": 1, "tasks": [first, write], "ownerEmail": "a@example.com", "timeoutSeconds": 0})
}

/// Returns the row of a secret.
fn row(browser: &Browser<'_>, secret: &str) -> String {
    let page = browser.get("/").body;
    let start = page.find(&format!(">{secret}<")).or_else(|| page.find(&format!("row\">{secret}</th>")));
    let rest = &page[start.unwrap_or_else(|| panic!("{secret} is not in {page}"))..];
    rest.split("</tr>").next().unwrap().to_owned()
}

fn scene(site: &Site) {
    let made = |method: &str, path: &str, body: &serde_json::Value| {
        let answer = site.server.json(method, path, body);
        assert!(answer.status < 300, "{path}: {answer:?}");
        answer.body
    };
    made("PUT", "/api/secrets/by_hand", &json!("a-value"));
    for (name, secret, fails) in
        [("rotate_good", "good", false), ("rotate_bad", "bad", true), ("rotate_new", "new", false)]
    {
        made("POST", "/api/metadata/workflow", &rotation(name, secret, fails));
        made(
            "POST",
            "/api/scheduler/schedules",
            &json!({
            "name": name, "cronExpression": "0 0 0 1 1 *", "startWorkflowRequest": {"name": name}}),
        );
    }
    for (name, status) in [("rotate_good", "COMPLETED"), ("rotate_bad", "FAILED")] {
        let id = made("POST", &format!("/api/workflow/{name}"), &json!({}));
        site.server.until(&format!("/api/workflow/{id}"), |workflow| workflow["status"] == status);
    }
}

#[test]
fn every_secret_is_shown_with_how_fresh_it_is() {
    let site = Site::new();
    let owner = site.owner();
    assert!(owner.get("/").body.contains("There are no secrets yet."));
    scene(&site);
    let good = row(&owner, "good");
    for part in ["badge good", "fresh", "completed", "/workflows/rotate_good", "/executions/", "in "] {
        assert!(good.contains(part), "{part}: {good}");
    }
    let bad = row(&owner, "bad");
    for part in ["badge bad", "failing", "Its last rotation failed.", "never written", "failed"] {
        assert!(bad.contains(part), "{part}: {bad}");
    }
    let new = row(&owner, "new");
    assert!(new.contains("due") && new.contains("It was never rotated."), "{new}");
    let by_hand = row(&owner, "by_hand");
    assert!(
        by_hand.contains("unmanaged") && by_hand.contains(">rotate_good</a>, <a href=\"/workflows/rotate_new\""),
        "{by_hand}"
    );
    // What somebody has to look at comes first.
    let page = owner.get("/").body;
    let at = |secret: &str| page.find(&format!(">{secret}<")).unwrap();
    assert!(at("bad") < at("new") && at("new") < at("good") && at("good") < at("by_hand"));
    assert!(!page.contains("fetched-value") && !page.contains("a-value"));
}

#[test]
fn a_workflow_that_somebody_may_not_read_is_not_named() {
    let site = Site::with(|settings: &mut Settings| {
        for on in ["secret:good", "secret:bad"] {
            let (to, on) = (Grantee::parse("app:reader").unwrap(), GrantTarget::parse(on).unwrap());
            settings.access.grants.push(Grant { to, on, access: vec![Permission::Read] });
        }
    });
    scene(&site);
    let reader = site.application("reader");
    assert!(row(&reader, "good").contains("fresh"));
    assert!(row(&reader, "bad").contains("failing"));
    let page = reader.get("/").body;
    for hidden in ["rotate_", "by_hand", ">new<"] {
        assert!(!page.contains(hidden), "{hidden}");
    }
}
