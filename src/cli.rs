//! The command line: arguments, environment, output and errors; one file per command.
//!
//! **Architecture Invariant:** only this room prints, exits and reads the environment. It knows no rule of the product:
//! what it does, the daemon's handle could do for anyone.

mod app;
mod args;
mod audit;
mod check;
mod config;
mod connection;
mod console;
pub mod demo;
mod doors;
mod environment;
mod error;
mod eval;
mod examples;
mod exec;
mod explain;
mod export;
mod files;
mod graph;
mod hardening;
mod help;
mod import;
mod init;
mod key;
mod logs;
mod next;
mod progress;
mod project;
mod prompt;
mod recipient;
mod run;
mod runs;
mod schedule;
mod schema;
mod secret;
mod serve;
mod signals;
mod status;
mod task;
mod trials;
mod ui;
mod usage;
mod worker;
mod workflow;
mod written;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::executor::script;
use args::{Arguments, Command, Global, Schedule};
use console::Console;
use error::{Error, Kind};
use project::Project;

/// Runs the command line of this process and returns its exit code.
pub fn main() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    if given.get(1).is_some_and(|argument| argument == script::ARGUMENT) {
        return evaluate_scripts();
    }
    let given = explain::asked_as_help(given);
    let arguments = match Arguments::try_parse_from(&given) {
        Ok(arguments) => arguments,
        Err(error) => return ExitCode::from(usage::tell(&error, &given)),
    };
    let Arguments { global, command } = arguments;
    let console = Console { format: global.output, quiet: global.quiet, verbose: global.verbose };
    hardening::protect();
    match run(&global, command, &console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console.error(&error);
            ExitCode::from(error.kind.exit_code())
        }
    }
}

/// Is the child process that evaluates scripts. Its parent sees that it ends.
fn evaluate_scripts() -> ExitCode {
    if script::serve().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Command {
    /// Returns the words of a command that works on files and processes of this machine alone.
    const fn works_here_only(&self) -> Option<&'static str> {
        match self {
            Self::Init(_) => Some("init"),
            Self::Demo(_) => Some("demo"),
            Self::Serve(_) => Some("serve"),
            Self::Check(_) => Some("check"),
            Self::Test(_) => Some("test"),
            Self::Exec(_) => Some("exec"),
            Self::Recipient(_) => Some("recipient"),
            Self::Key(_) => Some("key"),
            Self::Config(_) => Some("config"),
            Self::Eval(_) => Some("eval"),
            Self::Explain(_) => Some("explain"),
            Self::Schema(_) => Some("schema"),
            Self::Run(args::Run { is_dry: true, .. }) => Some("run --dry-run"),
            Self::Secret(args::Secret::Resolve { .. }) => Some("secret resolve"),
            Self::Schedule(Schedule::Next(args::Next { cron: Some(_), .. })) => Some("schedule next --cron"),
            Self::Run(_)
            | Self::Secret(_)
            | Self::Worker(_)
            | Self::Schedule(_)
            | Self::Ui
            | Self::Workflow(_)
            | Self::Task(_)
            | Self::Status(_)
            | Self::Runs(_)
            | Self::Show(_)
            | Self::Audit(_)
            | Self::Rescue(_)
            | Self::App(_)
            | Self::Import(_)
            | Self::Export(_)
            | Self::Graph(_) => None,
        }
    }
}

fn run(global: &Global, command: Command, console: &Console) -> Result<(), Error> {
    if let Some(what) = command.works_here_only().filter(|_| global.server.is_some()) {
        return Err(Error::new(Kind::Usage, format!("`{what}` works on this machine: it knows no --server")));
    }
    let project = || {
        let project = Project::find(global)?;
        connection::tell(&project, global.server.is_some(), console);
        Ok::<_, Error>(project)
    };
    let here = || Project::find(&Global { server: None, ..global.clone() }).map(Project::here);
    match command {
        Command::Init(init) => init::run(init, global, console),
        Command::Demo(demo) => demo::run(&demo, console),
        Command::Run(run) => run::run(&run, &project()?, console),
        Command::Serve(serve) => serve::run(&serve, &here()?, console),
        Command::Ui => ui::run(&project()?, console),
        Command::Check(check) => check::run(&check, &here()?, console),
        Command::Test(test) => trials::run(&test, &here()?, console),
        Command::Secret(secret) => secret::run(secret, &project()?, global, console),
        Command::Exec(exec) => exec::run(&exec, &here()?),
        Command::Worker(worker) => worker::run(&worker, &project()?, console),
        Command::Schedule(Schedule::Next(next)) if next.cron.is_some() => next::try_out(&next, console),
        Command::Schedule(schedule) => schedule::run(schedule, &project()?, console),
        Command::Workflow(workflow) => workflow::run(workflow, &project()?, console),
        Command::Task(task) => task::run(task, &project()?, console),
        Command::Status(status) => status::run(&status, &project()?, console),
        Command::Runs(runs) => runs::list(&runs, &project()?, console),
        Command::Show(show) => runs::show(&show, &project()?, console),
        Command::Audit(audit) => audit::run(&audit, &project()?, console),
        Command::Rescue(rescue) => runs::rescue(&rescue, &project()?, console),
        Command::Recipient(recipient) => recipient::run(recipient, &here()?, console),
        Command::App(app) => app::run(app, &project()?, console),
        Command::Key(key) => key::run(key, &here()?, console),
        Command::Config(args::Config::Show) => {
            config::show(&here()?, console);
            Ok(())
        }
        Command::Import(args::Import::Conductor(server)) => import::conductor(&server, &project()?, console),
        Command::Export(export) => export::run(&export, &project()?, console),
        Command::Eval(eval) => eval::run(&eval, &here()?, console),
        Command::Graph(graph) => graph::run(&graph, &project()?, console),
        Command::Explain(explain) => explain::run(&explain, console),
        Command::Schema(schema) => {
            schema::run(&schema, console);
            Ok(())
        }
    }
}
