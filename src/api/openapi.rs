//! `/openapi.json`: the table of routes as OpenAPI 3.1, so that what is documented is what is served.
//!
//! What a definition may hold is taken from the schemas that `check` and the loaders follow, loosened as the API is: a field
//! that nobody knows is left alone there. What else is sent and answered stands in `openapi/schemas.json`.

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use crate::access::TargetKind;
use crate::api::about::{About, Content, Parameter, ParameterKind, Taken, about};
use crate::api::routes::{Need, Route, Routes};
use crate::api::table;
use crate::workflow::schema;

/// The edition of OpenAPI; its schemas are JSON Schema of draft 2020-12.
const EDITION: &str = "3.1.0";
/// What is sent and answered, beside definitions.
const SCHEMAS: &str = include_str!("openapi/schemas.json");
/// What schemas are referred to by in a document of their own, and what they are referred to by here.
const OWN: &str = "#/definitions/";
const HERE: &str = "#/components/schemas/";

/// Made for the first who asks; most who run this never do.
static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());

pub(super) fn routes() -> Routes {
    let about = about("Describes every route, as OpenAPI 3.1").gives(Content::Json);
    Routes::default().get("/openapi.json", Need::SignIn, about, async || {
        ([(CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
    })
}

/// Returns the description of the whole API.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in table() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation(&route);
    }
    let token = json!({"type": "apiKey", "in": "header", "name": "X-Authorization",
        "description": "The token that `POST /api/token` gives; the socket and an open server ask for none."});
    json!({
        "openapi": EDITION,
        "info": {
            "title": "keytide",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Conductor's REST API with Orkes's secrets, environment, schedules and access; what they have no word for is below `/api/keytide`.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"token": token},
        },
    })
}

fn schemas() -> Map<String, Value> {
    let mut all: Map<String, Value> = serde_json::from_str(SCHEMAS).expect("our own file is a map of schemas");
    for (name, mut schema) in schema::definitions() {
        loosen(&mut schema);
        all.insert(name, schema);
    }
    all
}

/// Has references mean this document, and fields that nobody knows allowed.
fn loosen(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("additionalProperties") == Some(&Value::Bool(false)) {
                fields.retain(|name, _| name != "additionalProperties" && name != "patternProperties");
            }
            if let Some(Value::String(target)) = fields.get_mut("$ref") {
                *target = target.replace(OWN, HERE);
            }
            fields.values_mut().for_each(loosen);
        }
        Value::Array(items) => items.iter_mut().for_each(loosen),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn operation(route: &Route) -> Value {
    let About { summary, asks, takes, .. } = &route.about;
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": summary,
        "tags": [area(route.path)],
        "parameters": path_parameters(route.path).chain(asks.iter().map(query_parameter)).collect::<Vec<_>>(),
        "responses": responses(route),
        "x-keytide-needs": need(route.need),
    });
    if let Some(Taken { content, optional }) = takes {
        operation["requestBody"] = json!({"required": !optional, "content": contents(*content)});
    }
    if route.need == Need::Nothing {
        operation["security"] = json!([]);
    }
    operation
}

/// Returns the method and the path as one word: `getApiSecretsByKey`.
fn operation_id(route: &Route) -> String {
    let mut id = route.method.as_str().to_ascii_lowercase();
    for part in route.path.split(['/', '.']).filter(|part| !part.is_empty()) {
        let (joint, name) = match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => ("By", name),
            None => ("", part),
        };
        id.push_str(joint);
        let mut letters = name.chars();
        id.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        id.push_str(&letters.as_str().replace('-', "_"));
    }
    id
}

/// Returns what a route is about: the part of the path after `/api`.
fn area(path: &str) -> &str {
    let path = path.trim_start_matches("/api").trim_start_matches('/');
    path.split('/').next().unwrap_or(path)
}

fn path_parameters(path: &str) -> impl Iterator<Item = Value> + '_ {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| {
        let schema =
            if name == "version" { json!({"type": "integer"}) } else { json!({"type": "string", "minLength": 1}) };
        json!({"name": name, "in": "path", "required": true, "schema": schema})
    })
}

