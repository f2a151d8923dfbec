use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::{Value, json};

use crate::server::Server;

fn authorization(subject: &str, target: (&str, &str), access: &[&str]) -> Value {
    let (kind, id) = subject.split_once(' ').unwrap();
    let target = json!({"type": target.0, "id": target.1});
    json!({"subject": {"type": kind, "id": id}, "target": target, "access": access})
}

const KEY: (&str, &str) = ("SECRET_NAME", "key");
const PATH: &str = "/api/auth/authorization";

fn server() -> (Server, String) {
    let server = Server::with(|settings| {
        settings.access.groups.insert("set".to_owned(), vec![Grantee::parse("app:other").unwrap()]);
        settings.access.grants.push(Grant {
            to: Grantee::parse("app:ci").unwrap(),
            on: GrantTarget::parse("secret:set").unwrap(),
            access: vec![Permission::Read],
        });
    });
    for name in ["key", "set"] {
        assert_eq!(server.json("PUT", &format!("/api/secrets/{name}"), &json!("a-secret-value")).status, 200);
    }
    let ci = server.signed_in("ci");
    (server, ci)
}

fn reads(server: &Server, token: &str) -> bool {
    match server.client(Some(token), "GET", "/api/secrets/key", &Value::Null).status {
        200 => true,
        404 => false,
        status => panic!("{status}"),
    }
}

#[test]
fn what_is_granted_is_allowed_until_it_is_taken_back() {
    let (server, ci) = server();
    assert!(!reads(&server, &ci));
    let granted = server.json("POST", PATH, &authorization("USER app:ci", KEY, &["READ"]));
    assert_eq!((granted.status, granted.json()["message"].clone()), (200, "Granted permission".into()));
    assert!(reads(&server, &ci));
    server.json("POST", PATH, &authorization("USER app:ci", KEY, &["UPDATE", "READ"]));
    let ci_is = json!([{"type": "USER", "id": "app:ci"}]);
    assert_eq!(server.get(&format!("{PATH}/SECRET_NAME/key")).json(), json!({"READ": ci_is, "UPDATE": ci_is}));
    let all = server.get("/api/users/app:ci/permissions").json();
    assert_eq!(all, server.get("/api/auth/subjects/USER/app:ci/grants").json());
    let of_key = json!({"target": {"type": "SECRET_NAME", "id": "key"}, "access": ["READ", "UPDATE"]});
    assert_eq!(all["grantedAccess"][1], of_key);
    let revoked = server.json("DELETE", PATH, &authorization("USER app:ci", KEY, &["READ"]));
    assert_eq!((revoked.status, revoked.json()["message"].clone()), (200, "Removed permission".into()));
    assert!(!reads(&server, &ci));
    assert_eq!(server.get(&format!("{PATH}/SECRET_NAME/key")).json(), json!({"UPDATE": ci_is}));
    server.json("DELETE", PATH, &authorization("USER app:ci", KEY, &["UPDATE"]));
    assert_eq!(server.get(&format!("{PATH}/SECRET_NAME/key")).json(), json!({}));
}

#[test]
fn all_that_is_granted_to_somebody_is_taken_back_at_once_or_nothing_is() {
    let (server, ci) = server();
    let all = "/api/auth/subjects/USER/app:ci/grants";
    let granted = |kind: &str| server.get(&format!("{all}?resourceType={kind}")).json()["grantedAccess"].clone();
    server.json("POST", PATH, &authorization("USER app:ci", KEY, &["READ"]));
    server.json("POST", PATH, &authorization("USER app:ci", ("TAG", "team:build"), &["READ"]));
    server.json("POST", PATH, &authorization("USER app:other", KEY, &["READ"]));
    let refused = server.json("DELETE", all, &Value::Null);
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.body.contains("secret:set"), "it says which the settings grant: {refused:?}");
    assert!(reads(&server, &ci));
    assert_eq!(server.json("DELETE", &format!("{all}?resourceType=TAGS"), &Value::Null).status, 400);
    assert_eq!(granted("TAG").as_array().unwrap().len(), 1);
    let revoked = server.json("DELETE", &format!("{all}?resourceType=TAG"), &Value::Null);
    assert_eq!((revoked.status, revoked.json()["message"].clone()), (200, "Removed permission".into()));
    let audit = server.get("/api/audit?n=20").json();
    let told =
        audit["entries"].as_array().unwrap().iter().any(|entry| {
            entry["action"] == "revoke" && entry["object"]["name"] == "app:ci" && entry["detail"] == "TAG"
        });
    assert!(told, "{audit}");
    assert_eq!((granted("TAG"), granted("SECRET_NAME").as_array().unwrap().len()), (json!([]), 2));
    assert!(reads(&server, &ci), "the other kinds stay");
    let others = "/api/auth/subjects/USER/app:other/grants";
    assert_eq!(server.json("DELETE", others, &Value::Null).status, 200);
    assert_eq!(server.json("DELETE", others, &Value::Null).status, 200, "nothing is left to take");
    let server = server.restarted();
    assert_eq!(server.get(others).json(), json!({"grantedAccess": []}));
    assert!(reads(&server, &ci));
}

