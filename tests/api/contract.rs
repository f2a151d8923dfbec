//! What is answered is what `/openapi.json` says: every answer that any test here gets is held against it.

use std::collections::HashMap;
use std::sync::LazyLock;

use boon::{Compiler, SchemaIndex, Schemas};
use keytide::api::{Route, document, table};
use serde_json::Value;

use crate::server::Answer;

/// The description, and the schemas of all answers in it by where they are.
pub(crate) struct Contract {
    pub(crate) document: Value,
    schemas: Schemas,
    known: HashMap<String, SchemaIndex>,
}

static TABLE: LazyLock<Vec<Route>> = LazyLock::new(table);
static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::new);

/// Fails where an answer is none that the description has for the request.
pub(crate) fn hold(method: &str, target: &str, answer: &Answer) {
    CONTRACT.hold(method, target, answer);
}

/// Fails where a request that was answered as asked has a parameter that nobody describes.
pub(crate) fn hold_query(method: &str, target: &str, answer: &Answer) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Some(route) = template(method, path).filter(|_| answer.status < 300) else { return };
    let parameters = CONTRACT.document["paths"][&route][method.to_ascii_lowercase()]["parameters"].clone();
    for name in query.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| pair.split('=').next()) {
        let is_said = |parameter: &Value| parameter["in"] == "query" && parameter["name"] == name;
        assert!(parameters.as_array().unwrap().iter().any(is_said), "{method} {route}: nobody says what {name} is");
    }
}

/// Returns the route of a request, if it has one.
fn template(method: &str, path: &str) -> Option<String> {
    let segments: Vec<&str> = path.split('/').collect();
    let is_name = |part: &str| part.starts_with('{');
    let fits = |route: &str| {
        let parts: Vec<&str> = route.split('/').collect();
        let fit = |(part, segment): (&&str, &&str)| part == segment || is_name(part) && !segment.is_empty();
        parts.len() == segments.len() && parts.iter().zip(&segments).all(fit)
    };
    // Of two that fit, the one is meant that says more, from the left.
    let names = |route: &str| route.split('/').map(is_name).collect::<Vec<_>>();
    let path =
        table().into_iter().map(|route| route.path).filter(|route| fits(route)).min_by_key(|route| names(route))?;
    let has_method = TABLE.iter().any(|route| route.path == path && route.method == method);
    has_method.then(|| path.to_owned())
}

impl Contract {
    pub(crate) fn new() -> Self {
        let document = document();
        let mut compiler = Compiler::new();
        compiler.add_resource("openapi.json", document.clone()).unwrap();
        let (mut schemas, mut known) = (Schemas::new(), HashMap::new());
        for place in places(&document) {
            // In an address, braces are written otherwise.
            let address = format!("openapi.json#{}", place.replace('{', "%7B").replace('}', "%7D"));
            let index = compiler.compile(&address, &mut schemas).expect("it is a schema");
            known.insert(place, index);
        }
        Self { document, schemas, known }
    }

    fn hold(&self, method: &str, target: &str, answer: &Answer) {
        let path = target.split('?').next().unwrap_or_default();
        let Some(route) = template(method, path) else {
            // A method that no route has, or no route at all.
            assert!(matches!(answer.status, 400 | 403 | 404 | 405 | 200), "{method} {path}: {answer:?}");
            return;
        };
        let method = method.to_ascii_lowercase();
        let status = answer.status.to_string();
        let said = &self.document["paths"][&route][&method]["responses"][&status];
        assert!(said.is_object(), "{method} {route}: nobody says that it answers {status}: {answer:?}");
        let kind = answer.headers.get("content-type").map(|kind| kind.to_str().unwrap());
        let kind = kind.map(|kind| kind.split(';').next().unwrap().to_owned());
        let Some(kind) = kind else {
            assert!(answer.body.is_empty(), "{method} {route}: a body of no kind: {answer:?}");
            assert!(!said["content"].is_object(), "{method} {route}: nobody says that {status} is nothing: {answer:?}");
            return;
        };
        let content = &said["content"][&kind];
        assert!(content.is_object(), "{method} {route}: nobody says that {status} is {kind}: {answer:?}");
        if kind == "application/json" {
            let pointer = [&route, &method, "responses", &status, "content", &kind, "schema"].map(escaped);
            let index = self.known[&format!("/paths/{}", pointer.join("/"))];
            let judged = self.schemas.validate(&answer.json(), index).map_err(|error| format!("{error:#}"));
            assert_eq!(judged, Ok(()), "{method} {route}: {answer:?}");
        }
    }
}

/// Returns a part of a pointer.
fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// Returns where the schemas of a description are: those that have a name, those of answers, of bodies and of parameters.
fn places(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    objects("", document, &mut found);
    let named = |place: &String| place.starts_with("/components/schemas/") && place.matches('/').count() == 3;
    let is_one = |place: &String| named(place) || place.starts_with("/paths/") && place.ends_with("/schema");
    found.into_iter().map(|(place, _)| place).filter(is_one).collect()
}

/// Returns every object in a document, with where it is.
pub(crate) fn objects<'a>(
    place: &str,
    value: &'a Value,
    found: &mut Vec<(String, &'a serde_json::Map<String, Value>)>,
) {
    match value {
        Value::Object(fields) => {
            found.push((place.to_owned(), fields));
            fields.iter().for_each(|(name, field)| objects(&format!("{place}/{}", escaped(name)), field, found));
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                objects(&format!("{place}/{at}"), item, found);
            }
        }
        _ => {}
    }
}
