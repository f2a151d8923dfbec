//! `demo`.

use super::rig::Test;

#[test]
fn the_demo_shows_the_token_change_while_the_resource_keeps_answering() {
    let test = Test::empty();
    let ran = test.keytide(&["demo", "--rotations", "2"]).success().tells("refused 0");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(
        lines[1].starts_with("my_secret_holding_a_token v1 → v2") && lines[1].ends_with("resource 200"),
        "{lines:?}"
    );
    assert!(!test.identity().exists() && std::fs::read_dir(test.path("")).unwrap().next().is_none());
}

#[test]
fn a_demo_that_is_kept_is_a_project() {
    let test = Test::empty();
    test.keytide(&["demo", "--rotations", "1", "--keep", "kept"]).success();
    test.keytide(&["-C", "kept", "secret", "get", "my_secret_holding_a_token"]).success();
    test.keytide(&["-C", "kept", "check"]).success();
    test.keytide(&["-C", "kept", "runs"]).success().prints("COMPLETED");
    test.keytide(&["demo", "--keep", "kept"]).fails(4);
}
