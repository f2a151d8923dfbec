//! Commands at a terminal: hidden prompts, and a run that is drawn while it goes.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};

use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};

use super::rig::Test;

const CANARY: &str = "canary-typed-5d1e-välue";

/// What the screen shows when the command has ended, with its code.
const ENDED: &str = "the command ended with ";

/// A terminal with somebody at it, and a command that runs there.
struct Terminal {
    child: Child,
    screen: File,
    /// The command's end of it, so that its modes can be looked at.
    line: OwnedFd,
    seen: String,
    /// How much of what was seen was waited for.
    read: usize,
}

impl Terminal {
    fn of(test: &Test, arguments: &[&str]) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        // A shell says when it is over: the screen itself has no end while we look at its modes.
        let script = format!("\"$@\"; echo \"{ENDED}$?.\"");
        let mut command = test.command_of("sh", &["-c", &script, "sh", env!("CARGO_BIN_EXE_keytide")]);
        command.args(arguments);
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        Self { child, screen: File::from(pty.master), line: pty.slave, seen: String::new(), read: 0 }
    }

    /// Reads the screen until this is on it, behind what was waited for before.
    fn until(&mut self, part: &str) -> &mut Self {
        let mut bytes = Vec::new();
        loop {
            if let Some(at) = self.seen[self.read..].find(part) {
                self.read += at + part.len();
                return self;
            }
            let is_over = self.seen[self.read..].contains(ENDED) && self.seen.ends_with(".\r\n");
            assert!(!is_over, "`{part}` is not on the screen:\n{}", self.seen);
            let mut some = [0; 512];
            let count = self.screen.read(&mut some).unwrap();
            bytes.extend_from_slice(&some[..count]);
            // A letter of several bytes may have come in part.
            if let Ok(text) = std::str::from_utf8(&bytes) {
                self.seen.push_str(text);
                bytes.clear();
            }
        }
    }

    fn type_in(&mut self, keys: &str) -> &mut Self {
        self.screen.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Waits for the end of the command and returns its code.
    fn code(&mut self) -> i32 {
        let from = self.until(ENDED).read;
        self.until(".\r\n");
        let code = self.seen[from..self.read].trim_end_matches(".\r\n");
        code.parse().unwrap_or_else(|_| panic!("{code:?} is no code"))
    }

    /// Returns whether the terminal shows what is typed and handles lines and Ctrl-C itself, as it did before.
    fn is_itself(&self) -> bool {
        let usual = LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG;
        tcgetattr(&self.line).unwrap().local_flags.contains(usual)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_typed_value_is_kept_and_never_shown() {
    let test = Test::new();
    let mut terminal = Terminal::of(&test, &["secret", "set", "token"]);
    terminal.until("Value of token: ").type_in(&format!("{CANARY}x\u{7f}\r"));
    terminal.until("Once more: ").type_in(&format!("{CANARY}\n")).until("created token v1");
    assert_eq!(terminal.code(), 0);
    assert!(terminal.is_itself());
    assert!(!terminal.seen.contains("canary") && !terminal.seen.contains("typed"), "{}", terminal.seen);
    test.keytide(&["secret", "get", "token", "--reveal"]).success().stdout(CANARY);
}

#[test]
fn two_values_that_differ_change_nothing() {
    let test = Test::new();
    let mut terminal = Terminal::of(&test, &["secret", "set", "token"]);
    terminal.until("Value of token: ").type_in(&format!("{CANARY}\n"));
    terminal.until("Once more: ").type_in(&format!("{CANARY}!\n")).until("differ");
    assert_eq!(terminal.code(), 2);
    assert!(terminal.is_itself() && !terminal.seen.contains("canary"), "{}", terminal.seen);
    test.keytide(&["secret", "exists", "token"]).fails(1);
}

#[test]
fn ctrl_c_at_a_hidden_prompt_gives_the_terminal_back() {
    for (typed, before) in [("", "Value of token: "), ("half a val", "Value of token: ")] {
        let test = Test::new();
        let mut terminal = Terminal::of(&test, &["secret", "set", "token"]);
        terminal.until(before);
        assert!(!terminal.is_itself(), "it is silent while it asks");
        terminal.type_in(&format!("{typed}\u{3}")).until("interrupted");
        assert_eq!(terminal.code(), 130);
        assert!(terminal.is_itself() && !terminal.seen.contains("half"), "{}", terminal.seen);
        test.keytide(&["secret", "exists", "token"]).fails(1);
    }
}

#[test]
fn nobody_is_asked_where_nobody_may_be() {
    let test = Test::new().secret("old", "some-value");
    for arguments in [&["secret", "set", "token", "--no-input"][..], &["secret", "rm", "old", "--no-input"]] {
        let mut terminal = Terminal::of(&test, arguments);
        terminal.until("error");
        assert_eq!(terminal.code(), 2, "{arguments:?}");
    }
    let mut terminal = Terminal::of(&test, &["secret", "rm", "old"]);
    terminal.until("Write its name: ").type_in("old\n").until("removed old");
    assert_eq!(terminal.code(), 0);
}

#[test]
fn a_run_is_drawn_while_it_goes_and_obeys_no_text_of_others() {
    let workflow = r#"{"name": "w", "version": 1, "tasks": [
      {"name": "wait", "taskReferenceName": "wait", "type": "WAIT", "inputParameters": {"duration": "1 seconds"}},
      {"name": "end", "taskReferenceName": "end", "type": "TERMINATE", "inputParameters": {
        "terminationStatus": "FAILED", "terminationReason": "red \u001b[31m and a title \u001b]0;x\u0007 end of it"}}]}"#;
    let test = Test::new().file("w.json", workflow);
    let mut terminal = Terminal::of(&test, &["run", "w.json"]);
    terminal.until("end of it").until("keytide show");
    assert_eq!(terminal.code(), 1);
    let seen = &terminal.seen;
    assert!(seen.contains("wait  WAIT  IN_PROGRESS  ") && seen.contains("✓ wait  WAIT  1."), "{seen:?}");
    assert!(seen.matches("wait  WAIT  IN_PROGRESS").count() > 2, "its time passes: {seen:?}");
    assert!(!seen.contains("\u{1b}[31m and") && !seen.contains("\u{1b}]0;"), "{seen:?}");
}
