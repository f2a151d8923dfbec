use serde_json::json;

use super::{render, to_json};
use crate::words::{Diagnostic, Span};
use crate::workflow::check::{Known, check as check_all};
use crate::workflow::load::load;
use crate::workflow::problem;
use crate::workflow::tree::decode;

#[track_caller]
fn check(file: &str, text: &str, expected: &str) {
    let loaded = load(file, text.as_bytes());
    let shown: Vec<_> = loaded.diagnostics.iter().map(|problem| render(problem, false)).collect();
    let shown = shown.join("\n\n");
    assert_eq!(shown, expected.trim_matches('\n'), "\n{shown}");
}

#[test]
fn unquoted_cron_is_shown_with_its_fix() {
    check(
        "workflows/a.yaml",
        "name: w\nschedules:\n  - cronExpression: */5 * * * *\ntasks: []\n",
        r#"
error[E0108]: a cron expression that starts with `*` needs quotes
 --> workflows/a.yaml:3:21
  |
3 |   - cronExpression: */5 * * * *
  |                     ^^^^^^^^^^^ YAML reads `*` at the start of a value as an alias
  |
help: put it in quotes, with the seconds first
  |
3 -   - cronExpression: */5 * * * *
3 +   - cronExpression: "0 */5 * * * *"
  |
"#,
    );
}

#[test]
fn duplicate_key_is_shown_with_the_first() {
    check(
        "workflows/a.json",
        "{\"name\": \"w\", \"tasks\": [],\n \"x\": 1,\n \"name\": \"v\"}",
        r#"
error[E0202]: a workflow needs `tasks`
 --> workflows/a.json:1:15
  |
1 | {"name": "w", "tasks": [],
  |               ^^^^^^^ it is empty

warning[W0201]: a workflow has no field `x`
 --> workflows/a.json:2:2
  |
2 |  "x": 1,
  |  ^^^ nobody reads this
  |
  = help: remove it, or put it under `metadata`

error[E0105]: `name` stands twice in one map
 --> workflows/a.json:3:2
  |
1 | {"name": "w", "tasks": [],
  |  ------ first here
2 |  "x": 1,
3 |  "name": "v"}
  |  ^^^^^^ second
  |
  = help: keep one of them
"#,
    );
}

#[test]
fn wrong_type_is_shown_where_it_is() {
    check(
        "a.yaml",
        "name: w\ntasks:\n  - name: a\n    taskReferenceName: a\n    optional: yes\n",
        r"
error[E0201]: `optional` must be true or false, not a text
 --> a.yaml:5:15
  |
5 |     optional: yes
  |               ^^^ expected true or false
  |
help: write `true`
  |
5 -     optional: yes
5 +     optional: true
  |
",
    );
}

#[test]
fn problem_of_a_whole_file_is_shown_by_its_name() {
    check(
        "a.yaml",
        "",
        r"
warning[W0202]: the file holds no definition
--> a.yaml
",
    );
}

#[test]
fn control_characters_of_names_and_texts_are_escaped() {
    let source = decode("evil\u{1b}[2J\n.yaml", b"a\x1b[31m: 1\x07\n").unwrap();
    let problem = problem::error(&source, Some(Span::new(0, 1)), "E0103", "say \u{1b}[0m \u{202e}x".to_owned())
        .label("la\u{7}bel")
        .help("he\nlp");
    let shown = render(&problem, false);
    assert!(!shown.chars().any(|letter| letter.is_control() && letter != '\n'), "{shown:?}");
    assert!(shown.contains("evil\\u{1b}[2J\\n.yaml"), "{shown}");
}

#[test]
fn line_that_no_person_wrote_is_not_shown() {
    let text = format!("{{\"name\": \"{}\", }}", "x".repeat(100_000));
    let loaded = load("a.json", text.as_bytes());
    let comma = loaded.diagnostics.iter().find(|problem| problem.code == "E0104").unwrap();
    let shown = render(comma, false);
    assert!(shown.len() < 400 && shown.contains("a.json:1:100012"), "{shown}");
}

#[test]
fn machines_get_every_place() {
    let loaded = load("a.yaml", b"name: w\nrestartable: no\ntasks: [{name: a, taskReferenceName: a}]\n");
    assert_eq!(
        to_json(&loaded.diagnostics),
        json!([{
            "file": "a.yaml", "line": 2, "column": 14, "endLine": 2, "endColumn": 16,
            "code": "E0201", "severity": "error",
            "message": "`restartable` must be true or false, not a text", "help": "write `false`",
            "fix": {"line": 2, "column": 14, "endLine": 2, "endColumn": 16, "replacement": "false",
                "certain": true},
        }])
    );
}

#[test]
fn color_is_only_where_it_is_asked_for() {
    let loaded = load("a.yaml", b"name: [\n");
    let problem: &Diagnostic = &loaded.diagnostics[0];
    assert!(!render(problem, false).contains('\u{1b}'));
    assert!(render(problem, true).contains('\u{1b}'));
}

#[test]
fn secret_in_clear_is_not_repeated() {
    let text = "{name: w, tasks: [{name: a, taskReferenceName: a, type: UPDATE_SECRET, inputParameters: {_secrets: {secretKey: k, secretValue: hunter22}}}]}";
    let loaded = load("a.yaml", text.as_bytes());
    let told = check_all(&[&loaded], &Known::default());
    let shown: String = told.iter().map(|problem| render(problem, false)).collect();
    assert!(shown.contains("W0414") && !shown.contains("hunter22"), "{shown}");
    assert!(!to_json(&told).to_string().contains("hunter22"));
}

#[test]
fn damaged_files_are_told_without_a_panic() {
    let seeds = ["rotate_on_schedule.yaml", "update_rotate_secrets_tracker_app.json"].map(|name| {
        let path = format!("{}/workflows/{name}", env!("CARGO_MANIFEST_DIR"));
        (name, std::fs::read(path).unwrap())
    });
    // A small linear congruential generator: the same damage on every run.
    let mut state: u64 = 7;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % limit.max(1)
    };
    for round in 0..1_500 {
        let (name, seed) = &seeds[round % 2];
        let mut bytes = seed.clone();
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            let end = (at + below(12)).min(bytes.len());
            match below(4) {
                0 => drop(bytes.drain(at..end)),
                1 => bytes.extend_from_within(at..),
                2 => bytes[at] = b"{}[]:,\"'$*&!#\n\t \xc3\xff0"[below(19)],
                _ => bytes.splice(at..end, "${é.x}\u{1f511}".bytes()).for_each(drop),
            }
        }
        let loaded = load(name, &bytes);
        for problem in loaded.diagnostics.iter().chain(&check_all(&[&loaded], &Known::default())) {
            assert!(render(problem, false).contains(problem.code));
        }
        to_json(&loaded.diagnostics);
    }
}
