//! `kill -9` of the real daemon at random moments of a rotation, against an issuer that revokes the old token at once.
//!
//! After each kill the journal is recovered, without new slots, and the books must balance: the newest issued token is
//! stored, or a run is in doubt that names the secret. `KEYTIDE_SEED=N` repeats the moments of a run.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use keytide::catalog::Catalog;
use keytide::clock::SystemClock;
use keytide::daemon::{Config, Daemon, Recovery};
use keytide::disk::SystemDisk;
use keytide::executor::script::Evaluator;
use keytide::observe::Masking;
use keytide::redact::Masker;
use keytide::secret::{Edges, Identity, Paths, Store, Version};
use keytide::settings::Settings;
use keytide::words::{ExecutionId, Owner, Sensitive};

use super::rig::{Issued, Test, rotation};

/// How many kills one world sees; there are two worlds, one for each core.
const KILLS: usize = 26;
/// The secret that the seed's rotation writes.
const SECRET: &str = "my_secret_holding_a_token";
/// How long a recovery may take.
const RECOVERY_MAX: Duration = Duration::from_secs(20);

/// Chance that can be repeated.
struct Dice(u64);

impl Dice {
    /// Returns a number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

#[test]
fn no_kill_loses_a_token_in_one_world() {
    survive(1);
}

#[test]
fn no_kill_loses_a_token_in_another_world() {
    survive(2);
}

fn survive(world: u64) {
    let seed = std::env::var("KEYTIDE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| u64::from(std::process::id()) << 8 | world);
    println!("KEYTIDE_SEED={seed}");
    let mut dice = Dice(seed);
    let issued = Issued::new();
    let test = Issued::project().file("workflows/rotate.json", &every_second(&rotation(&issued.issuer.token_url())));
    let mut doubtful = 0;
    let mut written_off = None;
    for kill in 0..KILLS {
        kill_at_a_random_moment(&test, &issued, &mut dice);
        let Balance { in_doubt, is_stored } =
            balance(&test, &issued, written_off.as_ref(), &format!("seed {seed}, kill {kill}"));
        doubtful += usize::from(in_doubt);
        if in_doubt && !is_stored {
            // Its run was named and dismissed; until the next rotation the newest token stays unknown.
            written_off = issued.issuer.issued_last();
        }
    }
    let issued = issued.issuer.counts().issued;
    println!("{KILLS} kills, {issued} tokens issued, {doubtful} runs in doubt, nothing lost");
    assert!(issued > 0, "rotations were under way");
}

fn every_second(rotation: &str) -> String {
    let mut definition: serde_json::Value = serde_json::from_str(rotation).unwrap();
    definition["schedules"] = serde_json::json!([{"cronExpression": "* * * * * *", "zoneId": "UTC"}]);
    definition.to_string()
}

/// Runs the daemon and kills it: mostly in the milliseconds after a token was issued, sometimes anywhere.
fn kill_at_a_random_moment(test: &Test, issued: &Issued, dice: &mut Dice) {
    let before = issued.issuer.counts().issued;
    let mut command = test.command(&["serve"]);
    let mut daemon = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let delay = if dice.below(4) == 0 {
        Duration::from_micros(dice.below(1_500_000))
    } else {
        let until = Instant::now() + RECOVERY_MAX;
        while issued.issuer.counts().issued == before {
            assert!(Instant::now() < until, "no slot fired");
            wait(Duration::from_micros(50));
        }
        Duration::from_micros(dice.below(12_000))
    };
    wait(delay);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

/// The moment of a fault: nothing is awaited here, time itself is the input.
fn wait(delay: Duration) {
    let (_sender, nothing) = channel::<()>();
    let _ = nothing.recv_timeout(delay);
}

/// How the books stand after a recovery.
struct Balance {
    /// Whether a run was in doubt.
    in_doubt: bool,
    /// Whether the newest issued token is the stored one.
    is_stored: bool,
}

/// Recovers what the kill left, without new slots.
fn balance(test: &Test, issued: &Issued, written_off: Option<&Sensitive>, when: &str) -> Balance {
    let daemon = recovered(test);
    let handle = daemon.handle().clone();
    let problems = daemon.runtime().block_on(async {
        let idle = tokio::time::timeout(RECOVERY_MAX, handle.until_idle(|_| ()));
        idle.await.unwrap_or_else(|_| panic!("{when}: executions go on for ever"));
        handle.problems(&Owner::Local).await.unwrap()
    });
    let stored = daemon.runtime().block_on(handle.reveal(&Owner::Local, SECRET, Version::Current)).ok();
    let newest = issued.issuer.issued_last();
    let told: Vec<_> = problems.iter().map(|problem| format!("{}: {}", problem.place, problem.message)).collect();
    assert!(!told.iter().any(|told| told.contains("could not store")), "{when}: {told:?}");
    let in_doubt: Vec<_> = problems.iter().filter(|problem| problem.message.contains("in doubt")).collect();
    assert!(in_doubt.iter().all(|problem| problem.message.contains(SECRET)), "{when}: {told:?}");
    let audit = daemon.runtime().block_on(handle.verify_audit(&Owner::Local)).unwrap();
    assert!(audit.breaks.is_empty(), "{when}: {audit:?}");
    let is_stored = stored == newest;
    let is_kept = is_stored || newest.as_ref() == written_off;
    assert!(is_kept || !in_doubt.is_empty(), "{when}: the newest token is lost: {told:?}");
    for problem in &in_doubt {
        let run: ExecutionId = problem.place.trim_start_matches("run ").parse().unwrap();
        daemon.runtime().block_on(handle.dismiss(&Owner::Local, run)).unwrap();
    }
    let in_doubt = !in_doubt.is_empty();
    assert_eq!(daemon.stop(|| false), [], "{when}");
    Balance { in_doubt, is_stored }
}

/// Returns a daemon of this process on the project, that starts nothing by itself.
fn recovered(test: &Test) -> Daemon {
    let disk = Arc::new(SystemDisk);
    let clock = Arc::new(SystemClock);
    let identity = Identity::load(&SystemDisk, &test.identity()).unwrap();
    let paths = Paths::new(&test.path("secrets"), &test.path(".keytide"), None);
    let edges = Edges { disk: disk.clone(), clock: clock.clone() };
    let store = Arc::new(Store::open(edges, paths, identity, 5).expect("the store is whole"));
    let mut settings = Settings::default();
    settings.schedules.start = false;
    let settings = Arc::new(settings);
    let reread = settings.clone();
    Daemon::start(&Config {
        masking: Masking::new(Masker::new(store.snapshot().masked_values())),
        settings,
        store,
        disk,
        clock,
        identity: None,
        project: test.path(""),
        workflows: test.path("workflows"),
        state: test.path(".keytide"),
        evaluator: Evaluator::of(env!("CARGO_BIN_EXE_keytide")),
        own_addresses: Vec::new(),
        recovery: Recovery::Everything,
        catalog: Catalog::default(),
        reread: Arc::new(move |_| Ok((*reread).clone())),
    })
    .unwrap()
}
