//! The page of the audit: the owner's alone.

use crate::rig::Site;

#[test]
fn who_did_what_is_shown_to_the_owner_alone_and_without_values() {
    let site = Site::new();
    let owner = site.owner();
    owner.submit("/add-secret", "/add-secret", &[("name", "token"), ("value", "canary-value")]);
    owner.submit("/secrets", "/secrets/token/reveal", &[("as", "text")]);
    let client = site.application("client");
    assert_eq!(client.get("/secrets/token").status, 404, "it may not know");
    let page = owner.get("/audit").body;
    assert!(!page.contains("<td class=\"word\" data-label=\"Did\">list</td>"), "{page}");
    assert!(owner.get("/audit?looks=yes").body.contains(">list</td>"));
    for part in ["reveal", "create", "signIn", "app:<wbr>client", "denied", "href=\"/secrets/token\""] {
        assert!(page.contains(part), "no {part}: {page}");
    }
    assert!(!page.contains("canary-value"));
    let answer = client.get("/audit");
    assert_eq!(answer.status, 403);
    assert!(!answer.body.contains("reveal"), "{}", answer.body);
    assert!(!client.get("/").body.contains("/audit"));
}

#[test]
fn entries_are_found_by_what_they_are_about_and_page_by_page() {
    let site = Site::new();
    let owner = site.owner();
    for name in ["first", "second"] {
        owner.submit("/add-secret", "/add-secret", &[("name", name), ("value", "a-value")]);
    }
    let found = owner.get("/audit?secret=first&since=&actor=&run=").body;
    assert!(found.contains("/secrets/first") && !found.contains("/secrets/second"), "{found}");
    assert!(owner.get("/audit?actor=app:nobody").body.contains("No entry is like that."));
    assert_eq!(owner.get("/audit?since=yesterday").status, 400);
    for _ in 0..60 {
        owner.submit("/secrets", "/secrets/first/reveal", &[("as", "text")]);
    }
    let page = owner.get("/audit?secret=first").body;
    let (_, rest) = page.split_once("href=\"/audit?before=").expect("there is more than one page");
    let next = rest.split('"').next().unwrap().replace("&amp;", "&");
    assert!(next.ends_with("&secret=first"), "{next}");
    assert!(owner.get(&format!("/audit?before={next}")).body.contains("create"));
}

#[test]
fn the_chain_is_checked_when_somebody_asks() {
    let site = Site::new();
    let owner = site.owner();
    let answer = owner.submit("/audit", "/audit/verify", &[]);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("The audit holds, up to entry "), "{}", answer.body);
    let journal = rusqlite::Connection::open(site.server.folder().join(".keytide/journal.db")).unwrap();
    journal.execute_batch("UPDATE audit SET body = x'00' WHERE seq = 1").unwrap();
    let answer = owner.submit("/audit", "/audit/verify", &[]);
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("Entry 1 of the audit was changed"), "{}", answer.body);
    assert!(answer.body.contains("damaged"), "{}", answer.body);
    assert!(answer.body.contains("action=\"/audit/acknowledge\""), "{}", answer.body);
    let token = owner.form_token("/audit");
    let acknowledge = |reason| owner.send("/audit/acknowledge", &[("form-token", &token), ("reason", reason)]);
    assert_eq!(acknowledge("").status, 400);
    let answer = acknowledge("a test <b>did</b> it");
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("The audit holds"), "{}", answer.body);
    assert!(answer.body.contains("entry 1") && answer.body.contains("A test &lt;b&gt;did"), "{}", answer.body);
}
