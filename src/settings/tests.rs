use std::time::Duration;

use serde_json::json;

use super::{Allowed, Denied, Settings};
use crate::words::{GrantTarget, Grantee, Permission, Source};

/// The file of the documents, with every default.
const DEFAULTS: &str = r#"
[folders]
workflows = "workflows"
secrets = "secrets"
state = ".keytide"
[environment]
[environments.staging]
[secrets]
versions = 5
store_retry = "72h"
[history]
retry_window = "24h"
keep = "30d"
[audit]
keep = "forever"
[schedules]
overlap = "skip"
dst = "once"
start = true
[http]
timeout = "30s"
body_max = "10MiB"
deny = ["link-local", "self"]
allow = []
proxy = ""
ca_file = ""
traceparent = false
[server]
listen = "127.0.0.1:8321"
open = false
tls_cert = ""
tls_key = ""
open_metrics = false
metrics_secret_names = false
[access]
workflows = "open"
[groups]
"#;

fn source(name: &str, text: &str) -> Source {
    Source { name: name.into(), text: text.into() }
}

fn load(text: &str) -> (Settings, Vec<String>) {
    load_both(text, None)
}

fn load_both(text: &str, policy: Option<&str>) -> (Settings, Vec<String>) {
    let policy = policy.map(|text| source("policy.toml", text));
    let (settings, diagnostics) = Settings::load(Some(&source("keytide.toml", text)), policy.as_ref(), Some("staging"));
    let lines = diagnostics.iter().map(|problem| {
        let (line, column) = problem.span.map_or((0, 0), |span| problem.source.position(span.start));
        let help = problem.help.as_deref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{}:{line}:{column} {} {}{help}", problem.source.name, problem.code, problem.message)
    });
    (settings, lines.collect())
}

fn refused(text: &str, expected: &[&str]) {
    assert_eq!(load(text).1, expected, "{text}");
}

#[test]
fn every_value_of_the_documents_is_the_default() {
    let (mut documented, problems) = load(DEFAULTS);
    assert_eq!(problems, [""; 0]);
    assert_eq!(documented.folders.secrets.take().as_deref(), Some("secrets"));
    documented.origins.clear();
    assert_eq!(documented, Settings::default());
    assert_eq!(Settings::load(None, None, None), (Settings::default(), Vec::new()));
}

#[test]
fn shown_defaults_are_those_of_the_documents() {
    let shown = Settings::default().sources();
    assert_eq!(shown.len(), 25);
    for row in shown {
        let (table, name) = row.key.split_once('.').unwrap();
        let after = &DEFAULTS[DEFAULTS.find(&format!("[{table}]")).unwrap()..];
        assert!(after.contains(&format!("\n{name} = {}\n", row.value)), "{row:?}");
        assert_eq!(row.source, "default");
    }
}

#[test]
fn values_are_read_and_their_places_known() {
    let (settings, problems) = load(
        r#"[folders]
state = "/var/lib/keytide"
[environment]
base = "https://a.example"
retries = 1_000
nested = { list = [1, 2.5, true], when = 2026-11-20 }
[environments.staging]
base = "https://staging.example"
[environments.other]
base = "no"
[secrets]
versions = 7
[history]
keep = "90m"
[schedules]
overlap = "allow"
dst = "spring"
start = false
[http]
timeout = "1500ms"
body_max = "512KiB"
deny = ["all", "loopback"]
allow = ["10.1.0.0/16", "::1", "API.example.com"]
proxy = "http://user:pw@proxy:3128"
[groups]
build = ["app:ci", "file:workflows/build/**"]
[[grant]]
to = "group:build"
on = "tag:team:build"
access = ["READ", "UPDATE"]
"#,
    );
    assert_eq!(problems, [""; 0]);
    let nested = json!({"list": [1, 2.5, true], "when": "2026-11-20"});
    let expected = json!({"base": "https://staging.example", "retries": 1000, "nested": nested});
    assert_eq!(json!(settings.environment), expected);
    assert_eq!((settings.secrets.versions, settings.history.keep), (7, Duration::from_mins(90)));
    assert!(settings.schedules.overlap_allowed && settings.schedules.dst_spring && !settings.schedules.start);
    assert_eq!((settings.http.timeout, settings.http.body_bytes_max), (Duration::from_millis(1500), 512 << 10));
    assert_eq!(settings.http.deny, [Denied::All, Denied::Loopback]);
    assert_eq!(settings.http.allow[1], Allowed::Network("::1/128".parse().unwrap()));
    assert_eq!(settings.http.allow[2], Allowed::Host("api.example.com".to_owned()));
    let grant = &settings.access.grants[0];
    assert_eq!(grant.to, Grantee::Group("build".to_owned()));
    assert_eq!(grant.on, GrantTarget::Tag("team".to_owned(), "build".to_owned()));
    assert_eq!(grant.access, [Permission::Read, Permission::Update]);
    assert!(!format!("{settings:?}").contains("user:pw"));
    let rows = settings.sources();
    let row = |key: &str| rows.iter().find(|row| row.key == key).map(|row| (row.value.as_str(), row.source.as_str()));
    assert_eq!(row("folders.state"), Some(("\"/var/lib/keytide\"", "keytide.toml:2")));
    assert_eq!(row("http.timeout"), Some(("\"1500ms\"", "keytide.toml:20")));
    assert_eq!(row("http.proxy"), Some(("\"http://***@proxy:3128\"", "keytide.toml:24")));
    assert_eq!(row("environment.base"), Some(("\"https://staging.example\"", "keytide.toml:8")));
    assert_eq!(row("grant[0]"), Some(("READ, UPDATE on tag:team:build to group:build", "keytide.toml:27")));
}

