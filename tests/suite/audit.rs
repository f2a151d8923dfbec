//! `keytide audit`, and what commands say of themselves.

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::rig::{Running, Test};

/// Returns what is said of a secret, in words, the oldest first.
fn told(test: &Test, secret: &str) -> Vec<String> {
    let ran = test.keytide(&["audit", "--secret", secret, "--jsonl", "-n", "100"]).success();
    let entries = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let words = |entry: Value| {
        let address = entry["actor"]["address"].as_str().unwrap_or_default();
        assert!(address.starts_with("uid "), "who asked is told: {entry}");
        format!("{} {}", entry["action"].as_str().unwrap(), entry["outcome"].as_str().unwrap())
    };
    entries.map(words).collect()
}

/// Does everything that a command does to a secret.
fn everything(test: Test) -> Test {
    let test = test.secret("token", "first-value").secret("token", "second-value");
    test.keytide(&["secret", "get", "token", "--reveal"]).success();
    test.keytide(&["secret", "tag", "token", "team:red"]).success();
    test.keytide(&["secret", "rollback", "token"]).success();
    test.keytide(&["exec", "--", "true"]).success();
    test.keytide(&["secret", "rollback", "token", "--to", "99"]).fails(3);
    test.keytide(&["secret", "rm", "token", "--confirm", "token"]).success();
    test
}

const ALL: [&str; 9] = [
    "create allowed",
    "write allowed",
    "reveal allowed",
    "tag allowed",
    "rollBack allowed",
    "read allowed",
    "rollBack allowed",
    "rollBack failed",
    "remove allowed",
];

#[test]
fn commands_are_in_the_audit_where_no_daemon_runs() {
    let test = everything(Test::new());
    assert_eq!(told(&test, "token"), ALL);
    let ran = test.keytide(&["audit", "-n", "3"]).success();
    assert!(ran.stdout.contains("secret:token") && !ran.stdout.contains("-value"), "{}", ran.stdout);
    test.keytide(&["audit", "--verify"]).success().tells("keep this line");
}

#[test]
fn commands_are_in_the_audit_of_the_daemon_that_runs_meanwhile() {
    let test = Test::new();
    let mut daemon = Running::serve(&test, &[]);
    daemon.until("serves");
    let test = everything(test);
    assert_eq!(told(&test, "token"), ALL, "asked of the daemon");
    test.keytide(&["audit", "--verify", "-o", "json"]).success();
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(told(&test, "token"), ALL, "and of the files");
    test.keytide(&["audit", "--verify"]).success();
}

#[test]
fn an_audit_that_was_changed_fails_with_the_first_broken_entry_named() {
    let test = everything(Test::new());
    test.keytide(&["audit"]).success();
    let journal = Connection::open(test.path(".keytide/journal.db")).unwrap();
    journal.execute_batch("DELETE FROM audit WHERE seq = 3").unwrap();
    drop(journal);
    test.keytide(&["audit", "--verify"]).fails(1).tells("entries 3 to 3 of the audit are missing");
    test.keytide(&["audit", "--acknowledge", " "]).fails(1).tells("reason");
    test.keytide(&["audit", "--acknowledge", "I tried it"]).success().tells("missing 3 to 3: I tried it");
    test.keytide(&["audit", "--verify"]).success().tells("acknowledged in entry").tells("I tried it");
    test.keytide(&["audit", "--acknowledge", "again"]).fails(4).tells("there is nothing to acknowledge");
    let journal = Connection::open(test.path(".keytide/journal.db")).unwrap();
    journal.execute_batch("DELETE FROM audit WHERE seq = 2").unwrap();
    drop(journal);
    test.keytide(&["audit", "--verify"]).fails(1).tells("entries 2 to 3 of the audit are missing");
    // What is wrong with it stops nobody's tokens.
    let test = test.secret("token", "third-value");
    assert_eq!(told(&test, "token").last().unwrap(), "create allowed");
}

#[test]
fn no_value_is_shown_and_nothing_is_changed_where_the_audit_cannot_be_written() {
    let test = Test::new().secret("token", "canary-value");
    let notes = test.path(".keytide/audit.notes");
    std::fs::rename(&notes, test.path("aside")).unwrap();
    std::fs::create_dir(&notes).unwrap();
    for arguments in [
        &["secret", "get", "token", "--reveal"][..],
        &["exec", "--", "env"],
        &["secret", "rm", "token", "--confirm", "token"],
        &["secret", "tag", "token", "team:red"],
    ] {
        let ran = test.keytide(arguments).fails(1).tells("the audit cannot be written, so nothing was done");
        assert!(!ran.stdout.contains("canary") && !ran.stderr.contains("canary"), "{arguments:?}");
    }
    std::fs::remove_dir(&notes).unwrap();
    std::fs::rename(test.path("aside"), &notes).unwrap();
    test.keytide(&["secret", "get", "token", "--reveal"]).success().stdout("canary-value");
    test.keytide(&["secret", "tag", "token"]).success().stdout("");
}

#[test]
fn commands_bring_their_notes_into_the_chain_before_there_are_many() {
    let mut test = Test::new();
    let chained = |test: &Test| {
        // Opening what is not there would make it.
        let Ok(journal) =
            Connection::open_with_flags(test.path(".keytide/journal.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
        else {
            return 0;
        };
        journal.query_row("SELECT count(*) FROM audit", [], |row| row.get::<_, i64>(0)).unwrap_or(0)
    };
    let mut commands = 0;
    while chained(&test) == 0 {
        commands += 1;
        assert!(commands < 100, "nobody brought them there");
        test = test.secret("token", &format!("value {commands}"));
    }
    assert_eq!(chained(&test), commands);
    let test = test.secret("token", "one more");
    assert_eq!(told(&test, "token").len(), 1 + usize::try_from(commands).unwrap());
    test.keytide(&["audit", "--verify"]).success();
}
