//! The scripts that definitions hold, for whoever can read them: nothing here evaluates or parses one.

use crate::words::{Diagnostic, Source, Span};
use crate::workflow::definition::TaskType;
use crate::workflow::load::{Kind, Loaded, Named};
use crate::workflow::problem;
use crate::workflow::tree::Node;

use super::outline::{Outline, Task};

/// How a script is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripting {
    /// A program, or the body of a function.
    JavaScript,
    /// A jq filter.
    Jq,
}

/// A script where it stands.
pub struct ScriptText<'a> {
    /// How it is read.
    pub scripting: Scripting,
    /// Its text.
    pub text: &'a str,
    source: &'a Source,
    span: Span,
    whose: String,
}

impl ScriptText<'_> {
    /// Returns the problem that it cannot be read.
    pub fn unreadable(&self, why: &str) -> Diagnostic {
        let message = format!("the script of {} cannot be read: {why}", self.whose);
        problem::error(self.source, Some(self.span), "E0419", message)
    }
}

/// Returns the scripts of files. One with `${…}` is known only when its task starts.
pub fn scripts<'a>(files: &[&'a Loaded]) -> Vec<ScriptText<'a>> {
    let documents = files.iter().flat_map(|file| file.documents.iter().map(|document| (&file.source, document)));
    let scripts = |(source, document): (&'a Source, &'a Named)| match document.kind {
        Kind::Workflow => of_workflow(source, &document.node),
        Kind::EventHandler => condition(source, &document.node).into_iter().collect(),
        Kind::Schedule | Kind::TaskDef => Vec::new(),
    };
    documents.flat_map(scripts).collect()
}

/// Returns when an event handler acts, which is evaluated as it stands: `${…}` means nothing in it.
fn condition<'a>(source: &'a Source, handler: &'a Node) -> Option<ScriptText<'a>> {
    let node = handler.get("condition")?;
    let text = node.text().filter(|text| !text.trim().is_empty())?;
    if handler.get("evaluatorType").and_then(Node::text) == Some("value-param") {
        return None;
    }
    let name = handler.get("name").and_then(Node::text).unwrap_or_default();
    let whose = format!("the event handler `{name}`");
    Some(ScriptText { scripting: Scripting::JavaScript, text, source, span: node.span, whose })
}

fn of_workflow<'a>(source: &'a Source, workflow: &'a Node) -> Vec<ScriptText<'a>> {
    let tasks = Outline::of(workflow).tasks;
    let script = |task: Task<'a>| {
        let (scripting, node) = script(&task)?;
        let text = node.text().filter(|text| !text.trim().is_empty() && !text.contains("${"))?;
        let whose = format!("{} `{}`", task.kind.as_str(), task.name());
        Some(ScriptText { scripting, text, source, span: node.span, whose })
    };
    tasks.into_iter().filter_map(script).collect()
}

fn script<'a>(task: &Task<'a>) -> Option<(Scripting, &'a Node)> {
    let js = |node: Option<&'a Node>| Some((Scripting::JavaScript, node?));
    let is_js = |evaluator: Option<&Node>, default: bool| match evaluator.filter(|node| !node.is_null()) {
        Some(node) => matches!(node.text(), Some("javascript" | "graaljs")),
        None => default,
    };
    match task.kind {
        TaskType::Inline if is_js(task.input("evaluatorType"), true) => js(task.input("expression")),
        TaskType::Switch if is_js(task.node.get("evaluatorType"), false) => js(task.node.get("expression")),
        TaskType::Lambda => js(task.input("scriptExpression")),
        TaskType::Decision => js(task.node.get("caseExpression")),
        TaskType::DoWhile => js(task.node.get("loopCondition")),
        TaskType::HttpPoll => {
            let request = task.input("http_request").and_then(|request| request.get("terminationCondition"));
            js(request.or_else(|| task.input("terminationCondition")))
        }
        TaskType::JsonJqTransform => task.input("queryExpression").map(|node| (Scripting::Jq, node)),
        _ => None,
    }
}
