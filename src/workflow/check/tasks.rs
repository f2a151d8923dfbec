//! What each kind of task needs, and where the flow cannot go on.

use crate::words::{Diagnostic, Span, nearest};
use crate::workflow::definition::TaskType;
use crate::workflow::problem;
use crate::workflow::tree::Node;
use crate::workflow::waiting::{self, Fault};

use super::children::{self, Workflows};
use super::outline::Task;
use super::{Findings, Workflow, http, loops, scripts, update_secret};

/// Types that this program or Conductor runs itself: a slip of one of them would wait for a worker that nobody wrote.
const TYPES: [&str; 31] = [
    "SIMPLE",
    "HTTP",
    "UPDATE_SECRET",
    "FORK_JOIN",
    "FORK",
    "FORK_JOIN_DYNAMIC",
    "JOIN",
    "EXCLUSIVE_JOIN",
    "SWITCH",
    "DECISION",
    "SET_VARIABLE",
    "TERMINATE",
    "WAIT",
    "NOOP",
    "INLINE",
    "LAMBDA",
    "JSON_JQ_TRANSFORM",
    "DO_WHILE",
    "SUB_WORKFLOW",
    "START_WORKFLOW",
    "EVENT",
    "HUMAN",
    "DYNAMIC",
    "KAFKA_PUBLISH",
    "HTTP_POLL",
    "WAIT_FOR_WEBHOOK",
    "BUSINESS_RULE",
    "JDBC",
    "GET_WORKFLOW",
    "UPDATE_TASK",
    "USER_DEFINED",
];

/// Reports what is wrong with each task by its kind.
pub(super) fn check(workflow: &Workflow<'_>, known: &Workflows<'_>, found: &mut Findings) {
    for task in &workflow.outline.tasks {
        delay(workflow, task, found);
        match &task.kind {
            TaskType::Http | TaskType::HttpPoll => http::check(workflow, task, found),
            TaskType::UpdateSecret => update_secret::check(workflow, task, found),
            TaskType::Wait => wait(workflow, task, found),
            TaskType::Switch => switch(workflow, task, found),
            TaskType::ForkJoin => fork(workflow, task, found),
            TaskType::Decision => {
                scripts::decision(workflow, task, found);
                cases(workflow, task, found);
            }
            TaskType::Inline => scripts::inline(workflow, task, found),
            TaskType::Lambda => scripts::lambda(workflow, task, found),
            TaskType::JsonJqTransform => scripts::jq(workflow, task, found),
            TaskType::Join | TaskType::ExclusiveJoin => join(workflow, task, found),
            TaskType::ForkJoinDynamic => loops::dynamic_fork(workflow, task, found),
            TaskType::DoWhile => loops::do_while(workflow, task, found),
            TaskType::Dynamic => loops::dynamic(workflow, task, found),
            TaskType::Terminate => terminate(workflow, task, found),
            TaskType::Simple | TaskType::GetSignedJwt | TaskType::Human | TaskType::SetVariable | TaskType::Noop => {}
            TaskType::SubWorkflow | TaskType::StartWorkflow | TaskType::GetWorkflow | TaskType::UpdateTask => {
                children::check(workflow, task, known, found);
            }
            TaskType::Event => children::event(workflow, task, found),
            TaskType::Other(name) => slip(workflow, task, name, found),
        }
    }
}

pub(super) fn error(workflow: &Workflow<'_>, span: Span, code: &'static str, message: String) -> Diagnostic {
    problem::error(workflow.source, Some(span), code, message)
}

fn delay(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let given = task.node.get("startDelay").filter(|delay| delay.to_json().as_i64().is_some_and(i64::is_negative));
    if let Some(given) = given {
        let message = format!("`startDelay` is below zero in {} `{}`", task.kind.as_str(), task.name());
        found.push(error(workflow, given.span, "E0201", message).help("it is a number of seconds"));
    }
}

