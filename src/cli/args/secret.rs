//! Words about secrets.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
#[command(defer = true)]
pub(in crate::cli) enum Secret {
    /// Keep a value, from a hidden prompt or standard input
    #[command(alias = "put")]
    Set {
        /// The secret's name
        name: String,
        /// Read the value from this file
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
        /// Take a value that looks like a mistake
        #[arg(long)]
        force: bool,
        /// It is configuration, not a secret: it is not masked
        #[arg(long)]
        plain: bool,
        /// When it stops working: a time or a duration from now
        #[arg(long, value_name = "TIME|DURATION")]
        expires: Option<String>,
    },
    /// Show what is known of a secret
    Get {
        /// The secret's name, or `NAME@previous`, `NAME@7`
        name: String,
        /// Print the value
        #[arg(long, alias = "show-value")]
        reveal: bool,
    },
    /// List the secrets
    List {
        /// They are always there
        #[arg(long, hide = true)]
        with_tags: bool,
    },
    /// Remove a secret and its versions
    #[command(alias = "delete")]
    Rm {
        /// The secret's name
        name: String,
        /// The name again, instead of a question
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
    /// List the versions of a secret
    History {
        /// The secret's name
        name: String,
    },
    /// Make an old version the current one again
    Rollback {
        /// The secret's name
        name: String,
        /// The version; the one before where absent
        #[arg(long, value_name = "VERSION")]
        to: Option<u32>,
    },
    /// Show, set and remove tags
    Tag {
        /// The secret's name
        name: String,
        /// `KEY:VALUE` sets, `KEY:` removes
        tags: Vec<String>,
    },
    /// Show the tags of a secret
    TagList {
        /// The secret's name
        name: String,
    },
    /// Set tags of a secret
    TagAdd {
        /// The secret's name
        name: String,
        /// `KEY:VALUE`
        #[arg(long = "tag", value_name = "KEY:VALUE", required = true)]
        tags: Vec<String>,
    },
    /// Remove tags of a secret
    TagDelete {
        /// The secret's name
        name: String,
        /// `KEY:VALUE`; the tag of that key goes
        #[arg(long = "tag", value_name = "KEY:VALUE", required = true)]
        tags: Vec<String>,
    },
    /// Say whether a secret exists, by the exit code
    Exists {
        /// The secret's name
        name: String,
    },
    /// Show both sides of a forked store and settle it
    Resolve {
        /// Settle it: per secret the version written last
        #[arg(long)]
        settle: bool,
    },
}

#[derive(Args)]
pub(in crate::cli) struct Exec {
    /// Only these secrets
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub(in crate::cli) only: Vec<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(in crate::cli) command: Vec<String>,
}
