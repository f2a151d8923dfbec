//! Time zones by their IANA names.

use jiff::tz::TimeZone;

use crate::words::nearest;

/// A name that is no IANA time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not an IANA time zone")]
pub struct UnknownZone {
    /// The name as it was written.
    pub name: String,
    /// The zone that was probably meant.
    pub nearest: Option<String>,
}

impl UnknownZone {
    /// Returns what to do about it.
    pub fn help(&self) -> String {
        match &self.nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "write an IANA name such as `UTC` or `Europe/Berlin`".to_owned(),
        }
    }
}

/// Returns the time zone with an IANA name.
///
/// Names are matched as they are written, as java.time does; an offset such as `+02:00` is refused, since it would not
/// follow the clocks of any place.
pub fn parse_zone(name: &str) -> Result<TimeZone, UnknownZone> {
    match jiff::tz::db().get(name) {
        Ok(zone) if zone.iana_name() == Some(name) && !zone.is_unknown() => Ok(zone),
        Ok(zone) if !zone.is_unknown() => Err(unknown(name, zone.iana_name().map(str::to_owned))),
        Ok(_) | Err(_) => Err(unknown(name, nearest_zone(name))),
    }
}

fn unknown(name: &str, nearest: Option<String>) -> UnknownZone {
    UnknownZone { name: name.to_owned(), nearest }
}

fn nearest_zone(name: &str) -> Option<String> {
    let zones: Vec<_> = jiff::tz::db().available().collect();
    // People write the city alone more often than they mistype it.
    let city =
        zones.iter().find(|zone| zone.as_str().rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name)));
    city.map(jiff::tz::TimeZoneName::as_str)
        .or_else(|| nearest(name, zones.iter().map(jiff::tz::TimeZoneName::as_str)))
        .map(str::to_owned)
}
