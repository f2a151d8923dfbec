//! What the README shows is what a newcomer sees: its blocks run, in its order, and print what it says.

use std::process::{Command, Stdio};

use super::rig::{Issued, Test};

const README: &str = include_str!("../../README.md");
/// What `pass` prints for the README: the key that the issuer knows.
const PASS: &str =
    "#!/bin/sh\ncase $2 in issuer/id) printf %s \"$KEY_ID\";; issuer/key) printf %s \"$KEY_SECRET\";; esac\n";

/// A command of the README and the lines below it.
struct Shown {
    command: &'static str,
    lines: Vec<&'static str>,
}

/// Returns the commands of the README with what it says that they print.
fn shown() -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut is_open = false;
    for line in README.lines() {
        match (line.strip_prefix("    "), line.is_empty()) {
            (Some(line), _) if line.starts_with("$ ") => {
                let command = line[2..].split("   #").next().unwrap().trim();
                found.push(Shown { command, lines: Vec::new() });
                is_open = true;
            }
            (Some(line), _) if is_open => found.last_mut().unwrap().lines.push(line),
            // An empty line may be a part of what is printed.
            (None, true) if is_open => found.last_mut().unwrap().lines.push(""),
            _ => is_open = false,
        }
    }
    for one in &mut found {
        while one.lines.last().is_some_and(|line| line.is_empty()) {
            one.lines.pop();
        }
    }
    found
}

fn find(part: &str) -> Shown {
    shown().into_iter().find(|one| one.command.contains(part)).unwrap_or_else(|| panic!("the README has no `{part}`"))
}

/// Returns a line without what differs from run to run: ids, fingerprints, moments, durations, places, spaces.
fn steady(line: &str) -> String {
    let hex = |word: &str, digits: usize| word.len() == digits && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let word = |word: &str| {
        let bare = word.trim_matches(['(', ')', '"']);
        if hex(bare, 12) {
            return word.replace(bare, "FINGERPRINT");
        }
        if bare.len() == 36 && bare.split('-').all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return "ID".to_owned();
        }
        if word.ends_with('Z') && word.starts_with("20") && word.contains('T') {
            return "MOMENT".to_owned();
        }
        if word.starts_with("http://127.0.0.1:") {
            return "ISSUER".to_owned();
        }
        if word.starts_with("AGE-SECRET-KEY-1") {
            return "KEY".to_owned();
        }
        if word.starts_with(['/', '~']) {
            return word.rsplit('/').next().unwrap_or_default().to_owned();
        }
        if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
            "N".to_owned()
        } else {
            word.to_owned()
        }
    };
    line.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

/// Returns the lines that every run shows: that a task waits (`·`) or runs (`▸`) is shown only where it takes long enough.
fn steady_lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    lines.into_iter().filter(|line| !line.starts_with(['·', '▸'])).map(steady).collect()
}

/// Runs a command line in a shell, in a folder of the project, and returns what both streams got.
fn sh(test: &Test, folder: &str, line: &str) -> String {
    let mut command = Command::new("sh");
    let script = format!("{{ {line}; }} 2>&1");
    command.args(["-c", &script]).current_dir(test.path(folder)).env_clear();
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_keytide")).parent().unwrap();
    let path = format!("{}:{}:{}", test.path("bin").display(), programs.display(), std::env::var("PATH").unwrap());
    command.env("HOME", test.path("")).env("PATH", path);
    command.env("KEY_ID", Issued::KEY_ID).env("KEY_SECRET", Issued::KEY_SECRET);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{line}: {text}");
    text
}

#[test]
fn the_way_from_init_to_a_first_rotation_is_as_the_readme_shows_it() {
    use std::os::unix::fs::PermissionsExt;
    let issued = Issued::new();
    let test = Test::empty().file("bin/pass", PASS);
    std::fs::set_permissions(test.path("bin/pass"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let walk =
        ["keytide init", "issuer/id", "issuer/key", "keytide check", "keytide run rotate", "keytide secret list"];
    for (step, part) in walk.into_iter().enumerate() {
        let one = find(part);
        let folder = if step == 0 { "" } else { "rotation" };
        if part == "keytide check" {
            let example = test.path("rotation/workflows/rotate.yaml");
            let text = std::fs::read_to_string(&example).unwrap();
            std::fs::write(&example, text.replace("https://issuer.example/api/token", &issued.issuer.token_url()))
                .unwrap();
        }
        let said = sh(&test, folder, one.command);
        assert_eq!(steady_lines(said.lines()), steady_lines(one.lines), "{}", one.command);
    }
    assert_eq!(issued.issuer.counts().issued, 1);
}

#[test]
fn serve_greets_as_the_readme_shows_it() {
    let test = Test::empty();
    sh(&test, "", "keytide init rotation");
    let example = test.path("rotation/workflows/rotate.yaml");
    let text = std::fs::read_to_string(&example).unwrap();
    let text = ["schedules:", "  - cronExpression", "    zoneId"].iter().fold(text, |text, line| {
        assert!(text.contains(&format!("\n# {line}")), "{line}");
        text.replace(&format!("\n# {line}"), &format!("\n{line}"))
    });
    std::fs::write(&example, text).unwrap();
    let one = find("keytide serve");
    let wait = one.lines.len();
    let line = format!("keytide serve 2>&1 | {{ head -n {wait}; kill -INT $(cat pid); }} & sh -c 'true'; wait");
    // The daemon ends by itself where nobody reads what it says: `head` has gone by then, and the signal ends it.
    let line = line.replace("keytide serve 2>&1", "sh -c 'echo $$ > pid; exec keytide serve 2>&1'");
    let said = sh(&test, "rotation", &line);
    assert_eq!(steady_lines(said.lines()), steady_lines(one.lines));
}

#[test]
fn the_demo_prints_what_the_readme_shows() {
    let one = find("-- demo");
    let said = sh(&Test::empty(), "", "keytide demo --rotations 3");
    let (said, shown) = (steady_lines(said.lines()), steady_lines(one.lines));
    assert_eq!(said[..shown.len().min(said.len())], shown);
}

#[test]
fn every_command_of_the_readme_is_one_of_ours() {
    for one in shown().iter().filter(|one| one.command.starts_with("keytide ")) {
        let words: Vec<&str> = one.command.split("&&").next().unwrap().split_whitespace().skip(1).collect();
        let name = words.iter().take_while(|word| !word.starts_with('-')).take(1).copied();
        let arguments: Vec<&str> = name.chain(["--help"]).collect();
        Test::empty().keytide(&arguments).success();
    }
}
