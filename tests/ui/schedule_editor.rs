//! Where schedules are made and changed: what is filled in, what is said of it before it is kept, and by whom it is kept.

use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::{Value, json};

use crate::rig::{Browser, Site};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";
const PAGE: &str = "/edit-schedule";

fn register(site: &Site, name: &str) {
    let workflow = json!({"name": name, "version": 1, "ownerEmail": "a@example.com", "maskedFields": ["pin"],
        "tasks": [{"name": "n", "taskReferenceName": "n", "type": "NOOP"}]});
    let answer = site.server.json("POST", "/api/metadata/workflow", &workflow);
    assert!(answer.status < 300, "{answer:?}");
}

fn schedule(site: &Site, name: &str) -> Value {
    site.server.get(&format!("/api/scheduler/schedules/{name}")).json()
}

/// Returns what is said of a schedule with these fields; nothing is kept.
fn preview(browser: &Browser<'_>, page: &str, fields: &[(&str, &str)]) -> String {
    let token = browser.form_token(page);
    let answer = browser.send("/preview-schedule", &[fields, &[("form-token", &token)]].concat());
    assert_eq!(answer.status, 200, "{answer:?}");
    let (_, part) = answer.body.split_once("id=\"preview\"").unwrap();
    part.split_once("</section>").unwrap().0.to_owned()
}

