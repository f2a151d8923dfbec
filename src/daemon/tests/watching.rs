//! The folder, followed by the whole daemon.

use std::time::Instant;

use serde_json::{Value, json};

use crate::catalog::Name;
use crate::daemon::Error;
use crate::words::{Owner, WorkflowStatus};
use crate::workflow::definition::WorkflowDef;

use super::world::{World, single};

fn says(word: &str) -> String {
    let set = json!({
        "name": "say", "taskReferenceName": "say", "type": "SET_VARIABLE", "inputParameters": {"word": word},
    });
    let mut definition = single("saying", &set);
    definition["outputParameters"] = json!({"word": "${workflow.variables.word}"});
    definition["schedules"] = json!([{"name": "daily", "cronExpression": "0 0 0 * * *", "zoneId": "UTC"}]);
    definition.to_string()
}

fn definition(name: &str) -> WorkflowDef {
    let task = json!({"name": "nothing", "taskReferenceName": "nothing", "type": "NOOP"});
    serde_json::from_value(single(name, &task)).unwrap()
}

#[test]
fn a_broken_file_keeps_its_last_good_version_until_it_is_mended() {
    let world = World::new();
    world.write("workflows/say.json", says("first"));
    let served = world.serve();
    let word = || -> Value {
        let id = served.start_named("saying", &json!({}));
        assert_eq!(served.end_of(id), WorkflowStatus::Completed);
        served.view(id)["output"]["word"].clone()
    };
    assert_eq!(word(), "first");
    world.write("workflows/say.json", "{ \"name\": ");
    served.problem(&["workflows/say.json", "its last good version goes on"]);
    assert_eq!(word(), "first");
    assert!(served.schedule("daily").is_some());
    world.write("workflows/say.json", says("second"));
    served.until("the mended file", || (word() == "second").then_some(()));
    served.has_no_problem();
    served.stop();
}

#[test]
fn a_new_file_is_served_and_a_removed_one_only_after_a_second_look() {
    let world = World::new();
    world.write("workflows/other.json", json!(definition("other")).to_string());
    let served = world.serve();
    assert!(served.schedule("daily").is_none());
    world.write("workflows/say.json", says("hello"));
    served.until("the new file", || served.schedule("daily"));
    std::fs::remove_file(world.at("workflows/say.json")).unwrap();
    let removed = Instant::now();
    served.until("the end of the schedule", || served.schedule("daily").is_none().then_some(()));
    assert!(removed.elapsed().as_millis() >= 500, "{:?}", removed.elapsed());
    served.has_no_problem();
    served.stop();
}

#[test]
fn an_empty_folder_removes_nothing_and_is_a_problem() {
    let world = World::new();
    world.write("workflows/say.json", says("hello"));
    let served = world.serve();
    std::fs::remove_file(world.at("workflows/say.json")).unwrap();
    served.problem(&["workflows"]);
    assert!(served.schedule("daily").is_some());
    served.stop();
}

#[test]
fn a_changed_settings_file_takes_effect_or_is_a_problem() {
    let world = World::new();
    let task = json!({
        "name": "say", "taskReferenceName": "say", "type": "SET_VARIABLE",
        "inputParameters": {"word": "${workflow.env.word}"},
    });
    world.write("workflows/say.json", single("saying", &task).to_string());
    world.write("keytide.toml", "[environment]\nword = \"one\"\n");
    let served = world.serve();
    let word = || {
        let id = served.start_named("saying", &json!({}));
        served.end_of(id);
        served.view(id)["variables"]["word"].clone()
    };
    assert_eq!(word(), "one");
    world.write("keytide.toml", "[environment]\nword = \"two\"\n");
    served.until("the new setting", || (word() == "two").then_some(()));
    world.write("keytide.toml", "[enviroment]\nword = \"three\"\n");
    served.problem(&["keytide.toml", "enviroment"]);
    assert_eq!(word(), "two");
    world.write("keytide.toml", "[environment]\nword = \"two\"\n[http]\ntimeout = \"5s\"\n");
    served.problem(&["keytide.toml", "[http]", "start keytide again"]);
    world.write("keytide.toml", "[environment]\nword = \"two\"\n");
    served.until("no problem", || served.problems().is_empty().then_some(()));
    served.stop();
}

#[test]
fn what_the_api_made_survives_a_restart_and_what_a_file_defines_is_the_files() {
    let world = World::new();
    world.write("workflows/say.json", says("hello"));
    let served = world.serve();
    let app = Owner::Local;
    served.ask(served.handle.register_workflows(&app, vec![definition("made")], false)).unwrap();
    let again = served.ask(served.handle.register_workflows(&app, vec![definition("made")], false));
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    let taken = served.ask(served.handle.register_workflows(&app, vec![definition("saying")], true));
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
    let name = Name::Workflow { name: "saying".to_owned(), version: 1 };
    let removed = served.ask(served.handle.unregister(&app, &name));
    assert!(matches!(removed, Err(Error::Conflict(_))), "{removed:?}");
    served.stop();

    let served = world.serve();
    let id = served.start_named("made", &json!({}));
    assert_eq!(served.end_of(id), WorkflowStatus::Completed);
    let name = Name::Workflow { name: "made".to_owned(), version: 1 };
    served.ask(served.handle.unregister(&app, &name)).unwrap();
    served.stop();

    let served = world.serve();
    assert!(served.handle.definition(&app, "made", None).is_err());
    assert!(served.handle.definition(&app, "saying", None).is_ok());
    served.stop();
}
