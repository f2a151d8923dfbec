//! The child's side: gives up everything it does not need, then answers one request after another.

use std::io;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetCreated, RulesetStatus, Scope,
};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getrlimit, set_dumpable_behavior, set_parent_process_death_signal,
    setrlimit,
};
use rustix::thread::set_no_new_privs;
use rustix::time::{ClockId, clock_gettime};

use super::frame::{self, Head, Said};
use super::limits::ADDRESS_SPACE_BYTES;
use super::{javascript, jq};
use crate::engine::Language;

/// Serves until the parent closes the pipe; then the process may end.
pub fn serve() -> io::Result<()> {
    confine()?;
    let (mut requests, mut answers) = (io::stdin().lock(), io::stdout().lock());
    loop {
        let Some(head) = frame::read(&mut requests)? else { return Ok(()) };
        let Some(input) = frame::read(&mut requests)? else { return Ok(()) };
        let head: Head = serde_json::from_slice(&head)?;
        let input = String::from_utf8(input).map_err(io::Error::other)?;
        allow_cpu(&head)?;
        frame::write(&mut answers, &evaluate(&head, &input).into_piece())?;
    }
}

/// Evaluates a script in this process.
pub(super) fn evaluate(head: &Head, input: &str) -> Said {
    match head.language {
        Language::JavaScript => javascript::evaluate(&head.source, input, &head.limits),
        Language::Jq => jq::evaluate(&head.source, input, &head.limits),
    }
}

/// Gives up what a script must not have even where it breaks out of its interpreter: more memory, files and sockets that
/// are not open yet, other processes, a core dump, and a life longer than its parent's.
fn confine() -> io::Result<()> {
    // An old kernel has less of it; the limits below hold everywhere.
    close_in()?;
    let at_most = |limit: u64| Rlimit { current: Some(limit), maximum: Some(limit) };
    setrlimit(Resource::Core, at_most(0))?;
    setrlimit(Resource::Fsize, at_most(0))?;
    // What is open stays open: the two pipes.
    setrlimit(Resource::Nofile, at_most(0))?;
    setrlimit(Resource::Nproc, at_most(0))?;
    setrlimit(Resource::As, at_most(ADDRESS_SPACE_BYTES))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    set_no_new_privs(true)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

/// Gives up every file, every other program and every connection, for this thread and as far as the kernel knows how.
pub(super) fn close_in() -> io::Result<RulesetStatus> {
    let everything = ABI::V6;
    let ruleset = Ruleset::default().handle_access(AccessFs::from_all(everything));
    let ruleset = ruleset.and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(everything)));
    let ruleset = ruleset.and_then(|ruleset| ruleset.scope(Scope::from_all(everything)));
    let restricted = ruleset.and_then(Ruleset::create).and_then(RulesetCreated::restrict_self);
    restricted.map(|status| status.ruleset).map_err(io::Error::other)
}

/// Ends the process by itself where the parent should not be there to do it.
fn allow_cpu(head: &Head) -> io::Result<()> {
    let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec;
    let seconds = u64::try_from(used).unwrap_or(0) + head.limits.wall_ms.div_ceil(1000) + 2;
    let maximum = getrlimit(Resource::Cpu).maximum;
    let current = Some(maximum.map_or(seconds, |maximum| maximum.min(seconds)));
    Ok(setrlimit(Resource::Cpu, Rlimit { current, maximum })?)
}
