//! JSON Schemas of the definitions, for editors: made of the table that the loader reads, so that the two say the same.
//!
//! They are of draft 7, which every editor reads: yaml-language-server knows no later one before its version 1.20.
//! An unknown field, of which `check` only warns, is refused here: an editor has but one way to point at it.

use serde_json::{Map, Value, json};

use super::shape::{
    EVENT_HANDLER, Form, Inputs, Kind, SCHEDULE, Shape, TASK_DEF, TASK_DEFS, TEST, TESTS, WORKFLOW, of_types,
};

/// A number as text, as clients write it; empty is absent.
const DIGITS: &str = r"^\s*([+-]?[0-9]{1,19})?\s*$";
/// What holds an expression.
const EXPRESSION: &str = r"\$\{";

/// Returns the schema of a workflow.
pub fn workflow() -> Map<String, Value> {
    root(&WORKFLOW)
}

/// Returns the schema of a schedule of its own.
pub fn schedule() -> Map<String, Value> {
    root(&SCHEDULE)
}

/// Returns the schema of an event handler.
pub fn event_handler() -> Map<String, Value> {
    root(&EVENT_HANDLER)
}

/// Returns the schema of a list of task definitions.
pub fn task_defs() -> Map<String, Value> {
    let mut root = root(&TASK_DEFS);
    // The list may be empty, and by its name a file is known.
    root.insert("required".to_owned(), json!(["taskDefs"]));
    root
}

/// Returns the schema of a file of tests: one test, or a list of them.
pub fn tests() -> Map<String, Value> {
    let mut making = Making::default();
    let (several, one) = (making.of(&TESTS, Null::Refused), making.of(&TEST, Null::Refused));
    let mut root = object(json!({"type": "object", "if": {"required": ["tests"]}, "then": several, "else": one}));
    root.insert("definitions".to_owned(), Value::Object(making.definitions));
    root
}

/// Returns the schemas of all definitions, each with what is in it, by their names: `workflow`, `schedule`,
/// `task_definition`, `event_handler`, `start_request` and `test` among them.
pub fn definitions() -> Map<String, Value> {
    let mut making = Making::default();
    for shape in [&WORKFLOW, &SCHEDULE, &TASK_DEF, &EVENT_HANDLER, &TEST] {
        making.of(shape, Null::Refused);
    }
    making.definitions
}

fn root(shape: &'static Shape) -> Map<String, Value> {
    let mut making = Making::default();
    let mut root = making.shape(shape, &json!("object"));
    root.insert("definitions".to_owned(), Value::Object(making.definitions));
    root
}

/// Whether `null` may stand there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Null {
    Allowed,
    Refused,
}

#[derive(Default)]
struct Making {
    definitions: Map<String, Value>,
}

impl Making {
    fn shape(&mut self, shape: &'static Shape, types: &Value) -> Map<String, Value> {
        let defaults = (shape.defaults)();
        let mut properties = Map::new();
        for (name, kind, about) in shape.fields {
            let is_required = shape.required.contains(name);
            let null = if is_required { Null::Refused } else { Null::Allowed };
            let mut field = self.kind(kind, null);
            if is_required {
                field.extend(not_empty(kind));
            }
            describe(&mut field, about, defaults.get(*name).filter(|_| !is_required));
            properties.insert((*name).to_owned(), Value::Object(field));
        }
        let mut body = object(json!({
            "type": types,
            "required": shape.required,
            "properties": properties,
            // The usual home of what a file keeps for its own anchors.
            "patternProperties": {"^x-": true},
            "additionalProperties": false,
        }));
        if shape.fields.iter().any(|(name, ..)| *name == "taskReferenceName") {
            body.insert("allOf".to_owned(), self.by_type());
        }
        body
    }

