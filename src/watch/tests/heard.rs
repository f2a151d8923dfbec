//! What a watcher hears of the real file system.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Project, signs, written};
use crate::catalog::News;
use crate::clock::SystemClock;
use crate::disk::SystemDisk;
use crate::watch::{Change, Places, Watcher};

/// Far longer than anything takes, so that a busy machine fails no test, and shorter than the scan that needs no event.
const PATIENCE: Duration = Duration::from_secs(15);

fn watch(places: Places) -> Watcher {
    Watcher::open(Arc::new(SystemDisk), Arc::new(SystemClock), places).0
}

/// Waits until a change says what is wanted.
fn expect(watcher: &mut Watcher, what: &str, wanted: impl Fn(&Change) -> bool) -> Change {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        match watcher.next(PATIENCE.saturating_sub(start.elapsed())) {
            Some(change) if wanted(&change) => return change,
            Some(_) | None => {}
        }
    }
    panic!("not heard of: {what}");
}

fn expect_sign(watcher: &mut Watcher, sign: &str) {
    expect(watcher, sign, |change| signs(Some(change)).iter().any(|found| found == sign));
}

#[test]
fn changes_additions_renames_and_removals_are_heard() {
    let project = Project::new();
    project.write("workflows/stays.yaml", "1");
    let mut watcher = watch(project.places());
    project.write("workflows/a.yaml", "1");
    expect_sign(&mut watcher, "+workflows/a.yaml");
    project.write("workflows/a.yaml", "2");
    let change = expect(&mut watcher, "the second text", |change| change.files.contains_key("workflows/a.yaml"));
    assert_eq!(written(&change, "workflows/a.yaml"), "2");
    fs::rename(project.path("workflows/a.yaml"), project.path("workflows/b.yaml")).unwrap();
    expect_sign(&mut watcher, "+workflows/b.yaml");
    expect_sign(&mut watcher, "-workflows/a.yaml");
    project.remove("workflows/b.yaml");
    expect_sign(&mut watcher, "-workflows/b.yaml");
}

#[test]
fn a_folder_made_while_watching_is_watched() {
    let project = Project::new();
    let mut watcher = watch(project.places());
    project.write("workflows/team/github/a.yaml", "1");
    expect_sign(&mut watcher, "+workflows/team/github/a.yaml");
    project.write("workflows/team/github/b.yaml", "1");
    expect_sign(&mut watcher, "+workflows/team/github/b.yaml");
}

#[test]
fn a_root_that_is_made_again_is_watched_again() {
    let project = Project::new();
    project.write("workflows/a.yaml", "1");
    let mut watcher = watch(project.places());
    fs::remove_dir_all(project.path("workflows")).unwrap();
    expect(&mut watcher, "the missing root", |change| !change.troubles.is_empty());
    project.write("workflows/a.yaml", "2");
    expect_sign(&mut watcher, "+workflows/a.yaml");
    project.write("workflows/b.yaml", "1");
    expect_sign(&mut watcher, "+workflows/b.yaml");
}

#[test]
fn a_root_link_that_is_swapped_is_watched_at_its_new_end() {
    let project = Project::new();
    project.write("trees/1/wf/a.yaml", "1");
    project.write("trees/2/wf/a.yaml", "2");
    project.link("trees/1", "current");
    let mut watcher = watch(Places { project: project.path("trees"), root: project.path("current/wf") });
    project.link("trees/2", "next");
    fs::rename(project.path("next"), project.path("current")).unwrap();
    let sign = format!("+{}", project.path("current/wf/a.yaml").display());
    expect_sign(&mut watcher, &sign);
    project.write("trees/2/wf/a.yaml", "3");
    expect_sign(&mut watcher, &sign);
}

#[test]
fn settings_are_heard_of() {
    let project = Project::new();
    let mut watcher = watch(project.places());
    project.write("keytide.toml", "[http]");
    expect(&mut watcher, "the settings", |change| change.settings.is_some());
}

#[test]
fn a_checkout_ends_with_the_new_files_and_removes_none_that_stay() {
    let project = Project::new();
    let names: Vec<String> = (0..2_000).map(|number| format!("workflows/{number}.yaml")).collect();
    for name in &names {
        project.write(name, "old");
    }
    let mut watcher = watch(project.places());
    for name in &names {
        project.remove(name);
        project.write(name, "new");
    }
    let mut changed = 0;
    while changed < names.len() {
        let change = expect(&mut watcher, "the checkout", |change| !change.files.is_empty());
        assert!(signs(Some(&change)).iter().all(|sign| sign.starts_with('+')), "{:?}", signs(Some(&change)));
        changed += change.files.values().filter(|news| **news == News::Written(b"new".to_vec())).count();
    }
}
