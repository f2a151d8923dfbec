//! `keytide schema`: the JSON Schemas that editors read.

use serde_json::{Map, Value, json};

use super::args::{Schema, SchemaKind};
use super::console::Console;
use crate::settings;
use crate::workflow::schema;

/// The draft that every editor reads.
const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

impl SchemaKind {
    /// Every kind, for tables.
    pub(super) const ALL: [Self; 6] =
        [Self::Workflow, Self::Schedule, Self::Taskdef, Self::Event, Self::Test, Self::Config];

    /// Returns the word of the command line.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Schedule => "schedule",
            Self::Taskdef => "taskdef",
            Self::Event => "event",
            Self::Test => "test",
            Self::Config => "config",
        }
    }
}

/// The folder of a project that keeps the schemas. Its name begins with a dot, so that nobody takes them for definitions.
pub(super) const FOLDER: &str = ".schemas";
/// What every schema of ours begins to be called.
pub(super) const ID: &str = "urn:keytide:schema:";

/// Returns the name of a schema's file in [`FOLDER`].
pub(super) fn file_name(kind: SchemaKind) -> String {
    format!("{}.schema.json", kind.as_str())
}

/// Prints a schema.
pub(super) fn run(arguments: &Schema, console: &Console) {
    console.data(text(arguments.kind).trim_end());
}

/// Returns a schema as the text of a file.
pub(super) fn text(kind: SchemaKind) -> String {
    let (title, body) = match kind {
        SchemaKind::Workflow => ("A workflow of keytide, in Conductor's dialect", schema::workflow()),
        SchemaKind::Schedule => ("A schedule of keytide, in Conductor's dialect", schema::schedule()),
        SchemaKind::Taskdef => ("Task definitions of keytide, in Conductor's dialect", schema::task_defs()),
        SchemaKind::Event => ("An event handler of keytide, in Conductor's dialect", schema::event_handler()),
        SchemaKind::Test => ("Tests of workflows of keytide", schema::tests()),
        SchemaKind::Config => ("Settings of keytide", settings::schema::config()),
    };
    let comment = format!("Made by `keytide schema {}` of keytide {}.", kind.as_str(), env!("CARGO_PKG_VERSION"));
    let mut whole = Map::from_iter([
        ("$schema".to_owned(), json!(DRAFT)),
        ("$id".to_owned(), json!(format!("{ID}{}", kind.as_str()))),
        ("$comment".to_owned(), json!(comment)),
        ("title".to_owned(), json!(title)),
    ]);
    whole.extend(body);
    format!("{:#}\n", Value::Object(whole))
}
