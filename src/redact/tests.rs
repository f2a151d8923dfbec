use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{MASK, Masker, mask_structure};
use crate::words::Sensitive;

const CANARY: &str = "kD9\"x\\&<>%Q é+/='zT7w#a";

fn masker(values: &[&str]) -> Masker {
    Masker::new(&values.iter().map(|value| Sensitive::new(*value)).collect::<Vec<_>>())
}

fn check(values: &[&str], text: &str, expected: &str) {
    assert_eq!(masker(values).mask_text(text), expected);
}

fn percent(text: &str, form: bool, upper: bool) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b' ' if form => out.push('+'),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte if upper => write!(out, "%{byte:02X}").unwrap(),
            byte => write!(out, "%{byte:02x}").unwrap(),
        }
        out
    })
}

fn percent_all(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        write!(out, "%{byte:02x}").unwrap();
        out
    })
}

/// The encodings of the leak scan, written apart from the code that is tested.
fn encodings(value: &str) -> Vec<(&'static str, String)> {
    let json = serde_json::to_string(value).unwrap();
    let ascii = json.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii() {
            out.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| write!(out, "\\u{unit:04x}").unwrap());
        }
        out
    });
    let hex: String = percent_all(value).replace('%', "");
    let xml = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut all = vec![
        ("raw", value.to_owned()),
        ("hex", hex.clone()),
        ("upper hex", hex.to_uppercase()),
        ("percent", percent(value, false, true)),
        ("lower percent", percent(value, false, false)),
        ("form", percent(value, true, true)),
        ("json", json[1..json.len() - 1].to_owned()),
        ("json in json", serde_json::to_string(&json).unwrap()),
        ("ascii json", ascii[1..ascii.len() - 1].to_owned()),
        ("xml text", xml.clone()),
        ("xml attribute", xml.replace('"', "&quot;").replace('\'', "&apos;")),
        ("html attribute", xml.replace('"', "&quot;").replace('\'', "&#39;")),
    ];
    for before in ["", "u", "us", "user:"] {
        for after in ["", "x", "xy"] {
            let text = format!("{before}{value}{after}");
            all.push(("base64", STANDARD.encode(&text)));
            all.push(("base64 without padding", STANDARD_NO_PAD.encode(&text)));
            all.push(("base64url", URL_SAFE.encode(&text)));
            all.push(("base64url without padding", URL_SAFE_NO_PAD.encode(&text)));
        }
    }
    all
}

#[test]
fn canary_is_found_in_every_encoding() {
    let known = masker(&[CANARY]);
    for (name, text) in encodings(CANARY) {
        let masked = known.mask_text(&text).into_owned();
        let rest = masked.replace(MASK, "");
        assert!(masked.contains(MASK), "{name}: not found");
        // Around base64 there are the characters of "user:" and "xy", which are no secret.
        assert!(rest.len() <= 12, "{name}: {} characters are left", rest.len());
        let line = format!("GET /x?token={text} done");
        let masked = known.mask_text(&line).into_owned();
        assert!(masked.starts_with("GET /x?token=") && masked.ends_with(" done"), "{name}: neighbours are touched");
    }
}

#[test]
fn random_values_are_found_in_every_encoding_among_noise() {
    let seed = 0x6b65_7974_6964_6521_u64;
    let mut state = seed;
    let mut next = move |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let alphabet: Vec<char> = "abcXYZ019-_.~\"\\&<>%\n é+/='€𝄞 ".chars().collect();
    for round in 0..150 {
        let length = 8 + next(40);
        let value: String = (0..length).map(|_| alphabet[next(alphabet.len())]).collect();
        if value.trim().chars().count() < 8 {
            continue;
        }
        let known = masker(&["another-value-of-the-store", &value]);
        for (name, text) in encodings(&value) {
            let noise = format!("log {round} [{text}] end");
            let masked = known.mask_text(&noise).into_owned();
            assert!(masked.contains(MASK) && !masked.contains(&text), "seed {seed} round {round} {name}");
        }
    }
}

