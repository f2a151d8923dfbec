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
    test.keytide(&["test", "--crash"]).success().tells("1 test: 1 passed");
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

#[test]
fn a_usage_error_is_json_where_json_is_asked_for() {
    let test = Test::empty();
    for (arguments, message) in [
        (&["serve", "--lisetn", "x", "-o", "json"][..], "unexpected argument '--lisetn' found"),
        (&["-ojson", "nope"], "unrecognized subcommand 'nope'"),
        (&["--output=json", "secret", "get"], "the following required arguments were not provided: <NAME>"),
        (&["runs", "-n", "0", "-o", "json"], "invalid value '0' for '-n <COUNT>'"),
    ] {
        let ran = test.keytide(arguments).fails(2).stdout("");
        let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
        assert_eq!(error["error"]["code"], "usage", "{arguments:?}");
        assert!(error["error"]["message"].as_str().unwrap().starts_with(message), "{error}");
        assert!(error["error"]["hints"].is_array());
    }
    test.keytide(&["--help", "-o", "json"]).success().prints("Exit codes:");
}

#[test]
fn a_folder_or_an_environment_that_cannot_be_is_named() {
    let test = Test::new();
    test.keytide(&["-C", "nodir", "check"]).fails(3).tells("there is no folder").tells("keytide init");
    test.keytide(&["--environment", "../x", "secret", "list"]).fails(2).tells("no name of an environment");
    test.keytide(&["--identity", "nofile", "secret", "list"]).fails(5).tells("cannot read");
    test.keytide(&["show", ""]).fails(2);
    assert!(!test.path("x").exists());
}

#[test]
fn the_settings_that_init_writes_are_the_defaults_and_all_of_them() {
    let test = Test::new();
    let shown = |test: &Test| {
        let rows = test.keytide(&["config", "show", "-o", "json"]).success().json();
        let row = |row: &serde_json::Value| (row["key"].clone(), row["value"].clone());
        rows.as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    let before = shown(&test);
    let text = std::fs::read_to_string(test.path("keytide.toml")).unwrap();
    let is_setting = |line: &str| line.starts_with("# ") && line.contains(" = ") && !line.contains("issuer");
    let settings = text.lines().filter(|line| is_setting(line)).count();
    assert_eq!(settings, before.len(), "a setting is missing");
    let lines: Vec<&str> = text.lines().map(|line| if is_setting(line) { &line[2..] } else { line }).collect();
    let text = lines.join("\n");
    assert_eq!(shown(&test.file("keytide.toml", &text)), before);
}
