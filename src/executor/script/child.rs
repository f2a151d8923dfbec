//! The parent's side of a child: asks, waits for so long and no longer, and kills.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;
use rustix::process::Signal;

use super::ARGUMENT;
use super::frame::{self, Head, LENGTH_BYTES, Said};
use super::limits::{GRACE, Limits};

/// After how many evaluations a child is replaced, so that what an interpreter leaks does not add up.
const EVALUATIONS_MAX: u32 = 10_000;

/// The first descriptor after the three that every process has.
const FIRST_INHERITED: i32 = 3;

/// A child process that evaluates scripts. It is killed when this is dropped.
pub(super) struct Child {
    process: process::Child,
    requests: ChildStdin,
    answers: ChildStdout,
    evaluations: u32,
}

impl Child {
    /// Starts this program again, without environment, folder and open files.
    pub(super) fn start(program: &Path) -> io::Result<Self> {
        // What whoever started this process left open in it is none of a script's business.
        close_fds::set_fds_cloexec_threadsafe(FIRST_INHERITED, &[]);
        let mut process = Command::new(program)
            .arg(ARGUMENT)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let requests = process.stdin.take().expect("it was asked for");
        let answers = process.stdout.take().expect("it was asked for");
        let child = Self { process, requests, answers, evaluations: 0 };
        ioctl_fionbio(&child.requests, true)?;
        ioctl_fionbio(&child.answers, true)?;
        Ok(child)
    }

    /// Returns whether it has served for long enough.
    pub(super) fn is_worn(&self) -> bool {
        self.evaluations >= EVALUATIONS_MAX
    }

    /// Has a script evaluated. After an error the child is of no use any more.
    pub(super) fn ask(&mut self, head: &Head, input: &str) -> Result<Said, String> {
        self.evaluations += 1;
        let until = Instant::now() + head.limits.wall() + GRACE;
        match self.exchange(head, input, until) {
            Ok(said) => Ok(said),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(head.limits.too_long()),
            Err(error) => Err(self.autopsy(&error, &head.limits)),
        }
    }

    fn exchange(&mut self, head: &Head, input: &str, until: Instant) -> io::Result<Said> {
        let mut request = Vec::with_capacity(input.len() + head.source.len() + 256);
        frame::framed(&serde_json::to_vec(head)?, &mut request)?;
        frame::framed(input.as_bytes(), &mut request)?;
        self.send(&request, until)?;
        let mut length = [0; LENGTH_BYTES];
        self.receive(&mut length, until)?;
        let mut piece = vec![0; frame::length(length)?];
        self.receive(&mut piece, until)?;
        Said::from_piece(piece).ok_or_else(|| io::Error::other("the answer cannot be read"))
    }

    fn send(&mut self, mut bytes: &[u8], until: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.requests.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(&self.requests, PollFlags::OUT, until)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(&mut self, bytes: &mut [u8], until: Instant) -> io::Result<()> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.answers.read(&mut bytes[filled..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(&self.answers, PollFlags::IN, until)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Says why a child is gone.
    fn autopsy(&mut self, error: &io::Error, limits: &Limits) -> String {
        // A child that closed its pipe is about to end; one that spoke nonsense is made to.
        drop(self.process.kill());
        let Ok(status) = self.process.wait() else { return format!("the script's process failed: {error}") };
        let signal = status.signal().and_then(Signal::from_named_raw);
        match signal {
            Some(Signal::XCPU) => limits.too_long(),
            Some(Signal::ABORT | Signal::SEGV | Signal::BUS | Signal::KILL) => {
                "the script was stopped: it recursed too deep, or needed too much memory".to_owned()
            }
            Some(_) | None => format!("the script's process ended before it answered ({status})"),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // One that has ended already is what is wanted.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn wait(pipe: &impl AsFd, flags: PollFlags, until: Instant) -> io::Result<()> {
    let left = until.saturating_duration_since(Instant::now());
    if left == Duration::ZERO {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let left = Timespec { tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() };
    match poll(&mut [PollFd::new(pipe, flags)], Some(&left)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
