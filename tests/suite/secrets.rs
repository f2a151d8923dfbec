//! `secret …`, `exec`.

use super::rig::{Test, files};

const CANARY: &str = "canary-9f3b17c2-value";

#[test]
fn a_value_comes_back_as_it_was_given_and_is_nowhere_in_clear() {
    let test = Test::new().secret("token", CANARY);
    test.keytide(&["secret", "get", "token", "--reveal"]).success().stdout(CANARY);
    for arguments in [&["secret", "get", "token"][..], &["secret", "list"], &["secret", "history", "token"]] {
        let ran = test.keytide(arguments).success();
        assert!(!ran.stdout.contains(CANARY) && !ran.stderr.contains(CANARY), "{arguments:?}");
    }
    for (path, bytes) in files(&test.path("")) {
        assert!(!String::from_utf8_lossy(&bytes).contains(CANARY), "{}", path.display());
    }
}

#[test]
fn lists_have_the_shapes_that_machines_read() {
    let test = Test::new().secret("token", "first-value").secret("token", "second-value");
    test.keytide(&["secret", "tag", "token", "team:build"]).success().stdout("team:build\n");
    let list = test.keytide(&["secret", "list", "-o", "json"]).success().json();
    let secret = list[0].as_object().unwrap();
    let keys: Vec<_> = secret.keys().collect();
    assert_eq!(keys, ["name", "tags", "version", "created", "by", "expires", "fingerprint"]);
    assert_eq!((&secret["version"], &secret["tags"]["team"]), (&2.into(), &"build".into()));
    let history = test.keytide(&["secret", "history", "token", "-o", "json"]).success().json();
    let keys: Vec<_> = history[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["version", "stage", "created", "by", "run", "expires", "fingerprint"]);
    assert_eq!((&history[0]["stage"], &history[1]["stage"]), (&"current".into(), &"previous".into()));
}

#[test]
fn a_value_that_looks_like_a_mistake_is_refused_unless_forced() {
    for garbage in ["***", "", "${login.output.token}", "<html><title>Sign in</title></html>"] {
        let test = Test::new().stdin(garbage);
        test.keytide(&["secret", "set", "token"]).fails(1).tells("--force");
        test.keytide(&["secret", "exists", "token"]).fails(1);
        test.keytide(&["secret", "set", "token", "--force"]).success();
        test.keytide(&["secret", "get", "token", "--reveal"]).success().stdout(garbage);
    }
}

#[test]
fn rollback_brings_the_value_before_back_as_a_new_version() {
    let test = Test::new().secret("token", "first-value").secret("token", "second-value");
    test.keytide(&["secret", "rollback", "token"]).success().tells("v3");
    test.keytide(&["secret", "get", "token", "--reveal"]).success().stdout("first-value");
    test.keytide(&["secret", "get", "token@2", "--reveal"]).success().stdout("second-value");
    test.keytide(&["secret", "rollback", "token", "--to", "9"]).fails(3);
}

#[test]
fn a_secret_is_removed_by_its_name_twice() {
    let test = Test::new().secret("token", "some-value");
    test.keytide(&["secret", "rm", "token"]).fails(2).tells("--confirm token");
    test.keytide(&["secret", "rm", "token", "--confirm", "tokem"]).fails(2);
    test.keytide(&["secret", "exists", "token"]).success();
    test.keytide(&["secret", "rm", "token", "--confirm", "token"]).success();
    test.keytide(&["secret", "get", "token"]).fails(3);
}

#[test]
fn an_unknown_secret_names_the_one_that_was_meant() {
    let test = Test::new().secret("github_token", "some-value");
    test.keytide(&["secret", "get", "github_tokn"]).fails(3).tells("did you mean `github_token`?");
}

#[test]
fn a_store_that_is_not_forked_needs_no_resolving() {
    Test::new().keytide(&["secret", "resolve"]).success().tells("not forked");
}

#[test]
fn both_sides_of_a_fork_are_shown_and_settled() {
    let test = Test::new().secret("token", "first-value");
    let older = std::fs::read(test.path("secrets/store.age")).unwrap();
    let test = test.secret("token", "second-value");
    std::fs::write(test.path("secrets/store.age"), older).unwrap();
    test.keytide(&["secret", "get", "token", "--reveal"]).success().stdout("second-value").tells("forked");
    let shown = test.keytide(&["secret", "resolve", "-o", "json"]).success().json();
    assert_eq!(
        (&shown["differences"][0]["name"], &shown["differences"][0]["winner"]),
        (&"token".into(), &"ours".into())
    );
    test.keytide(&["secret", "resolve", "--settle"]).success();
    test.keytide(&["secret", "resolve"]).success().tells("not forked");
    test.keytide(&["secret", "get", "token", "--reveal"]).success().stdout("second-value");
}

#[test]
fn a_child_gets_secrets_and_never_what_opens_the_store() {
    let test = Test::new().secret("my-token", CANARY).secret("other", "other-value");
    let identity = std::fs::read_to_string(test.identity()).unwrap();
    let test = test.variable("KEYTIDE_IDENTITY", &identity);
    let print = "printf '%s|%s|%s' \"$MY_TOKEN\" \"$other\" \"$KEYTIDE_IDENTITY\"; exit 7";
    test.keytide(&["exec", "--only", "my-token", "--", "sh", "-c", print]).fails(7).stdout(&format!("{CANARY}||"));
    test.keytide(&["exec", "--", "sh", "-c", "printf %s \"$OTHER\""]).success().stdout("other-value");
    test.keytide(&["exec", "--only", "nope", "--", "true"]).fails(3);
    let signalled = test.keytide(&["exec", "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(signalled.code, None);
}

#[test]
fn a_value_given_as_an_argument_is_refused_and_not_said_again() {
    let test = Test::new();
    for arguments in [
        &["secret", "set", "token", CANARY][..],
        &["secret", "put", "token", CANARY],
        &["secret", "set", &format!("token={CANARY}")],
        &["secret", "set", "token", &format!("--{CANARY}")],
        &["secret", "set", "token", &format!("--force={CANARY}")],
        &["-o", "json", "secret", "set", "token", CANARY],
    ] {
        let ran = test.keytide(arguments).fails(2).stdout("").tells("every user of this machine");
        assert!(!ran.stderr.contains(CANARY), "{}", ran.stderr);
        test.keytide(&["secret", "exists", "token"]).fails(1);
    }
    test.keytide(&["secret", "set", "token", "--forse"]).fails(2).tells("did you mean `--force`?");
}
