//! The pages of schedules: when they fire, in words and times, and the forms that hold them.

use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::json;

use crate::rig::{Browser, Site};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

fn scheduled(site: &Site, name: &str, cron: &str) {
    let workflow = json!({"name": "rotate", "version": 1, "ownerEmail": "a@example.com", "timeoutSeconds": 0,
        "tasks": [{"name": "n", "taskReferenceName": "n", "type": "NOOP"}]});
    assert!(site.server.json("PUT", "/api/metadata/workflow", &json!([workflow])).status < 300);
    let schedule = json!({"name": name, "cronExpression": cron, "zoneId": "Europe/Berlin",
        "startWorkflowRequest": {"name": "rotate", "input": {"_secrets": {"a": "canary-77aa"}, "b": EVIL}}});
    let answer = site.server.json("POST", "/api/scheduler/schedules", &schedule);
    assert!(answer.status < 300, "{answer:?}");
}

#[test]
fn a_schedule_is_told_in_words_with_its_next_times_in_its_zone() {
    let site = Site::new();
    let owner = site.owner();
    assert!(owner.get("/schedules").body.contains("There are no schedules yet."));
    scheduled(&site, "nightly", "0 30 3 * * MON-FRI");
    let list = owner.get("/schedules").body;
    for part in
        ["at 03:30, on Monday to Friday, Europe/Berlin", "0 30 3 * * MON-FRI", "badge good", "<svg class=\"strip\""]
    {
        assert!(list.contains(part), "{part}: {list}");
    }
    let page = owner.get("/schedules/nightly").body;
    let zoned = page.matches(" 03:30:00 CE").count();
    assert_eq!(zoned, 8, "{page}");
    assert_eq!(page.matches("<svg class=\"strip\"").count(), 2);
    assert!(page.contains("It has not fired yet.") && page.contains("***") && !page.contains("canary-77aa"));
    assert!(!page.contains("<script>") && !page.contains("<img src=x"));
    assert_eq!(owner.get("/schedules/none").status, 404);
}

#[test]
fn a_schedule_that_fires_often_is_a_bar() {
    let site = Site::new();
    scheduled(&site, "often", "*/5 * * * * *");
    let page = site.owner().get("/schedules").body;
    assert!(page.contains("More than 200 times in the next 24 hours") && page.contains("every 5 seconds"), "{page}");
}

#[test]
fn a_schedule_is_paused_resumed_and_run_now() {
    let site = Site::new();
    let owner = site.owner();
    scheduled(&site, "nightly", "0 0 0 1 1 *");
    let page = "/schedules/nightly";
    let answer = owner.submit(page, "/schedules/nightly/pause", &[("reason", EVIL)]);
    assert_eq!(answer.header("location"), "/schedules/nightly?done=paused", "{answer:?}");
    let shown = owner.get(page).body;
    assert!(
        shown.contains("badge warn")
            && !shown.contains("/schedules/nightly/pause\"")
            && shown.contains("&lt;script&gt;")
    );
    assert!(!shown.contains("<script>") && !owner.get("/schedules").body.contains("<script>"));
    assert_eq!(site.server.get("/api/scheduler/schedules/nightly").json()["paused"], true);
    let answer = owner.submit(page, "/schedules/nightly/resume", &[]);
    assert_eq!(answer.header("location"), "/schedules/nightly?done=resumed", "{answer:?}");
    assert_eq!(site.server.get("/api/scheduler/schedules/nightly").json()["paused"], false);
    let answer = owner.submit(page, "/schedules/nightly/run", &[]);
    let to = answer.header("location").to_owned();
    assert!(to.starts_with("/executions/") && to.ends_with("?done=started"), "{answer:?}");
    assert!(owner.get(&to).body.contains("It has started."));
}

fn grants(settings: &mut Settings) {
    for (app, access) in [
        ("app:reader", vec![Permission::Read]),
        ("app:holder", vec![Permission::Read, Permission::Update]),
        ("app:other", vec![]),
    ] {
        let (to, on) = (Grantee::parse(app).unwrap(), GrantTarget::parse("schedule:nightly").unwrap());
        settings.access.grants.push(Grant { to, on, access });
    }
}

#[test]
fn everybody_sees_and_does_what_is_granted_to_them() {
    let site = Site::with(grants);
    scheduled(&site, "nightly", "0 0 0 1 1 *");
    let (reader, holder, other) = (site.application("reader"), site.application("holder"), site.application("other"));
    assert!(!other.get("/schedules").body.contains("nightly"));
    assert_eq!(other.get("/schedules/nightly").status, 404);
    let shown = reader.get("/schedules/nightly").body;
    let token = |browser: &Browser<'_>| browser.form_token("/add-secret");
    for action in ["pause", "resume", "run"] {
        assert!(!shown.contains(&format!("/schedules/nightly/{action}\"")), "{action}");
        for (browser, status) in [(&reader, 403), (&other, 404)] {
            let answer = browser.send(&format!("/schedules/nightly/{action}"), &[("form-token", &token(browser))]);
            assert_eq!(answer.status, status, "{action}: {answer:?}");
        }
    }
    let answer = holder.submit("/schedules/nightly", "/schedules/nightly/pause", &[]);
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(!holder.get("/schedules/nightly").body.contains("/schedules/nightly/run\""));
}
