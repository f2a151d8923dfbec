//! Executions that the real Conductor ran: ours come to the same end, task by task.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::rig::{Rig, failed, plan, start_of};
use crate::engine::{Answer, Command, Operation, Rejected, Response, next_deadline};
use crate::executor::script::in_this_process;
use crate::words::{Map, Payload, RunNumber, TaskStatus};

const TASK_FIELDS: [&str; 14] = [
    "referenceTaskName",
    "taskType",
    "taskDefName",
    "status",
    "seq",
    "retryCount",
    "iteration",
    "loopOverTask",
    "retried",
    "inputData",
    "outputData",
    "reasonForIncompletion",
    "callbackAfterSeconds",
    "domain",
];

const WORKFLOW_FIELDS: [&str; 13] = [
    "workflowName",
    "workflowVersion",
    "status",
    "input",
    "output",
    "variables",
    "reasonForIncompletion",
    "failedReferenceTaskNames",
    "failedTaskNames",
    "correlationId",
    "priority",
    "event",
    "taskToDomain",
];

fn read(case: &str, file: &str) -> Value {
    let path = format!("{}/tests/conductor/{case}/{file}.json", env!("CARGO_MANIFEST_DIR"));
    fs::read(path).map_or_else(|_| json!({}), |bytes| serde_json::from_slice(&bytes).unwrap())
}

/// The world as the recording had it: `echo.py`, and workers that say what `setup.json` says.
struct World {
    rig: Rig,
    setup: Value,
    actions: Vec<Value>,
    calls: BTreeMap<String, u64>,
    polls: BTreeMap<String, usize>,
    operations: Vec<Value>,
}

impl World {
    fn of(case: &str) -> Self {
        let setup = read(case, "setup");
        let task_defs = setup.get("taskDefs").cloned().unwrap_or_else(|| json!([]));
        let mut begin = start_of(read(case, "input"));
        begin.correlation_id = setup["start"]["correlationId"].as_str().map(ToOwned::to_owned);
        let rig = Rig::started(plan(read(case, "workflow"), task_defs), begin);
        let actions = setup["actions"].as_array().cloned().unwrap_or_default();
        Self { rig, setup, actions, calls: BTreeMap::new(), polls: BTreeMap::new(), operations: Vec::new() }
    }

    fn live(&mut self) {
        for _ in 0..200 {
            let owed = crate::engine::outstanding(&self.rig.execution);
            let mut acted = false;
            for command in owed {
                acted |= self.serve(command);
            }
            acted |= self.act();
            if acted {
                continue;
            }
            if !self.rig.execution.is_live() {
                return;
            }
            let offered =
                crate::engine::outstanding(&self.rig.execution).into_iter().filter_map(|command| match command {
                    Command::Offer(offer) => Some(offer.not_before),
                    _ => None,
                });
            let next = offered.chain(next_deadline(&self.rig.execution)).filter(|at| *at > self.rig.now).min();
            let next = next.expect("a recorded execution comes to an end");
            let pause = next.since(self.rig.now);
            self.rig.advance(pause.as_millis().div_ceil(1000).try_into().unwrap());
        }
        panic!("it does not come to an end: {:?}", self.rig.tasks());
    }

    fn serve(&mut self, command: Command) -> bool {
        match command {
            Command::Perform(work) => {
                let answer = self.call(work.input.expose());
                self.rig.answer(work.run.0, answer) > 0
            }
            Command::Preflight(work) => self.rig.answer(work.run.0, Answer::Ready) > 0,
            Command::Offer(offer) => {
                let rule = self.rule(offer.run, &offer.queue);
                if self.rig.poll(offer.run.0) == 0 {
                    return false;
                }
                if rule["status"] == "IGNORE" {
                    return true;
                }
                let status = TaskStatus::parse(rule["status"].as_str().unwrap()).unwrap();
                let output = rule.get("output").cloned().unwrap_or_else(|| json!({}));
                let callback = rule["callbackAfterSeconds"].as_i64().unwrap_or(0);
                self.rig.update_with(offer.run.0, status, output, rule["reason"].as_str(), callback) > 0
            }
            Command::Evaluate(question) => {
                let verdict = in_this_process(&question);
                self.rig.answer(question.run.0, Answer::Evaluated { token: question.token, verdict }) > 0
            }
            Command::Abandon { .. } | Command::Withdraw { .. } => false,
        }
    }

