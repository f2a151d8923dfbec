//! Words about definitions that come from elsewhere.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
#[command(defer = true)]
pub(in crate::cli) enum Import {
    /// Workflows, task definitions, schedules and event handlers of the Conductor or Orkes server that `--server` names
    Conductor(ImportConductor),
}

#[derive(Args)]
pub(in crate::cli) struct ImportConductor {
    /// Write to this folder; the project's workflows where absent
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) to: Option<PathBuf>,
    /// Replace files that are there and differ
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Let schedules fire that fire on the server; otherwise they come paused
    #[arg(long)]
    pub(in crate::cli) active: bool,
}
