//! What a run that makes no call cannot know: texts that say so, wherever the workflow looks for a value.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::engine::{Answer, Assignment, Execution, Plan, Response, Run};
use crate::words::{Map, Payload};
use crate::workflow::pinned::DefinitionHash;

/// How deep a path of a guessed output goes; longer ones are not guessed.
const PATH_MAX: usize = 16;

/// The paths that each workflow looks up in the outputs of its tasks.
#[derive(Default)]
pub(super) struct Unknowns(BTreeMap<DefinitionHash, Arc<Vec<String>>>);

impl Unknowns {
    /// Returns a response of which nothing is known but what the workflow looks for.
    pub(super) fn response(&mut self, work: &Assignment, described: String) -> Answer {
        let reference = &planned_reference(&work.plan, work.task);
        let output = self.guessed(&work.plan, reference);
        let body = output.get("response").and_then(|response| response.get("body")).cloned();
        let unknown = || Value::String(format!("unknown({reference}.output.response.body)"));
        Answer::Response(Response {
            status_code: 200,
            reason_phrase: "OK".to_owned(),
            headers: Payload::new(json!({})),
            body: Payload::new(body.unwrap_or_else(unknown)),
            raw: None,
            request: described,
        })
    }

    /// Returns an output of which nothing is known but what the workflow looks for.
    pub(super) fn output(&mut self, execution: &Execution, run: &Run) -> Map {
        let reference = execution.planned(run).task.task_reference_name.clone();
        self.guessed(&execution.plan, &reference)
    }

    fn guessed(&mut self, plan: &Plan, reference: &str) -> Map {
        let paths = self.0.entry(plan.hash).or_insert_with(|| Arc::new(paths_of(plan))).clone();
        let mut output = Map::new();
        let start = format!("{reference}.output.");
        for path in paths.iter().filter_map(|path| path.strip_prefix(&start)) {
            let keys: Vec<&str> = path.split('.').collect();
            if keys.len() <= PATH_MAX && keys.iter().all(|key| is_plain(key)) {
                set(&mut output, &keys, &format!("unknown({start}{path})"));
            }
        }
        output
    }
}

fn planned_reference(plan: &Plan, task: crate::engine::TaskIndex) -> String {
    plan.task(task).map(|planned| planned.task.task_reference_name.clone()).unwrap_or_default()
}

/// A key that needs no quotes in a path.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// Returns what stands between `${` and `}` in a definition, those in an `outputFilter` too.
fn paths_of(plan: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    let text = serde_json::to_string(&plan.pinned.workflow).unwrap_or_default();
    for piece in text.split("${").skip(1) {
        found.extend(piece.split_once('}').map(|(path, _)| path.trim().to_owned()));
    }
    found.sort();
    found.dedup();
    found
}

/// Puts a text where a path leads; a longer path goes before a shorter one, which then gives the whole.
fn set(map: &mut Map, keys: &[&str], text: &str) {
    let Some((first, rest)) = keys.split_first() else { return };
    if rest.is_empty() {
        map.entry((*first).to_owned()).or_insert_with(|| text.into());
        return;
    }
    let below = map.entry((*first).to_owned()).or_insert_with(|| Value::Object(Map::new()));
    if !below.is_object() {
        *below = Value::Object(Map::new());
    }
    if let Value::Object(below) = below {
        set(below, rest, text);
    }
}
