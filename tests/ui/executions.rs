//! The pages of executions: what is found, what is shown of one, and what is done to it.

use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::{Value, json};

use crate::rig::{Browser, Site, encoded};

/// What must never be more than text.
const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

const TABS: [&str; 7] = ["diagram", "task-list", "timeline", "summary", "input-output", "json", "variables"];

fn task(kind: &str, reference: &str, input: &Value) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": kind, "inputParameters": input})
}

fn register(site: &Site, name: &str, tasks: &[Value]) {
    let definition =
        json!({"name": name, "version": 1, "tasks": tasks, "ownerEmail": "a@example.com", "timeoutSeconds": 0});
    let answer = site.server.json("POST", "/api/metadata/workflow", &definition);
    assert!(answer.status < 300, "{answer:?}");
}

/// Starts a workflow and waits until it stands there.
fn started(site: &Site, name: &str, request: &Value, status: &str) -> String {
    let mut whole = json!({"name": name});
    whole.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
    let answer = site.server.json("POST", "/api/workflow", &whole);
    assert_eq!(answer.status, 200, "{answer:?}");
    site.server.until(&format!("/api/workflow/{}", answer.body), |workflow| workflow["status"] == status);
    answer.body
}

fn path(id: &str) -> String {
    format!("/executions/{id}")
}

/// Waits until the execution stands there.
fn until(site: &Site, id: &str, status: &str) {
    site.server.until(&format!("/api/workflow/{id}"), |workflow| workflow["status"] == status);
}

fn failing(site: &Site) -> String {
    register(
        site,
        "breaks",
        &[
            task("NOOP", "first", &json!({})),
            task("TERMINATE", "stop", &json!({"terminationStatus": "FAILED", "terminationReason": "it went wrong"})),
        ],
    );
    started(site, "breaks", &json!({"correlationId": "order-7", "input": {"a": 1}}), "FAILED")
}

fn waiting(site: &Site) -> String {
    register(site, "waits", &[task("HUMAN", "approve", &json!({})), task("NOOP", "after", &json!({}))]);
    started(site, "waits", &json!({}), "RUNNING")
}

#[test]
fn executions_are_found_by_what_is_known_of_them() {
    let site = Site::new();
    let owner = site.owner();
    assert!(owner.get("/executions").body.contains("Nothing has run yet."));
    let (failed, waits) = (failing(&site), waiting(&site));
    for (search, finds, leaves) in [
        ("", vec![&failed, &waits], vec![]),
        ("?workflow=breaks", vec![&failed], vec![&waits]),
        ("?status=RUNNING", vec![&waits], vec![&failed]),
        ("?correlation=order-7", vec![&failed], vec![&waits]),
        ("?text=order-7", vec![&failed], vec![&waits]),
        ("?query=status%20IN%20(FAILED)%20AND%20workflowType%20%3D%20breaks", vec![&failed], vec![&waits]),
        ("?from=2000-01-01T00:00", vec![&failed, &waits], vec![]),
        ("?until=2000-01-01T00:00", vec![], vec![&failed, &waits]),
        ("?start=1", vec![&failed], vec![&waits]),
    ] {
        let page = owner.get(&format!("/executions{search}"));
        assert_eq!(page.status, 200, "{search}");
        assert!(finds.iter().all(|id| page.body.contains(&path(id))), "{search}: {}", page.body);
        assert!(!leaves.iter().any(|id| page.body.contains(&path(id))), "{search}");
    }
    assert!(owner.get("/executions?workflow=none").body.contains("No execution is like that."));
    // What is asked for stays in the form, also where it is wrong.
    let wrong = owner.get("/executions?query=colour%20%3D%20red&workflow=breaks");
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("Column 1: there is no field &quot;colour&quot;"), "{}", wrong.body);
    assert!(wrong.body.contains("value=\"colour = red\"") && wrong.body.contains("value=\"breaks\""));
    assert_eq!(owner.get("/executions?from=tomorrow").status, 400);
}

