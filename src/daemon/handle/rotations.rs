use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::access::TargetKind;
use crate::catalog::Catalog;
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::executions::unavailable;
use crate::daemon::message::Message;
use crate::daemon::rotation::{Known, LastRun, Rotation, Starter};
use crate::daemon::slots::Facts;
use crate::journal::Head;
use crate::scheduler::Schedule;
use crate::secret::{Summary, check_name};
use crate::words::{Owner, Permission, Timestamp};

/// Which workflow starts which, and what each does to secrets.
#[derive(Default)]
struct Relations {
    writers: BTreeMap<String, BTreeSet<String>>,
    readers: BTreeMap<String, BTreeSet<String>>,
    starters: HashMap<String, BTreeSet<String>>,
}

/// What is known without the dispatcher.
struct Recorded {
    secrets: Vec<Summary>,
    relations: Relations,
    /// Each schedule of the catalog with what it starts, where it starts something.
    scheduled: Vec<Option<(String, Schedule)>>,
    heads: Vec<Head>,
    troubled: Vec<Head>,
}

/// A schedule with what it starts and how it stands.
struct Started {
    workflow: String,
    schedule: Schedule,
    facts: Option<Facts>,
}

impl Handle {
    /// Returns how every secret stands that `who` may read, also those that a workflow is to write and that are not there
    /// yet; what somebody has to look at comes first. Workflows that `who` may not read count, and are not named.
    pub async fn rotations(&self, who: &Owner) -> Result<Vec<Rotation>, Error> {
        let told = self.record_listing(who);
        let catalog = self.catalog();
        let schedules = catalog.schedules().map(|owned| owned.def.name.clone()).collect();
        let facts = self.ask(|reply| Message::Facts { schedules, reply });
        let recorded = self.looking(who, move |handle, who| handle.recorded(who, &catalog));
        // The journal is read while the dispatcher is busy, as it is when it starts; nothing is handed out before it is told.
        let ((), facts, recorded) = tokio::try_join!(told, facts, recorded)?;
        self.looking(who, move |handle, who| Ok(handle.judged(who, recorded, facts))).await
    }

    fn recorded(&self, who: &Owner, catalog: &Catalog) -> Result<Recorded, Error> {
        let secrets = self.listed(who, &[Permission::Read]);
        let relations = self.relations(catalog, &secrets);
        let defaults = self.definitions().defaults();
        let scheduled = catalog.schedules().map(|owned| {
            let workflow = owned.def.start_workflow_request.as_ref()?.name.clone();
            Some((workflow, Schedule::from_definition(&owned.def, defaults).ok()?))
        });
        let scheduled = scheduled.collect();
        let heads = self.0.reader.newest(relations.rotating()).map_err(unavailable)?;
        let troubled = self.0.reader.troubled().map_err(unavailable)?;
        Ok(Recorded { secrets, relations, scheduled, heads, troubled })
    }

    fn judged(&self, who: &Owner, recorded: Recorded, facts: Vec<Option<Facts>>) -> Vec<Rotation> {
        let Recorded { secrets, relations, scheduled, heads, troubled } = recorded;
        let started = scheduled.into_iter().zip(facts).filter_map(|(scheduled, facts)| {
            scheduled.map(|(workflow, schedule)| Started { workflow, schedule, facts })
        });
        let started: Vec<_> = started.collect();
        let about = About {
            relations: &relations,
            started: by(&started, |started| &started.workflow),
            heads: by(&heads, |head| &head.name),
            troubled: by(&troubled, |head| &head.name),
            now: self.now(),
        };
        let may_read = |name: &str| self.may(who, Permission::Read, TargetKind::Workflow, name);
        let missing = self.missing(who, &relations).into_iter().map(|name| (name, None));
        let secrets = secrets.into_iter().map(|summary| (summary.name.clone(), Some(summary))).chain(missing);
        let mut rotations: Vec<_> = secrets.map(|(name, summary)| about.rotation(name, summary, &may_read)).collect();
        rotations.sort_by(|one, other| (one.freshness, &one.secret).cmp(&(other.freshness, &other.secret)));
        rotations
    }

    /// Returns the secrets that a workflow is to write and that are not there yet.
    fn missing(&self, who: &Owner, relations: &Relations) -> Vec<String> {
        let snapshot = self.0.store.snapshot();
        let names = relations.writers.keys().filter(|name| !snapshot.contains(name) && check_name(name).is_ok());
        names.filter(|name| self.may(who, Permission::Read, TargetKind::Secret, name)).cloned().collect()
    }

