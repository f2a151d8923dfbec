//! What an index finds is what a look at every row finds, and takes a few steps.

use std::cmp::Reverse;
use std::sync::Arc;

use super::{Journal, at, ended, head, id, plan, record, slot};
use crate::journal::finding::Finding;
use crate::journal::{
    Field, Head, Kind, Log as _, Named as _, Page, Query, Slot, SlotField, SlotOutcome, Transaction, conditions, rows,
    schema, sorting,
};
use crate::words::WorkflowStatus;

/// More than are few, of each kind of searches.
const COUNT: u32 = 24_000;

/// Executions of three workflows, one a second; every sixth failed, every third has a correlation id of eight.
struct Many {
    journal: Journal,
    heads: Vec<Head>,
}

fn many() -> Many {
    let mut journal = Journal::new();
    let plans = [Arc::clone(&journal.plan), plan("backup"), plan("Rotation")];
    let heads: Vec<Head> = (0..COUNT)
        .map(|number| {
            let (which, started) = (number as usize % plans.len(), i64::from(number) * 1_000);
            let of_these = head(u128::from(number) << 80, &plans[which]);
            let begun = Head {
                // Some start in the same millisecond.
                started: at(started - started % 4_000),
                updated: at(started),
                correlation_id: (number % 3 == 1).then(|| format!("order-{}", number % 8)),
                schedule: (number % 4 == 0).then(|| format!("nightly-{}", number % 5)),
                ..of_these
            };
            match number % 6 {
                0 => ended(begun, WorkflowStatus::Failed, started + 5),
                1 if number % 1_000 == 1 => begun,
                _ => ended(begun, WorkflowStatus::Completed, started + 5),
            }
        })
        .collect();
    let records = heads.iter().map(|head| record(head.clone(), 1, &["a"])).collect();
    journal.log.commit(&Transaction { definitions: plans.into(), records, ..Transaction::default() }).unwrap();
    Many { journal, heads }
}

fn query(text: &str, free_text: &str, sort: &str) -> Query<Field> {
    Query {
        conditions: conditions(text, free_text).unwrap(),
        sort: sorting(sort).unwrap(),
        size: 50,
        ..Query::default()
    }
}

impl Many {
    fn look(&self, query: &Query<Field>) -> Page<Head> {
        self.journal.reader().search(query).unwrap()
    }

    /// Returns how many steps SQLite makes for a page.
    fn steps(&self, query: &Query<Field>) -> i32 {
        let connection = schema::open_reader(&self.journal.folder.path().join("journal.db")).unwrap();
        Finding::of(&connection, query).unwrap().unwrap().steps(rows::HEAD_COLUMNS).unwrap()
    }

    /// Compares pages at the start, inside and at the end with those of the heads that `is_meant`, newest first.
    fn check(&self, text: &str, free_text: &str, is_meant: impl Fn(&Head) -> bool) {
        let mut meant: Vec<&Head> = self.heads.iter().filter(|head| is_meant(head)).collect();
        for (sort, ascends) in [("startTime:DESC", false), ("startTime:ASC", true), ("updateTime:DESC", false)] {
            match (sort, ascends) {
                ("updateTime:DESC", _) => meant.sort_by_key(|head| Reverse((head.updated, head.execution))),
                (_, false) => meant.sort_by_key(|head| Reverse((head.started, head.execution))),
                (_, true) => meant.sort_by_key(|head| (head.started, head.execution)),
            }
            for start in [0, 30, meant.len() / 2, meant.len().saturating_sub(20), meant.len() + 1] {
                let page = self.look(&Query { start: start as u64, ..query(text, free_text, sort) });
                let expected: Vec<_> = meant.iter().skip(start).take(50).map(|head| head.execution).collect();
                let found: Vec<_> = page.rows.iter().map(|head| head.execution).collect();
                assert_eq!(found, expected, "{text} {free_text} {sort} from {start}");
                let (total, count) = (page.total, meant.len() as u64);
                assert!(total == count || (10_000..count).contains(&total), "{text} {free_text}: {total} of {count}");
            }
        }
    }
}