fn wait(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let (duration, until) = (task.input("duration"), task.input("until"));
    let json = |node: Option<&Node>| node.map(Node::to_json);
    let fault = waiting::fault(json(duration).as_ref(), json(until).as_ref());
    let (name, node, help) = match (fault, duration, until) {
        (Some(Fault::Both), Some(duration), Some(until)) => {
            let message = format!("WAIT `{}` has both `duration` and `until`", task.name());
            found.push(
                error(workflow, until.span, "E0405", message)
                    .label("second")
                    .help("keep one of them")
                    .related(duration.span, "first"),
            );
            return;
        }
        (Some(Fault::Duration), Some(node), _) => {
            ("duration", node, "write `2 hours 30 minutes`, with days, hours, minutes, seconds in this order")
        }
        (Some(Fault::Until), _, Some(node)) => {
            ("until", node, "write `2030-01-31`, `2030-01-31 18:30` or `2030-01-31 18:30 Europe/Berlin`")
        }
        _ => return,
    };
    let message =
        format!("WAIT `{}` has {} `{name}` that cannot be read", task.name(), if name == "until" { "an" } else { "a" });
    found.push(error(workflow, node.span, "E0405", message).help(help));
}

fn switch(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    for field in ["evaluatorType", "expression"] {
        if task.node.get(field).is_none_or(Node::is_null) {
            let message = format!("`{field}` is missing in SWITCH `{}`", task.name());
            let help = match field {
                "evaluatorType" => "add `evaluatorType: value-param`",
                _ => "add `expression: NAME`, where NAME is an input that holds the value to decide on",
            };
            found.push(error(workflow, task.node.head(), "E0406", message).help(help));
        }
    }
    cases(workflow, task, found);
    scripts::evaluator(workflow, task, task.node.get("evaluatorType"), found);
    let is_value_param = task.node.get("evaluatorType").and_then(Node::text) == Some("value-param");
    let expression = task.node.get("expression").and_then(|node| Some((node, node.text()?)));
    if let Some((node, name)) = expression.filter(|(_, name)| is_value_param && task.input(name).is_none()) {
        let message = format!("SWITCH `{}` decides on the input `{name}`, which it does not have", task.name());
        let diagnostic = error(workflow, node.span, "E0406", message).label("no input of this name");
        found.push(if name.contains("${") {
            diagnostic.help("with `value-param` this is the name of an input: move the `${…}` there")
        } else {
            diagnostic.help(format!("add `{name}: ${{…}}` to `inputParameters`"))
        });
    }
}

/// Reports a SWITCH or DECISION without a case: Conductor does not register one.
fn cases(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let cases = task.node.get("decisionCases");
    if cases.is_none_or(|cases| cases.entries().is_empty()) {
        let (kind, code) = (task.kind.as_str(), if task.kind == TaskType::Switch { "E0406" } else { "E0411" });
        let message = format!("{kind} `{}` has no case", task.name());
        let place = cases.map_or_else(|| task.node.head(), |cases| cases.span);
        let help =
            "add one to `decisionCases`: a value, with a list of tasks; where there is no choice, leave the task out";
        found.push(error(workflow, place, code, message).help(help));
    }
}

fn fork(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let branches = task.node.get("forkTasks");
    if branches.is_none_or(|branches| branches.items().is_empty()) {
        let message = format!("FORK_JOIN `{}` has no branches", task.name());
        let help = "add `forkTasks`, a list of lists of tasks";
        found.push(error(workflow, task.node.head(), "E0407", message).help(help));
    }
    for branch in branches.map(Node::items).unwrap_or_default().iter().filter(|branch| branch.items().is_empty()) {
        let message = format!("a branch of FORK_JOIN `{}` is empty", task.name());
        found.push(error(workflow, branch.span, "E0407", message).help("remove it, or put a NOOP there"));
    }
    let joins = task.next.and_then(|next| next.get("type")).and_then(Node::text);
    if !matches!(joins, Some("JOIN" | "EXCLUSIVE_JOIN")) {
        let message = format!("FORK_JOIN `{}` is not followed by a JOIN", task.name());
        found.push(
            problem::warning(workflow.source, Some(task.node.head()), "W0407", message)
                .label("nothing waits for the branches")
                .help("add a JOIN right after it, with the last tasks of the branches in `joinOn`"),
        );
    }
}

