//! `keytide ui`: the way into the pages of a daemon.

use super::rig::{Running, Test};

#[test]
fn a_link_is_given_to_who_asks_on_this_machine_and_never_logged() {
    let test = Test::new();
    test.keytide(&["ui"]).fails(6).tells("keytide serve");
    let mut serving = Running::serve(&test, &["--listen", "127.0.0.1:0"]);
    let listening = serving.until("listening on http://");
    let address = listening.split_whitespace().find(|word| word.starts_with("http://")).unwrap().trim_end_matches(',');
    let said = serving.until("pages: ");
    assert!(said.contains("keytide ui") && !said.contains('#'), "no terminal reads it: {said}");
    let link = test.keytide(&["ui"]).success().stdout;
    let (page, token) = link.trim_end().split_once('#').unwrap();
    assert_eq!(page, format!("{address}/sign-in"));
    assert_eq!(token.len(), 64, "{token}");
    assert_ne!(test.keytide(&["ui", "-o", "json"]).success().json()["url"], link.trim_end(), "each is another one");
}

#[test]
fn an_open_server_has_pages_that_nobody_signs_in_to() {
    let test = Test::new();
    let mut serving = Running::serve(&test, &["--open", "--listen", "127.0.0.1:0"]);
    let said = serving.until("pages: http://127.0.0.1:");
    let link = test.keytide(&["ui"]).success().stdout;
    assert!(said.ends_with(link.trim_end()) && link.ends_with("/\n"), "{said} {link}");
}

#[test]
fn a_daemon_without_a_port_says_how_it_gets_pages() {
    let test = Test::new();
    let mut serving = Running::serve(&test, &[]);
    serving.until("0 workflows");
    test.keytide(&["ui"]).fails(4).tells("--listen");
}
