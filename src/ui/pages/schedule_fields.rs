//! What somebody fills in for a schedule, and the schedule that it makes.

use serde_json::Value;

use crate::ui::Failure;
use crate::ui::form::{Fields, local_time};
use crate::words::{Map, Timestamp};
use crate::workflow::definition::{CronSchedule, Dst, Overlap, StartWorkflowRequest, WorkflowSchedule};

/// How many words an expression has that is none of the macros.
const CRON_WORDS: usize = 6;

/// The fields of the form, as they are typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) workflow: String,
    pub(super) version: String,
    /// A cron on each line, with a zone of its own behind it where it has one.
    pub(super) crons: String,
    pub(super) zone: String,
    pub(super) overlap: String,
    pub(super) dst: String,
    pub(super) catches_up: bool,
    pub(super) paused: bool,
    pub(super) from: String,
    pub(super) until: String,
    pub(super) input: String,
    pub(super) correlation: String,
}

impl Draft {
    /// Returns what somebody sent.
    pub(super) fn sent(fields: &Fields) -> Self {
        let text = |name: &str| fields.trimmed(name).to_owned();
        Self {
            name: text("name"),
            description: text("description"),
            workflow: text("workflow"),
            version: text("version"),
            crons: fields.lines("crons").expose().to_owned(),
            zone: text("zone"),
            overlap: text("overlap"),
            dst: text("dst"),
            catches_up: fields.is_ticked("catches-up"),
            paused: fields.is_ticked("paused"),
            from: text("from"),
            until: text("until"),
            input: fields.lines("input").expose().to_owned(),
            correlation: text("correlation"),
        }
    }

    /// Returns what the form holds for a schedule that is there.
    pub(super) fn of(schedule: &WorkflowSchedule) -> Self {
        let request = schedule.start_workflow_request.clone().unwrap_or_default();
        let input =
            if request.input.is_empty() { String::new() } else { format!("{:#}", Value::Object(request.input)) };
        Self {
            name: schedule.name.clone(),
            description: schedule.description.clone().unwrap_or_default(),
            workflow: request.name,
            version: request.version.map(|version| version.to_string()).unwrap_or_default(),
            crons: crons(schedule),
            zone: schedule.zone_id.clone(),
            overlap: schedule.overlap.map(|overlap| overlap_word(overlap).to_owned()).unwrap_or_default(),
            dst: schedule.dst.map(|dst| dst_word(dst).to_owned()).unwrap_or_default(),
            catches_up: schedule.run_catchup_schedule_instances,
            paused: schedule.paused,
            from: clock(schedule.schedule_start_time),
            until: clock(schedule.schedule_end_time),
            input,
            correlation: request.correlation_id.unwrap_or_default(),
        }
    }

    /// Returns the schedule; what the form has no field for stays as it is in `before`.
    pub(super) fn read(&self, before: WorkflowSchedule) -> Result<WorkflowSchedule, Failure> {
        let request = before.start_workflow_request.unwrap_or_default();
        let request = StartWorkflowRequest {
            name: self.workflow.clone(),
            version: filled(&self.version).map(str::parse).transpose().map_err(|_| {
                Failure::wrong(format!(
                    "`{}` is no version: write a whole number, or nothing for the highest",
                    self.version
                ))
            })?,
            correlation_id: filled(&self.correlation).map(str::to_owned),
            input: self.input()?,
            ..request
        };
        let single = WorkflowSchedule {
            name: self.name.clone(),
            description: filled(&self.description).map(str::to_owned),
            zone_id: filled(&self.zone).unwrap_or("UTC").to_owned(),
            overlap: chosen(&self.overlap, &[Overlap::Skip, Overlap::Allow], overlap_word)?,
            dst: chosen(&self.dst, &[Dst::Once, Dst::Spring], dst_word)?,
            run_catchup_schedule_instances: self.catches_up,
            paused: self.paused,
            schedule_start_time: moment(&self.from, before.schedule_start_time)?,
            schedule_end_time: moment(&self.until, before.schedule_end_time)?,
            start_workflow_request: Some(request),
            cron_expression: None,
            cron_schedules: Vec::new(),
            ..before
        };
        let mut timings: Vec<_> =
            self.crons.lines().filter_map(filled).map(|line| timing(line, &single.zone_id)).collect();
        match timings.len() {
            0 => Err(Failure::wrong("say when it fires: a cron expression, as `0 0 3 * * *` for every day at 03:00")),
            1 => {
                let timing = timings.remove(0);
                Ok(WorkflowSchedule {
                    cron_expression: Some(timing.cron_expression),
                    zone_id: timing.zone_id,
                    ..single
                })
            }
            _ => Ok(WorkflowSchedule { cron_schedules: timings, ..single }),
        }
    }

    fn input(&self) -> Result<Map, Failure> {
        let Some(text) = filled(&self.input) else { return Ok(Map::new()) };
        serde_json::from_str(text).map_err(|fault| {
            Failure::wrong(format!("the input is no JSON object: {}", crate::words::json_fault(&fault)))
        })
    }
}

