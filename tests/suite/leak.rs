//! No secret reaches a stream or a file in any encoding: every command's output at its most talkative, and every file of
//! the project, through seven rotations, an archive and a removal.

use keytide::words::Sensitive;

use super::forms::forms;
use super::rig::{Issued, Test, files, rotation};

/// How often the token changes: more often than versions are kept.
const ROTATIONS: usize = 7;

/// Everything that may not hold a secret, by where it was seen.
#[derive(Default)]
struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    fn run(&mut self, test: &Test, arguments: &[&str]) -> String {
        let ran = test.keytide(arguments);
        let name = arguments.join(" ");
        self.0.push((format!("stdout of {name}"), ran.stdout.clone().into_bytes()));
        self.0.push((format!("stderr of {name}"), ran.stderr.into_bytes()));
        ran.stdout
    }

    fn look(&mut self, test: &Test, when: &str) {
        for (path, bytes) in files(&test.path("")) {
            self.0.push((format!("{} {when}", path.display()), bytes));
        }
    }

    fn hold_none_of(&self, secrets: &[Sensitive]) {
        for secret in secrets {
            for (form, text) in forms(secret.expose()) {
                for (place, bytes) in &self.0 {
                    let holds = bytes.windows(text.len()).any(|window| window == text.as_bytes());
                    assert!(!holds, "{place} holds a secret as {form}");
                }
            }
        }
    }
}

#[test]
fn no_secret_is_shown_or_kept_in_clear_by_seven_rotations_an_archive_and_a_removal() {
    let issued = Issued::new();
    let test = Issued::project()
        .file("workflows/rotate.json", &rotation(&issued.issuer.token_url()))
        .file("keytide.toml", "[history]\nretry_window = \"1ms\"\n");
    let mut seen = Seen::default();
    for _ in 0..ROTATIONS {
        seen.run(&test, &["run", "update_rotate_secrets_tracker_app", "-vv", "-o", "json"]);
    }
    assert_eq!(issued.issuer.counts().issued, ROTATIONS as u64, "every run rotated");
    seen.look(&test, "after the rotations");
    let audit = seen.run(&test, &["audit", "-n", "1000", "--jsonl"]);
    assert!(audit.lines().filter(|line| line.contains("\"asked\"")).count() >= ROTATIONS, "{audit}");
    seen.run(&test, &["audit", "-n", "1000"]);
    let runs: serde_json::Value = serde_json::from_str(&seen.run(&test, &["runs", "-vv", "-o", "json"])).unwrap();
    for run in runs.as_array().unwrap() {
        seen.run(&test, &["show", run["workflowId"].as_str().unwrap(), "-vv", "-o", "json"]);
        seen.run(&test, &["show", run["workflowId"].as_str().unwrap()]);
    }
    for arguments in [
        &["check", "-vv", "-o", "json"][..],
        &["schedule", "list", "-vv", "-o", "json"],
        &["secret", "list", "-vv", "-o", "json"],
        &["secret", "get", "my_secret_holding_a_token", "-o", "json"],
        &["secret", "history", "my_secret_holding_a_token", "-o", "json"],
        &["config", "show", "-o", "json"],
        &["recipient", "list", "-o", "json"],
        &["secret", "rollback", "my_secret_holding_a_token", "-vv"],
        &["secret", "rm", "my_secret_holding_a_token", "--confirm", "my_secret_holding_a_token", "-vv"],
        &["runs", "-vv"],
    ] {
        seen.run(&test, arguments);
    }
    seen.look(&test, "after the removal");
    let mut secrets = issued.issuer.issued();
    secrets.extend([Issued::KEY_ID, Issued::KEY_SECRET].map(Sensitive::new));
    assert_eq!(secrets.len(), ROTATIONS + 2);
    seen.hold_none_of(&secrets);
}

#[test]
fn the_scan_finds_what_it_looks_for() {
    let secret = Sensitive::new("tok-4242-canary-value");
    for (form, text) in forms(secret.expose()) {
        let leaked = Seen(vec![("a file".to_owned(), format!("before {text} after").into_bytes())]);
        let found = std::panic::catch_unwind(|| leaked.hold_none_of(std::slice::from_ref(&secret)));
        assert!(found.is_err(), "{form} is not found");
    }
}

#[test]
fn a_stored_value_in_a_file_or_the_environment_is_masked_where_it_is_shown() {
    let canary = "canary-stored-4c1d-value";
    let wrong = format!(
        "name: wrong\nversion: one\ntasks:\n  - {{name: t, type: HTTP, taskReferenceName: {canary}, tsaks: \"{canary}\"}}\n"
    );
    let test = Test::new()
        .secret("token", canary)
        .file("workflows/wrong.yaml", &wrong)
        .file("keytide.toml", &format!("[environment]\nsame = \"{canary}\"\n"))
        .variable("KEYTIDE_ENV_OTHER", canary);
    let mut seen = Seen::default();
    for arguments in [
        &["check"][..],
        &["check", "-o", "json"],
        &["run", "workflows/wrong.yaml"],
        &["run", "workflows/wrong.yaml", "-o", "json"],
        &["config", "show"],
        &["config", "show", "-o", "json"],
    ] {
        let stdout = seen.run(&test, arguments);
        assert!(!stdout.is_empty() || arguments[0] == "run", "{arguments:?}");
    }
    seen.hold_none_of(&[Sensitive::new(canary)]);
    assert!(seen.0.iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains("tsaks")), "the line is shown");
}
