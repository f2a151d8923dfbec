//! From text to [`Cron`], with an error that says which field is wrong, why, and what to write instead.

use super::fault::{Fault, placed, values, wrong_count};
use super::field::{DayRule, Days};
use super::unit::Unit;
use super::{Cron, CronError};
use crate::words::Span;

/// The longest expression, in bytes: a list of all seconds and minutes has 340.
const EXPRESSION_BYTES_MAX: usize = 1000;

/// The macros, as Spring spells them out.
pub(super) const MACROS: [(&str, &str); 7] = [
    ("@yearly", "0 0 0 1 1 *"),
    ("@annually", "0 0 0 1 1 *"),
    ("@monthly", "0 0 0 1 * *"),
    ("@weekly", "0 0 0 * * 0"),
    ("@daily", "0 0 0 * * *"),
    ("@midnight", "0 0 0 * * *"),
    ("@hourly", "0 0 * * * *"),
];

/// What a day of month takes besides numbers, for people.
const MONTH_RULES: &str = "write `L` for the last day, `L-2` for two days before it, `LW` for the last weekday, `15W` for \
                           the weekday nearest to the 15th";

/// What a day of week takes besides numbers, for people.
const WEEKDAY_RULES: &str = "write `FRIL` for the last Friday of the month, `FRI#2` for the second";

/// One field as it was written, and where.
#[derive(Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) text: &'t str,
    pub(super) start: usize,
}

impl Token<'_> {
    pub(super) const fn span(&self) -> Span {
        Span::new(self.start, self.start + self.text.len())
    }
}

pub(super) fn parse(text: &str) -> Result<Cron, CronError> {
    if text.len() > EXPRESSION_BYTES_MAX {
        let message = format!("the expression is longer than {EXPRESSION_BYTES_MAX} bytes");
        return Err(CronError { message, help: None, span: Span::new(0, text.len()), fix: None });
    }
    let spelled_out = expand(text);
    let tokens = tokens(spelled_out);
    let [seconds, minutes, hours, days, months, weekdays] = tokens.as_slice() else {
        return Err(wrong_count(text, &tokens));
    };
    let in_place = |(token, at, fault): (&Token<'_>, Token<'_>, Fault)| placed(text, token, at, fault);
    let bits = |unit, token: &Token<'_>| bits_field(unit, token).map_err(|(at, fault)| in_place((token, at, fault)));
    let rules = |unit, token: &Token<'_>| day_field(unit, token).map_err(|(at, fault)| in_place((token, at, fault)));
    Ok(Cron {
        text: text.into(),
        seconds: bits(Unit::Second, seconds)?,
        minutes: bits(Unit::Minute, minutes)?,
        hours: bits(Unit::Hour, hours)?,
        days: rules(Unit::Day, days)?,
        months: bits(Unit::Month, months)?,
        weekdays: rules(Unit::Weekday, weekdays)?,
        counts_hours: hours.text.contains(['*', '/']),
    })
}

/// Returns what a macro stands for, or the text itself.
pub(super) fn expand(text: &str) -> &str {
    let trimmed = text.trim_matches(|c| c <= ' ');
    MACROS.iter().find(|(name, _)| name.eq_ignore_ascii_case(trimmed)).map_or(text, |(_, spelled_out)| spelled_out)
}

/// Splits at spaces. As in Spring, only a space separates; other white space around a field is dropped.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut start = 0;
    let mut tokens = Vec::new();
    for piece in text.split(' ') {
        let token = piece.trim_matches(|c| c <= ' ');
        if !token.is_empty() {
            let leading = piece.len() - piece.trim_start_matches(|c| c <= ' ').len();
            tokens.push(Token { text: token, start: start + leading });
        }
        start += piece.len() + 1;
    }
    tokens
}

/// Splits a field at its commas.
pub(super) fn items<'t>(token: &Token<'t>) -> impl Iterator<Item = Token<'t>> {
    token.text.split(',').scan(token.start, |start, text| {
        let item = Token { text, start: *start };
        *start += text.len() + 1;
        Some(item)
    })
}

