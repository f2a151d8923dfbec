//! What is found by its name or id, and by whom.

use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::json;

use crate::rig::{Browser, Site};

const EVIL: &str = "\"><script>alert(1)</script>";

/// Makes a secret, a workflow that has run, and a schedule; returns the id of the run.
fn scene(site: &Site) -> String {
    let made = |method: &str, path: &str, body: &serde_json::Value| {
        let answer = site.server.json(method, path, body);
        assert!(answer.status < 300, "{path}: {answer:?}");
        answer.body
    };
    made("PUT", "/api/secrets/night_token", &json!("canary-of-the-store"));
    for name in ["night_shift", "day_shift"] {
        let task = json!({"name": "n", "taskReferenceName": "n", "type": "NOOP"});
        let workflow = json!({"name": name, "version": 1, "tasks": [task], "ownerEmail": "a@example.com"});
        made("POST", "/api/metadata/workflow", &workflow);
    }
    let schedule =
        json!({"name": "nightly", "cronExpression": "0 0 0 1 1 *", "startWorkflowRequest": {"name": "night_shift"}});
    made("POST", "/api/scheduler/schedules", &schedule);
    made("POST", "/api/workflow/night_shift", &json!({}))
}

/// Returns what is found, as kinds and paths.
fn found(browser: &Browser<'_>, sought: &str) -> Vec<String> {
    let answer = browser.get(&format!("/search?{}", crate::rig::encoded(&[("q", sought)])));
    assert_eq!(answer.status, 200, "{answer:?}");
    let (_, list) = answer.body.split_once("id=\"found\"").unwrap();
    let (list, _) = list.split_once("</ul>").unwrap();
    list.split("href=\"").skip(1).map(|hit| hit.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn everything_with_a_name_is_found_and_a_run_by_how_its_id_begins() {
    let site = Site::new();
    let owner = site.owner();
    let id = scene(&site);
    assert_eq!(
        found(&owner, "NIGHT"),
        ["/secrets/night_token", "/workflows/night_shift", "/schedules/nightly"],
        "in whatever case"
    );
    assert_eq!(found(&owner, "workflow night"), ["/workflows/night_shift"]);
    for beginning in [&id[..], &id[..13]] {
        assert_eq!(found(&owner, beginning), [format!("/executions/{id}")]);
    }
    assert!(found(&owner, "problems").contains(&"/problems".to_owned()));
    assert!(found(&owner, "").contains(&"/add-secret".to_owned()));
    assert!(found(&owner, "canary-of-the-store").is_empty(), "values are nobody's to look for");
    let page = owner.get(&format!("/search?{}", crate::rig::encoded(&[("q", EVIL)]))).body;
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;"), "{page}");
    assert!(found(&owner, &"ü".repeat(5_000)).is_empty());
}

#[test]
fn nobody_finds_what_they_may_not_read() {
    let site = Site::with(|settings: &mut Settings| {
        let (to, on) = (Grantee::parse("app:ci").unwrap(), GrantTarget::parse("workflow:day_shift").unwrap());
        settings.access.grants.push(Grant { to, on, access: vec![Permission::Read] });
    });
    let id = scene(&site);
    let app = site.application("ci");
    assert_eq!(found(&app, "shift"), ["/workflows/day_shift"]);
    for hidden in ["night", &id, "problems"] {
        assert!(found(&app, hidden).is_empty(), "{hidden}");
    }
}

#[test]
fn a_list_says_no_more_and_tells_the_audit_of_nothing_that_was_not_asked_for() {
    let site = Site::new();
    scene(&site);
    let app = site.application("ci");
    for path in ["/workflows", "/search?q=shift"] {
        assert!(!app.get(path).body.contains("_shift"), "{path}");
    }
    let audit = site.server.get("/api/audit?actor=app:ci&n=1000").body;
    assert!(!audit.contains("denied"), "what is left out of a list was refused to nobody: {audit}");
}

#[test]
fn long_lists_are_filtered_without_a_script() {
    let site = Site::new();
    let owner = site.owner();
    scene(&site);
    let page = owner.get("/workflows?q=NIGHT+shift").body;
    assert!(page.contains("/workflows/night_shift\"") && !page.contains("/workflows/day_shift\""), "{page}");
    assert!(owner.get("/schedules?q=night_shift").body.contains("/schedules/nightly\""));
    let none = owner.get("/schedules?q=none").body;
    assert!(none.contains("None of the 1 has that.") && !none.contains("/schedules/nightly\""), "{none}");
}

#[test]
fn the_first_steps_are_shown_to_the_owner_until_they_are_done() {
    let site = Site::new();
    let owner = site.owner();
    let steps = |browser: &Browser<'_>| {
        let page = browser.get("/").body;
        let (_, steps) = page.split_once("First steps")?;
        Some(steps.split_once("</section>").unwrap().0.to_owned())
    };
    let before = steps(&owner).unwrap();
    assert!(before.contains("1 of 4 are done."), "{before}");
    for part in
        ["keytide secret set NAME", "href=\"/add-secret\"", "href=\"/edit-workflow\"", "keytide schedule create"]
    {
        assert!(before.contains(part), "{part}: {before}");
    }
    scene(&site);
    let then = steps(&owner).unwrap();
    assert!(then.contains("3 of 4 are done.") && !then.contains("/add-secret"), "{then}");
    assert!(steps(&site.application("ci")).is_none(), "they are the owner's to do");
    let store = json!({"name": "store", "taskReferenceName": "store", "type": "UPDATE_SECRET",
        "inputParameters": {"_secrets": {"secretKey": "night_token", "secretValue": "fetched"}}});
    let workflow = json!({"name": "rotate", "version": 1, "tasks": [store], "ownerEmail": "a@example.com"});
    assert!(site.server.json("POST", "/api/metadata/workflow", &workflow).status < 300);
    assert!(steps(&owner).is_none());
}
