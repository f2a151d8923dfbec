//! A script from the question to its answer: in a warm child, and in one that must be started.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keytide::access::{Authority, Ruled};
use keytide::clock::SystemClock;
use keytide::disk::SystemDisk;
use keytide::engine::{Answer, Command, Language, Outcome as Told, Pinned, Plan, Question, Verdict};
use keytide::executor::http::HttpClient;
use keytide::executor::script::Evaluator;
use keytide::executor::{Executor, Tools};
use keytide::settings::Settings;
use keytide::words::{ExecutionId, Owner, Payload, RunNumber};
use serde_json::json;
use tokio::runtime::Runtime;

use super::workflows::definition;
use crate::Outcome;
use crate::report::Row;
use crate::sample::{Sample, ratio};
use crate::world::{KEYTIDE, World, disk_folder};

/// How often a warm child is asked, and how often one is started.
const ROUNDS: usize = 1_000;
const STARTS: usize = 40;
/// How long an answer may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is measured: about what workflows have in an INLINE task and in a JSON_JQ_TRANSFORM.
const SCRIPTS: [(Language, &str, &str); 2] = [
    (
        Language::JavaScript,
        "JavaScript",
        "function e() { return $.items.filter(i => i.id > 2).map(i => i.name).join(','); } e();",
    ),
    (Language::Jq, "jq", "[.items[] | select(.id > 2) | .name] | join(\",\")"),
];

/// Measures a script in each language.
pub(crate) fn rows() -> Outcome<Vec<Row>> {
    let world = World::new(disk_folder(), 2)?;
    let runtime = Runtime::new()?;
    SCRIPTS.iter().map(|(language, name, source)| row(&world, &runtime, *language, name, source)).collect()
}

fn row(world: &World, runtime: &Runtime, language: Language, name: &str, source: &str) -> Outcome<Row> {
    let (mut warm, mut cold) = (Sample::default(), Sample::default());
    let children = Children::new(world, runtime)?;
    children.ask(language, source)?;
    for round in 0..ROUNDS {
        warm.add(children.ask(language, source)?);
        if round % (ROUNDS / STARTS) == 0 {
            cold.add(Children::new(world, runtime)?.ask(language, source)?);
        }
    }
    let p50 = warm.median();
    Ok(Row {
        number: "script",
        measure: format!("a script ({name}) in a warm child, question to answer"),
        ours: warm.text(),
        beside: format!("the same in a child that starts: {}", cold.text()),
        result: format!(
            "p50 {:.2} ms; {:.0} × faster than a start",
            p50.as_secs_f64() * 1e3,
            ratio(cold.median(), p50)
        ),
        goal: "p50 ≤ 1 ms",
        met: Some(p50 <= Duration::from_millis(1)),
        note: "each call has a fresh interpreter; the input goes over a pipe as JSON and the result comes back so."
            .to_owned(),
    })
}

/// The executor with its children.
struct Children {
    executor: Executor,
    answers: Receiver<Told>,
    plan: Arc<Plan>,
}

impl Children {
    fn new(world: &World, runtime: &Runtime) -> Outcome<Self> {
        let (deliver, answers) = channel();
        let deliver = Mutex::new(deliver);
        let tools = Tools {
            store: world.store()?,
            authority: Authority::new(false, Ruled::default()),
            http: HttpClient::new(Settings::default().http, Vec::new(), Arc::new(SystemDisk), world.at("")),
            evaluator: Evaluator::of(KEYTIDE),
            clock: Arc::new(SystemClock),
            deliver: Arc::new(move |told| {
                let deliver = deliver.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                drop(deliver.send(told));
            }),
            stored: Arc::new(|_| ()),
        };
        let none = std::collections::BTreeMap::new();
        let pinned = Pinned::new(serde_json::from_value(definition())?, none, Owner::Local);
        let executor = Executor::new(tools, runtime.handle().clone())?;
        Ok(Self { executor, answers, plan: Arc::new(Plan::compile(pinned)?) })
    }

    fn ask(&self, language: Language, source: &str) -> Outcome<Duration> {
        let items: Vec<_> = (0..5).map(|id| json!({"id": id, "name": format!("item {id}")})).collect();
        let question = Question {
            execution: ExecutionId::new(uuid::Uuid::from_u128(1)),
            run: RunNumber(1),
            token: 1,
            plan: self.plan.clone(),
            owner: Owner::Local,
            lent: None,
            language,
            source: source.to_owned(),
            input: Payload::new(json!({"items": items})),
        };
        let started = Instant::now();
        self.executor.release(Command::Evaluate(Box::new(question)));
        let told = self.answers.recv_timeout(PATIENCE)?;
        let time = started.elapsed();
        match told.answer {
            Answer::Evaluated { verdict: Verdict::Gave(_), .. } => Ok(time),
            Answer::Evaluated { verdict: Verdict::Failed(reason), .. } => Err(reason.into()),
            _ => Err("that is no answer to a script".into()),
        }
    }
}
