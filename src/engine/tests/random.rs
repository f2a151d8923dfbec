//! The world at its worst, from a seed: any answer, twice, late, never; a crash at every boundary; people at every moment.
//!
//! `KEYTIDE_SEED=N` replays one seed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::rig::{Rig, done, failed, name, response, trouble, unknown};
use crate::engine::{Answer, Assignment, Command, Operation, Pinned, Question, Verdict, next_deadline, outstanding};
use crate::words::{Payload, RunNumber, TaskStatus, WorkflowStatus};

const SEEDS: u64 = 100;
const STEPS: usize = 100;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn definition() -> Value {
    let fetch = |n: u32, method: &str| {
        json!({"name": "fetch", "taskReferenceName": format!("fetch{n}"), "type": "HTTP", "retryCount": n, "inputParameters":
            {"uri": "http://x", "method": method, "outputFilter":
                {"_secrets": {"token": format!("$${{fetch{n}.output.response.body.token}}")}}}})
    };
    let store = |n: u32| {
        json!({"name": "store", "taskReferenceName": format!("store{n}"), "type": "UPDATE_SECRET", "inputParameters":
            {"_secrets": {"secretKey": format!("s{n}"), "secretValue": format!("${{fetch{n}.output._secrets.token}}")}}})
    };
    let work = |reference: &str| json!({"name": "work", "taskReferenceName": reference});
    let mut optional = work("optional");
    optional["optional"] = json!(true);
    let mut permissive = work("permissive");
    permissive["permissive"] = json!(true);
    let wait =
        json!({"name": "wait", "taskReferenceName": "wait", "type": "WAIT", "inputParameters": {"duration": "20s"}});
    let switch = json!({"name": "switch", "taskReferenceName": "switch", "type": "SWITCH", "evaluatorType": "javascript",
        "expression": "$.v", "inputParameters": {"v": "${optional.output.v}"},
        "decisionCases": {"1": [wait, work("inner")], "2": []}, "defaultCase": [permissive]});
    // An inner loop keeps its last iteration only; each iteration of the outer one rotates a secret of its own.
    let inner = json!({"name": "inner_loop", "taskReferenceName": "again", "type": "DO_WHILE", "items": "${workflow.variables.list}",
    "loopCondition": "", "inputParameters": {"keepLastN": 1}, "loopOver": [
        {"name": "lf", "taskReferenceName": "lf", "type": "FORK_JOIN", "forkTasks": [[work("la")], [work("lb")]]},
        {"name": "lj", "taskReferenceName": "lj", "type": "JOIN", "joinOn": ["la", "lb"]},
    ]});
    let each = json!({"name": "each", "taskReferenceName": "each", "type": "DO_WHILE", "items": [1, 2], "loopCondition": "$.loopIndex >= 0",
        "loopOver": [fetch(3, "POST"), store(3), inner, {"name": "all_of_it", "taskReferenceName": "all_of_it",
            "inputParameters": {"all": "${each.output}"}}]});
    json!({"name": "w", "timeoutSeconds": 4000, "timeoutPolicy": "TIME_OUT_WF", "tasks": [
        {"name": "set", "taskReferenceName": "set", "type": "SET_VARIABLE", "inputParameters": {"list": [1, 2]}},
        {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [
            [fetch(1, "POST"), store(1)], [optional, switch], [fetch(2, "GET"), store(2), work("after")], [each],
        ]},
        {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["store1", "switch", "after", "each"]},
        {"name": "many", "taskReferenceName": "many", "type": "FORK_JOIN_DYNAMIC",
            "inputParameters": {"forkTaskName": "work", "forkTaskInputs": [1, {"optional": true}]}},
        {"name": "all", "taskReferenceName": "all", "type": "JOIN"},
        {"name": "named", "taskReferenceName": "named", "type": "DYNAMIC", "dynamicTaskNameParam": "name",
            "inputParameters": {"name": "work"}},
        work("last"),
    ]})
}

