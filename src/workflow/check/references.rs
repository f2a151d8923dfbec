//! Where `${…}` leads: to a task before, a secret, a variable of the environment, or nowhere.

use std::collections::BTreeSet;

use crate::words::{Span, nearest};
use crate::workflow::definition::TaskType;
use crate::workflow::expressions::Limit;
use crate::workflow::fields::{TASK_FIELDS, WORKFLOW_FIELDS};
use crate::workflow::problem;
use crate::workflow::tree::{Node, Tree};

use super::reference::{Reference, references};
use super::{Findings, Known, Workflow, outputs};

/// Reports every reference of a workflow that leads nowhere.
pub(super) fn check(workflow: &Workflow<'_>, known: &Known, written: &BTreeSet<String>, found: &mut Findings) {
    let mut rule = Rule { workflow, known, written, found };
    for (place, task) in workflow.outline.tasks.iter().enumerate() {
        for field in ["inputParameters", "subWorkflowParam", "items", "sink"] {
            if let Some(node) = task.node.get(field) {
                rule.value(node, Reader::Task(place));
            }
        }
    }
    if let Some(node) = workflow.node.get("outputParameters") {
        rule.value(node, Reader::Output);
    }
}

/// Who reads a reference.
#[derive(Clone, Copy)]
enum Reader {
    /// A task, by its place in the outline.
    Task(usize),
    /// A task's output filter, which runs once the task has answered.
    Filter(usize),
    /// The workflow's output, where all tasks have ended.
    Output,
}

struct Rule<'a> {
    workflow: &'a Workflow<'a>,
    known: &'a Known,
    written: &'a BTreeSet<String>,
    found: &'a mut Findings,
}

