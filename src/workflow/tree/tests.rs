use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{DEPTH_MAX, FILE_BYTES_MAX, NODES_MAX, Parsed, Syntax, Tree, decode, parse};
use crate::words::{Severity, Source, Span};

fn source(name: &str, text: &str) -> Source {
    decode(name, text.as_bytes()).unwrap_or_else(|problem| panic!("{}", problem.message))
}

fn yaml(text: &str) -> Parsed {
    parse(&source("w.yaml", text), Syntax::Yaml)
}

fn json_file(text: &str) -> Parsed {
    parse(&source("w.json", text), Syntax::Json)
}

fn values(parsed: &Parsed) -> Vec<Value> {
    parsed.documents.iter().map(super::Node::to_json).collect()
}

/// Asserts the first problem's code and place, and lends it.
#[track_caller]
fn problem(parsed: &Parsed, code: &str, line: usize, column: usize) -> String {
    let diagnostic = parsed.diagnostics.first().expect("there is a problem");
    let at = diagnostic.span.map(|span| diagnostic.source.position(span.start));
    assert_eq!((diagnostic.code, at), (code, Some((line, column))), "{}", diagnostic.message);
    format!("{} | {}", diagnostic.message, diagnostic.help.as_deref().unwrap_or_default())
}

#[test]
fn json_and_yaml_give_the_same_values() {
    let expected = json!({"a": [1, -2.5, true, null, "x"], "b": {"c": "é ☃"}, "d": 18_446_744_073_709_551_615_u64});
    let text = "{\"a\": [1, -2.5, true, null, \"x\"], \"b\": {\"c\": \"é ☃\"}, \"d\": 18446744073709551615}";
    assert_eq!(values(&json_file(text)), std::slice::from_ref(&expected));
    assert_eq!(values(&yaml(text)), std::slice::from_ref(&expected));
    let block = "a:\n- 1\n- -2.5\n- true\n- ~\n- x\nb:\n  c: é ☃\nd: 18446744073709551615\n";
    assert_eq!(values(&yaml(block)), [expected]);
}

#[test]
fn every_value_and_key_knows_its_bytes() {
    let text = "# é\nname: \"w\"\ntasks:\n  - type: HTTP\n    x: 'a b'\n";
    let parsed = yaml(text);
    let root = &parsed.documents[0];
    let slice = |span: Span| &text[span.start..span.end];
    assert_eq!(slice(root.get("name").unwrap().span), "\"w\"");
    assert_eq!(slice(root.entry("tasks").unwrap().key_span), "tasks");
    let task = &root.get("tasks").unwrap().items()[0];
    assert_eq!(slice(task.head()), "type");
    assert_eq!(slice(task.get("x").unwrap().span), "'a b'");
    let source = source("w.yaml", text);
    assert_eq!(slice(task.get("x").unwrap().within(&source, 2..3)), "b");
    let json = json_file(text.strip_prefix("# é\n").map(|_| "{\"é\": [ 12 ]}").unwrap());
    let entry = &json.documents[0].entries()[0];
    assert_eq!((entry.key_span, entry.value.items()[0].span), (Span::new(1, 5), Span::new(9, 11)));
}

#[test]
fn json_takes_comments_and_nothing_else() {
    assert_eq!(values(&json_file("//workflow definition\n\n{\"a\": /* one */ 1}")), [json!({"a": 1})]);
    assert!(problem(&json_file("{\"a\": 1,}"), "E0104", 1, 8).contains("remove the comma"));
    assert!(problem(&json_file("{'a': 1}"), "E0104", 1, 2).contains("JSON quotes with"));
    assert!(problem(&json_file("{a: 1}"), "E0104", 1, 2).contains("quotes every name"));
    assert!(problem(&json_file("{\"a\": 1}\n{\"b\": 2}"), "E0104", 2, 1).contains("into a list"));
    assert!(problem(&json_file("{\"a\": 0777}"), "E0104", 1, 7).contains("leading zeros"));
    assert!(problem(&json_file("{\"a\": 1e400}"), "E0104", 1, 7).contains("quote it"));
}

#[test]
fn number_that_would_lose_digits_is_pointed_out() {
    assert!(problem(&json_file("[18446744073709551616]"), "W0101", 1, 2).contains("too large"));
    let parsed = yaml("a: 18446744073709551616\n");
    assert!(problem(&parsed, "W0101", 1, 4).contains("read as text"));
    assert_eq!(values(&parsed), [json!({"a": "18446744073709551616"})]);
}

