//! Words about definitions that come from elsewhere.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(in crate::cli) enum Import {
    /// Workflows, task definitions and schedules of a Conductor or Orkes server; `CONDUCTOR_AUTH_KEY` and
    /// `CONDUCTOR_AUTH_SECRET` sign in
    Conductor(ImportConductor),
}

#[derive(Args)]
pub(in crate::cli) struct ImportConductor {
    /// The server, as http://localhost:8080
    #[arg(long, value_name = "URL", env = "CONDUCTOR_SERVER_URL")]
    pub(in crate::cli) server: String,
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
