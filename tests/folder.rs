//! The examples of this project, through the disk, the watcher's reading and the catalog.

use std::path::PathBuf;

use keytide::catalog::Catalog;
use keytide::disk::SystemDisk;
use keytide::watch::{Places, read_once};
use keytide::words::Timestamp;

#[test]
fn every_example_is_taken_without_a_problem() {
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let change = read_once(&SystemDisk, &Places { root: project.join("workflows"), project }, Timestamp::EPOCH);
    let catalog = Catalog::default().next(change.files, change.troubles);
    assert_eq!(catalog.problems(), []);
    let names: Vec<&str> = catalog.workflows().map(|definition| definition.pinned.workflow.name.as_str()).collect();
    assert_eq!(names, ["rotate_on_schedule", "update_rotate_secrets_tracker_app", "workflow-with-a-secret"]);
    assert_eq!(catalog.schedules().map(|owned| owned.def.name.as_str()).collect::<Vec<_>>(), ["rotate_on_schedule"]);
}
