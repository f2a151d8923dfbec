//! Words of Conductor's command line about tasks.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
#[command(defer = true)]
pub(in crate::cli) enum Task {
    /// List the task definitions
    #[command(alias = "get_all")]
    List,
    /// Print a task definition
    Get {
        /// The task's name
        name: String,
    },
    /// Register the task definitions of a file
    Create {
        /// The file, JSON or YAML
        file: PathBuf,
    },
    /// Replace the task definitions of a file
    Update {
        /// The file, JSON or YAML
        file: PathBuf,
    },
    /// Remove a task definition that the API made
    Delete {
        /// The task's name
        name: String,
    },
    /// Take tasks of a kind, as a worker does
    Poll {
        /// The kind of task
        kind: String,
        /// How many at most
        #[arg(short, long, default_value_t = 1)]
        count: u64,
        /// Who takes them
        #[arg(long, value_name = "ID")]
        worker_id: Option<String>,
        /// Of this domain
        #[arg(long)]
        domain: Option<String>,
    },
    /// Report on a task by its reference name
    #[command(alias = "update_execution")]
    UpdateExecution(Report),
    /// Report on the task at which an execution stands still
    Signal {
        /// The execution's id
        #[arg(long, value_name = "ID")]
        workflow_id: String,
        /// What became of it
        #[arg(long, default_value = "COMPLETED")]
        status: String,
        /// What it gives: JSON, `@FILE`, or `-`
        #[arg(short, long, value_name = "JSON|@FILE|-")]
        data: Option<String>,
        /// Wait until it stands still again, and print it
        #[arg(long)]
        sync: bool,
    },
}

#[derive(Args)]
pub(in crate::cli) struct Report {
    /// The execution's id
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) workflow_id: String,
    /// The task's reference name
    #[arg(long, value_name = "REF")]
    pub(in crate::cli) task_ref_name: String,
    /// What became of it: COMPLETED, FAILED, …
    #[arg(long)]
    pub(in crate::cli) status: String,
    /// What it gives: JSON, `@FILE`, or `-`
    #[arg(short, long, value_name = "JSON|@FILE|-")]
    pub(in crate::cli) data: Option<String>,
    /// Who did it
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) worker_id: Option<String>,
}