#[test]
fn a_value_is_found_in_json_within_json_as_deep_as_services_quote_each_other() {
    let value = "<b title=\"robot\\42\">schlüssel</b>\n/";
    let known = masker(&[value]);
    let mut text = value.to_owned();
    for depth in 1..=4 {
        let quoted = serde_json::to_string(&text).unwrap();
        quoted[1..quoted.len() - 1].clone_into(&mut text);
        assert_eq!(known.mask_text(&format!("no: \"{text}\"")), "no: \"***\"", "{depth} deep");
    }
}

#[test]
fn clean_text_is_lent_unchanged() {
    let known = masker(&["s3cr3t-t0k3n-value", "pass", CANARY]);
    for line in [
        "2026-11-20T12:00:00Z INFO keytide: run rotate_github completed in 812 ms",
        "password prompts and passing passes compass",
        "GET https://api.example.com/v1/items?page=2 200 OK",
        "eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx_Zmeo",
    ] {
        assert!(matches!(known.mask_text(line), std::borrow::Cow::Borrowed(_)), "{line}");
    }
}

#[test]
fn long_values_are_masked_inside_of_words_and_short_ones_only_as_words() {
    check(&["abcd1234"], "xabcd1234y", "x***y");
    check(&["abcd123"], "xabcd123y", "xabcd123y");
    check(&["abcd123"], "x abcd123, \"abcd123\" abcd123_", "x ***, \"***\" abcd123_");
    check(&["abc"], "abc", "abc");
    check(&["pass"], "Basic cGFzcw==", "Basic ***==");
}

#[test]
fn values_that_overlap_are_covered_whole() {
    check(&["abcdefgh1234", "1234zzzzzzzz"], "-abcdefgh1234zzzzzzzz-", "-***-");
    check(&["aaaaaaaa"], "aaaaaaaaaaa!", "***!");
    let store = masker(&["inner-secret"]);
    let both = store.with(&[Sensitive::new("outer inner-secret outer")]);
    assert_eq!(both.mask_text("<outer inner-secret outer>"), "<***>");
    assert_eq!(store.mask_text("<outer inner-secret outer>"), "<outer *** outer>");
}

#[test]
fn lines_and_json_fields_of_a_value_are_masked() {
    let pem = "-----BEGIN KEY-----\nMIIEvQIBADANBg\r\nkqhkiG9w0BAQEFAASC\n-----END KEY-----\n";
    check(&[pem], "got kqhkiG9w0BAQEFAASC and -----BEGIN KEY-----", "got *** and -----BEGIN KEY-----");
    let fields = "{\"user\": \"robot-42\", \"pin\": 7714, \"nested\": {\"password\": \"hunter22\"}}";
    check(&[fields], "robot-42 logged in with hunter22 and 7714", "*** logged in with *** and ***");
    check(&["\"quoted-secret\""], "quoted-secret", "***");
}

#[test]
fn long_values_are_masked_to_their_end_even_in_wrapped_base64() {
    let value: String = (0..3000).map(|n| char::from(b'a' + u8::try_from((n * n / 7 + n) % 26).unwrap())).collect();
    check(&[&value], &format!("[{value}]"), "[***]");
    check(&[&value], &format!("[{}]", &value[..100]), "[***]");
    let base64 = STANDARD.encode(&value);
    let wrapped: Vec<&str> = base64.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    check(&[&value], &wrapped.join("\r\n"), "***");
}

#[test]
fn numbers_and_keys_that_hold_a_value_are_masked() {
    let known = masker(&["12345678", "4711", "12345678901234567890123", "key-with-secret", "name"]);
    let masked = known.mask_value(&json!({
        "n": 12_345_678, "f": 12_345_678.0, "longer": 9_123_456_780_i64, "pin": 4711, "pinf": 4711.0, "other": 47_110,
        "huge": 12_345_678_901_234_567_890_123.0, "name": [true, null, 1.5, 4711.5],
        "key-with-secret": 1, "key-with-secret2": 2,
    }));
    let expected = json!({
        "n": MASK, "f": MASK, "longer": MASK, "pin": MASK, "pinf": MASK, "other": 47_110,
        "huge": MASK, "name": [true, null, 1.5, 4711.5], "***": 1, "***2": 2,
    });
    assert_eq!(masked, expected);
}

