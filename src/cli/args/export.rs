//! Words about what the API made, and files make of it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Args)]
pub(in crate::cli) struct Export {
    /// The folder; the project's workflows where absent
    #[arg(value_name = "DIR")]
    pub(in crate::cli) folder: Option<PathBuf>,
    /// Only this workflow, in all its versions
    #[arg(short, long, value_name = "NAME")]
    pub(in crate::cli) workflow: Vec<String>,
    /// Only this schedule
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) schedule: Vec<String>,
    /// Only this task definition
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) task: Vec<String>,
    /// Only this event handler
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) event: Vec<String>,
    /// What the files are written in
    #[arg(long, value_enum, default_value_t)]
    pub(in crate::cli) format: ExportFormat,
    /// Replace files that are there and differ
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Then remove it from the API, so that the files define it from now on
    #[arg(long)]
    pub(in crate::cli) take_over: bool,
}

/// What files are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExportFormat {
    /// YAML.
    #[default]
    Yaml,
    /// JSON with comments.
    Json,
}