    fn rule(&mut self, run: RunNumber, queue: &str) -> Value {
        let run = self.rig.execution.run(run).unwrap();
        let reference = self.rig.execution.reference(run).into_owned();
        let base = &self.rig.execution.planned(run).task.task_reference_name;
        let workers = &self.setup["workers"];
        let rules = workers.get(&reference).or_else(|| workers.get(base)).or_else(|| workers.get(queue));
        let rules = rules.and_then(Value::as_array);
        let Some(rules) = rules else {
            let output = json!({"ref": reference, "in": self.rig.execution.input(run).expose()});
            return json!({"status": "COMPLETED", "output": output});
        };
        let rule = |nth: usize| rules[nth.min(rules.len() - 1)].clone();
        let nth = self.polls.entry(reference).or_default();
        if run.not_before <= self.rig.now {
            *nth += 1;
        }
        rule(nth.saturating_sub(1))
    }

    fn call(&mut self, input: &Value) -> Answer {
        let request = input.get("http_request").unwrap_or(input);
        let Some(uri) = request["uri"].as_str() else {
            let reason = "Missing HTTP URI.  See documentation for HttpTask for required input parameters";
            return failed(reason, false);
        };
        let path: Vec<_> = uri.trim_start_matches("@ECHO@/").split('/').collect();
        let (status, body) = match path.as_slice() {
            ["status", code] => (code.parse().unwrap(), json!({"status": code.parse::<u16>().unwrap()})),
            ["flaky", _, failures] => {
                let count = self.calls.entry(uri.to_owned()).or_default();
                *count += 1;
                let status = if *count <= failures.parse().unwrap() { 500 } else { 200 };
                (status, json!({"attempt": *count}))
            }
            ["token"] => (200, json!({"token": "tok-key-id-1", "expires_in": 3600})),
            other => panic!("the echo has no {other:?}"),
        };
        let phrase = match status {
            200 => "OK",
            302 => "Found",
            401 => "Unauthorized",
            _ => "Internal Server Error",
        };
        Answer::Response(Response {
            status_code: status,
            reason_phrase: phrase.to_owned(),
            headers: Payload::new(json!({"content-type": ["application/json"]})),
            body: Payload::new(if status == 302 { Value::Null } else { body }),
            raw: None,
            request: format!("{} {uri}", request["method"].as_str().unwrap_or("GET")),
        })
    }

    fn act(&mut self) -> bool {
        let Some(action) = self.actions.first().cloned() else { return false };
        let when = &action["when"];
        let workflow = when["workflow"].as_str().is_none_or(|status| self.rig.status().as_str() == status);
        let wanted = when["status"].as_str().unwrap_or("IN_PROGRESS");
        let task = when["task"].as_str().is_none_or(|reference| {
            self.rig.execution.task_by_reference(reference).is_some_and(|run| run.status.as_str() == wanted)
        });
        if !(workflow && task) {
            return false;
        }
        self.actions.remove(0);
        if action["op"] == "complete" {
            self.complete(&action);
            self.operations.push(json!({"op": "complete", "http": 200}));
            return true;
        }
        let reason = action["reason"].as_str().map(ToOwned::to_owned);
        let (operation, code) = match action["op"].as_str().unwrap() {
            "retry" => (Operation::Retry, 204),
            "restart" => (Operation::Restart, 204),
            "terminate" => (Operation::Terminate { reason }, 200),
            other => panic!("the engine has no {other}"),
        };
        let code = match self.rig.operate(operation) {
            Ok(_) => code,
            Err(Rejected::NothingToRetry(_)) => 409,
            Err(other) => panic!("{other}"),
        };
        self.operations.push(json!({"op": action["op"], "http": code}));
        true
    }

    /// Somebody reports on a task.
    fn complete(&mut self, action: &Value) {
        let reference = action["when"]["task"].as_str().unwrap();
        let run = self.rig.execution.task_by_reference(reference).unwrap().number;
        let status = TaskStatus::parse(action["status"].as_str().unwrap_or("COMPLETED")).unwrap();
        let output = action.get("output").cloned().unwrap_or_else(|| json!({}));
        self.rig.update_with(run.0, status, output, action["reason"].as_str(), 0);
    }

    /// What `run_corpus.py` compares.
    fn normal(&self) -> Value {
        let json = self.rig.json();
        let mut normal = fields(&json, &WORKFLOW_FIELDS, |value| {
            value.is_null() || *value == json!([]) || *value == json!({}) || *value == json!("")
        });
        for name in ["failedReferenceTaskNames", "failedTaskNames"] {
            if let Some(names) = normal.get_mut(name).and_then(Value::as_array_mut) {
                names.sort_by_key(ToString::to_string);
            }
        }
        let tasks = json["tasks"].as_array().unwrap().iter();
        let tasks = tasks.map(|task| Value::Object(fields(task, &TASK_FIELDS, |value| value.is_null() || value == "")));
        normal.insert("tasks".to_owned(), tasks.collect());
        if !self.operations.is_empty() {
            normal.insert("_ops".to_owned(), json!(self.operations));
        }
        Value::Object(normal)
    }
}

