//! Words about work that commands of this machine do.

use clap::Args;

/// Do the work of tasks with commands of this machine.
#[derive(Args)]
#[command(after_help = "\
The command gets the task's input as a JSON object on standard input, with the secrets in it, and no shell is in between.
What it prints is the output: a JSON object, or text, which becomes {\"result\": TEXT}. Standard error goes to the task's log.
Exit code 0 completes the task, 65 fails it for good, every other one fails it, and it is tried again as its definition says.")]
pub(in crate::cli) struct Worker {
    /// Which command does which tasks; give it once for each type
    #[arg(long = "exec", value_name = "TYPE=COMMAND", required = true)]
    pub(in crate::cli) commands: Vec<String>,
    /// Only tasks of this domain
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) domain: Option<String>,
    /// Stop a command after this time, and fail its task
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    pub(in crate::cli) timeout: String,
}
