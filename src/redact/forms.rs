//! The texts that a value may turn into.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// From how many characters on a value is masked by value at all: shorter ones are in every text.
const WORD_CHARS_MIN: usize = 4;
/// From how many characters on a value is looked for inside of words.
const ANYWHERE_CHARS_MIN: usize = 8;
/// What URL encoders leave as it is besides letters and digits: nothing, RFC 3986, forms, `encodeURIComponent`, path
/// encoders, `encodeURI`.
const URL_SAFE: [&str; 6] = ["", "-._~", "-._*", "-._~!*'()", "-._~/", "-._~!*'();,/?:@&=+$#"];
/// How quotes are written in XML and HTML: not at all, by name, as browsers, as Python and as Go do.
const XML_QUOTES: [(&str, &str); 5] =
    [("\"", "'"), ("&quot;", "&apos;"), ("&quot;", "&#39;"), ("&quot;", "&#x27;"), ("&#34;", "&#39;")];

/// How deep a value is found within JSON within JSON: a request that an answer quotes, which an error quotes, which somebody
/// logs. Each time doubles the backslashes, and a value with many of them would fill the memory if there were no end.
const JSON_DEPTH_MAX: usize = 4;
/// How the common writers make the contents of a JSON string: plain, with escaped slashes, ASCII only, safe for HTML.
const JSON_WRITERS: [fn(&str) -> String; 7] = [
    json_escape,
    |piece| json_escape(piece).replace('/', "\\/"),
    |piece| unicode_escape(&json_escape(piece), |c| !c.is_ascii()),
    |piece| unicode_escape(&json_escape(piece), |c| !c.is_ascii()).replace('/', "\\/"),
    |piece| unicode_escape(&json_escape(piece), |c| "<>&\u{2028}\u{2029}".contains(c)),
    |piece| unicode_escape(&json_escape(piece), |c| "<>&'=\u{2028}\u{2029}".contains(c)),
    |piece| unicode_escape(&json_escape(piece), |c| !c.is_ascii() || "<>&'".contains(c)),
];

/// Where a form counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Reach {
    /// As a word of its own.
    Word,
    /// Wherever it appears.
    Anywhere,
}

/// How a form is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Encoding {
    /// Byte by byte.
    Text,
    /// With line breaks in between and shared bits at both ends.
    Base64,
}

/// One text that a value may turn into.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Form {
    pub(super) text: String,
    pub(super) reach: Reach,
    pub(super) encoding: Encoding,
}

/// Returns every form of the value; none where it is too short.
pub(super) fn of(value: &str) -> BTreeSet<Form> {
    let mut forms = BTreeSet::new();
    for piece in pieces(value) {
        let reach = match piece.chars().count() {
            ..WORD_CHARS_MIN => continue,
            WORD_CHARS_MIN..ANYWHERE_CHARS_MIN => Reach::Word,
            ANYWHERE_CHARS_MIN.. => Reach::Anywhere,
        };
        forms.extend(encodings(&piece).into_iter().map(|text| Form { text, reach, encoding: Encoding::Text }));
        let base64 = match reach {
            Reach::Word => base64_words(&piece),
            Reach::Anywhere => base64_cores(piece.as_bytes()),
        };
        forms.extend(base64.into_iter().map(|text| Form { text, reach, encoding: Encoding::Base64 }));
    }
    forms
}

/// Returns the value and the parts of it that are as secret as the whole.
fn pieces(value: &str) -> BTreeSet<String> {
    let mut pieces = BTreeSet::from([value.to_owned(), value.trim().to_owned()]);
    match serde_json::from_str(value) {
        Ok(json) => add_leaves(&json, &mut pieces),
        Err(_) => pieces.extend(lines(value)),
    }
    pieces
}

/// Returns the lines that are long enough to say something; those that frame a PEM block are in every PEM block.
fn lines(value: &str) -> impl Iterator<Item = String> {
    let telling = |line: &&str| line.chars().count() >= ANYWHERE_CHARS_MIN && !line.starts_with("-----");
    value.lines().map(str::trim).filter(telling).map(str::to_owned)
}

