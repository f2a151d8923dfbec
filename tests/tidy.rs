//! The laws of the house that a compiler does not know, checked on the source: rooms and their layers, the prefixes
//! that only one room may use, and the small habits. `docs/ARCHITECTURE.md` says why each of them stands.
//!
//! Comments, texts and test code are exempt. Every message names `file:line` and what to do.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use syntax::{Module, Use};

#[path = "tidy/syntax.rs"]
mod syntax;

/// The rooms by layer. A room names only rooms of lower layers.
const LAYERS: [&[&str]; 9] = [
    &["words"],
    &["clock", "disk", "redact", "access", "settings"],
    &["workflow", "secret"],
    &["catalog", "scheduler", "engine"],
    &["journal", "executor", "watch", "observe"],
    &["daemon"],
    &["trial", "door", "live"],
    &["api", "client", "ui", "cluster", "mcp"],
    &["cli"],
];

/// What only some rooms may touch.
struct Kept {
    /// What is kept: paths that contain one of these, segment by segment.
    paths: &'static [&'static str],
    /// The rooms, or modules of rooms, that may name it.
    by: &'static [&'static str],
    /// What everyone else does.
    instead: &'static str,
}

/// The prefixes that only one room may use (or the few that the reason names).
const KEPT: &[Kept] = &[
    Kept {
        paths: &["std::fs", "std::os::unix::fs", "fs_err", "rustix::fs", "tempfile", "tokio::fs"],
        by: &["disk"],
        instead: "files are read and written through `disk`, which has a twin that fails on purpose",
    },
    Kept { paths: &["rusqlite"], by: &["journal"], instead: "only `journal` speaks to its database" },
    Kept {
        paths: &["SystemTime::now", "Timestamp::now", "Zoned::now", "Uuid::now_v7"],
        by: &["clock"],
        instead: "take `now` as an argument, or ask the `Clock` that was handed over",
    },
    Kept {
        // How long somebody waits is no time of day: the patience of a call, the grace of a shutdown.
        paths: &["Instant::now"],
        by: &["clock", "daemon", "executor"],
        instead: "take `now` as an argument, or ask the `Clock` that was handed over",
    },
    Kept {
        // A dispatcher waits for a message or a moment, an executor for an answer or a deadline.
        paths: &["thread::sleep", "time::sleep", "time::sleep_until", "time::interval"],
        by: &["clock", "daemon", "executor", "cli::demo"],
        instead: "a room that waits is handed a moment or a channel; sleeping belongs to `clock` and `daemon`",
    },
    Kept {
        paths: &["std::env"],
        // The child process of a script is this program again.
        by: &["cli", "executor::script"],
        instead: "`cli` reads the environment and hands over values",
    },
    Kept {
        paths: &["println!", "print!", "eprintln!", "eprint!", "process::exit", "io::stdout", "io::stderr"],
        // The child process of a script answers its parent over its own output, which is a pipe.
        by: &["cli", "executor::script::evaluator"],
        instead: "return a value or an error; `cli` prints and exits",
    },
    Kept {
        paths: &["reqwest", "TcpStream", "UdpSocket", "UnixStream", "tokio::net"],
        // The faces own the two sockets that clients come in by; the demo's issuer is a server of its own.
        by: &["executor::http", "client", "cluster", "daemon", "api", "cli::demo"],
        instead: "calls go out through `executor::http` (tasks) or `client` (our own API)",
    },
    Kept {
        paths: &["TcpListener", "UnixListener"],
        by: &["daemon", "api", "cli::demo"],
        instead: "`daemon` and `api` open the sockets that clients come in by",
    },
    Kept {
        paths: &["process::Command", "tokio::process"],
        by: &["executor::script", "cli"],
        instead: "child processes belong to `executor::script` and `cli` (`exec`)",
    },
    Kept {
        paths: &["thread::spawn", "thread::Builder", "thread::scope"],
        by: &["daemon", "executor"],
        instead: "`daemon` and `executor` own the threads",
    },
    Kept {
        paths: &["tokio::spawn", "tokio::task", "tokio::runtime", "JoinSet"],
        // The client is called from outside of every runtime, so it brings one.
        by: &["daemon", "executor", "client", "cli::demo"],
        instead: "`daemon` and `executor` own the tasks and the runtime",
    },
];

/// Lines of product code a file may have; one that is longer wants two names.
const LINES_MAX: usize = 400;

#[test]
fn a_room_names_only_rooms_of_lower_layers() {
    let mut problems = Problems::default();
    for module in modules() {
        let Some(room) = module.room() else { continue };
        let Some(layer) = layer_of(room) else {
            problems.add(&module, 1, &format!("`{room}` is no room; give it a layer in the table of tests/tidy.rs"));
            continue;
        };
        for Use { line, path } in module.uses() {
            let Some(other) = path.strip_prefix("crate::").map(|rest| rest.split("::").next().unwrap_or(rest)) else {
                continue;
            };
            // A name that is no room is an item of this file, seen from a module inside it.
            if let Some(above) = layer_of(other).filter(|above| *above >= layer && other != room) {
                let advice = "move what is shared down, or hand it in from above";
                let message = format!("`{room}` (layer {layer}) names `{other}` (layer {above}); {advice}");
                problems.add(&module, line, &message);
            }
        }
    }
    problems.settle();
}