impl Rule<'_> {
    fn value(&mut self, node: &Node, reader: Reader) {
        match &node.value {
            Tree::Text(text) => references(text).iter().for_each(|reference| self.reference(node, reference, reader)),
            Tree::List(items) => items.iter().for_each(|item| self.value(item, reader)),
            Tree::Map(entries) => {
                for entry in entries.iter() {
                    match (&*entry.key, reader) {
                        // A definition inside a task has references of its own.
                        ("workflowDef" | "workflowDefinition", _) if entry.value.is_map() => {}
                        ("outputFilter" | "_outputFilters", Reader::Task(place)) => {
                            self.value(&entry.value, Reader::Filter(place));
                        }
                        _ => self.value(&entry.value, reader),
                    }
                }
            }
            Tree::Null | Tree::Bool(_) | Tree::Number(_) => {}
        }
    }

    fn reference(&mut self, node: &Node, reference: &Reference<'_>, reader: Reader) {
        let span = node.within(self.workflow.source, reference.range.clone());
        // `$${…}` is text everywhere but in a filter, and `${}` gives the empty text.
        let is_text = reference.is_escaped && !matches!(reader, Reader::Filter(_));
        if is_text || reference.path.trim().is_empty() {
            return self.escaped(span, reference, reader);
        }
        if let Some(limit) = reference.limit {
            return self.over(span, reference.path, limit);
        }
        let is_spaced = reference.head.is_some_and(|head| head.contains(char::is_whitespace));
        if !reference.is_readable || is_spaced || reference.path.starts_with('$') {
            return self.odd(span, reference.path);
        }
        match reference.head {
            Some("workflow") => self.workflow_field(span, reference),
            Some("CPEWF_TASK_ID") if reference.path == "CPEWF_TASK_ID" => {}
            Some(head) => self.task(node, span, (reference, head), reader),
            None => {}
        }
    }

    /// Reports a `$${…}` where nothing evaluates it a second time.
    fn escaped(&mut self, span: Span, reference: &Reference<'_>, reader: Reader) {
        let outline = &self.workflow.outline;
        let is_last = match reader {
            Reader::Task(place) => {
                matches!(
                    outline.tasks[place].kind,
                    TaskType::Http | TaskType::HttpPoll | TaskType::UpdateSecret | TaskType::Terminate
                )
            }
            Reader::Filter(_) => false,
            Reader::Output => true,
        };
        let is_meant = reference.head.is_some_and(|head| head == "workflow" || outline.place(head).is_some());
        if is_last && is_meant && reference.is_readable {
            let message = format!("`$${{{}}}` is not evaluated", reference.path);
            self.found.push(
                problem::warning(self.workflow.source, Some(span), "W0314", message)
                    .label("stays text")
                    .help("write `${…}`: only output filters and dynamic forks evaluate a second time"),
            );
        }
    }

    fn over(&mut self, span: Span, path: &str, limit: Limit) {
        let message = format!("`${{{}}}` cannot be evaluated: {limit}", path.chars().take(60).collect::<String>());
        self.found.push(
            problem::error(self.workflow.source, Some(span), "E0304", message)
                .label("whatever reads this fails")
                .help("write it more simply; Conductor may evaluate it, keytide does not"),
        );
    }

    fn odd(&mut self, span: Span, path: &str) {
        let message = format!("`${{{}}}` is no reference", path.chars().take(60).collect::<String>());
        let help = if path.starts_with('$') {
            "Conductor reads `${…}` before any script does: join the texts with `+` instead"
        } else {
            "write `${task.output.field}` or `${workflow.input.field}`, without spaces and operators"
        };
        self.found.push(
            problem::error(self.workflow.source, Some(span), "E0304", message)
                .label("Conductor refuses this, or reads it as null")
                .help(help),
        );
    }

    fn workflow_field(&mut self, span: Span, reference: &Reference<'_>) {
        let mut names = reference.names();
        match (names.next(), names.next()) {
            (Some("secrets"), _) => self.secret(span, reference),
            (Some("env"), Some(name)) => self.environment(span, name),
            (Some("env"), None) => {}
            (Some(field), _) if !WORKFLOW_FIELDS.contains(&field) => {
                let message = format!("a workflow shows no `{field}`");
                let diagnostic =
                    problem::warning(self.workflow.source, Some(span), "W0309", message).label("always null");
                self.found.push(match nearest(field, WORKFLOW_FIELDS.into_iter().chain(["env", "secrets"])) {
                    Some(name) => diagnostic.help(format!("did you mean `${{workflow.{name}…}}`?")),
                    None => diagnostic
                        .help("its inputs are under `workflow.input`, its variables under `workflow.variables`"),
                });
            }
            (Some(_) | None, _) => {}
        }
    }

    fn secret(&mut self, span: Span, reference: &Reference<'_>) {
        let Some(rest) = reference.path.strip_prefix("workflow.secrets.") else { return };
        let is_letter = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
        let name: String = rest.chars().take_while(is_letter).collect();
        if name.is_empty() {
            return;
        }
        let Some(secrets) = &self.known.secrets else { return self.found.store_is_closed(self.workflow.source) };
        if secrets.contains(&name) || self.written.contains(&name) {
            return;
        }
        let message = format!("no secret is named `{name}`");
        let diagnostic = problem::warning(self.workflow.source, Some(span), "W0305", message).label("not in the store");
        self.found.push(match nearest(&name, secrets.iter().chain(self.written).map(String::as_str)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("set it with `keytide secret set {name}`")),
        });
    }

    fn environment(&mut self, span: Span, name: &str) {
        if self.known.environment.contains(name) {
            return;
        }
        let message = format!("the environment has no `{name}`");
        let diagnostic = problem::warning(self.workflow.source, Some(span), "W0308", message).label("null");
        self.found.push(match nearest(name, self.known.environment.iter().map(String::as_str)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("set it under `[environment]` in keytide.toml, or as KEYTIDE_ENV_{name}")),
        });
    }

    fn task(&mut self, node: &Node, span: Span, (reference, head): (&Reference<'_>, &str), reader: Reader) {
        let outline = &self.workflow.outline;
        let Some(place) = outline.place(head) else { return self.unknown_task(span, (reference, head), reader) };
        match reader {
            Reader::Filter(own) if own == place && !reference.is_escaped => {
                self.too_early(node, span, (reference, head));
            }
            // A loop takes its inputs anew for each look at its condition, and its output is there then.
            Reader::Task(own) if own == place && outline.tasks[place].kind == TaskType::DoWhile => {}
            Reader::Task(own) if own == place && reference.names().next() == Some("output") => {
                let message = format!("`{head}` reads its own output before it has one");
                self.found.push(
                    problem::warning(self.workflow.source, Some(span), "W0310", message)
                        .label("null in the first attempt")
                        .help("read the output of a task before it"),
                );
            }
            Reader::Task(own) if outline.is_ahead(own, place) => {
                let message = format!("`{head}` comes after the task that reads it");
                self.found.push(
                    problem::warning(self.workflow.source, Some(span), "W0311", message)
                        .label("always null here")
                        .help("move it before this task")
                        .related(outline.tasks[place].node.head(), "it stands here"),
                );
            }
            Reader::Task(_) | Reader::Filter(_) | Reader::Output => {
                self.task_field(span, (reference, head), (place, reader));
            }
        }
    }

    fn unknown_task(&mut self, span: Span, (reference, head): (&Reference<'_>, &str), reader: Reader) {
        let message = format!("no task has the reference `{head}`");
        let source = self.workflow.source;
        let may_come = self.workflow.outline.tasks.iter().any(|task| task.kind == TaskType::ForkJoinDynamic);
        if may_come && matches!(reader, Reader::Output) {
            return;
        }
        // Conductor registers outputs unread, and a dynamic fork may bring the task; inputs it refuses.
        let diagnostic = match reader {
            Reader::Output => problem::warning(source, Some(span), "W0312", message).label("null"),
            Reader::Task(_) | Reader::Filter(_) => {
                problem::error(source, Some(span), "E0305", message).label("unknown")
            }
        };
        let names = self.workflow.outline.references().chain(["workflow"]);
        self.found.push(match nearest(head, names) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None if reference.path == head => {
                diagnostic.help(format!("the environment is read with `${{workflow.env.{head}}}`"))
            }
            None => diagnostic.help("use a task's `taskReferenceName`, or `workflow`"),
        });
    }

    fn too_early(&mut self, node: &Node, span: Span, (reference, head): (&Reference<'_>, &str)) {
        let message = format!("`${{{}}}` is read before `{head}` has run", reference.path);
        let diagnostic = problem::error(self.workflow.source, Some(span), "E0408", message)
            .label("null: inputs are evaluated when the task starts")
            .help("in an output filter write `$${…}`, which waits for the answer");
        let is_exact = span != node.span;
        self.found.push(if is_exact { diagnostic.fix(Span::new(span.start, span.start), "$") } else { diagnostic });
    }

    fn task_field(&mut self, span: Span, (reference, head): (&Reference<'_>, &str), (place, reader): (usize, Reader)) {
        let mut names = reference.names();
        let Some(field) = names.next() else { return };
        let source = self.workflow.source;
        if !TASK_FIELDS.contains(&field) {
            let message = format!("a task shows no `{field}`");
            let diagnostic = problem::warning(source, Some(span), "W0309", message).label("always null");
            self.found.push(match nearest(field, TASK_FIELDS) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help(format!("its answer is under `{head}.output`")),
            });
            return;
        }
        if field == "output" {
            let is_in_filter = matches!(reader, Reader::Filter(own) if own == place);
            let names: Vec<&str> = names.collect();
            outputs::check(source, span, &self.workflow.outline.tasks[place], (&names, is_in_filter), self.found);
        }
    }
}