    fn relations(&self, catalog: &Catalog, secrets: &[Summary]) -> Relations {
        let mut relations = Relations::default();
        // Of the versions of a workflow the latest is what runs from now on.
        let latest: BTreeMap<_, _> =
            catalog.workflows().map(|definition| (&definition.pinned.workflow.name, definition)).collect();
        for (name, definition) in &latest {
            let uses = self.definitions().uses(definition);
            for secret in &uses.writes {
                relations.writers.entry(secret.clone()).or_default().insert((*name).clone());
            }
            for secret in &uses.reads {
                relations.readers.entry(secret.clone()).or_default().insert((*name).clone());
            }
            for child in &uses.starts {
                relations.starters.entry(child.clone()).or_default().insert((*name).clone());
            }
        }
        // Where a name is only made at run time, whoever wrote the secret last is who rotates it.
        for summary in
            secrets.iter().filter(|summary| !relations.writers.contains_key(&summary.name)).collect::<Vec<_>>()
        {
            let workflow = summary.current.by.strip_prefix("workflow:").map(str::to_owned);
            if let Some(workflow) = workflow.filter(|workflow| latest.contains_key(workflow)) {
                relations.writers.entry(summary.name.clone()).or_default().insert(workflow);
            }
        }
        relations
    }
}

impl Relations {
    /// Returns the workflows that write a secret, and those that start them, directly or not.
    fn family<'a>(&'a self, secret: &str) -> BTreeSet<&'a str> {
        let mut left: Vec<&str> = self.writers.get(secret).into_iter().flatten().map(String::as_str).collect();
        let mut family = BTreeSet::new();
        while let Some(name) = left.pop() {
            if family.insert(name) {
                left.extend(self.starters.get(name).into_iter().flatten().map(String::as_str));
            }
        }
        family
    }

    fn rotating(&self) -> BTreeSet<&str> {
        self.writers.keys().flat_map(|secret| self.family(secret)).collect()
    }
}

/// What is known of all secrets, by the names of workflows.
struct About<'a> {
    relations: &'a Relations,
    started: HashMap<&'a str, Vec<&'a Started>>,
    heads: HashMap<&'a str, Vec<&'a Head>>,
    troubled: HashMap<&'a str, Vec<&'a Head>>,
    now: Timestamp,
}

impl About<'_> {
    fn rotation(&self, secret: String, summary: Option<Summary>, may_read: &impl Fn(&str) -> bool) -> Rotation {
        let family = self.relations.family(&secret);
        let of_family = |heads: &HashMap<&str, Vec<&Head>>| -> Vec<Head> {
            family.iter().flat_map(|name| heads.get(name).into_iter().flatten()).map(|head| (**head).clone()).collect()
        };
        let last = of_family(&self.heads).into_iter().max_by_key(|head| head.started).map(last_run);
        let troubled = of_family(&self.troubled);
        let starters =
            family.iter().flat_map(|name| self.started.get(name).into_iter().flatten()).map(|started| Starter {
                schedule: &started.schedule,
                next: started.facts.as_ref().and_then(|facts| facts.next),
                is_paused: started.facts.as_ref().is_some_and(|facts| facts.paused),
            });
        let current = summary.map(|summary| summary.current);
        let known = Known {
            current: current.as_ref(),
            is_managed: !family.is_empty(),
            starters: starters.collect(),
            last: last.as_ref(),
            is_unstored: troubled.iter().any(|head| head.unstored),
            is_in_doubt: troubled.iter().any(|head| head.in_doubt),
        };
        let ((freshness, reason), next) = (known.judge(self.now), known.next());
        let named = |names: &BTreeMap<String, BTreeSet<String>>| -> Vec<String> {
            names.get(&secret).into_iter().flatten().filter(|name| may_read(name)).cloned().collect()
        };
        let (writers, readers) = (named(&self.relations.writers), named(&self.relations.readers));
        let last = last.filter(|last| may_read(&last.workflow));
        Rotation { secret, freshness, reason, current, next, last, writers, readers }
    }
}

fn last_run(head: Head) -> LastRun {
    let Head { execution, name: workflow, status, started, ended, .. } = head;
    LastRun { execution, workflow, status, started, ended }
}

/// Sorts things into what they are found by.
fn by<'a, T>(things: &'a [T], key: impl Fn(&'a T) -> &'a str) -> HashMap<&'a str, Vec<&'a T>> {
    let mut sorted: HashMap<&str, Vec<&T>> = HashMap::new();
    for thing in things {
        sorted.entry(key(thing)).or_default().push(thing);
    }
    sorted
}
