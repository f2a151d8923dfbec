//! The executor with its children, asked directly.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keytide::access::{Authority, Ruled};
use keytide::clock::SystemClock;
use keytide::disk::SystemDisk;
use keytide::engine::{Answer, Command, Language, Outcome, Pinned, Plan, Question, Verdict};
use keytide::executor::http::HttpClient;
use keytide::executor::script::{Evaluator, Limits};
use keytide::executor::{Executor, Tools};
use keytide::secret::{Change, Edges, Identity, Paths, Store, Write, Writer};
use keytide::settings::Settings;
use keytide::words::{ExecutionId, Owner, Payload, RunNumber, Sensitive};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How long a test waits for an answer that must come.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Rig {
    executor: Executor,
    answers: Mutex<Receiver<Outcome>>,
    plan: Arc<Plan>,
    _runtime: Runtime,
    _folder: TempDir,
}

/// What came back.
pub(crate) struct Told {
    pub(crate) token: u64,
    pub(crate) result: Result<Value, String>,
    pub(crate) resolved: Vec<String>,
}

impl Rig {
    /// Returns children whose scripts may take this long.
    pub(crate) fn new(wall_ms: u64) -> Self {
        Self::with(wall_ms, Authority::new(false, Ruled::default()))
    }

    pub(crate) fn with(wall_ms: u64, authority: Authority) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (deliver, answers) = channel();
        let deliver = Mutex::new(deliver);
        let mut evaluator = Evaluator::of(env!("CARGO_BIN_EXE_keytide"));
        evaluator.limits = Limits { wall_ms, ..Limits::default() };
        let disk = Arc::new(SystemDisk);
        let tools = Tools {
            store: Arc::new(store(&folder)),
            authority,
            http: HttpClient::new(Settings::default().http, Vec::new(), disk, folder.path().to_owned()),
            evaluator,
            clock: Arc::new(SystemClock),
            deliver: Arc::new(move |outcome| drop(deliver.lock().unwrap().send(outcome))),
            stored: Arc::new(|_| ()),
        };
        let executor = Executor::new(tools, runtime.handle().clone()).unwrap();
        let workflow = json!({"name": "w", "tasks": [{"name": "t", "taskReferenceName": "t", "type": "NOOP"}]});
        let pinned = Pinned::new(serde_json::from_value(workflow).unwrap(), BTreeMap::new(), owner());
        let plan = Arc::new(Plan::compile(pinned).unwrap());
        Self { executor, answers: Mutex::new(answers), plan, _runtime: runtime, _folder: folder }
    }

    /// Asks without waiting.
    pub(crate) fn ask(&self, execution: u128, token: u64, language: Language, source: &str, input: Value) {
        self.executor.release(Command::Evaluate(Box::new(Question {
            execution: ExecutionId::new(uuid::Uuid::from_u128(execution)),
            run: RunNumber(1),
            token,
            plan: self.plan.clone(),
            owner: owner(),
            lent: None,
            language,
            source: source.to_owned(),
            input: Payload::new(input),
        })));
    }

    /// Waits for the next answer.
    pub(crate) fn told(&self) -> Told {
        let outcome = self.answers.lock().unwrap().recv_timeout(PATIENCE).expect("every question is answered");
        let Answer::Evaluated { token, verdict } = outcome.answer else { panic!("it is another answer") };
        let result = match verdict {
            Verdict::Gave(value) => Ok(value.into_value()),
            Verdict::Failed(reason) => Err(reason),
        };
        let resolved = outcome.resolved.iter().map(|value| value.expose().to_owned()).collect();
        Told { token, result, resolved }
    }

    pub(crate) fn run(&self, language: Language, source: &str, input: Value) -> Result<Value, String> {
        self.ask(1, 1, language, source, input);
        self.told().result
    }

    pub(crate) fn javascript(&self, source: &str, input: Value) -> Result<Value, String> {
        self.run(Language::JavaScript, source, input)
    }

    pub(crate) fn jq(&self, source: &str, input: Value) -> Result<Value, String> {
        self.run(Language::Jq, source, input)
    }

    /// The next script finds children that work.
    pub(crate) fn is_well(&self) {
        assert_eq!(self.javascript("$.v * 2", json!({"v": 21})), Ok(json!(42)));
        assert_eq!(self.jq(".v * 2", json!({"v": 21})), Ok(json!([42])));
    }
}

fn owner() -> Owner {
    Owner::File("workflows/w.yaml".to_owned())
}

fn store(folder: &TempDir) -> Store {
    let edges = Edges { disk: Arc::new(SystemDisk), clock: Arc::new(SystemClock) };
    let paths = Paths::new(&folder.path().join("secrets"), &folder.path().join(".keytide"), None);
    let (store, _) = Store::create(edges, paths, Identity::generate(), "test", 5).unwrap();
    let write =
        Write { name: "token".to_owned(), value: Sensitive::new("canary-of-the-token"), expires: None, plain: false };
    store.update(vec![Change::Put { writes: vec![write], writer: Writer::person("test") }]).unwrap();
    store
}
