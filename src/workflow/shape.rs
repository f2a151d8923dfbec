//! What each kind of definition may hold: one table, read by the walk that reports wrong types and unknown fields, and by
//! the JSON Schemas that editors read.

mod event_handler;
mod inputs;
mod schedule;
mod tag;
mod task;
mod task_def;
mod trial;
mod workflow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub(super) use event_handler::EVENT_HANDLER;
pub(super) use inputs::{EVALUATORS, Form, HTTP_METHODS, Inputs, input_names, of_types};
pub(super) use schedule::SCHEDULE;
use tag::{TAGS, TAGS_TEXT};
pub(super) use task_def::{TASK_DEF, TASK_DEFS};
pub(super) use trial::{TEST, TESTS};
pub(super) use workflow::WORKFLOW;

/// What a field holds. `null` is allowed everywhere: clients write it for absent.
pub(super) enum Kind {
    /// A text.
    Text,
    /// A text out of a few.
    OneOf(&'static [&'static str]),
    /// A text, of which these have a meaning here.
    Known(fn() -> Vec<&'static str>),
    /// A whole number of 32 bits, also as text.
    Integer,
    /// A whole number of 64 bits, also as text.
    Long,
    /// True or false.
    Flag,
    /// A map of anything.
    Map,
    /// Anything.
    Any,
    /// A list.
    List(&'static Kind),
    /// A list of maps that are read one by one, so that one that is wrong does not take the others down.
    Each(&'static Shape),
    /// A map whose values are alike.
    MapOf(&'static Kind),
    /// A map with fields of its own.
    Of(&'static Shape),
}

/// A map with fields of its own.
pub(super) struct Shape {
    /// What it is, as in "a workflow has no field …".
    pub(super) what: &'static str,
    /// Its fields, each with what it means. Units are in the text, defaults are [`Shape::defaults`].
    pub(super) fields: &'static [(&'static str, Kind, &'static str)],
    /// The fields that must be there and not be empty.
    pub(super) required: &'static [&'static str],
    /// Returns what holds where a field is absent.
    pub(super) defaults: fn() -> Map<String, Value>,
}

impl Shape {
    /// Returns what a field holds.
    pub(super) fn kind(&self, field: &str) -> Option<&'static Kind> {
        self.fields.iter().find(|(name, ..)| *name == field).map(|(_, kind, _)| kind)
    }
}

/// What many fields are: read by Conductor, and kept here so that it comes back.
const KEPT: &str = "Kept for Conductor; nothing here reads it.";
const SCHEMA: &str = "The JSON Schema that an editor checks this file with; nothing here reads it.";
const CREATED: &str = "When it was made, in milliseconds since 1970; set by the server.";
const UPDATED: &str = "When it was changed last, in milliseconds since 1970; set by the server.";
const CREATED_BY: &str = "Who made it; set by the server.";
const UPDATED_BY: &str = "Who changed it last; set by the server.";
const ORIGIN: &str = "Which file or application it is of; set by the server.";

const TEXTS: Kind = Kind::List(&Kind::Text);

/// Returns what a definition that says nothing comes to.
fn absent<T: DeserializeOwned + Serialize>() -> Map<String, Value> {
    let read = serde_json::from_value::<T>(Value::Object(Map::new()));
    match read.and_then(serde_json::to_value) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    }
}
