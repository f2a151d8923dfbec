//! `check`, `explain`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::rig::{Running, Test};

const GOOD: &str = r#"{"name": "good", "version": 1, "schemaVersion": 2, "tasks": [
  {"name": "call", "taskReferenceName": "call", "type": "HTTP", "inputParameters": {
    "uri": "https://issuer.example/", "method": "GET", "headers": {"Authorization": "${workflow.secrets.token}"}}}]}"#;

#[test]
fn every_problem_of_every_file_is_shown_at_its_line() {
    let test = Test::new().file("workflows/a.json", "{\"name\": }").file("workflows/b.yaml", "name: b\nversion: 1\n");
    test.keytide(&["check"]).fails(1).prints("workflows/a.json:1:10").prints("workflows/b.yaml").tells("2 files");
    let found = test.keytide(&["check", "-o", "json"]).fails(1).json();
    let first = found[0].as_object().unwrap();
    let keys: Vec<_> = first.keys().collect();
    let expected = ["file", "line", "column", "endLine", "endColumn", "code", "severity", "message", "help", "fix"];
    assert_eq!(keys, expected);
    assert_eq!((&first["file"], &first["severity"]), (&"workflows/a.json".into(), &"error".into()));
}

#[test]
fn a_file_that_cannot_be_read_fails_the_check_as_any_other() {
    let long = format!("// {}\n", "x".repeat(2 << 20));
    let test = Test::new().file("workflows/good.json", GOOD).file("workflows/long.json", &long);
    let test = test.secret("token", "some-value");
    test.keytide(&["check"]).fails(1).prints("workflows/long.json").tells("2 files: 1 error");
    let found = test.keytide(&["check", "-o", "json"]).fails(1).json();
    assert_eq!((&found[0]["file"], &found[0]["code"]), (&"workflows/long.json".into(), &"E0101".into()));
}

#[test]
fn variables_that_were_set_over_the_api_are_known_while_the_daemon_answers() {
    let def = GOOD.replace("issuer.example", "${workflow.env.HOST}");
    let test = Test::new().file("workflows/a.json", &def).secret("token", "some-value");
    test.keytide(&["check"]).success().prints("the environment has no `HOST`");
    let mut serving = Running::serve(&test, &["--open", "--listen", "127.0.0.1:0"]);
    let line = serving.until("listening on ");
    let address = line.split_whitespace().find_map(|word| word.strip_prefix("http://")).unwrap();
    let address = address.trim_end_matches([',', '/']);
    let mut door = TcpStream::connect(address).unwrap();
    let (head, close) = (format!("PUT /api/environment/HOST HTTP/1.1\r\nHost: {address}\r\n"), "Connection: close\r\n");
    let request = format!("{head}{close}Content-Type: text/plain\r\nContent-Length: 14\r\n\r\nissuer.example");
    door.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    door.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    test.keytide(&["check"]).success().tells("1 file: no problems");
    drop(serving);
    test.keytide(&["check"]).success().prints("the environment has no `HOST`");
}

#[test]
fn an_expression_over_a_limit_is_told_before_it_runs() {
    let def = GOOD.replace("${workflow.secrets.token}", "${workflow.input.l[?(@ =~ /(?=a)a/)]}");
    let test = Test::new().file("workflows/a.json", &def);
    test.keytide(&["check"]).fails(1).prints("workflows/a.json:3:").prints("cannot be evaluated: its pattern uses");
}

#[test]
fn an_unknown_secret_is_a_warning_until_it_is_kept() {
    let test = Test::new().file("workflows/good.json", GOOD);
    test.keytide(&["check"]).success().prints("token").tells("1 warning");
    test.keytide(&["check", "--strict"]).fails(1);
    test.secret("token", "some-value").keytide(&["check", "--strict"]).success().tells("1 file: no problems");
}

#[test]
fn names_of_secrets_are_not_judged_where_the_store_is_closed() {
    let test = Test::empty().file("workflows/good.json", GOOD);
    test.keytide(&["check", "--strict"]).success().prints("cannot be opened").tells("1 note");
}

