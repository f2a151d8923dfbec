use super::{CREATED, CREATED_BY, EVALUATORS, KEPT, Kind, ORIGIN, SCHEMA, Shape, UPDATED, UPDATED_BY, absent};
use crate::workflow::definition::{Action, EventHandler, StartAction, TaskAction, TerminateAction, VariablesAction};

const WORKFLOW_ID: &str = "The id of the execution, with expressions over the event, as `${workflowId}`.";

/// A handler of events.
#[rustfmt::skip]
pub(in crate::workflow) static EVENT_HANDLER: Shape = Shape {
    what: "an event handler",
    required: &["name", "event", "actions"],
    defaults: absent::<EventHandler>,
    fields: &[
        ("$schema", Kind::Any, SCHEMA),
        ("name", Kind::Text, "The handler's name."),
        ("description", Kind::Text, "What it is for."),
        ("event", Kind::Text,
            "What it acts on: `conductor:WORKFLOW:REFERENCE` of an EVENT task whose sink is `conductor`, `conductor:WORKFLOW:NAME` where it is `conductor:NAME`."),
        ("condition", Kind::Text, "When it acts: a script over the event `$`; always where absent."),
        ("evaluatorType", Kind::OneOf(&EVALUATORS), "How `condition` is read; javascript where absent."),
        ("actions", Kind::List(&Kind::Of(&ACTION)), "What it does, one after another."),
        ("active", Kind::Flag, "Whether it acts at all."),
        ("tags", Kind::Any, KEPT),
        ("orgId", Kind::Any, KEPT),
        ("createTime", Kind::Long, CREATED),
        ("updateTime", Kind::Long, UPDATED),
        ("createdBy", Kind::Text, CREATED_BY),
        ("updatedBy", Kind::Text, UPDATED_BY),
        ("origin", Kind::Any, ORIGIN),
    ],
};

#[rustfmt::skip]
static ACTION: Shape = Shape {
    what: "an action",
    required: &["action"],
    defaults: absent::<Action>,
    fields: &[
        ("action", Kind::OneOf(&EventHandler::ACTIONS), "What is done; the part of that name says the rest."),
        ("start_workflow", Kind::Of(&START), "What to start, and with what."),
        ("complete_task", Kind::Of(&TASK), "The task to complete."),
        ("fail_task", Kind::Of(&TASK), "The task to fail."),
        ("terminate_workflow", Kind::Of(&TERMINATE), "The execution to terminate."),
        ("update_workflow_variables", Kind::Of(&VARIABLES), "The variables to set."),
        ("expandInlineJSON", Kind::Flag, "Whether texts of the event that are JSON are read as such."),
    ],
};

#[rustfmt::skip]
static START: Shape = Shape {
    what: "a start of a workflow",
    required: &["name"],
    defaults: absent::<StartAction>,
    fields: &[
        ("name", Kind::Text, "The workflow's name."),
        ("version", Kind::Integer, "Its version; the highest where absent."),
        ("correlationId", Kind::Text, "A name for what belongs together, with expressions over the event."),
        ("input", Kind::Map, "What it takes, with expressions over the event, as `${field}`."),
        ("inputMessage", Kind::Any, KEPT),
        ("taskToDomain", Kind::MapOf(&Kind::Text), "Which workers get which task: task name (`*`: all) to domain."),
    ],
};

#[rustfmt::skip]
static TASK: Shape = Shape {
    what: "an end of a task",
    required: &[],
    defaults: absent::<TaskAction>,
    fields: &[
        ("workflowId", Kind::Text, WORKFLOW_ID),
        ("taskRefName", Kind::Text, "The reference of its task."),
        ("taskId", Kind::Text, "The id of the task, in place of the two."),
        ("output", Kind::Map, "What the task gives, with expressions over the event, as `${field}`."),
        ("outputMessage", Kind::Any, KEPT),
    ],
};

#[rustfmt::skip]
static TERMINATE: Shape = Shape {
    what: "an end of a workflow",
    required: &[],
    defaults: absent::<TerminateAction>,
    fields: &[
        ("workflowId", Kind::Text, WORKFLOW_ID),
        ("terminationReason", Kind::Text, "Why, with expressions over the event."),
    ],
};

#[rustfmt::skip]
static VARIABLES: Shape = Shape {
    what: "a change of variables",
    required: &[],
    defaults: absent::<VariablesAction>,
    fields: &[
        ("workflowId", Kind::Text, WORKFLOW_ID),
        ("variables", Kind::Map, "The variables, with expressions over the event, as `${field}`."),
        ("appendArray", Kind::Flag, "Whether a list is added to the one that is there."),
    ],
};
