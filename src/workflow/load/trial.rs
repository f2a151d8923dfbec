//! From the bytes of a `*.test.yaml` to tests of workflows.

use crate::access::{TAGS_MAX, tag_problem};
use crate::words::{Diagnostic, Severity, Timestamp};
use crate::workflow::definition::WorkflowTest;
use crate::workflow::duration::parse_duration_seconds;
use crate::workflow::problem;
use crate::workflow::shape::{TEST, TESTS};
use crate::workflow::tree::{self, Node, Syntax, Tree, decode};

use super::document::part;
use super::walk::shorten;
use super::{Loaded, Located, settle};
use crate::words::Source;

/// How the names of files end that hold tests.
pub const TEST_ENDINGS: [&str; 3] = [".test.yaml", ".test.yml", ".test.json"];
/// How many tests one file holds: each is a whole life of a workflow.
pub const TESTS_MAX: usize = 200;
/// How many attempts one task is given; a loop or a retry that needs more is a mistake of its test.
const MOCKS_MAX: usize = 10_000;

/// A file of tests, read as far as it goes.
pub struct LoadedTests {
    /// The file.
    pub source: Source,
    /// The tests that could be read.
    pub tests: Vec<Located<WorkflowTest>>,
    /// What is wrong with the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Returns whether a file with this name holds tests and no definitions.
pub fn is_test_file(name: &str) -> bool {
    TEST_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Reads the bytes of a file of tests; its name tells the syntax.
pub fn load_tests(name: &str, bytes: &[u8]) -> LoadedTests {
    let source = match decode(name, bytes) {
        Ok(source) => source,
        Err(problem) => {
            return LoadedTests { source: problem.source.clone(), tests: Vec::new(), diagnostics: vec![*problem] };
        }
    };
    let parsed = tree::parse(&source, Syntax::of(&source));
    let mut loaded = Loaded::empty(source);
    loaded.diagnostics = parsed.diagnostics;
    let mut tests = Vec::new();
    for document in parsed.documents.iter().filter(|document| !document.is_null()) {
        if document.get("tests").is_some() {
            super::walk::walk(&loaded.source, document, &TESTS, &mut loaded.diagnostics);
            document
                .get("tests")
                .into_iter()
                .flat_map(Node::items)
                .for_each(|node| test(&mut loaded, node, &mut tests));
        } else {
            test(&mut loaded, document, &mut tests);
        }
    }
    if tests.is_empty() && loaded.diagnostics.is_empty() {
        let message = "the file holds no test".to_owned();
        loaded.diagnostics.push(problem::error(&loaded.source, None, "E0202", message));
    }
    settle(&mut loaded);
    LoadedTests { source: loaded.source, tests, diagnostics: loaded.diagnostics }
}

fn test(loaded: &mut Loaded, node: &Node, tests: &mut Vec<Located<WorkflowTest>>) {
    if tests.len() == TESTS_MAX {
        let message = format!("more than {TESTS_MAX} tests in one file: put the others into another");
        return loaded.diagnostics.push(problem::error(&loaded.source, Some(node.head()), "E0201", message));
    }
    let mut node = node.clone();
    let test = part::<WorkflowTest>(loaded, &mut node, &TEST);
    let before = loaded.diagnostics.len();
    loaded.diagnostics.extend(wrong(&loaded.source, &node));
    let is_wrong = loaded.diagnostics[before..].iter().any(|problem| problem.severity == Severity::Error);
    tests.extend(test.filter(|_| !is_wrong).map(|def| Located { def, node }));
}

/// Returns what the shapes do not see.
fn wrong(source: &Source, test: &Node) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut error = |node: &Node, code, message: String, help: &str| {
        found.push(problem::error(source, Some(node.head()), code, message).help(help));
    };
    if test.get("name").or_else(|| test.get("workflowDef")).is_none() {
        error(test, "E0202", "a test needs `name`".to_owned(), "`name` is the workflow's; or give a `workflowDef`");
    }
    if let Some(now) = test.get("now").filter(|now| now.text().is_some_and(|text| Timestamp::parse(text).is_none())) {
        error(now, "E0201", "`now` is no time".to_owned(), "write it as 2026-01-31T12:00:00Z");
    }
    let expect = test.get("expect");
    let took = expect.and_then(|expect| expect.get("took"));
    if let Some(took) = took.filter(|took| took.text().is_some_and(|text| parse_duration_seconds(text).is_none())) {
        error(took, "E0201", "`took` is no duration".to_owned(), "write 90s, 5m or 1h, in whole seconds");
    }
    for entry in test.get("secretTags").into_iter().flat_map(Node::entries) {
        if test.get("secrets").and_then(|secrets| secrets.get(&entry.key)).is_none() {
            let message = format!("`secretTags` names `{}`, which is no secret of the test", shorten(&entry.key));
            error(&entry.value, "E0201", message, "give it a value under `secrets`");
        }
        for tag in entry.value.entries() {
            let problem = tag.value.text().and_then(|value| tag_problem(&tag.key, value));
            if let Some(problem) = problem {
                error(
                    &tag.value,
                    "E0201",
                    format!("a tag of `{}`: {problem}", shorten(&entry.key)),
                    "a tag is `KEY: value`",
                );
            }
        }
        if entry.value.entries().len() > TAGS_MAX {
            let message = format!("more than {TAGS_MAX} tags of `{}`", shorten(&entry.key));
            error(&entry.value, "E0201", message, "give it fewer");
        }
    }
    for entry in expect.and_then(|expect| expect.get("secretsWritten")).into_iter().flat_map(Node::entries) {
        if !matches!(entry.value.value, Tree::Text(_) | Tree::Bool(true)) {
            let message = format!("`{}` must be the value that is expected, as a text", shorten(&entry.key));
            error(&entry.value, "E0201", message, "put it in quotes, or write `true` where any value will do");
        }
    }
    for ends in expect.and_then(|expect| expect.get("tasks")).into_iter().flat_map(Node::items) {
        if ends.is_map() && ends.entries().len() != 1 {
            let message = "an item of `tasks` names one task".to_owned();
            error(ends, "E0201", message, "write each task as an item: `- reference: COMPLETED`");
        }
    }
    for entry in test.get("taskRefToMockOutput").into_iter().flat_map(Node::entries) {
        if entry.value.items().len() > MOCKS_MAX {
            let message = format!("more than {MOCKS_MAX} attempts of `{}`", shorten(&entry.key));
            error(&entry.value, "E0201", message, "give the task fewer");
        }
        for mock in entry.value.items() {
            for time in ["executionTime", "queueWaitTime"] {
                let given = mock.get(time).filter(|time| time.to_json().as_i64().is_some_and(i64::is_negative));
                if let Some(given) = given {
                    error(given, "E0201", format!("`{time}` is below zero"), "it is a number of milliseconds");
                }
            }
        }
    }
    found
}
