//! New ids: the moment and chance.

use uuid::{NoContext, Timestamp as Moment, Uuid};

use crate::words::{ExecutionId, Timestamp};

/// Returns the id of an execution that starts now: a UUID of version 7.
pub(super) fn execution(now: Timestamp) -> ExecutionId {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    let nanos = u32::try_from(millis % 1_000).unwrap_or(0) * 1_000_000;
    ExecutionId::new(Uuid::new_v7(Moment::from_unix(NoContext, millis / 1_000, nanos)))
}

/// Returns a number that no other process has, as far as chance goes.
pub(super) fn random() -> u64 {
    Uuid::new_v4().as_u64_pair().1
}