    /// Returns what a type of task asks for, type by type.
    fn by_type(&mut self) -> Value {
        let all = of_types().iter().filter(|of| !of.needs.is_empty() || !of.inputs.fields.is_empty());
        all.map(|of| {
            let mut needs = of.needs.to_vec();
            let mut then = json!({});
            if !of.inputs.fields.is_empty() {
                let inputs = inputs_of(of.inputs);
                let name = format!("inputs of {}", of.kind.as_str()).replace(' ', "_");
                self.definitions.insert(name.clone(), Value::Object(inputs));
                then["properties"] = json!({"inputParameters": refer(&name)});
            }
            if !of.inputs.required.is_empty() {
                needs.push("inputParameters");
            }
            then["required"] = json!(needs);
            let names: Vec<&str> = std::iter::once(of.kind.as_str()).chain(of.aliases.iter().copied()).collect();
            json!({"if": {"properties": {"type": {"enum": names}}, "required": ["type"]}, "then": then})
        })
        .collect()
    }

    fn kind(&mut self, kind: &'static Kind, null: Null) -> Map<String, Value> {
        let types = |names: &[&str]| types(names, null);
        object(match kind {
            Kind::Any if null == Null::Allowed => json!({}),
            Kind::Any => json!({"not": {"type": "null"}}),
            Kind::Text => json!({"type": types(&["string"])}),
            Kind::OneOf(words) => json!({"enum": words_of(words, null)}),
            // Any text is allowed, and an editor offers these.
            Kind::Known(words) => json!({"type": types(&["string"]), "anyOf": [{"enum": words()}, {}]}),
            Kind::Integer => number(&types(&["integer", "string"]), i32::MIN.into(), i32::MAX.into()),
            Kind::Long => number(&types(&["integer", "string"]), i64::MIN, i64::MAX),
            Kind::Flag => json!({"type": types(&["boolean"])}),
            Kind::Map => json!({"type": types(&["object"])}),
            Kind::List(kind) => {
                let items = self.kind(kind, Null::Refused);
                json!({"type": types(&["array"]), "items": items})
            }
            Kind::Each(shape) => {
                let items = self.of(shape, Null::Refused);
                json!({"type": types(&["array"]), "items": items})
            }
            Kind::MapOf(kind) => {
                let values = self.kind(kind, Null::Allowed);
                json!({"type": types(&["object"]), "additionalProperties": values})
            }
            Kind::Of(shape) => return self.of(shape, null),
        })
    }

    /// Refers to a shape, which becomes a definition when it is met first.
    fn of(&mut self, shape: &'static Shape, null: Null) -> Map<String, Value> {
        let what = shape.what.trim_start_matches("an ").trim_start_matches("a ");
        let name = match null {
            Null::Allowed => format!("{what} or null"),
            Null::Refused => what.to_owned(),
        };
        let name = name.replace(' ', "_");
        if !self.definitions.contains_key(&name) {
            // It is there before its fields are, since a task holds tasks.
            self.definitions.insert(name.clone(), Value::Null);
            let body = self.shape(shape, &types(&["object"], null));
            self.definitions.insert(name.clone(), Value::Object(body));
        }
        refer(&name)
    }
}

fn inputs_of(inputs: &'static Inputs) -> Map<String, Value> {
    let mut properties = Map::new();
    for (name, form, about) in inputs.fields {
        let mut field = form_of(form);
        describe(&mut field, about, None);
        properties.insert((*name).to_owned(), Value::Object(field));
    }
    let mut body = object(json!({"type": "object", "properties": properties}));
    match inputs.unless {
        Some(other) => {
            body.insert("if".to_owned(), json!({"required": [other]}));
            body.insert("else".to_owned(), json!({"required": inputs.required}));
        }
        None => drop(body.insert("required".to_owned(), json!(inputs.required))),
    }
    body
}

