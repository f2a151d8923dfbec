//! A value in every form that somebody could read it from, for the scans that must find none of them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Returns the value in each form that somebody could read it from.
pub(crate) fn forms(value: &str) -> Vec<(String, String)> {
    let mut forms = vec![("itself".to_owned(), value.to_owned())];
    for shift in 0..3_usize {
        // What the bytes before and after would change is left out.
        let shifted = [&b"xx"[..shift], value.as_bytes()].concat();
        let whole = shifted.len() / 3 * 3;
        let skip = if shift == 0 { 0 } else { 4 };
        for (name, engine) in [("base64", STANDARD_NO_PAD), ("url-safe base64", URL_SAFE_NO_PAD)] {
            forms.push((format!("{name}, shifted by {shift}"), engine.encode(&shifted[..whole])[skip..].to_owned()));
        }
    }
    let hex = each_byte(value, |byte| format!("{byte:02x}"));
    forms.push(("upper-case hex".to_owned(), hex.to_uppercase()));
    forms.push(("hex".to_owned(), hex));
    let percent = each_byte(value, |byte| format!("%{byte:02X}"));
    forms.push(("percent".to_owned(), percent));
    forms.push(("JSON in JSON".to_owned(), serde_json::to_string(value).unwrap().replace('"', "\\\"")));
    forms
}

fn each_byte(value: &str, form: impl Fn(u8) -> String) -> String {
    value.bytes().map(form).collect::<Vec<_>>().concat()
}
