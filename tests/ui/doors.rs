//! Who gets in, with what, and for how long; and what every page tells browsers.

use axum::http::Method;
use keytide::ui::{Audience, table};

use crate::rig::{HOST, Site, encoded};
use crate::server::Answer;

/// Puts something into the places of a path.
fn filled(path: &str) -> String {
    let id = "0199aaaa-0000-7000-8000-000000000000";
    path.replace("{name}", "token").replace("{file}", "none").replace("{id}", id).replace("{tab}", "summary")
}

fn assert_guarded(path: &str, answer: &Answer) {
    let policy = answer.header("content-security-policy");
    for part in
        ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]
    {
        assert!(policy.contains(part), "{path}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{path}: {policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.header(name), value, "{path}");
    }
    // Neither a script nor a style of a page's own.
    let body = answer.body.to_lowercase();
    for inline in ["<style", " style=", " onclick=", " onload=", "javascript:"] {
        assert!(!body.contains(inline), "{path} has {inline}");
    }
    assert!(body.split("<script").skip(1).all(|script| script.starts_with(" src=\"/assets/")), "{path}");
}

#[test]
fn every_page_tells_browsers_to_run_nothing_else_and_to_keep_nothing() {
    let site = Site::new();
    let owner = site.owner();
    owner.submit("/add-secret", "/add-secret", &[("name", "token"), ("value", "a-value")]);
    for route in table() {
        let path = filled(route.path);
        // What tells the news has no end for who may hear it.
        let browsers = if path == "/live" { vec![site.stranger()] } else { vec![site.stranger(), site.owner()] };
        for browser in &browsers {
            let answer = browser.request(route.method.as_str(), &path, &[], "");
            assert_guarded(&path, &answer);
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
    }
    let files = ["stylesheet", "script"]
        .map(|kind| if kind == "script" { keytide::ui::script() } else { keytide::ui::stylesheet() });
    for file in files {
        let answer = site.stranger().get(&file);
        assert_eq!((answer.status, answer.header("cache-control")), (200, "public, max-age=31536000, immutable"));
        assert!(owner.get("/").body.contains(&file));
    }
}

#[test]
fn nothing_is_shown_or_done_without_a_session() {
    let site = Site::new();
    let mut gone = site.owner();
    gone.submit("/add-secret", "/add-secret", &[("name", "token"), ("value", "a-value")]);
    let answer = gone.submit("/", "/sign-out", &[]);
    assert_eq!((answer.status, answer.header("location")), (303, "/sign-in"));
    let mut wrong = site.stranger();
    wrong.cookie = Some("keytide-8321=0000".to_owned());
    for route in table().into_iter().filter(|route| route.audience == Audience::SignedIn) {
        let path = filled(route.path);
        for browser in [&site.stranger(), &gone, &wrong] {
            let answer = browser.request(route.method.as_str(), &path, &[], "");
            if route.method == Method::GET {
                assert_eq!(answer.status, 303, "{path}: {answer:?}");
                assert!(answer.header("location").starts_with("/sign-in"), "{path}");
            } else {
                assert_eq!(answer.status, 401, "{path}: {answer:?}");
            }
            assert!(!answer.body.contains("a-value"));
        }
    }
    gone.take_cookie(&answer);
    assert_eq!(gone.cookie.as_deref(), Some("keytide-8321="));
}

#[test]
fn a_form_without_the_token_of_its_session_does_nothing() {
    let site = Site::new();
    let (owner, other) = (site.owner(), site.owner());
    owner.submit("/add-secret", "/add-secret", &[("name", "token"), ("value", "a-value")]);
    let foreign = other.form_token("/add-secret");
    for route in
        table().into_iter().filter(|route| route.method == Method::POST && route.audience == Audience::SignedIn)
    {
        let path = filled(route.path);
        for token in ["", "0", &*foreign] {
            let answer = owner.send(&path, &[("form-token", token), ("value", "evil"), ("confirm", "token")]);
            assert_eq!(answer.status, 403, "{path} with {token:?}: {answer:?}");
            assert!(!answer.body.contains("a-value"));
        }
    }
    let shown = owner.submit("/secrets", "/secrets/token/reveal", &[("as", "text")]);
    assert_eq!((shown.status, shown.body.as_str()), (200, "a-value"));
}

#[test]
fn a_page_of_another_site_sends_no_form_and_shows_no_page_in_a_frame() {
    let site = Site::new();
    let owner = site.owner();
    for headers in [
        vec![("origin", "http://evil.example")],
        vec![("origin", "null")],
        vec![("origin", "http://127.0.0.1:9000")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
    ] {
        let answer = owner.request("POST", "/add-secret", &headers, &encoded(&[("name", "x"), ("value", "y")]));
        assert_eq!(answer.status, 403, "{headers:?}");
        let answer = site.stranger().request("POST", "/sign-in", &headers, &encoded(&[("link", "0")]));
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    let framed = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
    assert_eq!(owner.request("GET", "/", &framed, "").status, 403);
    let followed = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    assert_eq!(owner.request("GET", "/secrets", &followed, "").status, 200);
    // The browser left the cookie out; a page of ours has it come again with it.
    let again = site.stranger().request("GET", "/secrets?a=b", &followed, "");
    assert_eq!(again.status, 200);
    assert!(again.body.contains("content=\"0; url=/secrets?a=b\""), "{}", again.body);
}

#[test]
fn a_link_signs_in_once_and_its_session_is_a_cookie_that_no_script_reads() {
    let site = Site::new();
    let link = site.server.daemon().handle().make_sign_in_link(&keytide::words::Owner::Local).unwrap();
    let browser = site.stranger();
    // Looking at the page burns nothing.
    assert_eq!(browser.get("/sign-in").status, 200);
    let whole = format!("http://{HOST}/sign-in#{}", link.expose());
    let answer = browser.send("/sign-in", &[("link", &whole), ("to", "/secrets")]);
    assert_eq!((answer.status, answer.header("location")), (303, "/secrets"));
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("keytide-8321="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    let again = browser.send("/sign-in", &[("link", link.expose())]);
    assert_eq!(again.status, 401);
    assert!(again.body.contains("keytide ui"), "{}", again.body);
    assert!(again.header("set-cookie").is_empty());
    assert!(!again.body.contains(link.expose()));
}

#[test]
fn a_cookie_that_came_over_tls_goes_back_by_nothing_else() {
    let site = Site::new();
    let link = site.server.daemon().handle().make_sign_in_link(&keytide::words::Owner::Local).unwrap();
    let origin = format!("https://{HOST}");
    let headers = [("origin", origin.as_str())];
    let answer = site.stranger().request("POST", "/sign-in", &headers, &encoded(&[("link", link.expose())]));
    assert_eq!(answer.status, 303);
    assert!(answer.header("set-cookie").ends_with("; Secure"), "{}", answer.header("set-cookie"));
}

#[test]
fn nobody_is_sent_to_another_site_after_signing_in() {
    let site = Site::new();
    for to in ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"] {
        let link = site.server.daemon().handle().make_sign_in_link(&keytide::words::Owner::Local).unwrap();
        let answer = site.stranger().send("/sign-in", &[("link", link.expose()), ("to", to)]);
        assert_eq!((answer.status, answer.header("location")), (303, "/"), "{to}");
    }
}

#[test]
fn an_application_is_signed_out_once_its_key_is_disabled() {
    let site = Site::new();
    let (id, secret) = site.key_of("ci");
    let mut browser = site.stranger();
    assert_eq!(browser.send("/sign-in", &[("key-id", &id), ("key-secret", "wrong")]).status, 401);
    let answer = browser.send("/sign-in", &[("key-id", &id), ("key-secret", &secret)]);
    browser.take_cookie(&answer);
    let page = browser.get("/");
    assert!(page.status == 200 && page.body.contains("app:ci"), "{page:?}");
    let handle = site.server.daemon().handle();
    let disabled =
        handle.change_key(&keytide::words::Owner::Local, "ci".to_owned(), id, keytide::daemon::KeyChange::Disable);
    site.server.daemon().runtime().block_on(disabled).unwrap();
    assert_eq!(browser.get("/").status, 303);
}

#[test]
fn who_tries_many_links_gets_no_answer_and_keeps_nobody_out() {
    let site = Site::new();
    let tried = (0..100).map(|number| site.stranger().send("/sign-in", &[("link", &number.to_string())]).status);
    assert!(tried.last() == Some(429));
    site.owner();
}

#[test]
fn at_an_open_server_nobody_signs_in_and_forms_carry_a_token_all_the_same() {
    let site = Site::open();
    let browser = site.stranger();
    let page = browser.get("/");
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("/sign-out"));
    assert_eq!(browser.send("/add-secret", &[("name", "token"), ("value", "a-value")]).status, 403);
    let answer = browser.submit("/add-secret", "/add-secret", &[("name", "token"), ("value", "a-value")]);
    assert_eq!((answer.status, answer.header("location")), (303, "/secrets/token?done=stored"));
    let moved = browser.request("GET", "/", &[("host", "evil.example:8321")], "");
    assert_eq!(moved.status, 403, "a name that changes its address");
}

#[test]
fn what_is_no_page_is_the_api() {
    let site = Site::new();
    let answer = site.stranger().request("GET", "/health", &[], "");
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("application/json"), "{answer:?}");
    let answer = site.owner().request("GET", "/api/secrets", &[], "");
    assert_eq!(answer.status, 401, "a session of the pages is none of the API");
    for (accept, kind) in [("text/html,*/*", "text/html"), ("application/json", "application/json")] {
        let answer = site.owner().request("GET", "/no-such-page", &[("accept", accept)], "");
        assert_eq!(answer.status, 404);
        assert!(answer.header("content-type").starts_with(kind), "{answer:?}");
        if kind == "text/html" {
            assert_guarded("/no-such-page", &answer);
        }
    }
}
