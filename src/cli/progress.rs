//! A run as people watch it: a live tree with times on a terminal, one line a change elsewhere.

use std::collections::HashMap;

use serde_json::Value;

use super::console::{Console, one_line};

/// Draws an execution, as the REST API shows it, again and again.
pub(super) struct Progress<'a> {
    console: &'a Console,
    seen: HashMap<String, String>,
    drawn: Vec<String>,
}

impl<'a> Progress<'a> {
    /// Returns a drawing of nothing yet.
    pub(super) fn new(console: &'a Console) -> Self {
        Self { console, seen: HashMap::new(), drawn: Vec::new() }
    }

    /// Draws the execution as it is now.
    pub(super) fn update(&mut self, workflow: &Value, now_ms: i64) {
        if self.console.is_watched() {
            self.redraw(workflow, now_ms);
        } else {
            self.append(workflow);
        }
    }

    fn redraw(&mut self, workflow: &Value, now_ms: i64) {
        let lines: Vec<String> = tasks(workflow).map(|task| task_line(task, now_ms)).collect();
        let has_ended = workflow["endTime"].as_i64().is_some_and(|at| at > 0);
        let lines = if has_ended { lines } else { fitting(lines, self.console.screen()) };
        if lines != self.drawn {
            self.console.draw(&lines, self.drawn.len());
            self.drawn = lines;
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

/// Returns as much of the lines as can be drawn again: what wraps or has left the screen stays where it is.
fn fitting(lines: Vec<String>, (columns, rows): (usize, usize)) -> Vec<String> {
    let hidden = lines.len().saturating_sub(rows.saturating_sub(1).max(1));
    let cut = |line: String| match line.char_indices().nth(columns) {
        Some(_) => line.chars().take(columns.saturating_sub(1)).chain(['…']).collect(),
        None => line,
    };
    lines.into_iter().skip(hidden).map(cut).collect()
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
    one_line(&parts.join("  "))
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
    // Where no time is told, nothing is known of what goes on.
    (ended > 0).then(|| duration_text(ended.saturating_sub(started).max(0)))
}

/// Returns a duration as people read it.
pub(super) fn duration_text(duration_ms: i64) -> String {
    match duration_ms {
        ..1_000 => format!("{duration_ms} ms"),
        1_000..60_000 => format!("{}.{} s", duration_ms / 1_000, duration_ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", duration_ms / 60_000, duration_ms % 60_000 / 1_000),
        _ => format!("{} h {} min", duration_ms / 3_600_000, duration_ms % 3_600_000 / 60_000),
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn integer(value: &Value, field: &str) -> i64 {
    value[field].as_i64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{duration_text, fitting};

    #[test]
    fn what_is_drawn_again_fits_the_screen() {
        let lines = ["first", "a long line", "ünïcödé"].map(str::to_owned).to_vec();
        assert_eq!(fitting(lines.clone(), (80, 24)), lines);
        assert_eq!(fitting(lines.clone(), (7, 3)), ["a long…", "ünïcödé"]);
        assert_eq!(fitting(lines, (7, 0)), ["ünïcödé"]);
    }

    #[test]
    fn durations_are_readable() {
        for (ms, text) in [(0, "0 ms"), (999, "999 ms"), (1_000, "1.0 s"), (59_999, "59.9 s"), (61_000, "1 min 1 s")] {
            assert_eq!(duration_text(ms), text);
        }
        assert_eq!(duration_text(3_723_000), "1 h 2 min");
    }
}
