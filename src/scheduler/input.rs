use serde_json::Value;

use super::due::DueSlot;
use crate::words::{ExecutionId, Map, Timestamp};

/// Returns the input of a slot's run: the request's own, and what Conductor tells a scheduled run about itself.
pub fn slot_input(request: &Map, slot: &DueSlot, now: Timestamp, execution: ExecutionId) -> Map {
    let mut input = request.clone();
    let told: [(&str, Value); 5] = [
        ("_startedByScheduler", slot.schedule.as_str().into()),
        ("_scheduledTime", slot.due.as_millis().into()),
        ("_executedTime", now.as_millis().into()),
        ("_executionId", execution.to_string().into()),
        ("_schedulerCron", slot.cron.as_str().into()),
    ];
    input.extend(told.map(|(name, value)| (name.to_owned(), value)));
    input
}
