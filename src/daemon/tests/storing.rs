//! Who may store, and what happens while the store is in trouble.

use serde_json::{Value, json};

use crate::settings::Settings;
use crate::words::WorkflowStatus;

use super::world::{Served, TOKEN, World, put, rotation, single};

fn update(key: &str, value: &str) -> Value {
    json!({
        "name": "update", "taskReferenceName": "update", "type": "UPDATE_SECRET", "optional": true,
        "inputParameters": {"_secrets": {"secretKey": key, "secretValue": value}},
    })
}

/// Waits until the run's last task says what it waits for.
fn trouble_of(served: &Served<'_>, id: crate::words::ExecutionId, word: &str) -> Value {
    served.until(&format!("a task that waits because of {word}"), || {
        let view = served.view(id);
        let task = view["tasks"].as_array().unwrap().last().unwrap().clone();
        let waits = task["reasonForIncompletion"].as_str().is_some_and(|reason| reason.contains(word));
        waits.then_some(task)
    })
}

#[test]
fn without_a_grant_an_update_is_403_and_optional_does_not_rescue_it() {
    let world = World::new();
    world.write(
        "keytide.toml",
        "[access]\nworkflows = \"granted\"\n\n[[grant]]\nto = \"file:workflows/may.json\"\n\
         on = \"secret:allowed_*\"\naccess = [\"UPDATE\"]\n",
    );
    let may = json!([single("may", &update("allowed_one", "value-one")), single("may_not", &update("other", "v"))]);
    let [may, may_not] = [may[0].clone(), may[1].clone()];
    world.write("workflows/may.json", may.to_string());
    world.write("workflows/may_not.json", may_not.to_string());
    let served = world.serve();
    let id = served.start_named("may", &json!({}));
    assert_eq!(served.end_of(id), WorkflowStatus::Completed, "{:#}", served.view(id));
    assert_eq!(served.secret("allowed_one").as_deref(), Some("value-one"));
    let id = served.start_named("may_not", &json!({}));
    assert_eq!(served.end_of(id), WorkflowStatus::Failed);
    let view = served.view(id);
    let reason = view["reasonForIncompletion"].as_str().unwrap();
    assert!(reason.starts_with("403: "), "{reason}");
    assert_eq!(view["tasks"][0]["status"], "FAILED_WITH_TERMINAL_ERROR");
    assert_eq!(served.secret("other"), None);
    served.stop();
}

#[test]
fn a_store_that_is_away_keeps_the_task_waiting_until_it_is_back() {
    let world = World::new();
    let served = world.serve();
    let fresh = world.store_file();
    let away = world.at("secrets/away.age");
    std::fs::rename(&fresh, &away).unwrap();
    let id = served.start(single("updating", &update("late", "value-of-late")));
    let task = trouble_of(&served, id, "");
    assert_eq!(task["status"], "IN_PROGRESS", "{task:#}");
    std::fs::rename(&away, &fresh).unwrap();
    assert_eq!(served.end_of(id), WorkflowStatus::Completed);
    assert_eq!(served.secret("late").as_deref(), Some("value-of-late"));
    served.has_no_problem();
    served.stop();
}

#[test]
fn a_store_that_was_set_back_is_a_fork_and_the_token_waits() {
    let world = World::new();
    let old = std::fs::read(world.store_file()).unwrap();
    let served = world.serve();
    let (status, _) = served.run(rotation(&world.issuer.token_url()));
    assert_eq!(status, WorkflowStatus::Completed);
    let first = served.secret(TOKEN);
    let good = std::fs::read(world.store_file()).unwrap();

    std::fs::write(world.store_file(), &old).unwrap();
    let update = single("updating", &update("waiting", "value-that-waits"));
    let id = served.start(update);
    let task = trouble_of(&served, id, "fork");
    assert_eq!(task["status"], "IN_PROGRESS", "{task:#}");
    assert_eq!(served.secret(TOKEN), first, "reads go on from the last good copy");
    served.problem(&["the store is forked", "keytide secret resolve"]);
    assert_eq!(std::fs::read(world.store_file()).unwrap(), old, "the file is not overwritten");

    std::fs::write(world.store_file(), &good).unwrap();
    assert_eq!(served.end_of(id), WorkflowStatus::Completed);
    assert_eq!(served.secret("waiting").as_deref(), Some("value-that-waits"));
    served.has_no_problem();
    served.stop();
}

#[test]
fn while_the_store_is_in_trouble_no_token_is_fetched() {
    let world = World::new();
    let old = std::fs::read(world.store_file()).unwrap();
    let served = world.serve();
    world.store().update(vec![put("another", "value-of-another")]).unwrap();
    assert_eq!(served.secret("another").as_deref(), Some("value-of-another"));
    let good = std::fs::read(world.store_file()).unwrap();
    std::fs::write(world.store_file(), &old).unwrap();
    let id = served.start(rotation(&world.issuer.token_url()));
    served.problem(&["the store is forked"]);
    assert_eq!(served.view(id)["tasks"][0]["status"], "SCHEDULED");
    assert_eq!(world.issuer.counts().issued, 0, "nothing is fetched that could not be stored");
    std::fs::write(world.store_file(), &good).unwrap();
    assert_eq!(served.end_of(id), WorkflowStatus::Completed);
    assert_eq!(served.secret(TOKEN), Some(world.issued()));
    served.stop();
}

#[test]
fn a_held_lock_keeps_the_value_until_it_is_free() {
    use crate::disk::{Disk, SystemDisk};
    let world = World::new();
    let served = world.serve_with(Settings::default());
    let held = SystemDisk.try_lock(&world.at("secrets/.store.age.lock")).unwrap().unwrap();
    let id = served.start(single("updating", &update("late", "value-of-late")));
    served.until("the task", || served.is_busy().then_some(()));
    assert_eq!(served.secret("late"), None);
    drop(held);
    assert_eq!(served.end_of(id), WorkflowStatus::Completed);
    assert_eq!(served.secret("late").as_deref(), Some("value-of-late"));
    served.stop();
}