#[test]
fn an_index_finds_what_a_look_at_every_row_finds() {
    let many = many();
    let is = |head: &Head, status: WorkflowStatus| head.status == status;
    many.check("", "", |_| true);
    many.check("status = FAILED", "", |head| is(head, WorkflowStatus::Failed));
    many.check("status IN (FAILED, RUNNING, FAILED)", "", |head| !is(head, WorkflowStatus::Completed));
    many.check("status != FAILED", "", |head| !is(head, WorkflowStatus::Failed));
    many.check("workflowType = backup", "", |head| head.name == "backup");
    many.check("workflowType != backup AND status = COMPLETED", "", |head| {
        head.name != "backup" && is(head, WorkflowStatus::Completed)
    });
    many.check("workflowType STARTS_WITH ro", "", |head| head.name == "rotate");
    many.check("workflowType = 'b*' AND version = 1", "", |head| head.name == "backup");
    many.check("workflowType = nobody", "", |_| false);
    many.check("workflowType = backup AND workflowType = rotate", "", |_| false);
    many.check("startTime BETWEEN 1000000 AND 1100000", "", |head| {
        (1_000_000..=1_100_000).contains(&head.started.as_millis())
    });
    many.check("startTime >= 4000000 AND status = COMPLETED", "", |head| {
        head.started.as_millis() >= 4_000_000 && is(head, WorkflowStatus::Completed)
    });
    many.check("correlationId = order-1", "", |head| head.correlation_id.as_deref() == Some("order-1"));
    many.check("correlationId IS NULL", "", |head| head.correlation_id.is_none());
    many.check("correlationId != order-1", "", |head| head.correlation_id.as_deref() != Some("order-1"));
    many.check("correlationId STARTS_WITH order AND status=RUNNING", "", |head| {
        head.correlation_id.is_some() && is(head, WorkflowStatus::Running)
    });
    many.check("scheduleName = nightly-4 OR correlationId IN (order-4, order-7)", "", |head| {
        head.schedule.as_deref() == Some("nightly-4")
            || matches!(head.correlation_id.as_deref(), Some("order-4" | "order-7"))
    });
    many.check("status = RUNNING OR (workflowType = backup AND NOT correlationId = order-1)", "", |head| {
        is(head, WorkflowStatus::Running) || head.name == "backup" && head.correlation_id.as_deref() != Some("order-1")
    });
    many.check("endTime BETWEEN 2000000 AND 2100000", "", |head| {
        head.ended.is_some_and(|ended| (2_000_000..=2_100_000).contains(&ended.as_millis()))
    });
    many.check("endTime IS NULL", "", |head| head.ended.is_none());
    many.check("NOT (status = FAILED OR endTime < 9000000)", "", |head| {
        !is(head, WorkflowStatus::Failed) && head.ended.is_none_or(|ended| ended.as_millis() >= 9_000_000)
    });
    many.check("status IN () OR version IN ()", "", |_| false);
}

#[test]
fn free_text_is_part_of_a_name_or_a_schedule_or_begins_an_id() {
    let many = many();
    many.check("", "rot", |head| head.name != "backup");
    many.check("", "ROTATION", |head| head.name == "Rotation");
    many.check("", "LY-4", |head| head.schedule.as_deref() == Some("nightly-4"));
    many.check("", "order", |head| head.correlation_id.is_some());
    many.check("", "order-2", |head| head.correlation_id.as_deref() == Some("order-2"));
    let prefix = &id(9_000 << 80).to_string()[..10];
    many.check("", prefix, |head| head.execution.to_string().starts_with(prefix));
    many.check("status = FAILED", "0", |head| head.status == WorkflowStatus::Failed);
    many.check("", "nobody'; %", |_| false);
}

