#![expect(clippy::needless_pass_by_value, reason = "a test reads better with values")]

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::layout::{Frame, NODE_HEIGHT, Picture, Placed};
use super::{Graph, Lines, Look, Step, columns, mermaid, svg, tree};

fn graph(tasks: Value) -> Graph {
    Graph::of(&serde_json::from_value(json!({"name": "w", "version": 3, "tasks": tasks})).unwrap())
}

fn task(reference: &str, kind: &str) -> Value {
    json!({"name": reference, "taskReferenceName": reference, "type": kind})
}

fn with(mut task: Value, more: Value) -> Value {
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

fn everything() -> Graph {
    graph(json!([
        with(
            task("fetch", "HTTP"),
            json!({"inputParameters": {"method": "POST", "uri": "https://me:pw@issuer/token?key=k"}})
        ),
        with(
            task("decide", "SWITCH"),
            json!({"expression": "kind", "decisionCases": {
                "a": [task("one", "SIMPLE"), with(task("stop", "TERMINATE"), json!({"inputParameters": {"terminationStatus": "FAILED"}}))],
                "b": [],
            }})
        ),
        with(task("fan", "FORK_JOIN"), json!({"forkTasks": [[task("left", "NOOP")], [task("right", "WAIT")]]})),
        with(task("join", "JOIN"), json!({"joinOn": ["left", "right"]})),
        with(
            task("loop", "DO_WHILE"),
            json!({"loopCondition": "$.loop['iteration'] < 3", "loopOver": [task("inner", "INLINE")]})
        ),
        with(
            task("store", "UPDATE_SECRET"),
            json!({"inputParameters": {"_secrets": {"secretKey": "token", "secretValue": "v"}}})
        ),
    ]))
}

#[test]
fn a_workflow_is_lines_with_what_is_inside_below() {
    let expected = "\
w v3
├─ fetch        HTTP  POST https://issuer/token
├─ decide       SWITCH  kind
│  ├─ [a]
│  │  ├─ one    SIMPLE
│  │  └─ stop   TERMINATE  FAILED
│  ├─ [b]
│  └─ [otherwise]
├─ fan          FORK_JOIN
│  ├─ [1]
│  │  └─ left   NOOP
│  └─ [2]
│     └─ right  WAIT
├─ join         JOIN  left, right
├─ loop         DO_WHILE  while $.loop['iteration'] < 3
│  └─ inner     INLINE
└─ store        UPDATE_SECRET  token
";
    assert_eq!(tree(&everything(), Lines::Boxes), expected);
    let ascii = tree(&everything(), Lines::Ascii);
    assert!(ascii.is_ascii() && ascii.contains("`- store"), "{ascii}");
}

#[test]
fn credentials_and_queries_of_a_call_are_not_drawn() {
    for (uri, place) in [
        ("https://u:p@h/a?k=secret#f", "https://h/a"),
        ("${workflow.input.base}/x?t=1", "${workflow.input.base}/x"),
        (
            "https://${workflow.secrets.user}@h/${a.output.l[?(@.n == '?')].id}/b?q",
            "https://h/${a.output.l[?(@.n == '?')].id}/b",
        ),
        ("/only/a/path", "/only/a/path"),
        ("", ""),
    ] {
        assert_eq!(super::place(uri), place);
    }
}

#[test]
fn a_run_is_drawn_with_its_words() {
    let statuses =
        HashMap::from([("fetch".to_owned(), "COMPLETED".to_owned()), ("left".to_owned(), "FAILED".to_owned())]);
    let graph = everything().with_statuses(&statuses);
    let lines = tree(&graph, Lines::Boxes);
    assert!(
        lines.contains("HTTP (COMPLETED)") && lines.contains("NOOP (FAILED)") && lines.contains("WAIT\n"),
        "{lines}"
    );
    let drawn = svg(&graph, Look::File);
    assert!(drawn.contains("class=\"task COMPLETED\"") && drawn.contains("NOOP: FAILED"), "{drawn}");
    assert!(mermaid(&graph).contains("HTTP: COMPLETED"));
}

#[test]
fn mermaid_says_what_follows_what() {
    let chart = mermaid(&everything());
    for line in [
        "begin --> t0",
        "t0 --> t1",
        "t1 -->|\"a\"| t2",
        "t2 --> t3",
        "t1 -->|\"b\"| t4",
        "t1 -->|\"otherwise\"| t4",
        "t4 -->|\"1\"| t5",
        "t5 --> t7",
        "t6 --> t7",
        "t9 -.-> t8",
        "t7 --> t8",
        "t10 --> done",
    ] {
        assert!(chart.lines().any(|one| one.trim() == line), "{line}\n{chart}");
    }
    // What ends the workflow leads nowhere.
    assert!(!chart.contains("t3 -->"), "{chart}");
}

#[test]
fn names_mean_nothing_to_mermaid_or_to_xml() {
    let name = "end\"]; click t0 \"javascript:x\"\n<script>&'--%%{init}%%\u{202e}\u{7}";
    let graph = graph(json!([
        with(task(name, "SIMPLE"), json!({"name": name})),
        with(task("s", "SWITCH"), json!({"decisionCases": {name: []}}))
    ]));
    let chart = mermaid(&graph);
    let quoted = chart.matches('"').count();
    assert_eq!(quoted % 2, 0, "{chart}");
    for part in ["<script", "javascript:x\"", "%%", "click t0 \""] {
        assert!(!chart.contains(part), "{part}: {chart}");
    }
    for look in [Look::File, Look::Part] {
        let drawn = svg(&graph, look);
        assert!(!drawn.contains("<script") && !drawn.contains("\"javascript"), "{drawn}");
        assert!(drawn.contains("&lt;script&gt;&amp;&#39;"), "{drawn}");
        assert!(!drawn.contains(['\u{202e}', '\u{7}']), "{drawn}");
    }
    assert!(!tree(&graph, Lines::Boxes).contains(['\u{202e}', '\u{7}']));
}

#[test]
fn a_wide_text_is_cut_by_the_columns_that_it_takes_and_whole_in_the_title() {
    let name = "鍵".repeat(30);
    let graph = graph(json!([task(&name, "NOOP")]));
    let drawn = svg(&graph, Look::File);
    assert!(drawn.contains(&format!("<title>{name}, NOOP</title>")), "{drawn}");
    assert!(drawn.contains(&format!(">{}…</text>", "鍵".repeat(19))), "{drawn}");
    assert_eq!(columns("鍵a"), 3);
}

#[test]
fn what_is_drawn_grows_with_the_tasks() {
    let tasks: Vec<_> = (0..200).map(|n| task(&format!("t{n}"), "NOOP")).collect();
    let graph = graph(json!(tasks));
    let picture = Picture::of(&graph);
    assert_eq!((picture.boxes.len(), picture.edges.len()), (200, 199));
    assert!(picture.height < 200 * 70, "{}", picture.height);
}

/// A task of any kind, with what it holds.
fn any_tasks(depth: u32) -> BoxedStrategy<Vec<Value>> {
    let name = "[a-zé鍵\"<]{1,50}";
    let leaf = (name, prop::sample::select(vec!["NOOP", "TERMINATE", "HTTP", "JOIN"]))
        .prop_map(|(name, kind)| task(&name, kind));
    if depth == 0 {
        return prop::collection::vec(leaf, 0..3).boxed();
    }
    let list = any_tasks(depth - 1);
    let holder = (name, prop::collection::vec(list, 0..4), 0..3).prop_map(|(name, lists, kind)| match kind {
        0 => with(task(&name, "FORK_JOIN"), json!({"forkTasks": lists})),
        1 => {
            let cases: serde_json::Map<_, _> =
                lists.into_iter().enumerate().map(|(at, list)| (format!("{name}{at}"), json!(list))).collect();
            with(task(&name, "SWITCH"), json!({"decisionCases": cases}))
        }
        _ => with(task(&name, "DO_WHILE"), json!({"loopOver": lists.concat()})),
    });
    prop::collection::vec(prop_oneof![leaf, holder], 0..3).boxed()
}

fn count(steps: &[Step]) -> usize {
    let inside = |step: &Step| {
        step.body.as_deref().map_or(0, count) + step.ways.iter().map(|way| count(&way.steps)).sum::<usize>()
    };
    steps.iter().map(|step| 1 + inside(step)).sum()
}

fn overlap(one: &Placed<'_>, other: &Placed<'_>) -> bool {
    let apart = one.x + one.width <= other.x || other.x + other.width <= one.x;
    let above = one.y + NODE_HEIGHT <= other.y || other.y + NODE_HEIGHT <= one.y;
    !(apart || above)
}

/// Returns whether a piece of a line passes through the inside of a box.
fn crosses(placed: &Placed<'_>, from: (i32, i32), to: (i32, i32)) -> bool {
    let (left, right) = (from.0.min(to.0), from.0.max(to.0));
    let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
    left < placed.x + placed.width && right > placed.x && top < placed.y + NODE_HEIGHT && bottom > placed.y
}

fn holds(frame: &Frame, other: &Frame) -> bool {
    frame.x <= other.x
        && frame.y <= other.y
        && frame.x + frame.width >= other.x + other.width
        && frame.y + frame.height >= other.y + other.height
}

fn disjoint(one: &Frame, other: &Frame) -> bool {
    one.x + one.width <= other.x
        || other.x + other.width <= one.x
        || one.y + one.height <= other.y
        || other.y + other.height <= one.y
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_box_hides_another_and_no_line_passes_through_one(tasks in any_tasks(3)) {
        let graph = graph(json!(tasks));
        let picture = Picture::of(&graph);
        prop_assert_eq!(picture.boxes.len(), count(&graph.steps));
        for (at, one) in picture.boxes.iter().enumerate() {
            let inside = one.x >= 0 && one.y >= 0 && one.x + one.width <= picture.width && one.y + NODE_HEIGHT <= picture.height;
            prop_assert!(inside, "{} is outside", one.node.reference);
            for other in &picture.boxes[at + 1..] {
                prop_assert!(!overlap(one, other), "{} and {}", one.node.reference, other.node.reference);
            }
        }
        for edge in &picture.edges {
            for piece in edge.points.windows(2) {
                let (from, to) = (piece[0], piece[1]);
                prop_assert!(from.0 == to.0 || from.1 == to.1, "a line is bent: {:?}", edge);
                let within = |(x, y): (i32, i32)| (0..=picture.width).contains(&x) && (0..=picture.height).contains(&y);
                prop_assert!(within(from) && within(to), "{:?} is outside", edge);
                for one in &picture.boxes {
                    prop_assert!(!crosses(one, from, to), "{:?} passes through {}", edge, one.node.reference);
                }
            }
        }
        for (at, one) in picture.frames.iter().enumerate() {
            for other in &picture.frames[at + 1..] {
                prop_assert!(holds(one, other) || holds(other, one) || disjoint(one, other), "{one:?} {other:?}");
            }
        }
        prop_assert_eq!(svg(&graph, Look::File).matches("<rect class=\"box\"").count(), count(&graph.steps));
        prop_assert_eq!(mermaid(&graph).matches("<br/>").count() >= count(&graph.steps), true);
    }
}