#[test]
fn masked_keys_stay_apart() {
    let masked = masker(&["secret-a", "secret-b"]).mask_value(&json!({"secret-a": 1, "secret-b": 2}));
    assert_eq!(masked, json!({"***": 1, "*** (2)": 2}));
}

#[test]
fn structure_is_masked_at_any_depth_and_named_fields_at_the_top() {
    let value = json!({"_secrets": {"a": 1}, "list": [{"_masked": [1], "keep": "x"}], "pin": 1, "deep": {"pin": 2}});
    let expected = json!({"_secrets": MASK, "list": [{"_masked": MASK, "keep": "x"}], "pin": MASK, "deep": {"pin": 2}});
    assert_eq!(mask_structure(&value, &["pin".to_owned()]), expected);
    let payload = masker(&["token-abc"]).mask_payload(&json!({"_secrets": 1, "t": "a token-abc"}), &[]);
    assert_eq!(payload, json!({"_secrets": MASK, "t": "a ***"}));
}

#[test]
fn values_in_a_payload_are_named_once() {
    let known = masker(&["first-value", "second-value"]);
    let found = known.values_in(&json!({"a": ["first-value", {"b": STANDARD.encode("x first-value")}]}));
    assert!(found.len() == 1 && found[0].expose() == "first-value");
}

#[test]
fn masking_twice_changes_nothing_more() {
    let known = masker(&[CANARY, "********", "another-secret"]);
    let once = known.mask_text(&format!("{CANARY} another-secret")).into_owned();
    assert_eq!(known.mask_text(&once), once);
}

#[test]
fn empty_masker_masks_nothing() {
    let value: Value = json!({"a": "b"});
    assert_eq!(Masker::default().mask_value(&value), value);
}

#[test]
fn a_masker_that_grows_value_by_value_finds_all_and_stays_in_few_parts() {
    let values: Vec<_> = (0..150).map(|number| Sensitive::new(format!("value-number-{number:05}"))).collect();
    let masker = values.iter().fold(Masker::default(), |masker, value| masker.grown([value]));
    assert!(values.iter().all(|value| masker.mask_text(value.expose()) == MASK));
    assert_eq!(masker.value_count(), values.len());
    assert!(masker.sets.len() < 3 * super::PARTS_MAX, "{} parts", masker.sets.len());
}

#[test]
fn a_value_is_masked_as_debug_output_quotes_it() {
    let value = "canary\u{1b}[31m-\0-\"q\"-'s'-\u{200b}";
    assert_eq!(masker(&[value]).mask_text(&format!("said {value:?}")), "said \"***\"");
}

#[test]
fn a_value_that_repeats_itself_in_a_text_that_does_too_is_masked_in_time_of_the_text() {
    // Compared from each place on to its end, this would be some thousand million bytes.
    let value = "0".repeat(64 * 1024);
    assert_eq!(masker(&[&value]).mask_text(&"0".repeat(128 * 1024)), MASK);
    let base64 = STANDARD.encode(&value);
    assert_eq!(masker(&[&value]).mask_text(&base64.repeat(2)), MASK);
    let mut many: Vec<String> = (0..100).map(|number| format!("{}{number:03}", "0".repeat(1_000))).collect();
    let text = many.concat();
    many.reverse();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let masked = masker(&many).mask_text(&format!("a{text}")).into_owned();
    assert_eq!(masked, format!("a{MASK}"));
}

#[test]
fn a_find_that_is_compared_no_more_reaches_at_least_as_far() {
    let value = "q7-".repeat(40);
    for form in super::forms::of(&value) {
        for shown in [form.text.len(), form.text.len() - 1, 49] {
            let text = format!("{}\n!{}", &form.text[..shown], "x".repeat(300));
            let reach = |mut left: usize| super::extent(&form, &text, 0..super::ANCHOR_BYTES_MAX, &mut left).unwrap();
            let (compared, farthest) = (reach(usize::MAX), reach(0));
            assert!(farthest.start <= compared.start && farthest.end >= compared.end, "{compared:?} {farthest:?}");
        }
    }
}
