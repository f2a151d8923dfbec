use std::collections::BTreeMap;
use std::sync::Arc;

use crate::access::{FiledTags, Tagged};
use crate::words::Owner;
use crate::workflow::definition::{EventHandler, TaskDef, TaskType, WorkflowDef, WorkflowSchedule, WorkflowTask};
use crate::workflow::load::{Loaded, Located, TagsOf};
use crate::workflow::pinned::Pinned;

use super::file::File;
use super::registered::Registered;
use super::{Definition, Name, Owned, Problem, tags};

type ByKey<K, T> = BTreeMap<K, Arc<Owned<T>>>;

/// What is served, out of all that is claimed.
#[derive(Clone, Default)]
pub(super) struct Served {
    /// The workflows by name and version, pinned.
    pub(super) workflows: BTreeMap<String, BTreeMap<i32, Arc<Definition>>>,
    pub(super) schedules: ByKey<String, WorkflowSchedule>,
    pub(super) task_defs: ByKey<String, TaskDef>,
    pub(super) event_handlers: ByKey<String, EventHandler>,
    /// The tags that files say of it.
    pub(super) tags: FiledTags,
    /// What two want to define.
    pub(super) clashes: Vec<Problem>,
    /// The workflows as they were claimed.
    owned: ByKey<(String, i32), WorkflowDef>,
}

/// One kind of definition.
struct Kind<K, T> {
    of: fn(&Loaded) -> &Vec<Located<T>>,
    key: fn(&T) -> K,
    name: fn(&K) -> Name,
}

const WORKFLOWS: Kind<(String, i32), WorkflowDef> = Kind {
    of: |loaded| &loaded.workflows,
    key: |def| (def.name.clone(), def.version),
    name: |(name, version)| Name::Workflow { name: name.clone(), version: *version },
};

const SCHEDULES: Kind<String, WorkflowSchedule> =
    Kind { of: |loaded| &loaded.schedules, key: |def| def.name.clone(), name: |name| Name::Schedule(name.clone()) };

const TASK_DEFS: Kind<String, TaskDef> =
    Kind { of: |loaded| &loaded.task_defs, key: |def| def.name.clone(), name: |name| Name::TaskDef(name.clone()) };

const EVENT_HANDLERS: Kind<String, EventHandler> = Kind {
    of: |loaded| &loaded.event_handlers,
    key: |def| def.name.clone(),
    name: |name| Name::EventHandler(name.clone()),
};

impl Served {
    /// Finds out what is served; where files disagree, what served before goes on.
    pub(super) fn of(files: &BTreeMap<String, File>, registered: &Registered, before: &Self) -> Self {
        let mut served = Self::default();
        let clashes = &mut served.clashes;
        served.owned = WORKFLOWS.settle(files, registered, &before.owned, clashes);
        served.owned.extend(registered.workflows.clone());
        served.schedules = SCHEDULES.settle(files, registered, &before.schedules, clashes);
        served.schedules.extend(registered.schedules.clone());
        served.task_defs = TASK_DEFS.settle(files, registered, &before.task_defs, clashes);
        served.task_defs.extend(registered.task_defs.clone());
        served.event_handlers = EVENT_HANDLERS.settle(files, registered, &before.event_handlers, clashes);
        served.event_handlers.extend(registered.event_handlers.clone());
        served.pin(before);
        served.tags = tags::of(files, &served);
        served
    }

    /// Returns whose the definition is that some tags are of.
    pub(super) fn owner(&self, of: &TagsOf) -> Option<&Owner> {
        let name = &of.name;
        match of.tagged {
            Tagged::Workflow => self.owned.get(&(name.clone(), of.version)).map(|owned| &owned.owner),
            Tagged::Schedule => self.schedules.get(name).map(|owned| &owned.owner),
            Tagged::TaskDef => self.task_defs.get(name).map(|owned| &owned.owner),
            Tagged::Environment => None,
        }
    }

    /// Pins every workflow to the task definitions that it names; what is as it was stays the same one.
    fn pin(&mut self, before: &Self) {
        for ((name, version), owned) in &self.owned {
            let pinned = self.pinned(owned.def.clone(), owned.owner.clone());
            let old = before.workflows.get(name).and_then(|versions| versions.get(version));
            let definition = match old.filter(|old| old.pinned == pinned) {
                Some(old) => Arc::clone(old),
                None => Arc::new(Definition { hash: pinned.hash(), pinned }),
            };
            self.workflows.entry(name.clone()).or_default().insert(*version, definition);
        }
    }

