use keytide::words::Permission;
use serde_json::{Value, json};

use crate::rights::{grant, task};
use crate::server::{Answer, Server};

fn key(server: &Server, application: &str) -> Value {
    server.json("POST", &format!("/api/applications/{application}/accessKeys"), &json!({})).json()
}

fn sign_in(server: &Server, key: &Value) -> Answer {
    server.client(None, "POST", "/api/token", &json!({"keyId": key["id"], "keySecret": key["secret"]}))
}

fn is_in(server: &Server, token: &str) -> bool {
    server.client(Some(token), "GET", "/api/token/userInfo", &Value::Null).status == 200
}

#[test]
fn an_application_signs_in_with_a_key_that_is_shown_once() {
    let server = Server::new();
    let made = server.json("POST", "/api/applications", &json!({"name": "ci"}));
    assert_eq!((made.status, made.json()["id"].clone()), (200, "ci".into()));
    let key = key(&server, "ci");
    let secret = key["secret"].as_str().unwrap();
    for path in ["/api/applications", "/api/applications/ci", "/api/applications/ci/accessKeys"] {
        assert!(!server.get(path).body.contains(secret), "{path}");
    }
    let signed_in = sign_in(&server, &key);
    assert_eq!(signed_in.status, 200);
    let token = signed_in.json()["token"].as_str().unwrap().to_owned();
    let user = server.client(Some(&token), "GET", "/api/token/userInfo", &Value::Null).json();
    assert_eq!((user["id"].clone(), user["applicationUser"].clone()), ("app:ci".into(), true.into()));
}

#[test]
fn who_is_not_signed_in_is_told_in_the_words_that_clients_know() {
    let server = Server::new();
    let token = server.signed_in("ci");
    let touched = format!("{}x", &token[..token.len() - 1]);
    for wrong in [None, Some(""), Some("x"), Some(touched.as_str())] {
        let answer = server.client(wrong, "GET", "/api/secrets", &Value::Null);
        assert_eq!((answer.status, answer.json()["error"].clone()), (401, "INVALID_TOKEN".into()), "{wrong:?}");
        assert!(answer.json()["message"].as_str().unwrap().contains("sign in"));
    }
    for open in ["/health", "/api/health", "/api/version"] {
        assert_eq!(server.client(None, "GET", open, &Value::Null).status, 200, "{open}");
    }
}

#[test]
fn a_wrong_key_is_refused_alike_whatever_is_wrong_and_trying_on_is_not_answered() {
    let server = Server::new();
    server.signed_in("ci");
    let right = key(&server, "ci");
    let wrong = [
        json!({"id": right["id"], "secret": "x"}),
        json!({"id": "nobody", "secret": right["secret"]}),
        json!({"id": "", "secret": ""}),
    ];
    let answers: Vec<_> = wrong.iter().map(|key| sign_in(&server, key)).collect();
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (401, &answers[0].body));
        assert!(answer.json().get("error").is_none(), "no client asks again by itself");
    }
    let last = (0..100).map(|_| sign_in(&server, &wrong[0]).status).last();
    assert_eq!(last, Some(429));
    assert_eq!(sign_in(&server, &right).status, 200, "nobody keeps others out");
}

#[test]
fn a_key_that_is_disabled_or_removed_signs_out_what_it_signed_in() {
    let server = Server::new();
    server.signed_in("ci");
    let (one, two) = (key(&server, "ci"), key(&server, "ci"));
    let token = |key: &Value| sign_in(&server, key).json()["token"].as_str().unwrap().to_owned();
    let (first, second) = (token(&one), token(&two));
    let path = |key: &Value| format!("/api/applications/ci/accessKeys/{}", key["id"].as_str().unwrap());
    let toggled = server.json("POST", &format!("{}/status", path(&one)), &json!({}));
    assert_eq!((toggled.status, toggled.json()["status"].clone()), (200, "INACTIVE".into()));
    assert_eq!((is_in(&server, &first), is_in(&server, &second)), (false, true));
    assert_eq!(sign_in(&server, &one).status, 401);
    server.json("POST", &format!("{}/status", path(&one)), &json!({}));
    assert!(is_in(&server, &first), "it is enabled again");
    assert_eq!(server.send("DELETE", &path(&one), &[], b"").status, 200);
    assert_eq!((is_in(&server, &first), is_in(&server, &second)), (false, true));
    assert_eq!(server.send("DELETE", "/api/applications/ci", &[], b"").status, 200);
    assert!(!is_in(&server, &second));
    server.signed_in("ci");
    assert!(!is_in(&server, &second), "another application of that name is another application");
}

#[test]
fn tokens_and_keys_outlive_a_restart() {
    let server = Server::new();
    let token = server.signed_in("ci");
    let key = key(&server, "ci");
    let server = server.restarted();
    assert!(is_in(&server, &token));
    assert_eq!(sign_in(&server, &key).status, 200);
}

