mod corpus;
mod secrets;

use std::collections::BTreeSet;

use super::{Known, check};
use crate::words::Diagnostic;
use crate::workflow::load::{Loaded, load};

fn known() -> Known {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    Known {
        secrets: Some(names(&["appKeyId", "appKeySecret", "sampletask-api-token"])),
        environment: names(&["region"]),
        workflows: names(&["from_api"]),
    }
}

fn line(problem: &Diagnostic) -> String {
    let line = problem.span.map_or(0, |span| problem.source.position(span.start).0);
    let place = problem.span.and_then(|span| problem.source.text.get(span.start..span.end)).unwrap_or_default();
    let help = problem.help.as_ref().map(|help| format!(" | {help}")).unwrap_or_default();
    format!("{} {line} <{place}> {}{help}", problem.code, problem.message)
}

/// Asserts what the check of one file tells, as `code line <place> message | help`.
#[track_caller]
fn tells(text: &str, expected: &[&str]) {
    let loaded = load("w.yaml", text.as_bytes());
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.diagnostics.iter().map(line).collect::<String>());
    let told: Vec<_> = check(&[&loaded], &known()).iter().map(line).collect();
    assert_eq!(told, expected);
}

/// Wraps tasks, one a line from line 3 on, in a workflow.
fn workflow(tasks: &[&str]) -> String {
    format!("name: w\ntasks:\n- {}\n", tasks.join("\n- "))
}

