//! What a child is, seen from outside: it has given up what it does not need, and does not outlive a mistake.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use keytide::executor::script::ARGUMENT;
use serde_json::json;

use crate::rig::Rig;

/// Returns the children of this process that evaluate scripts, of all tests that run now.
fn children() -> BTreeSet<u32> {
    let parent = format!("PPid:\t{}\n", std::process::id());
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes
        .filter(|process: &u32| {
            read(*process, "status").contains(&parent) && read(*process, "cmdline").contains(ARGUMENT)
        })
        .collect()
}

fn read(process: u32, file: &str) -> String {
    let path: PathBuf = Path::new("/proc").join(process.to_string()).join(file);
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// What the kernel says of a child.
struct Seen {
    limits: String,
    status: String,
    environment: String,
    command_line: String,
    open: Option<BTreeSet<String>>,
}

/// Looks at one of the children. Other tests kill theirs, so what is looked at must be there afterwards.
fn seen() -> Seen {
    let look = |child: u32| {
        // Only root may see the files of a process that is not dumpable.
        let open = std::fs::read_dir(format!("/proc/{child}/fd")).ok();
        let names =
            |open: std::fs::ReadDir| open.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        let seen = Seen {
            limits: read(child, "limits"),
            status: read(child, "status"),
            environment: read(child, "environ"),
            command_line: read(child, "cmdline"),
            open: open.map(names),
        };
        (seen.status.contains("NoNewPrivs:\t1") && read(child, "cmdline").contains(ARGUMENT)).then_some(seen)
    };
    children().into_iter().find_map(look).expect("a script ran in a child that gave up its privileges")
}

#[test]
fn a_child_has_given_up_what_it_does_not_need() {
    let rig = Rig::new(4_000);
    rig.is_well();
    let child = seen();
    for limit in ["Max open files", "Max file size", "Max core file size", "Max processes"] {
        let line = child.limits.lines().find(|line| line.starts_with(limit)).unwrap();
        let values: Vec<_> = line[limit.len()..].split_whitespace().take(2).collect();
        assert_eq!(values, ["0", "0"], "{line}");
    }
    let address_space = child.limits.lines().find(|line| line.starts_with("Max address space")).unwrap();
    assert_eq!(address_space.matches("536870912").count(), 2, "{address_space}");
    assert_eq!(child.environment, "", "it has no environment");
    assert_eq!(child.command_line.matches('\0').count(), 2, "it has no argument but one");
    if let Some(open) = child.open {
        assert_eq!(open, BTreeSet::from(["0", "1", "2"].map(str::to_owned)));
    }
    rig.is_well();
}

#[test]
fn a_child_that_was_killed_is_replaced() {
    let rig = Rig::new(300);
    for _ in 0..4 {
        let reason = rig.javascript("new Array(1e9) + ''", json!({})).unwrap_err();
        assert!(reason.contains("it took longer than 300 ms"), "{reason}");
        rig.is_well();
    }
}
