//! Whether a failed attempt is followed by another, and when.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::engine::execution::Run;
use crate::engine::plan::PlannedTask;
use crate::words::{ExecutionId, TaskStatus, Timestamp};
use crate::workflow::definition::{RetryLogic, TaskDef};

/// Returns the delay before the next attempt; `None`: there is none.
pub(super) fn delay(execution: ExecutionId, planned: &PlannedTask, run: &Run, now: Timestamp) -> Option<Duration> {
    let retriable = matches!(run.status, TaskStatus::Failed | TaskStatus::TimedOut) && !run.in_doubt;
    let in_time = run.total_limit.is_none_or(|limit| now < limit);
    if !retriable || !in_time || !planned.task.task_type.is_retried() || run.attempt >= retry_count(planned) {
        return None;
    }
    let standard = TaskDef::default();
    let def = planned.def.as_ref().unwrap_or(&standard);
    let jitter = jitter_ms(execution, run, u64::try_from(def.backoff_jitter_ms).unwrap_or(0));
    Some(backoff(def, run.attempt) + Duration::from_millis(jitter))
}

/// The task's own count, else its definition's; without a definition none.
fn retry_count(planned: &PlannedTask) -> u32 {
    let count = planned.task.retry_count.or_else(|| planned.def.as_ref().map(|def| def.retry_count));
    u32::try_from(count.unwrap_or(0)).unwrap_or(0)
}

/// Conductor counts in whole seconds and stops at the largest 32-bit number.
fn backoff(def: &TaskDef, attempt: u32) -> Duration {
    let base = u64::try_from(def.retry_delay_seconds).unwrap_or(0);
    let seconds = match def.retry_logic {
        RetryLogic::Fixed => base,
        RetryLogic::LinearBackoff => {
            let factor = u64::try_from(def.backoff_scale_factor).unwrap_or(1).max(1);
            base.saturating_mul(factor).saturating_mul(u64::from(attempt) + 1)
        }
        RetryLogic::ExponentialBackoff => base.saturating_mul(1_u64.checked_shl(attempt).unwrap_or(u64::MAX)),
    };
    let seconds = seconds.min(i32::MAX.unsigned_abs().into());
    let cap = u64::try_from(def.max_retry_delay_seconds).ok().filter(|cap| *cap > 0);
    Duration::from_secs(cap.map_or(seconds, |cap| seconds.min(cap)))
}

/// A number from 0 to `max` that is the same whenever it is asked for.
fn jitter_ms(execution: ExecutionId, run: &Run, max: u64) -> u64 {
    let digest = Sha256::new().chain_update(execution.uuid().as_bytes()).chain_update(run.number.0.to_be_bytes());
    let digest: [u8; 32] = digest.finalize().into();
    let number = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    number.checked_rem(max.saturating_add(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{RetryLogic, TaskDef, backoff};

    fn check(logic: RetryLogic, cap: i64, expect: [u64; 4]) {
        let def = TaskDef {
            retry_logic: logic,
            retry_delay_seconds: 2,
            backoff_scale_factor: 3,
            max_retry_delay_seconds: cap,
            ..TaskDef::default()
        };
        assert_eq!([0, 1, 2, 3].map(|attempt| backoff(&def, attempt).as_secs()), expect);
    }

    #[test]
    fn delays_grow_as_conductors_do() {
        check(RetryLogic::Fixed, 0, [2, 2, 2, 2]);
        check(RetryLogic::LinearBackoff, 0, [6, 12, 18, 24]);
        check(RetryLogic::ExponentialBackoff, 0, [2, 4, 8, 16]);
        check(RetryLogic::ExponentialBackoff, 5, [2, 4, 5, 5]);
    }

    #[test]
    fn overflow_stops_at_the_largest_number() {
        let def =
            TaskDef { retry_logic: RetryLogic::ExponentialBackoff, retry_delay_seconds: 60, ..TaskDef::default() };
        assert_eq!(backoff(&def, 4_000).as_secs(), 2_147_483_647);
    }
}
