//! Numbers that JavaScript has only nearly: what a script hands on of its input keeps every digit, and what it calculates
//! beyond 64 bits is written as the fraction that it is.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// Up to here JavaScript knows every whole number.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// From here on no whole number fits into 64 bits.
const BITS_63: f64 = 9_223_372_036_854_775_808.0;
/// How many digits such a number has at least.
const DIGITS_MIN: usize = 16;

/// The whole numbers of an input that JavaScript would round, by what it makes of them.
pub(super) struct Known<'i>(HashMap<u64, Option<&'i str>>);

impl<'i> Known<'i> {
    /// Finds them in JSON. Two that become the same cannot be told apart afterwards.
    pub(super) fn of(input: &'i str) -> Self {
        let mut known = HashMap::new();
        for range in integers(input) {
            let digits = &input[range];
            if let Ok(rounded) = digits.parse::<f64>()
                && rounded.abs() >= EXACT_MAX
            {
                let exact = known.entry(rounded.to_bits()).or_insert(Some(digits));
                *exact = exact.filter(|exact| *exact == digits);
            }
        }
        Self(known)
    }

    /// Returns JSON that a script gave with these numbers as they came.
    pub(super) fn settled(&self, output: String) -> String {
        let mut settled = Cow::Borrowed(output.as_str());
        let found: Vec<_> = integers(&output).collect();
        for range in found.into_iter().rev() {
            let Ok(number) = output[range.clone()].parse::<f64>() else { continue };
            let exact = self.0.get(&number.to_bits()).copied().flatten().map(Cow::Borrowed);
            let fraction = (number.abs() >= BITS_63).then(|| Cow::Owned(format!("{number:?}")));
            if let Some(text) = exact.or(fraction) {
                settled.to_mut().replace_range(range, &text);
            }
        }
        match settled {
            Cow::Borrowed(_) => output,
            Cow::Owned(settled) => settled,
        }
    }
}

/// Finds the whole numbers of JSON with many digits.
fn integers(json: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = json.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            match bytes[at] {
                b'"' => at = end_of_text(bytes, at),
                b'-' | b'0'..=b'9' => {
                    let is_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                    at += bytes[at..].iter().take_while(|byte| is_number(byte)).count();
                    let digits = &bytes[start..at];
                    if digits.len() >= DIGITS_MIN && digits.iter().all(|byte| !matches!(byte, b'.' | b'e' | b'E')) {
                        return Some(start..at);
                    }
                }
                _ => at += 1,
            }
        }
        None
    })
}

/// Returns where a text ends that begins with the quote at `at`.
fn end_of_text(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

#[cfg(test)]
mod tests {
    use super::Known;

    #[track_caller]
    fn check(input: &str, output: &str, expect: &str) {
        assert_eq!(Known::of(input).settled(output.to_owned()), expect);
    }

    #[test]
    fn a_number_that_is_handed_on_keeps_its_digits() {
        check(r#"{"id":9007199254740993}"#, r#"{"a":9007199254740992,"b":[1]}"#, r#"{"a":9007199254740993,"b":[1]}"#);
        check(
            "[-1234567890123456789]",
            "[-1234567890123456800,\"1234567890123456800\"]",
            "[-1234567890123456789,\"1234567890123456800\"]",
        );
    }

    #[test]
    fn numbers_that_become_the_same_stay_what_they_became() {
        check("[9007199254740993,9007199254740992]", "[9007199254740992]", "[9007199254740992]");
    }

    #[test]
    fn what_was_calculated_beyond_64_bits_is_a_fraction() {
        check(
            "1",
            "[100000000000000000000,9007199254740994,1e21,12345678901234567890.5]",
            "[1e20,9007199254740994,1e21,12345678901234567890.5]",
        );
    }

    #[test]
    fn what_stands_in_a_text_is_no_number() {
        let text = r#"{"9007199254740993":"\"9007199254740993","x":1}"#;
        check(text, text, text);
    }
}
