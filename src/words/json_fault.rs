/// Returns what is wrong with a JSON text without the piece of it that the reader quotes, for that may be a secret.
pub fn json_fault(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let heads = ["invalid type: ", "invalid value: ", "unknown variant "];
    let Some(head) = heads.into_iter().find(|head| message.starts_with(head)) else { return message };
    // What was expected is ours, and nothing of ours says `, expected ` in it.
    let Some((found, expected)) = message[head.len()..].rsplit_once(", expected ") else {
        return head.trim_end_matches([':', ' ']).to_owned();
    };
    let kind = found.split(['"', '`']).next().unwrap_or_default().trim();
    let said = [head.trim_end_matches(' '), kind].join(" ");
    format!("{}, expected {expected}", said.trim_end_matches([':', ' ']))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::json_fault;
    use crate::words::Map;

    #[test]
    fn a_fault_never_quotes_what_it_found() {
        for (text, said) in [
            (r#""canary", expected a secret""#, "invalid type: string, expected a map at line 1 column 8"),
            ("4242", "invalid type: integer, expected a map at line 1 column 4"),
            ("[1]", "invalid type: sequence, expected a map at line 1 column 0"),
            ("{\"a\" 1}", "expected `:` at line 1 column 6"),
            ("", "EOF while parsing a value at line 1 column 0"),
        ] {
            assert_eq!(json_fault(&serde_json::from_str::<Map>(text).unwrap_err()), said, "{text}");
        }
        let inner = serde_json::from_str::<BTreeMap<String, i32>>(r#"{"a": "x, expected canary"}"#).unwrap_err();
        assert_eq!(json_fault(&inner), "invalid type: string, expected i32 at line 1 column 26");
    }
}
