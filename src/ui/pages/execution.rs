//! One execution: what it is, and the parts of it that its users know, each at a path of its own.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse as _;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::access::TargetKind;
use crate::executor::missing_secret;
use crate::ui::failure::sentence;
use crate::ui::pages::lack::{Lack, lack, remedy};
use crate::ui::pages::{execution_forms, execution_tabs, task_panel};
use crate::ui::parts::layout::{self, Place};
use crate::ui::parts::notice::{Done, notice};
use crate::ui::parts::view::{self, text};
use crate::ui::parts::{link, moment, status, tabs};
use crate::ui::routes::Routes;
use crate::ui::{Answer, Failure, House, Visitor};
use crate::words::{ExecutionId, Permission, TaskId, Timestamp, WorkflowStatus, percent_encoded};

/// From how many bytes on a reason may be higher than its place on a phone.
const REASON_BYTES: usize = 400;

pub(super) fn routes() -> Routes {
    Routes::default()
        .page("/executions/{id}", show)
        .page("/executions/{id}/raw", raw)
        .page("/executions/{id}/{tab}", show_tab)
}

/// A part of an execution's page, by the names that Conductor has for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Diagram,
    TaskList,
    Timeline,
    Summary,
    InputOutput,
    Json,
    Variables,
}

impl Tab {
    const ALL: [Self; 7] =
        [Self::Diagram, Self::TaskList, Self::Timeline, Self::Summary, Self::InputOutput, Self::Json, Self::Variables];

    const fn title(self) -> &'static str {
        match self {
            Self::Diagram => "Diagram",
            Self::TaskList => "Task list",
            Self::Timeline => "Timeline",
            Self::Summary => "Summary",
            Self::InputOutput => "Input/Output",
            Self::Json => "JSON",
            Self::Variables => "Variables",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Diagram => "diagram",
            Self::TaskList => "task-list",
            Self::Timeline => "timeline",
            Self::Summary => "summary",
            Self::InputOutput => "input-output",
            Self::Json => "json",
            Self::Variables => "variables",
        }
    }
}

/// What of a page somebody asks to see.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// The task, by its reference.
    pub(super) task: String,
    /// The run of it; the last one where it is missing.
    pub(super) run: String,
    /// The part of the panel.
    pub(super) show: String,
    /// The first task of a long list.
    pub(super) start: usize,
}

/// An execution, as its page shows it.
pub(super) struct Seen<'a> {
    pub(super) visitor: &'a Visitor,
    pub(super) id: ExecutionId,
    /// Conductor's Workflow, masked.
    pub(super) workflow: &'a Value,
    pub(super) asked: &'a Asked,
    pub(super) may_execute: bool,
    pub(super) now: Timestamp,
    /// What who looks can do about a secret that the run has failed for lack of.
    pub(super) lacks: Lack,
    /// What the task that is looked at logged.
    pub(super) logs: Vec<(Timestamp, String)>,
}

async fn show(
    house: State<Arc<House>>,
    visitor: Visitor,
    Path(id): Path<String>,
    done: Query<Done>,
    asked: Query<Asked>,
) -> Answer {
    show_tab(house, visitor, Path((id, Tab::Diagram.path().to_owned())), done, asked).await
}

async fn show_tab(
    State(house): State<Arc<House>>,
    visitor: Visitor,
    Path((id, tab)): Path<(String, String)>,
    Query(done): Query<Done>,
    Query(asked): Query<Asked>,
) -> Answer {
    let tab = Tab::ALL.into_iter().find(|known| known.path() == tab);
    let tab = tab.ok_or_else(|| Failure::missing("an execution has no such part"))?;
    let id = execution(&id)?;
    let handle = &house.handle;
    let workflow = handle.workflow(&visitor.who, id, true).await?;
    let name = text(&workflow, "workflowName").to_owned();
    let rights = handle.rights(&visitor.who, TargetKind::Workflow, &name);
    let mut seen = Seen {
        visitor: &visitor,
        id,
        workflow: &workflow,
        asked: &asked,
        may_execute: rights.contains(&Permission::Execute),
        now: handle.now(),
        lacks: lack(&house, &visitor, text(&workflow, "reasonForIncompletion")),
        logs: Vec::new(),
    };
    if let Some(run) = seen.task().and_then(|task| text(task, "taskId").parse::<TaskId>().ok()?.run_of(id)) {
        seen.logs = handle.task_logs(&visitor.who, id, run).await?;
    }
    let content = html! {
        nav.crumbs aria-label="Where this page is" { a href="/executions" { "Executions" } " / " }
        (notice(&done))
        @if seen.is_going_on() { noscript { p { a.button href="" { "Load again" } } } }
        div data-live="execution" data-execution=(id) { (seen.live(tab)) }
    };
    Ok(layout::page(&visitor, Place::Executions, &name, &content).into_response())
}

