//! `GET /metrics`: the page keeps the rules of Prometheus's format, agrees with what ran, and shows each what it may read.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keytide::observe::metrics::FAMILIES;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};
use serde_json::{Value, json};

use crate::metadata::noop;
use crate::server::Server;

/// The samples of a page, by name and labels.
struct Samples(BTreeMap<String, f64>);

impl Samples {
    /// Reads a page, and holds that it keeps the rules.
    fn read(page: &str) -> Self {
        let (mut samples, mut said) = (BTreeMap::new(), BTreeMap::new());
        let mut family = String::new();
        assert!(page.ends_with('\n'));
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                rest.split_once(' ').unwrap().0.clone_into(&mut family);
                assert!(said.insert(family.clone(), String::new()).is_none(), "{family} is there twice");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert_eq!(name, family);
                said.insert(family.clone(), kind.to_owned());
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let name = series.split('{').next().unwrap();
                let suffixes: &[&str] =
                    if said[&family] == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                assert!(suffixes.iter().any(|suffix| name == format!("{family}{suffix}")), "{line} is below {family}");
                let is_fine = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                assert!(is_fine(name), "{line}");
                let known = samples.insert(series.to_owned(), value.parse().unwrap());
                assert!(known.is_none(), "{series} is there twice");
            }
        }
        let samples = Self(samples);
        for (name, kind) in &said {
            samples.lint(name, kind);
        }
        samples
    }

    /// A counter is a total, what is measured is in base units, and the buckets of a histogram add up.
    fn lint(&self, name: &str, kind: &str) {
        assert!(name.starts_with("keytide_"), "{name}");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
        assert!(!["_ms", "_millis", "_minutes", "_hours", "_kb"].iter().any(|unit| name.contains(unit)), "{name}");
        if kind == "histogram" {
            assert!(name.ends_with("_seconds"), "{name}");
            let of = |suffix: &str| {
                let start = format!("{name}{suffix}");
                self.0.iter().filter(move |(series, _)| series.starts_with(&start))
            };
            for (series, count) in of("_count") {
                let labels = series.split_once('{').map_or("", |(_, labels)| labels.trim_end_matches('}'));
                let is_of = |series: &&String| labels.is_empty() || series.contains(&format!("{{{labels},le="));
                let buckets: Vec<_> = of("_bucket").filter(|(series, _)| is_of(series)).collect();
                let last = buckets.iter().find(|(series, _)| series.contains("le=\"+Inf\"")).unwrap();
                assert!(last.1.total_cmp(count).is_eq(), "{series}");
                let end = |series: &str| {
                    let text = series.split("le=\"").nth(1).unwrap().split('"').next().unwrap();
                    if text == "+Inf" { f64::INFINITY } else { text.parse().unwrap() }
                };
                let mut by_end: Vec<(f64, f64)> =
                    buckets.iter().map(|(series, count)| (end(series), **count)).collect();
                by_end.sort_by(|one, other| one.0.total_cmp(&other.0));
                assert!(by_end.is_sorted_by(|one, other| one.1 <= other.1), "{series}: {by_end:?}");
            }
        }
    }

    fn of(&self, series: &str) -> Option<f64> {
        self.0.get(series).copied()
    }
}