#[test]
fn what_one_room_keeps_no_other_touches() {
    let mut problems = Problems::default();
    for module in modules() {
        for Use { line, path } in module.uses() {
            for kept in KEPT {
                let touched = kept.paths.iter().find(|kept| contains(&path, kept));
                if let Some(touched) = touched.filter(|_| !kept.by.iter().any(|room| module.is_within(room))) {
                    problems.add(
                        &module,
                        line,
                        &format!("`{touched}` is kept by {}; {}", kept.by.join(", "), kept.instead),
                    );
                    break;
                }
            }
        }
    }
    problems.settle();
}

#[test]
fn a_file_has_one_name_and_at_most_400_lines() {
    let mut problems = Problems::default();
    for module in modules() {
        let lines = module.product_lines();
        if lines > LINES_MAX {
            problems.add(
                &module,
                LINES_MAX,
                &format!("{lines} lines of product code; a file over {LINES_MAX} wants two names"),
            );
        }
    }
    problems.settle();
}

#[test]
fn every_room_says_what_it_does_and_never_does() {
    let mut problems = Problems::default();
    for module in modules() {
        let is_door = module.path.len() <= 1;
        if is_door && !module.text.starts_with("//!") {
            problems.add(&module, 1, "begin with `//!`: what the room does and what it must never do");
        }
    }
    problems.settle();
}

#[test]
fn nothing_is_left_over() {
    let mut problems = Problems::default();
    // Each is put together here, so that this file is looked at as well.
    let notes = [("TO", "DO"), ("FIX", "ME"), ("XX", "X")].map(|(one, other)| format!("{one}{other}"));
    let lints = ["[allow(", "![allow(", "[ignore"].map(|lint| format!("#{lint}"));
    let macros = ["todo", "dbg", "unimplemented"].map(|name| format!("{name}!("));
    let markers: Vec<String> = notes.into_iter().chain(lints).chain(macros).collect();
    for file in files(&["src", "tests", "benches"], &["rs"]) {
        for (number, line) in (1..).zip(read(&file).lines()) {
            if let Some(marker) = markers.iter().find(|marker| line.contains(marker.as_str())) {
                let advice = "open an issue, or finish it (a lint is settled with `#[expect(lint, reason = …)]`)";
                problems.add_at(&file, number, &format!("`{marker}` stays out of the tree; {advice}"));
            }
        }
    }
    problems.settle();
}

#[test]
fn no_private_key_and_no_machine_is_in_the_tree() {
    let mut problems = Problems::default();
    // Written apart, so that this file does not find itself.
    let homes = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tmp/", "wt/"), concat!("/ho", "me/")];
    let kinds = ["rs", "toml", "md", "json", "yaml", "yml", "txt", "sh", "py", "run", "age", "lock", "gitignore"];
    for file in files(&["."], &kinds) {
        for (number, line) in (1..).zip(read(&file).lines()) {
            if has_private_key(line) {
                problems.add_at(&file, number, "a private key; tests make theirs when they run");
            }
            if let Some(home) = homes.iter().find(|home| line.contains(*home)) {
                problems.add_at(&file, number, &format!("`{home}` is a path of somebody's machine; say it relative"));
            }
        }
    }
    problems.settle();
}

/// An age identity: the prefix and at least twenty characters of key.
fn has_private_key(line: &str) -> bool {
    let prefix = concat!("AGE-SECRET", "-KEY-1");
    line.split(prefix).skip(1).any(|rest| {
        let key = rest.chars().take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit()).count();
        key >= 20
    })
}

fn layer_of(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

/// Whether `path` contains the segments of `kept` in a row.
fn contains(path: &str, kept: &str) -> bool {
    let path: Vec<&str> = path.split("::").collect();
    let kept: Vec<&str> = kept.split("::").collect();
    path.windows(kept.len()).any(|window| window == kept)
}

/// Every module of the library with the binary, test modules left out.
fn modules() -> Vec<Module> {
    let files = files(&["src"], &["rs"]);
    let all: Vec<Module> = files.iter().map(|file| Module::read(file, &read(file))).collect();
    let of_tests: Vec<String> = all.iter().flat_map(Module::test_modules).collect();
    let is_test = |module: &Module| of_tests.iter().any(|test| module.is_within(test));
    all.into_iter().filter(|module| !is_test(module)).collect()
}

/// The files below some folders of the project, in order; build output and hidden folders but `.ci` left out.
fn files(folders: &[&str], kinds: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder)) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder == Path::new(".") { PathBuf::from(&name) } else { folder.join(&name) };
            let kind = entry.file_type().expect("a directory entry has a type");
            if kind.is_dir() && name != "target" && (!name.starts_with('.') || name == ".ci") {
                open.push(path);
            } else if kind.is_file() && kinds.contains(&name.rsplit('.').next().unwrap_or(&name)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(file: &Path) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a file of the tree is UTF-8")
}

/// What was found, all of it at once.
#[derive(Default)]
struct Problems(String);

impl Problems {
    fn add(&mut self, module: &Module, line: usize, message: &str) {
        self.add_at(&module.file, line, message);
    }

    fn add_at(&mut self, file: &Path, line: usize, message: &str) {
        writeln!(self.0, "{}:{line}: {message}", file.display()).expect("a String takes everything");
    }

    fn settle(self) {
        assert!(self.0.is_empty(), "\n{}", self.0);
    }
}
