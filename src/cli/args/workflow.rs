//! Words of Conductor's command line about workflows and their executions.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
#[command(defer = true)]
pub(in crate::cli) enum Workflow {
    /// List the workflows
    #[command(alias = "get_all")]
    List,
    /// Print a definition
    Get {
        /// The workflow's name
        name: String,
        /// Its version; the highest where absent
        version: Option<i32>,
    },
    /// Register the workflow of a file
    Create {
        /// The file, JSON or YAML
        file: PathBuf,
        /// Replace one with its name and version
        #[arg(long)]
        force: bool,
    },
    /// Register the workflow of a file in place of the one with its name and version
    Update {
        /// The file, JSON or YAML
        file: PathBuf,
    },
    /// Remove a workflow that the API made
    Delete {
        /// The workflow's name
        name: String,
        /// Its version
        version: i32,
    },
    /// Start a workflow and print the id of the execution
    Start(Start),
    /// Print where an execution stands
    Status {
        /// The execution's id, or its beginning
        id: String,
    },
    /// Print an execution with its tasks
    #[command(alias = "get_execution")]
    GetExecution {
        /// The execution's id, or its beginning
        id: String,
    },
    /// List executions
    Search {
        /// A query in Conductor's words
        query: Option<String>,
        /// Only this workflow's
        #[arg(short, long, value_name = "NAME")]
        workflow: Option<String>,
        /// Only with this status
        #[arg(short, long)]
        status: Option<String>,
        /// How many
        #[arg(short, long, default_value_t = 20)]
        count: u64,
    },
    /// Pause an execution
    Pause {
        /// The execution's id, or its beginning
        id: String,
    },
    /// Let a paused execution go on
    Resume {
        /// The execution's id, or its beginning
        id: String,
    },
    /// Terminate an execution
    Terminate {
        /// The execution's id, or its beginning
        id: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Start an ended execution again from its beginning
    Restart {
        /// The execution's id, or its beginning
        id: String,
        /// Take the definition of now
        #[arg(long)]
        use_latest: bool,
    },
    /// Try the failed task of an execution again
    Retry {
        /// The execution's id, or its beginning
        id: String,
        /// Try the task that failed in a workflow below it
        #[arg(long)]
        resume_subworkflow_tasks: bool,
    },
    /// Run an ended execution again from a task
    Rerun {
        /// The execution's id, or its beginning
        id: String,
        /// The task's id; from the beginning where absent
        #[arg(long)]
        task_id: Option<String>,
        /// Another input of the workflow: JSON, `@FILE`, or `-`
        #[arg(short, long, value_name = "JSON|@FILE|-")]
        input: Option<String>,
    },
    /// Skip a task that has not come yet
    #[command(alias = "skip_task")]
    SkipTask {
        /// The execution's id, or its beginning
        id: String,
        /// The task's reference name
        reference: String,
        /// What it gives instead: JSON, `@FILE`, or `-`
        #[arg(short, long, value_name = "JSON|@FILE|-")]
        data: Option<String>,
    },
    /// Remove an ended execution
    #[command(alias = "delete-execution")]
    Remove {
        /// The execution's id
        id: String,
    },
}

#[derive(Args)]
pub(in crate::cli) struct Start {
    /// The workflow's name
    #[arg(short, long, value_name = "NAME")]
    pub(in crate::cli) workflow: String,
    /// The input: JSON, `@FILE`, or `-` for standard input
    #[arg(short, long, value_name = "JSON|@FILE|-")]
    pub(in crate::cli) input: Option<String>,
    /// The input, in a file
    #[arg(short, long, value_name = "FILE", conflicts_with = "input")]
    pub(in crate::cli) file: Option<String>,
    /// One input field; JSON where it is JSON, else text
    #[arg(short, value_name = "KEY=VALUE")]
    pub(in crate::cli) parameter: Vec<String>,
    /// The workflow's version; the highest where absent
    #[arg(long)]
    pub(in crate::cli) version: Option<i32>,
    /// A name for what belongs together
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) correlation: Option<String>,
    /// Wait until it stands still, and print it
    #[arg(long)]
    pub(in crate::cli) sync: bool,
    /// With `--sync`: wait until this task has ended
    #[arg(short = 'u', long, value_name = "REF", requires = "sync")]
    pub(in crate::cli) wait_until: Option<String>,
}
