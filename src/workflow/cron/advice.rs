//! What can be read but is probably not meant.

use super::parse::{Token, expand, items, tokens};
use super::unit::Unit;
use super::{Cron, CronAdvice};
use crate::words::{Severity, Span};

pub(super) fn of(cron: &Cron) -> Vec<CronAdvice> {
    let mut advice = Vec::new();
    if expand(&cron.text) == &*cron.text {
        for (unit, token) in Unit::ALL.into_iter().zip(tokens(&cron.text)) {
            advice.extend(items(&token).filter_map(|item| step_too_long(unit, item)));
            if unit == Unit::Weekday {
                advice.extend(numbered_weekday(token));
            }
        }
    }
    if cron.never_fires() {
        advice.push(CronAdvice {
            severity: Severity::Warning,
            message: "no date fits: the schedule never fires".to_owned(),
            help: Some("change the day of month, the month or the day of week: all three must match".to_owned()),
            span: Span::new(0, cron.text.len()),
        });
    }
    advice
}

/// Points out a step that leaves only the first value.
fn step_too_long(unit: Unit, item: Token<'_>) -> Option<CronAdvice> {
    let (from, step) = item.text.split_once('/')?;
    let (least, greatest) = unit.range();
    let step: i64 = step.parse().ok()?;
    if step <= i64::from(greatest - least) {
        return None;
    }
    let from = if from == "*" { least.to_string() } else { from.to_owned() };
    Some(CronAdvice {
        severity: Severity::Warning,
        message: format!("{}: a step of {step} only ever hits {from}", unit.name()),
        help: Some(format!("a step counts within the field; write `{from}`, or use the next field for longer periods")),
        span: item.span(),
    })
}

/// Points out a weekday by number, which other crons count in another way.
fn numbered_weekday(token: Token<'_>) -> Option<CronAdvice> {
    let item = items(&token).find(|item| item.text.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(CronAdvice {
        severity: Severity::Note,
        message: "days of the week count from Monday = 1 to Sunday = 7".to_owned(),
        help: Some("names such as `MON` read the same everywhere; Quartz counts from Sunday = 1".to_owned()),
        span: item.span(),
    })
}