fn form_of(form: &'static Form) -> Map<String, Value> {
    object(match form {
        Form::Any => json!({}),
        Form::Text => json!({"type": ["string", "null"]}),
        Form::OneOf(words) => expression_or(&["null"], &json!({"enum": words})),
        Form::Word(words) => {
            let any_case: Vec<String> = words.iter().map(|word| in_any_case(word)).collect();
            let pattern = format!("^\\s*({})\\s*$", any_case.join("|"));
            expression_or(&["null"], &json!({"anyOf": [{"enum": words}, {"pattern": pattern}]}))
        }
        Form::Number => {
            let mut number = expression_or(&["number", "null"], &json!({"pattern": r"^\s*[0-9]*\s*$"}));
            number["minimum"] = json!(0);
            number
        }
        Form::Count => {
            let mut number = expression_or(&["integer", "null"], &json!(false));
            number["minimum"] = json!(0);
            number
        }
        Form::Flag => expression_or(&["boolean", "null"], &json!({"enum": ["true", "false"]})),
        Form::Map => expression_or(&["object", "null"], &json!(false)),
        Form::List => expression_or(&["array", "null"], &json!(false)),
        Form::Texts => json!({"type": ["string", "array", "null"], "items": {"type": "string"}}),
        Form::Of(inputs) => {
            let mut map = inputs_of(inputs);
            map.extend(object(expression_or(&["object", "null"], &json!(false))));
            return map;
        }
        Form::OneOrMore(inputs) => {
            let mut map = inputs_of(inputs);
            map.extend(object(expression_or(&["object", "null", "array"], &json!(false))));
            map.insert("items".to_owned(), Value::Object(inputs_of(inputs)));
            map.insert("minItems".to_owned(), json!(1));
            return map;
        }
    })
}

/// Returns a schema of values of these types and of texts that are an expression, or else are as `text` says.
fn expression_or(others: &[&str], text: &Value) -> Value {
    let types: Vec<&str> = std::iter::once("string").chain(others.iter().copied()).collect();
    let expression = json!({"pattern": EXPRESSION});
    let texts = if *text == json!(false) { expression } else { json!({"anyOf": [text, expression]}) };
    json!({"type": types, "if": {"type": "string"}, "then": texts})
}

/// Returns a schema of whole numbers, also as text.
fn number(types: &Value, min: i64, max: i64) -> Value {
    json!({"type": types, "minimum": min, "maximum": max, "pattern": DIGITS})
}

fn types(names: &[&str], null: Null) -> Value {
    match (names, null) {
        ([name], Null::Refused) => json!(name),
        (_, Null::Refused) => json!(names),
        (_, Null::Allowed) => names.iter().copied().chain(["null"]).collect(),
    }
}

fn words_of(words: &[&str], null: Null) -> Vec<Value> {
    let null = (null == Null::Allowed).then_some(Value::Null);
    words.iter().map(|word| json!(word)).chain(null).collect()
}

/// Returns what keeps a field that must be there from being empty.
fn not_empty(kind: &Kind) -> Map<String, Value> {
    match kind {
        Kind::Text => object(json!({"pattern": r"\S"})),
        Kind::List(_) => object(json!({"minItems": 1})),
        Kind::OneOf(_)
        | Kind::Known(_)
        | Kind::Integer
        | Kind::Long
        | Kind::Flag
        | Kind::Map
        | Kind::Any
        | Kind::Each(_)
        | Kind::MapOf(_)
        | Kind::Of(_) => Map::new(),
    }
}

/// Adds what a field means and what holds without it.
fn describe(field: &mut Map<String, Value>, about: &str, default: Option<&Value>) {
    let default = default.filter(|value| match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
    });
    let shown = default
        .map(|value| format!(" Default: `{}`.", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    field.insert("description".to_owned(), json!(format!("{about}{}", shown.unwrap_or_default())));
    field.extend(default.map(|value| ("default".to_owned(), value.clone())));
}

/// Refers to a definition. What stands beside a `$ref` is not read in draft 7, so the reference stands one deeper.
fn refer(name: &str) -> Map<String, Value> {
    object(json!({"allOf": [{"$ref": format!("#/definitions/{name}")}]}))
}

fn in_any_case(word: &str) -> String {
    word.chars().flat_map(|letter| ['[', letter.to_ascii_uppercase(), letter.to_ascii_lowercase(), ']']).collect()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

#[cfg(test)]
mod tests;
