use std::collections::BTreeSet;

use super::{difference, mend};
use crate::words::Diagnostic;
use crate::workflow::check::{Known, check};
use crate::workflow::load::{Loaded, load};

fn problems(file: &Loaded) -> Vec<Diagnostic> {
    file.diagnostics.iter().cloned().chain(check(&[file], &Known::default())).collect()
}

/// Mends a file as often as there is something to mend.
fn mended(name: &str, text: &str) -> String {
    let mut file = load(name, text.as_bytes());
    for _ in 0..8 {
        match mend(&file, &problems(&file)) {
            Some(better) => file = better,
            None => return file.source.text.to_string(),
        }
    }
    panic!("it never ends: {}", file.source.text);
}

#[test]
fn fixes_change_their_bytes_and_keep_comments_and_layout() {
    for (name, before, after) in [
        (
            "a.yaml",
            "# mine\nname:   w  # so\nschemaVersion: 1   # old\ntasks:\n- {name: a, taskReferenceName: a, type: HTTP,\n   inputParameters: {url: \"https://h/\", method: GET}}  # call\n",
            "# mine\nname:   w  # so\nschemaVersion: 2   # old\ntasks:\n- {name: a, taskReferenceName: a, type: HTTP,\n   inputParameters: {uri: \"https://h/\", method: GET}}  # call\n",
        ),
        (
            "a.yaml",
            "name: s\ncronExpression: */5 * * * *  # often\r\nstartWorkflowRequest: {name: w}\r\n",
            "name: s\ncronExpression: \"0 */5 * * * *\"  # often\r\nstartWorkflowRequest: {name: w}\r\n",
        ),
        (
            "a.json",
            "{ // mine\n  \"name\": \"w\", \"restartable\": \"yes\", /* é */\n  \"tasks\": [{\"name\": \"a\", \"taskReferenceName\": \"a\", \"type\": \"NOOP\",}],\n}",
            "{ // mine\n  \"name\": \"w\", \"restartable\": true, /* é */\n  \"tasks\": [{\"name\": \"a\", \"taskReferenceName\": \"a\", \"type\": \"NOOP\"}]\n}",
        ),
    ] {
        let once = mended(name, before);
        assert_eq!(once, after);
        assert_eq!(mended(name, &once), after, "a second time changes nothing");
    }
}

#[test]
fn guesses_are_left_to_people() {
    for text in [
        "name: w\ntimeoutPolicy: TIME_OUT_WFF\ntasks: [{name: a, taskReferenceName: a, type: NOOP}]\n",
        "name: s\ncronExpression: \"0 0 3 * * *\"\nzoneId: Europe/Berln\nstartWorkflowRequest: {name: w}\n",
        "name: s\ncronExpression: \"@dayly\"\nstartWorkflowRequest: {name: w}\n",
        "name: w\ndescription: no\ntasks: [{name: a, taskReferenceName: a, type: NOOP}]\n",
    ] {
        let told = problems(&load("a.yaml", text.as_bytes()));
        assert!(told.iter().any(|problem| problem.fix.is_some()), "{text}");
        assert_eq!(mended("a.yaml", text), text);
    }
}

#[test]
fn a_fix_that_would_do_harm_is_not_done_and_the_others_are() {
    // `uri` is there already, and empty: a second one would be a name twice.
    let text = "name: w\nschemaVersion: 1\ntasks:\n- {name: a, taskReferenceName: a, type: HTTP, inputParameters: {uri: '', url: 'https://h/', method: GET}}\n";
    assert_eq!(mended("a.yaml", text), text.replace("schemaVersion: 1", "schemaVersion: 2"));
}

#[test]
fn damaged_files_are_mended_without_a_panic_and_come_to_an_end() {
    let seed = "name: w\nschemaVersion: 1\nrestartable: yes\ntasks:\n- {name: 1, taskReferenceName: a, type: HTTP, inputParameters: {url: 'https://h/', method: GET}}\n---\nname: s\ncronExpression: */5 * * * *\n";
    let mut state: u64 = 11;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % limit.max(1)
    };
    for _ in 0..400 {
        let mut bytes = seed.as_bytes().to_vec();
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            let end = (at + below(9)).min(bytes.len());
            match below(3) {
                0 => drop(bytes.drain(at..end)),
                1 => bytes[at] = b"{}[]:,\"'*#\n -"[below(13)],
                _ => bytes.splice(at..at, "é&a *a".bytes()).for_each(drop),
            }
        }
        if let Ok(text) = std::str::from_utf8(&bytes) {
            mended("a.yaml", text);
        }
    }
}

#[test]
fn the_difference_shows_changed_lines_and_no_value_in_clear() {
    let before = load("a.yaml", b"a: 1\nb: 2\nc: 3\nd: 4\n").source;
    let after = load("a.yaml", b"a: 1\nb: x\nc: 3\nd: y\n").source;
    let shown = difference(&before, &after, &BTreeSet::from([4]));
    assert_eq!(
        shown,
        "--- a.yaml\n+++ a.yaml\n@@ -2,1 +2,1 @@\n-b: 2\n+b: x\n@@ -4,1 +4,1 @@\n-(a value in clear)\n+(a value in clear)\n"
    );
}
