//! Results in the format that was asked for.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{End, Report};
use crate::cli::args::TestFormat;
use crate::cli::console::{Console, one_line};
use crate::trial::Mismatch;
use crate::words::xml_escaped;

pub(super) fn show(reports: &[Report], format: TestFormat, console: &Console) {
    match format {
        TestFormat::Text => text(reports, console),
        TestFormat::Json => console.json(&reports.iter().map(as_json).collect()),
        TestFormat::Junit => console.data(&junit(reports)),
    }
}

fn text(reports: &[Report], console: &Console) {
    for report in reports {
        let place = place(report);
        let title = one_line(&report.title);
        match &report.end {
            End::Passed { crashes: 0, .. } => console.data(&format!("ok    {place}  {title}")),
            End::Passed { crashes, points } if crashes == points => {
                console.data(&format!("ok    {place}  {title} ({crashes} crashes)"));
            }
            End::Passed { crashes, points } => {
                console.data(&format!("ok    {place}  {title} ({crashes} crashes, at as many of {points} points)"));
            }
            End::Failed(mismatches) => {
                console.data(&format!("FAIL  {place}  {title}"));
                for mismatch in mismatches {
                    console.data(&format!("      {}", one_line(&line(mismatch))));
                }
            }
            End::Broken(why) => {
                console.data(&format!("ERROR {place}  {title}"));
                for line in why.lines() {
                    console.data(&format!("      {}", one_line(line)));
                }
            }
        }
    }
    console.note(&summary(reports));
}

fn place(report: &Report) -> String {
    match report.line {
        Some(line) => format!("{}:{line}", report.file),
        None => report.file.clone(),
    }
}

fn line(mismatch: &Mismatch) -> String {
    format!("{}: expected {}, was {}", mismatch.what, mismatch.expected, mismatch.actual)
}

fn count(reports: &[Report], is_it: impl Fn(&End) -> bool) -> usize {
    reports.iter().filter(|report| is_it(&report.end)).count()
}

fn summary(reports: &[Report]) -> String {
    let passed = count(reports, |end| matches!(end, End::Passed { .. }));
    let failed = count(reports, |end| matches!(end, End::Failed(_)));
    let broken = count(reports, |end| matches!(end, End::Broken(_)));
    let tests = if reports.len() == 1 { "1 test".to_owned() } else { format!("{} tests", reports.len()) };
    let mut summary = format!("{tests}: {passed} passed");
    for (count, word) in [(failed, "failed"), (broken, "could not be played")] {
        if count > 0 {
            let _ = write!(summary, ", {count} {word}");
        }
    }
    summary
}

fn as_json(report: &Report) -> Value {
    let (status, details) = match &report.end {
        End::Passed { crashes, points } => ("passed", json!({ "crashes": crashes, "crashPoints": points })),
        End::Failed(mismatches) => {
            let mismatches: Vec<Value> = mismatches
                .iter()
                .map(|it| json!({"what": it.what, "expected": it.expected, "actual": it.actual}))
                .collect();
            ("failed", json!({ "mismatches": mismatches }))
        }
        End::Broken(why) => ("error", json!({ "message": why })),
    };
    let mut shown = json!({
        "file": report.file,
        "line": report.line,
        "title": report.title,
        "workflow": report.workflow,
        "status": status,
    });
    for (name, value) in details.as_object().into_iter().flatten() {
        shown[name] = value.clone();
    }
    shown
}

/// Returns JUnit's XML: one suite, a case for each test.
fn junit(reports: &[Report]) -> String {
    let seconds = |millis: i64| format!("{}.{:03}", millis / 1_000, millis % 1_000);
    let failures = count(reports, |end| matches!(end, End::Failed(_)));
    let errors = count(reports, |end| matches!(end, End::Broken(_)));
    let total = seconds(reports.iter().map(|report| report.wall_ms.max(0)).sum());
    let tests = reports.len();
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    let _ = writeln!(
        out,
        "  <testsuite name=\"keytide\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{total}\">"
    );
    for report in reports {
        let (file, title) = (xml_escaped(&report.file), xml_escaped(&report.title));
        let time = seconds(report.wall_ms.max(0));
        let _ = write!(out, "    <testcase classname=\"{file}\" name=\"{title}\" file=\"{file}\" time=\"{time}\"");
        match &report.end {
            End::Passed { .. } => out.push_str("/>\n"),
            End::Failed(mismatches) => {
                let lines: Vec<String> = mismatches.iter().map(line).collect();
                let first = lines.first().map(String::as_str).unwrap_or_default();
                let _ = writeln!(
                    out,
                    ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
                    xml_escaped(first),
                    xml_escaped(&lines.join("\n"))
                );
            }
            End::Broken(why) => {
                let first = why.lines().next().unwrap_or_default();
                let _ = writeln!(
                    out,
                    ">\n      <error message=\"{}\">{}</error>\n    </testcase>",
                    xml_escaped(first),
                    xml_escaped(why)
                );
            }
        }
    }
    out.push_str("  </testsuite>\n</testsuites>");
    out
}

#[cfg(test)]
mod tests {
    use super::{End, Report, junit};

    #[test]
    fn whatever_a_title_holds_the_xml_is_whole() {
        let end = End::Broken("a < b\n\u{1b}[2J & c".to_owned());
        let (file, title) = ("a&b.test.yaml".to_owned(), "\"<t>\" \u{0}".to_owned());
        let xml = junit(&[Report { file, line: None, title, workflow: String::new(), end, wall_ms: 1_250 }]);
        assert!(xml.contains("tests=\"1\" failures=\"0\" errors=\"1\" time=\"1.250\""), "{xml}");
        assert!(xml.contains("classname=\"a&amp;b.test.yaml\" name=\"&quot;&lt;t&gt;&quot; \u{fffd}\""), "{xml}");
        assert!(xml.contains("message=\"a &lt; b\">a &lt; b&#10;\u{fffd}[2J &amp; c</error>"), "{xml}");
    }
}
