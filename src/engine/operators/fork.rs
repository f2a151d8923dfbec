//! FORK_JOIN is through at once; its branches go on, and the JOIN after it waits for them.

use crate::words::Payload;

/// Returns what it gives: nothing.
pub(in crate::engine) fn output() -> Payload {
    Payload::empty()
}