#[test]
fn the_process_environment_overrides_and_is_named() {
    let (mut settings, _) = load("[environment]\nbase = \"a\"\n");
    settings.override_environment("base", "b", "KEYTIDE_ENV_base");
    assert_eq!(settings.environment["base"], "b");
    assert!(settings.sources().iter().any(|row| row.key == "environment.base" && row.source == "KEYTIDE_ENV_base"));
}

#[test]
fn unknown_names_are_errors_that_name_the_nearest() {
    refused(
        "[http]\ntimeot = \"1s\"\n",
        &["keytide.toml:2:1 E0602 unknown key `http.timeot` (did you mean `timeout`?)"],
    );
    refused("\n[htpp]\n", &["keytide.toml:2:2 E0602 unknown table `htpp` (did you mean `http`?)"]);
    refused(
        "[server]\nxyz = 1\n",
        &[
            "keytide.toml:2:1 E0602 unknown key `server.xyz` (known here: listen, open, tls_cert, tls_key, open_metrics, metrics_secret_names)",
        ],
    );
}

#[test]
fn wrong_values_are_errors_with_what_is_expected() {
    for (text, expected) in [
        ("[http]\ntimeout = 30\n", "2:11 E0603 `http.timeout` must be a duration up to 1h, as \"30s\""),
        ("[http]\ntimeout = \"0s\"\n", "2:11 E0603 `http.timeout` must be a duration up to 1h, as \"30s\""),
        ("[http]\ntimeout = \"2h\"\n", "2:11 E0603 `http.timeout` must be a duration up to 1h, as \"30s\""),
        ("[http]\nbody_max = \"10MB\"\n", "2:12 E0603 `http.body_max` must be a size up to 100MiB, as \"10MiB\""),
        ("[secrets]\nversions = 1\n", "2:12 E0603 `secrets.versions` must be a number from 2 to 100"),
        ("[schedules]\nstart = \"no\"\n", "2:9 E0603 `schedules.start` must be true or false"),
        ("folders = 1\n", "1:11 E0603 `folders` must be a table"),
        (
            "[[grant]]\nto = \"x:y\"\non = \"secret:a\"\naccess = [\"READ\"]\n",
            "2:6 E0603 `grant.to` must be file:GLOB, workflow:PATTERN, app:NAME or group:NAME",
        ),
    ] {
        refused(text, &[&format!("keytide.toml:{expected}")]);
    }
    assert_eq!(load("[server]\nlisten = \"0.0.0.0:80\"\nopen = true\n").1.len(), 1);
}

#[test]
fn every_problem_is_reported_at_once() {
    assert_eq!(load("[http]\na = 1\nb = 2\n[nothing]\n[[grant]]\nwho = 1\n").1.len(), 7);
    assert_eq!(
        load("[http\na = \n").1.iter().filter(|line| line.contains("E0601")).count(),
        load("[http\na = \n").1.len()
    );
}

#[test]
fn beside_a_policy_the_folder_cannot_widen_its_rights() {
    let all = "[access]\n[groups]\n[[grant]]\n[http]\n[server]\n";
    let (_, problems) = load_both(all, Some(""));
    assert_eq!(problems.len(), 5);
    assert!(problems.iter().all(|line| line.contains("E0604")), "{problems:?}");
    let (settings, problems) =
        load_both("[secrets]\nversions = 3\n", Some("[access]\nworkflows = \"granted\"\n[http]\ndeny = []\n"));
    assert_eq!(problems, [""; 0]);
    assert!(settings.access.workflows_granted && settings.http.deny.is_empty() && settings.secrets.versions == 3);
    assert_eq!(
        load_both("", Some("[folders]\n")).1,
        [
            "policy.toml:1:2 E0604 `folders` belongs in keytide.toml (a policy has [access], [groups], [[grant]], [http] and [server])"
        ]
    );
}

