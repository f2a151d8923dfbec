//! The stories of the page of secrets, without a script; and what must never be in a page.

use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};

use crate::rig::{Browser, Site};

const CANARY: &str = "canary-5d1f0c9e-value";

fn add(browser: &Browser<'_>, name: &str, value: &str) {
    let answer = browser.submit("/add-secret", "/add-secret", &[("name", name), ("value", value)]);
    assert_eq!(answer.header("location"), format!("/secrets/{name}?done=stored"), "{answer:?}");
}

fn revealed(browser: &Browser<'_>, name: &str) -> String {
    let answer = browser.submit("/secrets", &format!("/secrets/{name}/reveal"), &[("as", "text")]);
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; charset=utf-8"), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.body
}

#[test]
fn a_secret_is_added_changed_rolled_back_and_deleted() {
    let site = Site::new();
    let owner = site.owner();
    assert!(owner.get("/secrets").body.contains("keytide secret set NAME"));
    add(&owner, "github_token", "one");
    let page = "/secrets/github_token";
    let answer = owner.submit(page, page, &[("value", "two"), ("expires", "2030-01-02T03:04")]);
    assert_eq!(answer.header("location"), "/secrets/github_token?done=stored", "{answer:?}");
    let shown = owner.get("/secrets/github_token?done=stored").body;
    assert!(shown.contains("The value is stored.") && shown.contains("2030-01-02 03:04:00 UTC"), "{shown}");
    assert_eq!(revealed(&owner, "github_token"), "two");
    let answer = owner.submit(page, "/secrets/github_token/roll-back", &[("to", "1")]);
    assert_eq!(answer.header("location"), "/secrets/github_token?done=rolled-back", "{answer:?}");
    assert_eq!(revealed(&owner, "github_token"), "one");
    let answer = owner.submit(page, "/secrets/github_token/delete", &[("confirm", "github")]);
    assert_eq!(answer.status, 400);
    let answer = owner.submit(page, "/secrets/github_token/delete", &[("confirm", "github_token")]);
    assert_eq!(answer.header("location"), "/secrets?done=removed");
    assert_eq!(owner.get(page).status, 404);
}

#[test]
fn a_text_of_several_lines_is_stored_as_it_was_typed() {
    let site = Site::new();
    let owner = site.owner();
    add(&owner, "key", "-----BEGIN-----\r\nabc\r\n-----END-----\r\n");
    assert_eq!(revealed(&owner, "key"), "-----BEGIN-----\nabc\n-----END-----\n");
}

#[test]
fn who_adds_a_secret_changes_none_that_is_there() {
    let site = Site::new();
    let owner = site.owner();
    add(&owner, "token", "one");
    let answer = owner.submit("/add-secret", "/add-secret", &[("name", "token"), ("value", CANARY)]);
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("There is a secret `token` already") && !answer.body.contains(CANARY));
    assert_eq!(revealed(&owner, "token"), "one");
}

#[test]
fn what_looks_like_no_secret_is_stored_only_where_somebody_means_it() {
    let site = Site::new();
    let owner = site.owner();
    for value in ["", "  ", "***", "<!DOCTYPE html><html></html>", "${workflow.secrets.other}"] {
        let answer = owner.submit("/add-secret", "/add-secret", &[("name", "odd"), ("value", value)]);
        assert_eq!(answer.status, 400, "{value:?}");
        assert!(answer.body.contains("tick the box"), "{}", answer.body);
    }
    for (name, value) in [("bad name", "x"), ("", "x"), ("a/b", "x")] {
        let answer = owner.submit("/add-secret", "/add-secret", &[("name", name), ("value", value)]);
        assert_eq!(answer.status, 400, "{name:?}");
    }
    let fields = [("name", "odd"), ("value", "***"), ("force", "yes")];
    assert_eq!(owner.submit("/add-secret", "/add-secret", &fields).status, 303);
    let fields = [("name", "late"), ("value", "x"), ("expires", "tomorrow")];
    assert_eq!(owner.submit("/add-secret", "/add-secret", &fields).status, 400);
}

#[test]
fn tags_come_and_go() {
    let site = Site::new();
    let owner = site.owner();
    add(&owner, "token", "one");
    let answer = owner.submit("/secrets/token", "/secrets/token/tag", &[("tag", " team : build ")]);
    assert_eq!(answer.header("location"), "/secrets/token?done=tagged", "{answer:?}");
    assert!(owner.get("/secrets").body.contains("team:build"));
    let answer = owner.submit("/secrets/token", "/secrets/token/untag", &[]);
    assert_eq!(answer.header("location"), "/secrets/token?done=untagged", "{answer:?}");
    assert!(!owner.get("/secrets").body.contains("team:build"));
    assert_eq!(owner.submit("/secrets/token", "/secrets/token/tag", &[("tag", "no-colon")]).status, 400);
}

#[test]
fn a_form_that_is_wrong_is_shown_again_with_what_is_wrong() {
    let site = Site::new();
    let owner = site.owner();
    add(&owner, "token", "one");
    let page = "/secrets/token";
    for (action, fields, said) in [
        (page, vec![("value", "***")], "The value is refused"),
        ("/secrets/token/tag", vec![("tag", "no-colon")], "write it as key:value"),
        ("/secrets/token/delete", vec![("confirm", "tokens")], "Nothing was deleted"),
    ] {
        let answer = owner.submit(page, action, &fields);
        assert_eq!(answer.status, 400, "{action}");
        assert!(answer.body.contains(said) && answer.body.contains("Store the new value"), "{}", answer.body);
    }
    assert_eq!(revealed(&owner, "token"), "one");
}

