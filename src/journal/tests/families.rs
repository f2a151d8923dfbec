//! What the journal knows of parents, children and keys.

use super::{Journal, at, ended, head, id, record};
use crate::journal::{Condition, Field, Head, Log as _, Operand, Query};
use crate::words::WorkflowStatus;

fn child(journal: &Journal, number: u128, parent: u128) -> Head {
    Head { parent: Some(id(parent)), ..head(number, &journal.plan) }
}

#[test]
fn children_are_found_by_their_parent() {
    let mut journal = Journal::new();
    let heads = [head(1, &journal.plan), child(&journal, 2, 1), child(&journal, 3, 2)];
    journal.keep(heads.into_iter().map(|head| record(head, 1, &["a"])).collect()).unwrap();
    let parent = Condition::OneOf(Field::Parent, vec![Operand::Text(id(1).to_string())]);
    let query = Query { conditions: vec![parent], ..Query::default() };
    let found = journal.reader().search(&query).unwrap().rows;
    assert_eq!(found.iter().map(|head| (head.execution, head.parent)).collect::<Vec<_>>(), [(id(2), Some(id(1)))]);
    assert_eq!(journal.log.load(id(3)).unwrap().unwrap().head.parent, Some(id(2)));
}

#[test]
fn a_child_stays_for_as_long_as_its_parent_lives() {
    let mut journal = Journal::new();
    let first = ended(child(&journal, 2, 1), WorkflowStatus::Completed, 2_000);
    let orphan = ended(child(&journal, 3, 9), WorkflowStatus::Completed, 2_000);
    let parent = head(1, &journal.plan);
    let records = [parent.clone(), first, orphan].into_iter().map(|head| record(head, 1, &["a"])).collect();
    journal.keep(records).unwrap();
    assert_eq!(journal.log.due_for_archive(at(9_000), 10).unwrap(), [id(3)], "the parent of another is gone");
    assert_eq!(journal.log.due_for_purge(at(9_000), 10).unwrap(), [id(3)]);
    journal.keep(vec![record(ended(parent, WorkflowStatus::Completed, 3_000), 2, &["b"])]).unwrap();
    assert_eq!(journal.log.due_for_archive(at(9_000), 10).unwrap(), [id(2), id(3), id(1)]);
    assert_eq!(journal.log.due_for_purge(at(9_000), 10).unwrap(), [id(2), id(3), id(1)]);
}

#[test]
fn a_key_leads_to_the_latest_start_of_its_workflow() {
    let mut journal = Journal::new();
    let keyed = |number: u128, started: i64| Head {
        idempotency_key: Some("k".to_owned()),
        started: at(started),
        ..head(number, &journal.plan)
    };
    let records = [keyed(1, 2_000), keyed(2, 3_000), keyed(3, 1_000)].map(|head| record(head, 1, &["a"]));
    journal.keep(records.into()).unwrap();
    assert_eq!(journal.log.started_with("rotate", "k").unwrap(), Some((id(2), WorkflowStatus::Running)));
    assert_eq!(journal.log.started_with("other", "k").unwrap(), None);
    assert_eq!(journal.log.started_with("rotate", "l").unwrap(), None);
    let prefix = id(2).to_string();
    assert_eq!(journal.log.with_prefix(&prefix[..35]).unwrap().len(), 3);
    assert_eq!(journal.log.with_prefix(&prefix).unwrap(), [id(2)]);
}

fn indexes(journal: &Journal) -> Vec<String> {
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name";
    let mut statement = journal.log.connection().prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn tables_of_the_first_version_are_brought_up_to_date() {
    let mut journal = Journal::new();
    let fresh = indexes(&journal);
    journal.ran(1, ["a", "b"], WorkflowStatus::Completed, 2_000);
    let older = "DROP INDEX executions_by_name; CREATE INDEX executions_by_name ON executions(name, started);
        DROP INDEX executions_by_parent; DROP INDEX executions_by_key;
        ALTER TABLE executions DROP COLUMN parent; ALTER TABLE executions DROP COLUMN idempotency;
        DROP TABLE audit; DROP TABLE audit_state;
        PRAGMA user_version = 1";
    journal.log.connection().execute_batch(older).unwrap();
    let mut journal = journal.again();
    assert_eq!(indexes(&journal), fresh);
    assert_eq!(journal.history(1), ["a", "b"]);
    let version: i64 = journal.log.connection().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 5, "so that an older release refuses it");
    let second = child(&journal, 2, 1);
    journal.keep(vec![record(second, 1, &["c"])]).unwrap();
    assert_eq!(journal.log.load(id(2)).unwrap().unwrap().head.parent, Some(id(1)));
}
