//! The command line's words: what `clap` reads.

mod app;
mod audit;
mod export;
mod import;
mod runs;
mod schedule;
mod secret;
mod task;
#[cfg(test)]
mod tests;
mod trials;
mod worker;
mod workflow;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::help;
pub(super) use app::{App, AppKey};
pub(super) use audit::Audit;
pub(super) use export::{Export, ExportFormat};
pub(super) use import::{Import, ImportConductor};
pub(super) use runs::{Rescue, Runs, Show, Status};
pub(super) use schedule::{Clocks, Next, Plan, Schedule};
pub(super) use secret::{Exec, Secret};
pub(super) use task::{Report, Task};
pub(super) use trials::{Test, TestFormat};
pub(super) use worker::Worker;
pub(super) use workflow::{Start, Workflow};

/// Rotates tokens on schedule and keeps them in an age-encrypted file.
#[derive(Parser)]
#[command(name = "keytide", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = help::EXAMPLES, after_long_help = help::DETAILS)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of every command.
#[derive(Args, Clone, Default)]
pub(super) struct Global {
    /// Work in this project folder
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(super) directory: Option<PathBuf>,
    /// Read the age identity from this file
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) identity: Option<PathBuf>,
    /// Keep journal, locks and socket in this folder
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) state: Option<PathBuf>,
    /// Use this environment's secrets and values
    #[arg(long, value_name = "NAME", global = true)]
    pub(super) environment: Option<String>,
    /// Take `[access]`, `[groups]`, `[[grant]]`, `[http]` and `[server]` from this file
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) policy: Option<PathBuf>,
    /// Speak to this server instead of the folder's daemon; `CONDUCTOR_SERVER_URL` names one too, and
    /// `CONDUCTOR_AUTH_KEY` with `CONDUCTOR_AUTH_SECRET`, or `CONDUCTOR_AUTH_TOKEN`, sign in
    #[arg(long, value_name = "URL", global = true)]
    pub(super) server: Option<String>,
    /// Trust the certificate authorities in this file too, as that of `--server`
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) ca: Option<PathBuf>,
    /// Print tables for people or JSON for machines
    #[arg(short, long, value_enum, default_value_t = Format::Table, global = true)]
    pub(super) output: Format,
    /// Say nothing but results and errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Say more; twice: everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(super) verbose: u8,
    /// Never ask
    #[arg(long, global = true)]
    pub(super) no_input: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Table,
    /// For machines.
    Json,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum Command {
    /// Make a folder a project: key, store, an example, ignore rules
    Init(Init),
    /// Show a rotation at work, with an issuer of its own and nothing set up
    Demo(Demo),
    /// Run one workflow now and wait for its end
    Run(Run),
    /// Watch the folder, keep the schedules, answer the API
    Serve(Serve),
    /// Give a link that signs you in to the pages, once
    Ui,
    /// Report every problem of every file
    Check(Check),
    /// Play workflows through with mocks, without network and store
    Test(Test),
    /// Keep, show and list secrets
    #[command(subcommand)]
    Secret(Secret),
    /// Run a command with secrets in its environment
    Exec(Exec),
    /// Do the work of tasks with commands of this machine
    Worker(Worker),
    /// List, hold and fire schedules
    #[command(subcommand)]
    Schedule(Schedule),
    /// Register, start and operate workflows, in the words of Conductor's command line
    #[command(subcommand)]
    Workflow(Workflow),
    /// Register and report on tasks, in the words of Conductor's command line
    #[command(subcommand)]
    Task(Task),
    /// Say how fresh the secrets are and what is wrong, by the exit code too
    Status(Status),
    /// List executions
    Runs(Runs),
    /// Show one execution
    Show(Show),
    /// Show who did what, and check that nothing of it was changed
    Audit(Audit),
    /// Store a value that a run fetched and could not store
    Rescue(Rescue),
    /// Say who can read the secrets
    #[command(subcommand)]
    Recipient(Recipient),
    /// Make clients of the API and the keys that they sign in with
    #[command(subcommand)]
    App(App),
    /// Make and show keys
    #[command(subcommand)]
    Key(Key),
    /// Show the settings and where they come from
    #[command(subcommand)]
    Config(Config),
    /// Bring the definitions of a server home as files
    #[command(subcommand)]
    Import(Import),
    /// Write what the API made as files of the project
    Export(Export),
    /// Evaluate one expression against a JSON document
    Eval(Eval),
    /// Draw a workflow
    Graph(Graph),
    /// Explain a code of `keytide check`
    Explain(Explain),
    /// Print a JSON Schema, for editors that complete and check definitions
    Schema(Schema),
}

