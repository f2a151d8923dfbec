use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::access::{Tagged, TargetKind};
use crate::catalog::{Catalog, Owned, Registration};
use crate::daemon::error::Error;
use crate::daemon::handle::Handle;
use crate::daemon::handle::tags::shown_tags;
use crate::daemon::message::Message;
use crate::daemon::slots::{Barred, Facts, Hold};
use crate::journal::{Action, Object, ObjectKind};
use crate::redact::Masker;
use crate::scheduler::{self, Defaults, Schedule};
use crate::words::{ExecutionId, Owner, Permission, Timestamp};
use crate::workflow::definition::{StartWorkflowRequest, WorkflowSchedule};
use crate::workflow::registration::registration_errors;
use crate::workflow::shown::shown_definition;

impl Handle {
    /// Returns the schedules that `who` may read, as Conductor's WorkflowSchedule with `origin` and `nextRunTime`.
    pub async fn schedules(&self, who: &Owner) -> Result<Vec<Value>, Error> {
        self.schedules_where(who, |_| true).await
    }

    /// Returns the schedules that `who` may read and that start one of these workflows, as [`Handle::schedules`] does.
    pub async fn schedules_of(&self, who: &Owner, workflows: &BTreeSet<&str>) -> Result<Vec<Value>, Error> {
        let starts = |schedule: &WorkflowSchedule| {
            schedule.start_workflow_request.as_ref().is_some_and(|request| workflows.contains(request.name.as_str()))
        };
        self.schedules_where(who, starts).await
    }

    /// Returns whether there is a schedule that `who` may read.
    pub fn has_schedules(&self, who: &Owner) -> bool {
        let catalog = self.catalog();
        catalog.schedules().any(|owned| self.may(who, Permission::Read, TargetKind::Schedule, &owned.def.name))
    }

    async fn schedules_where(
        &self,
        who: &Owner,
        is_wanted: impl Fn(&WorkflowSchedule) -> bool,
    ) -> Result<Vec<Value>, Error> {
        let catalog = self.catalog();
        let readable = |owned: &&std::sync::Arc<Owned<WorkflowSchedule>>| {
            is_wanted(&owned.def) && self.may(who, Permission::Read, TargetKind::Schedule, &owned.def.name)
        };
        let owned: Vec<_> = catalog.schedules().filter(readable).cloned().collect();
        let schedules = owned.iter().map(|owned| owned.def.name.clone()).collect();
        let facts = self.ask(|reply| Message::Facts { schedules, reply }).await?;
        let masker = self.0.views.masker();
        let masked = |input: &Value, request: &StartWorkflowRequest| masked_input(input, request, &catalog, &masker);
        let tagged = |(owned, facts): (&std::sync::Arc<Owned<WorkflowSchedule>>, _)| {
            let mut schedule = shown(owned, facts, masked);
            schedule["tags"] = shown_tags(&self.tags_of(Tagged::Schedule, &owned.def.name));
            schedule
        };
        Ok(owned.iter().zip(facts).map(tagged).collect())
    }

    /// Returns one schedule.
    pub async fn schedule(&self, who: &Owner, name: &str) -> Result<Value, Error> {
        self.permit_known(who, Permission::Read, TargetKind::Schedule, name, || unknown(name))?;
        self.schedules_where(who, |schedule| schedule.name == name).await?.pop().ok_or_else(|| unknown(name))
    }

    /// Returns when a schedule that `who` may read fires, as the settings have it now; nothing where nobody can tell.
    pub fn timetable(&self, who: &Owner, name: &str) -> Option<Schedule> {
        if !self.may(who, Permission::Read, TargetKind::Schedule, name) {
            return None;
        }
        let owned = self.catalog().schedule(name).cloned()?;
        self.plan(&owned.def).ok()
    }

    /// Plans a schedule that is not there yet, as the settings have it now.
    pub fn plan(&self, schedule: &WorkflowSchedule) -> Result<Schedule, scheduler::Error> {
        Schedule::from_definition(schedule, self.definitions().defaults())
    }

    /// Makes or changes a schedule over the API. What a client was shown as hidden and sends back stays what it is.
    pub async fn save_schedule(&self, who: &Owner, mut schedule: WorkflowSchedule) -> Result<Value, Error> {
        let name = schedule.name.clone();
        let turn = self.turn_to_register().await;
        let exists = self.catalog().schedule(&name).cloned();
        self.permit_write(who, TargetKind::Schedule, &name, exists.is_some())?;
        if let Some(exists) = &exists {
            self.keep_hidden(&mut schedule, &exists.def);
        }
        check(&schedule)?;
        for workflow in schedule.start_workflow_request.iter().flat_map(started) {
            self.permit(who, Permission::Execute, TargetKind::Workflow, workflow)?;
        }
        let now = self.now().as_millis();
        schedule.create_time = Some(exists.and_then(|owned| owned.def.create_time).unwrap_or(now));
        schedule.updated_time = Some(now);
        self.register(who, vec![Registration::Schedule(schedule)], turn).await?;
        // Whoever made it sees what it made, whether or not it may read it later.
        self.schedule(&Owner::Local, &name).await
    }

    fn keep_hidden(&self, schedule: &mut WorkflowSchedule, before: &WorkflowSchedule) {
        let (Some(new), Some(old)) = (&mut schedule.start_workflow_request, &before.start_workflow_request) else {
            return;
        };
        // Another workflow would show, or send, what this one hides.
        if new.name != old.name || new.version != old.version || new.workflow_def != old.workflow_def {
            return;
        }
        let before = Value::Object(old.input.clone());
        let shown = masked_input(&before, old, &self.catalog(), &self.0.views.masker());
        let mut input = Value::Object(std::mem::take(&mut new.input));
        unmask(&mut input, &shown, &before);
        if let Value::Object(fields) = input {
            new.input = fields;
        }
    }

