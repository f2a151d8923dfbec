//! `keytide worker`: tasks that commands of this machine do.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::rig::Test;

const SECRET: &str = "sk-canary-5f2a9c71";

/// A command that goes on until it is asked to stop.
struct Running {
    child: Child,
    said: std::io::Lines<BufReader<ChildStderr>>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, said }
    }

    /// Waits for a line with this in it.
    fn until(&mut self, text: &str) -> String {
        let mut heard = String::new();
        for line in self.said.by_ref() {
            let line = line.unwrap();
            if line.contains(text) {
                return line;
            }
            heard.push_str(&line);
            heard.push('\n');
        }
        panic!("it never says `{text}`:\n{heard}");
    }

    fn ask_to_stop(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    fn stop(mut self) -> i32 {
        self.ask_to_stop();
        self.end()
    }

    fn end(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

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
    let mut served = Running::start(test.command(&["serve"]));
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
    let mut worker =
        Running::start(test.command(&["worker", "--exec", "greet=sh greet.sh", "--exec", "refuse=sh refuse.sh"]));
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
    assert_eq!(worker.stop(), 0);
    assert_eq!(served.stop(), 0);
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
        Running::start(test.command(&["worker", "--exec", "greet=sh -c 'echo > began; read go < go; echo done'"]));
    worker.until("working on greet");
    let mut run = test.command(&["run", "greet", "-o", "json"]);
    let run = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    std::fs::read(test.path("began")).unwrap();
    worker.ask_to_stop();
    worker.until("stopping");
    std::fs::write(test.path("go"), "on\n").unwrap();
    assert_eq!(worker.end(), 0);
    let run = run.wait_with_output().unwrap();
    let run: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(run["tasks"][0]["outputData"]["result"], "done");
    assert_eq!(served.stop(), 0);
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
