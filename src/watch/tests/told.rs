//! What a watcher makes of events and time, both told by the test.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{Project, Silent, Told, signs, written};
use crate::catalog::News;
use crate::disk::SystemDisk;
use crate::watch::{Places, read_once};
use crate::words::Timestamp;

#[test]
fn the_first_change_holds_every_definition_and_nothing_else() {
    let project = Project::new();
    for name in [
        "a.yaml",
        "b.yml",
        "deep/er/c.json",
        ".hidden.yaml",
        "a.test.yaml",
        "a.test.yml",
        "a.test.json",
        "notes.md",
        "a.yaml~",
        "4913",
    ] {
        project.write(&format!("workflows/{name}"), "x");
    }
    project.write("workflows/.git/d.yaml", "x");
    project.write("keytide.toml", "[server]");
    let told = Told::new(project);
    assert_eq!(signs(Some(&told.first)), ["+workflows/a.yaml", "+workflows/b.yml", "+workflows/deep/er/c.json"]);
    assert_eq!(told.first.settings, Some(News::Written(b"[server]".to_vec())));
    assert_eq!(told.first.troubles, []);
}

#[test]
fn a_named_path_that_exists_is_read_alone() {
    let project = Project::new();
    project.write("workflows/a.yaml", "1");
    project.write("workflows/b.yaml", "1");
    let mut told = Told::new(project);
    told.project.write("workflows/a.yaml", "2");
    told.project.write("workflows/b.yaml", "2");
    let change = told.hear("workflows/a.yaml").unwrap();
    assert_eq!(signs(Some(&change)), ["+workflows/a.yaml"]);
    assert_eq!(written(&change, "workflows/a.yaml"), "2");
    assert_eq!(signs(told.after(30_000).as_ref()), ["+workflows/b.yaml"]);
}

#[test]
fn the_same_bytes_are_no_news() {
    let project = Project::new();
    project.write("workflows/a.yaml", "1");
    let mut told = Told::new(project);
    told.project.write("workflows/a.yaml", "1");
    assert!(told.hear("workflows/a.yaml").is_none());
    assert!(told.after(30_000).is_none());
}

#[test]
fn what_no_event_told_is_found_by_the_next_scan() {
    let mut told = Told::new(Project::new());
    told.project.write("workflows/new/a.yaml", "1");
    assert!(told.after(29_999).is_none());
    assert_eq!(signs(told.after(1).as_ref()), ["+workflows/new/a.yaml"]);
}

#[test]
fn a_removal_counts_when_two_scans_half_a_second_apart_agree() {
    let project = Project::new();
    project.write("workflows/a.yaml", "1");
    project.write("workflows/b.yaml", "1");
    let mut told = Told::new(project);
    told.project.remove("workflows/a.yaml");
    assert!(told.hear("workflows/a.yaml").is_none());
    assert!(told.after(499).is_none());
    assert_eq!(signs(told.after(1).as_ref()), ["-workflows/a.yaml"]);
    assert!(told.after(30_000).is_none());
}

#[test]
fn a_file_that_is_made_again_was_never_away() {
    let project = Project::new();
    project.write("workflows/a.yaml", "1");
    project.write("workflows/b.yaml", "1");
    let mut told = Told::new(project);
    told.project.remove("workflows/a.yaml");
    assert!(told.hear("workflows/a.yaml").is_none());
    told.project.write("workflows/a.yaml", "1");
    assert!(told.after(500).is_none());
    told.project.remove("workflows/a.yaml");
    assert!(told.hear("workflows/a.yaml").is_none(), "the wait begins anew");
}

#[test]
fn a_renamed_file_is_written_at_once_and_removed_when_confirmed() {
    let project = Project::new();
    project.write("workflows/a.yaml", "1");
    let mut told = Told::new(project);
    fs::rename(told.project.path("workflows/a.yaml"), told.project.path("workflows/b.yaml")).unwrap();
    told.mailbox.tell_paths(vec![told.project.path("workflows/a.yaml")]);
    assert_eq!(signs(told.hear("workflows/b.yaml").as_ref()), ["+workflows/b.yaml"]);
    assert_eq!(signs(told.after(500).as_ref()), ["-workflows/a.yaml"]);
}