fn page(server: &Server) -> Samples {
    let answer = server.get("/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    Samples::read(&answer.body)
}

fn run(server: &Server, name: &str) {
    let id = server.json("POST", &format!("/api/workflow/{name}"), &json!({})).body;
    server.until(&format!("/api/workflow/{id}"), |workflow| workflow["endTime"].as_i64() > Some(0));
}

#[test]
fn the_page_agrees_with_what_ran() {
    let server = Server::new();
    let first = page(&server);
    assert_eq!(first.of(&format!("keytide_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))), Some(1.0));
    assert_eq!(first.of("keytide_store_writes_total"), Some(0.0));
    assert_eq!(server.json("POST", "/api/metadata/workflow", &noop("fine", 1)).status, 200);
    let rotates = json!({"name": "rotates", "version": 1, "ownerEmail": "a@example.com", "timeoutSeconds": 0, "tasks": [
        {"name": "u", "taskReferenceName": "u", "type": "UPDATE_SECRET",
            "inputParameters": {"_secrets": {"secretKey": "made", "secretValue": "${workflow.input.value}"}}}]});
    assert_eq!(server.json("POST", "/api/metadata/workflow", &rotates).status, 200);
    let schedule = json!({"name": "s", "cronExpression": "0 0 0 1 1 *", "startWorkflowRequest": {"name": "fine"}});
    assert_eq!(server.json("POST", "/api/scheduler/schedules", &schedule).status, 200);
    (0..3).for_each(|_| run(&server, "fine"));
    run(&server, "rotates");
    assert_eq!(server.json("PUT", "/api/secrets/other", &json!("some-value")).status, 200);
    let page = page(&server);
    let runs = |workflow: &str, status: &str| {
        let labels = format!("workflow=\"{workflow}\",status=\"{status}\",trigger=\"request\"");
        page.of(&format!("keytide_workflow_runs_total{{{labels}}}"))
    };
    assert_eq!((runs("fine", "COMPLETED"), runs("rotates", "FAILED")), (Some(3.0), Some(1.0)));
    assert_eq!(page.of("keytide_workflow_run_duration_seconds_count{workflow=\"fine\"}"), Some(3.0));
    assert_eq!(page.of("keytide_secret_rotation_failures_total{workflow=\"rotates\"}"), Some(1.0));
    assert_eq!(page.of("keytide_secret_rotation_failures_total{workflow=\"fine\"}"), Some(0.0));
    assert_eq!(page.of("keytide_task_duration_seconds_count{type=\"NOOP\",status=\"COMPLETED\"}"), Some(3.0));
    assert_eq!(page.of("keytide_store_writes_total"), Some(1.0));
    assert_eq!(page.of("keytide_workflows_running"), Some(0.0));
    let next = server.get("/api/scheduler/schedules/s").json()["nextRunTime"].as_f64().unwrap();
    let shown = page.of("keytide_schedule_next_fire_timestamp_seconds{schedule=\"s\"}").unwrap();
    assert!((shown - next / 1_000.0).abs() < 0.001, "{shown} {next}");
}

#[test]
fn secrets_are_named_where_the_settings_say_so_and_never_with_a_value() {
    for named in [false, true] {
        let server = Server::with(|settings| settings.server.metrics_secret_names = named);
        let rotates = json!({"name": "w", "version": 1, "ownerEmail": "a@example.com", "timeoutSeconds": 0, "tasks": [
            {"name": "u", "taskReferenceName": "u", "type": "UPDATE_SECRET", "inputParameters": {"_secrets":
                {"secretKey": "made", "secretValue": "${workflow.input.value}", "expiresIn": "1h"}}}]});
        assert_eq!(server.json("POST", "/api/metadata/workflow", &rotates).status, 200);
        assert_eq!(server.json("PUT", "/api/secrets/by_hand", &json!("canary-by-hand")).status, 200);
        let id = server.json("POST", "/api/workflow/w", &json!({"value": "canary-value-77aa"})).body;
        server.until(&format!("/api/workflow/{id}"), |workflow| workflow["status"] == "COMPLETED");
        let text = server.get("/metrics").body;
        assert!(!text.contains("canary") && !text.contains("by_hand"), "{text}");
        let labels = if named { "{secret=\"made\"}" } else { "" };
        let samples = Samples::read(&text);
        let rotated = samples.of(&format!("keytide_secret_last_rotation_timestamp_seconds{labels}")).unwrap();
        let expires = samples.of(&format!("keytide_secret_expiry_timestamp_seconds{labels}")).unwrap();
        assert!((expires - rotated - 3_600.0).abs() < 60.0, "{rotated} {expires}");
        assert_eq!(text.contains("made"), named, "{text}");
    }
}

#[test]
fn each_reads_the_series_of_what_it_may_read() {
    let server = Server::with(|settings| {
        let (to, on) = (Grantee::parse("app:ci").unwrap(), GrantTarget::parse("workflow:mine").unwrap());
        settings.access.grants.push(Grant { to, on, access: vec![Permission::Read] });
    });
    for name in ["mine", "other"] {
        assert_eq!(server.json("POST", "/api/metadata/workflow", &noop(name, 1)).status, 200);
        run(&server, name);
    }
    let token = server.signed_in("ci");
    let own = server.client(Some(&token), "GET", "/metrics", &Value::Null);
    assert_eq!(own.status, 200);
    assert!(own.body.contains("\"mine\"") && !own.body.contains("\"other\""), "{}", own.body);
    assert_eq!(server.client(None, "GET", "/metrics", &Value::Null).status, 401);
    let key = server.json("POST", "/api/applications/ci/accessKeys", &json!({})).json();
    let basic = |id: &Value, secret: &str| {
        let pair = format!("{}:{secret}", id.as_str().unwrap());
        format!("Basic {}", STANDARD.encode(pair))
    };
    let right = basic(&key["id"], key["secret"].as_str().unwrap());
    let scraped = server.by_clients("GET", "/metrics", &[("authorization", &right)]);
    assert_eq!((scraped.status, scraped.body.contains("\"other\"")), (200, false));
    let wrong = basic(&key["id"], "wrong");
    assert_eq!(server.by_clients("GET", "/metrics", &[("authorization", &wrong)]).status, 401);
    // A key opens this route only: everywhere else a client signs in.
    assert_eq!(server.by_clients("GET", "/api/secrets", &[("authorization", &right)]).status, 401);
}

#[test]
fn they_are_open_to_all_where_the_settings_say_so() {
    let server = Server::with(|settings| settings.server.open_metrics = true);
    assert_eq!(server.client(None, "GET", "/metrics", &Value::Null).status, 200);
    assert_eq!(server.client(None, "GET", "/api/secrets", &Value::Null).status, 401);
}

#[test]
fn what_is_shipped_for_prometheus_and_grafana_names_metrics_that_are_there() {
    let rules = include_str!("../../contrib/prometheus/rules.yaml");
    let board = include_str!("../../contrib/grafana/keytide.json");
    serde_json::from_str::<Value>(board).unwrap();
    let known: BTreeSet<&str> = FAMILIES.iter().map(|family| family.name()).collect();
    let mut named = BTreeSet::new();
    for text in [rules, board] {
        for word in text.split(|one: char| !(one.is_ascii_alphanumeric() || one == '_')) {
            if word.starts_with("keytide_") {
                let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix));
                named.insert(family.unwrap_or(word).to_owned());
            }
        }
    }
    assert!(named.len() > 10);
    let unknown: Vec<_> = named.iter().filter(|name| !known.contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(rules.contains("alert: SecretRotationOverdue"));
}