#[test]
fn a_long_list_is_searched_without_a_script() {
    let site = Site::new();
    let owner = site.owner();
    for number in 0..8 {
        add(&owner, &format!("token_{number}"), "a-value");
    }
    assert!(owner.get("/secrets").body.contains("role=\"search\""));
    let found = owner.get("/secrets?q=TOKEN_3").body;
    assert!(found.contains("/secrets/token_3") && !found.contains("/secrets/token_4"), "{found}");
    assert!(owner.get("/?q=unmanaged+token_5").body.contains("/secrets/token_5"));
    assert!(owner.get("/secrets?q=%22%3E%3Cscript%3E").body.contains("None of the 8 has that."));
}

#[test]
fn no_page_has_a_value_but_the_answer_to_who_asks_for_it() {
    let site = Site::new();
    let owner = site.owner();
    add(&owner, "token", CANARY);
    let page = "/secrets/token";
    owner.submit(page, page, &[("value", "another-value")]);
    for path in ["/", "/secrets", "/add-secret", page] {
        let shown = owner.get(path);
        assert_eq!(shown.status, 200);
        assert!(!shown.body.contains(CANARY) && !shown.body.contains("another-value"), "{path}");
    }
    let answer = owner.submit(page, "/secrets/token/reveal", &[("version", "1")]);
    assert!(answer.body.contains(CANARY) && !answer.body.contains("another-value"), "{}", answer.body);
    assert_eq!((answer.header("refresh"), answer.header("cache-control")), ("30; url=/secrets/token", "no-store"));
}

#[test]
fn what_anybody_typed_is_text_and_nothing_else() {
    let site = Site::new();
    let owner = site.owner();
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";
    add(&owner, "token", evil);
    owner.submit("/secrets/token", "/secrets/token/tag", &[("tag", &format!("{evil}:{evil}"))]);
    let shown = [
        owner.get("/secrets"),
        owner.get("/secrets/token"),
        owner.submit("/secrets/token", "/secrets/token/reveal", &[]),
        owner.submit("/add-secret", "/add-secret", &[("name", evil), ("value", "x")]),
        owner.submit("/secrets/token", "/secrets/token/delete", &[("confirm", evil)]),
        owner.get("/secrets/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
        owner.get("/secrets/token?done=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
        site.stranger().get("/sign-in?to=/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
    ];
    for answer in shown {
        assert!(!answer.body.contains("<script>") && !answer.body.contains("<img src=x"), "{}", answer.body);
    }
}

/// `reader` may read one secret, `writer` may make and change one and read it.
fn grants(settings: &mut Settings) {
    for (app, on, access) in [
        ("app:reader", "secret:shared", vec![Permission::Read]),
        ("app:writer", "secret:shared", vec![Permission::Read, Permission::Update, Permission::Create]),
        ("app:blind", "secret:shared", vec![Permission::Update]),
    ] {
        let (to, on) = (Grantee::parse(app).unwrap(), GrantTarget::parse(on).unwrap());
        settings.access.grants.push(Grant { to, on, access });
    }
}

#[test]
fn everybody_sees_and_does_what_is_granted_to_them() {
    let site = Site::with(grants);
    let owner = site.owner();
    add(&owner, "shared", "one");
    add(&owner, "private", CANARY);
    let (reader, writer, blind) = (site.application("reader"), site.application("writer"), site.application("blind"));
    let seen = reader.get("/secrets").body;
    assert!(seen.contains("shared") && !seen.contains("private"));
    assert!(!reader.get("/").body.contains("private"));
    let page = reader.get("/secrets/shared").body;
    for form in ["New value", "Roll back", "Delete this secret", "New tag"] {
        assert!(!page.contains(form), "{form}");
    }
    assert_eq!(revealed(&reader, "shared"), "one");
    // A page has no form for what its visitor may not; whoever sends one all the same is refused.
    let token = |browser: &Browser<'_>| browser.form_token("/add-secret");
    let refused = |browser: &Browser<'_>, path: &str| {
        let token = token(browser);
        let fields = [("form-token", token.as_str()), ("value", "x"), ("tag", "a:b"), ("key", "a"), ("to", "1")];
        let answer = browser.send(path, &[&fields[..], &[("confirm", path.split('/').nth(2).unwrap())]].concat());
        assert!(!answer.body.contains(CANARY) && !answer.body.contains("one\n"));
        answer.status
    };
    for action in ["", "/tag", "/untag", "/roll-back", "/delete"] {
        assert_eq!(refused(&reader, &format!("/secrets/shared{action}")), 403, "{action}");
    }
    for browser in [&reader, &writer, &blind] {
        for action in ["", "/reveal", "/tag", "/untag", "/roll-back", "/delete"] {
            assert_eq!(refused(browser, &format!("/secrets/private{action}")), 404, "{action}");
            assert_eq!(refused(browser, &format!("/secrets/missing{action}")), 404, "{action}");
        }
    }
    assert_eq!(blind.get("/secrets/shared").status, 404);
    assert_eq!(refused(&blind, "/secrets/shared/reveal"), 404);
    let answer = writer.submit("/secrets/shared", "/secrets/shared", &[("value", "two")]);
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(owner.get("/secrets/shared").body.contains("app:writer"));
    let answer = writer.submit("/add-secret", "/add-secret", &[("name", "other"), ("value", "x")]);
    assert_eq!(answer.status, 403, "{answer:?}");
}
