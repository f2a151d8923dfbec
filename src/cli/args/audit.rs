//! Words about the audit.

use clap::{Args, value_parser};

#[derive(Args)]
pub(in crate::cli) struct Audit {
    /// Not older than a time, as `2027-01-31T00:00:00Z`, or a duration, as `24h`
    #[arg(long, value_name = "TIME|DURATION")]
    pub(in crate::cli) since: Option<String>,
    /// Only about this secret
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) secret: Option<String>,
    /// Only by this one: `NAME`, or `KIND:NAME`, as `app:ci`
    #[arg(long, value_name = "ACTOR")]
    pub(in crate::cli) actor: Option<String>,
    /// Only about this execution, or by it
    #[arg(long, value_name = "RUN")]
    pub(in crate::cli) run: Option<String>,
    /// Without those who only listed or looked; who was refused it stays
    #[arg(long)]
    pub(in crate::cli) brief: bool,
    /// How many
    #[arg(short = 'n', default_value_t = 20, value_parser = value_parser!(u64).range(1..))]
    pub(in crate::cli) count: u64,
    /// Print one JSON entry a line, as it was hashed, with its hash at the end
    #[arg(long, conflicts_with = "verify")]
    pub(in crate::cli) jsonl: bool,
    /// Check that nothing was changed or removed, and fail with the first entry that was
    #[arg(long, conflicts_with_all = ["since", "secret", "actor", "run"])]
    pub(in crate::cli) verify: bool,
    /// Say in the audit that what is broken in it is known, and why; each check shows it from then on
    #[arg(long, value_name = "REASON", conflicts_with_all = ["since", "secret", "actor", "run", "jsonl", "verify"])]
    pub(in crate::cli) acknowledge: Option<String>,
}
