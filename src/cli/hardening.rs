//! What the system is asked to do for this process: keep the identity and the values of secrets inside of it, and let it have
//! files enough.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// Sees to it that a crash writes no memory to disk, and that no other process of this user reads it.
pub(super) fn protect() {
    // A system that refuses is no reason not to work: it says nothing of who may read the files.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Has this process open up to `wanted` files, as far as it may, and returns how many they are. Most systems start programs with
/// a limit that only old ones need; the children that evaluate scripts give it up again.
pub(super) fn raise_files(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    // A limit that is none is more than anybody wants.
    let number = |limit: Option<u64>| limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let (current, reachable) = (number(limit.current), wanted.min(number(limit.maximum)));
    if current >= reachable {
        return current;
    }
    let raised = Rlimit { current: u64::try_from(reachable).ok(), maximum: limit.maximum };
    if setrlimit(Resource::Nofile, raised).is_ok() { reachable } else { current }
}