#[test]
fn yaml_traps_are_read_as_text_and_pointed_out() {
    for (text, help) in [
        ("no", "write `false`"),
        ("Yes", "write `true`"),
        ("on", "write `true`"),
        ("0777", "quote it"),
        ("08", "quote it"),
        ("1_000", "quote it"),
        (".inf", "quote it"),
        ("1e400", "quote it"),
    ] {
        let parsed = yaml(&format!("a: {text}\n"));
        assert!(problem(&parsed, "W0101", 1, 4).contains(help), "{text}");
        assert_eq!(parsed.diagnostics[0].fix.as_ref().unwrap().replacement, format!("\"{text}\""));
        assert_eq!(values(&parsed), [json!({ "a": text })]);
    }
    let quoted = yaml("a: [\"no\", 'off', \"0777\"]\nno: 1\n");
    assert_eq!((quoted.diagnostics.len(), values(&quoted)), (0, vec![json!({"a": ["no", "off", "0777"], "no": 1})]));
}

#[test]
fn plain_numbers_are_those_of_yaml_1_2() {
    let parsed = yaml("[0, -7, +5, 1.5, .5, 1., 1e3, 0x1F, 0o17, 12:30, 2026-11-20, 1.2.3, 0x, e5]");
    let expected = json!([0, -7, 5, 1.5, 0.5, 1.0, 1000.0, 31, 15, "12:30", "2026-11-20", "1.2.3", "0x", "e5"]);
    assert_eq!(values(&parsed), [expected]);
}

#[test]
fn unquoted_cron_is_explained() {
    let parsed = yaml("schedules:\n  - cronExpression: */5 * * * *\n");
    let text = problem(&parsed, "E0108", 2, 21);
    assert!(text.contains("a cron expression that starts with `*` needs quotes"), "{text}");
    assert_eq!(parsed.diagnostics[0].fix.as_ref().unwrap().replacement, "\"0 */5 * * * *\"");
    assert!(problem(&yaml("cronExpression: * * * * * *\n"), "E0108", 1, 17).contains("cron"));
    assert!(problem(&yaml("cronExpression: @daily\n"), "E0108", 1, 17).contains("cron"));
    assert!(problem(&yaml("a: *nowhere\n"), "E0108", 1, 4).contains("not defined"));
}

#[test]
fn unquoted_reference_in_a_flow_map_is_explained() {
    assert!(problem(&yaml("a: {b: ${workflow.input.x}}\n"), "E0103", 1, 9).contains("quote the text"));
}

#[test]
fn slashes_are_no_yaml_comment() {
    assert!(problem(&yaml("name: w\n// say\ntasks: []\n"), "E0103", 2, 1).contains("start with `#`"));
}

#[test]
fn tab_is_named() {
    assert!(problem(&yaml("a:\n\tb: 1\n"), "E0103", 2, 2).contains("spaces"));
}

#[test]
fn documents_of_a_yaml_file_are_all_read() {
    assert_eq!(
        values(&yaml("---\na: 1\n---\nb: 2\n...\n---\nc: 3\n")),
        [json!({"a": 1}), json!({"b": 2}), json!({"c": 3})]
    );
    assert!(values(&yaml("# nothing\n")).is_empty());
}

#[test]
fn duplicate_key_points_at_the_first() {
    for parsed in [yaml("a: 1\nb: 2\na: 3\n"), json_file("{\"a\": 1,\n\"b\": 2,\n\"a\": 3}")] {
        problem(&parsed, "E0105", 3, 1);
        let first = &parsed.diagnostics[0].related[0];
        assert_eq!(parsed.diagnostics[0].source.position(first.span.start).0, 1);
        assert_eq!(values(&parsed), [json!({"a": 1, "b": 2})]);
    }
}

#[test]
fn anchors_and_merge_keys_are_written_out() {
    let parsed = yaml("base: &b {x: 1, y: 2}\nother: &o {z: 3}\nc:\n  <<: [*b, *o]\n  y: 9\nd: *b\n'<<': 1\n");
    let expected = json!({
        "base": {"x": 1, "y": 2}, "other": {"z": 3}, "c": {"y": 9, "x": 1, "z": 3}, "d": {"x": 1, "y": 2}, "<<": 1,
    });
    assert_eq!((parsed.diagnostics.len(), values(&parsed)), (0, vec![expected]));
    problem(&yaml("a: &a 1\nb:\n  <<: *a\n"), "E0107", 3, 3);
    problem(&yaml("a: &a [*a]\n"), "E0108", 1, 8);
}

#[test]
fn tags_and_keys_that_are_no_text_are_refused() {
    problem(&yaml("a: !foo bar\n"), "E0106", 1, 9);
    problem(&yaml("a: !!binary aGVsbG8=\n"), "E0106", 1, 13);
    problem(&yaml("{[1, 2]: 3}\n"), "E0107", 1, 2);
    problem(&yaml("? {a: 1}\n: 2\n"), "E0107", 1, 3);
}

#[test]
fn file_that_is_no_utf8_text_is_refused() {
    let refusal = |bytes: &[u8]| {
        let problem = decode("w.yaml", bytes).unwrap_err();
        (problem.code, problem.severity, problem.message, problem.span.map(|span| problem.source.position(span.start)))
    };
    let (code, severity, message, at) = refusal(b"name: w\nx: \xff\n");
    assert_eq!((code, severity, at), ("E0101", Severity::Error, Some((2, 4))), "{message}");
    assert!(refusal(b"\xff\xfea\0:\0").2.contains("UTF-16"));
    assert!(refusal(b"a\0:\0").2.contains("NUL"));
    assert_eq!(refusal(&vec![b'a'; FILE_BYTES_MAX + 1]).0, "E0102");
}

