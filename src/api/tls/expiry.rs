//! When a certificate begins and ends: the one thing of it that TLS does not tell its server.

use crate::words::Timestamp;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Returns the first and the last moment of a certificate, where it is one.
pub(super) fn end_of(der: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let (certificate, _) = expect(der, SEQUENCE)?;
    let (content, _) = expect(certificate, SEQUENCE)?;
    let rest = match value(content)? {
        (VERSION, _, rest) => rest,
        _ => content,
    };
    // The serial number, the algorithm, the issuer.
    let rest = value(value(value(rest)?.2)?.2)?.2;
    let (validity, _) = expect(rest, SEQUENCE)?;
    let (tag, begin, rest) = value(validity)?;
    let (end_tag, end, _) = value(rest)?;
    Some((moment(tag, begin)?, moment(end_tag, end)?))
}

/// Returns the tag and the content of the first value, and what is behind it.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ ..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn expect(der: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    value(der).filter(|(tag, _, _)| *tag == wanted).map(|(_, content, rest)| (content, rest))
}

/// Reads `YYMMDDHHMMSSZ`, whose years are from 1950 to 2049, or `YYYYMMDDHHMMSSZ`.
fn moment(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let whole = match tag {
        UTC_TIME => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    if whole.len() != 14 || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| whole.get(from..to);
    let (date, time) = (
        format!("{}-{}-{}", part(0, 4)?, part(4, 6)?, part(6, 8)?),
        format!("{}:{}:{}", part(8, 10)?, part(10, 12)?, part(12, 14)?),
    );
    Timestamp::parse(&format!("{date}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::{GENERALIZED_TIME, UTC_TIME, end_of, moment};

    #[test]
    fn both_forms_of_a_moment_are_read_and_no_other() {
        for (tag, text, read) in [
            (UTC_TIME, "490101000000Z", Some("2049-01-01T00:00:00Z")),
            (UTC_TIME, "500101000000Z", Some("1950-01-01T00:00:00Z")),
            (GENERALIZED_TIME, "29990101000000Z", Some("2999-01-01T00:00:00Z")),
            (GENERALIZED_TIME, "20260230000000Z", None),
            (GENERALIZED_TIME, "490101000000Z", None),
            (UTC_TIME, "4901010000Z", None),
            (UTC_TIME, "49010100000é", None),
            (0x04, "490101000000Z", None),
        ] {
            assert_eq!(moment(tag, text.as_bytes()).map(|at| at.to_string()).as_deref(), read, "{text}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        for wrong in [&[][..], &[0x30], &[0x30, 0x80], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[0x30, 2, 0x30, 0]] {
            assert_eq!(end_of(wrong), None, "{wrong:?}");
        }
    }
}
