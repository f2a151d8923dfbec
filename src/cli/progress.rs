//! A run as people watch it: a live tree with times on a terminal, one line a change elsewhere.

use std::collections::HashMap;

use serde_json::Value;

use super::console::Console;

/// Draws an execution, as the REST API shows it, again and again.
pub(super) struct Progress<'a> {
    console: &'a Console,
    seen: HashMap<String, String>,
    drawn_lines: usize,
}

impl<'a> Progress<'a> {
    /// Returns a drawing of nothing yet.
    pub(super) fn new(console: &'a Console) -> Self {
        Self { console, seen: HashMap::new(), drawn_lines: 0 }
    }

    /// Draws the execution as it is now.
    pub(super) fn update(&mut self, workflow: &Value, now_ms: i64) {
        let lines: Vec<(String, String)> =
            tasks(workflow).map(|task| (text(task, "taskId"), task_line(task, now_ms))).collect();
        if self.console.is_watched() {
            self.redraw(&lines);
        } else {
            self.append(workflow);
        }
    }

    fn redraw(&mut self, lines: &[(String, String)]) {
        let mut frame = String::new();
        for _ in 0..self.drawn_lines {
            frame.push_str("\x1b[1A\x1b[2K");
        }
        frame.push_str(&lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n"));
        self.drawn_lines = lines.len();
        if !lines.is_empty() {
            self.console.note(&frame);
        }
    }

    fn append(&mut self, workflow: &Value) {
        for task in tasks(workflow) {
            let status = text(task, "status");
            if self.seen.insert(text(task, "taskId"), status.clone()).as_ref() != Some(&status) {
                self.console.note(&task_line(task, integer(task, "endTime")));
            }
        }
    }
}

fn tasks(workflow: &Value) -> impl Iterator<Item = &Value> {
    workflow["tasks"].as_array().into_iter().flatten()
}

/// Returns one task's line: mark, name, what is known of it, how long it took.
pub(super) fn task_line(task: &Value, now_ms: i64) -> String {
    let status = text(task, "status");
    let mark = match status.as_str() {
        "COMPLETED" => "✓",
        "SCHEDULED" => "·",
        "IN_PROGRESS" => "▸",
        "SKIPPED" | "COMPLETED_WITH_ERRORS" => "~",
        _ => "✗",
    };
    let mut parts = vec![format!("{mark} {}", text(task, "referenceTaskName")), text(task, "taskType")];
    parts.extend(what(task));
    if let Some(attempt) = task["retryCount"].as_i64().filter(|attempt| *attempt > 0) {
        parts.push(format!("attempt {}", attempt + 1));
    }
    if status != "COMPLETED" {
        parts.push(status);
    }
    parts.extend(elapsed(task, now_ms));
    parts.extend(task["reasonForIncompletion"].as_str().map(str::to_owned));
    parts.join("  ")
}

/// Returns what a task's output tells at a glance: a status code, a secret's new version.
fn what(task: &Value) -> Option<String> {
    let output = &task["outputData"];
    if let Some(code) = output["response"]["statusCode"].as_i64() {
        return Some(code.to_string());
    }
    let updated = output["updated"].as_array()?;
    let names: Vec<String> =
        updated.iter().map(|secret| format!("{} v{}", text(secret, "secretKey"), integer(secret, "version"))).collect();
    Some(names.join(", "))
}

fn elapsed(task: &Value, now_ms: i64) -> Option<String> {
    let started = Some(integer(task, "startTime")).filter(|at| *at > 0)?;
    let ended = Some(integer(task, "endTime")).filter(|at| *at > 0).unwrap_or(now_ms);
    Some(duration_text(ended.saturating_sub(started).max(0)))
}

/// Returns a duration as people read it.
pub(super) fn duration_text(duration_ms: i64) -> String {
    match duration_ms {
        ..1_000 => format!("{duration_ms} ms"),
        1_000..60_000 => format!("{}.{} s", duration_ms / 1_000, duration_ms % 1_000 / 100),
        _ => format!("{} min {} s", duration_ms / 60_000, duration_ms % 60_000 / 1_000),
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn integer(value: &Value, field: &str) -> i64 {
    value[field].as_i64().unwrap_or_default()
}