#[test]
fn byte_order_mark_is_no_part_of_the_first_key() {
    let source = decode("w.yaml", "\u{feff}a: 1".as_bytes()).unwrap();
    assert_eq!(values(&parse(&source, Syntax::Yaml)), [json!({"a": 1})]);
}

#[test]
fn nesting_ends_at_the_cap_in_both_syntaxes() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for syntax in [Syntax::Json, Syntax::Yaml] {
        let good = parse(&source("w", &nested(DEPTH_MAX)), syntax);
        assert_eq!((good.documents.len(), good.diagnostics.len()), (1, 0));
        for depth in [DEPTH_MAX + 1, 600, 20_000, FILE_BYTES_MAX / 2] {
            let bad = parse(&source("w", &nested(depth)), syntax);
            assert_eq!((bad.documents.len(), bad.diagnostics[0].code), (0, "E0102"), "{syntax:?} {depth}");
        }
    }
    for attack in [
        "- ".repeat(20_000),
        "a:\n ".to_owned(),
        (0..700).fold(String::new(), |mut text, depth| {
            let _ = writeln!(text, "{}a:", " ".repeat(depth));
            text
        }),
    ] {
        let parsed = yaml(&attack);
        assert!(parsed.diagnostics.iter().all(|problem| problem.code == "E0102"));
    }
    let through_aliases = (1..40).fold("a0: &a0 [[x]]\n".to_owned(), |mut text, index| {
        let _ = writeln!(text, "a{index}: &a{index} [[*a{}]]", index - 1);
        text
    });
    assert_eq!(yaml(&through_aliases).diagnostics[0].code, "E0102");
}

fn laughs(levels: usize, width: usize) -> String {
    let mut text = "a0: &a0 lol\n".to_owned();
    for level in 1..levels {
        let aliases = vec![format!("*a{}", level - 1); width].join(", ");
        let _ = writeln!(text, "a{level}: &a{level} [{aliases}]");
    }
    text
}

#[test]
fn values_written_out_by_aliases_count() {
    let merge_bomb = (1..2000).fold("a0: &a0 {k0: 1}\n".to_owned(), |mut text, index| {
        let _ = writeln!(text, "a{index}: &a{index} {{<<: *a{}, k{index}: 1}}", index - 1);
        text
    });
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), "*a, ".repeat(9_000));
    let many = format!("a: &a 1\nb: [{}]\n", "*a, ".repeat(20_000));
    for attack in [laughs(10, 10), laughs(40, 2), merge_bomb, long, many] {
        let parsed = yaml(&attack);
        assert_eq!(parsed.diagnostics[0].code, "E0102");
        assert!(parsed.documents.is_empty());
    }
}

#[test]
fn number_of_values_is_capped_in_both_syntaxes() {
    let list = |count: usize| format!("[{}1]", "1,".repeat(count - 1));
    for syntax in [Syntax::Json, Syntax::Yaml] {
        assert_eq!(parse(&source("w", &list(NODES_MAX - 1)), syntax).diagnostics.len(), 0);
        assert_eq!(parse(&source("w", &list(NODES_MAX)), syntax).diagnostics[0].code, "E0102");
    }
}

#[test]
fn hostile_text_never_panics() {
    // A small linear congruential generator: the same texts on every run.
    let mut state: u64 = 42;
    let alphabet = [
        "{", "}", "[", "]", ":", " ", "\n", "- ", "&a ", "*a", "\"", "'", "#", "|\n", "é", "\t", "? ", "!x ", ",",
        "<<: ", "---\n", "0", "%", "//", "\u{7f}",
    ];
    for _ in 0..3_000 {
        let mut text = String::new();
        for _ in 0..40 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(alphabet[usize::try_from(state >> 33).unwrap() % alphabet.len()]);
        }
        for syntax in [Syntax::Json, Syntax::Yaml] {
            let parsed = parse(&source("w", &text), syntax);
            for span in parsed.diagnostics.iter().filter_map(|problem| problem.span) {
                assert!(text.get(span.start..span.end).is_some(), "{span:?} in {text:?}");
            }
        }
    }
}

#[test]
fn syntax_goes_by_name_and_else_by_the_first_character() {
    assert_eq!(Syntax::of(&source("a.JSON", "")), Syntax::Json);
    assert_eq!(Syntax::of(&source("a.yml", "{}")), Syntax::Yaml);
    assert_eq!(Syntax::of(&source("-", " // x\n{}")), Syntax::Json);
    assert_eq!(Syntax::of(&source("-", "name: w")), Syntax::Yaml);
    assert!(matches!(yaml("~").documents[0].value, Tree::Null));
}
