//! Laws about limits: nothing hangs, and nothing is left out without a word.

use serde_json::{Value, json};

use crate::workflow::expressions::{DocumentLookup, Limit, SecretReference, resolve, resolve_text};

#[test]
fn hostile_expressions_end_soon_and_harm_nothing() {
    let mut deep = json!(1);
    for _ in 0..90 {
        deep = json!({"a": deep, "b": [1, 2]});
    }
    let wide: Vec<_> = (0..300).map(|at| json!({"id": at, "t": "a".repeat(20)})).collect();
    let document = json!({"workflow": {"input": {"deep": deep, "wide": wide, "s": "x".repeat(1_000_000)}}});
    let path = "workflow.input.";
    let hostile = [
        format!("${{{path}deep{}}}", "..*".repeat(60)),
        format!("${{{path}wide{}}}", "[*]".repeat(300)),
        format!("${{{path}wide[?({}@.id{})]}}", "(".repeat(5000), ")".repeat(5000)),
        format!("${{{path}wide[?({}@.id)]}}", "!".repeat(5000)),
        format!("${{{path}wide[?(@.t =~ /(a+)+(a+)+(a+)+$!/)]}}"),
        format!("${{{path}wide[?(@.t =~ /((a{{900}}){{900}}){{900}}/)]}}"),
        format!("${{{path}wide[?(@.id in $..id)].id}}"),
        format!("${{{path}wide[-2147483648:2147483647]}}"),
        format!("${{{path}wide{}}}", ".append($)".repeat(200)),
        format!("${{{path}wide[?($.{path}s == @.t)]}}"),
        format!("${{{path}wide[?($.{path}s =~ /(x?){{300}}y/)]}}"),
        format!("${{{path}wide[?($.{path}s =~ /(x*x*x*)*y/)]}}"),
        "${".repeat(100_000),
        "${".repeat(50_000) + &"}".repeat(50_000),
        "$".repeat(200_000) + "{workflow.secrets.x}",
        format!("${{{path}s}}").repeat(200),
        format!("${{{}}}", "a.".repeat(100_000)),
        format!("${{{}}}", "[".repeat(9_000)),
        format!("${{{}}}", "f(".repeat(4_000)),
        format!("${{$.concat({}1{})}}", "$.concat(".repeat(1000), ")".repeat(1000)),
        format!("${{{path}wide[?(@.id in {}{})]}}", "[".repeat(4000), "]".repeat(4000)),
    ];
    for expression in hostile {
        let start = std::time::Instant::now();
        let _ = resolve_text(&expression, &DocumentLookup(&document));
        let took = start.elapsed();
        assert!(took.as_secs() < 20, "{took:?} for {}", expression.chars().take(80).collect::<String>());
    }
}

#[test]
fn a_value_that_nests_in_itself_is_refused_before_it_is_too_deep_to_read_back() {
    let mut value = json!(1);
    for _ in 0..300 {
        let document = json!({"v": {"output": value}});
        match resolve(&json!({"inner": "${v.output}"}), &DocumentLookup(&document)) {
            Ok(deeper) => value = deeper,
            Err(hit) => return assert_eq!((hit.reference.as_str(), hit.limit), ("${v.output}", Limit::Nesting)),
        }
        let text = value.to_string();
        assert!(serde_json::from_str::<Value>(&text).is_ok());
    }
    panic!("nothing was refused");
}

#[test]
fn every_limit_says_which_it_is_and_where() {
    let wide: Vec<_> = (0..2_000).map(|id| json!({"id": id, "t": "a"})).collect();
    let document = json!({"a": {"wide": wide, "s": "x".repeat(1_000_000)}, "workflow": {"env": {"e": "{}"}}});
    let nested = |depth: usize| "${a.".repeat(depth) + &"}".repeat(depth);
    for (reference, limit) in [
        (format!("${{{}a}}", "a.".repeat(6_000)), Limit::Characters),
        (format!("${{{}a}}", "a.".repeat(300)), Limit::Steps),
        (format!("${{a.wide[?({}@.id{})]}}", "(".repeat(40), ")".repeat(40)), Limit::Conditions),
        (format!("${{a.wide[?({}@.id{})]}}", "!(".repeat(40), ")".repeat(40)), Limit::Conditions),
        (format!("${{a.wide[?(@.id in {}'a'{})]}}", "[".repeat(40), "]".repeat(40)), Limit::Literal),
        (nested(20), Limit::References),
        ("${a.wide[?(@.id in $..id)]}".to_owned(), Limit::Visits),
        ("${a.wide[?(@.t =~ /((b{900}){900}){900}/)]}".to_owned(), Limit::PatternSize),
        ("${a.wide[?(@.t =~ /(?=a)a/)]}".to_owned(), Limit::PatternSyntax),
        ("${a.wide[?(@.t =~ /\\p{L}/)]}".to_owned(), Limit::PatternSyntax),
        (format!("${{workflow.env.e.{}a}}", "a.".repeat(300)), Limit::Steps),
    ] {
        let shown: String = reference.chars().take(80).collect();
        for template in [reference.clone(), format!("say {reference}!")] {
            let hit = resolve_text(&template, &DocumentLookup(&document));
            let hit = hit.expect_err(&shown);
            assert_eq!(hit.limit, limit, "{shown}");
            assert!(hit.reference.starts_with(&shown), "{} is not {shown}", hit.reference);
            assert!(hit.reference.chars().count() <= 81);
        }
    }
    let many = "${a.s}".repeat(100);
    let hit = resolve_text(&many, &DocumentLookup(&document)).unwrap_err();
    assert_eq!((hit.reference.as_str(), hit.limit), ("${a.s}", Limit::Bytes));
    assert_eq!(hit.to_string(), "`${a.s}` cannot be evaluated: what is made here is over the limit of 67108864 bytes");
}

#[test]
fn what_conductor_cannot_read_is_null_and_no_limit() {
    let document = json!({"a": {"l": ["x"]}});
    for expression in ["${a.l[?(@ =~ /[/)]}", "${a.l[?(@ =~ /a)(b/)]}", "${a.}", "${a b}", "${a.l.sum()}"] {
        assert_eq!(resolve_text(expression, &DocumentLookup(&document)), Ok(Value::Null), "{expression}");
    }
}

#[test]
fn paths_of_one_template_share_one_budget() {
    let wide: Vec<_> = (0..1_000).map(|id| json!({"id": id})).collect();
    let document = json!({"a": {"wide": wide}});
    let one = "${a.wide[?(@.id in $..id)][0]}";
    assert!(resolve_text(one, &DocumentLookup(&document)).is_ok());
    let many: Vec<_> = std::iter::repeat_n(one, 50).collect();
    assert_eq!(resolve(&json!(many), &DocumentLookup(&document)).unwrap_err().limit, Limit::Visits);
}

#[test]
fn limit_in_the_path_into_a_secret_is_said() {
    let inner = format!("workflow.secrets.x.{}a", "a.".repeat(300));
    assert_eq!(SecretReference::parse(&inner).unwrap().pick("{}"), Err(Limit::Steps));
}
