//! Definitions that run: nothing is told of them that is not so.

use std::path::Path;

use super::{Known, check};
use crate::words::Severity;
use crate::workflow::load::load;

/// Returns what is told of the definitions of a folder, one line each: file, code and message.
fn told(folder: &str, name: impl Fn(&Path) -> bool) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = walk(&root).into_iter().filter(|path| name(path)).collect();
    paths.sort();
    assert!(!paths.is_empty());
    let mut lines = Vec::new();
    for path in paths {
        let shown = path.strip_prefix(&root).unwrap().display().to_string();
        let file = load(&shown, &std::fs::read(&path).unwrap());
        let known = Known { secrets: Some(super::known().secrets.unwrap()), ..Known::default() };
        for problem in file.diagnostics.iter().chain(&check(&[&file], &known)) {
            if problem.severity != Severity::Note && !matches!(problem.code, "W0305" | "W0308" | "W0421") {
                lines.push(format!("{shown} {} {}", problem.code, problem.message));
            }
        }
    }
    lines
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn nothing_is_told_of_the_examples() {
    let is_test = |path: &Path| path.to_string_lossy().contains(".test.");
    assert_eq!(told("workflows", |path| !is_test(path)), Vec::<String>::new());
}

#[test]
fn of_recorded_definitions_only_what_is_so_is_told_by_the_rules_that_warn() {
    let told = told("tests/conductor", |path| path.ends_with("workflow.json"));
    let newer = ["W0314", "W0315", "W0422", "W0511", "W0313"];
    let mut told: Vec<_> = told.iter().filter(|line| newer.iter().any(|code| line.contains(code))).collect();
    told.dedup();
    // Each was made to see what the server does then, and each is so.
    assert_eq!(
        told,
        [
            "ask_switch_nested_default/workflow.json W0422 SWITCH `d` never takes the case `x`",
            "ask_terminate_failed_list/workflow.json W0422 no run comes to what follows TERMINATE `t`",
            "ask_terminate_terminated_whole/workflow.json W0422 no run comes to what follows TERMINATE `t`",
            "ask_xjoin_default/workflow.json W0422 SWITCH `d` never takes the case `x`",
            "ask_xjoin_default/workflow.json W0422 SWITCH `d` never takes the case `y`",
            "ask_xjoin_second/workflow.json W0422 SWITCH `d` never takes the case `x`",
            "expr_output/workflow.json W0314 `$${workflow.input.s}` is not evaluated",
            "reg_nested_paths/workflow.json W0422 SWITCH `o` never takes the case `a`",
            "switch_in_fork/workflow.json W0422 SWITCH `s2` never takes the case `a`",
            "terminate_completed/workflow.json W0422 no run comes to what follows TERMINATE `t`",
        ]
    );
}
