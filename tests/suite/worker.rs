//! `keytide worker`: tasks that commands of this machine do.

use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::rig::{Running, Test};

const SECRET: &str = "sk-canary-5f2a9c71";

fn workflow(name: &str, def: &str) -> String {
    format!(
        r#"{{"name": "{name}", "version": 1, "schemaVersion": 2, "tasks": [{{
            "name": "{name}", "taskReferenceName": "t", "type": "SIMPLE",
            "inputParameters": {{"key": "${{workflow.secrets.key}}"}},
            "taskDefinition": {{"name": "{name}", "retryCount": 0{def}}}
        }}]}}"#
    )
}

fn test() -> Test {
    Test::new()
        .secret("key", SECRET)
        .file("workflows/greet.json", &workflow("greet", r#", "runtimeMetadata": ["key"]"#))
        .file("workflows/refuse.json", &workflow("refuse", ""))
        .file("greet.sh", "cat\n")
        .file("refuse.sh", "echo \"sk-canary-5f2a9c71 ${KEYTIDE_IDENTITY_FILE-none}\" >&2; exit 65\n")
}

fn served(test: &Test) -> Running {
    let mut served = Running::serve(test, &[]);
    served.until("2 workflows");
    served
}

fn ran(test: &Test, workflow: &str, code: i32) -> Value {
    let ran = test.keytide(&["run", workflow, "-o", "json"]).fails(code);
    assert!(!ran.stdout.contains("canary") && !ran.stderr.contains("canary"), "{}{}", ran.stdout, ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn a_command_gets_the_input_with_its_secrets_and_what_it_prints_is_the_output() {
    let test = test();
    let identity = test.identity();
    let test = test.variable("KEYTIDE_IDENTITY_FILE", identity.to_str().unwrap());
    let served = served(&test);
    let mut worker = Running::start(&test, &["worker", "--exec", "greet=sh greet.sh", "--exec", "refuse=sh refuse.sh"]);
    worker.until("working on greet, refuse");

    let run = ran(&test, "greet", 0);
    let output = &run["tasks"][0]["outputData"];
    assert_eq!(output["key"], "***", "{output}");
    assert_eq!(output["runtimeMetadata"]["key"], "***", "{output}");
    let line = worker.until("greet ");
    assert!(line.ends_with("COMPLETED") && !line.contains("canary"), "{line}");

    let run = ran(&test, "refuse", 1);
    let task = &run["tasks"][0];
    assert_eq!(task["status"], "FAILED_WITH_TERMINAL_ERROR");
    assert_eq!(task["reasonForIncompletion"], "the command ended with 65: *** none");
    assert_eq!(worker.stop(), Some(0));
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn a_stop_waits_for_the_command_that_runs_and_its_end_is_reported() {
    let test = test();
    let served = served(&test);
    // The command says that it runs by a pipe, and goes on when it is told by another.
    for pipe in ["began", "go"] {
        assert!(Command::new("mkfifo").arg(test.path(pipe)).status().unwrap().success());
    }
    let mut worker =
        Running::start(&test, &["worker", "--exec", "greet=sh -c 'echo > began; read go < go; echo done'"]);
    worker.until("working on greet");
    let mut run = test.command(&["run", "greet", "-o", "json"]);
    let run = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    std::fs::read(test.path("began")).unwrap();
    worker.signal(Signal::INT);
    worker.until("stopping");
    std::fs::write(test.path("go"), "on\n").unwrap();
    assert_eq!(worker.code(), Some(0));
    let run = run.wait_with_output().unwrap();
    let run: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(run["tasks"][0]["outputData"]["result"], "done");
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn a_worker_says_what_is_wrong_with_its_words_and_that_no_daemon_runs() {
    let test = Test::new();
    let wrong = test.keytide(&["worker", "--exec", "greet"]).fails(2);
    assert!(wrong.stderr.contains("there is no `=`"), "{}", wrong.stderr);
    let wrong = test.keytide(&["worker", "--exec", "a=b", "--exec", "a=c"]).fails(2);
    assert!(wrong.stderr.contains("names `a` twice"), "{}", wrong.stderr);
    let alone = test.keytide(&["worker", "--exec", "greet=true"]).fails(6);
    assert!(alone.stderr.contains("no daemon runs on this folder"), "{}", alone.stderr);
}
