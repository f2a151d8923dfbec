//! The published clients of Conductor against the built daemon: a closed port, an application with a key, a token issuer on
//! loopback, and an open port where the owner's things are done. `tests/clients/run` installs them and runs this; `cargo test` alone leaves it out.
//!
//! What a client does is in its own language, in the folder of its name. It ends with 0 where all holds, and says what it
//! holds; what only the owner can see is looked at here, when it has ended.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may stop at once, and say what it saw"
)]

use std::path::Path;
use std::process::Stdio;

use rig::{Issued, Running, Test, rotation};

mod aging;
#[path = "../suite/rig.rs"]
#[expect(dead_code, reason = "shared with tests/suite, which needs more of it")]
mod rig;

/// What the rotation stores.
const ROTATED: &str = "my_secret_holding_a_token";
/// A secret that is granted to nobody.
const UNGRANTED: &str = "canary-ungranted-7d20f1";

/// What the application may do everything to: what is named for it, and what the seed's rotation makes.
const OWN: [&str; 7] = [
    "secret:client_*",
    "workflow:client_*",
    "schedule:client_*",
    "environment:client_*",
    "tag:team:clients",
    "workflow:update_rotate_secrets_tracker_app",
    "secret:my_secret_holding_a_token",
];

#[test]
fn python() {
    holds("python");
}

#[test]
fn javascript() {
    holds("javascript");
}

#[test]
fn go() {
    holds("go");
}

#[test]
fn java() {
    holds("java");
}

/// Runs a client to its end, and looks at what it left.
fn holds(client: &str) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients").join(client).join("client");
    assert!(program.exists(), "the client is not installed: run tests/clients/run {client}");
    let issued = Issued::new();
    let test = Issued::project().secret("ungranted", UNGRANTED).file("keytide.toml", &settings());
    let test = test.file("rotation.json", &rotation(&issued.issuer.token_url()));
    let (served, url) = listening(&test, &["--listen", "127.0.0.1:0"]);
    let open = Test::new();
    let (open, open_url) = listening(&open, &["--listen", "127.0.0.1:0", "--open"]);
    let key = test.keytide(&["app", "create", "tester", "-o", "json"]).success().json();
    let (id, secret) = (key["id"].as_str().unwrap(), key["secret"].as_str().unwrap());
    let aging = aging::Front::start(&url, aging::Signing::new(&test, "tester", id));

    let mut command = test.command_of(program.to_str().unwrap(), &[]);
    command.env("CONDUCTOR_SERVER_URL", format!("{url}/api"));
    command.env("CONDUCTOR_AUTH_KEY", id).env("CONDUCTOR_AUTH_SECRET", secret);
    command.env("AGING_SERVER_URL", format!("{}/api", aging.url())).env("ROTATION", test.path("rotation.json"));
    command.env("OPEN_SERVER_URL", format!("{open_url}/api"));
    let ran = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    println!("{said}");
    assert!(ran.status.success(), "the {client} client ended with {}", ran.status);
    assert!(!said.contains(UNGRANTED), "what is granted to nobody was read");
    assert!(aging.refused() > 0, "no token expired in mid-use");

    let stored = test.keytide(&["secret", "get", ROTATED, "--reveal"]).success().stdout;
    let newest = issued.issuer.issued_last().expect("the rotation asked for a token");
    assert_eq!(stored.trim_end(), newest.expose());
    assert_eq!((served.stop(), open.stop()), (Some(0), Some(0)));
}

/// Starts a daemon, and returns where it listens.
fn listening(test: &Test, arguments: &[&str]) -> (Running, String) {
    let mut served = Running::serve(test, arguments);
    let line = served.until("listening on ");
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
    (served, url.trim_end_matches(',').to_owned())
}

fn settings() -> String {
    let all = r#"["READ", "CREATE", "UPDATE", "DELETE", "EXECUTE"]"#;
    let grant = |on: &str, access: &str| format!("[[grant]]\nto = \"app:tester\"\non = \"{on}\"\naccess = {access}\n");
    let own: String = OWN.iter().map(|on| grant(on, all)).collect();
    own + &grant("secret:appKey*", r#"["READ"]"#) + "[environment]\nclient_stage = \"testing\"\n"
}