/// Returns a text that says something.
fn filled(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// Reads a line: an expression, and where it has one its own zone.
fn timing(line: &str, zone: &str) -> CronSchedule {
    let words: Vec<_> = line.split_whitespace().collect();
    let length = if line.starts_with('@') { 1 } else { CRON_WORDS };
    // More than a zone behind the expression is nothing that somebody meant: the whole line is told to be wrong.
    let (cron, zone) = match words.split_at_checked(length) {
        Some((cron, [own])) => (cron.join(" "), *own),
        _ => (words.join(" "), zone),
    };
    CronSchedule { cron_expression: cron, zone_id: zone.to_owned() }
}

fn crons(schedule: &WorkflowSchedule) -> String {
    if schedule.cron_schedules.is_empty() {
        return schedule.cron_expression.clone().unwrap_or_default();
    }
    let line = |timing: &CronSchedule| {
        let own = timing.zone_id != schedule.zone_id;
        if own { format!("{} {}", timing.cron_expression, timing.zone_id) } else { timing.cron_expression.clone() }
    };
    schedule.cron_schedules.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub(super) const fn overlap_word(overlap: Overlap) -> &'static str {
    match overlap {
        Overlap::Skip => "skip",
        Overlap::Allow => "allow",
    }
}

pub(super) const fn dst_word(dst: Dst) -> &'static str {
    match dst {
        Dst::Once => "once",
        Dst::Spring => "spring",
    }
}

/// Returns the choice with this word; nothing chosen is what the settings say.
fn chosen<T: Copy>(word: &str, all: &[T], word_of: fn(T) -> &'static str) -> Result<Option<T>, Failure> {
    let Some(word) = filled(word) else { return Ok(None) };
    let found = all.iter().copied().find(|one| word_of(*one) == word);
    found.map(Some).ok_or_else(|| Failure::wrong(format!("`{word}` is none of the choices")))
}

/// Returns a time as a field of a browser holds it, in UTC and to the second.
fn clock(millis: Option<i64>) -> String {
    let moment = millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    moment.map(|moment| moment.strftime("%Y-%m-%dT%H:%M:%S").to_string()).unwrap_or_default()
}

/// Reads a time; one that nobody touched stays what it is, to the millisecond.
fn moment(text: &str, before: Option<i64>) -> Result<Option<i64>, Failure> {
    if text == clock(before) {
        return Ok(before);
    }
    Ok(local_time(text)?.map(Timestamp::as_millis))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Draft;
    use crate::workflow::definition::WorkflowSchedule;

    fn schedule(value: serde_json::Value) -> WorkflowSchedule {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_schedule_that_nobody_touches_stays_what_it_is() {
        for fields in [
            json!({"cronExpression": "0 0 3 * * *", "zoneId": "Europe/Berlin"}),
            json!({"cronExpression": "@daily", "zoneId": "UTC", "overlap": "allow", "dst": "spring", "paused": true}),
            json!({"cronSchedules": [{"cronExpression": "0 0 3 * * *", "zoneId": "UTC"},
                {"cronExpression": "@hourly", "zoneId": "Asia/Tokyo"}], "zoneId": "UTC"}),
            json!({"cronExpression": "0 0 3 * * *", "scheduleStartTime": 1_764_000_000_123_i64,
                "scheduleEndTime": 1_864_000_000_999_i64, "runCatchupScheduleInstances": true, "createdBy": "owner"}),
        ] {
            let mut whole = json!({"name": "nightly", "description": "d", "startWorkflowRequest":
                {"name": "rotate", "version": 3, "input": {"a": [1, {"b": null}]}, "correlationId": "c", "priority": 7}});
            whole.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            let before = schedule(whole);
            assert_eq!(Draft::of(&before).read(before.clone()).unwrap(), before);
        }
    }

    #[test]
    fn a_line_holds_a_zone_of_its_own() {
        let draft = |crons: &str| Draft { crons: crons.to_owned(), zone: "UTC".to_owned(), ..Draft::default() };
        let read = |crons: &str| draft(crons).read(WorkflowSchedule::default()).unwrap();
        let one = read("  0 0 3 * *  MON-FRI   Europe/Berlin \n\n");
        assert_eq!((one.cron_expression.as_deref(), &*one.zone_id), (Some("0 0 3 * * MON-FRI"), "Europe/Berlin"));
        let two = read("@daily\n@hourly Asia/Tokyo");
        assert_eq!(two.cron_expression, None);
        let zones: Vec<_> = two.cron_schedules.iter().map(|timing| &*timing.zone_id).collect();
        assert_eq!(zones, ["UTC", "Asia/Tokyo"]);
        let long = read("0 0 3 * * * Europe/Berlin and more");
        assert_eq!(long.cron_expression.as_deref(), Some("0 0 3 * * * Europe/Berlin and more"));
    }

    #[test]
    fn what_cannot_be_read_says_which_field_and_repeats_no_input() {
        let good = Draft { crons: "@daily".to_owned(), ..Draft::default() };
        for (wrong, part) in [
            (Draft { crons: " \n".to_owned(), ..good.clone() }, "say when it fires"),
            (Draft { version: "1.5".to_owned(), ..good.clone() }, "`1.5` is no version"),
            (Draft { overlap: "both".to_owned(), ..good.clone() }, "`both` is none of the choices"),
            (Draft { from: "tomorrow".to_owned(), ..good.clone() }, "`tomorrow` is no time"),
            (Draft { input: "{\"a\": canary}".to_owned(), ..good.clone() }, "line 1 column 7"),
            (Draft { input: "[1]".to_owned(), ..good.clone() }, "no JSON object"),
        ] {
            let failure = wrong.read(WorkflowSchedule::default()).unwrap_err();
            assert!(failure.message().contains(part) && !failure.message().contains("canary"), "{}", failure.message());
        }
        assert!(good.read(WorkflowSchedule::default()).is_ok());
    }
}
