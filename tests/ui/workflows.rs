//! The pages of workflows: what is defined, how it is run and how it is written; and what is wrong.

use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::{Value, json};

use crate::rig::{Browser, Site};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

fn definition(name: &str) -> Value {
    json!({"name": name, "version": 1, "description": EVIL, "ownerEmail": "a@example.com", "timeoutSeconds": 0,
        "inputParameters": ["region", EVIL],
        "tasks": [{"name": "n", "taskReferenceName": EVIL, "type": "SET_VARIABLE",
            "inputParameters": {"_secrets": {"a": "canary-1234abcd"}, "said": EVIL}}]})
}

fn register(site: &Site, name: &str) {
    let answer = site.server.json("POST", "/api/metadata/workflow", &definition(name));
    assert!(answer.status < 300, "{answer:?}");
}

#[test]
fn a_workflow_is_shown_with_its_picture_and_its_source_and_no_secret() {
    let site = Site::new();
    let owner = site.owner();
    assert!(owner.get("/workflows").body.contains("There are no workflows yet."));
    register(&site, "rotate");
    let task = crate::rig::encoded(&[("task", EVIL)]);
    for path in ["/workflows", "/workflows/rotate", "/workflows/rotate?show=source", "/edit-workflow?name=rotate"] {
        let answer = owner.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(answer.body.contains("rotate") && !answer.body.contains("canary-1234abcd"), "{path}");
        assert!(!answer.body.contains("<script>") && !answer.body.contains("<img src=x"), "{path}: {}", answer.body);
    }
    let panel = owner.get(&format!("/workflows/rotate?{task}")).body;
    assert!(panel.contains("id=\"panel\"") && !panel.contains("<script>") && !panel.contains("canary-1234abcd"));
    for path in ["/workflows/none", "/workflows/rotate?version=7", "/edit-workflow?name=none"] {
        assert_eq!(owner.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_definition_with_a_value_of_the_store_in_it_is_in_no_page() {
    let site = Site::new();
    let owner = site.owner();
    assert!(site.server.json("PUT", "/api/secrets/token", &json!("canary-of-the-store")).status < 300);
    let mut rotate = definition("rotate");
    rotate["tasks"][0]["inputParameters"]["clear"] = "Bearer canary-of-the-store".into();
    assert!(site.server.json("POST", "/api/metadata/workflow", &rotate).status < 300);
    for path in ["/workflows/rotate?show=source", "/edit-workflow?name=rotate", "/workflows"] {
        assert!(!owner.get(path).body.contains("canary-of-the-store"), "{path}");
    }
    assert_eq!(owner.get("/edit-workflow?name=rotate").status, 409);
}

#[test]
fn a_workflow_is_run_with_the_input_of_its_form() {
    let site = Site::new();
    let owner = site.owner();
    register(&site, "rotate");
    let fields = [("input.region", "eu"), ("input.count", "3"), ("json", "{\"region\": \"us\", \"deep\": {\"a\": 1}}")];
    let answer = owner.submit("/workflows/rotate", "/workflows/rotate/run", &fields);
    let to = answer.header("location").to_owned();
    assert!(to.ends_with("?done=started"), "{answer:?}");
    let id = to.trim_start_matches("/executions/").trim_end_matches("?done=started");
    let run = site.server.until(&format!("/api/workflow/{id}"), |workflow| workflow["status"] == "COMPLETED");
    assert_eq!(run["input"], json!({"region": "eu", "deep": {"a": 1}, "count": 3}));
    let wrong = owner.submit("/workflows/rotate", "/workflows/rotate/run", &[("json", "{\"a\": canary}")]);
    assert_eq!(wrong.status, 400);
    let (_, alert) = wrong.body.split_once("role=\"alert\"").unwrap();
    let (alert, form) = alert.split_once("</p>").unwrap();
    assert!(alert.contains("line 1 column 7") && !alert.contains("canary"), "{alert}");
    // Who typed it has it in the field again, and nowhere else.
    assert!(form.contains("{&quot;a&quot;: canary}</textarea>"), "{form}");
    assert_eq!(wrong.body.matches("canary").count(), 1);
    assert!(owner.get("/workflows/rotate").body.contains(id));
}

#[test]
fn a_workflow_is_written_and_what_is_wrong_with_it_is_told_at_its_place() {
    let site = Site::new();
    let owner = site.owner();
    let text = json!({"name": "made", "version": 1, "schemaVersion": 2, "ownerEmail": "a@example.com",
        "tasks": [{"name": "n", "taskReferenceName": "n", "type": "NOOP"}]});
    let answer = owner.submit("/edit-workflow", "/edit-workflow", &[("source", &format!("{text:#}"))]);
    assert_eq!(answer.header("location"), "/workflows/made?done=registered", "{answer:?}");
    assert_eq!(site.server.get("/api/metadata/workflow/made").json()["tasks"][0]["type"], "NOOP");
    let wrong = "name: bad\nversion: 1\ntasks:\n  - name: n\n    taskReferenceName: n\n    type: NOPE_IT\n    inputParameterz: {}\n";
    let answer = owner.submit("/edit-workflow", "/edit-workflow", &[("source", "{\"name\": \"bad\", tasks}")]);
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("definition:1:") && answer.body.contains("tasks}"), "{}", answer.body);
    assert_eq!(site.server.get("/api/metadata/workflow/bad").status, 404);
    let fields = [("source", wrong)];
    let token = owner.form_token("/edit-workflow");
    let told = owner.send("/check-workflow", &[&fields[..], &[("form-token", &*token)]].concat());
    assert_eq!((told.status, told.header("content-type")), (200, "text/plain; charset=utf-8"));
    assert!(told.body.lines().any(|line| line.starts_with("definition:7:5")), "{}", told.body);
    let fine = "name: fine\ntasks:\n- {name: n, taskReferenceName: n, type: NOOP}\n";
    let handler = "---\nname: h\nevent: conductor:fine:n\nactive: true\nactions:\n- {action: start_workflow, start_workflow: {name: fine}}\n";
    for (more, said) in [("tags: [{key: a}]\n", "they are set over the API"), (handler, "Write workflows here")] {
        let answer = owner.submit("/edit-workflow", "/edit-workflow", &[("source", &format!("{fine}{more}"))]);
        assert!(answer.status == 400 && answer.body.contains(said), "{more}: {}", answer.body);
        assert_eq!(site.server.get("/api/metadata/workflow/fine").status, 404, "nothing is lost on the way: {more}");
    }
    for nothing in ["", "a: 1", &EVIL.repeat(10)] {
        let answer = owner.submit("/edit-workflow", "/edit-workflow", &[("source", nothing)]);
        assert_eq!(answer.status, 400, "{nothing}");
        assert!(!answer.body.contains("<script>"));
    }
}

#[test]
fn what_is_wrong_is_for_who_administers() {
    let site = Site::new();
    let owner = site.owner();
    assert!(owner.get("/problems").body.contains("Nothing needs a look."));
    assert!(owner.get("/").body.contains("href=\"/problems\""));
    let app = site.application("ci");
    assert_eq!(app.get("/problems").status, 403);
    assert!(!app.get("/").body.contains("href=\"/problems\""));
}

fn grants(settings: &mut Settings) {
    for (app, access) in
        [("app:reader", vec![Permission::Read]), ("app:runner", vec![Permission::Read, Permission::Execute])]
    {
        let (to, on) = (Grantee::parse(app).unwrap(), GrantTarget::parse("workflow:rotate").unwrap());
        settings.access.grants.push(Grant { to, on, access });
    }
}

#[test]
fn everybody_sees_and_does_what_is_granted_to_them() {
    let site = Site::with(grants);
    register(&site, "rotate");
    register(&site, "concealed");
    let (reader, runner) = (site.application("reader"), site.application("runner"));
    let list = reader.get("/workflows").body;
    assert!(list.contains("/workflows/rotate\"") && !list.contains("concealed"));
    let token = |browser: &Browser<'_>| browser.form_token("/add-secret");
    let page = reader.get("/workflows/rotate").body;
    assert!(!page.contains("/workflows/rotate/run\"") && !page.contains("/edit-workflow?"));
    let fields = |browser: &Browser<'_>, name: &str| {
        let text = json!({"name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "a@example.com",
            "tasks": [{"name": "n", "taskReferenceName": "n", "type": "NOOP"}]});
        vec![("form-token", token(browser)), ("source", text.to_string())]
    };
    let sent = |browser: &Browser<'_>, path: &str, name: &str| {
        let fields = fields(browser, name);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.send(path, &fields).status
    };
    assert_eq!(sent(&reader, "/workflows/rotate/run", ""), 403);
    for browser in [&reader, &runner] {
        assert_eq!(browser.get("/workflows/concealed").status, 404);
        assert_eq!(browser.get("/edit-workflow?name=concealed").status, 404);
        assert_eq!(sent(browser, "/workflows/concealed/run", ""), 404);
        for name in ["rotate", "concealed", "other"] {
            assert_eq!(sent(browser, "/edit-workflow", name), 403, "{name}");
        }
    }
    assert_eq!(runner.submit("/workflows/rotate", "/workflows/rotate/run", &[]).status, 303);
}
