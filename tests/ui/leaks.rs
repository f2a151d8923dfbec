//! No page holds anything of a value: every page that the table has, as it is reached by links, with everything that links
//! ask it for; the news of all that happens; and the answers of forms that refuse what somebody typed.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use keytide::settings::Settings;
use keytide::ui::{Audience, Route, table};
use keytide::words::{Grant, GrantTarget, Grantee, Permission};

use crate::canaries::{Day, LAST, MARK, Scan};
use crate::rig::{Browser, Site};

/// More pages than there are to find here: links that never end fail the test.
const PAGES_MAX: usize = 5_000;

/// What has no end; the test listens to it by itself.
const NEWS: &str = "/live";

fn grants(settings: &mut Settings) {
    let to = Grantee::parse("app:ci").unwrap();
    settings.access.grants.extend(["secret:*", "workflow:*", "schedule:*"].map(|on| Grant {
        to: to.clone(),
        on: GrantTarget::parse(on).unwrap(),
        access: Permission::ALL.to_vec(),
    }));
}

/// Returns the pages that a page leads to.
fn links(page: &str, body: &str) -> Vec<String> {
    let path = page.split('?').next().unwrap_or(page);
    let all =
        body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default().replace("&amp;", "&"));
    let ours = all.filter_map(|link| {
        let link = link.split('#').next().unwrap_or_default().to_owned();
        match link.chars().next() {
            Some('?') => Some(format!("{path}{link}")),
            Some('/') if !link.starts_with("/api/") => Some(link),
            _ => None,
        }
    });
    ours.collect()
}

/// Says whether a path is one of a route.
fn is_of(route: &Route, path: &str) -> bool {
    let (parts, wanted): (Vec<_>, Vec<_>) = (path.split('/').collect(), route.path.split('/').collect());
    parts.len() == wanted.len()
        && parts.iter().zip(&wanted).all(|(part, wanted)| part == wanted || wanted.starts_with('{'))
}

/// Looks at all that can be reached, and returns which routes answered.
fn walked(browser: &Browser<'_>, scan: &Scan) -> BTreeSet<&'static str> {
    let pages: Vec<_> = table().into_iter().filter(|route| route.method == Method::GET && route.path != NEWS).collect();
    let mut waiting: Vec<String> =
        pages.iter().map(|route| route.path.to_owned()).filter(|path| !path.contains('{')).collect();
    let (mut seen, mut reached) = (BTreeSet::new(), BTreeSet::new());
    while let Some(page) = waiting.pop() {
        if !seen.insert(page.clone()) {
            continue;
        }
        assert!(seen.len() < PAGES_MAX, "{page}: these links do not end");
        let answer = browser.get(&page);
        // What is the owner's alone may be linked for everybody; nothing else is linked that is not there.
        assert!(answer.status < 400 || answer.status == 403, "{page} is linked and answers {}", answer.status);
        scan.finds_nothing_in(&page, &answer.body);
        scan.finds_nothing_in(&page, &format!("{:?}", answer.headers));
        if answer.status == 200 {
            let path = page.split('?').next().unwrap_or_default();
            reached.extend(pages.iter().filter(|route| is_of(route, path)).map(|route| route.path));
            waiting.extend(links(&page, &answer.body));
        }
    }
    reached
}

#[test]
fn no_page_holds_anything_of_a_value_whoever_looks_at_it() {
    let site = Site::with(grants);
    let (owner, application, nobody) = (site.owner(), site.application("ci"), site.application("nobody"));
    let mut news = [owner.listen(""), application.listen("")];
    Day::on(&site.server);
    let schedule =
        serde_json::json!({"name": "nightly", "cronExpression": "0 0 0 1 1 *", "startWorkflowRequest": {"name": LAST}});
    assert_eq!(site.server.json("POST", "/api/scheduler/schedules", &schedule).status, 200);
    let scan = Scan::new();
    let wanted: BTreeMap<_, _> = table()
        .into_iter()
        .filter(|route| route.method == Method::GET && route.path != NEWS)
        .map(|route| (route.path, route.audience))
        .collect();
    let stranger = site.stranger();
    let reached: BTreeSet<_> =
        [&owner, &application, &nobody, &stranger].into_iter().flat_map(|browser| walked(browser, &scan)).collect();
    let missing: Vec<_> = wanted.keys().filter(|path| !reached.contains(*path)).collect();
    assert!(missing.is_empty(), "no link leads to {missing:?}");
    assert!(wanted.values().filter(|audience| **audience == Audience::SignedIn).count() > 10);
    for news in &mut news {
        let told = news.until(LAST).unwrap();
        scan.finds_nothing_in(NEWS, &told);
    }
    let shown = owner.submit("/secrets", "/secrets/html/reveal", &[("as", "text")]);
    assert!(shown.body.contains(MARK), "this scan sees no value: {shown:?}");
}

#[test]
fn a_form_that_is_refused_says_nothing_of_the_value_that_was_typed() {
    let site = Site::with(grants);
    let owner = site.owner();
    Day::on(&site.server);
    let scan = Scan::new();
    let value = site.server.get("/api/secrets/html").body;
    let source = format!("name: typed\ndescription: '{value}'\ntasks: []\nnonsense: \"{MARK}plain0Qz7\"\n");
    for (page, action, fields) in [
        ("/add-secret", "/add-secret", [("name", "html"), ("value", value.as_str()), ("expires", "")]),
        ("/add-secret", "/add-secret", [("name", "a/b"), ("value", value.as_str()), ("expires", "")]),
        ("/secrets/html", "/secrets/html", [("value", value.as_str()), ("expires", "tomorrow"), ("", "")]),
        ("/secrets/html", "/secrets/html/tag", [("tag", "nocolon"), ("value", value.as_str()), ("", "")]),
        ("/secrets/html", "/secrets/html/delete", [("confirm", value.as_str()), ("", ""), ("", "")]),
    ] {
        let answer = owner.submit(page, action, &fields);
        assert_eq!(answer.status / 100, 4, "{action}: {answer:?}");
        scan.finds_nothing_in(action, &answer.body);
    }
    let token = owner.form_token("/edit-workflow");
    let answer = owner.send("/check-workflow", &[("form-token", &token), ("source", &source)]);
    assert_eq!(answer.status, 200, "{answer:?}");
    scan.finds_nothing_in("/check-workflow", &answer.body);
}