/// Returns whether the schema takes a document.
fn schema_takes(document: &serde_json::Value) -> bool {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.set_default_draft(boon::Draft::V7);
    compiler.add_resource("config.json", serde_json::Value::Object(super::schema::config())).unwrap();
    let index = compiler.compile("config.json", &mut schemas).unwrap();
    schemas.validate(document, index).is_ok()
}

#[test]
fn schema_takes_what_the_reader_takes_and_refuses_other_types() {
    let texts = [
        "",
        "x",
        "skip",
        "spring",
        "granted",
        "72h",
        "forever",
        "5 m",
        "10MiB",
        "1GiB",
        "10.1.0.0/16",
        "http://p:1",
        "127.0.0.1:1",
    ];
    let mut probes: Vec<serde_json::Value> = texts.iter().map(|text| json!(text)).collect();
    probes.extend([json!(1), json!(2), json!(100), json!(101), json!(1.5), json!(true), json!([]), json!([5])]);
    probes.extend([json!(["all"]), json!(["self", "x"]), json!(["a.b", "10.0.0.1"]), json!([""])]);
    let mut taken = 0;
    for key in &super::keys::KEYS {
        let (table, name) = key.path.split_once('.').unwrap();
        for probe in &probes {
            // Of single values and lists of them, TOML and JSON say the same.
            let (_, diagnostics) = load(&format!("[{table}]\n{name} = {probe}\n"));
            let is_read = diagnostics.is_empty();
            let is_taken = schema_takes(&json!({table: {name: probe}}));
            // The reader knows more of texts than a schema can say: addresses, networks, limits of a duration.
            let is_text = probe.is_string()
                || probe.as_array().is_some_and(|items| items.iter().all(serde_json::Value::is_string));
            assert!(
                is_read == is_taken || is_text && is_taken,
                "{} = {probe}: read {is_read}, taken {is_taken}",
                key.path
            );
            taken += usize::from(is_read);
        }
    }
    assert!(taken > super::keys::KEYS.len(), "{taken}");
}

#[test]
fn schema_knows_the_tables_that_are_not_plain() {
    for (text, document) in [
        ("[environment]\na = {b = [1]}", json!({"environment": {"a": {"b": [1]}}})),
        ("[environments.staging]\na = 1", json!({"environments": {"staging": {"a": 1}}})),
        ("[groups]\nbuild = [\"app:ci\"]", json!({"groups": {"build": ["app:ci"]}})),
        (
            "[[grant]]\nto = \"app:ci\"\non = \"secret:a*\"\naccess = [\"READ\"]",
            json!({"grant": [{"to": "app:ci", "on": "secret:a*", "access": ["READ"]}]}),
        ),
    ] {
        assert!(load(text).1.is_empty() && schema_takes(&document), "{text}");
    }
    for (text, document) in [
        ("[nowhere]", json!({"nowhere": {}})),
        ("[http]\ntimeuot = \"1s\"", json!({"http": {"timeuot": "1s"}})),
        ("environments = {staging = 1}", json!({"environments": {"staging": 1}})),
        ("[groups]\nbuild = [\"ci\"]", json!({"groups": {"build": ["ci"]}})),
        ("[[grant]]\nto = \"app:ci\"\non = \"secret:a\"", json!({"grant": [{"to": "app:ci", "on": "secret:a"}]})),
        (
            "[[grant]]\nto = \"ci\"\non = \"secret:a\"\naccess = [\"READ\"]",
            json!({"grant": [{"to": "ci", "on": "secret:a", "access": ["READ"]}]}),
        ),
        (
            "[[grant]]\nto = \"app:ci\"\non = \"all\"\naccess = [\"READ\"]",
            json!({"grant": [{"to": "app:ci", "on": "all", "access": ["READ"]}]}),
        ),
        (
            "[[grant]]\nto = \"app:ci\"\non = \"secret:a\"\naccess = [\"WRITE\"]",
            json!({"grant": [{"to": "app:ci", "on": "secret:a", "access": ["WRITE"]}]}),
        ),
    ] {
        assert!(!load(text).1.is_empty() && !schema_takes(&document), "{text}");
    }
}