#[test]
fn a_missing_root_removes_nothing_and_is_told() {
    let project = Project::new();
    project.write("workflows/a.yaml", "1");
    let mut told = Told::new(project);
    fs::rename(told.project.path("workflows"), told.project.path("away")).unwrap();
    let change = told.hear("workflows").unwrap();
    assert_eq!(signs(Some(&change)), [""; 0]);
    assert!(change.troubles[0].message.starts_with("is not there; the 1 files last seen go on"), "{change:?}");
    assert!(told.after(600).is_none());
    fs::rename(told.project.path("away"), told.project.path("workflows")).unwrap();
    let change = told.hear("workflows").unwrap();
    assert_eq!((signs(Some(&change)).len(), change.troubles.len()), (0, 0));
}

#[test]
fn an_empty_root_removes_nothing_and_is_told() {
    let project = Project::new();
    project.write("workflows/a.yaml", "1");
    let mut told = Told::new(project);
    told.project.remove("workflows/a.yaml");
    let change = told.hear("workflows/a.yaml").unwrap();
    assert_eq!(change.troubles[0].place, "workflows");
    assert!(told.after(600).is_none());
    told.project.write("workflows/b.yaml", "1");
    assert_eq!(signs(told.hear("workflows/b.yaml").as_ref()), ["+workflows/b.yaml"]);
}

#[test]
fn settings_are_watched_and_removed_like_a_file() {
    let project = Project::new();
    let mut told = Told::new(project);
    told.project.write("keytide.toml", "[http]");
    let change = told.hear("keytide.toml").unwrap();
    assert_eq!(change.settings, Some(News::Written(b"[http]".to_vec())));
    told.project.remove("keytide.toml");
    assert!(told.hear("keytide.toml").is_none());
    assert_eq!(told.after(500).unwrap().settings, Some(News::Removed));
}

#[test]
fn a_link_is_followed_inside_of_the_root_only() {
    let project = Project::new();
    project.write("outside.yaml", "secret");
    project.write("workflows/..data/a.yaml", "1");
    project.link("..data/a.yaml", "workflows/a.yaml");
    project.link("../outside.yaml", "workflows/out.yaml");
    project.link("loop.yaml", "workflows/loop.yaml");
    project.link("missing.yaml", "workflows/nowhere.yaml");
    project.link(".", "workflows/again");
    let told = Told::new(project);
    assert_eq!(signs(Some(&told.first)), ["+workflows/a.yaml", "!workflows/loop.yaml", "!workflows/out.yaml"]);
    assert_eq!(written(&told.first, "workflows/a.yaml"), "1");
    assert!(!format!("{:?}", told.first).contains("secret"));
}

#[test]
fn a_swapped_config_map_is_seen_though_no_event_names_a_file() {
    let project = Project::new();
    project.write("workflows/..1/a.yaml", "1");
    project.write("workflows/..2/a.yaml", "2");
    project.link("..1", "workflows/..data");
    project.link("..data/a.yaml", "workflows/a.yaml");
    let mut told = Told::new(project);
    told.project.link("..2", "workflows/..data_tmp");
    fs::rename(told.project.path("workflows/..data_tmp"), told.project.path("workflows/..data")).unwrap();
    let change = told.hear("workflows/..data").unwrap();
    assert_eq!(written(&change, "workflows/a.yaml"), "2");
}

#[test]
fn a_swapped_root_link_is_another_tree() {
    let project = Project::new();
    project.write("trees/1/a.yaml", "1");
    project.write("trees/2/a.yaml", "2");
    project.link("trees/1", "current");
    let places = Places { project: project.path(""), root: project.path("current") };
    let mut told = Told::at(project, places, Silent::default());
    assert_eq!(written(&told.first, "current/a.yaml"), "1");
    told.project.link("trees/2", "next");
    fs::rename(told.project.path("next"), told.project.path("current")).unwrap();
    assert_eq!(written(&told.hear("current").unwrap(), "current/a.yaml"), "2");
}

