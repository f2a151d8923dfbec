//! What the audit says of executions, in which commit, and what a disk that fails makes of it.

use serde_json::{Value, json};

use super::rig::{Rig, sub, workflow};
use crate::daemon::Message;
use crate::disk::Fault;
use crate::engine::{Answer, Command, Outcome, Response};
use crate::executor::{NotAvailable, may_not_update};
use crate::words::{ExecutionId, Owner, Payload, RunNumber};

fn rotation() -> Value {
    let fetch = json!({"name": "fetch", "taskReferenceName": "fetch", "type": "HTTP", "inputParameters": {
        "uri": "http://issuer/token", "method": "POST",
        "body": {"id": "${workflow.secrets.id}", "again": "x ${workflow.secrets.id@previous} ${workflow.secrets.key}"},
        "outputFilter": {"_secrets": {"token": "$${fetch.output.response.body.token}"}}}});
    let store = json!({"name": "store", "taskReferenceName": "store", "type": "UPDATE_SECRET", "inputParameters": {
        "_secrets": {"secretKey": "token", "secretValue": "${fetch.output._secrets.token}"}}});
    workflow("rotate", &[fetch, store])
}

fn response() -> Answer {
    Answer::Response(Response {
        status_code: 200,
        reason_phrase: "OK".to_owned(),
        headers: Payload::new(json!({})),
        body: Payload::new(json!({"token": "canary-token-value"})),
        raw: None,
        request: "POST http://issuer".to_owned(),
    })
}

fn done() -> Answer {
    let updated = json!({"updated": [{"secretKey": "token", "version": 2, "fingerprint": "abcdef012345"}]});
    Answer::Done { output: Payload::new(updated) }
}

/// Takes the oldest command that somebody must answer.
fn next(rig: &mut Rig) -> (ExecutionId, RunNumber) {
    match rig.calls.remove(0) {
        Command::Preflight(work) | Command::Perform(work) => (work.execution, work.run),
        _ => panic!("nothing else is asked for"),
    }
}

fn answer(rig: &mut Rig, answer: Answer) {
    let (execution, run) = next(rig);
    rig.turn(vec![Message::Outcome(Outcome { execution, run, answer, resolved: Vec::new() })]);
}

/// Returns the entries in words.
fn told(rig: &Rig) -> Vec<String> {
    let words = |row: Value| {
        let text = |path: &str| row.pointer(path).and_then(Value::as_str).unwrap_or("-").to_owned();
        let actor = format!("{}:{}", text("/actor/kind"), text("/actor/name"));
        let object = format!("{}:{}", text("/object/kind"), text("/object/name"));
        format!("{actor} {} {object} {} {}", text("/action"), text("/outcome"), text("/run/task"))
    };
    rig.log.audit().unwrap().into_iter().map(words).collect()
}

#[test]
fn a_rotation_is_told_in_the_commits_that_it_makes_anyway_before_each_use() {
    let mut rig = Rig::new(&[rotation()]);
    rig.start("rotate", &json!({}));
    assert_eq!(told(&rig), ["owner:owner start workflow:rotate allowed -"]);
    answer(&mut rig, Answer::Ready);
    assert!(matches!(rig.calls[0], Command::Perform(_)), "the call is released");
    let asked = |name| format!("workflow:rotate read secret:{name} asked fetch");
    assert_eq!(told(&rig)[1..], [asked("id"), asked("key")], "each secret once, on disk by then");
    answer(&mut rig, response());
    assert!(matches!(rig.calls[0], Command::Perform(_)), "the write is released");
    assert_eq!(told(&rig)[3..], ["workflow:rotate write secret:token asked store"]);
    answer(&mut rig, done());
    assert_eq!(told(&rig)[4..], ["workflow:rotate write secret:token allowed store"]);
    let last = rig.log.audit().unwrap().pop().unwrap();
    assert_eq!(
        (&last["version"], &last["new"], &last["run"]["owner"]),
        (&2.into(), &"abcdef012345".into(), &"file:w.yaml".into())
    );
    let alone = rig.log.commits().into_iter().filter(|(tells, audits)| *audits && !tells).count();
    assert_eq!(alone, 0, "no commit is there for the audit alone");
    assert!(!format!("{:?}", rig.log.audit()).contains("canary"), "no value is in it");
}

#[test]
fn nothing_is_released_where_the_disk_does_not_take_what_the_audit_says() {
    for fault in [Fault::NoSpace, Fault::Io] {
        let mut rig = Rig::new(&[rotation()]);
        rig.start("rotate", &json!({}));
        let before = told(&rig);
        rig.disk.fail_at(rig.disk.steps(), fault);
        answer(&mut rig, Answer::Ready);
        assert!(rig.calls.is_empty(), "the call is not made");
        assert_eq!(told(&rig), before);
        rig.pass(2);
        assert!(matches!(rig.calls[0], Command::Perform(_)), "it is made once the disk takes it");
        assert_eq!(told(&rig).len(), before.len() + 2);
    }
}

#[test]
fn after_a_crash_what_is_used_again_is_told_again_and_the_chain_holds() {
    let mut rig = Rig::new(&[rotation()]);
    rig.start("rotate", &json!({}));
    answer(&mut rig, Answer::Ready);
    answer(&mut rig, response());
    let before = told(&rig).len();
    rig.crash();
    assert!(matches!(rig.calls[0], Command::Perform(_)), "the write is released again");
    assert_eq!(told(&rig)[before..], ["workflow:rotate write secret:token asked store"]);
    answer(&mut rig, done());
    assert_eq!(told(&rig).last().unwrap(), "workflow:rotate write secret:token allowed store");
}

#[test]
fn what_a_run_is_refused_is_told_with_the_answer() {
    let owner = Owner::File("w.yaml".to_owned());
    let failed = |reason: String| Answer::Failed { reason, terminal: true };
    let mut rig = Rig::new(&[rotation()]);
    rig.start("rotate", &json!({}));
    answer(&mut rig, Answer::Ready);
    answer(&mut rig, failed(NotAvailable::missing("key", "rotate").to_string()));
    assert_eq!(told(&rig).last().unwrap(), "workflow:rotate read secret:key denied fetch");
    rig.start("rotate", &json!({}));
    answer(&mut rig, Answer::Ready);
    answer(&mut rig, response());
    answer(&mut rig, failed(may_not_update(&owner, "token")));
    assert_eq!(told(&rig).last().unwrap(), "workflow:rotate write secret:token denied store");
}

#[test]
fn who_starts_a_workflow_is_told_also_where_it_is_another_workflow() {
    let noop = json!({"name": "n", "taskReferenceName": "n", "type": "NOOP"});
    let mut rig = Rig::new(&[workflow("above", &[sub("sub", "below", json!({}))]), workflow("below", &[noop])]);
    rig.start("above", &json!({}));
    assert_eq!(
        told(&rig),
        ["owner:owner start workflow:above allowed -", "workflow:above start workflow:below allowed -"]
    );
}
