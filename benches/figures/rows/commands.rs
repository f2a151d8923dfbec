//! P3, P11 and the size: what one run of the program costs.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::workflows;
use crate::floor::Floor;
use crate::program::{Run, command, run as measured};
use crate::report::Row;
use crate::sample::{Sample, ratio};
use crate::world::{KEYTIDE, World, disk_folder, secret, value};
use crate::{Outcome, peers};

/// How often both sides are run, in turns.
const ROUNDS: usize = 40;
/// Where nothing is synced: times there are CPU, not disk.
const MEMORY: &str = "/dev/shm";

/// Measures `secret set` beside `sops set`.
pub(crate) fn secret_set() -> Outcome<Vec<Row>> {
    let disk = pair(disk_folder())?;
    let mut wall = set_row("disk", &disk, |pair| &pair.wall, "≥ 4 × faster", 4.0);
    wall.note = format!(
        "`sops` neither syncs nor locks, and gets the value as an argument that other users can read; `keytide` reads it from \
         standard input and acknowledges after file and folder are synced. The bare rewrite that this takes, in the same \
         loop: {}.",
        disk.floor.text()
    );
    let memory = if Path::new(MEMORY).is_dir() { pair(Path::new(MEMORY))? } else { disk };
    let mut cpu = set_row("memory, CPU time", &memory, |pair| &pair.cpu, "≥ 10 × less CPU", 10.0);
    cpu.note = format!(
        "`keytide --version`, which only starts, takes {} of CPU in the same loop, {:.0} % of it: the kernel maps the program \
         and relocates it to a random address. Of the rest most is X25519: opening the store and encrypting it to two \
         recipients is six multiplications on the curve.",
        memory.start.text(),
        100.0 * ratio(memory.start.median(), memory.ours.cpu.median())
    );
    Ok(vec![wall, cpu])
}

#[derive(Default)]
struct Times {
    wall: Sample,
    cpu: Sample,
}

impl Times {
    fn add(&mut self, run: &Run) {
        self.wall.add(run.wall);
        self.cpu.add(run.cpu);
    }
}

/// Both sides, and what ours cannot go below.
#[derive(Default)]
struct Pair {
    ours: Times,
    theirs: Times,
    floor: Sample,
    start: Sample,
}

fn pair(folder: &Path) -> Outcome<Pair> {
    let world = World::new(folder, 2)?;
    let sops = Sops::new(&world)?;
    let bare = Floor::new(&world.at("floor"))?;
    let Pair { mut ours, mut theirs, mut floor, mut start } = Pair::default();
    for round in 0..ROUNDS {
        floor.add(bare.rewrite(&world.store_bytes()?)?);
        start.add(measured(world.command(&["--version"])?, b"")?.cpu);
        theirs.add(&measured(sops.set(&secret(0), &value(round))?, b"")?);
        ours.add(&measured(world.command(&["secret", "set", &secret(0)])?, value(round + 1_000).as_bytes())?);
    }
    Ok(Pair { ours, theirs, floor, start })
}

struct Sops<'a> {
    world: &'a World,
    program: std::path::PathBuf,
}

impl<'a> Sops<'a> {
    fn new(world: &'a World) -> Outcome<Self> {
        let sops = Self { world, program: peers::SOPS.program()? };
        let plain = world.add("plain.json", &json!({secret(0): value(0), secret(1): value(1)}))?;
        let arguments = ["encrypt", "--age", &world.recipient(), "--input-type", "json", "--output-type", "json"];
        let sealed = Command::new(&sops.program).args(arguments).arg(&plain).output()?;
        if !sealed.status.success() {
            return Err(String::from_utf8_lossy(&sealed.stderr).into());
        }
        std::fs::write(world.at("sops.json"), sealed.stdout)?;
        Ok(sops)
    }

    fn set(&self, name: &str, value: &str) -> Outcome<Command> {
        let mut command = command(&self.program)?;
        command.env("SOPS_AGE_KEY_FILE", self.world.at("identity.txt")).env("HOME", self.world.at(""));
        command.arg("set").arg(self.world.at("sops.json")).arg(format!("[\"{name}\"]")).arg(format!("\"{value}\""));
        Ok(command)
    }
}

fn set_row(
    place: &str,
    Pair { ours, theirs, .. }: &Pair,
    side: fn(&Times) -> &Sample,
    goal: &'static str,
    wanted: f64,
) -> Row {
    let times = ratio(side(theirs).median(), side(ours).median());
    Row {
        number: "P3",
        measure: format!("`secret set`, 2 secrets ({place})"),
        ours: side(ours).text(),
        beside: format!("`sops set`, 2 keys: {}", side(theirs).text()),
        result: format!("{times:.1} ×"),
        goal,
        met: Some(times >= wanted),
        note: String::new(),
    }
}

/// Measures `run` of a file with one step.
pub(crate) fn run() -> Outcome<Vec<Row>> {
    let world = World::new(disk_folder(), 2)?;
    let file = world.add("workflows/one_step.json", &workflows::definition())?;
    let file = file.to_string_lossy();
    let mut floor = Floor::new(&world.at("floor"))?;
    let (mut ours, mut bare, mut cpu, mut peak_kib) = (Sample::default(), Sample::default(), Sample::default(), 0);
    let mut start = Sample::default();
    for _ in 0..ROUNDS {
        bare.add(measured(command("true")?, b"")?.wall + floor.commit(1, &[7; 1_024])?);
        start.add(measured(world.command(&["--version"])?, b"")?.cpu);
        let run = measured(world.command(&["run", &file])?, b"")?;
        ours.add(run.wall);
        cpu.add(run.cpu);
        peak_kib = peak_kib.max(run.peak_kib);
    }
    let (milliseconds, mebibytes) = (ours.median().as_secs_f64() * 1_000.0, mebibytes(peak_kib * 1_024));
    Ok(vec![Row {
        number: "P11",
        measure: "`run` of a file with one step".to_owned(),
        ours: format!("{}; peak {mebibytes:.1} MB", ours.text()),
        beside: format!("`true` and one bare SQLite commit: {}", bare.text()),
        result: format!("{milliseconds:.1} ms, {mebibytes:.1} MB"),
        goal: "≤ 15 ms, ≤ 17 MB",
        met: Some(milliseconds <= 15.0 && mebibytes <= 17.0),
        note: format!(
            "CPU of one run: {}; of `--version`, which only starts, in the same loop: {}. It syncs twice, for the commit and, \
             as SQLite opens its log, for the folder's entry of it.",
            cpu.text(),
            start.text()
        ),
    }])
}

/// Measures the released program.
pub(crate) fn size() -> Outcome<Vec<Row>> {
    let bytes = std::fs::metadata(KEYTIDE)?.len();
    let mebibytes = mebibytes(bytes);
    Ok(vec![Row {
        number: "size",
        measure: "release binary, stripped".to_owned(),
        ours: format!("{mebibytes:.1} MB"),
        beside: "–".to_owned(),
        result: format!("{bytes} bytes"),
        goal: "≤ 16 MB",
        met: Some(mebibytes <= 16.0),
        note: "one file with SQLite, TLS, the time zones and the API in it; nothing is loaded at run time but libc."
            .to_owned(),
    }])
}

/// Returns bytes as people say them.
#[expect(clippy::cast_precision_loss, reason = "a size for people")]
pub(super) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