struct World {
    rig: Rig,
    dice: Dice,
    /// What was released and not answered.
    pending: BTreeSet<String>,
    /// Work that was given out once; it may be answered again at any time.
    given: Vec<Assignment>,
    /// Questions that were asked once; each may be answered again at any time.
    questions: Vec<Question>,
    /// Each token that was given, with its run, and those that were stored.
    tokens: Vec<(RunNumber, String)>,
    stored: BTreeSet<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let task_defs = json!([
            {"name": "work", "retryCount": 1, "retryDelaySeconds": 5, "responseTimeoutSeconds": 60},
            {"name": "fetch", "retryDelaySeconds": 10, "timeoutSeconds": 90, "timeoutPolicy": "RETRY"},
        ]);
        let rig = Rig::of(definition(), task_defs, json!({}));
        let dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut world = Self {
            rig,
            dice,
            pending: BTreeSet::new(),
            given: Vec::new(),
            questions: Vec::new(),
            tokens: Vec::new(),
            stored: BTreeSet::new(),
        };
        world.check();
        world
    }

    /// Takes what was released, and sees that nothing that is owed was forgotten.
    fn check(&mut self) {
        for command in std::mem::take(&mut self.rig.released) {
            match &command {
                Command::Withdraw { run, .. } => {
                    self.pending.retain(|name| !name.starts_with(&format!("offer {run} ")));
                }
                Command::Abandon { .. } => {}
                Command::Evaluate(question) => {
                    self.questions.push((**question).clone());
                    self.pending.insert(name(&command));
                }
                Command::Preflight(work) | Command::Perform(work) => {
                    self.given.push(work.clone());
                    self.pending.insert(name(&command));
                }
                Command::Offer(_) => {
                    self.pending.insert(name(&command));
                }
            }
        }
        let execution = &self.rig.execution;
        let owed = outstanding(execution);
        for command in &owed {
            assert!(self.pending.contains(&name(command)), "{} was never released", name(command));
        }
        if execution.status == WorkflowStatus::Running {
            let somebody = execution.open_runs().any(|run| run.poll_count > 0);
            let stuck_join = execution.open_runs().all(|run| self.waits_for_others(run));
            assert!(
                !owed.is_empty() || next_deadline(execution).is_some() || somebody || stuck_join,
                "nothing will ever happen: {:?}",
                self.rig.tasks()
            );
        }
        self.no_token_is_lost();
    }

    fn waits_for_others(&self, run: &crate::engine::Run) -> bool {
        let reference = &self.rig.execution.planned(run).task.task_reference_name;
        reference == "j" || reference == "all" || run.looping.is_some()
    }

    /// Of an ended execution, each token is stored, named as unstored, or followed by a later one.
    fn no_token_is_lost(&self) {
        let execution = &self.rig.execution;
        if execution.is_live() || execution.dismissed {
            return;
        }
        let unstored = execution.unstored();
        for (number, token) in &self.tokens {
            let run = execution.run(*number).unwrap();
            let again = |other: &crate::engine::Run| {
                let is_same = execution.planned(other).slot == execution.planned(run).slot;
                other.number > *number && is_same && other.is_beside(run)
            };
            let later = self.tokens.iter().any(|(other, _)| again(execution.run(*other).unwrap()));
            let known = later || self.stored.contains(token) || unstored.contains(number);
            assert!(known, "the token of run {number} is lost: {:?}", self.rig.tasks());
        }
    }

    fn step(&mut self) {
        match self.dice.roll(20) {
            0 => {
                self.rig.crash();
                self.pending = outstanding(&self.rig.execution).iter().map(name).collect();
                let owed = outstanding(&self.rig.execution);
                for command in owed {
                    match command {
                        Command::Preflight(work) | Command::Perform(work) => self.given.push(work),
                        Command::Evaluate(question) => self.questions.push(*question),
                        Command::Offer(_) | Command::Abandon { .. } | Command::Withdraw { .. } => {}
                    }
                }
            }
            1 => self.operate(),
            2 => {
                let seconds = self.dice.roll(200);
                self.rig.advance(seconds);
            }
            3..=6 => self.sleep(),
            9 if !self.questions.is_empty() => {
                let at = usize::try_from(self.dice.roll(self.questions.len() as u64)).unwrap();
                let question = self.questions[at].clone();
                self.evaluate(&question);
            }
            7 | 8 => {
                if !self.given.is_empty() {
                    let at = usize::try_from(self.dice.roll(self.given.len() as u64)).unwrap();
                    let work = self.given[at].clone();
                    self.answer(&work, true);
                }
            }
            _ => self.serve(),
        }
        self.check();
    }

    fn sleep(&mut self) {
        if let Some(deadline) = next_deadline(&self.rig.execution) {
            let seconds = deadline.since(self.rig.now).as_millis().div_ceil(1000);
            self.rig.advance(u64::try_from(seconds).unwrap());
        }
    }

    fn operate(&mut self) {
        let operation = match self.dice.roll(9) {
            0 | 1 => Operation::Pause,
            2 | 3 => Operation::Resume,
            4 => Operation::Terminate { reason: None },
            5 | 6 => Operation::Retry,
            7 => Operation::Restart,
            _ => Operation::RestartAs(Box::new(longer(&self.rig.execution.plan.pinned))),
        };
        let _ = self.rig.operate(operation);
    }

    fn serve(&mut self) {
        let owed = outstanding(&self.rig.execution);
        if owed.is_empty() {
            return self.report();
        }
        let at = usize::try_from(self.dice.roll(owed.len() as u64)).unwrap();
        match &owed[at] {
            Command::Preflight(work) | Command::Perform(work) => self.answer(work, true),
            Command::Evaluate(question) => self.evaluate(question),
            Command::Offer(offer) => {
                if self.rig.poll(offer.run.0) > 0 {
                    self.pending.remove(&name(&owed[at]));
                }
            }
            Command::Abandon { .. } | Command::Withdraw { .. } => {}
        }
    }

    /// A script is evaluated. An answer to a question that is not open changes nothing.
    fn evaluate(&mut self, question: &Question) {
        let open = outstanding(&self.rig.execution).iter().any(|owed| match owed {
            Command::Evaluate(open) => open.token == question.token,
            _ => false,
        });
        let verdict = match self.dice.roll(10) {
            0 => Verdict::Failed("it took too long".to_owned()),
            // A loop goes on.
            _ if question.input.expose().get("loopIndex").is_some() => Verdict::Gave(Payload::new(json!(true))),
            _ => Verdict::Gave(Payload::new(question.input.expose()["v"].clone())),
        };
        self.pending.remove(&format!("evaluate {} {}", question.run, question.token));
        let events = self.rig.answer(question.run.0, Answer::Evaluated { token: question.token, verdict });
        assert_eq!(open, events > 0, "question {} of run {}", question.token, question.run);
        self.owe_again(question.run);
    }

    /// A worker reports on what it took.
    fn report(&mut self) {
        let taken: Vec<_> = self
            .rig
            .execution
            .open_runs()
            .filter(|run| run.poll_count > 0 && !run.offered)
            .map(|run| run.number)
            .collect();
        let Some(run) = taken.first() else { return };
        let status = match self.dice.roll(16) {
            0 => TaskStatus::Failed,
            1 => TaskStatus::InProgress,
            2 => TaskStatus::FailedWithTerminalError,
            _ => TaskStatus::Completed,
        };
        let v = self.dice.roll(4);
        self.rig.update(run.0, status, json!({"v": v}));
    }

    fn answer(&mut self, work: &Assignment, any: bool) {
        self.pending.remove(&format!("perform {}", work.run));
        self.pending.remove(&format!("preflight {}", work.run));
        let run = self.rig.run(work.run.0);
        let (started, is_store) = (run.started.is_some(), work.reference.starts_with("store"));
        let roll = if any { self.dice.roll(20) } else { 9 };
        let answer = match (is_store, started, roll) {
            (true, _, 0) | (false, false, 0) => trouble(),
            (false, false, _) => Answer::Ready,
            (_, _, 1) => failed("refused", false),
            (false, true, 2) => unknown(),
            (false, true, 3) => Answer::NotSent { reason: "refused".to_owned() },
            (false, true, 4) => response(500, json!({})),
            (false, true, _) => return self.give_token(work.run),
            (true, ..) => {
                let token = work.input.expose()["_secrets"]["secretValue"].as_str().unwrap_or_default().to_owned();
                self.stored.insert(token);
                done()
            }
        };
        self.rig.answer(work.run.0, answer);
        self.owe_again(work.run);
    }

    /// The executor answers each command once; what the state ignores in a pause is asked again when it ends.
    fn owe_again(&mut self, run: RunNumber) {
        let still = outstanding(&self.rig.execution).into_iter().map(|command| name(&command));
        let (end, question) = (format!(" {run}"), format!("evaluate {run} "));
        let still = still.filter(|name| name.ends_with(&end) || name.starts_with(&question));
        self.pending.extend(still);
    }

    fn give_token(&mut self, run: RunNumber) {
        if self.rig.run(run.0).response.is_some() {
            return;
        }
        let token = format!("token-of-run-{run}-{}", self.tokens.len());
        self.tokens.push((run, token.clone()));
        self.rig.answer(run.0, response(200, json!({"token": token})));
    }

    /// From here on the world is kind: what is live comes to an end.
    fn finish(&mut self) {
        let _ = self.rig.operate(Operation::Resume);
        self.check();
        for _ in 0..300 {
            if !self.rig.execution.is_live() {
                return;
            }
            let owed = outstanding(&self.rig.execution);
            for command in &owed {
                match command {
                    Command::Preflight(work) | Command::Perform(work) => self.answer(work, false),
                    Command::Evaluate(question) => self.evaluate(question),
                    Command::Offer(offer) => {
                        self.rig.poll(offer.run.0);
                    }
                    Command::Abandon { .. } | Command::Withdraw { .. } => {}
                }
            }
            let taken: Vec<_> =
                self.rig.execution.open_runs().filter(|run| run.poll_count > 0).map(|run| run.number).collect();
            for run in &taken {
                self.rig.update(run.0, TaskStatus::Completed, json!({"v": 2}));
            }
            // What has just begun is not made to take too long.
            if owed.is_empty() && taken.is_empty() {
                self.sleep();
            }
            self.rig.advance(1);
            self.pending.extend(outstanding(&self.rig.execution).iter().map(name));
        }
        panic!("it is stuck: {:?}", self.rig.tasks());
    }
}