fn join(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let fields = ["joinOn", "defaultExclusiveJoinTask"].iter().filter_map(|field| task.node.get(field));
    for node in fields.flat_map(Node::items) {
        let Some(name) = node.text().filter(|name| !name.contains("${")) else { continue };
        if let Some(place) = workflow.outline.place(name) {
            unreached(workflow, task, (node, &workflow.outline.tasks[place]), found);
            continue;
        }
        let kind = task.kind.as_str();
        let message = format!("{kind} `{}` waits for `{name}`, which no task is called", task.name());
        let diagnostic = error(workflow, node.span, "E0409", message).label("unknown");
        found.push(match nearest(name, workflow.outline.references()) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help("use the `taskReferenceName` of a branch's last task"),
        });
    }
}

/// Reports what a JOIN waits for although it may never, or can never, be there for it.
fn unreached(workflow: &Workflow<'_>, join: &Task<'_>, (node, awaited): (&Node, &Task<'_>), found: &mut Findings) {
    if join.inner_loop != awaited.inner_loop {
        let message = format!("JOIN `{}` waits for `{}`, which runs in another loop", join.name(), awaited.name());
        found.push(
            error(workflow, node.span, "E0409", message)
                .label("it waits for ever: each iteration has its own")
                .help("wait for the loop itself, or put the JOIN into the same list"),
        );
    } else if awaited.switch.is_some() && join.switch != awaited.switch {
        let message = format!("JOIN `{}` waits for `{}`, which may not be reached", join.name(), awaited.name());
        found.push(
            problem::warning(workflow.source, Some(node.span), "W0409", message)
                .label("where its case is not taken, the JOIN waits for ever")
                .help("wait for the SWITCH, or for a task after it"),
        );
    }
}

fn terminate(workflow: &Workflow<'_>, task: &Task<'_>, found: &mut Findings) {
    let optional = task.node.get("optional").filter(|optional| optional.to_json() == true);
    if let Some(optional) = optional {
        let message = format!("TERMINATE `{}` cannot be `optional`", task.name());
        found.push(error(workflow, optional.span, "E0410", message).help("remove `optional`: it never fails"));
    }
    let status = task.input("terminationStatus");
    let text = status.and_then(Node::text).unwrap_or_default();
    if text.contains("${") || matches!(text, "COMPLETED" | "FAILED" | "TERMINATED") {
        return;
    }
    let place = status.map_or_else(|| task.node.head(), |status| status.span);
    let message = format!("TERMINATE `{}` needs a `terminationStatus`", task.name());
    let help = "write COMPLETED, FAILED or TERMINATED";
    found.push(error(workflow, place, "E0410", message).help(help));
}

/// Reports a field that a task of its type needs and does not have.
pub(super) fn missing(workflow: &Workflow<'_>, task: &Task<'_>, field: &str, found: &mut Findings) {
    if task.node.get(field).is_none_or(Node::is_null) {
        let message = format!("`{field}` is missing in {} `{}`", task.kind.as_str(), task.name());
        found.push(error(workflow, task.node.head(), "E0411", message).help(format!("add `{field}`")));
    }
}

fn slip(workflow: &Workflow<'_>, task: &Task<'_>, name: &str, found: &mut Findings) {
    if TYPES.contains(&name) {
        return;
    }
    let Some(near) = nearest(name, TYPES) else { return };
    let span = task.node.get("type").map_or_else(|| task.node.head(), |node| node.span);
    let message = format!("`{name}` is no known type, so the task waits for a worker");
    let diagnostic = problem::warning(workflow.source, Some(span), "W0411", message);
    found.push(diagnostic.help(format!("did you mean `{near}`?")));
}
