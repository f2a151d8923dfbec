//! One run of a command: what it reads, what it may say, and for how long.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::words::Job;
use crate::cli::environment::IDENTITY_VARIABLES;

/// How much output a command may print: what the daemon takes of a task's payload.
const OUTPUT_BYTES_MAX: usize = 3 << 20;
/// How much of what a command says on standard error is kept; the rest is read and dropped, so that it does not block.
const LOG_BYTES_MAX: usize = 256 << 10;
/// How many lines of it reach the task's log: the last ones, which say how it ended.
const LOG_LINES_MAX: usize = 100;
/// The exit code that says that another try is of no use: `EX_DATAERR`, "the input was wrong".
const TERMINAL: i32 = 65;

/// How a command ended, as a worker reports it.
pub(super) struct Ended {
    /// Conductor's status of the task.
    pub(super) status: &'static str,
    /// What it gave.
    pub(super) output: Value,
    /// Why it failed.
    pub(super) reason: Option<String>,
    /// What it said on standard error.
    pub(super) log: Vec<String>,
}

impl Ended {
    fn failed(reason: String, log: Vec<String>) -> Self {
        Self { status: "FAILED", output: json!({}), reason: Some(reason), log }
    }
}

/// What a command said. It may be more than is kept.
struct Said {
    bytes: Vec<u8>,
    is_cut: bool,
}

/// Kills the process group of a command when it is dropped, with whatever the command started, unless it has ended: its
/// number may be another's then.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Where nobody is left there is nobody to kill.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs a command with this input. Where this is dropped the command is killed.
pub(super) async fn run(job: &Job, input: &Value, patience: Duration) -> Ended {
    let mut child = match start(job) {
        Ok(child) => child,
        Err(error) => return Ended::failed(format!("cannot run `{}`: {error}", job.program), Vec::new()),
    };
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let given = serde_json::to_vec(input).expect("a value has only text keys");
    let mut log = Said { bytes: Vec::new(), is_cut: false };
    let work = async {
        let write = async {
            if let Some(mut stdin) = stdin {
                // A command that reads nothing is no failure.
                drop(stdin.write_all(&given).await);
            }
        };
        let ((), output, (), status) =
            tokio::join!(write, said(stdout, OUTPUT_BYTES_MAX), listen(stderr, LOG_BYTES_MAX, &mut log), child.wait());
        (output, status)
    };
    let ended = tokio::time::timeout(patience, work).await;
    if ended.is_ok() {
        group.0 = None;
    }
    drop(group);
    let log = lines(&log);
    let Ok((output, status)) = ended else {
        return Ended::failed(format!("the command took longer than {} s and was stopped", patience.as_secs()), log);
    };
    let status = match status {
        Ok(status) => status,
        Err(error) => return Ended::failed(format!("nobody knows how the command ended: {error}"), log),
    };
    if output.is_cut {
        return Ended::failed(
            format!("the command printed more than {OUTPUT_BYTES_MAX} bytes, which is the limit"),
            log,
        );
    }
    let output = read(&output.bytes);
    let last = || log.iter().rev().find(|line| !line.trim().is_empty()).map(|line| format!(": {line}"));
    match status.code() {
        Some(0) => Ended { status: "COMPLETED", output, reason: None, log },
        Some(code) => {
            let reason = Some(format!("the command ended with {code}{}", last().unwrap_or_default()));
            let status = if code == TERMINAL { "FAILED_WITH_TERMINAL_ERROR" } else { "FAILED" };
            Ended { status, output, reason, log }
        }
        None => {
            let signal = status.signal().unwrap_or_default();
            Ended { output, ..Ended::failed(format!("the command was ended by signal {signal}"), log) }
        }
    }
}

/// Starts a command in a process group of its own, so that Ctrl-C reaches us alone and it can go on to its end. What opens
/// the store is not handed over.
fn start(job: &Job) -> io::Result<Child> {
    let mut command = Command::new(&job.program);
    command.args(&job.arguments).process_group(0).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in IDENTITY_VARIABLES {
        command.env_remove(variable);
    }
    command.spawn()
}

async fn said(pipe: Option<impl AsyncRead + Unpin>, max: usize) -> Said {
    let mut said = Said { bytes: Vec::new(), is_cut: false };
    listen(pipe, max, &mut said).await;
    said
}

