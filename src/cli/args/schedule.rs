//! Words about schedules.

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum};

#[derive(Subcommand)]
#[command(defer = true)]
pub(in crate::cli) enum Schedule {
    /// List the schedules
    List,
    /// List the next times
    Next(Next),
    /// Hold a schedule
    Pause {
        /// The schedule's name
        name: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let a schedule go on
    Resume {
        /// The schedule's name
        name: String,
    },
    /// Print a schedule
    Get {
        /// The schedule's name
        name: String,
    },
    /// Make a schedule over the API
    Create(Plan),
    /// Change a schedule that the API made
    Update(Plan),
    /// Remove a schedule that the API made
    Delete {
        /// The schedule's name
        name: String,
    },
    /// Find schedules
    Search {
        /// What is in the name
        name: Option<String>,
        /// Only those that start this workflow
        #[arg(short, long, value_name = "NAME")]
        workflow: Option<String>,
    },
    /// Start a schedule's workflow now
    Trigger {
        /// The schedule's name
        name: String,
    },
}

#[derive(Args)]
pub(in crate::cli) struct Plan {
    /// The schedule's name
    #[arg(short, long)]
    pub(in crate::cli) name: String,
    /// When: six fields, seconds first, or a macro
    #[arg(short, long, value_name = "EXPR")]
    pub(in crate::cli) cron: String,
    /// The workflow that it starts
    #[arg(short, long, value_name = "NAME")]
    pub(in crate::cli) workflow: String,
    /// The workflow's version; the highest where absent
    #[arg(long)]
    pub(in crate::cli) version: Option<i32>,
    /// The input: JSON, `@FILE`, or `-` for standard input
    #[arg(short, long, value_name = "JSON|@FILE|-")]
    pub(in crate::cli) input: Option<String>,
    /// One input field; JSON where it is JSON, else text
    #[arg(short, value_name = "KEY=VALUE")]
    pub(in crate::cli) parameter: Vec<String>,
    /// The time zone
    #[arg(long, default_value = "UTC")]
    pub(in crate::cli) zone: String,
    /// Make it held
    #[arg(long)]
    pub(in crate::cli) paused: bool,
}

#[derive(Args)]
pub(in crate::cli) struct Next {
    /// One schedule; all where absent
    pub(in crate::cli) name: Option<String>,
    /// How many times
    #[arg(short = 'n', default_value_t = 5, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub(in crate::cli) count: usize,
    /// An expression to try instead of a schedule
    #[arg(long, value_name = "EXPR", conflicts_with = "name")]
    pub(in crate::cli) cron: Option<String>,
    /// The time zone of `--cron`
    #[arg(long, requires = "cron", default_value = "UTC")]
    pub(in crate::cli) zone: String,
    /// After this time instead of now
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) after: Option<String>,
    /// What happens where clocks change
    #[arg(long, requires = "cron", value_enum, default_value_t = Clocks::Once)]
    pub(in crate::cli) dst: Clocks,
}

/// What happens where clocks change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Clocks {
    /// A local time fires once.
    Once,
    /// As Spring does it.
    Spring,
}