#[test]
fn a_grant_and_a_group_outlive_a_restart_and_not_those_whose_they_are() {
    let (server, ci) = server();
    assert_eq!(server.json("PUT", "/api/groups/build", &json!({"description": "x", "roles": ["USER"]})).status, 200);
    assert_eq!(server.send("POST", "/api/groups/build/users/app:ci", &[], b"").status, 200);
    server.json("POST", PATH, &authorization("GROUP build", ("TAG", "team:build"), &["READ"]));
    server.json("PUT", "/api/secrets/key/tags", &json!([{"key": "team", "value": "build"}]));
    assert!(reads(&server, &ci));
    let server = server.restarted();
    assert!(reads(&server, &ci));
    assert_eq!(server.get("/api/groups/build/users").json()[0]["id"], "app:ci");
    let of_build = json!([{"target": {"type": "TAG", "id": "team:build"}, "access": ["READ"]}]);
    assert_eq!(server.get("/api/groups/build/permissions").json()["grantedAccess"], of_build);
    assert_eq!(server.send("DELETE", "/api/groups/build", &[], b"").status, 200);
    assert!(!reads(&server, &ci));
    server.json("PUT", "/api/groups/build", &json!({}));
    server.json("POST", "/api/groups/build/users", &json!(["app:ci"]));
    assert!(!reads(&server, &ci), "the next group of the name inherits nothing");
    assert_eq!(server.get("/api/groups/build/permissions").json()["grantedAccess"], json!([]));
    server.json("DELETE", "/api/groups/build/users", &json!(["app:ci"]));
    assert_eq!(server.get("/api/groups/build/users").json(), json!([]));
}

#[test]
fn what_the_settings_say_is_shown_and_changed_only_there() {
    let (server, _) = server();
    let revoke =
        server.json("DELETE", PATH, &authorization("USER app:ci", ("SECRET_NAME", "set"), &["READ", "UPDATE"]));
    assert!(revoke.status == 409 && revoke.body.contains("settings"), "{revoke:?}");
    assert_eq!(server.get(&format!("{PATH}/SECRET_NAME/set")).json()["READ"][0]["id"], "app:ci");
    let groups: Vec<_> = server.get("/api/groups").json().as_array().unwrap().clone();
    assert_eq!(groups[0]["id"], "set");
    assert_eq!(server.get("/api/groups/set/users").json()[0]["id"], "app:other");
    for (method, path) in
        [("PUT", "/api/groups/set"), ("DELETE", "/api/groups/set"), ("POST", "/api/groups/set/users/app:ci")]
    {
        assert_eq!(server.send(method, path, &[], b"").status, 409, "{method} {path}");
    }
}

#[test]
fn what_cannot_be_granted_is_refused_with_the_reason() {
    let (server, _) = server();
    let read: &[&str] = &["READ"];
    for (subject, target, access, status, part) in [
        ("USER app:nobody", KEY, read, 404, "nobody"),
        ("GROUP nobody", KEY, read, 404, "nobody"),
        ("USER ci", KEY, read, 400, "app:NAME"),
        ("ROLE ADMIN", KEY, read, 400, "USER nor GROUP"),
        ("USER app:ci", ("DOMAIN", "x"), read, 400, "SECRET_NAME"),
        ("USER app:ci", ("TASK_DEF", "x"), read, 400, "WORKFLOW_DEF"),
        ("USER app:ci", ("TAG", "team"), read, 400, "key:value"),
        ("USER app:ci", KEY, &[], 400, "access"),
        ("USER app:ci", KEY, &["EVERYTHING"], 400, "access[0]"),
    ] {
        let answer = server.json("POST", PATH, &authorization(subject, target, access));
        assert_eq!(answer.status, status, "{subject} {target:?}: {answer:?}");
        assert!(answer.body.contains(part), "{part}: {answer:?}");
    }
    assert_eq!(server.json("PUT", "/api/groups/a%20b", &json!({})).status, 400);
    assert_eq!(server.get("/api/groups/nobody").status, 404);
    assert_eq!(server.get("/api/users/app:nobody").status, 404);
    assert_eq!(
        (server.get("/api/users").json(), server.get("/api/users?apps=true").json()[0]["id"].clone()),
        (json!([]), "app:ci".into())
    );
}