/// Gives the whole execution as the API does, masked.
async fn raw(State(house): State<Arc<House>>, visitor: Visitor, Path(id): Path<String>) -> Answer {
    let workflow = house.handle.workflow(&visitor.who, execution(&id)?, true).await?;
    Ok(([(CONTENT_TYPE, "application/json")], workflow.to_string()).into_response())
}

impl Seen<'_> {
    pub(super) fn path(&self) -> String {
        link::execution_path(&self.id.to_string())
    }

    pub(super) fn status(&self) -> Option<WorkflowStatus> {
        let word = text(self.workflow, "status");
        WorkflowStatus::ALL.into_iter().find(|status| status.as_str() == word)
    }

    pub(super) fn is_going_on(&self) -> bool {
        self.status().is_some_and(|status| !status.is_terminal())
    }

    /// Returns the run that is looked at: the one that is asked for, or the last one of its task.
    pub(super) fn task(&self) -> Option<&Value> {
        let tasks = view::tasks(self.workflow);
        if !self.asked.run.is_empty() {
            return tasks.iter().find(|task| text(task, "taskId") == self.asked.run);
        }
        if self.asked.task.is_empty() {
            return None;
        }
        let wanted = |task: &&Value| {
            [view::reference(task), text(task, "referenceTaskName")].contains(&self.asked.task.as_str())
        };
        tasks.iter().rfind(wanted)
    }

    /// Returns the address of a run on this part of the page.
    pub(super) fn run_link(task: &Value) -> String {
        let (reference, run) = (percent_encoded(view::reference(task)), percent_encoded(text(task, "taskId")));
        format!("?task={reference}&run={run}#panel")
    }

    /// Returns what changes while the execution goes on.
    fn live(&self, tab: Tab) -> Markup {
        let path = self.path();
        let all = Tab::ALL.map(|other| (other.title(), format!("{path}/{}", other.path()), other == tab));
        let panel = task_panel::panel(self);
        html! {
            (self.head())
            (tabs::tabs("Parts of the execution", all))
            div.split[panel.is_some()] {
                div { (execution_tabs::content(self, tab)) }
                @if let Some(panel) = panel { (panel) }
            }
        }
    }

    fn head(&self) -> Markup {
        let workflow = self.workflow;
        let reason = text(workflow, "reasonForIncompletion");
        let took = view::took(workflow, "startTime", "endTime", self.now);
        html! {
            div.head {
                h1.name { (text(workflow, "workflowName")) " " span.none { "v" (workflow["workflowVersion"]) } }
                (status::workflow_word(text(workflow, "status")))
                (execution_forms::actions(self))
            }
            @if !reason.is_empty() {
                div.message.bad { (why(reason)) @if let Some(secret) = missing_secret(reason) { (remedy(secret, self.lacks)) } }
            }
            dl.facts {
                div { dt { "Id" } dd { code { (self.id) } } }
                @if let Some(started) = view::moment(workflow, "startTime") {
                    div { dt { "Started" } dd { (moment::moment(started, self.now)) } }
                }
                @if let Some(took) = took {
                    div { dt { (if self.is_going_on() { "Running for" } else { "Took" }) } dd { (moment::took(took)) } }
                }
                div { dt { "Started by" } dd { (text(workflow, "createdBy")) } }
                @if !text(workflow, "correlationId").is_empty() {
                    div { dt { "Correlation id" } dd { (text(workflow, "correlationId")) } }
                }
                @if !text(workflow, "parentWorkflowId").is_empty() {
                    div { dt { "Part of" } dd { (link::execution(text(workflow, "parentWorkflowId"))) } }
                }
            }
        }
    }
}

/// Returns why an execution failed; a long reason scrolls, so that what follows stays in sight.
fn why(reason: &str) -> Markup {
    let is_long = reason.len() > REASON_BYTES;
    html! {
        p.reason tabindex=[is_long.then_some("0")] role=[is_long.then_some("region")] aria-label=[is_long.then_some("Why it failed")] {
            (sentence(reason))
        }
    }
}

/// Reads an id; what is none of ours is the id of nothing.
pub(super) fn execution(id: &str) -> Result<ExecutionId, Failure> {
    id.parse().map_err(|_| Failure::missing("there is no such execution"))
}