#[test]
fn a_page_takes_steps_by_its_length_and_not_by_that_of_the_journal() {
    let many = many();
    let all = many.steps(&query("", "", "updateTime:DESC"));
    assert!(all > 200_000, "who looks at every row makes a step for each: {all}");
    for (text, free_text) in [
        ("", ""),
        ("status = FAILED", ""),
        ("status IN (COMPLETED, FAILED)", ""),
        ("workflowType = rotate", ""),
        ("workflowType = rotate AND status = COMPLETED", ""),
        ("workflowType IN (rotate, backup) AND status != FAILED", ""),
        ("startTime > 1000000", ""),
        ("startTime > 1000000 AND status = COMPLETED", ""),
        ("correlationId = nobody", ""),
        ("version = 1", ""),
        ("endTime BETWEEN 2000000 AND 2010000", ""),
        ("endTime < 10000", ""),
        ("", "rot"),
    ] {
        for sort in ["startTime:DESC", "startTime:ASC"] {
            let made = many.steps(&query(text, free_text, sort));
            assert!(made < 10_000, "{text} {free_text} {sort}: {made} steps");
        }
    }
}

#[test]
fn a_name_is_searched_in_every_status_that_there_is() {
    let Kind::Word(words) = Field::Status.kind() else { panic!("a status is a word") };
    assert_eq!(words, WorkflowStatus::ALL.map(WorkflowStatus::as_str));
}

#[test]
fn long_lists_fit_into_a_search_with_many_ranges() {
    let many = many();
    let numbers = (2..1_002).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let none = vec![format!("version NOT IN ({numbers})"); 12].join(" AND ");
    many.check(&format!("status != COMPLETED AND {none}"), "", |head| head.status != WorkflowStatus::Completed);
    let names = (0..900).map(|number| format!(r#"'a "b" \ ä {number}'"#)).collect::<Vec<_>>().join(",");
    many.check(&format!("correlationId IN (order-1, {names})"), "", |head| {
        head.correlation_id.as_deref() == Some("order-1")
    });
}

#[test]
fn slots_are_found_by_what_they_are_and_in_order() {
    let mut journal = Journal::new();
    let slots: Vec<Slot> = (0..60_u8)
        .map(|number| Slot {
            schedule: format!("nightly-{}", number % 3),
            workflow: if number % 4 == 0 { "Backup".to_owned() } else { "rotate".to_owned() },
            due: at(i64::from(number / 2)),
            ..slot(u128::from(number), if number % 5 == 0 { skipped() } else { SlotOutcome::Fired })
        })
        .collect();
    journal.log.commit(&Transaction { slots: slots.clone(), ..Transaction::default() }).unwrap();
    let check = |text: &str, free_text: &str, is_meant: &dyn Fn(&Slot) -> bool| {
        for ascends in [false, true] {
            let mut meant: Vec<&Slot> = slots.iter().filter(|slot| is_meant(slot)).collect();
            meant.sort_by_key(|slot| (slot.due, slot.execution));
            if !ascends {
                meant.reverse();
            }
            let sort = sorting::<SlotField>(if ascends { "startTime:ASC" } else { "startTime:DESC" }).unwrap();
            let conditions = conditions::<SlotField>(text, free_text).unwrap();
            let page = journal.reader().slots(&Query { conditions, sort, start: 2, size: 7 }).unwrap();
            assert_eq!(page.total, meant.len() as u64, "{text} {free_text}");
            assert!(page.rows.iter().eq(meant.into_iter().skip(2).take(7)), "{text} {free_text} {ascends}");
        }
    };
    check("", "", &|_| true);
    check("scheduleName IN (nightly-0, nightly-2)", "", &|slot| slot.schedule != "nightly-1");
    check("status != EXECUTED", "", &|slot| slot.outcome != SlotOutcome::Fired);
    check("scheduleName = nightly-1 AND workflowType = rotate AND scheduledTime > 9", "", &|slot| {
        slot.schedule == "nightly-1" && slot.workflow == "rotate" && slot.due > at(9)
    });
    check("", "LY-1", &|slot| slot.schedule == "nightly-1");
    check("", "back", &|slot| slot.workflow == "Backup");
}

fn skipped() -> SlotOutcome {
    SlotOutcome::Skipped { blocked_by: id(1) }
}
