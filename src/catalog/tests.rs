use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Catalog, Error, Name, News, Registration, Trouble};
use crate::words::{App, Owner};
use crate::workflow::definition::WorkflowDef;

/// A catalog, and how it came to be.
struct Folder(Catalog);

impl Folder {
    fn new() -> Self {
        Self(Catalog::default())
    }

    fn write(&mut self, file: &str, text: &str) {
        self.happen(file, News::Written(text.as_bytes().to_vec()));
    }

    fn remove(&mut self, file: &str) {
        self.happen(file, News::Removed);
    }

    fn happen(&mut self, file: &str, news: News) {
        self.0 = self.0.next(BTreeMap::from([(file.to_owned(), news)]), Vec::new());
    }

    fn register(&mut self, name: &str) -> Result<(), Error> {
        let def = WorkflowDef { name: name.to_owned(), version: 1, ..WorkflowDef::default() };
        self.0 = self.0.register(vec![(Registration::Workflow(Box::new(def)), Owner::App(App::parse("ci")))])?;
        Ok(())
    }

    /// The description of what is served: the tests tell versions apart by it.
    fn serves(&self, name: &str) -> Option<String> {
        self.0.workflow(name, None).and_then(|definition| definition.pinned.workflow.description.clone())
    }

    fn problems(&self) -> Vec<String> {
        self.0.problems().iter().map(|problem| format!("{}: {}", problem.place, problem.message)).collect()
    }
}

/// A good file.
fn workflow(name: &str, description: &str) -> String {
    versioned(name, 1, description)
}

fn versioned(name: &str, version: i32, description: &str) -> String {
    let task = r#"{"name": "wait_a_bit", "taskReferenceName": "n", "type": "NOOP"}"#;
    format!(
        r#"{{"name": "{name}", "version": {version}, "description": "{description}", "schemaVersion": 2, "tasks": [{task}]}}"#
    )
}

#[test]
fn a_broken_file_keeps_its_last_good_version_and_hurts_no_other() {
    let mut folder = Folder::new();
    folder.write("a.json", &workflow("a", "first"));
    folder.write("b.json", &workflow("b", "first"));
    folder.write("a.json", "{\"name\": ");
    assert_eq!(folder.serves("a").unwrap(), "first");
    assert_eq!(folder.problems(), ["a.json: has an error; its last good version goes on"]);
    folder.write("b.json", &workflow("b", "second"));
    assert_eq!(folder.serves("b").unwrap(), "second");
    folder.write("a.json", &workflow("a", "third"));
    assert_eq!((folder.serves("a").unwrap().as_str(), folder.problems().len()), ("third", 0));
}

