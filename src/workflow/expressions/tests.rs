mod limits;

use serde_json::Value;

use super::{DocumentLookup, resolve_text, shown};

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "double",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

#[track_caller]
fn check_vectors(vectors: &str) {
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let lookup = DocumentLookup(&vectors["document"]);
    let mut differences = Vec::new();
    for case in vectors["cases"].as_array().unwrap() {
        let resolved = resolve_text(case["expr"].as_str().unwrap(), &lookup).unwrap();
        let resolved = shown(&resolved);
        if *resolved != case["value"] || kind(&resolved) != case["type"] {
            differences.push(format!("{}\n  wanted {}\n  got    {resolved}", case["expr"], case["value"]));
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn every_recorded_answer_of_conductor_is_given() {
    check_vectors(include_str!("../../../tests/vectors/expressions.json"));
}

#[test]
fn every_recorded_edge_of_conductors_paths_is_given() {
    check_vectors(include_str!("../../../tests/vectors/expressions-edges.json"));
}

#[test]
fn every_recorded_corner_of_conductors_paths_is_given() {
    check_vectors(include_str!("../../../tests/vectors/expressions-corners.json"));
}

use serde_json::json;

use super::{SecretReference, SecretVersion, hand_off, inert, parse, references, references_in_template, resolve};

/// Resolves a template and hands it off to a store where every secret `x` is `<x>`, and `json` is a document.
fn sent(template: &Value, document: &Value) -> Value {
    let stored = resolve(template, &DocumentLookup(document)).unwrap();
    let sent = hand_off(&stored, &mut |reference: &SecretReference| {
        let secret =
            if reference.name == "json" { r#"{"a": {"b": 5}}"#.to_owned() } else { format!("<{}>", reference.name) };
        reference.pick(&secret)
    });
    sent.unwrap().into_owned()
}

#[track_caller]
fn check_sent(template: &str, input: &Value, expected: &Value) {
    let document = json!({"workflow": {"input": inert(input.clone())}});
    assert_eq!(sent(&json!(template), &document), *expected, "{template}");
}

#[test]
fn a_reference_in_the_definition_becomes_the_secret() {
    check_sent("${workflow.secrets.t}", &json!({}), &json!("<t>"));
    check_sent("Bearer ${workflow.secrets.t}!", &json!({}), &json!("Bearer <t>!"));
    check_sent("${workflow.secrets.json.a.b}", &json!({}), &json!(5));
    check_sent("${workflow.secrets.json.a}", &json!({}), &json!({"b": 5}));
    check_sent("b=${workflow.secrets.json.a.b}", &json!({}), &json!("b=5"));
    check_sent("${workflow.secrets.json.zz}", &json!({}), &json!(null));
    check_sent("[${workflow.secrets.json.zz}]", &json!({}), &json!("[]"));
    check_sent("${workflow.secrets.json}", &json!({}), &json!(r#"{"a": {"b": 5}}"#));
}

#[test]
fn a_secrets_name_may_come_from_the_data() {
    check_sent("${workflow.secrets.${workflow.input.x}}", &json!({"x": "t"}), &json!("<t>"));
    check_sent("a ${workflow.secrets.${workflow.input.x}} b", &json!({"x": "t"}), &json!("a <t> b"));
}

#[test]
fn data_never_becomes_a_live_reference() {
    let live = "${workflow.secrets.t}";
    for (template, input) in [
        ("${workflow.input.x}", json!({"x": live})),
        ("a ${workflow.input.x}", json!({"x": live})),
        ("${workflow.input.x}${workflow.input.y}", json!({"x": "$", "y": "{workflow.secrets.t}"})),
        ("${workflow.input.x}${workflow.input.y}", json!({"x": "${workflow.", "y": "secrets.t}"})),
        ("${workflow.input.x}secrets.t}", json!({"x": "${workflow."})),
        ("${workflow.input.x}{workflow.secrets.t}", json!({"x": "$"})),
        ("${workflow.input.x[*]}", json!({"x": [live]})),
        ("<${workflow.input.x[*]}>", json!({"x": [live, {live: 1}]})),
        ("<${workflow.input}>", json!({live: live})),
        ("${workflow.input.x.keys()}", json!({"x": {live: 1}})),
        ("${workflow.input.x.concat()}", json!({"x": ["$", "{workflow.secrets.t}"]})),
        ("${workflow.input.x.concat($.workflow.input.y)}", json!({"x": ["$"], "y": "{workflow.secrets.t}"})),
        ("${workflow.input.x.append(\"$${workflow.secrets.t}\")}", json!({"x": []})),
        ("${workflow.secrets.${workflow.input.x}}", json!({"x": "a} ${workflow.secrets.t"})),
        ("${workflow.secrets.t ${workflow.input.x}", json!({"x": "}"})),
        ("$${workflow.secrets.t}", json!({})),
        ("$$${workflow.secrets.t}", json!({})),
        ("$$$$${workflow.secrets.t} ${workflow.input.x}", json!({"x": 1})),
    ] {
        let document = json!({"workflow": {"input": inert(input)}});
        let once = resolve(&json!(template), &DocumentLookup(&document)).unwrap();
        assert_eq!(references(&once), [], "{template} gives {once}");
        let again = json!({"workflow": {"input": {"x": once, "y": "$"}}});
        for template in ["${workflow.input.x}", "$ ${workflow.input.x}", "${workflow.input.y}${workflow.input.x}"] {
            let twice = resolve(&json!(template), &DocumentLookup(&again)).unwrap();
            assert_eq!(references(&twice), [], "{template} gives {twice}");
        }
    }
}

#[test]
fn inert_text_is_shown_and_sent_as_it_came() {
    for text in [
        "${workflow.secrets.t}",
        "$${workflow.secrets.t}",
        "a $$$${workflow.secrets.t}$ ${workflow.secrets.",
        "$",
        "${x}",
    ] {
        let data = json!({"x": [text]});
        let stored = inert(data.clone());
        assert_eq!(*shown(&stored), data);
        check_sent("${workflow.input.x}", &json!({"x": text}), &json!(text));
        check_sent("<${workflow.input.x}>", &json!({"x": text}), &json!(format!("<{text}>").replace("$${", "${")));
    }
}

#[test]
fn a_live_reference_survives_dollars_before_it_and_copies_of_it() {
    check_sent("${workflow.input.x}${workflow.secrets.t}", &json!({"x": "cost $"}), &json!("cost $<t>"));
    check_sent("${workflow.input.x}${workflow.secrets.t}", &json!({"x": "cost $$"}), &json!("cost $$<t>"));
    let document =
        json!({"call": {"input": {"h": "Bearer ${workflow.secrets.t}", "o": {"k": "${workflow.secrets.t}"}}}});
    assert_eq!(sent(&json!("${call.input.h}"), &document), json!("Bearer <t>"));
    assert_eq!(sent(&json!("h: ${call.input.h}"), &document), json!("h: Bearer <t>"));
    assert_eq!(sent(&json!("o: ${call.input.o}"), &document), json!("o: {k=<t>}"));
}

#[test]
fn only_a_value_with_a_reference_is_copied() {
    let plain = json!({"a": ["${workflow.input.x}", 1, null]});
    assert!(matches!(shown(&plain), std::borrow::Cow::Borrowed(_)));
    let handed = hand_off(&plain, &mut |_: &SecretReference| Err("not asked"));
    assert!(matches!(handed, Ok(std::borrow::Cow::Borrowed(_))));
}

#[test]
fn a_secret_that_cannot_be_had_stops_the_hand_off() {
    let stored = json!({"a": "x ${workflow.secrets.gone} y"});
    assert_eq!(
        hand_off(&stored, &mut |reference: &SecretReference| Err(reference.name.clone())),
        Err("gone".to_owned())
    );
}

#[test]
fn references_name_secret_version_and_path() {
    let reference = |name: &str, version, path: Option<&str>| SecretReference {
        name: name.to_owned(),
        version,
        path: path.map(str::to_owned),
    };
    let template = json!(["${workflow.secrets.a}", {"b": "x ${workflow.secrets.b@previous.c.d} ${workflow.secrets.a@7}"},
        "$${workflow.secrets.no}", "${workflow.secrets.${workflow.secrets.inner}}", "${workflow.secrets.a}"]);
    assert_eq!(
        references_in_template(&template),
        [
            reference("a", None, None),
            reference("b", Some(SecretVersion::Previous), Some("c.d")),
            reference("a", Some(SecretVersion::Number(7)), None),
            reference("inner", None, None),
        ]
    );
    assert!(reference("a-b_9", None, None).has_valid_name());
    assert!(!reference("a b", None, None).has_valid_name());
}

#[test]
fn the_environment_is_read_with_its_paths_and_the_task_id_is_known() {
    let environment =
        json!({"region": "eu-1", "doc": "{\"a\": [1, 2], \"s\": \"x\"}", "evil": "${workflow.secrets.t}"});
    let document = json!({"workflow": {"env": environment}, "CPEWF_TASK_ID": "id-1"});
    for (template, expected) in [
        ("${workflow.env.region}", json!("eu-1")),
        ("in ${workflow.env.region}", json!("in eu-1")),
        ("${workflow.env.doc.a[1]}", json!(2)),
        ("${workflow.env.doc.$.s}", json!("x")),
        ("${workflow.env.doc.$}", json!({"a": [1, 2], "s": "x"})),
        ("${workflow.env.doc.zz}", json!(null)),
        ("${workflow.env.region.a}", json!(null)),
        ("${workflow.env.nope}", json!(null)),
        ("${workflow.env.evil}", json!("${workflow.secrets.t}")),
        ("${CPEWF_TASK_ID}", json!("id-1")),
        ("task ${CPEWF_TASK_ID}", json!("task id-1")),
        ("${PATH}", json!(null)),
    ] {
        assert_eq!(sent(&json!(template), &document), expected, "{template}");
    }
}

#[test]
fn names_of_fields_are_not_resolved() {
    let document = json!({"workflow": {"input": {"k": "v"}}});
    let template = json!({"${workflow.input.k}": {"l": ["${workflow.input.k}"]}});
    assert_eq!(resolve(&template, &DocumentLookup(&document)).unwrap(), json!({"${workflow.input.k}": {"l": ["v"]}}));
}

#[test]
fn parsing_tells_where_references_stand_and_what_they_start_with() {
    let text = "a $${no} ${one.output.x} ${workflow.input.${two.output.k}} ${['t.3'].output} ${$.four[0]} ${unclosed";
    let found = parse(text);
    let heads: Vec<_> =
        found.iter().flat_map(super::Reference::with_nested).filter_map(|part| part.head(text)).collect();
    let names: Vec<_> = heads.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["one", "workflow", "two", "t.3", "four"]);
    assert!(heads.iter().all(|(name, range)| text[range.clone()] == **name));
    assert_eq!(&text[found[1].range.clone()], "${workflow.input.${two.output.k}}");
    let readable = |text: &str| parse(text)[0].is_readable(text);
    assert!(readable("${a.b[0]}") && readable("${workflow.secrets.x.y}") && readable("${a.${b}}"));
    assert!(!readable("${ a.b }") && !readable("${a.b + 1}") && !readable("${a.}"));
}

/// A small generator (splitmix64), so that a failure can be replayed from its seed.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap() % below
    }
}

#[test]
fn random_text_neither_panics_nor_comes_alive() {
    const WORDS: [&str; 56] = [
        "${",
        "$${",
        "}",
        "{",
        "$",
        ".",
        "..",
        "[",
        "]",
        "(",
        ")",
        "*",
        "?",
        "@",
        "'",
        "\"",
        "\\",
        "/",
        "!",
        "==",
        "=~",
        "&&",
        "||",
        "<",
        "in",
        " ",
        ",",
        ":",
        "-",
        "0",
        "1",
        "99",
        "workflow",
        "input",
        "secrets.",
        "env.",
        "workflow.input.",
        "workflow.secrets.",
        "obj",
        "arr",
        "list",
        "s",
        "id",
        "length()",
        "concat(",
        "append(",
        "keys()",
        "[?(@.",
        "[*]",
        "é",
        "☃",
        "null",
        "true",
        "u006",
        "output",
        "t1",
    ];
    let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/expressions.json")).unwrap();
    let document = inert(vectors["document"].clone());
    let seed = std::env::var("KEYTIDE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_120);
    let mut random = Random(seed);
    for round in 0..20_000 {
        let length = 1 + random.next(24);
        let text: String = (0..length).map(|_| WORDS[random.next(WORDS.len())]).collect();
        let stored = inert(json!(text));
        assert_eq!(references(&stored), [], "seed {seed}, round {round}: {text}");
        assert_eq!(*shown(&stored), json!(text), "seed {seed}, round {round}: {text}");
        let data = json!({"workflow": {"input": {"x": stored, "d": "$"}}});
        for template in ["${workflow.input.x}", "${workflow.input.d}${workflow.input.x}${workflow.input.x}"] {
            let resolved = resolve_text(template, &DocumentLookup(&data)).unwrap();
            assert_eq!(references(&resolved), [], "seed {seed}, round {round}: {text}");
        }
        let resolved = resolve_text(&text, &DocumentLookup(&document)).unwrap();
        let again = inert(shown(&resolved).into_owned());
        assert_eq!(*shown(&again), *shown(&resolved), "seed {seed}, round {round}: {text}");
        for reference in parse(&text) {
            reference.head(&text);
            reference.is_readable(&text);
        }
    }
}