#[test]
fn an_application_says_nothing_about_applications() {
    let server = Server::new();
    let token = server.signed_in("ci");
    for (method, path) in [
        ("GET", "/api/applications"),
        ("POST", "/api/applications"),
        ("GET", "/api/applications/ci"),
        ("POST", "/api/applications/ci/accessKeys"),
        ("DELETE", "/api/applications/ci"),
    ] {
        let answer = server.client(Some(&token), method, path, &json!({"name": "more"}));
        assert_eq!(answer.status, 403, "{method} {path}");
    }
}

#[test]
fn two_tokens_are_none() {
    let server = Server::new();
    let token = server.signed_in("ci");
    let headers = [("x-authorization", token.as_str()), ("x-authorization", token.as_str())];
    assert_eq!(server.by_clients("GET", "/api/secrets", &headers).status, 401);
}

#[test]
fn two_tokens_of_one_second_differ() {
    let server = Server::new();
    server.signed_in("ci");
    let key = key(&server, "ci");
    let tokens: Vec<_> = (0..3).map(|_| sign_in(&server, &key).json()["token"].as_str().unwrap().to_owned()).collect();
    assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2] && tokens[0] != tokens[2]);
    assert!(tokens.iter().all(|token| is_in(&server, token)));
}

#[test]
fn a_new_application_gets_nothing_that_an_old_one_of_its_name_made() {
    let server = Server::with(|settings| {
        settings.access.grants.push(keytide::words::Grant {
            to: keytide::words::Grantee::App("ci".to_owned()),
            on: keytide::words::GrantTarget::Workflow("*".to_owned()),
            access: keytide::words::Permission::ALL.to_vec(),
        });
    });
    let token = server.signed_in("ci");
    let made = crate::metadata::noop("of_the_first", 1);
    assert_eq!(server.client(Some(&token), "POST", "/api/metadata/workflow", &made).status, 200);
    server.send("DELETE", "/api/applications/ci", &[], b"");
    let start = |token: &str| server.client(Some(token), "POST", "/api/workflow/of_the_first", &json!({}));
    let token = server.signed_in("ci");
    let refused = start(&token);
    assert_eq!(refused.status, 403, "{refused:?}");
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("Security Error: app:ci was removed"), "{refused:?}");
    assert_eq!(server.client(Some(&token), "PUT", "/api/metadata/workflow", &json!([made])).status, 200);
    assert_eq!(start(&token).status, 200, "what it made itself is its own");
}

#[test]
fn an_application_is_a_user_with_its_permissions_and_no_role() {
    let server = Server::new();
    server.signed_in("ci");
    server.json("PUT", "/api/secrets/token", &json!("a-value-of-it"));
    let grant = json!({
        "subject": {"type": "USER", "id": "app:ci"}, "target": {"type": "SECRET_NAME", "id": "token"}, "access": ["READ"],
    });
    assert_eq!(server.json("POST", "/api/auth/authorization", &grant).status, 200);
    let may = server.get("/api/users/app:ci/checkPermissions?type=SECRET_NAME&id=token").json();
    assert_eq!((may["READ"].clone(), may["UPDATE"].clone()), (true.into(), false.into()));
    assert_eq!(server.get("/api/users/app:ci/checkPermissions?type=SECRET_NAME&id=other").json()["READ"], false);
    assert_eq!(server.get("/api/users/app:ci/checkPermissions?type=PLANET&id=x").status, 400);
    assert_eq!(server.json("PUT", "/api/users/app:ci", &json!({"name": "x"})).json()["id"], "app:ci");
    assert_eq!(server.json("PUT", "/api/users/someone@example.com", &json!({"name": "x"})).status, 400);
    assert_eq!(server.json("POST", "/api/applications/ci/roles/ADMIN", &json!({})).status, 400);
    assert_eq!(server.get("/api/roles").json(), json!([]));
}

#[test]
fn a_poll_that_waits_gets_no_task_once_its_key_is_disabled() {
    let server =
        Server::with(|settings| settings.access.grants.push(grant("ci", "workflow:*", &[Permission::Execute])));
    server.signed_in("ci");
    let key = key(&server, "ci");
    let token = sign_in(&server, &key).json()["token"].as_str().unwrap().to_owned();
    let flow = json!([{"name": "w", "version": 1, "schemaVersion": 2, "tasks": [task("work", "SIMPLE", &json!({}))]}]);
    assert_eq!(server.json("PUT", "/api/metadata/workflow", &flow).status, 200);
    let waiting = server.meanwhile(&token, "/api/tasks/poll/batch/work?timeout=2000&count=1");
    server.until("/api/tasks/queue/polldata?taskType=work", |polls| *polls != json!([]));
    let path = format!("/api/applications/ci/accessKeys/{}/status", key["id"].as_str().unwrap());
    assert_eq!(server.json("POST", &path, &json!({})).status, 200);
    server.json("POST", "/api/workflow/w", &json!({}));
    let polled = server.get("/api/tasks/poll/batch/work?timeout=1&count=1").json();
    assert_eq!(polled[0]["status"], "IN_PROGRESS", "it is there for others");
    assert_eq!(waiting(), json!([]));
}
