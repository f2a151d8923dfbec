use std::fmt::Write as _;

/// Returns a text as one segment of a path, or as a value of a query: whatever it is, it says nothing else there.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') || byte == b'.' && !is_dots(text) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes everything");
        }
    }
    encoded
}

/// Browsers take `.` and `..` for steps in the path.
fn is_dots(text: &str) -> bool {
    matches!(text, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::percent_encoded;

    #[test]
    fn a_name_stays_one_segment() {
        for (name, segment) in [
            ("github_token", "github_token"),
            ("a.b-c~d", "a.b-c~d"),
            ("..", "%2E%2E"),
            ("a/b?c#d", "a%2Fb%3Fc%23d"),
            ("\"><script>", "%22%3E%3Cscript%3E"),
            ("ü", "%C3%BC"),
            ("", ""),
        ] {
            assert_eq!(percent_encoded(name), segment);
        }
    }
}
