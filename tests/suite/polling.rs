//! HTTP_POLL against a real server, from a file to a stored secret.

use serde_json::json;

use super::rig::Test;
use super::scripted::scripted;

#[test]
fn a_job_is_asked_for_until_it_is_done_and_its_token_is_stored() {
    let (url, answering) = scripted(&[
        ("200 OK", r#"{"state": "waiting"}"#),
        ("200 OK", r#"{"state": "waiting", "token": "not-yet-a-token"}"#),
        ("200 OK", r#"{"state": "done", "token": "token-of-the-job"}"#),
    ]);
    let workflow = json!({"name": "job", "version": 1, "tasks": [
        {"name": "await", "taskReferenceName": "await", "type": "HTTP_POLL", "inputParameters": {"http_request": {
            "uri": url, "method": "GET", "pollingInterval": 1,
            "terminationCondition": "$.output.response.body.state == 'done'"}}},
        {"name": "keep", "taskReferenceName": "keep", "type": "UPDATE_SECRET", "inputParameters": {"_secrets": {
            "secretKey": "job_token", "secretValue": "${await.output.response.body.token}"}}}],
        "outputParameters": {"state": "${await.output.response.body.state}"}});
    let test = Test::new().file("job.json", &workflow.to_string());
    let ran = test.keytide(&["run", "job.json"]).success();
    assert_eq!(ran.json(), json!({"state": "done"}));
    assert_eq!(answering.join().unwrap().len(), 3);
    test.keytide(&["secret", "get", "job_token", "--reveal"]).success().stdout("token-of-the-job");
    let shown = test.keytide(&["runs", "-o", "json"]).success().json();
    let shown = test.keytide(&["show", shown[0]["workflowId"].as_str().unwrap(), "-o", "json"]).success().json();
    assert!(
        !shown.to_string().contains("token-of-the-job") && !shown.to_string().contains("not-yet-a-token"),
        "{shown}"
    );
    assert_eq!((&shown["tasks"][0]["status"], &shown["tasks"][0]["pollCount"]), (&json!("COMPLETED"), &json!(2)));
}
