//! Slips of the keyboard: each is told at its place, with what to do, and hides nothing else that can be judged.

use super::told;
use crate::workflow::load::{load, unreadable};

#[test]
fn every_comma_too_many_is_told_beside_what_else_is_wrong() {
    let text = r#"{"name": "w", "restartable": "yes", "tasks": [{"name": "a", "taskReferenceName": "a",}, ], }"#;
    assert_eq!(
        told(&load("w.json", text.as_bytes())),
        [
            "E0201 1:30 `restartable` must be true or false, not a text | write `true`",
            "E0104 1:85 trailing commas are not allowed | remove the comma",
            "E0104 1:87 trailing commas are not allowed | remove the comma",
            "E0104 1:90 trailing commas are not allowed | remove the comma",
        ]
    );
    let many = format!("[{}]", "[1,],".repeat(500));
    assert_eq!(told(&load("w.json", many.as_bytes())).len(), 20);
}

#[test]
fn each_slip_says_what_to_do() {
    for (name, text, expected) in [
        ("w.json", "{\"name\": NaN}", "E0104 1:10 unexpected token | a value is a text in \"quotes\", a number"),
        ("w.json", "{\"a\": 1} # x", "E0104 1:10 unexpected token | comments in JSON files start with `//`"),
        ("w.json", "{\"a\": [1", "E0104 1:7 unterminated array | close it with `]`"),
        ("w.json", "{\"a\": 1", "E0104 1:1 unterminated object | close it with `}`"),
        (
            "w.json",
            "{\"a\" 1}",
            "E0104 1:6 expected colon after the string or word in object property | write `\"name\": value`",
        ),
        ("w.yaml", "tasks:\n  - name: t\n   type: NOOP\n", "E0103 3:4 while parsing a block collection"),
        (
            "w.yaml",
            "name: \"q\ntasks: []\n",
            "E0103 2:1 invalid indentation in multiline quoted scalar | a quote is opened",
        ),
        ("w.yaml", "%YAML 1.1\n---\nname: w\n", "E0103 1:1 YAML directives are disallowed | remove the line"),
        ("w.yaml", "a: @x\n", "E0108 1:4 a text that starts with `@` needs quotes | put it in quotes"),
        ("w.yaml", "a: @daily\n", "E0108 1:4 a cron expression that starts with `@` needs quotes | put it in quotes"),
        (
            "w.yaml",
            "name: w\ntasks:\n- {name: a, taskReferenceName: a}\n- // later\n",
            "E0201 4:3 an item of `tasks` must be a task, not a text | YAML comments start with `#`; `//` is for JSON files",
        ),
        ("w.yaml", "name: w\ntasks: [5]\n", "E0201 2:9 an item of `tasks` must be a task, not a number"),
    ] {
        let told = told(&load(name, text.as_bytes()));
        assert!(told.iter().any(|line| line.starts_with(expected)), "{text:?}: {told:?}");
        assert!(
            expected.contains(" | ") || told.iter().any(|line| line.contains(" | ")) || text.contains('5'),
            "{told:?}"
        );
    }
}

#[test]
fn file_that_cannot_be_had_is_an_error_of_that_file() {
    let loaded = unreadable("workflows/big.json", "cannot be read: too long");
    assert!(loaded.has_errors());
    assert_eq!(told(&loaded), ["E0101 0:0 the file cannot be read: too long"]);
}
