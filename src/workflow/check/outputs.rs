//! Parts of outputs that cannot exist: what each kind of task gives is known.

use crate::words::{Source, Span, nearest};
use crate::workflow::definition::TaskType;
use crate::workflow::problem;

use super::Findings;
use super::outline::Task;

/// What an HTTP task gives of a response.
const RESPONSE: [&str; 4] = ["statusCode", "reasonPhrase", "headers", "body"];

/// Reports a path below a task's output that leads to nothing, read by its own filter or by others.
pub(super) fn check(
    source: &Source,
    span: Span,
    task: &Task<'_>,
    (names, is_in_filter): (&[&str], bool),
    found: &mut Findings,
) {
    let Some(name) = names.first() else { return };
    let filter = task.input("outputFilter").or_else(|| task.input("_outputFilters")).filter(|node| node.is_map());
    // The filter reads what the call gave; everyone else reads what the filter left.
    let filter = filter.filter(|_| task.kind.is_http() && !is_in_filter);
    let given: Vec<&str> = match (&task.kind, filter) {
        (TaskType::Http | TaskType::HttpPoll, Some(filter)) => {
            filter.entries().iter().map(|entry| &*entry.key).collect()
        }
        (TaskType::Http | TaskType::HttpPoll, None) => vec!["response"],
        (TaskType::Inline | TaskType::Lambda, _) => vec!["result", "error"],
        (TaskType::JsonJqTransform, _) => vec!["result", "resultList", "error"],
        (TaskType::Switch | TaskType::Decision, _) => vec!["evaluationResult", "selectedCase", "caseOutput"],
        _ => return,
    };
    let reference = task.reference;
    if !given.contains(name) {
        let message = format!("the output of `{reference}` has no `{name}`");
        let diagnostic = problem::warning(source, Some(span), "W0313", message).label("null");
        found.push(match (filter, nearest(name, given.iter().copied())) {
            (Some(filter), _) => diagnostic
                .help(format!("its output filter leaves {}", quoted(&given)))
                .related(filter.head(), "the filter"),
            (None, Some(near)) => diagnostic.help(format!("did you mean `output.{near}`?")),
            (None, None) if task.kind.is_http() => {
                diagnostic.help("an HTTP task gives `output.response.body`, `.statusCode`, `.headers`")
            }
            (None, None) => diagnostic.help(format!("it gives {}", quoted(&given))),
        });
        return;
    }
    let Some(part) = names.get(1).filter(|_| task.kind.is_http() && filter.is_none()) else { return };
    if !RESPONSE.contains(part) {
        let message = format!("the response of `{reference}` has no `{part}`");
        let diagnostic = problem::warning(source, Some(span), "W0313", message).label("null");
        found.push(match nearest(part, RESPONSE) {
            Some(near) => diagnostic.help(format!("did you mean `output.response.{near}`?")),
            None => diagnostic.help(format!("it has {}; what the server sent is under `body`", quoted(&RESPONSE))),
        });
    }
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().take(10).map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
