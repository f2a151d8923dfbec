//! Which files what the API made becomes, and what stands in them.

use serde_json::{Value, json};

use super::super::args::ExportFormat;
use super::super::written::{Document, Names};
use super::Made;
use crate::workflow::written::yaml;

/// A file, and what it defines.
pub(super) struct File<'a> {
    pub(super) document: Document,
    pub(super) made: Vec<&'a Made>,
}

/// Returns one file for each version of a workflow, each schedule and each event handler, and one for all task definitions.
pub(super) fn documents(made: &[Made], format: ExportFormat) -> Vec<File<'_>> {
    let mut names = Names::new(format.extension());
    let of = |kind: &'static str| made.iter().filter(move |one| one.kind == kind);
    let mut files = Vec::new();
    for one in of("workflow") {
        let latest = of("workflow").filter(|other| other.name == one.name).filter_map(|other| other.version).max();
        let version = one.version.filter(|_| one.version != latest);
        let version = version.map(|version| format!(".v{version}")).unwrap_or_default();
        files.push(file(names.free(&one.name, &version), &one.definition, vec![one], format));
    }
    for one in of("schedule") {
        files.push(file(names.free(&one.name, ".schedule"), &one.definition, vec![one], format));
    }
    for one in of("eventHandler") {
        files.push(file(names.free(&one.name, ".event"), &one.definition, vec![one], format));
    }
    let defs: Vec<&Made> = of("taskDef").collect();
    if !defs.is_empty() {
        let list: Vec<&Value> = defs.iter().map(|one| &one.definition).collect();
        files.push(file(names.free("task-definitions", ""), &json!({"taskDefs": list}), defs, format));
    }
    files
}

fn file<'a>(name: String, content: &Value, made: Vec<&'a Made>, format: ExportFormat) -> File<'a> {
    let mark = match format {
        ExportFormat::Yaml => "#",
        ExportFormat::Json => "//",
    };
    let heads = made.iter().map(|one| format!("{mark} {}, made over the API by {}", one.shown(), one.origin));
    let body = match format {
        ExportFormat::Yaml => yaml(content),
        ExportFormat::Json => format!("{content:#}\n"),
    };
    let text = heads.chain([body]).collect::<Vec<_>>().join("\n");
    File { document: Document { name, text }, made }
}
