//! Scripts that never end, or take all there is: each is stopped within its limit, says so, and harms nobody beside it.

use std::time::{Duration, Instant};

use keytide::engine::Language;
use serde_json::json;

use crate::rig::Rig;

/// The limit in these tests.
const WALL_MS: u64 = 400;
/// When each must be over: the limit, what a kill takes, and what a busy machine adds.
const OVER: Duration = Duration::from_secs(30);

fn check(rig: &Rig, language: Language, source: &str, expect: &[&str]) {
    let since = Instant::now();
    let reason = rig.run(language, source, json!({"v": "x"})).expect_err(source);
    assert!(expect.iter().any(|expect| reason.contains(expect)), "{source}: {reason}");
    assert!(since.elapsed() < OVER, "{source} took {:?}", since.elapsed());
}

const TOO_LONG: &str = "it took longer than 400 ms";
const TOO_HUNGRY: &str = "MiB, which is the limit";
const TOO_DEEP: &str = "recursed too deep, or needed too much memory";

#[test]
fn a_script_that_never_ends_is_stopped() {
    let rig = Rig::new(WALL_MS);
    for source in [
        "while (true) {}",
        "for (;;) try { while (true) {} } catch (e) {}",
        "/(a+)+$/.test('a'.repeat(60) + 'b')",
        "/^(([a-z])+.)+[A-Z]([a-z])+$/.test('a'.repeat(200))",
        "new Array(1e9) + ''",
        "[].fill.call({length: Number.MAX_SAFE_INTEGER}, 0)",
        "'a'.repeat(2 ** 25).split('').sort(() => Math.random() - 0.5).join().length",
        "new Promise(() => { while (true) {} })",
        "({get x() { while (true) {} }})",
        "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
        "2n ** (2n ** 40n)",
    ] {
        check(&rig, Language::JavaScript, source, &[TOO_LONG, TOO_HUNGRY, TOO_DEEP, "RangeError", "TypeError"]);
    }
    rig.is_well();
}

#[test]
fn a_script_that_takes_all_memory_is_stopped() {
    let rig = Rig::new(3_000);
    let stopped = ["it took longer than 3000 ms", TOO_HUNGRY, TOO_DEEP, "RangeError", "InternalError"];
    for source in [
        "let s = 'x'; while (true) s += s;",
        "let a = []; while (true) a.push(new Array(1e6).fill(0));",
        "new Array(1e8).fill('x').map(x => [x])",
        "new Uint8Array(2 ** 32)",
        "'x'.padEnd(2 ** 30).split('')",
        "let o = {}; for (let i = 0; ; i++) o['k' + i] = {};",
        "let m = new Map(); for (let i = 0; ; i++) m.set(i, [i]);",
        "(function f() { return f() + 1; })()",
        "let d = []; for (let i = 0; i < 1e6; i++) d = [d]; JSON.stringify(d)",
        "let d = []; for (let i = 0; i < 1e6; i++) d = [d]; d",
    ] {
        check(&rig, Language::JavaScript, source, &stopped);
    }
    rig.is_well();
}

#[test]
fn a_filter_that_never_ends_is_stopped() {
    let rig = Rig::new(WALL_MS);
    let stopped = [TOO_LONG, TOO_DEEP, "which is the limit", "over the limit", "cannot be multiplied"];
    for source in [
        "range(infinite)",
        "[range(infinite)]",
        "[limit(1e12; repeat(1))] | length",
        "last(range(infinite))",
        "def f: f; f",
        "def f: 1 + f; f",
        "def f: [f]; f",
        "repeat(.)",
        "[recurse([.])] | length",
        "until(false; .)",
        "\"x\" | until(length > 1e12; . + .)",
        "reduce range(infinite) as $i ([]; . + [$i])",
        "[range(1e9)] | sort",
        "\"x\" * 1e12",
        "(\"a\" * 60 + \"b\") | test(\"^(a+)+$\") | until(false; .)",
        "[range(1e7)] | tojson | explode | implode | fromjson | map([.]) | map([.])",
    ] {
        check(&rig, Language::Jq, source, &stopped);
    }
    rig.is_well();
}

#[test]
fn a_result_that_is_too_large_is_refused() {
    let rig = Rig::new(4_000);
    let over = &["over the limit of 10485760 bytes"];
    check(&rig, Language::JavaScript, "'x'.repeat(11 * 1024 * 1024)", over);
    check(&rig, Language::Jq, "\"x\" * 11000000", over);
    check(
        &rig,
        Language::Jq,
        "range(2000000) | \"xxxxxxxxxxxxxxxx\"",
        &["over the limit", "outputs, which is the limit"],
    );
    let largest = rig.javascript("'x'.repeat(10 * 1024 * 1024 - 2)", json!({})).unwrap();
    assert_eq!(largest.as_str().unwrap().len(), 10 * 1024 * 1024 - 2);
}

#[test]
fn the_largest_input_can_be_read() {
    let items: Vec<_> =
        (0..190_000).map(|n| json!({"id": n, "name": "a name of some length", "tags": ["a"]})).collect();
    let input = json!({"items": items});
    assert!(input.to_string().len() > 10 * 1000 * 1000);
    let rig = Rig::new(30_000);
    assert_eq!(rig.javascript("$.items.filter(i => i.id % 2).length", input.clone()), Ok(json!(95_000)));
    assert_eq!(rig.jq("[.items[] | select(.id % 2 == 1)] | length", input), Ok(json!([95_000])));
}

#[test]
fn neighbours_are_served_while_one_execution_loops() {
    let rig = Rig::new(20_000);
    rig.is_well();
    for token in 0..4 {
        rig.ask(666, 100 + token, Language::JavaScript, "while (true) {}", json!({}));
    }
    let since = Instant::now();
    for token in 0..50 {
        rig.ask(7, token, Language::JavaScript, "$.n", json!({"n": token}));
    }
    let mut answered = 0;
    while answered < 50 {
        let told = rig.told();
        if told.token < 100 {
            assert_eq!(told.result, Ok(json!(told.token)));
            answered += 1;
        }
    }
    assert!(since.elapsed() < Duration::from_secs(20), "the neighbours waited {:?}", since.elapsed());
}
