//! What a schedule that is being filled in means: in words and times, and as text for a file.

use maud::{Markup, html};
use serde_json::{Value, json};

use crate::access::TargetKind;
use crate::scheduler::{self, Schedule};
use crate::ui::failure::sentence;
use crate::ui::pages::schedule::next;
use crate::ui::pages::schedules::in_words;
use crate::ui::parts::json;
use crate::ui::{Failure, House, Visitor};
use crate::words::{Owner, Permission};
use crate::workflow::definition::WorkflowSchedule;

/// The fields of a schedule that its file does not hold: the server keeps them.
const KEPT_BY_SERVER: [&str; 5] = ["createTime", "updatedTime", "createdBy", "updatedBy", "pausedReason"];

/// For whom something is told, and where.
pub(super) struct Preview<'a> {
    pub(super) house: &'a House,
    pub(super) visitor: &'a Visitor,
    /// The file that defines it.
    pub(super) file: Option<&'a str>,
}

impl Preview<'_> {
    /// Returns what the form means, as far as it can be read.
    pub(super) fn show(&self, read: Result<WorkflowSchedule, Failure>) -> Markup {
        let planned = read.and_then(|schedule| {
            let planned = self.house.handle.plan(&schedule).map_err(|error| Failure::wrong(said(&error)))?;
            Ok((schedule, planned))
        });
        match planned {
            Err(failure) => html! { h2 { "When" } p.message.bad.words { (sentence(failure.message())) } },
            Ok((schedule, planned)) => html! {
                h2 { "When" }
                div.words { (in_words(&planned)) }
                (advice(&planned))
                (self.target(&schedule))
                (next(&planned, self.house.handle.now()))
                details open[self.file.is_some()] {
                    summary { "As text for a file" }
                    (self.for_file(&schedule))
                }
            },
        }
    }

    /// Says what will hinder it although it can be saved, or why it cannot.
    fn target(&self, schedule: &WorkflowSchedule) -> Markup {
        let Some(request) = &schedule.start_workflow_request else { return html! {} };
        let rights = self.house.handle.rights(&self.visitor.who, TargetKind::Workflow, &request.name);
        let is_there = self.house.handle.catalog().workflow(&request.name, request.version).is_some();
        html! {
            @if request.name.is_empty() {
                p.message { "It starts nothing yet: name a workflow." }
            } @else if !rights.contains(&Permission::Execute) {
                p.message.bad { "You may not run " code { (request.name) } ", so you cannot schedule it." }
            } @else if !is_there {
                p.message.bad { "There is no workflow " code { (request.name) }
                    @if let Some(version) = request.version { " of version " (version) }
                    ": it starts nothing until there is one." }
            }
        }
    }

    /// Returns the schedule as a file holds it: beside its workflow, where that is in the same file, else for itself.
    fn for_file(&self, schedule: &WorkflowSchedule) -> Markup {
        let request = schedule.start_workflow_request.clone().unwrap_or_default();
        let catalog = self.house.handle.catalog();
        let workflow = catalog.workflow(&request.name, request.version).map(|one| &one.pinned.owner);
        let is_beside = matches!((workflow, self.file), (Some(Owner::File(its)), Some(file)) if its.as_str() == file);
        let text = written(schedule, is_beside);
        html! {
            p.hint {
                @if is_beside { "In the list " code { "schedules" } " of its workflow." }
                @else { "In a file of its own in the folder of workflows, or beside others in a list." }
                " JSON is YAML too. Where it says " code { "***" } ", leave what the file has."
            }
            (json::text("The schedule as text", &format!("{text:#}")))
        }
    }
}

/// Returns a schedule as people write it: without what says nothing, and what the server keeps.
fn written(schedule: &WorkflowSchedule, is_beside: bool) -> Value {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(schedule) else { return Value::Null };
    for kept in KEPT_BY_SERVER {
        fields.remove(kept);
    }
    let mut request = fields.remove("startWorkflowRequest").unwrap_or_else(|| json!({}));
    if let Some(request) = request.as_object_mut() {
        request.remove("createdBy");
        request.retain(|_, value| !says_nothing(value));
    }
    fields.retain(|_, value| !says_nothing(value));
    if fields.contains_key("cronSchedules") {
        fields.remove("zoneId");
    }
    match request {
        Value::Object(mut request) if is_beside => {
            request.remove("name");
            fields.extend(request);
        }
        request => drop(fields.insert("startWorkflowRequest".to_owned(), request)),
    }
    Value::Object(fields)
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Says what is odd about expressions that can be read.
fn advice(planned: &Schedule) -> Markup {
    html! {
        @for advice in planned.timings.iter().flat_map(|timing| timing.cron.advice()) {
            p.message { (sentence(&advice.message)) @if let Some(help) = &advice.help { " " (sentence(help)) } }
        }
    }
}

/// Returns what is wrong with a schedule, and what to do.
fn said(error: &scheduler::Error) -> String {
    use scheduler::Error as Cause;
    match error {
        Cause::Cron { cron, source, .. } => {
            let fix = source.fix.as_ref().map(|fix| format!("; perhaps `{fix}`"));
            let help = source.help.as_ref().map(|help| format!("; {help}"));
            format!("`{cron}`: {}{}", source.message, fix.or(help).unwrap_or_default())
        }
        Cause::Zone { source, .. } => format!("{source}; {}", source.help()),
        Cause::NoCron { .. } | Cause::TooManyCrons { .. } => error.to_string(),
    }
}