#[test]
fn neither_fifo_nor_folder_nor_a_huge_file_is_read() {
    let project = Project::new();
    mknodat(CWD, project.path("workflows/fifo.yaml"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    fs::create_dir(project.path("workflows/folder.yaml")).unwrap();
    project.write("workflows/huge.yaml", &"x".repeat(1024 * 1024 + 1));
    project.write("workflows/large.yaml", &"x".repeat(1024 * 1024));
    let told = Told::new(project);
    let expected = ["!workflows/fifo.yaml", "!workflows/huge.yaml", "+workflows/large.yaml"];
    assert_eq!(signs(Some(&told.first)), expected);
}

#[test]
fn a_name_is_escaped_and_stays_one_name() {
    let project = Project::new();
    for name in
        [&b"a\xff.yaml"[..], b"a\\xff.yaml", b"line\nbreak.yaml", b"\x1b[31mred.yaml", "t\u{202e}urn.yaml".as_bytes()]
    {
        fs::write(project.path("workflows").join(OsStr::from_bytes(name)), "x").unwrap();
    }
    let told = Told::new(project);
    let names: Vec<&str> = told.first.files.keys().map(String::as_str).collect();
    let expected = [
        "workflows/\\u{1b}[31mred.yaml",
        "workflows/a\\\\xff.yaml",
        "workflows/a\\xff.yaml",
        "workflows/line\\nbreak.yaml",
        "workflows/t\\u{202e}urn.yaml",
    ];
    assert_eq!(names, expected);
}

#[test]
fn what_is_too_deep_is_told_and_the_rest_is_read() {
    let project = Project::new();
    project.write(&format!("workflows/{}deep.yaml", "d/".repeat(33)), "x");
    project.write(&format!("workflows/{}fine.yaml", "d/".repeat(32)), "x");
    let told = Told::new(project);
    assert_eq!(told.first.files.len(), 1);
    assert!(told.first.troubles[0].message.contains("deeper than 32"), "{:?}", told.first.troubles);
}

#[test]
fn a_watcher_that_hears_nothing_says_so_and_looks_every_second() {
    let project = Project::new();
    let places = project.places();
    let mut told = Told::at(project, places, Silent { deaf: Some("no ears".to_owned()) });
    assert!(told.first.troubles[0].message.ends_with("no ears"));
    told.project.write("workflows/a.yaml", "1");
    assert!(told.after(999).is_none());
    assert_eq!(signs(told.after(1).as_ref()), ["+workflows/a.yaml"]);
}

#[test]
fn a_clock_that_is_set_back_delays_nothing() {
    let mut told = Told::new(Project::new());
    told.project.write("workflows/a.yaml", "1");
    told.clock.set(Timestamp::EPOCH);
    assert_eq!(signs(told.watcher.next(Duration::ZERO).as_ref()), ["+workflows/a.yaml"]);
}

#[test]
fn noise_beside_the_root_is_not_looked_at() {
    let mut told = Told::new(Project::new());
    told.project.write("workflows/a.yaml", "1");
    for name in ["README.md", "secrets", "workflows/.a.yaml.swp", "workflows/.git/index", "workflows/notes.md"] {
        assert!(told.hear(name).is_none(), "{name}");
    }
    assert_eq!(signs(told.hear("workflows/a.yaml").as_ref()), ["+workflows/a.yaml"]);
}

#[test]
fn many_paths_at_once_are_one_scan() {
    let mut told = Told::new(Project::new());
    for number in 0..500 {
        told.project.write(&format!("workflows/{number}.yaml"), "1");
        told.mailbox.tell_paths(vec![told.project.path(&format!("workflows/{number}.yaml"))]);
    }
    assert_eq!(told.watcher.next(Duration::ZERO).unwrap().files.len(), 500);
}

#[test]
fn a_stopped_watcher_waits_no_more() {
    let mut told = Told::new(Project::new());
    told.watcher.stopper().stop();
    assert!(told.watcher.next(Duration::from_hours(1)).is_none());
    assert!(told.watcher.next(Duration::from_hours(1)).is_none());
}

#[test]
fn a_folder_outside_of_the_project_is_named_by_its_whole_path() {
    let (project, elsewhere) = (Project::new(), Project::new());
    elsewhere.write("workflows/a.yaml", "1");
    let places = Places { project: project.path(""), root: elsewhere.path("workflows") };
    let change = read_once(&SystemDisk, &places, Timestamp::EPOCH);
    assert_eq!(change.files.keys().next().unwrap(), elsewhere.path("workflows/a.yaml").to_str().unwrap());
}

#[test]
fn a_link_that_appears_is_found_through_its_event() {
    let project = Project::new();
    project.write("workflows/..real/a.yaml", "1");
    let mut told = Told::new(project);
    symlink("..real/a.yaml", told.project.path("workflows/a.yaml")).unwrap();
    assert_eq!(signs(told.hear("workflows/a.yaml").as_ref()), ["+workflows/a.yaml"]);
}