    /// Returns a workflow with the task definitions that it names.
    pub(super) fn pinned(&self, workflow: WorkflowDef, owner: Owner) -> Pinned {
        let mut named = BTreeMap::new();
        if starts_what_is_not_named(&workflow.tasks) {
            named.extend(&self.task_defs);
        } else {
            self.name_task_defs(&workflow.tasks, &mut named);
        }
        let made_by_others = named.iter().filter(|(_, owned)| owned.owner != owner && owned.owner != Owner::Local);
        let makers = made_by_others.map(|(name, owned)| ((*name).clone(), owned.owner.clone())).collect();
        let task_defs = named.into_iter().map(|(name, owned)| (name.clone(), owned.def.clone())).collect();
        Pinned { makers, ..Pinned::new(workflow, task_defs, owner) }
    }

    /// Collects the task definitions that tasks name, at every depth.
    fn name_task_defs<'s>(&'s self, tasks: &[WorkflowTask], found: &mut BTreeMap<&'s String, &'s Arc<Owned<TaskDef>>>) {
        for task in tasks {
            found.extend(self.task_defs.get_key_value(&task.name));
            let branches = task.decision_cases.values().chain(&task.fork_tasks);
            for inner in branches.chain([&task.default_case, &task.loop_over]) {
                self.name_task_defs(inner, found);
            }
        }
    }
}

/// Returns whether a dynamic fork is among tasks, at any depth: what it starts may have any name.
fn starts_what_is_not_named(tasks: &[WorkflowTask]) -> bool {
    tasks.iter().any(|task| {
        let mut lists =
            task.decision_cases.values().chain(&task.fork_tasks).chain([&task.default_case, &task.loop_over]);
        task.task_type == TaskType::ForkJoinDynamic || lists.any(|list| starts_what_is_not_named(list))
    })
}

impl<K: Clone + Ord, T: Clone> Kind<K, T> {
    /// Gives each name to its only claim; of several, to the one that had it; of what the API made, to nobody else.
    fn settle(
        &self,
        files: &BTreeMap<String, File>,
        registered: &Registered,
        before: &ByKey<K, T>,
        clashes: &mut Vec<Problem>,
    ) -> ByKey<K, T> {
        let mut served = BTreeMap::new();
        for (key, mut claims) in self.claims(files) {
            let name = (self.name)(&key);
            if let Some(owner) = registered.owner_of(&name) {
                clashes.extend(claims.iter().map(|claim| taken(&name, claim, owner)));
            } else if claims.len() > 1 {
                let had = before.get(&key).filter(|had| claims.iter().any(|claim| claim.owner == had.owner));
                clashes.extend(claims.iter().map(|claim| shared(&name, claim, &claims, had)));
                served.extend(had.map(|had| (key, Arc::clone(had))));
            } else {
                served.extend(claims.pop().map(|claim| (key, claim)));
            }
        }
        served
    }

    /// Collects what the last good versions of all files define.
    fn claims(&self, files: &BTreeMap<String, File>) -> BTreeMap<K, Vec<Arc<Owned<T>>>> {
        let mut claims: BTreeMap<K, Vec<Arc<Owned<T>>>> = BTreeMap::new();
        for (file, good) in files.iter().filter_map(|(name, file)| Some((name, file.good.as_deref()?))) {
            for located in (self.of)(good) {
                let owned = Owned { def: located.def.clone(), owner: Owner::File(file.clone()) };
                claims.entry((self.key)(&located.def)).or_default().push(Arc::new(owned));
            }
        }
        claims
    }
}

/// Several files define a name.
fn shared<T>(name: &Name, claim: &Owned<T>, claims: &[Arc<Owned<T>>], had: Option<&Arc<Owned<T>>>) -> Problem {
    let others: Vec<&str> =
        claims.iter().map(|other| place(&other.owner)).filter(|p| *p != place(&claim.owner)).collect();
    let also = if others.is_empty() { "twice".to_owned() } else { format!("in {} too", others.join(", ")) };
    let goes_on = match had {
        Some(had) => format!("the one of {} goes on as it was", place(&had.owner)),
        None => "none of them is taken".to_owned(),
    };
    problem(claim, format!("{name} is defined {also}; {goes_on}. Rename one, or give it another version"))
}

/// A file defines a name that the API made before.
fn taken<T>(name: &Name, claim: &Owned<T>, owner: &Owner) -> Problem {
    problem(claim, format!("{name} was made over the API by {owner} and goes on; remove it there, or rename this one"))
}

fn problem<T>(claim: &Owned<T>, message: String) -> Problem {
    Problem { place: place(&claim.owner).to_owned(), message, diagnostics: Vec::new() }
}

fn place(owner: &Owner) -> &str {
    match owner {
        Owner::File(file) => file,
        Owner::App(app) => &app.name,
        Owner::Local => "the command line",
    }
}
