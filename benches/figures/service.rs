//! A program that runs on, and what it takes meanwhile.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;

/// A running program; dropping it ends it.
pub(crate) struct Service(Child);

/// What a process has taken so far.
pub(crate) struct Usage {
    /// On a processor, all threads.
    pub(crate) cpu: Duration,
    /// How often one of its threads waited for something and was woken.
    pub(crate) wakes: u64,
    /// The resident set.
    pub(crate) resident_kib: u64,
    /// What of it is not a file's.
    pub(crate) own_kib: u64,
}

impl Service {
    /// Starts it; what it prints is dropped.
    pub(crate) fn start(mut command: Command) -> Outcome<Self> {
        Ok(Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }

    /// Returns what it has taken; a program that has ended is an error.
    pub(crate) fn usage(&mut self) -> Outcome<Usage> {
        if let Some(status) = self.0.try_wait()? {
            return Err(format!("it has ended with {status}").into());
        }
        let status = self.file("status");
        let (resident_kib, own_kib) = (field(&status, "VmRSS:")?, field(&status, "RssAnon:")?);
        let mut usage = Usage { cpu: Duration::ZERO, wakes: 0, resident_kib, own_kib };
        for thread in fs::read_dir(self.file("task"))? {
            let thread = thread?.path();
            let on_cpu = fs::read_to_string(thread.join("schedstat"))?;
            usage.cpu += Duration::from_nanos(on_cpu.split(' ').next().unwrap_or_default().parse()?);
            usage.wakes += field(&thread.join("status"), "voluntary_ctxt_switches:")?;
        }
        Ok(usage)
    }

    fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.0.id()))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let process = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        // One that has ended by itself is as good.
        let _ = process.map(|process| kill_process(process, Signal::TERM));
        let _ = self.0.wait();
    }
}

fn field(file: &std::path::Path, name: &str) -> Outcome<u64> {
    let text = fs::read_to_string(file)?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("a field is missing in /proc")?;
    Ok(rest.split_whitespace().next().unwrap_or_default().parse()?)
}