fn fields(value: &Value, names: &[&str], is_empty: impl Fn(&Value) -> bool) -> Map {
    let given = names.iter().filter_map(|name| Some((*name, value.get(*name)?)));
    given.filter(|(_, value)| !is_empty(value)).map(|(name, value)| (name.to_owned(), ids(value))).collect()
}

/// Ids are not the same twice.
fn ids(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let words = text.split_inclusive([' ', '\'', '"', '/']);
            let word = |word: &str| {
                let end = word.trim_end_matches([' ', '\'', '"', ',', '/']).len();
                let is_id = word[..end].parse::<uuid::Uuid>().is_ok();
                if is_id { format!("<id>{}", &word[end..]) } else { word.to_owned() }
            };
            Value::String(words.map(word).collect())
        }
        Value::Array(items) => items.iter().map(ids).collect(),
        // Which definitions of tasks a server knows is its own.
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| *key != "forkedTaskDefs")
            .map(|(key, value)| (key.clone(), ids(value)))
            .collect(),
        other => other.clone(),
    }
}

fn check(case: &str) {
    let mut world = World::of(case);
    world.live();
    let mut expected = read(case, "expected");
    if let Some(operations) = expected["_ops"].as_array_mut() {
        for operation in operations {
            operation.as_object_mut().unwrap().remove("body");
        }
    } else {
        expected.as_object_mut().unwrap().remove("_ops");
    }
    assert!(world.actions.is_empty(), "{case}: {:?} was not reached", world.actions);
    let actual = world.normal();
    let show = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    assert_eq!(sorted(&actual), sorted(&expected), "{case}\n{}\n{}", show(&actual), show(&expected));
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(map) => {
            let map: BTreeMap<_, _> = map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            map.into_iter().collect()
        }
        other => other.clone(),
    }
}

#[test]
fn recorded_executions_end_as_conductors_do() {
    let cases = [
        "callback_after",
        "dw_basic",
        "dw_blank",
        "dw_condition_earlier",
        "dw_condition_number",
        "dw_condition_text",
        "dw_dynfork",
        "dw_fail_inside",
        "dw_fork",
        "dw_in_fork",
        "dw_in_switch",
        "dw_items_changing",
        "dw_items_condition",
        "dw_items_def",
        "dw_items_empty",
        "dw_items_orkes",
        "dw_items_scalar",
        "dw_items_values",
        "dw_keep_last",
        "dw_optional_condition",
        "dw_optional_inner",
        "dw_permissive_inner",
        "dw_retry_api",
        "dw_retry_condition",
        "dw_retry_inside",
        "dw_switch",
        "dw_switch_mid",
        "dw_whole_output",
        "dynamic_missing",
        "dynamic_missing_optional",
        "dynamic_named",
        "dynamic_optional",
        "ask_dynamic_switch",
        "dynfork_clash",
        "dynfork_dynamic",
        "dynfork_empty",
        "dynfork_entry_fields",
        "dynfork_escapes",
        "dynfork_fail",
        "dynfork_in_fork",
        "dynfork_inputs_no_list",
        "dynfork_join_input",
        "dynfork_legacy",
        "dynfork_merged_inputs",
        "dynfork_no_inputs",
        "dynfork_no_join",
        "dynfork_no_name",
        "dynfork_no_reference",
        "dynfork_one_task",
        "dynfork_optional",
        "dynfork_permissive",
        "dynfork_retry_api",
        "dynfork_same_twice",
        "dynfork_scalars",
        "dynfork_two",
        "dynfork_type",
        "expr",
        "expr_output",
        "http_302",
        "http_401",
        "http_500",
        "http_nouri",
        "http_retry",
        "human",
        "input_template",
        "join_nested",
        "join_on_nothing",
        "join_on_same",
        "join_optional",
        "join_optional_itself",
        "join_permissive",
        "join_permissive_both",
        "join_permissive_inner",
        "join_permissive_itself",
        "join_sync",
        "join_without_fork",
        "jq_fail",
        "lambda",
        "loop_nested",
        "output_default",
        "permissive_at_the_end",
        "restart_api",
        "retry_api",
        "retry_exponential_backoff",
        "retry_input_reeval",
        "seed_rotation_secret_ref",
        "switch",
        "switch_in_fork",
        "switch_then",
        "task_timeout",
        "terminate_api",
        "terminate_completed",
        "terminate_no_output",
        "undeclared_ref",
        "vars",
        "wait_expr",
    ];
    for case in cases {
        check(case);
    }
}