#[test]
fn an_execution_has_the_parts_that_its_users_know() {
    let site = Site::new();
    let owner = site.owner();
    let id = failing(&site);
    let page = |tab: &str| {
        let answer = owner.get(&format!("{}/{tab}", path(&id)));
        assert_eq!(answer.status, 200, "{tab}");
        assert!(answer.body.contains("It went wrong.") && answer.body.contains("badge bad"), "{tab}: {}", answer.body);
        for other in TABS {
            assert!(answer.body.contains(&format!("{}/{other}\"", path(&id))), "{tab} leads to {other}");
        }
        answer.body
    };
    let all: Vec<_> = TABS.iter().map(|tab| page(tab)).collect();
    assert!(all[0].contains("href=\"?task=first#task-first\"") && all[0].contains("first, NOOP, COMPLETED"));
    assert!(all[1].contains(">first<") && all[1].contains("badge good"));
    assert!(all[2].contains("<rect class=\"bar\""));
    assert!(all[3].contains("order-7"));
    assert!(all[4].contains("&quot;a&quot;: 1"));
    assert!(all[5].contains("&quot;workflowName&quot;: &quot;breaks&quot;"));
    assert_eq!(owner.get(&path(&id)).body.matches("aria-current=\"page\"").count(), 2, "the diagram is the first part");
    let panel = owner.get(&format!("{}/task-list?task=first&show=definition", path(&id))).body;
    assert!(
        panel.contains("id=\"panel\"") && panel.contains("&quot;taskReferenceName&quot;: &quot;first&quot;"),
        "{panel}"
    );
    for part in ["summary", "input", "output", "logs"] {
        assert_eq!(owner.get(&format!("{}?task=first&show={part}", path(&id))).status, 200);
    }
    assert!(!owner.get(&format!("{}?task=none", path(&id))).body.contains("id=\"panel\""));
    let raw = owner.get(&format!("{}/raw", path(&id)));
    assert_eq!((raw.json()["status"].as_str(), raw.header("content-type")), (Some("FAILED"), "application/json"));
    for missing in
        ["/executions/none", &format!("{}/none", path(&id)), "/executions/0199aaaa-0000-7000-8000-000000000000"]
    {
        assert_eq!(owner.get(missing).status, 404, "{missing}");
    }
}

#[test]
fn what_may_be_done_to_an_execution_is_done_by_forms() {
    let site = Site::new();
    let owner = site.owner();
    let id = waiting(&site);
    let page = path(&id);
    let act = |shown: &str, action: &str, fields: &[(&str, &str)], done: &str| {
        let answer = owner.submit(shown, &format!("{page}/{action}"), fields);
        assert_eq!(answer.header("location"), format!("{page}?done={done}"), "{answer:?}");
    };
    act(&format!("{page}?task=after"), "skip", &[], "skipped");
    act(&page, "pause", &[], "paused");
    until(&site, &id, "PAUSED");
    assert!(!owner.get(&page).body.contains(&format!("{page}/pause\"")));
    act(&page, "resume", &[], "resumed");
    until(&site, &id, "RUNNING");
    act(&page, "terminate", &[("reason", "no longer wanted")], "terminated");
    until(&site, &id, "TERMINATED");
    assert!(owner.get(&page).body.contains("No longer wanted."));
    act(&page, "retry", &[], "retried");
    until(&site, &id, "RUNNING");
    act(&page, "terminate", &[], "terminated");
    act(&page, "restart", &[], "restarted");
    until(&site, &id, "RUNNING");
    act(&page, "terminate", &[], "terminated");
    act(&format!("{page}?task=approve"), "rerun", &[], "rerun");
    until(&site, &id, "RUNNING");
    let attempts = owner.get(&format!("{page}?task=approve")).body;
    assert!(attempts.contains("id=\"panel\""), "{attempts}");
    let refused = owner.submit(&page, &format!("{page}/terminate"), &[]);
    assert_eq!(refused.status, 303);
}