fn play(seed: u64) -> (WorkflowStatus, Vec<String>) {
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.step();
    }
    world.finish();
    // Half of what did not end well is tried again, in a world that is kind by now.
    if world.dice.roll(2) == 0 && world.rig.operate(Operation::Retry).is_ok() {
        world.check();
        world.finish();
    }
    world.no_token_is_lost();
    let execution = &world.rig.execution;
    let reached = execution.shown_runs().map(|run| execution.reference(run).into_owned());
    (world.rig.status(), reached.collect())
}

#[test]
fn whatever_the_world_does_state_is_what_events_say_and_no_token_is_lost() {
    if let Some(seed) = std::env::var("KEYTIDE_SEED").ok().and_then(|seed| seed.parse().ok()) {
        play(seed);
        return;
    }
    let (mut ends, mut reached) = (BTreeSet::new(), BTreeSet::new());
    for seed in 1..=SEEDS {
        let end = std::panic::catch_unwind(|| play(seed));
        let (end, references) = end.unwrap_or_else(|_| panic!("KEYTIDE_SEED={seed} replays it"));
        ends.insert(end.as_str());
        reached.extend(references);
    }
    assert!(ends.contains("COMPLETED") && ends.contains("FAILED"), "the dice are loaded: {ends:?}");
    for last in ["all_of_it__2", "lj__2", "_work_1", "named", "last"] {
        assert!(reached.contains(last), "no seed comes to {last}");
    }
}

/// Returns a definition that was changed meanwhile: it has one task more, in front.
fn longer(pinned: &Pinned) -> Pinned {
    let mut longer = pinned.clone();
    let reference = format!("new_{}", longer.workflow.tasks.len());
    let task = json!({"name": reference, "taskReferenceName": reference, "type": "NOOP"});
    longer.workflow.tasks.insert(0, serde_json::from_value(task).unwrap());
    longer
}
