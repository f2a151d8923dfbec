use serde_json::{Value, json};

use super::Found;
use super::definitions::documents;

fn named(found: &Found) -> Vec<(String, Value)> {
    let content = |text: &str| serde_json::from_str(text).unwrap();
    documents(found, false).into_iter().map(|document| (document.name, content(&document.text))).collect()
}

#[test]
fn each_version_is_a_file_and_the_latest_has_the_plain_name() {
    let workflow = |name: &str, version: i32| json!({"name": name, "version": version, "createTime": 5, "x": null});
    let workflows = vec![workflow("a/b c", 1), workflow("a/b c", 3), workflow("A_B_C", 1), workflow("..", 1)];
    let files = named(&Found { workflows, ..Found::default() });
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a_b_c.v1.json", "a_b_c.json", "A_B_C-2.json", "workflow.json"]);
    assert_eq!(files[1].1, json!({"name": "a/b c", "version": 3}), "what is the server's stays there");
}

#[test]
fn a_workflow_that_is_called_like_a_test_is_no_test() {
    let files = named(&Found { workflows: vec![json!({"name": "my.test", "version": 1})], ..Found::default() });
    assert_eq!(files[0].0, "my_test.json");
}

#[test]
fn schedules_come_paused_unless_they_are_asked_to_fire() {
    let found = Found { schedules: vec![json!({"name": "s", "paused": false, "orgId": "x"})], ..Found::default() };
    assert_eq!(named(&found), [("schedules.json".to_owned(), json!([{"name": "s", "paused": true}]))]);
    let active: Value = serde_json::from_str(&documents(&found, true)[0].text).unwrap();
    assert_eq!(active, json!([{"name": "s", "paused": false}]));
}
