//! One run of a program: its time, its CPU and its peak of memory.
//!
//! A process of its own measures each run: the kernel adds up all children of a process, and counts a child's memory from
//! that of its parent.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde_json::{Value, json};

use crate::Outcome;

/// The argument that makes this program measure one run of another.
pub(crate) const MEASURE: &str = "measure";

/// What one run took.
pub(crate) struct Run {
    /// From the start to the end.
    pub(crate) wall: Duration,
    /// User and system time.
    pub(crate) cpu: Duration,
    /// The highest resident set.
    pub(crate) peak_kib: u64,
}

/// Returns a command whose run can be measured: it starts without this process's environment but `PATH`.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(MEASURE).arg(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    Ok(command)
}

/// Runs it with this input.
pub(crate) fn run(mut command: Command, input: &[u8]) -> Outcome<Run> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("a child without input")?.write_all(input)?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status).into());
    }
    let measured: Value = serde_json::from_slice(&output.stdout)?;
    let number = |name: &str| measured[name].as_u64().ok_or("a measurement without a number");
    Ok(Run {
        wall: Duration::from_nanos(number("wall_ns")?),
        cpu: Duration::from_micros(number("cpu_us")?),
        peak_kib: number("peak_kib")?,
    })
}

/// Runs a program once and prints what it took; what it prints itself is dropped.
pub(crate) fn measure(command: &[String]) -> Outcome<()> {
    let (program, arguments) = command.split_first().ok_or("measure what?")?;
    let started = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    let wall = started.elapsed();
    if !status.success() {
        return Err(format!("{program} ended with {status}").into());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu_us = cpu_us(&usage);
    println!("{}", json!({"wall_ns": u64::try_from(wall.as_nanos())?, "cpu_us": cpu_us, "peak_kib": usage.max_rss()}));
    Ok(())
}

/// Returns the user and system time that all threads of this process have had.
pub(crate) fn own_cpu() -> Outcome<Duration> {
    Ok(Duration::from_micros(u64::try_from(cpu_us(&getrusage(UsageWho::RUSAGE_SELF)?))?))
}

fn cpu_us(usage: &Usage) -> i64 {
    usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
}