/// Reads to the end and keeps the first `max` bytes.
async fn listen(pipe: Option<impl AsyncRead + Unpin>, max: usize, said: &mut Said) {
    let Some(mut pipe) = pipe else { return };
    let mut piece = vec![0; 8 << 10];
    while let Ok(count @ 1..) = pipe.read(&mut piece).await {
        let kept = count.min(max - said.bytes.len());
        said.bytes.extend_from_slice(&piece[..kept]);
        said.is_cut |= kept < count;
    }
}

/// Returns the output: an object is it, all else is a text in one.
fn read(bytes: &[u8]) -> Value {
    let text = String::from_utf8_lossy(bytes);
    match serde_json::from_str(&text) {
        Ok(Value::Object(object)) => Value::Object(object),
        _ if text.trim().is_empty() => Value::Object(Map::new()),
        _ => json!({"result": text.trim_end_matches('\n')}),
    }
}

fn lines(said: &Said) -> Vec<String> {
    let text = String::from_utf8_lossy(&said.bytes);
    let all: Vec<_> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let surplus = all.len().saturating_sub(LOG_LINES_MAX);
    let mut lines = Vec::new();
    if surplus > 0 {
        lines.push(format!("({surplus} lines before these are left out)"));
    }
    lines.extend(all.into_iter().skip(surplus));
    if said.is_cut {
        lines.push(format!("(what follows the first {LOG_BYTES_MAX} bytes is left out)"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{Ended, Job, LOG_LINES_MAX, OUTPUT_BYTES_MAX, run};

    /// Longer than any machine takes.
    const PATIENCE: Duration = Duration::from_mins(2);

    fn ran_for(script: &str, patience: Duration) -> Ended {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        let job = Job { task_type: "work".to_owned(), program: "/bin/sh".to_owned(), arguments };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&job, &json!({"key": "value"}), patience))
    }

    fn check(script: &str, status: &str, output: &Value, reason: Option<&str>) {
        let ended = ran_for(script, PATIENCE);
        assert_eq!((ended.status, &ended.output, ended.reason.as_deref()), (status, output, reason), "{script}");
    }

    #[test]
    fn the_input_is_on_standard_input_and_what_is_printed_is_the_output() {
        check("cat", "COMPLETED", &json!({"key": "value"}), None);
        check("echo some text", "COMPLETED", &json!({"result": "some text"}), None);
        check("echo '[1]'", "COMPLETED", &json!({"result": "[1]"}), None);
        check("exec <&-", "COMPLETED", &json!({}), None);
    }

    #[test]
    fn the_exit_code_says_how_it_ended() {
        check(
            "echo '{\"a\":1}'; echo bad >&2; exit 3",
            "FAILED",
            &json!({"a": 1}),
            Some("the command ended with 3: bad"),
        );
        check("exit 65", "FAILED_WITH_TERMINAL_ERROR", &json!({}), Some("the command ended with 65"));
        check("kill -9 $$", "FAILED", &json!({}), Some("the command was ended by signal 9"));
    }

    #[test]
    fn a_command_without_end_is_stopped_with_all_that_holds_its_pipes() {
        let ended = ran_for("sleep 1000 & wait", Duration::from_millis(200));
        let reason = ended.reason.unwrap();
        assert!(reason.starts_with("the command took longer than"), "{reason}");
    }

    #[test]
    fn output_without_end_is_a_failure_and_a_log_without_end_is_cut() {
        let ended = ran_for(&format!("head -c {} /dev/zero", OUTPUT_BYTES_MAX + 1), PATIENCE);
        assert_eq!((ended.status, ended.output), ("FAILED", json!({})));
        let ended = ran_for("i=0; while [ $i -lt 150 ]; do echo line $i; i=$((i+1)); done >&2", PATIENCE);
        assert_eq!((ended.log.len(), &*ended.log[LOG_LINES_MAX]), (LOG_LINES_MAX + 1, "line 149"));
        let ended = ran_for("head -c 1000000 /dev/zero >&2", PATIENCE);
        assert_eq!((ended.status, ended.log.last().unwrap().starts_with('(')), ("COMPLETED", true));
    }

    #[test]
    fn a_program_that_is_not_there_fails_the_task() {
        let job = Job { task_type: "work".to_owned(), program: "/nowhere/x".to_owned(), arguments: Vec::new() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ended = runtime.block_on(run(&job, &json!({}), PATIENCE));
        assert!(ended.reason.unwrap().starts_with("cannot run `/nowhere/x`: "));
    }
}
