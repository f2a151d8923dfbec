//! Words about what was executed.

use clap::{Args, value_parser};

#[derive(Args)]
pub(in crate::cli) struct Runs {
    /// Only this workflow's
    #[arg(short, long, value_name = "NAME")]
    pub(in crate::cli) workflow: Option<String>,
    /// Only with this status
    #[arg(long)]
    pub(in crate::cli) status: Option<String>,
    /// How many
    #[arg(short = 'n', default_value_t = 20, value_parser = value_parser!(u64).range(1..))]
    pub(in crate::cli) count: u64,
}

#[derive(Args)]
pub(in crate::cli) struct Status {
    /// Only these secrets
    #[arg(value_name = "SECRET")]
    pub(in crate::cli) secrets: Vec<String>,
}

#[derive(Args)]
pub(in crate::cli) struct Show {
    /// The execution's id, or its beginning
    pub(in crate::cli) run: String,
}

#[derive(Args)]
pub(in crate::cli) struct Rescue {
    /// The execution's id
    pub(in crate::cli) run: String,
    /// Where the value is in the response's body, as `token` or `data.access_token`
    #[arg(long, value_name = "PATH", required_unless_present = "dismiss")]
    pub(in crate::cli) path: Option<String>,
    /// The secret that gets it
    #[arg(long, value_name = "SECRET", required_unless_present = "dismiss")]
    pub(in crate::cli) to: Option<String>,
    /// The value is not needed any more
    #[arg(long, conflicts_with_all = ["path", "to"])]
    pub(in crate::cli) dismiss: bool,
    /// Take a value that looks like a mistake
    #[arg(long)]
    pub(in crate::cli) force: bool,
}