#[test]
fn who_follows_an_execution_hears_of_it_and_of_no_other() {
    let site = Site::new();
    let owner = site.owner();
    let (id, other) = (waiting(&site), failing(&site));
    let shown = owner.get(&path(&id)).body;
    assert!(shown.contains(&format!("data-live=\"execution\" data-execution=\"{id}\"")), "{shown}");
    let mut news = owner.listen(&format!("execution&execution={id}"));
    owner.submit(&path(&other), &format!("{}/retry", path(&other)), &[]);
    owner.submit(&path(&id), &format!("{}/terminate", path(&id)), &[]);
    let told = news.until("TERMINATED").unwrap();
    assert!(told.contains(&id) && !told.contains(&other), "{told}");
}

#[test]
fn what_a_file_or_a_client_says_is_text_and_nothing_else() {
    let site = Site::new();
    let owner = site.owner();
    register(
        &site,
        "evil",
        &[
            task("SET_VARIABLE", EVIL, &json!({"said": EVIL})),
            task("TERMINATE", "stop", &json!({"terminationStatus": "FAILED", "terminationReason": EVIL})),
        ],
    );
    let id = started(&site, "evil", &json!({"correlationId": EVIL, "input": {EVIL: EVIL}}), "FAILED");
    let asked = encoded(&[("task", EVIL)]);
    let mut pages: Vec<_> = TABS.iter().map(|tab| format!("{}/{tab}?{asked}&show=input", path(&id))).collect();
    for name in ["workflow", "status", "correlation", "from", "until", "text", "query"] {
        pages.push(format!("/executions?{}", encoded(&[(name, EVIL)])));
    }
    pages.extend([
        "/executions".to_owned(),
        format!("{}?{}", path(&id), encoded(&[("task", EVIL), ("run", EVIL), ("show", EVIL)])),
        format!("/executions/{}", encoded(&[("", EVIL)]).trim_start_matches('=')),
    ]);
    for page in pages {
        let body = owner.get(&page).body;
        assert!(!body.contains("<script>") && !body.contains("<img src=x"), "{page}: {body}");
    }
    assert!(owner.get(&format!("{}/diagram?{asked}", path(&id))).body.contains("id=\"panel\""));
}

#[test]
fn what_is_secret_shows_as_stars_in_every_part() {
    let site = Site::new();
    let owner = site.owner();
    let canary = "canary-0c5e77aa-value";
    assert!(site.server.json("PUT", "/api/secrets/token", &json!(canary)).status < 300);
    register(
        &site,
        "keeps",
        &[task(
            "SET_VARIABLE",
            "set",
            &json!({"_masked": {"a": "${workflow.input._secrets}"}, "b": "${workflow.input.b}"}),
        )],
    );
    let id = started(
        &site,
        "keeps",
        &json!({"input": {"_secrets": {"x": "canary-of-the-input"}, "b": canary}}),
        "COMPLETED",
    );
    for tab in TABS {
        let body = owner.get(&format!("{}/{tab}?task=set&show=input", path(&id))).body;
        assert!(!body.contains(canary) && !body.contains("canary-of-the-input"), "{tab}: {body}");
    }
    let body = owner.get(&format!("{}/input-output", path(&id))).body;
    assert!(body.contains("***"), "{body}");
    let raw = owner.get(&format!("{}/raw", path(&id))).body;
    assert!(!raw.contains(canary) && !raw.contains("canary-of-the-input") && raw.contains("***"), "{raw}");
    assert!(!owner.get("/executions").body.contains(canary));
}

/// `reader` may look at one workflow, `runner` may run it too, `other` may look at another one.
fn grants(settings: &mut Settings) {
    for (app, on, access) in [
        ("app:reader", "workflow:waits", vec![Permission::Read]),
        ("app:runner", "workflow:waits", vec![Permission::Read, Permission::Execute]),
        ("app:other", "workflow:breaks", vec![Permission::Read]),
    ] {
        let (to, on) = (Grantee::parse(app).unwrap(), GrantTarget::parse(on).unwrap());
        settings.access.grants.push(Grant { to, on, access });
    }
}

