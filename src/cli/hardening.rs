//! What keeps the identity and the values of secrets inside of this process.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Sees to it that a crash writes no memory to disk, and that no other process of this user reads it.
pub(super) fn protect() {
    // A system that refuses is no reason not to work: it says nothing of who may read the files.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
