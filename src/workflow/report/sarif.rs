//! Problems as SARIF 2.1.0, which code scanning reads.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::words::{Certainty, Diagnostic, Severity, Source, Span};
use crate::workflow::codes::explain;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Returns one run with all problems.
pub fn to_sarif(diagnostics: &[Diagnostic]) -> Value {
    let codes: Vec<&str> =
        diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<BTreeSet<_>>().into_iter().collect();
    let results: Vec<Value> = diagnostics.iter().map(|diagnostic| result(diagnostic, &codes)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "keytide",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &str) -> Value {
    let text = explain(code).map_or("", |code| code.text);
    let first = text.split_inclusive(". ").next().unwrap_or_default().trim();
    json!({"id": code, "shortDescription": {"text": first}, "fullDescription": {"text": text}, "help": {"text": text}})
}

fn result(diagnostic: &Diagnostic, codes: &[&str]) -> Value {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let help = diagnostic.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    let mut result = json!({
        "ruleId": diagnostic.code,
        "ruleIndex": codes.iter().position(|code| *code == diagnostic.code),
        "level": level,
        "message": {"text": format!("{}{help}", diagnostic.message)},
        "locations": [{"physicalLocation": physical(&diagnostic.source, diagnostic.span)}],
    });
    if !diagnostic.related.is_empty() {
        let related = diagnostic.related.iter().map(|related| {
            let place = physical(&diagnostic.source, Some(related.span));
            json!({"physicalLocation": place, "message": {"text": related.label}})
        });
        result["relatedLocations"] = related.collect();
    }
    if let Some(fix) = diagnostic.fix.as_ref().filter(|fix| fix.certainty == Certainty::Certain) {
        result["fixes"] = json!([{
            "artifactChanges": [{
                "artifactLocation": artifact(&diagnostic.source.name),
                "replacements": [{
                    "deletedRegion": region(&diagnostic.source, fix.span),
                    "insertedContent": {"text": fix.replacement},
                }],
            }],
        }]);
    }
    result
}

fn physical(source: &Source, span: Option<Span>) -> Value {
    let mut place = json!({"artifactLocation": artifact(&source.name)});
    if let Some(span) = span {
        place["region"] = region(source, span);
    }
    place
}

fn region(source: &Source, span: Span) -> Value {
    let ((line, column), (end_line, end_column)) = (source.position(span.start), source.position(span.end));
    json!({"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column})
}

/// Returns a file as a URI: below the project where its name is relative.
fn artifact(name: &str) -> Value {
    let mut uri = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'~') {
            uri.push(char::from(byte));
        } else {
            // Writing into a text does not fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    if name.starts_with('/') {
        json!({"uri": format!("file://{uri}")})
    } else {
        json!({"uri": uri, "uriBaseId": "%SRCROOT%"})
    }
}
