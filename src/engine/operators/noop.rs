//! NOOP does nothing: what it is given is dropped.

use crate::words::Map;

/// Returns what it takes: nothing.
pub(in crate::engine) fn input() -> Map {
    Map::new()
}
