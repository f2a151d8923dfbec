//! `init`, `config show`.

use std::os::unix::fs::PermissionsExt;

use super::rig::{Test, files};

#[test]
fn init_makes_a_project_whose_recovery_key_is_shown_once_and_kept_nowhere() {
    let test = Test::empty();
    let first = test.keytide(&["init"]).success().tells("created  keytide.toml").tells("recovery key");
    let key = first.stdout.trim();
    assert!(key.starts_with("AGE-SECRET-KEY-"), "{key}");
    for (path, bytes) in files(&test.path("")) {
        assert!(!String::from_utf8_lossy(&bytes).contains(key), "{}", path.display());
    }
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(test.identity()), mode(test.path("secrets/store.age"))), (0o600, 0o600));
    test.keytide(&["check"]).success();
    assert_eq!(test.keytide(&["recipient", "list", "-o", "json"]).success().json().as_array().unwrap().len(), 2);
}

#[test]
fn init_again_changes_nothing_and_says_so() {
    let test = Test::empty();
    test.keytide(&["init"]).success();
    let before = files(&test.path(""));
    test.keytide(&["init"]).success().stdout("").tells("nothing to do");
    assert_eq!(files(&test.path("")), before);
}

#[test]
fn init_keeps_what_is_in_the_ignore_file() {
    let test = Test::empty().file(".gitignore", "/target");
    test.keytide(&["init"]).success();
    assert_eq!(std::fs::read_to_string(test.path(".gitignore")).unwrap(), "/target\n.keytide/\n.*.age.lock\n");
}

#[test]
fn settings_are_shown_with_their_source() {
    let test = Test::new().file("keytide.toml", "[http]\ntimeout = \"5s\"\n").variable("KEYTIDE_ENV_stage", "x");
    let rows = test.keytide(&["config", "show", "-o", "json"]).success().json();
    let row = |key: &str| rows.as_array().unwrap().iter().find(|row| row["key"] == key).unwrap().clone();
    assert_eq!(row("http.timeout")["source"], "keytide.toml:2");
    assert_eq!(row("environment.stage")["source"], "KEYTIDE_ENV_stage");
    assert_eq!(row("secrets.versions")["source"], "default");
}

#[test]
fn a_wrong_settings_file_is_refused_with_its_lines() {
    let test = Test::new().file("keytide.toml", "[htpt]\ntimeout = \"5s\"\n");
    test.keytide(&["config", "show"]).fails(2).tells("keytide.toml:1:").tells("http");
}

#[test]
fn errors_are_json_where_json_is_asked_for() {
    let ran = Test::empty().keytide(&["secret", "list", "-o", "json"]).fails(5).stdout("");
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(error["error"]["code"], "key");
    assert!(error["error"]["hints"][0].as_str().unwrap().contains("keytide init"), "{error}");
}

#[test]
fn a_wrong_argument_is_a_usage_error() {
    Test::empty().keytide(&["serve", "--lisetn", "x"]).fails(2).tells("--listen");
}
