//! Secrets where they do not belong, text that is never evaluated, tasks and cases that are never reached, slots that meet.

use super::{check, known, line, load, tells, workflow};

const CALL: &str = r#"{name: a, taskReferenceName: a, type: HTTP, inputParameters: {uri: "http://h", method: POST}}"#;
const STORE: &str = r#"{name: s, taskReferenceName: s, type: UPDATE_SECRET, inputParameters: {_secrets: {secretKey: k, secretValue: "${a.output.response.body.t}"}}}"#;

#[test]
fn secret_that_leaves_its_place_is_told_and_one_that_stays_is_not() {
    let text = workflow(&[
        CALL,
        STORE,
        r#"{name: v, taskReferenceName: v, type: SET_VARIABLE, inputParameters: {x: "${a.output.response.body.t}", _secrets: {y: "${a.output.response.body.t}"}, z: "${a.output.response.statusCode} ${a.output.response.body.other}"}}"#,
        r#"{name: w, taskReferenceName: w, type: SIMPLE, inputParameters: {x: [{y: "Bearer ${workflow.secrets.appKeyId}"}], _secrets: "${workflow.secrets.appKeyId}"}}"#,
        r#"{name: i, taskReferenceName: i, type: INLINE, inputParameters: {expression: "1", x: "${a.output.response}"}}"#,
        r#"{name: g, taskReferenceName: g, type: HTTP, inputParameters: {http_request: {uri: "http://h/${workflow.secrets.appKeyId}?t=${workflow.secrets.appKeyId}", method: GET, headers: {A: "${workflow.secrets.appKeyId}"}}}}"#,
    ]) + "outputParameters: {x: \"${workflow.secrets.appKeyId.id}\", y: \"${a.output.status}\"}\n";
    let help = "put it under `_secrets` there, or read it only where it is used";
    tells(
        &text.replace(", y: \"${a.output.status}\"", ""),
        &[
            &format!(
                "W0315 5 <${{a.output.response.body.t}}> `${{a.output.response.body.t}}` brings a secret into a variable | {help}"
            ),
            &format!(
                "W0315 6 <${{workflow.secrets.appKeyId}}> `${{workflow.secrets.appKeyId}}` brings a secret into a worker's input | {help}"
            ),
            &format!(
                "W0315 7 <${{a.output.response}}> `${{a.output.response}}` brings a secret into a script's input | {help}"
            ),
            "W0315 8 <${workflow.secrets.appKeyId}> `${workflow.secrets.appKeyId}` brings a secret into the query of a URL | send it in a header or in the body",
            &format!(
                "W0315 9 <${{workflow.secrets.appKeyId.id}}> `${{workflow.secrets.appKeyId.id}}` brings a secret into the workflow's output | {help}"
            ),
        ],
    );
}

#[test]
fn text_that_nothing_evaluates_a_second_time_is_told() {
    tells(
        &workflow(&[
            r#"{name: a, taskReferenceName: a, type: HTTP, inputParameters: {uri: "http://h", method: POST, body: ["$${workflow.input.x}", "$${HOME}"], outputFilter: {x: "$${a.output.response.body.x}"}}}"#,
            r#"{name: b, taskReferenceName: b, type: SIMPLE, inputParameters: {x: "$${a.output.x}"}}"#,
        ]),
        &[
            "W0314 3 <${workflow.input.x}> `$${workflow.input.x}` is not evaluated | write `${…}`: only output filters and dynamic forks evaluate a second time",
        ],
    );
}

#[test]
fn outputs_that_cannot_exist_are_told_by_what_each_type_gives() {
    tells(
        &workflow(&[
            CALL,
            r#"{name: i, taskReferenceName: i, type: INLINE, inputParameters: {expression: "1"}}"#,
            r#"{name: r, taskReferenceName: r, type: NOOP, inputParameters: {x: "${a.output.response.bodi.t}", y: "${i.output.reslt}", z: "${i.output.result.x} ${a.output.response.headers.A[0]}"}}"#,
        ]),
        &[
            "W0313 5 <${a.output.response.bodi.t}> the response of `a` has no `bodi` | did you mean `output.response.body`?",
            "W0313 5 <${i.output.reslt}> the output of `i` has no `reslt` | did you mean `output.result`?",
        ],
    );
}

#[test]
fn cases_that_are_never_taken_are_told() {
    tells(
        &workflow(&[
            r#"{name: s, taskReferenceName: s, type: SWITCH, evaluatorType: value-param, expression: v, inputParameters: {v: 1}, decisionCases: {"1": [], "2": []}}"#,
        ]),
        &["W0422 3 <\"2\"> SWITCH `s` never takes the case `2` | give the input a `${…}`, or remove the case"],
    );
}

#[test]
fn slots_that_meet_are_told_and_those_that_do_not_are_not() {
    let text = |more: &str, first: &str, second: &str| {
        format!(
            "name: w\n{more}tasks:\n- {{name: s, taskReferenceName: s, type: UPDATE_SECRET, inputParameters: {{_secrets: {{secretKey: k, secretValue: \"${{workflow.input.v}}\"}}}}}}\nschedules:\n- {{name: one, cronExpression: {first}}}\n- {{name: two, cronExpression: {second}}}\n"
        )
    };
    let codes = |text: &str| {
        let file = load("w.yaml", text.as_bytes());
        assert!(file.diagnostics.is_empty(), "{text}");
        check(&[&file], &known()).iter().map(line).map(|line| line[..5].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(&text("", "0 0 3 * * *", "0 0 3 * * MON")), ["W0511"]);
    assert!(codes(&text("", "0 0 3 * * *", "0 0 3 * * MON, paused: true")).is_empty());
    assert!(codes(&text("", "0 0 3 * * *", "0 30 3 * * *")).is_empty());
    // Three in the morning in Berlin is two or one in UTC.
    assert_eq!(codes(&text("", "0 0 3 * * *, zoneId: Europe/Berlin", "0 0 2 * * *")), ["W0511"]);
    assert_eq!(codes(&text("timeoutSeconds: 7200\n", "0 0 3-4 * * *", "0 30 12 * * *")), ["N0510"]);
    assert!(codes(&text("timeoutSeconds: 7200\n", "0 0 3-4 * * *, overlap: allow", "0 30 12 * * *")).is_empty());
    assert!(codes(&text("timeoutSeconds: 3600\n", "0 0 3-4 * * *", "0 30 12 * * *")).is_empty());
}
