use serde_json::{Value, json};

use crate::executions::started;
use crate::metadata::noop;
use crate::server::Server;

/// Returns a text as a part of a query.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| format!("{encoded}%{byte:02X}"))
}

fn search(server: &Server, query: &str) -> Value {
    server.get(&format!("/api/workflow/search?query={}", encoded(query))).json()
}

#[test]
fn runs_are_found_by_what_they_are_called() {
    let server = Server::new();
    let id = started(&server);
    assert_eq!(server.json("POST", "/api/metadata/workflow", &noop("n", 1)).status, 200);
    let by_name = server.json("POST", "/api/workflow/n?correlationId=d&version=1", &json!({"a": 1}));
    assert_eq!(by_name.status, 200);
    let total = |query: &str| server.get(&format!("/api/workflow/search?query={query}")).json()["totalHits"].clone();
    assert_eq!(total("*"), 2);
    assert_eq!(total("workflowType%20%3D%20'waiting'%20AND%20status%20IN%20(RUNNING)"), 1);
    assert_eq!(total("correlationId%3Dd"), 1);
    let page = server.get("/api/workflow/search?freeText=*&size=1&sort=startTime:ASC").json();
    assert_eq!(page["results"][0]["workflowId"], id);
    assert_eq!(page["results"][0]["input"], "{of=7}");
    assert_eq!(server.get("/api/workflow/search?query=nonsense").status, 400);
}

#[test]
fn a_query_has_the_whole_grammar_and_free_text_takes_a_part_of_a_name() {
    let server = Server::new();
    let id = started(&server);
    assert_eq!(server.json("POST", "/api/metadata/workflow", &noop("nothing", 1)).status, 200);
    assert_eq!(server.json("POST", "/api/workflow/nothing", &json!({})).status, 200);
    for (query, total) in [
        ("(workflowType = waiting OR workflowType = nothing) AND NOT status IN (COMPLETED)", 1),
        ("workflowType STARTS_WITH 'wait' OR status != RUNNING", 2),
        ("workflowType = 'no*' AND endTime IS NOT NULL AND startTime BETWEEN 1 AND 99999999999999", 1),
        ("correlationId IS NULL AND startTime >= 2020-01-01T00:00:00Z", 1),
        ("status = RUNNING AND status = COMPLETED", 0),
    ] {
        assert_eq!(search(&server, query)["totalHits"], total, "{query}");
    }
    let mentioned = |text: &str| server.get(&format!("/api/workflow/search?freeText={text}")).json();
    for text in ["WAIT", &id[..13], "c"] {
        assert_eq!(mentioned(text)["totalHits"], 1, "{text}");
        assert_eq!(mentioned(text)["results"][0]["workflowId"], id, "{text}");
    }
    assert_eq!(mentioned("7")["totalHits"], 0, "what a run takes is sealed");
}

#[test]
fn a_search_that_is_wrong_is_refused_with_the_column() {
    let server = Server::new();
    let answer = search(&server, "workflowType = a OR colour = red");
    assert_eq!(answer["status"], 400);
    assert!(answer["message"].as_str().unwrap().starts_with("column 21: there is no field \"colour\""), "{answer}");
    for (parameters, says) in [
        ("size=5001", "size: a page has at most 5000 rows"),
        ("size=-1", "size: \"-1\" is not a number that fits"),
        ("sort=startTime:UP", "sort, column 11: expected ASC or DESC"),
    ] {
        let answer = server.get(&format!("/api/workflow/search?{parameters}"));
        assert_eq!(answer.status, 400, "{parameters}");
        assert!(answer.json()["message"].as_str().unwrap().starts_with(says), "{answer:?}");
    }
    assert_eq!(server.get("/api/workflow/search?size=5000&start=18446744073709551615").status, 200);
}

