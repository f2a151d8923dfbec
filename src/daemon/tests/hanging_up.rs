//! Clients that go away in the middle of a request: what the journal has is in force, whoever waits for it.

use super::world::{Served, World};
use crate::access::Tagged;
use crate::catalog::Name;
use crate::daemon::{Error, TagChange, TagMap};
use crate::words::Owner;
use crate::workflow::definition::TaskDef;

fn def(name: &str) -> TaskDef {
    serde_json::from_value(serde_json::json!({"name": name})).unwrap()
}

/// Asks, and goes away once the question is on its way.
fn hang_up<T>(served: &Served<'_>, question: impl Future<Output = Result<T, Error>>) {
    served.ask(async {
        tokio::select! {
            biased;
            answered = question => assert!(answered.is_ok(), "it was not refused"),
            () = std::future::ready(()) => {}
        }
    });
}

#[test]
fn what_was_registered_is_in_force_although_the_client_hung_up() {
    let world = World::new();
    let served = world.serve();
    for name in ["one", "two", "three"] {
        hang_up(&served, served.handle.register_task_defs(&Owner::Local, vec![def(name)]));
        served.until("the definition", || served.handle.task_def(&Owner::Local, name).ok());
    }
    served.stop();
    let served = world.serve();
    assert_eq!(served.handle.task_defs(&Owner::Local).len(), 3, "and the journal has the same");
    served.stop();
}

#[test]
fn what_was_removed_is_gone_with_its_tags_although_the_client_hung_up() {
    let world = World::new();
    let served = world.serve();
    served.ask(served.handle.register_task_defs(&Owner::Local, vec![def("one")])).unwrap();
    let tags = TagChange::Add(TagMap::from([("team".to_owned(), "red".to_owned())]));
    served.ask(served.handle.change_tags(&Owner::Local, Tagged::TaskDef, "one".to_owned(), tags)).unwrap();
    let name = Name::TaskDef("one".to_owned());
    hang_up(&served, served.handle.unregister(&Owner::Local, &name));
    served.until("the removal", || served.handle.task_def(&Owner::Local, "one").is_err().then_some(()));
    served.ask(served.handle.register_task_defs(&Owner::Local, vec![def("one")])).unwrap();
    let inherited = served.handle.tags(&Owner::Local, Tagged::TaskDef, "one").unwrap();
    assert!(inherited.is_empty(), "the next one of its name inherits nothing: {inherited:?}");
    served.stop();
}
