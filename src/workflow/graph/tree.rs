//! Lines for a terminal: one a task, with what it holds below it. However wide a fork is, the lines stay short.

use std::fmt::Write as _;

use super::{Graph, Node, Step, fitted, plain};

/// With what lines are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Box-drawing characters.
    Boxes,
    /// ASCII only; names are what they are.
    Ascii,
}

impl Lines {
    /// Returns what stands before an entry, before the last one, below an entry, and below the last one.
    const fn strokes(self) -> [&'static str; 4] {
        match self {
            Self::Boxes => ["├─ ", "└─ ", "│  ", "   "],
            Self::Ascii => ["|- ", "`- ", "|  ", "   "],
        }
    }
}

/// One line and what is below it.
struct Entry {
    left: String,
    right: String,
    below: Vec<Entry>,
}

/// Returns a workflow as lines.
pub fn tree(graph: &Graph, lines: Lines) -> String {
    let mut rows = Vec::new();
    draw(&entries(&graph.steps), "", lines, &mut rows);
    let described = rows.iter().filter(|(_, right)| !right.is_empty());
    let column = described.map(|(left, _)| super::columns(left)).max().unwrap_or(0) + 2;
    let mut out = format!("{} v{}\n", plain(&graph.name), graph.version);
    for (left, right) in rows {
        let gap = " ".repeat(if right.is_empty() { 0 } else { column - super::columns(&left) });
        writeln!(out, "{left}{gap}{right}").expect("a text takes what is written");
    }
    out
}

fn entries(steps: &[Step]) -> Vec<Entry> {
    steps.iter().map(entry).collect()
}

fn entry(step: &Step) -> Entry {
    let mut below = step.body.as_deref().map(entries).unwrap_or_default();
    for way in &step.ways {
        let left = format!("[{}]", fitted(&way.label));
        below.push(Entry { left, right: String::new(), below: entries(&way.steps) });
    }
    Entry { left: fitted(&step.node.reference), right: said(&step.node), below }
}

fn said(node: &Node) -> String {
    let status = node.status.as_deref().map(|status| format!(" ({})", plain(status))).unwrap_or_default();
    let note = if node.note.is_empty() { String::new() } else { format!("  {}", fitted(&node.note)) };
    format!("{}{status}{note}", plain(&node.kind))
}

fn draw(entries: &[Entry], before: &str, lines: Lines, rows: &mut Vec<(String, String)>) {
    let [one, last, below, below_last] = lines.strokes();
    for (at, entry) in entries.iter().enumerate() {
        let (stroke, under) = if at + 1 == entries.len() { (last, below_last) } else { (one, below) };
        rows.push((format!("{before}{stroke}{}", entry.left), entry.right.clone()));
        draw(&entry.below, &format!("{before}{under}"), lines, rows);
    }
}