    /// Holds a schedule, or lets it go on; it may be one of a file.
    pub async fn hold_schedule(&self, who: &Owner, name: &str, hold: Hold) -> Result<(), Error> {
        self.permit_known(who, Permission::Update, TargetKind::Schedule, name, || unknown(name))?;
        let schedule = name.to_owned();
        let (action, detail) = match &hold {
            Hold::Pause(reason) => (Action::Pause, reason.clone()),
            Hold::Resume => (Action::Resume, None),
        };
        let entry = self.entry(who, action, Object::new(ObjectKind::Schedule, name));
        let entry = detail.iter().fold(entry, |entry, detail| entry.detailed(detail));
        if self.ask_told(vec![entry], |reply| Message::Hold { schedule, hold, reply }).await?? {
            Ok(())
        } else {
            Err(unknown(name))
        }
    }

    /// Starts a schedule's workflow now. A definition that the schedule brings along acts as the schedule's owner then too: whoever
    /// starts it did not write it.
    pub async fn trigger(&self, who: &Owner, name: &str) -> Result<ExecutionId, Error> {
        self.permit_known(who, Permission::Execute, TargetKind::Schedule, name, || unknown(name))?;
        let owned = self.catalog().schedule(name).cloned().ok_or_else(|| unknown(name))?;
        let request = owned.def.start_workflow_request.clone();
        let request = request.ok_or_else(|| Error::invalid(format!("schedule `{name}` starts nothing")))?;
        let Some(brought) = &request.workflow_def else { return self.start(who, request).await };
        self.permit(who, Permission::Execute, TargetKind::Workflow, &brought.name)?;
        let plan =
            self.definitions().brought(&self.catalog(), &owned.owner, brought).map_err(|barred| match barred {
                Barred::Missing(reason) => Error::invalid(reason),
                Barred::Denied(reason) => Error::Denied(reason),
            })?;
        self.start_plan(who, plan, request).await
    }
}

fn check(schedule: &WorkflowSchedule) -> Result<(), Error> {
    if schedule.name.trim().is_empty() {
        return Err(Error::invalid("name: a schedule needs one"));
    }
    if schedule.start_workflow_request.as_ref().is_none_or(|request| request.name.trim().is_empty()) {
        return Err(Error::invalid("startWorkflowRequest: it must name a workflow"));
    }
    let brought = schedule.start_workflow_request.as_ref().and_then(|request| request.workflow_def.as_deref());
    let problems = brought.map(registration_errors).unwrap_or_default();
    if !problems.is_empty() {
        let message = "Validation failed, check below errors for detail.".to_owned();
        return Err(Error::Invalid { message, problems });
    }
    Schedule::from_definition(schedule, Defaults::default())
        .map(drop)
        .map_err(|error| Error::invalid(error.to_string()))
}

/// Returns the names under which a request starts something: the one that it says, and that of the definition that it brings.
fn started(request: &StartWorkflowRequest) -> impl Iterator<Item = &str> {
    let brought = request.workflow_def.as_ref().map(|workflow| workflow.name.as_str());
    std::iter::once(request.name.as_str()).chain(brought)
}

/// Returns the input that a schedule starts with as people may see it.
fn masked_input(input: &Value, request: &StartWorkflowRequest, catalog: &Catalog, masker: &Masker) -> Value {
    let named = || catalog.workflow(&request.name, request.version).map(|definition| &definition.pinned.workflow);
    let workflow = request.workflow_def.as_deref().or_else(named);
    let fields = workflow.map_or(&[][..], |workflow| workflow.masked_fields.as_slice());
    masker.mask_payload(input, fields)
}

/// Puts back what was hidden, wherever a value is still as it was shown.
fn unmask(value: &mut Value, shown: &Value, before: &Value) {
    if value == shown {
        value.clone_from(before);
    } else if let (Value::Object(fields), Value::Object(shown), Value::Object(before)) = (value, shown, before) {
        for (name, field) in fields {
            if let (Some(shown), Some(before)) = (shown.get(name), before.get(name)) {
                unmask(field, shown, before);
            }
        }
    }
}

fn shown(
    owned: &Owned<WorkflowSchedule>,
    facts: Option<Facts>,
    masked: impl Fn(&Value, &StartWorkflowRequest) -> Value,
) -> Value {
    let value = serde_json::to_value(&owned.def).expect("a schedule has only text keys");
    let mut fields = match shown_definition(&value) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    if let Some(request) = &owned.def.start_workflow_request
        && let Some(input) = fields.get_mut("startWorkflowRequest").and_then(|shown| shown.get_mut("input"))
    {
        *input = masked(input, request);
    }
    fields.insert("origin".to_owned(), owned.owner.to_string().into());
    if let Some(facts) = facts {
        fields.insert("paused".to_owned(), facts.paused.into());
        if let Some(reason) = facts.paused_reason {
            fields.insert("pausedReason".to_owned(), reason.into());
        }
        let next = facts.next.filter(|_| !facts.paused).map(Timestamp::as_millis);
        fields.insert("nextRunTime".to_owned(), next.into());
    }
    Value::Object(fields)
}

fn unknown(name: &str) -> Error {
    Error::NotFound(format!("there is no schedule `{name}`"))
}