#[test]
fn the_second_search_gives_workflows_without_their_tasks() {
    let server = Server::new();
    let id = started(&server);
    let page = server.get("/api/workflow/search-v2?query=workflowType%3Dwaiting").json();
    assert_eq!(page["totalHits"], 1);
    let workflow = &page["results"][0];
    assert_eq!((&workflow["workflowId"], &workflow["input"]["of"]), (&json!(id), &json!(7)));
    assert_eq!(workflow["tasks"], json!([]));
}

#[test]
fn what_is_sealed_is_searched_as_it_is_shown() {
    let server = Server::new();
    let mut hiding = noop("hiding", 1);
    hiding["maskedFields"] = json!(["pin"]);
    hiding["tasks"] = json!([{"name": "end", "taskReferenceName": "end", "type": "TERMINATE",
        "inputParameters": {"terminationStatus": "FAILED", "terminationReason": "the Issuer said no"}}]);
    assert_eq!(server.json("POST", "/api/metadata/workflow", &hiding).status, 200);
    let input = json!({"pin": "pin-4711", "city": "Lisbon"});
    assert_eq!(server.json("POST", "/api/workflow/hiding", &input).status, 200);
    let id = started(&server);
    for (query, total) in [
        ("input = lisbon", 1),
        ("input = 'pin-4711'", 0),
        ("input STARTS_WITH '{pin=pin-4'", 0),
        ("input != nothing AND NOT output = 'pin-4711'", 2),
        ("reasonForIncompletion = 'issuer said'", 1),
        ("reasonForIncompletion IS NULL", 1),
        ("reasonForIncompletion = 4711 OR input IN (4711, of)", 1),
        ("priority = 3 AND status = RUNNING", 1),
        ("priority > 3", 0),
        ("status = FAILED AND input = lisbon", 1),
        ("status = RUNNING AND input = lisbon", 0),
    ] {
        assert_eq!(search(&server, query)["totalHits"], total, "{query}");
    }
    assert_eq!(search(&server, "priority = 3")["results"][0]["workflowId"], id);
    let sorted = server.get("/api/workflow/search?sort=input:ASC");
    assert_eq!(sorted.status, 400, "what is sealed has no order");
    assert!(!server.get("/api/tasks/search?freeText=4711").body.contains("taskId"));
}

#[test]
fn tasks_are_searched_and_executions_by_their_tasks() {
    let server = Server::new();
    let id = started(&server);
    assert_eq!(server.json("POST", "/api/metadata/workflow", &noop("other", 1)).status, 200);
    assert_eq!(server.json("POST", "/api/workflow/other", &json!({})).status, 200);
    let found = |path: &str, query: &str| server.get(&format!("{path}?query={}", encoded(query))).json();
    let page =
        found("/api/tasks/search", "taskType = WAIT AND status = IN_PROGRESS AND workflowType IN (waiting, other)");
    assert_eq!(page["totalHits"], 1);
    let task = &page["results"][0];
    assert_eq!((&task["workflowId"], &task["taskType"], &task["input"]), (&json!(id), &json!("WAIT"), &json!("{}")));
    assert!(task["startTime"].as_str().unwrap().ends_with('Z'), "{task}");
    let whole = found("/api/tasks/search-v2", "referenceTaskName = w");
    assert_eq!(whole["results"][0]["taskId"], task["taskId"]);
    assert_eq!(whole["results"][0]["workflowInstanceId"], id);
    assert_eq!(found("/api/tasks/search", "endTime IS NULL")["totalHits"], 1);
    assert_eq!(server.get("/api/tasks/search?freeText=WAI").json()["totalHits"], 1);
    assert_eq!(server.get("/api/tasks/search?size=1").json()["totalHits"], 2);
    for path in ["/api/workflow/search-by-tasks", "/api/workflow/search-by-tasks-v2"] {
        let page = found(path, "taskType = WAIT");
        assert_eq!((&page["totalHits"], &page["results"][0]["workflowId"]), (&json!(1), &json!(id)), "{path}");
    }
    assert_eq!(server.get("/api/tasks/search?sort=taskId:ASC").status, 400);
    assert_eq!(server.get("/api/tasks/search?sort=startTime:ASC").json()["results"][0]["workflowId"], id);
}