#[test]
fn a_schedule_is_made_changed_and_removed() {
    let site = Site::new();
    let owner = site.owner();
    register(&site, "rotate");
    assert!(owner.get("/workflows/rotate").body.contains("/edit-schedule?workflow=rotate"));
    let asked = owner.get("/edit-schedule?workflow=rotate").body;
    assert!(asked.contains("name=\"workflow\" value=\"rotate\""), "{asked}");
    // Six hundred names of zones would be more than half of the page.
    assert!(asked.len() < 12 << 10, "{} bytes", asked.len());
    let fields = [
        ("name", "nightly"),
        ("workflow", "rotate"),
        ("crons", "0 30 3 * * *\r\n@weekly Asia/Tokyo"),
        ("zone", "Europe/Berlin"),
        ("overlap", "allow"),
        ("dst", ""),
        ("catches-up", "yes"),
        ("paused", "yes"),
        ("from", "2020-01-01T00:00"),
        ("until", ""),
        ("input", "{\"a\": 1}"),
        ("correlation", "c"),
        ("description", EVIL),
    ];
    let answer = owner.submit(PAGE, PAGE, &fields);
    assert_eq!(answer.header("location"), "/schedules/nightly?done=scheduled", "{answer:?}");
    let made = schedule(&site, "nightly");
    for (field, value) in [
        ("paused", json!(true)),
        ("overlap", json!("allow")),
        ("runCatchupScheduleInstances", json!(true)),
        ("scheduleStartTime", json!(1_577_836_800_000_i64)),
        ("description", json!(EVIL)),
        (
            "cronSchedules",
            json!([{"cronExpression": "0 30 3 * * *", "zoneId": "Europe/Berlin"},
            {"cronExpression": "@weekly", "zoneId": "Asia/Tokyo"}]),
        ),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert_eq!(made["startWorkflowRequest"]["input"], json!({"a": 1}));

    let change = "/edit-schedule?name=nightly";
    assert!(owner.get("/schedules/nightly").body.contains(change));
    let shown = owner.get(change).body;
    assert!(shown.contains("0 30 3 * * *\n@weekly Asia/Tokyo") && !shown.contains("<script>"), "{shown}");
    let fields = [("workflow", "rotate"), ("crons", "@hourly"), ("zone", "UTC"), ("input", "{}")];
    let answer = owner.submit(change, PAGE, &fields);
    assert_eq!(answer.header("location"), "/schedules/nightly?done=scheduled", "{answer:?}");
    let changed = schedule(&site, "nightly");
    assert_eq!((&changed["cronExpression"], &changed["paused"]), (&json!("@hourly"), &json!(true)), "held as before");
    assert_eq!(changed["createTime"], made["createTime"]);

    // The form was shown before that.
    let late = [("workflow", "rotate"), ("crons", "@daily"), ("zone", "UTC"), ("changed", "1")];
    let answer = owner.submit(change, PAGE, &late);
    assert_eq!(answer.status, 409, "{answer:?}");
    assert!(answer.body.contains("Somebody else changed `nightly` meanwhile"), "{}", answer.body);
    assert_eq!(schedule(&site, "nightly")["cronExpression"], "@hourly");

    let removed = owner.submit("/schedules/nightly", "/schedules/nightly/remove", &[]);
    assert_eq!(removed.header("location"), "/schedules?done=unscheduled", "{removed:?}");
    assert_eq!(owner.get("/schedules/nightly").status, 404);
    assert!(owner.get("/schedules?done=unscheduled").body.contains("The schedule is gone."));
}

#[test]
fn what_is_filled_in_is_told_in_words_and_times_and_nothing_is_kept() {
    let site = Site::new();
    let owner = site.owner();
    register(&site, "rotate");
    let shown = preview(
        &owner,
        PAGE,
        &[("name", "n"), ("workflow", "rotate"), ("crons", "0 0 3 * * *"), ("zone", "Europe/Berlin")],
    );
    for part in [
        "at 03:00, Europe/Berlin",
        "<svg class=\"strip\"",
        " 03:00:00 CE",
        "&quot;cronExpression&quot;",
        "&quot;startWorkflowRequest&quot;",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(site.server.get("/api/scheduler/schedules").json(), json!([]));
    for (fields, part) in [
        (vec![("crons", "0 3 * * *")], "perhaps `0 0 3 * * *`"),
        (vec![("crons", "@daily"), ("zone", "Berlin")], "did you mean `Europe/Berlin`?"),
        (vec![("crons", "")], "Say when it fires"),
        (vec![("crons", "@daily"), ("workflow", "")], "It starts nothing yet"),
        (vec![("crons", "@daily"), ("workflow", "none")], "There is no workflow <code>none</code>"),
        (vec![("crons", EVIL)], "&lt;script&gt;"),
        (vec![("crons", "@daily"), ("input", EVIL)], "The input is no JSON object"),
        (vec![("crons", "@daily"), ("until", "2020-01-01T00:00")], "It does not fire any more."),
    ] {
        let shown = preview(&owner, PAGE, &fields);
        assert!(shown.contains(part) && !shown.contains("<script>"), "{part}: {shown}");
    }
}

#[test]
fn what_is_wrong_is_said_beside_what_was_typed_and_nothing_is_replaced() {
    let site = Site::new();
    let owner = site.owner();
    register(&site, "rotate");
    let good = [("name", "nightly"), ("workflow", "rotate"), ("crons", "@daily"), ("zone", "UTC")];
    assert_eq!(owner.submit(PAGE, PAGE, &good).status, 303);
    for (fields, status, part) in [
        (vec![("name", "nightly"), ("crons", "@hourly")], 409, "There is a schedule `nightly` already"),
        (vec![("name", " "), ("crons", "@daily")], 400, "Name: a schedule needs one"),
        (vec![("name", EVIL), ("crons", "@nonsense"), ("description", EVIL)], 400, "@nonsense"),
        (vec![("name", "other"), ("crons", "@daily"), ("workflow", "")], 400, "It must name a workflow"),
        (vec![("name", "other"), ("crons", "@daily"), ("version", EVIL)], 400, "is no version"),
    ] {
        let defaults = good.iter().filter(|(name, _)| !fields.iter().any(|(field, _)| field == name));
        let all: Vec<_> = defaults.chain(&fields).copied().collect();
        let answer = owner.submit(PAGE, PAGE, &all);
        assert_eq!(answer.status, status, "{part}: {answer:?}");
        assert!(answer.body.to_lowercase().contains(&part.to_lowercase()), "{part}: {}", answer.body);
        assert!(!answer.body.contains("<script>") && !answer.body.contains("<img src=x"), "{}", answer.body);
    }
    assert_eq!(schedule(&site, "nightly")["cronExpression"], "@daily");
}

#[test]
fn what_is_hidden_in_the_input_is_in_no_page_and_stays_what_it_is() {
    let site = Site::new();
    let owner = site.owner();
    register(&site, "rotate");
    let body = json!({"name": "nightly", "cronExpression": "@daily", "startWorkflowRequest":
        {"name": "rotate", "input": {"_secrets": {"a": "canary-77aa"}, "pin": "canary-88bb", "b": 1}}});
    assert!(site.server.json("POST", "/api/scheduler/schedules", &body).status < 300);
    let change = "/edit-schedule?name=nightly";
    let shown = owner.get(change).body;
    assert!(shown.contains("***") && !shown.contains("canary"), "{shown}");
    let mut input = schedule(&site, "nightly")["startWorkflowRequest"]["input"].clone();
    assert!(input["pin"] == "***" && input["b"] == 1, "{input}");
    input["b"] = 2.into();
    let input = input.to_string();
    let fields = [("workflow", "rotate"), ("crons", "@hourly"), ("zone", "UTC"), ("input", &*input)];
    assert!(!preview(&owner, change, &[&fields[..], &[("old", "nightly")]].concat()).contains("canary"));
    assert_eq!(owner.submit(change, PAGE, &fields).status, 303);
    let kept = site.server.daemon().handle().catalog().schedule("nightly").unwrap().def.clone();
    let kept = Value::Object(kept.start_workflow_request.unwrap().input);
    assert_eq!(kept, json!({"_secrets": {"a": "canary-77aa"}, "pin": "canary-88bb", "b": 2}));
}

#[test]
fn what_a_file_defines_is_shown_as_the_text_to_put_there() {
    let site = Site::new();
    let owner = site.owner();
    let file = json!({"name": "rotate", "version": 1, "tasks": [{"name": "n", "taskReferenceName": "n", "type": "NOOP"}],
        "schedules": [{"name": "nightly", "cronExpression": "0 0 3 * * *", "zoneId": "UTC", "input": {"a": 1}}]});
    std::fs::write(site.server.folder().join("workflows/rotate.json"), file.to_string()).unwrap();
    site.server.until("/api/scheduler/schedules", |schedules| schedules[0]["name"] == "nightly");
    let change = "/edit-schedule?name=nightly";
    let page = owner.get("/schedules/nightly").body;
    assert!(page.contains(change) && !page.contains("/schedules/nightly/remove"), "{page}");
    let shown = owner.get(change).body;
    assert!(shown.contains("workflows/rotate.json") && !shown.contains("Save the schedule"), "{shown}");
    let fields =
        [("old", "nightly"), ("workflow", "rotate"), ("crons", "@hourly"), ("zone", "UTC"), ("input", "{\"a\": 2}")];
    let told = preview(&owner, change, &fields);
    assert!(told.contains("In the list <code>schedules</code>") && told.contains("&quot;@hourly&quot;"), "{told}");
    assert!(told.contains("&quot;a&quot;: 2") && !told.contains("startWorkflowRequest"), "{told}");
    let answer = owner.submit(change, PAGE, &fields);
    assert_eq!(answer.status, 409, "{answer:?}");
    let token = owner.form_token(change);
    assert_eq!(owner.send("/schedules/nightly/remove", &[("form-token", &token)]).status, 409);
    assert_eq!(schedule(&site, "nightly")["cronExpression"], "0 0 3 * * *");
}

fn grants(settings: &mut Settings) {
    use Permission::{Create, Delete, Execute, Read, Update};
    for (app, on, access) in [
        ("app:reader", "schedule:*", vec![Read]),
        ("app:maker", "schedule:*", vec![Create]),
        ("app:maker", "workflow:rotate", vec![Execute]),
        ("app:changer", "schedule:nightly", vec![Read, Update, Delete]),
        ("app:changer", "workflow:rotate", vec![Read, Execute]),
    ] {
        let (to, on) = (Grantee::parse(app).unwrap(), GrantTarget::parse(on).unwrap());
        settings.access.grants.push(Grant { to, on, access });
    }
}

#[test]
fn everybody_makes_changes_and_sees_what_is_granted_to_them() {
    let site = Site::with(grants);
    register(&site, "rotate");
    register(&site, "concealed");
    let [reader, maker, changer, nobody] = ["reader", "maker", "changer", "nobody"].map(|name| site.application(name));
    let fields = |name: &'static str, workflow: &'static str| {
        [("name", name), ("workflow", workflow), ("crons", "@daily"), ("zone", "UTC")]
    };
    for browser in [&reader, &changer, &nobody] {
        for name in ["nightly", "other"] {
            let status = browser.submit(PAGE, PAGE, &fields(name, "rotate")).status;
            assert_eq!(status, 403, "{name}");
        }
        assert!(!browser.get(PAGE).body.contains("concealed"));
    }
    let concealed = maker.submit(PAGE, PAGE, &fields("nightly", "concealed"));
    assert_eq!(concealed.status, 403, "{concealed:?}");
    let missing = maker.submit(PAGE, PAGE, &fields("nightly", "unheard"));
    let told = |body: &str, name: &str| {
        let alert = body.split_once("role=\"alert\"").unwrap().1.split_once('>').unwrap().1;
        alert.split_once('<').unwrap().0.replace(name, "")
    };
    assert_eq!(told(&concealed.body, "concealed"), told(&missing.body, "unheard"), "nobody hears which are there");
    let preview = |workflow| preview(&maker, PAGE, &fields("n", workflow)).replace(workflow, "");
    assert_eq!(preview("concealed"), preview("unheard"));

    let made = maker.submit(PAGE, PAGE, &fields("nightly", "rotate"));
    assert_eq!(made.header("location"), "/schedules?done=scheduled", "it may not read what it made: {made:?}");
    assert_eq!(maker.submit(PAGE, PAGE, &fields("nightly", "rotate")).status, 403, "it may not change it");
    let change = "/edit-schedule?name=nightly";
    for (browser, status) in [(&reader, 200), (&changer, 200), (&maker, 404), (&nobody, 404)] {
        assert_eq!(browser.get(change).status, status);
    }
    let page = reader.get("/schedules/nightly").body;
    assert!(!page.contains(change) && !page.contains("/remove"), "{page}");
    assert_eq!(reader.submit(change, PAGE, &fields("nightly", "rotate")).status, 403);
    for (browser, status) in [(&reader, 403), (&maker, 404), (&nobody, 404)] {
        let token = browser.form_token("/add-secret");
        assert_eq!(browser.send("/schedules/nightly/remove", &[("form-token", &token)]).status, status);
    }
    assert_eq!(changer.submit(change, PAGE, &fields("nightly", "concealed")).status, 403);
    assert_eq!(changer.submit(change, PAGE, &fields("nightly", "rotate")).status, 303);
    assert_eq!(changer.submit("/schedules/nightly", "/schedules/nightly/remove", &[]).status, 303);
}