fn project_file(path: &str) -> Loaded {
    load(path, &std::fs::read(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap())
}

#[test]
fn examples_of_the_folder_are_right() {
    let files: Vec<_> = [
        "workflows/rotate_on_schedule.yaml",
        "workflows/update_rotate_secrets_tracker_app.json",
        "workflows/workflow-with-a-secret.json",
    ]
    .map(project_file)
    .into();
    let told: Vec<_> = check(&files.iter().collect::<Vec<_>>(), &known()).iter().map(line).collect();
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn reference_that_leads_nowhere_is_told_where_it_is() {
    tells(
        &workflow(&[
            r#"{name: a, taskReferenceName: first, type: SET_VARIABLE, inputParameters: {x: "a ${firt.output.y}"}}"#,
            r#"{name: b, taskReferenceName: b, type: NOOP, inputParameters: {x: "${HOME}", y: ["${workflow.inputs.a}"]}}"#,
            r#"{name: c, taskReferenceName: c, type: NOOP, inputParameters: {x: "${first.ouput.a}", y: "$${nobody.x}"}}"#,
            r#"{name: d, taskReferenceName: d, type: NOOP, inputParameters: {x: "${e.output.a}", y: "${ first.output }"}}"#,
            r#"{name: e, taskReferenceName: e, type: NOOP, inputParameters: {x: "${e.output.a}", y: "${CPEWF_TASK_ID}"}}"#,
        ]),
        &[
            "E0305 3 <${firt.output.y}> no task has the reference `firt` | did you mean `first`?",
            "E0305 4 <${HOME}> no task has the reference `HOME` | the environment is read with `${workflow.env.HOME}`",
            "W0309 4 <${workflow.inputs.a}> a workflow shows no `inputs` | did you mean `${workflow.input…}`?",
            "W0309 5 <${first.ouput.a}> a task shows no `ouput` | did you mean `output`?",
            "W0311 6 <${e.output.a}> `e` comes after the task that reads it | move it before this task",
            "E0304 6 <${ first.output }> `${ first.output }` is no reference | write `${task.output.field}` or `${workflow.input.field}`, without spaces and operators",
            "W0310 7 <${e.output.a}> `e` reads its own output before it has one | read the output of a task before it",
        ],
    );
}

#[test]
fn unknown_reference_in_an_output_is_a_warning() {
    let text =
        format!("{}outputParameters: {{x: \"${{gone.output.y}}\"}}\n", workflow(&["{name: a, taskReferenceName: a}"]));
    tells(
        &text,
        &[
            "W0312 4 <${gone.output.y}> no task has the reference `gone` | use a task's `taskReferenceName`, or `workflow`",
        ],
    );
}

#[test]
fn script_with_a_template_literal_is_explained() {
    tells(
        &workflow(&[r#"{name: a, taskReferenceName: a, type: INLINE, inputParameters: {expression: "`${$.x}`"}}"#]),
        &[
            "E0304 3 <${$.x}> `${$.x}` is no reference | Conductor reads `${…}` before any script does: join the texts with `+` instead",
        ],
    );
}

#[test]
fn tasks_with_scripts_need_their_script() {
    tells(
        &workflow(&[
            r#"{name: a, taskReferenceName: a, type: INLINE, inputParameters: {evaluatorType: python, expression: "1"}}"#,
            r"{name: b, taskReferenceName: b, type: INLINE, inputParameters: {evaluatorType: javascrip}}",
            r"{name: c, taskReferenceName: c, type: LAMBDA}",
            r#"{name: d, taskReferenceName: d, type: JSON_JQ_TRANSFORM, inputParameters: {queryExpression: ""}}"#,
            r"{name: e, taskReferenceName: e, type: DECISION, decisionCases: {}}",
            r"{name: f, taskReferenceName: f, type: EXCLUSIVE_JOIN, joinOn: [a], defaultExclusiveJoinTask: [bb]}",
            r"{name: g, taskReferenceName: g, type: HUMAN}",
            r#"{name: h, taskReferenceName: h, type: INLINE, inputParameters: {expression: "$.x", x: 1}}"#,
            r#"{name: i, taskReferenceName: i, type: SWITCH, evaluatorType: javascript, expression: "$.x", inputParameters: {x: 1}, decisionCases: {x: [{name: k, taskReferenceName: k, type: NOOP}]}}"#,
        ]),
        &[
            "E0416 3 <python> INLINE `a` has an evaluator that is not here: `python` | write the expression in JavaScript, or have a worker run it",
            "E0411 4 <name> `inputParameters.expression` is missing in INLINE `b` | add `expression`: a script whose last value is the result; its inputs are `$.name`",
            "E0416 4 <javascrip> INLINE `b` has an evaluator that is not here: `javascrip` | did you mean `javascript`?",
            "E0411 5 <name> `inputParameters.scriptExpression` is missing in LAMBDA `c` | add `scriptExpression`: the body of a function: `return $.name`",
            "E0411 6 <\"\"> `inputParameters.queryExpression` is missing in JSON_JQ_TRANSFORM `d` | add `queryExpression`: a jq filter; the other inputs are `.`",
            "E0411 7 <name> DECISION `e` has neither `caseValueParam` nor `caseExpression` | add `caseValueParam: NAME`, where NAME is an input that holds the value, or use SWITCH",
            "E0411 7 <{}> DECISION `e` has no case | add one to `decisionCases`: a value, with a list of tasks; where there is no choice, leave the task out",
            "E0409 8 <bb> EXCLUSIVE_JOIN `f` waits for `bb`, which no task is called | did you mean `b`?",
        ],
    );
}

#[test]
fn loop_may_read_its_last_round() {
    tells(
        &workflow(&[
            r#"{name: l, taskReferenceName: l, type: DO_WHILE, loopCondition: "false", loopOver: [{name: a, taskReferenceName: a, inputParameters: {x: "${b.output.y} ${l.output.iteration}"}}, {name: b, taskReferenceName: b}]}"#,
        ]),
        &[],
    );
}

#[test]
fn names_of_secrets_and_of_the_environment_are_judged() {
    let text = workflow(&[
        r#"{name: a, taskReferenceName: a, type: NOOP, inputParameters: {x: "${workflow.secrets.appKeyID.a}", y: "${workflow.env.regoin}"}}"#,
        r#"{name: b, taskReferenceName: b, type: NOOP, inputParameters: {x: "${workflow.secrets.made@previous}", y: "${workflow.secrets.maad}"}}"#,
        r#"{name: c, taskReferenceName: c, type: UPDATE_SECRET, inputParameters: {_secrets: {secretKey: made, secretValue: "${b.output.x}"}}}"#,
    ]);
    tells(
        &text,
        &[
            "W0305 3 <${workflow.secrets.appKeyID.a}> no secret is named `appKeyID` | did you mean `appKeyId`?",
            "W0308 3 <${workflow.env.regoin}> the environment has no `regoin` | did you mean `region`?",
            "W0305 4 <${workflow.secrets.maad}> no secret is named `maad` | set it with `keytide secret set maad`",
        ],
    );
}

#[test]
fn closed_store_is_noted_once() {
    let loaded = load(
        "w.yaml",
        workflow(&[
            r#"{name: a, taskReferenceName: a, inputParameters: {x: "${workflow.secrets.a} ${workflow.secrets.b}"}}"#,
        ])
        .as_bytes(),
    );
    let told = check(&[&loaded, &loaded], &Known { secrets: None, ..known() });
    assert_eq!(told.iter().filter(|problem| problem.code == "N0306").count(), 1);
}

#[test]
fn output_filter_waits_for_the_answer() {
    tells(
        &workflow(&[
            r#"{name: a, taskReferenceName: a, type: HTTP, inputParameters: {uri: "http://h", method: POST, outputFilter: {_secrets: {t: "${a.output.response.body.t}", u: "$${a.output.body.u}"}}}}"#,
            r#"{name: b, taskReferenceName: b, type: HTTP, inputParameters: {uri: "${a.output.response.body}", method: get, outputFiler: {}, body: "${a.output._secrets.t}"}}"#,
        ]),
        &[
            "E0408 3 <${a.output.response.body.t}> `${a.output.response.body.t}` is read before `a` has run | in an output filter write `$${…}`, which waits for the answer",
            "W0313 3 <${a.output.body.u}> the output of `a` has no `body` | an HTTP task gives `output.response.body`, `.statusCode`, `.headers`",
            "W0313 4 <${a.output.response.body}> the output of `a` has no `response` | its output filter leaves `_secrets`",
            "W0412 4 <outputFiler> HTTP does not read `outputFiler` | did you mean `outputFilter`?",
        ],
    );
}

#[test]
fn loops_and_dynamic_tasks_need_what_they_start_with() {
    let loop_of = |fields: &str| {
        format!(
            "{{name: a, taskReferenceName: a, type: DO_WHILE, {fields}loopOver: [{{name: li, taskReferenceName: li, type: NOOP}}]}}"
        )
    };
    let fork = |fields: &str| format!("{{name: f, taskReferenceName: f, type: FORK_JOIN_DYNAMIC{fields}}}");
    let join = "{name: j, taskReferenceName: j, type: JOIN}";
    tells(
        &workflow(&[&loop_of("loopCondition: \"\", inputParameters: {keepLastN: \"2\"}, ")]),
        &[
            "W0417 3 <\"\"> DO_WHILE `a` runs once: its condition is empty and it has no `items` | write a condition, as `$.NAME['iteration'] < 3`, or give `items` a list",
            "E0417 3 <\"2\"> `keepLastN` of DO_WHILE `a` is no number | write how many iterations to keep, without quotes",
        ],
    );
    tells(&workflow(&[&loop_of("loopCondition: \"\", items: \"${workflow.input.l}\", ")]), &[]);
    tells(
        &workflow(&[&loop_of("loopCondition: \"$.a['iteration'] < $.m\", inputParameters: {m: \"${li.output.m}\"}, ")]),
        &[],
    );
    tells(
        &workflow(&[&fork(", inputParameters: {t: []}, dynamicForkTasksParam: t"), join]),
        &[
            "E0418 3 <name> `dynamicForkTasksInputParamName` is missing in FORK_JOIN_DYNAMIC `f` | add `dynamicForkTasksInputParamName: inputs`, the name of an input; or give `forkTaskInputs` a list",
        ],
    );
    tells(
        &workflow(&[
            &fork(", inputParameters: {t: []}, dynamicForkTasksParam: t, dynamicForkTasksInputParamName: i"),
            join,
        ]),
        &[
            "E0418 3 <i> `dynamicForkTasksInputParamName` of `f` names the input `i`, which it does not have | add `i: ${…}` to `inputParameters`",
        ],
    );
    tells(
        &workflow(&[&fork(
            ", inputParameters: {forkTaskInputs: [1], forkTaskWorkflow: w, forkTaskWorkflowVersion: 1}",
        )]),
        &[
            "E0418 3 <name> FORK_JOIN_DYNAMIC `f` is not followed by a JOIN | add a JOIN right after it; it waits for all branches without a `joinOn`",
            "E0418 3 <1> `forkTaskWorkflowVersion` of FORK_JOIN_DYNAMIC `f` must be a text",
        ],
    );
    tells(
        &workflow(&[
            "{name: d, taskReferenceName: d, type: DYNAMIC, dynamicTaskNameParam: t, inputParameters: {u: x}}",
        ]),
        &[
            "E0418 3 <t> `dynamicTaskNameParam` of `d` names the input `t`, which it does not have | add `t: ${…}` to `inputParameters`",
        ],
    );
}

#[test]
fn what_can_never_be_awaited_or_seen_in_a_loop_is_told() {
    let noop = |name: &str| format!("{{name: {name}, taskReferenceName: {name}, type: NOOP}}");
    let inner = format!(
        "{{name: i, taskReferenceName: i, type: DO_WHILE, loopCondition: \"$.i.iteration < 2 && $.ix\", loopOver: [{}]}}",
        noop("x")
    );
    tells(
        &workflow(&[&format!(
            "{{name: o, taskReferenceName: o, type: DO_WHILE, loopCondition: \"$.o.iteration < 2\", loopOver: [{inner}]}}"
        )]),
        &[
            "W0418 3 <\"$.i.iteration < 2 && $.ix\"> inside of another loop the condition of `i` does not know it as `$.i` | decide on a task of the loop, on `$.loopIndex`, or on a variable",
        ],
    );
    let looped = format!(
        "{{name: l, taskReferenceName: l, type: DO_WHILE, loopCondition: \"false\", loopOver: [{}]}}",
        noop("yy")
    );
    let switch = format!(
        "{{name: s, taskReferenceName: s, type: SWITCH, evaluatorType: value-param, expression: v, inputParameters: {{v: \"${{workflow.input.v}}\"}}, decisionCases: {{a: [{}]}}}}",
        noop("c")
    );
    tells(
        &workflow(&[
            &format!("{{name: f, taskReferenceName: f, type: FORK_JOIN, forkTasks: [[{looped}], [{switch}]]}}"),
            "{name: j, taskReferenceName: j, type: JOIN, joinOn: [l, yy, s, c]}",
        ]),
        &[
            "E0409 4 <yy> JOIN `j` waits for `yy`, which runs in another loop | wait for the loop itself, or put the JOIN into the same list",
            "W0409 4 <c> JOIN `j` waits for `c`, which may not be reached | wait for the SWITCH, or for a task after it",
        ],
    );
}

#[test]
fn http_needs_where_and_how() {
    tells(
        &workflow(&[
            "{name: a, taskReferenceName: a, type: HTTP, inputParameters: {url: \"http://h\", method: FETCH}}",
            "{name: b, taskReferenceName: b, type: HTTP, inputParameters: {http_request: {uri: h.example}}}",
            "{name: c, taskReferenceName: c, type: HTTP, inputParameters: {http_request: \"${workflow.input.r}\"}}",
        ]),
        &[
            "E0404 3 <url> `uri` is missing in HTTP `a` | write `uri`",
            "E0404 3 <FETCH> this is no HTTP method | write one of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE",
            "E0404 4 <uri> `method` is missing in HTTP `b` | add `method: GET` to `inputParameters`",
            "E0404 4 <h.example> a `uri` starts with `http://` or `https://`",
        ],
    );
}

#[test]
fn update_secret_needs_both_fields_inside_secrets() {
    tells(
        &workflow(&[
            "{name: a, taskReferenceName: a, type: UPDATE_SECRET, inputParameters: {secretKey: k, secretValue: v}}",
            "{name: b, taskReferenceName: b, type: UPDATE_SECRET}",
            "{name: c, taskReferenceName: c, type: UPDATE_SECRET, inputParameters: {_secrets: {secretKey: a b}}}",
            "{name: d, taskReferenceName: d, type: UPDATE_SECRET, inputParameters: {_secrets: [{secretKey: k, secretValue: abcd}, {secretKey: l, secretValue: \"***\"}]}}",
            "{name: e, taskReferenceName: e, type: UPDATE_SECRET, inputParameters: {_secrets: \"${workflow.input.s}\"}}",
        ]),
        &[
            "E0401 3 <secretKey> `secretKey` stands outside of `_secrets` in UPDATE_SECRET `a` | move `secretKey` and `secretValue` under `inputParameters._secrets`: only there they are masked",
            "E0402 4 <name> `_secrets` is missing in UPDATE_SECRET `b` | add `_secrets` with `secretKey` and `secretValue` to `inputParameters`",
            "E0402 5 <secretKey> `secretValue` is missing in UPDATE_SECRET `c` | `_secrets` takes `secretKey` and `secretValue`, or a list of such pairs",
            "E0403 5 <a b> a secret's name holds letters, digits, `_` and `-` only",
            "W0414 6 <abcd> the secret's value stands in the file in clear | take it from an expression, or set it with `keytide secret set`",
            "E0402 6 <\"***\"> `***` is what masked values look like, not a value | write the expression that gives the value, as `${task.output._secrets.token}`",
        ],
    );
}

#[test]
fn control_tasks_need_what_they_decide_on() {
    tells(
        &workflow(&[
            "{name: a, taskReferenceName: a, type: WAIT, inputParameters: {duration: 1s, until: 2030-01-01}}",
            "{name: b, taskReferenceName: b, type: WAIT, startDelay: -1, inputParameters: {duration: soon}}",
            "{name: c, taskReferenceName: c, type: SWITCH}",
            "{name: d, taskReferenceName: d, type: SWITCH, evaluatorType: value-param, expression: x, inputParameters: {y: 1}, decisionCases: {x: [{name: z, taskReferenceName: z, type: NOOP}]}}",
            "{name: e, taskReferenceName: e, type: FORK_JOIN, forkTasks: [[], [{name: f, taskReferenceName: f}]]}",
            "{name: g, taskReferenceName: g, type: JOIN, joinOn: [f, zulu]}",
            "{name: h, taskReferenceName: h, type: TERMINATE, inputParameters: {terminationStatus: DONE}}",
            "{name: i, taskReferenceName: i, type: HTPP}",
            "{name: j, taskReferenceName: j, type: my_worker}",
            "{name: k, taskReferenceName: k, type: DO_WHILE}",
        ]),
        &[
            "E0405 3 <2030-01-01> WAIT `a` has both `duration` and `until` | keep one of them",
            "E0201 4 <-1> `startDelay` is below zero in WAIT `b` | it is a number of seconds",
            "E0405 4 <soon> WAIT `b` has a `duration` that cannot be read | write `2 hours 30 minutes`, with days, hours, minutes, seconds in this order",
            "E0406 5 <name> `evaluatorType` is missing in SWITCH `c` | add `evaluatorType: value-param`",
            "E0406 5 <name> `expression` is missing in SWITCH `c` | add `expression: NAME`, where NAME is an input that holds the value to decide on",
            "E0406 5 <name> SWITCH `c` has no case | add one to `decisionCases`: a value, with a list of tasks; where there is no choice, leave the task out",
            "E0406 6 <x> SWITCH `d` decides on the input `x`, which it does not have | add `x: ${…}` to `inputParameters`",
            "E0407 7 <[]> a branch of FORK_JOIN `e` is empty | remove it, or put a NOOP there",
            "E0409 8 <zulu> JOIN `g` waits for `zulu`, which no task is called | use the `taskReferenceName` of a branch's last task",
            "E0410 9 <DONE> TERMINATE `h` needs a `terminationStatus` | write COMPLETED, FAILED or TERMINATED",
            "W0422 10 <name> no run comes to what follows TERMINATE `h` | remove it, or put the TERMINATE into a case of a SWITCH",
            "W0411 10 <HTPP> `HTPP` is no known type, so the task waits for a worker | did you mean `HTTP`?",
            "E0411 12 <name> `loopCondition` is missing in DO_WHILE `k` | add `loopCondition`",
            "E0417 12 <name> DO_WHILE `k` has no tasks to repeat | add `loopOver`, a list of tasks",
        ],
    );
    tells(
        &workflow(&[
            "{name: e, taskReferenceName: e, type: FORK_JOIN, forkTasks: [[{name: f, taskReferenceName: f}]]}",
        ]),
        &[
            "W0407 3 <name> FORK_JOIN `e` is not followed by a JOIN | add a JOIN right after it, with the last tasks of the branches in `joinOn`",
        ],
    );
}

#[test]
fn what_other_workflows_a_task_names_must_be_there() {
    tells(
        &workflow(&[
            "{name: a, taskReferenceName: a, type: SUB_WORKFLOW}",
            "{name: b, taskReferenceName: b, type: SUB_WORKFLOW, subWorkflowParam: {version: 1}}",
            "{name: c, taskReferenceName: c, type: SUB_WORKFLOW, subWorkflowParam: {name: w, version: 7}}",
            "{name: d, taskReferenceName: d, type: SUB_WORKFLOW, subWorkflowParam: {name: '${workflow.input.n}'}}",
            "{name: e, taskReferenceName: e, type: START_WORKFLOW, inputParameters: {startWorkflow: {name: nowhere}}}",
            "{name: f, taskReferenceName: f, type: START_WORKFLOW}",
            "{name: g, taskReferenceName: g, type: EVENT, sink: 'kafka:x'}",
            "{name: h, taskReferenceName: h, type: EVENT, sink: 'conductor:x'}",
            "{name: i, taskReferenceName: i, type: GET_WORKFLOW}",
            "{name: j, taskReferenceName: j, type: UPDATE_TASK, inputParameters: {taskId: x}}",
            "{name: k, taskReferenceName: k, type: UPDATE_TASK, inputParameters: {workflowId: x}}",
            "{name: l, taskReferenceName: l, type: SUB_WORKFLOW, subWorkflowParam: {name: w}}",
        ]),
        &[
            "E0411 3 <name> `subWorkflowParam` is missing in SUB_WORKFLOW `a` | add `subWorkflowParam: {name: …}`",
            "E0411 4 <version> SUB_WORKFLOW `b` names no workflow | add `name`, or the whole workflow as `workflowDefinition`",
            "W0421 5 <7> `w` has no version 7 | there is 1; leave `version` out for the highest",
            "W0421 7 <nowhere> START_WORKFLOW `e` names the workflow `nowhere`, which is not defined here | define it, or register it before this one runs",
            "E0411 8 <name> `inputParameters.startWorkflow` is missing in START_WORKFLOW `f` | add `startWorkflow: {name: …}`",
            "W0420 9 <'kafka:x'> EVENT `g` goes to `kafka:x`, which is not served here | write `conductor` or `conductor:NAME`",
            "E0411 11 <name> `inputParameters.id` is missing in GET_WORKFLOW `i` | add the id of the execution to read",
            "E0411 13 <name> `inputParameters.taskId` is missing in UPDATE_TASK `k` | add `taskId`, or `workflowId` and `taskRefName`",
        ],
    );
}

#[test]
fn names_must_be_there_once() {
    let twice = "{name: a, taskReferenceName: a}";
    let first = load("a.yaml", format!("{}schemaVersion: 1\n", workflow(&[twice, twice])).as_bytes());
    let second =
        load("b.yaml", format!("{}---\nname: w\nversion: 2\ntasks: [{twice}]\n", workflow(&[twice])).as_bytes());
    let told: Vec<_> = check(&[&first, &second], &known()).iter().map(line).collect();
    assert_eq!(
        told,
        [
            "E0302 1 <w> the workflow `w.1` is defined twice | raise the `version` of one, or rename it",
            "E0301 4 <a> two tasks have the reference `a` | give it a name of its own: expressions could not tell the two apart",
            "E0206 5 <1> `schemaVersion` must be 2 | write 2: Conductor takes no other",
            "E0302 1 <w> the workflow `w.1` is defined twice | raise the `version` of one, or rename it",
        ]
    );
}

#[test]
fn schedules_are_judged_field_by_field() {
    let schedule = |fields: &str| format!("{{name: s, {fields}}}");
    let start = "startWorkflowRequest: {name: from_api}";
    for (fields, expected) in [
        (format!("cronExpression: 0 0 3 * * *, {start}"), ""),
        (
            format!("cronExpression: \"*/5 * * * *\", {start}"),
            "E0501 1 <*/5 * * * *>",
        ),
        (format!("cronExpression: 0 0 25 * * *, {start}"), "E0501 1 <25>"),
        (format!("cronExpression: 0 0 3 * * *, zoneId: Europe/Berln, {start}"), "E0502 1 <Europe/Berln>"),
        (start.to_owned(), "E0503 1 <name>"),
        (
            "cronExpression: 0 0 3 * * *, startWorkflowRequest: {name: gone}".to_owned(),
            "W0504 1 <gone> no workflow is named `gone` | add the workflow to the folder",
        ),
        (
            format!("cronExpression: 0 0 3 * * *, scheduleStartTime: 9, scheduleEndTime: 5, {start}"),
            "E0508 1 <5> the schedule ends before it starts",
        ),
        (
            "cronExpression: 0 0 3 * * *, startWorkflowRequest: {name: from_api, input: {x: \"${workflow.env.region}\"}}".to_owned(),
            "W0509 1 <${workflow.env.region}> a schedule's input is not evaluated | put the reference into the workflow's tasks",
        ),
    ] {
        let loaded = load("s.yaml", schedule(&fields).as_bytes());
        assert!(loaded.diagnostics.is_empty(), "{fields}");
        let told: Vec<_> = check(&[&loaded], &known()).iter().map(line).collect();
        assert!(told.len() <= 1, "{told:?}");
        let told = told.first().map_or("", String::as_str);
        assert!(told.starts_with(expected) && told.is_empty() == expected.is_empty(), "{fields}: {told}");
    }
}

#[test]
fn five_fields_are_mended_in_place() {
    let loaded = load("s.yaml", b"{name: s, cronExpression: '*/5 * * * *', startWorkflowRequest: {name: from_api}}");
    let told = check(&[&loaded], &known());
    assert_eq!(told[0].fix.as_ref().unwrap().replacement, "'0 */5 * * * *'");
}

#[test]
fn wrong_types_do_not_hide_other_rules() {
    let loaded = load("w.yaml", workflow(&["{name: 5, taskReferenceName: a, type: HTTP}"]).as_bytes());
    assert_eq!(loaded.diagnostics.len(), 1);
    assert_eq!(check(&[&loaded], &known()).len(), 2);
}

#[test]
fn call_that_issues_a_secret_is_not_repeated_blindly() {
    let call = |reference: &str, more: &str, inputs: &str| {
        format!(
            "{{name: {reference}, taskReferenceName: {reference}, type: HTTP, {more} inputParameters: {{uri: \"http://h\", {inputs}}}}}"
        )
    };
    let store = r#"{name: s, taskReferenceName: s, type: UPDATE_SECRET, inputParameters: {_secrets: [{secretKey: k, secretValue: "${a.output.response.body.t}"}, {secretKey: l, secretValue: "${b.output.response.body.t}"}]}}"#;
    let told = "`a` fetches a secret and is repeated where nobody knows whether it was heard";
    tells(
        &workflow(&[
            &call("a", "retryCount: 2,", "method: POST, onUnknownOutcome: retry"),
            &call("b", "retryCount: 2,", "method: GET, onUnknownOutcome: retry"),
            &call("c", "retryCount: 2,", "method: POST"),
            store,
        ]),
        &[
            "N0415 3 <2> `a` fetches a secret and is asked again after an error | only answers that are errors are retried; `retryCount: 0` asks once",
            &format!("W0413 3 <retry> {told} | leave it out: the run then fails `in doubt` and says so"),
        ],
    );
}

#[test]
fn a_handler_that_acts_on_nothing_or_starts_what_is_not_there_is_told_where_it_says_so() {
    let handler = |event: &str, active: &str, start: &str| {
        format!(
            "name: h\nevent: {event}\n{active}actions:\n- {{action: start_workflow, start_workflow: {start}}}\n---\nname: w\nversion: 2\ntasks:\n- {{name: a, taskReferenceName: a, type: NOOP}}\n"
        )
    };
    let is_active = "active: true\n";
    tells(&handler("conductor:w:a", is_active, "{name: w, version: 2}"), &[]);
    tells(&handler("conductor:w:a", is_active, "{name: from_api, version: 9}"), &[]);
    tells(
        &handler("conductor:w:a", is_active, "{name: v}"),
        &["W0603 5 <v> the event handler `h` names the workflow `v`, which is not defined here | did you mean `w`?"],
    );
    tells(
        &handler("conductor:w:a", is_active, "{name: w, version: 1}"),
        &["W0603 5 <1> `w` has no version 1 | there is 2; leave `version` out for the highest"],
    );
    let help = "an EVENT task whose sink is `conductor` tells `conductor:WORKFLOW:REFERENCE`";
    for event in ["sqs:orders:x", "conductor", "conductor:w", "conductor::a", "conductor:w:"] {
        let told = format!("W0604 2 <\"{event}\"> no task here tells the event `{event}` | {help}");
        tells(&handler(&format!("\"{event}\""), is_active, "{name: w}"), &[&told]);
    }
    let told = "the event handler `h` does not act: `active` is false where it is absent";
    let help = "write `active: true`, or `active: false` where that is meant";
    tells(&handler("conductor:w:a", "", "{name: w}"), &[&format!("W0605 1 <name> {told} | {help}")]);
}