#[test]
fn everybody_sees_and_does_what_is_granted_to_them() {
    let site = Site::with(grants);
    let id = waiting(&site);
    let page = path(&id);
    let (reader, runner, other) = (site.application("reader"), site.application("runner"), site.application("other"));
    for browser in [&reader, &runner] {
        assert!(browser.get("/executions").body.contains(&page));
        assert_eq!(browser.get(&page).status, 200);
    }
    assert!(!other.get("/executions").body.contains(&page));
    for path in ["", "/summary", "/raw"] {
        assert_eq!(other.get(&format!("{page}{path}")).status, 404, "{path}");
    }
    let shown = reader.get(&format!("{page}?task=after")).body;
    let token = |browser: &Browser<'_>| browser.form_token("/add-secret");
    let task =
        site.server.get(&format!("/api/workflow/{id}")).json()["tasks"][0]["taskId"].as_str().unwrap().to_owned();
    for action in ["retry", "restart", "rerun", "pause", "resume", "terminate", "skip"] {
        assert!(!shown.contains(&format!("{page}/{action}\"")), "{action}");
        for (browser, status) in [(&reader, 403), (&other, 404)] {
            let fields = [("form-token", &*token(browser)), ("task", &*task), ("reference", "after")];
            let answer = browser.send(&format!("{page}/{action}"), &fields);
            assert_eq!(answer.status, status, "{action}: {answer:?}");
        }
    }
    let answer = runner.submit(&page, &format!("{page}/terminate"), &[("reason", "enough")]);
    assert_eq!(answer.status, 303, "{answer:?}");
}

#[test]
fn a_run_that_lacks_a_secret_leads_to_where_it_is_added_by_who_may() {
    let site = Site::with(|settings: &mut Settings| {
        for (to, on, access) in [
            ("app:reader", "workflow:lacking", vec![Permission::Read]),
            ("app:adder", "workflow:lacking", vec![Permission::Read]),
            ("app:adder", "secret:admin_*", vec![Permission::Read, Permission::Create]),
        ] {
            let (to, on) = (Grantee::parse(to).unwrap(), GrantTarget::parse(on).unwrap());
            settings.access.grants.push(Grant { to, on, access });
        }
    });
    let (owner, reader, adder) = (site.owner(), site.application("reader"), site.application("adder"));
    let task = json!({"name": "n", "taskReferenceName": "n", "type": "HTTP", "inputParameters":
        {"uri": "http://127.0.0.1:9/", "method": "GET", "headers": {"A": "${workflow.secrets.admin_key}"}}});
    let workflow = json!({"name": "lacking", "version": 1, "ownerEmail": "a@example.com", "tasks": [task]});
    assert!(site.server.json("POST", "/api/metadata/workflow", &workflow).status < 300);
    let id = site.server.json("POST", "/api/workflow/lacking", &json!({})).body;
    site.server.until(&format!("/api/workflow/{id}"), |workflow| workflow["status"] == "FAILED");
    let page = format!("/executions/{id}");
    let add = "/add-secret?name=admin_key";
    for (browser, may_add) in [(&owner, true), (&adder, true), (&reader, false)] {
        let shown = browser.get(&page).body;
        assert!(shown.contains("is not available to workflow:lacking"), "{shown}");
        assert_eq!(shown.contains(add), may_add, "{shown}");
    }
    assert!(adder.get(add).body.contains("value=\"admin_key\""));
    let evil = adder.get("/add-secret?name=%22%3E%3Cscript%3E").body;
    assert!(!evil.contains("<script>") && evil.contains("&lt;script&gt;"), "{evil}");
    adder.submit(add, "/add-secret", &[("name", "admin_key"), ("value", "a-value")]);
    for browser in [&owner, &adder, &reader] {
        assert!(!browser.get(&page).body.contains(add));
    }
    assert!(owner.get(&page).body.contains("There is a secret"));
    assert!(!reader.get(&page).body.contains("There is a secret"));
}