#[derive(Args)]
pub(super) struct Init {
    /// The folder; the current one where absent
    #[arg(value_name = "DIR")]
    pub(super) folder: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Demo {
    /// Leave the project in this folder
    #[arg(long, value_name = "DIR")]
    pub(super) keep: Option<PathBuf>,
    /// Stop after this many rotations
    #[arg(long, value_name = "N")]
    pub(super) rotations: Option<u64>,
}

#[derive(Args)]
pub(super) struct Run {
    /// A workflow's name, or a file
    #[arg(value_name = "NAME|FILE")]
    pub(super) workflow: String,
    /// The input: JSON, `@FILE`, or `-` for standard input
    #[arg(short, long, value_name = "JSON|@FILE|-")]
    pub(super) input: Option<String>,
    /// One input field; JSON where it is JSON, else text
    #[arg(short, value_name = "KEY=VALUE")]
    pub(super) parameter: Vec<String>,
    /// The workflow's version; the latest where absent
    #[arg(long)]
    pub(super) version: Option<i32>,
    /// A name for what belongs together
    #[arg(long, value_name = "ID")]
    pub(super) correlation: Option<String>,
    /// Show what would happen: no call is made and no secret is read or written
    #[arg(long = "dry-run", conflicts_with_all = ["timeout", "correlation"])]
    pub(super) is_dry: bool,
    /// What the world would say, for `--dry-run`: a `*.test.yaml`, of which the first test counts
    #[arg(long, value_name = "FILE", requires = "is_dry")]
    pub(super) mock: Option<PathBuf>,
    /// Stop waiting after this time (exit code 124); the run goes on with the next `serve`
    #[arg(long, value_name = "DURATION")]
    pub(super) timeout: Option<String>,
}

#[derive(Args)]
pub(super) struct Serve {
    /// Answer on this address
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,
    /// Answer without sign-in, on loopback only
    #[arg(long)]
    pub(super) open: bool,
    /// Answer on an address that is no loopback without TLS: something before it speaks TLS
    #[arg(long)]
    pub(super) insecure_listen: bool,
    /// Speak TLS with the certificate in this file, which is read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The file with the certificate's key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// Log for people or, a JSON object a line, for machines
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(super) log_format: LogFormat,
}

/// What a line of the log looks like.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

#[derive(Args)]
pub(super) struct Check {
    /// Files and folders; the project's workflows where absent
    pub(super) paths: Vec<PathBuf>,
    /// Fail on warnings too
    #[arg(long)]
    pub(super) strict: bool,
    /// Do the certain fixes; guesses are left to you
    #[arg(long)]
    pub(super) fix: bool,
    /// Show what `--fix` would change, and change nothing
    #[arg(long, requires = "fix")]
    pub(super) dry_run: bool,
    /// How problems are told; `-o json` is the same as `json`
    #[arg(long, value_enum)]
    pub(super) format: Option<ReportFormat>,
}

/// How `check` tells problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// For people, with the lines.
    Text,
    /// A list for programs.
    Json,
    /// Annotations of a GitHub workflow.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum Recipient {
    /// Let a key read the secrets
    Add {
        /// The age recipient (`age1…`)
        recipient: String,
        /// Whose it is
        #[arg(long)]
        name: String,
    },
    /// Let a key read no new secrets
    Rm {
        /// The recipient, or its name
        recipient: String,
    },
    /// List who can read the secrets
    List,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum Key {
    /// Make an identity
    New {
        /// Where to; the default place where absent
        #[arg(short = 'f', long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Show the recipient of the identity in use
    Show,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum Config {
    /// Show key, value and source
    Show,
}

#[derive(Args)]
pub(super) struct Eval {
    /// The expression, as `${workflow.input.name}`
    pub(super) expression: String,
    /// The JSON document; `-` for standard input
    #[arg(long = "with", value_name = "FILE")]
    pub(super) document: PathBuf,
}

#[derive(Args)]
pub(super) struct Graph {
    /// A workflow's name, or a file
    #[arg(value_name = "NAME|FILE", required_unless_present = "run")]
    pub(super) workflow: Option<String>,
    /// The version; the latest where absent
    #[arg(long, value_name = "N")]
    pub(super) version: Option<i32>,
    /// How it is drawn
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Drawing,
    /// Draw this execution, with how its tasks stand
    #[arg(long, value_name = "RUN", conflicts_with_all = ["workflow", "version"])]
    pub(super) run: Option<String>,
}

/// How a workflow is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Drawing {
    /// Lines for a terminal.
    #[default]
    Ascii,
    /// A flowchart for Markdown.
    Mermaid,
    /// A picture.
    Svg,
}

#[derive(Args)]
pub(super) struct Explain {
    /// The code, as `E0104`
    pub(super) code: String,
}

#[derive(Args)]
pub(super) struct Schema {
    /// What the schema is of
    #[arg(value_enum)]
    pub(super) kind: SchemaKind,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaKind {
    /// A workflow
    Workflow,
    /// A schedule of its own
    Schedule,
    /// A list of task definitions
    Taskdef,
    /// An event handler
    Event,
    /// A file of tests (`*.test.yaml`)
    Test,
    /// `keytide.toml`
    Config,
}