#[test]
fn a_file_that_was_never_good_defines_nothing() {
    let mut folder = Folder::new();
    folder.write("a.json", r#"{"name": "a", "tasks": []}"#);
    assert!(folder.serves("a").is_none() && folder.0.workflow("a", None).is_none());
    assert!(folder.problems()[0].ends_with("nothing of it is taken"), "{:?}", folder.problems());
    assert!(!folder.0.problems()[0].diagnostics.is_empty());
}

#[test]
fn an_unreadable_file_keeps_its_last_good_version() {
    let mut folder = Folder::new();
    folder.write("a.json", &workflow("a", "first"));
    folder.happen("a.json", News::Unreadable("cannot be read: permission denied".to_owned()));
    assert_eq!(folder.serves("a").unwrap(), "first");
    let expected = "a.json: cannot be read: permission denied; its last good version goes on";
    assert_eq!(folder.problems(), [expected]);
}

#[test]
fn a_removed_file_takes_its_definitions_along() {
    let mut folder = Folder::new();
    folder.write("a.json", &workflow("a", "first"));
    folder.write("a.json", "{");
    folder.remove("a.json");
    assert!(folder.serves("a").is_none());
    assert_eq!(folder.problems(), [""; 0]);
}

#[test]
fn one_name_in_two_files_is_a_problem_of_both_and_the_last_good_one_serves() {
    let mut folder = Folder::new();
    folder.write("b.json", &workflow("w", "from b"));
    folder.write("a.json", &workflow("w", "from a"));
    assert_eq!(folder.serves("w").unwrap(), "from b");
    let places: Vec<String> = folder.0.problems().into_iter().map(|problem| problem.place).collect();
    assert_eq!(places, ["a.json", "b.json"]);
    folder.write("b.json", &workflow("w", "changed in b"));
    assert_eq!(folder.serves("w").unwrap(), "from b", "neither is taken while both claim it");
    folder.remove("a.json");
    assert_eq!((folder.serves("w").unwrap().as_str(), folder.problems().len()), ("changed in b", 0));
}

#[test]
fn a_last_good_version_yields_to_nobody_else() {
    let mut folder = Folder::new();
    folder.write("a.json", &workflow("w", "from a"));
    folder.write("a.json", "{");
    folder.write("b.json", &workflow("w", "from b"));
    assert_eq!(folder.serves("w").unwrap(), "from a");
    assert!(
        folder
            .problems()
            .iter()
            .any(|problem| problem.starts_with("b.json: workflow `w` version 1 is defined in a.json"))
    );
    folder.remove("a.json");
    assert_eq!(folder.serves("w").unwrap(), "from b");
}

#[test]
fn two_files_that_clash_from_the_start_serve_neither() {
    let text = |from: &str| News::Written(workflow("w", from).into_bytes());
    let news = BTreeMap::from([("a.json".to_owned(), text("a")), ("b.json".to_owned(), text("b"))]);
    let catalog = Catalog::default().next(news, Vec::new());
    assert!(catalog.workflow("w", None).is_none());
    assert_eq!(catalog.problems().len(), 2);
}

#[test]
fn the_highest_version_is_the_latest_and_each_can_be_named() {
    let mut folder = Folder::new();
    folder.write("a.json", &format!("[{}, {}]", versioned("w", 10, "ten"), versioned("w", 9, "nine")));
    assert_eq!(folder.serves("w").unwrap(), "ten");
    assert_eq!(folder.0.workflow("w", Some(9)).unwrap().pinned.workflow.version, 9);
    assert!(folder.0.workflow("w", Some(1)).is_none());
    assert_eq!(folder.0.workflows().count(), 2);
}

#[test]
fn a_definition_is_pinned_to_the_task_definitions_that_it_names() {
    let mut folder = Folder::new();
    folder.write("w.json", &workflow("w", "one"));
    folder.write("other.json", &workflow("other", "one"));
    let before = Arc::clone(folder.0.workflow("w", None).unwrap());
    folder.write("defs.json", r#"{"taskDefs": [{"name": "unused"}, {"name": "wait_a_bit", "retryCount": 7}]}"#);
    let after = folder.0.workflow("w", None).unwrap();
    assert_eq!(after.pinned.task_defs.keys().collect::<Vec<_>>(), ["wait_a_bit"]);
    assert_ne!(before.hash, after.hash);
    assert_eq!(after.pinned.owner, Owner::File("w.json".to_owned()));
}

#[test]
fn what_a_dynamic_fork_starts_may_have_any_name() {
    let mut folder = Folder::new();
    folder.write("defs.json", r#"{"taskDefs": [{"name": "wait_a_bit"}, {"name": "another"}]}"#);
    let fork = r#"{"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN_DYNAMIC", "inputParameters": {"forkTaskInputs": []}}"#;
    let join = r#"{"name": "j", "taskReferenceName": "j", "type": "JOIN"}"#;
    folder.write("a.json", &format!(r#"{{"name": "a", "schemaVersion": 2, "tasks": [{fork}, {join}]}}"#));
    let definition = folder.0.workflow("a", None).unwrap();
    assert_eq!(definition.pinned.task_defs.keys().collect::<Vec<_>>(), ["another", "wait_a_bit"]);
}

#[test]
fn what_did_not_change_is_the_same_definition() {
    let mut folder = Folder::new();
    folder.write("a.json", &workflow("a", "one"));
    let before = Arc::clone(folder.0.workflow("a", None).unwrap());
    folder.write("b.json", &workflow("b", "one"));
    assert!(Arc::ptr_eq(&before, folder.0.workflow("a", None).unwrap()));
}

#[test]
fn a_schedule_beside_a_workflow_is_owned_by_its_file() {
    let mut folder = Folder::new();
    let text = workflow("w", "one").replace(
        r#""schemaVersion""#,
        r#""schedules": [{"cronExpression": "0 0 3 * * *", "zoneId": "UTC"}], "schemaVersion""#,
    );
    folder.write("w.json", &text);
    let schedule = folder.0.schedule("w").expect("it is called like its workflow");
    assert_eq!(schedule.owner, Owner::File("w.json".to_owned()));
    assert_eq!(schedule.def.start_workflow_request.as_ref().unwrap().name, "w");
}

#[test]
fn what_a_file_defines_the_api_neither_changes_nor_removes() {
    let mut folder = Folder::new();
    folder.write("w.json", &workflow("w", "one"));
    let error = folder.register("w").unwrap_err();
    assert_eq!(error.to_string(), "workflow `w` version 1 is defined in w.json; change it there");
    let name = Name::Workflow { name: "w".to_owned(), version: 1 };
    assert!(matches!(folder.0.unregister(&name), Err(Error::OwnedByFile { .. })));
}

#[test]
fn what_the_api_made_goes_on_when_a_file_wants_its_name() {
    let mut folder = Folder::new();
    folder.register("w").unwrap();
    folder.write("w.json", &versioned("w", 2, "from a file"));
    assert_eq!(folder.0.workflow("w", None).unwrap().pinned.owner, Owner::App(App::parse("ci")));
    assert!(folder.problems()[0].contains("made over the API by app:ci"), "{:?}", folder.problems());
}

#[test]
fn what_the_api_made_it_removes_and_what_is_not_there_it_says() {
    let mut folder = Folder::new();
    folder.register("w").unwrap();
    let name = Name::Workflow { name: "w".to_owned(), version: 1 };
    folder.0 = folder.0.unregister(&name).unwrap();
    assert!(folder.0.workflow("w", None).is_none());
    assert_eq!(folder.0.unregister(&name).err(), Some(Error::Unknown(name)));
}

#[test]
fn troubles_of_the_folder_are_problems_until_they_are_gone() {
    let trouble = Trouble { place: "workflows".to_owned(), message: "is not there".to_owned() };
    let catalog = Catalog::default().next(BTreeMap::new(), vec![trouble]);
    assert_eq!(catalog.problems()[0].place, "workflows");
    assert!(catalog.next(BTreeMap::new(), Vec::new()).problems().is_empty());
}

#[test]
fn no_debug_output_tells_what_a_file_holds() {
    let news = News::Written(b"hunter2".to_vec());
    assert_eq!(format!("{news:?}"), "Written(7 bytes)");
}

#[test]
fn what_the_api_made_comes_back_each_by_itself_whatever_a_file_has_come_to_define() {
    let mut folder = Folder::new();
    folder.write("workflows/a.json", &workflow("both", "of the file"));
    let made = |name: &str| {
        let def = WorkflowDef { name: name.to_owned(), version: 1, ..WorkflowDef::default() };
        (Registration::Workflow(Box::new(def)), Owner::App(App::parse("ci")))
    };
    folder.0 = folder.0.restore(vec![made("both"), made("other")]);
    assert!(folder.0.workflow("other", None).is_some(), "one that conflicts takes no other with it");
    assert_eq!(folder.0.workflow("both", None).unwrap().pinned.owner, Owner::App(App::parse("ci")));
    let problems = folder.problems();
    assert!(problems[0].contains("workflow `both` version 1 was made over the API by app:ci"), "{problems:?}");
}
