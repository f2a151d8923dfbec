//! What a script may use: each limit says so when it is hit.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one evaluation may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// How long it may take, in milliseconds.
    pub wall_ms: u64,
    /// How much memory its interpreter may hold.
    pub memory_bytes: usize,
    /// How much it may give.
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // What Conductor gives a script.
            wall_ms: 4_000,
            // The largest input there is (10 MiB) read, and a copy of it made.
            memory_bytes: 192 * 1024 * 1024,
            // The largest output that a task may have.
            output_bytes: 10 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// Returns how long an evaluation may take.
    pub const fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }

    /// Returns what is said of a script that took too long.
    pub(super) fn too_long(&self) -> String {
        format!("the script was stopped: it took longer than {} ms, which is the limit", self.wall_ms)
    }

    /// Returns what is said of a script that gave too much.
    pub(super) fn too_large(&self) -> String {
        format!("the result of the script is over the limit of {} bytes", self.output_bytes)
    }

    /// Returns what is said of a script that needed too much memory.
    pub(super) fn too_hungry(&self) -> String {
        format!("the script was stopped: it needs more than {} MiB, which is the limit", self.memory_bytes >> 20)
    }
}

/// How much address space the child may have, whatever the interpreter counts: this program, the interpreter's memory, and
/// the input and the result as text.
pub(super) const ADDRESS_SPACE_BYTES: u64 = 512 * 1024 * 1024;

/// How much of the native stack JavaScript may use; of the 8 MiB that a main thread has, so that it throws before that.
pub(super) const STACK_BYTES: usize = 1024 * 1024;

/// How long the child gets to stop by itself before it is killed.
pub(super) const GRACE: Duration = Duration::from_millis(200);