fn bits_field<'t>(unit: Unit, token: &Token<'t>) -> Result<u64, (Token<'t>, Fault)> {
    let mut bits = 0;
    for item in items(token) {
        bits |= item_bits(unit, item.text).map_err(|fault| (item, fault))?;
    }
    Ok(bits)
}

fn day_field<'t>(unit: Unit, token: &Token<'t>) -> Result<Days, (Token<'t>, Fault)> {
    if token.text == "?" {
        return Ok(Days::Bits(all(unit)));
    }
    let has_rule = items(token).any(|item| is_rule(unit, item.text));
    if !has_rule {
        return bits_field(unit, token).map(Days::Bits);
    }
    let rules = items(token).map(|item| day_rule(unit, item.text).map_err(|fault| (item, fault)));
    rules.collect::<Result<Box<[_]>, _>>().map(Days::List)
}

/// Tells whether an item of a day field is more than numbers.
fn is_rule(unit: Unit, item: &str) -> bool {
    match unit {
        Unit::Day => item.contains(['L', 'W']),
        Unit::Weekday => numbered(unit, item).contains(['L', '#']),
        Unit::Second | Unit::Minute | Unit::Hour | Unit::Month => false,
    }
}

fn day_rule(unit: Unit, item: &str) -> Result<DayRule, Fault> {
    if item == "?" {
        return Ok(DayRule::Bits(all(unit)));
    }
    if !is_rule(unit, item) {
        return item_bits(unit, item).map(DayRule::Bits);
    }
    if unit == Unit::Day { month_rule(item) } else { weekday_rule(&numbered(unit, item)) }
}

fn month_rule(item: &str) -> Result<DayRule, Fault> {
    let unreadable = || Fault::new(format!("day of month: `{item}` cannot be read")).help(MONTH_RULES);
    match item {
        "L" => return Ok(DayRule::Last),
        "LW" => return Ok(DayRule::LastWeekday),
        _ => {}
    }
    if let Some(offset) = item.strip_prefix('L') {
        return match offset.parse::<i32>() {
            Ok(offset) if offset < 0 => Ok(DayRule::BeforeLast(offset)),
            Ok(_) | Err(_) => Err(unreadable()),
        };
    }
    let day = item.strip_suffix('W').ok_or_else(unreadable)?;
    let day: i32 = day.parse().map_err(|_| unreadable())?;
    Ok(DayRule::NearestWeekday(within(Unit::Day, day)?))
}

fn weekday_rule(item: &str) -> Result<DayRule, Fault> {
    let unreadable = || Fault::new(format!("day of week: `{item}` cannot be read")).help(WEEKDAY_RULES);
    let weekday = |text: &str| match text.parse::<u8>() {
        Ok(0) => Ok(7),
        Ok(number @ 1..=7) => Ok(number),
        Ok(_) | Err(_) => Err(unreadable()),
    };
    if item.contains('L') {
        return weekday(item.strip_suffix('L').ok_or_else(unreadable)?).map(DayRule::LastOf);
    }
    let (day, ordinal) = item.rsplit_once('#').ok_or_else(unreadable)?;
    match ordinal.parse::<i32>() {
        Ok(ordinal) if ordinal > 0 => Ok(DayRule::Nth(weekday(day)?, ordinal)),
        Ok(_) | Err(_) => Err(unreadable()),
    }
}

/// Reads one item of a list: `*`, `5`, `1-5`, each with or without a step.
fn item_bits(unit: Unit, item: &str) -> Result<u64, Fault> {
    read_item(unit, &numbered(unit, item)).map_err(|fault| {
        let instead = fault.instead.or_else(|| respelled(unit, item));
        Fault { instead, ..fault }
    })
}

