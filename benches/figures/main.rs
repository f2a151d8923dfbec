//! Prints `docs/PERFORMANCE.md`: what keytide costs, beside the floor or the peer of the same moment.
//!
//! `cargo bench --bench figures > docs/PERFORMANCE.md` measures everything; `cargo bench --bench figures -- p8 p9` only
//! those rows. Machines differ and their moods too, so each row measures both of its sides in turns and compares only
//! these two.
//!
//! **Architecture Invariant:** nothing here is mocked. The daemon, the store, the journal and the programs are the
//! released ones, on a real disk.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is the result, progress is for people")]

mod client;
mod floor;
mod machine;
mod million;
mod peers;
mod program;
mod report;
mod rows;
mod sample;
mod server;
mod service;
mod wire;
mod world;

use std::process::ExitCode;

use report::Row;

/// What goes wrong while measuring ends the measurement.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let result = match arguments.split_first() {
        Some((first, command)) if first == program::MEASURE => program::measure(command),
        Some(_) | None => print(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(wanted: &[String]) -> Outcome<()> {
    let before = machine::describe()?;
    let mut all: Vec<Row> = Vec::new();
    for (names, measure) in rows::ALL {
        if wanted.is_empty() || names.iter().any(|name| wanted.iter().any(|one| one.eq_ignore_ascii_case(name))) {
            eprintln!("measuring {} (load {})", names.join(", "), machine::load()?);
            let rows = measure()?;
            // What was measured is not lost where a later row fails.
            for Row { number, ours, beside, result, .. } in &rows {
                eprintln!("{number}: {ours} · {beside} · {result}");
            }
            all.extend(rows);
        }
    }
    print!("{}", report::document(&before, &all));
    Ok(())
}
