//! Words about tests of workflows.

use clap::{Args, ValueEnum};

#[derive(Args)]
pub(in crate::cli) struct Test {
    /// Files and folders of tests, and parts of titles or workflow names; every test of the project where absent
    #[arg(value_name = "PATH|NAME")]
    pub(in crate::cli) which: Vec<String>,
    /// Also kill the process, in a run for each step, go on from its journal, and expect the same end
    #[arg(long)]
    pub(in crate::cli) crash: bool,
    /// How results are told; `-o json` is the same as `json`
    #[arg(long, value_enum)]
    pub(in crate::cli) format: Option<TestFormat>,
}

/// How `test` tells results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TestFormat {
    /// For people.
    Text,
    /// A list for programs.
    Json,
    /// JUnit's XML, for CI.
    Junit,
}