fn read_item(unit: Unit, item: &str) -> Result<u64, Fault> {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    let (least, mut greatest) = read_range(unit, range)?;
    let Some(step) = step else {
        return Ok(fold_sunday(unit, (least..=greatest).fold(0, |bits, value| bits | 1 << value)));
    };
    if !range.contains('-') {
        greatest = unit.range().1;
    }
    let step = number(unit, step, item)?;
    let step = usize::try_from(step)
        .ok()
        .filter(|step| *step > 0)
        .ok_or_else(|| Fault::new(format!("{}: the step of `{item}` is not 1 or more", unit.name())))?;
    Ok(fold_sunday(unit, (least..=greatest).step_by(step).fold(0, |bits, value| bits | 1 << value)))
}

fn read_range(unit: Unit, range: &str) -> Result<(u8, u8), Fault> {
    if range == "*" {
        return Ok(unit.range());
    }
    let Some((from, to)) = range.split_once('-') else {
        let value = within(unit, number(unit, range, range)?)?;
        return Ok((value, value));
    };
    let from = within(unit, number(unit, from, range)?)?;
    let to = within(unit, number(unit, to, range)?)?;
    // As in Spring: Sunday is 0 where a range starts with it.
    let from = if unit == Unit::Weekday && from == 7 { 0 } else { from };
    if from > to {
        let (least, greatest) = unit.range();
        let around =
            if from == greatest { format!("{from},{least}-{to}") } else { format!("{from}-{greatest},{least}-{to}") };
        return Err(Fault::new(format!("{}: the range `{range}` runs backwards", unit.name()))
            .help(format!("a range does not wrap around; write `{around}`"))
            .instead(Some(around)));
    }
    Ok((from, to))
}

fn number(unit: Unit, text: &str, item: &str) -> Result<i32, Fault> {
    let fault = |message: String| Fault::new(format!("{}: {message}", unit.name()));
    text.parse().map_err(|_| match item {
        "" => fault("a value is missing at a comma".to_owned()),
        "?" => fault("`?` stands only for a day of month or a day of week".to_owned())
            .help("write `*`")
            .instead(Some("*".to_owned())),
        _ if text.is_empty() => fault(format!("a number is missing in `{item}`")),
        _ => fault(format!("`{text}` is not a number")).help(values(unit)),
    })
}

fn within(unit: Unit, value: i32) -> Result<u8, Fault> {
    let (least, greatest) = unit.range();
    match u8::try_from(value) {
        Ok(value) if (least..=greatest).contains(&value) || (unit == Unit::Weekday && value == 0) => Ok(value),
        Ok(_) | Err(_) => {
            let help = if unit == Unit::Hour && value == 24 { "midnight is hour 0".to_owned() } else { values(unit) };
            Err(Fault::new(format!("{}: {value} is out of range", unit.name())).help(help))
        }
    }
}

fn all(unit: Unit) -> u64 {
    let (least, greatest) = unit.range();
    (least..=greatest).fold(0, |bits, value| bits | 1 << value)
}

/// Makes weekday 0 the 7 that it is.
fn fold_sunday(unit: Unit, bits: u64) -> u64 {
    if unit == Unit::Weekday && bits & 1 != 0 { bits & !1 | 1 << 7 } else { bits }
}

/// Puts numbers for names, wherever they stand, as Spring does.
fn numbered(unit: Unit, item: &str) -> String {
    let mut text = if unit.names().is_empty() { item.to_owned() } else { item.to_uppercase() };
    for (index, name) in unit.names().iter().enumerate() {
        text = text.replace(name, &(index + 1).to_string());
    }
    text
}

/// Returns the item in the spelling that can be read, where only letters are wrong: `MONDAY`, `l`, `15w`.
fn respelled(unit: Unit, item: &str) -> Option<String> {
    let mut short = String::new();
    for word in item.to_uppercase().split_inclusive(|c: char| !c.is_alphabetic()) {
        let name = unit.names().iter().find(|name| word.len() > 3 && word.starts_with(**name));
        short.push_str(name.copied().unwrap_or(word));
        if name.is_some() {
            short.extend(word.chars().filter(|c| !c.is_alphabetic()));
        }
    }
    let reads = if is_rule(unit, &short) {
        day_rule(unit, &short).is_ok()
    } else {
        read_item(unit, &numbered(unit, &short)).is_ok()
    };
    reads.then_some(short)
}