#[test]
fn one_file_is_checked_alone() {
    let test = Test::new().file("workflows/a.json", "{").file("other/good.json", GOOD).secret("token", "some-value");
    test.keytide(&["check", "other/good.json"]).success().tells("1 file: no problems");
    test.keytide(&["check", "nowhere.json"]).fails(3);
}

#[test]
fn a_code_is_explained() {
    let test = Test::empty();
    test.keytide(&["explain", "e0105"]).success().prints("twice");
    test.keytide(&["help", "W0315"]).success().prints("_secrets").prints("Wrong:").prints("Right:");
    test.keytide(&["help", "E9999"]).fails(3);
    test.keytide(&["help", "check"]).success().prints("--fix");
    test.keytide(&["explain", "E9999"]).fails(3);
}

/// A workflow with what `--fix` mends, and a comment and a layout that stay.
const FIXABLE: &str = "name: w # mine\nschemaVersion: 1\ntasks:\n- {name: a, taskReferenceName: a,   type: NOOP}\n";

#[test]
fn certain_problems_are_fixed_in_the_file_and_the_rest_of_it_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let test = Test::new().file("workflows/a.yaml", FIXABLE).file("kept/b.yaml", &format!("\u{feff}{FIXABLE}"));
    let (file, link) = (test.path("workflows/a.yaml"), test.path("linked.yaml"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink(test.path("kept/b.yaml"), &link).unwrap();

    test.keytide(&["check", "--fix", "--dry-run"]).success().prints("-schemaVersion: 1\n+schemaVersion: 2\n");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), FIXABLE);

    let fixed = FIXABLE.replace("schemaVersion: 1", "schemaVersion: 2");
    test.keytide(&["check", "--fix"]).success().tells("fixed workflows/a.yaml").tells("no problems");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), fixed);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    test.keytide(&["check", "--fix"]).success().tells("0 files: fixed");

    test.keytide(&["check", "--fix", "linked.yaml", "linked.yaml"]).success();
    assert!(link.is_symlink());
    assert_eq!(std::fs::read_to_string(test.path("kept/b.yaml")).unwrap(), format!("\u{feff}{fixed}"));
    test.keytide(&["check", "--dry-run"]).fails(2);
}

#[test]
fn no_value_in_clear_is_shown_by_a_dry_run() {
    let text = "{name: w, schemaVersion: 1, tasks: [{name: a, taskReferenceName: a, type: UPDATE_SECRET, inputParameters: {_secrets: {secretKey: k, secretValue: hunter22}}}]}";
    let test = Test::new().file("workflows/a.yaml", text);
    let ran = test.keytide(&["check", "--fix", "--dry-run"]).success().prints("(a value in clear)");
    assert!(!ran.stdout.contains("hunter22") && !ran.stderr.contains("hunter22"), "{}", ran.stdout);
}

#[test]
fn problems_are_told_to_github_and_to_code_scanning() {
    let test = Test::new().file("workflows/a, %b.yaml", FIXABLE);
    let ran = test.keytide(&["check", "--format", "github"]).fails(1);
    let place = "::error file=workflows/a%2C %25b.yaml,line=2,endLine=2,col=16,endColumn=17,title=E0206::";
    assert!(ran.stdout.starts_with(place), "{}", ran.stdout);
    assert_eq!(ran.stdout.lines().count(), 1);
    let sarif = test.keytide(&["check", "--format", "sarif"]).fails(1).json();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&sarif["version"], &result["ruleId"]), (&"2.1.0".into(), &"E0206".into()));
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"][0]["id"], "E0206");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "workflows/a%2C%20%25b.yaml");
    assert_eq!(place["region"]["startColumn"], 16);
    let changes = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(changes["insertedContent"]["text"], "2");
    assert_eq!(test.keytide(&["check", "--format", "json"]).fails(1).json()[0]["fix"]["certain"], true);
}

