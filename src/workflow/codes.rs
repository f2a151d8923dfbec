//! What each code of a diagnostic means, a paragraph each.

/// Every code with its explanation, in order.
pub const CODES: [(&str, &str); 65] = [
    (
        "E0101",
        "The file is not UTF-8 text. Definitions are read as UTF-8, with or without a byte order mark; UTF-16 and files with NUL bytes are refused. Save the file as UTF-8.",
    ),
    (
        "E0102",
        "The file is larger than a definition may be: more than 1 MiB, values nested deeper than 64 levels, more than 100,000 values, or aliases that would write out to that much. The limits keep one file from taking the others down. Split it into several files, or into workflows that start each other with SUB_WORKFLOW.",
    ),
    (
        "E0103",
        "The text is not YAML. The place shown is where reading had to stop; the mistake is there or just before it. Usual causes: a tab in the indentation, a text that holds `: ` or starts with a special character and needs quotes, or a bracket that is never closed.",
    ),
    (
        "E0104",
        "The text is not JSON. Comments (`//` and `/* */`) are allowed, nothing else that JSON does not have: no trailing commas, no single quotes, no names without quotes, no numbers that start with 0.",
    ),
    ("E0105", "A name stands twice in one map. Readers differ in which of the two they take, so neither is."),
    ("E0106", "YAML tags (`!name`) are not read: a definition is plain data, the same in YAML and JSON."),
    ("E0107", "The name of a field must be a text, and `<<` merges maps. Quote a name that starts with `{` or `[`."),
    (
        "E0108",
        "A value starts with a character that YAML keeps for itself, or refers to an anchor that is not there. The usual case is a cron expression: `*/5 …` reads as an alias and `@daily` as a reserved word, so both need quotes.",
    ),
    (
        "E0201",
        "A field holds a value of another type than Conductor's, as a text where a number is meant. In YAML `yes`, `no`, `on` and `off` are texts: write `true` or `false`.",
    ),
    ("E0202", "A field that the definition cannot do without is missing or empty."),
    ("E0203", "A field takes one of a few words, and this is none of them. The words are case-sensitive."),
    (
        "E0204",
        "The file holds a single task, as pages about a task type show it, and not a workflow. Wrap it in a workflow's `tasks`. `keytide run FILE` takes it as it is, as a workflow of one task.",
    ),
    (
        "E0205",
        "The document is none of the things that a file may hold: a workflow (it has `tasks`), a schedule (`cronExpression` or `cronSchedules`, with `startWorkflowRequest`), a list of task definitions (`taskDefs`), or a list of these.",
    ),
    ("E0206", "`schemaVersion` is 2 in every Conductor that still runs; another value is refused there as here."),
    (
        "E0301",
        "Two tasks of a workflow share a `taskReferenceName`. Expressions and the history of a run could not tell them apart. Names inside branches, cases and loops count too.",
    ),
    (
        "E0302",
        "Two workflows have the same name and version, in one file or in two. Neither is taken; the last good one goes on serving. Raise the version of one or rename it.",
    ),
    ("E0303", "Two task definitions have the same name. Tasks find their definition by name, so there can be one."),
    (
        "E0304",
        "The path between `${` and `}` cannot be read. Conductor allows no spaces and no operators in it, refuses such an input when the workflow is registered, and reads null elsewhere. A template literal of a script, as `${$.x}`, is caught by the same rule. A path that hits one of keytide's own limits (its length, how deep conditions nest, patterns that only Java matches) is refused too: a run would fail at it.",
    ),
    (
        "E0305",
        "An input names a task that the workflow does not have. Conductor refuses to register it. A bare name such as `${HOME}` is not read from the process environment: use `${workflow.env.NAME}`.",
    ),
    (
        "E0401",
        "`secretKey` and `secretValue` belong inside `inputParameters._secrets`: only what stands there is masked in every view. Outside of it the new value would be shown in clear.",
    ),
    (
        "E0402",
        "UPDATE_SECRET needs `inputParameters._secrets` with a `secretKey` and a `secretValue`, or a list of such pairs to write several secrets at once. Both may be expressions; neither may be empty.",
    ),
    ("E0403", "The name of a secret holds letters, digits, `_` and `-`, and nothing else."),
    (
        "E0404",
        "An HTTP task needs a `uri` that starts with `http://` or `https://`, and a `method`, in `inputParameters` or in `inputParameters.http_request`.",
    ),
    (
        "E0405",
        "WAIT takes a `duration` (`1 days 2 hours 3 minutes 4 seconds`, parts may be left out) or a time `until` which it waits, not both. With neither it waits until somebody completes it.",
    ),
    (
        "E0406",
        "SWITCH needs an `evaluatorType` and an `expression`. With `value-param` the expression is the name of an input of the task, and the input holds the value.",
    ),
    (
        "E0407",
        "FORK_JOIN needs `forkTasks`: a list of branches, each a list of at least one task. Conductor fails to start a workflow with an empty branch.",
    ),
    (
        "E0408",
        "The inputs of a task are evaluated when it starts, so `${…}` of its own output gives null. In an output filter write `$${…}`: the first evaluation leaves it alone, and the filter reads it once the answer is there.",
    ),
    ("E0409", "JOIN waits for tasks by their `taskReferenceName`; this one does not exist, so it would wait for ever."),
    ("E0410", "TERMINATE needs the input `terminationStatus`: COMPLETED, FAILED or TERMINATED."),
    (
        "E0411",
        "A task of this type needs the field: DO_WHILE a `loopCondition`, SUB_WORKFLOW a `subWorkflowParam` with a `name` or a `workflowDefinition`, START_WORKFLOW the input `startWorkflow`, GET_WORKFLOW the input `id`, UPDATE_TASK a `taskId` or a `workflowId` with a `taskRefName`, DYNAMIC a `dynamicTaskNameParam`, EVENT a `sink`.",
    ),
    (
        "E0416",
        "Expressions are read as JavaScript (`javascript`, `graaljs`) or as the name of an input (`value-param`). Conductor has a `python` evaluator too; it is not here, and a worker can do its work.",
    ),
    (
        "E0417",
        "DO_WHILE repeats the tasks of `loopOver`, of which there is at least one. `keepLastN` is a number: Conductor fails to start a workflow with a text there.",
    ),
    (
        "E0418",
        "FORK_JOIN_DYNAMIC starts the tasks of a list. Either `dynamicForkTasksParam` and `dynamicForkTasksInputParamName` name the inputs that hold the list and, by reference, the tasks' inputs; or the input `forkTaskInputs` is a list, and each item starts the task `forkTaskName` or the workflow `forkTaskWorkflow` (texts, the version too). A JOIN right after it waits for all of them.",
    ),
    (
        "E0501",
        "The cron expression cannot be read. It has six fields, seconds first: second, minute, hour, day of the month, month, day of the week; or it is a macro such as `@daily`. Conductor refuses five fields too, and silently never fires such a schedule.",
    ),
    (
        "E0502",
        "The time zone is no IANA name such as `Europe/Berlin` or `UTC`. Offsets are not taken: they would not follow the clocks of any place.",
    ),
    ("E0503", "A schedule needs a `cronExpression`, or a list of `cronSchedules`."),
    (
        "E0505",
        "Two schedules have the same name. A schedule beside a workflow is named after it unless it has a `name` of its own.",
    ),
    ("E0508", "`scheduleEndTime` is not after `scheduleStartTime`, so the schedule could never fire."),
    ("N0203", "The file has more problems than are told at once. Mend these and check again."),
    (
        "N0306",
        "Whether the names of secrets exist could not be checked: the store needs an identity that can open it. Everything else was.",
    ),
    (
        "N0415",
        "The call fetches what becomes a secret and may be made again after an answer that is an error. An issuer that answered with an error may still have issued a token. A call whose outcome is unknown is never repeated by itself, whatever `retryCount` says.",
    ),
    ("N0507", "The cron expression does what it says; this is something to know about it."),
    (
        "W0101",
        "An unquoted YAML value looks like something else than it is: `no`, `on` and `0777` are texts in YAML 1.2 and something else to other readers, and numbers that are too large would lose digits. It is read as text. Quote it to say so.",
    ),
    ("W0201", "Nobody reads this field. Conductor ignores unknown fields too, so a slip stays unnoticed there."),
    ("W0202", "The file holds no definition: it is empty, or all of it is comments."),
    (
        "W0305",
        "The workflow uses a secret that is not in the store and that no workflow of the folder writes. The task that needs it will fail. Set it with `keytide secret set NAME`.",
    ),
    (
        "W0308",
        "`${workflow.env.NAME}` is not set, so it gives null. Set it under `[environment]` in keytide.toml or as KEYTIDE_ENV_NAME.",
    ),
    ("W0309", "An execution shows no such field, so the reference always gives null."),
    (
        "W0310",
        "The task reads its own output, which it does not have when it starts. In a second attempt it would read the first one's.",
    ),
    (
        "W0311",
        "The reference leads to a task that has not run yet when this one starts, so it gives null. Conductor registers and runs this without a word.",
    ),
    (
        "W0312",
        "The workflow's output names a task that it does not have. Conductor registers this and gives null; only the tasks of a dynamic fork are not known before.",
    ),
    (
        "W0313",
        "The HTTP task's output has no such part: it gives `response` with `statusCode`, `reasonPhrase`, `headers` and `body`, or what its output filter leaves of it.",
    ),
    ("W0407", "No JOIN follows the FORK_JOIN, so the workflow goes on without waiting for the branches."),
    (
        "W0409",
        "A JOIN waits for each task that it names. A task in a case of a SWITCH runs only where the case is taken; where it is not, the JOIN never goes on.",
    ),
    (
        "W0411",
        "The type is none that this program or Conductor runs, so the task waits until a worker polls for it. It is one letter away from a known one.",
    ),
    ("W0412", "The HTTP task does not read this input, which is one letter away from one that it reads."),
    (
        "W0413",
        "`onUnknownOutcome: retry` repeats a call that fetches a secret even where nobody knows whether the first one was heard. Many issuers revoke the old token when they give a new one, so the repeated call may make a token useless that was given and lost. Without it the run fails `in doubt`, and says which secret it is about.",
    ),
    (
        "W0414",
        "The new value of the secret stands in the definition in clear: whoever reads the file reads the secret. Take it from an expression, or set the secret with `keytide secret set`.",
    ),
    ("W0417", "An empty condition is never true. Such a loop runs once, unless `items` gives it a list to go through."),
    (
        "W0418",
        "In a loop every task is known by its reference and the number of the iteration, and the condition of an inner loop sees its own output only under that name, `inner__1`. Conductor does the same. Decide on what the loop's tasks gave, on `$.loopIndex`, or on a variable.",
    ),
    (
        "W0420",
        "The event of this task goes to a sink that is not served here: only our own handlers hear of events. The task would fail.",
    ),
    (
        "W0421",
        "The task starts a workflow that is not defined in the folder, or not in this version. It may be registered over the API before the task runs; otherwise the task fails.",
    ),
    ("W0504", "The schedule starts a workflow that is not defined, so every start will fail."),
    ("W0506", "The cron expression can be read, but probably does not mean what it looks like, or never fires."),
    (
        "W0509",
        "A schedule's input is handed to the workflow as it is: references in it stay text. Put them into the workflow's tasks.",
    ),
];

/// Returns what a code means; codes are matched whatever their case.
pub fn explain(code: &str) -> Option<&'static str> {
    CODES.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{CODES, explain};

    fn used(folder: &Path, codes: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                used(&path, codes);
            } else if !path.ends_with("codes.rs") && !path.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let quoted = text.split('"').filter(|part| part.len() == 5 && part.starts_with(['E', 'W', 'N']));
                codes.extend(quoted.filter(|part| part[1..].parse::<u16>().is_ok()).map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_code_that_is_used_is_explained_and_no_other() {
        let mut codes = BTreeSet::new();
        used(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/workflow"), &mut codes);
        let explained: Vec<_> = CODES.iter().map(|(code, _)| (*code).to_owned()).collect();
        assert_eq!(explained, codes.into_iter().collect::<Vec<_>>());
        assert!(explain("e0101").is_some() && explain("E9999").is_none());
    }
}