fn add_leaves(json: &Value, pieces: &mut BTreeSet<String>) {
    match json {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            pieces.insert(number.to_string());
            // A service may answer the number as a double, and Conductor reads every number as one.
            pieces.extend(number.as_f64().and_then(serde_json::Number::from_f64).map(|double| double.to_string()));
        }
        Value::String(text) => {
            pieces.insert(text.clone());
            pieces.extend(lines(text));
        }
        Value::Array(items) => items.iter().for_each(|item| add_leaves(item, pieces)),
        Value::Object(fields) => fields.values().for_each(|field| add_leaves(field, pieces)),
    }
}

fn encodings(piece: &str) -> BTreeSet<String> {
    let mut texts = BTreeSet::from([piece.to_owned(), hex(piece, LOWER), hex(piece, UPPER)]);
    // Most tokens are letters and digits, and no writer has anything to escape there.
    if piece.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return texts;
    }
    texts.extend(json_escapes(piece));
    texts.insert(debug_escape(piece));
    texts.extend(percent_escapes(piece));
    if piece.contains(['&', '<', '>', '"', '\'']) {
        texts.extend(XML_QUOTES.map(|quotes| xml_escape(piece, quotes)));
    }
    texts
}

/// Returns the text as logs and error texts of Rust programs quote it.
fn debug_escape(piece: &str) -> String {
    let quoted = format!("{piece:?}");
    quoted[1..quoted.len() - 1].to_owned()
}

/// The digits of hexadecimal numbers.
const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

fn push_hex(text: &mut String, byte: u8, digits: &[u8; 16]) {
    text.push(char::from(digits[usize::from(byte >> 4)]));
    text.push(char::from(digits[usize::from(byte & 15)]));
}

fn hex(piece: &str, digits: &[u8; 16]) -> String {
    let mut text = String::with_capacity(2 * piece.len());
    piece.bytes().for_each(|byte| push_hex(&mut text, byte, digits));
    text
}

/// Returns the text as JSON has it within a string: by every writer, by every two of them, and deeper by each alone.
fn json_escapes(piece: &str) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for write in JSON_WRITERS {
        let mut deep = write(piece);
        if deep != piece {
            texts.extend(JSON_WRITERS.map(|again| again(&deep)));
            for _ in 1..JSON_DEPTH_MAX {
                let deeper = write(&deep);
                texts.insert(std::mem::replace(&mut deep, deeper));
            }
        }
        texts.insert(deep);
    }
    texts
}

/// Returns the text as the contents of a JSON string, with no more escaped than must be.
fn json_escape(piece: &str) -> String {
    let quoted = Value::from(piece).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn unicode_escape(text: &str, escaped: fn(char) -> bool) -> String {
    if !text.contains(escaped) {
        return text.to_owned();
    }
    text.chars().fold(String::new(), |mut out, c| {
        if escaped(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
        out
    })
}

fn percent_escapes(piece: &str) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for safe in URL_SAFE {
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || safe.as_bytes().contains(&byte);
        if piece.bytes().all(is_safe) {
            continue;
        }
        let [upper, lower] = [UPPER, LOWER].map(|digits| percent_escape(piece, is_safe, digits));
        if piece.contains(' ') {
            texts.extend([upper.replace("%20", "+"), lower.replace("%20", "+")]);
        }
        texts.extend([upper, lower]);
    }
    texts
}

fn percent_escape(piece: &str, is_safe: impl Fn(u8) -> bool, digits: &[u8; 16]) -> String {
    let mut text = String::with_capacity(2 * piece.len());
    for byte in piece.bytes() {
        if is_safe(byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            push_hex(&mut text, byte, digits);
        }
    }
    text
}

fn xml_escape(piece: &str, (double, single): (&str, &str)) -> String {
    let ends = piece.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    ends.replace('"', double).replace('\'', single)
}

fn base64_words(piece: &str) -> BTreeSet<String> {
    BTreeSet::from([STANDARD_NO_PAD.encode(piece), URL_SAFE_NO_PAD.encode(piece)])
}

/// Returns the base64 characters that depend on the bytes alone, for each of the three places at which they may start in
/// a group of three.
fn base64_cores(bytes: &[u8]) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for (before, shared) in [(0, 0), (1, 2), (2, 3)] {
        let padded = [&[0; 2][..before], bytes].concat();
        let whole_bits = padded.len() * 8 / 6;
        texts.insert(STANDARD_NO_PAD.encode(&padded)[shared..whole_bits].to_owned());
        texts.insert(URL_SAFE_NO_PAD.encode(&padded)[shared..whole_bits].to_owned());
    }
    texts
}