#[test]
fn scripts_that_cannot_be_read_are_told_and_none_is_evaluated() {
    let inputs = |kind: &str, field: &str, text: &str| json!({"name": kind, "taskReferenceName": kind, "type": kind, "inputParameters": {field: text}});
    let node = |kind: &str, field: &str, text: &str| {
        json!({"name": kind, "taskReferenceName": kind, "type": kind, field: text, "inputParameters": {"x": 1},
            "evaluatorType": "javascript", "caseValueParam": "x",
            "decisionCases": {"a": [{"name": "n", "taskReferenceName": format!("n{kind}"), "type": "NOOP"}]},
            "loopOver": [{"name": "m", "taskReferenceName": format!("m{kind}"), "type": "NOOP"}]})
    };
    let poll = |text: &str| {
        inputs("HTTP_POLL", "http_request", "").as_object().map(|task| {
            let mut task = task.clone();
            task["inputParameters"] =
                json!({"http_request": {"uri": "http://x/", "method": "GET", "terminationCondition": text}});
            json!(task)
        })
    };
    let workflow = |tasks: Value| json!({"name": "w", "version": 1, "tasks": tasks}).to_string();
    let good = workflow(json!([
        inputs("INLINE", "expression", "function f(){ return $.x; } f();"),
        inputs("LAMBDA", "scriptExpression", "if ($.a) { return 1; } else { throw new Error('never evaluated'); }"),
        inputs("JSON_JQ_TRANSFORM", "queryExpression", "def f: .a; f | error # never evaluated"),
        node("SWITCH", "expression", "while (true) {}"),
        node("DECISION", "caseExpression", "$.x == 1"),
        node("DO_WHILE", "loopCondition", "if ($.DO_WHILE['iteration'] < 2) { true; } else { false; }"),
        poll("$.output.response.body.done"),
    ]));
    let test = Test::new().file("workflows/good.json", &good);
    test.keytide(&["check"]).success();
    let bad = workflow(json!([
        inputs("INLINE", "expression", "1 +"),
        inputs("LAMBDA", "scriptExpression", "return {"),
        inputs("JSON_JQ_TRANSFORM", "queryExpression", ".a |"),
        node("SWITCH", "expression", "$.x =="),
        node("DECISION", "caseExpression", "'x"),
        node("DO_WHILE", "loopCondition", "$.x <"),
        poll("(function(){"),
    ]));
    let test = Test::new().file("bad.json", &bad);
    let found = test.keytide(&["check", "bad.json", "--format", "json"]).fails(1).json();
    let told: Vec<_> = found.as_array().unwrap().iter().filter(|problem| problem["code"] == "E0419").collect();
    assert_eq!(told.len(), 7, "{found:#}");
    let message = told[0]["message"].as_str().unwrap();
    assert!(message.starts_with("the script of INLINE `INLINE` cannot be read: SyntaxError"), "{message}");
}

#[test]
fn files_that_lie_where_nobody_looks_are_named_with_what_to_do() {
    let package = "{\"name\": \"other\", \"version\": \"1.0.0\"}";
    let test =
        Test::empty().file("defs/rotate.json", GOOD).file("package.json", package).file("node_modules/a.json", GOOD);
    let checked = test.keytide(&["check"]).fails(1);
    let checked = checked.tells("*.yaml").tells("these look like definitions: defs/rotate.json\n");
    checked.tells("`workflows = \"defs\"`").tells("`keytide check defs`");
    test.keytide(&["check", "defs"]).success().tells("1 file");
    let test = test.file("keytide.toml", "[folders]\nworkflows = \"defs\"\n");
    test.keytide(&["check"]).success().tells("1 file");
    let test = Test::empty().file("rotate.json", GOOD).file("workflows/.keep", "");
    test.keytide(&["check"]).tells("these look like definitions: rotate.json\n").tells("`keytide check .`");
    let test = Test::empty().file("package.json", package);
    test.keytide(&["check"]).tells("`keytide init`");
}
