//! Problems in the format that was asked for, with every value of the store masked.

use std::io::IsTerminal;

use serde_json::Value;

use crate::cli::args::ReportFormat;
use crate::cli::console::Console;
use crate::redact::Masker;
use crate::words::Diagnostic;
use crate::workflow::report;

pub(super) fn show(diagnostics: &[Diagnostic], masker: &Masker, format: ReportFormat, console: &Console) {
    match format {
        ReportFormat::Text => text(diagnostics, masker, console),
        ReportFormat::Json => console.json(&report::to_json(&masked(diagnostics, masker))),
        ReportFormat::Github => console.raw(report::to_github(&masked(diagnostics, masker)).as_bytes()),
        ReportFormat::Sarif => console.json(&report::to_sarif(&masked(diagnostics, masker))),
    }
}

fn text(diagnostics: &[Diagnostic], masker: &Masker, console: &Console) {
    let color = std::io::stdout().is_terminal();
    for diagnostic in diagnostics {
        console.data(&format!("{}\n", masker.mask_text(&report::render(diagnostic, color))));
    }
}

/// Returns the problems with what they say masked; a fix that holds a secret is none that can be shown.
fn masked(diagnostics: &[Diagnostic], masker: &Masker) -> Vec<Diagnostic> {
    let mask = |text: &str| masker.mask_text(text).into_owned();
    diagnostics
        .iter()
        .map(|diagnostic| Diagnostic {
            message: mask(&diagnostic.message),
            label: diagnostic.label.as_deref().map(mask),
            help: diagnostic.help.as_deref().map(mask),
            related: diagnostic
                .related
                .iter()
                .map(|related| crate::words::Related { span: related.span, label: mask(&related.label) })
                .collect(),
            fix: diagnostic.fix.clone().filter(|fix| !is_secret(&fix.replacement, masker)),
            ..diagnostic.clone()
        })
        .collect()
}

/// Returns whether a piece of a file is a value of the store, also one that stood there without quotes.
fn is_secret(text: &str, masker: &Masker) -> bool {
    masker.mask_text(text) != text
        || masker.mask_value(&Value::String(text.trim_matches('"').to_owned())) != text.trim_matches('"')
}
