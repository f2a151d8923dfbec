//! The page of the audit: the owner's alone.

use crate::rig::{Browser, Site};

/// Returns what the audit says of lists: what each is, the newest first.
fn lists(site: &Site) -> Vec<Option<String>> {
    let entries = site.server.get("/api/audit?n=1000").json()["entries"].as_array().unwrap().clone();
    let lists = entries.iter().filter(|entry| entry["action"] == "list");
    lists.map(|entry| entry["detail"].as_str().map(str::to_owned)).collect()
}

/// Reads a page again, as the script does when something has changed.
fn read_again(browser: &Browser<'_>, page: &str) {
    let headers = [("sec-fetch-site", "same-origin"), ("x-keytide-live", "1")];
    assert_eq!(browser.request("GET", page, &headers, "").status, 200);
}

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
    let wrong = owner.get("/audit?since=yesterday&secret=first");
    assert_eq!(wrong.status, 400);
    for part in ["`yesterday` is no time", "entries of all times", "name=\"since\"", "value=\"first\""] {
        assert!(wrong.body.contains(part), "what is wrong stands on the page, no {part}: {}", wrong.body);
    }
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

#[test]
fn a_page_that_lies_open_is_told_once_in_a_while_and_whoever_opens_one_each_time() {
    for (site, is_open) in [(Site::new(), false), (Site::open(), true)] {
        let browser = || if is_open { site.stranger() } else { site.owner() };
        let (owner, other) = (browser(), browser());
        let before = lists(&site).len();
        for opened in 1..=3 {
            assert_eq!(owner.get("/").status, 200);
            for page in ["/", "/secrets", "/"] {
                read_again(&owner, page);
            }
            assert_eq!(lists(&site).len(), before + opened, "opening is told, reading again is not");
        }
        let told = lists(&site).len();
        read_again(&other, "/secrets");
        // At an open server nobody signs in: all pages are of one session.
        let own: &[Option<String>] = if is_open { &[] } else { &[Some("a page that lies open".to_owned())] };
        assert_eq!(&lists(&site)[..lists(&site).len() - told], own, "another session is told of by itself");
        read_again(&other, "/");
        assert_eq!(lists(&site).len(), told + own.len());
    }
}