fn query_parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        ParameterKind::Text => json!({"type": "string"}),
        ParameterKind::Texts => json!({"type": "array", "items": {"type": "string"}}),
        ParameterKind::Flag => json!({"type": "boolean"}),
        ParameterKind::Number(max) => json!({"type": "integer", "minimum": 0, "maximum": max}),
        ParameterKind::Moment => json!({"type": "integer", "format": "int64"}),
        ParameterKind::Word(words) => json!({"enum": words}),
    };
    let Parameter { name, about, required, .. } = parameter;
    json!({"name": name, "in": "query", "description": about, "required": required, "schema": schema})
}

/// Returns every answer that a route may give: its own, and those that follow from what it needs and takes.
fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    for (status, content) in route.about.answers() {
        let response = responses.entry(status.to_string()).or_insert_with(|| json!({"description": "As asked"}));
        let Value::Object(more) = contents(content) else { continue };
        for (kind, schema) in more {
            response["content"][kind] = schema;
        }
    }
    for status in failures(route) {
        let content = json!({"application/json": {"schema": {"$ref": format!("{HERE}Error")}}});
        responses.insert(status.to_string(), json!({"description": reason(status), "content": content}));
    }
    Value::Object(responses)
}

fn failures(route: &Route) -> impl Iterator<Item = u16> {
    let names = route.path.contains('{');
    let (asks, takes) = (!route.about.asks.is_empty(), route.about.takes.is_some());
    let of_something = matches!(route.need, Need::On(..) | Need::Write(_));
    let changes = route.method != "GET" && route.need != Need::Nothing && route.need != Need::SignIn;
    let implied = [
        (400, names || asks || takes),
        (401, route.need != Need::Nothing),
        (403, true),
        (404, names || of_something),
        // An execution may be there and not open.
        (409, changes || route.path.contains("{id}")),
        (413, takes),
        (500, true),
        (503, true),
    ];
    let implied = implied.into_iter().filter_map(|(status, is_so)| is_so.then_some(status));
    implied.chain(route.about.fails.iter().copied())
}

const fn reason(status: u16) -> &'static str {
    match status {
        400 => "The request is wrong; the message says where",
        401 => "Nobody is signed in; `error` says whether a new token helps",
        403 => "The caller may not do that, or a page of another site asks",
        404 => "It is not there, or the caller may not know",
        409 => "What is there does not allow it",
        413 => "The body is too long",
        429 => "Too many wrong keys were tried, or the caller listens too often",
        500 => "Something of the server's is broken; its log says what",
        _ => "The server is busy or cannot write; the same request may be sent again",
    }
}

fn contents(content: Content) -> Value {
    let named = |name: &str| json!({"$ref": format!("{HERE}{name}")});
    let schema = match content {
        Content::Nothing => return json!({}),
        Content::Text => return json!({"text/plain": {"schema": {"type": "string"}}}),
        Content::Events => return json!({"text/event-stream": {"schema": {"type": "string"}}}),
        Content::Json => json!({}),
        Content::One(name) => named(name),
        Content::List(name) => json!({"type": "array", "items": named(name)}),
        Content::Map(name) => json!({"type": "object", "additionalProperties": named(name)}),
        Content::Lists(name) => {
            json!({"type": "object", "additionalProperties": {"type": "array", "items": named(name)}})
        }
        Content::OneOrList(name) => json!({"anyOf": [named(name), {"type": "array", "items": named(name)}]}),
    };
    json!({"application/json": {"schema": schema}})
}

/// Returns what somebody needs, for machines.
fn need(need: Need) -> Value {
    let granted = |access: &[&str], kind: TargetKind, each: bool| json!({"who": "granted", "access": access, "on": kind.as_str(), "each": each});
    match need {
        Need::Nothing => json!({"who": "anybody"}),
        Need::SignIn => json!({"who": "signed-in"}),
        Need::Owner => json!({"who": "owner"}),
        Need::On(permission, kind) => granted(&[permission.as_str()], kind, false),
        Need::Each(permission, kind) => granted(&[permission.as_str()], kind, true),
        Need::Write(kind) => granted(&["CREATE", "UPDATE"], kind, false),
    }
}
