//! The page: one row for each goal, and what was measured on.

use std::fmt::Write as _;

use crate::machine::Machine;

/// One line of the table.
pub(crate) struct Row {
    /// The goal's number.
    pub(crate) number: &'static str,
    /// What is measured.
    pub(crate) measure: String,
    /// What keytide does.
    pub(crate) ours: String,
    /// What it is compared with, and what that does.
    pub(crate) beside: String,
    /// What the two come to.
    pub(crate) result: String,
    /// What was aimed at.
    pub(crate) goal: &'static str,
    /// Whether it is reached; nothing where there is no goal.
    pub(crate) met: Option<bool>,
    /// Why it is as it is, below the table.
    pub(crate) note: String,
}

impl Row {
    fn verdict(&self) -> &'static str {
        match self.met {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "–",
        }
    }
}

/// Returns the whole page.
pub(crate) fn document(machine: &Machine, rows: &[Row]) -> String {
    let mut page = format!("{HEAD}\n{}\n\n{TABLE}\n", machine.text());
    for row in rows {
        let Row { number, measure, ours, beside, result, goal, met: _, note: _ } = row;
        let verdict = row.verdict();
        // A text takes all that is written to it.
        let _ = writeln!(page, "| {number} | {measure} | {ours} | {beside} | {result} | {goal} | {verdict} |");
    }
    page.push_str("\n## What the rows say\n\n");
    for Row { number, note, .. } in rows.iter().filter(|row| !row.note.is_empty()) {
        let _ = writeln!(page, "- **{number}**: {note}");
    }
    page
}

const HEAD: &str = "\
# Performance

`cargo bench --bench figures > docs/PERFORMANCE.md` wrote this page; nobody edits it. Times are min / p50 / p99. The two
sides of a row were measured in turns within one run, so its ratio means something on any machine; two rows, and two runs,
are not comparable. Durable means synced to the disk before it is acknowledged.
";

const TABLE: &str = "\
| # | measure | keytide | beside | result | goal | reached |
|---|---|---|---|---|---|---|";
