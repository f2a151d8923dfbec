//! What pages hear while somebody looks at them.

use keytide::daemon::KeyChange;
use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Owner, Permission};
use serde_json::json;

use crate::rig::Site;

fn grants(settings: &mut Settings) {
    let (to, on) = (Grantee::parse("app:reader").unwrap(), GrantTarget::parse("secret:shared").unwrap());
    settings.access.grants.push(Grant { to, on, access: vec![Permission::Read] });
}

#[test]
fn a_page_hears_of_what_its_visitor_may_see_and_of_no_value() {
    let site = Site::with(grants);
    let (owner, reader) = (site.owner(), site.application("reader"));
    let (mut all, mut some) = (owner.listen("secret"), reader.listen("secret"));
    for name in ["private", "shared"] {
        owner.submit("/add-secret", "/add-secret", &[("name", name), ("value", "canary-8d2c-value")]);
    }
    let told = all.until("shared").unwrap();
    assert!(told.contains("private") && !told.contains("canary"), "{told}");
    let told = some.until("shared").unwrap();
    assert!(!told.contains("private"), "{told}");
}

#[test]
fn who_is_signed_out_hears_nothing_more() {
    let site = Site::with(grants);
    let owner = site.owner();
    let leaving = site.owner();
    let mut news = leaving.listen("secret");
    assert_eq!(leaving.submit("/", "/sign-out", &[]).status, 303);
    let (id, secret) = site.key_of("reader");
    let mut reader = site.stranger();
    let answer = reader.send("/sign-in", &[("key-id", &id), ("key-secret", &secret)]);
    reader.take_cookie(&answer);
    let mut others = reader.listen("secret");
    let handle = site.server.daemon().handle();
    let disabled = handle.change_key(&Owner::Local, "reader".to_owned(), id, KeyChange::Disable);
    site.server.daemon().runtime().block_on(disabled).unwrap();
    owner.submit("/add-secret", "/add-secret", &[("name", "shared"), ("value", "x")]);
    assert_eq!(news.until("shared"), None);
    assert_eq!(others.until("shared"), None);
}

#[test]
fn a_page_of_one_workflow_hears_of_no_other() {
    let site = Site::new();
    let owner = site.owner();
    for name in ["other", "mine"] {
        let workflow = json!({"name": name, "version": 1, "ownerEmail": "a@example.com",
            "tasks": [{"name": "n", "taskReferenceName": "n", "type": "NOOP"}]});
        assert!(site.server.json("POST", "/api/metadata/workflow", &workflow).status < 300);
    }
    let page = owner.get("/workflows/mine").body;
    assert!(page.contains("data-live=\"execution,schedule\" data-workflow=\"mine\""), "{page}");
    let mut news = owner.listen("execution,schedule&workflow=mine");
    for name in ["other", "mine"] {
        assert!(site.server.json("POST", &format!("/api/workflow/{name}"), &json!({})).status < 300);
    }
    let told = news.until("COMPLETED").unwrap();
    assert!(told.contains("\"mine\"") && !told.contains("\"other\""), "{told}");
}

#[test]
fn what_is_told_of_by_no_name_is_refused() {
    let site = Site::new();
    assert_eq!(site.owner().get("/live?kinds=nothing").status, 400);
    assert_eq!(site.owner().get("/live?execution=nothing").status, 400);
    assert_eq!(site.stranger().get("/live?kinds=secret").status, 303);
}
