//! The words for what is wrong with an expression, and the expression that was probably meant.

use super::CronError;
use super::parse::{MACROS, Token, parse};
use super::unit::Unit;
use crate::words::{Span, nearest};

/// What is wrong with one item of a field, before it is known where the item stands.
#[derive(Default)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// The item as it was probably meant.
    pub(super) instead: Option<String>,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub(super) fn instead(self, instead: Option<String>) -> Self {
        Self { instead, ..self }
    }
}

/// Returns what a field takes, for people.
pub(super) fn values(unit: Unit) -> String {
    let (least, greatest) = unit.range();
    match unit {
        Unit::Month => "months are 1 to 12 or JAN to DEC".to_owned(),
        Unit::Weekday => "days of the week are MON to SUN, or 1 (Monday) to 7 (Sunday); 0 is Sunday too".to_owned(),
        Unit::Second | Unit::Minute | Unit::Hour | Unit::Day => format!("{}s are {least} to {greatest}", unit.name()),
    }
}

/// Puts the fault of an item into its place in the text.
pub(super) fn placed(text: &str, token: &Token<'_>, at: Token<'_>, fault: Fault) -> CronError {
    let span = if at.text.is_empty() { token.span() } else { at.span() };
    let fixed = fault.instead.map(|instead| {
        let mut whole = text.to_owned();
        whole.replace_range(at.start..at.start + at.text.len(), &instead);
        whole
    });
    let fix = fixed.filter(|whole| parse(whole).is_ok());
    let help = fault.help.or_else(|| fix.as_ref().map(|fix| format!("write `{fix}`")));
    CronError { message: fault.message, help, span, fix }
}

/// Explains an expression that has not six fields.
pub(super) fn wrong_count(text: &str, tokens: &[Token<'_>]) -> CronError {
    let trimmed = text.trim_matches(|c| c <= ' ');
    if trimmed.starts_with('@') {
        return unknown_macro(text, trimmed);
    }
    let span = Span::new(0, text.len());
    let six = "six fields: second, minute, hour, day of month, month, day of week";
    let (message, help, fix) = match tokens {
        [] => ("the expression is empty".to_owned(), format!("write {six}"), None),
        [_, _, day, _, weekday] => {
            let both = ![day.text, weekday.text].iter().any(|field| matches!(*field, "*" | "?"));
            let fix = Some(format!("0 {trimmed}")).filter(|fix| parse(fix).is_ok());
            let help = match (&fix, both) {
                (Some(fix), false) => format!("seconds come first: write `{fix}`"),
                (Some(_), true) => {
                    "seconds come first; and where day of month and day of week are both given, both must \
                                    match here, while in a crontab one is enough"
                        .to_owned()
                }
                (None, _) => format!("seconds come first; an expression has {six}"),
            };
            ("the expression has five fields instead of six".to_owned(), help, fix.filter(|_| !both))
        }
        [.., last] if tokens.len() == 7 => {
            let fix = text[..last.start].trim_end().to_owned();
            let drops = matches!(last.text, "*" | "?") && parse(&fix).is_ok();
            let help = "a year cannot be given; `scheduleStartTime` and `scheduleEndTime` bound a schedule".to_owned();
            ("the expression has seven fields instead of six".to_owned(), help, drops.then_some(fix))
        }
        _ => {
            let count = tokens.len();
            (
                format!("the expression has {count} field{} instead of six", if count == 1 { "" } else { "s" }),
                format!("write {six}"),
                None,
            )
        }
    };
    CronError { message, help: Some(help), span, fix }
}

/// Explains a macro that does not exist.
fn unknown_macro(text: &str, name: &str) -> CronError {
    let span = Span::new(0, text.len());
    if let Some(period) = name.to_lowercase().strip_prefix("@every ") {
        let fix = every(period.trim());
        let help = match &fix {
            Some(fix) => format!("write `{fix}`"),
            None => "write six fields; `0 */5 * * * *` fires every five minutes".to_owned(),
        };
        return CronError { message: "`@every` is not known".to_owned(), help: Some(help), span, fix };
    }
    if name.eq_ignore_ascii_case("@reboot") {
        let help =
            "a schedule fires by the clock only; start the workflow by hand where it must run at once".to_owned();
        return CronError { message: "`@reboot` is not known".to_owned(), help: Some(help), span, fix: None };
    }
    let fix = nearest(name, MACROS.iter().map(|(name, _)| *name)).map(str::to_owned);
    let help = match &fix {
        Some(fix) => format!("did you mean `{fix}`?"),
        None => "the macros are @yearly @annually @monthly @weekly @daily @midnight @hourly".to_owned(),
    };
    CronError { message: format!("`{name}` is not known"), help: Some(help), span, fix }
}

/// Returns the expression for a period that divides the next greater unit.
fn every(period: &str) -> Option<String> {
    let (count, unit) = period.split_at_checked(period.len().checked_sub(1)?)?;
    let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
    match unit {
        "s" if 60 % count == 0 => Some(format!("*/{count} * * * * *")),
        "m" if 60 % count == 0 => Some(format!("0 */{count} * * * *")),
        "h" if 24 % count == 0 => Some(format!("0 0 */{count} * * *")),
        _ => None,
    }
}
