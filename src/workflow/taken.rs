//! What task definitions take, of secrets and of the environment, and whose they are.

use std::collections::BTreeSet;

use serde_json::Value;

use super::definition::TaskDef;
use super::expressions::{environment_in_template, parse, references_in_template};
use crate::words::Owner;

/// What gives every variable of the environment at once.
const WHOLE_ENVIRONMENT: &str = "workflow.env";

/// What a task definition takes of secrets, and of the environment, in the name of whatever workflow uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The names that it says outright, of secrets, or of variables where there is no such secret.
    pub names: BTreeSet<String>,
    /// The variables that it says outright.
    pub variables: BTreeSet<String>,
    /// Whether it makes up a name at run time, which may be any, or takes the whole environment.
    pub computes: bool,
}

/// A task definition that somebody else made than the owner of the workflow that uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lent {
    /// Who made it.
    pub maker: Owner,
    /// Its name.
    pub task: String,
    /// What it takes: to this both must have the right.
    pub taken: Taken,
}

impl Taken {
    /// Looks through a task definition.
    pub fn by(def: &TaskDef) -> Self {
        let template = Value::Object(def.input_template.clone());
        let outright = references_in_template(&template).into_iter().map(|reference| reference.name);
        let names = outright.chain(def.runtime_metadata.iter().cloned()).collect();
        Self { names, variables: environment_in_template(&template), computes: computes(&template) }
    }
}

impl Lent {
    /// Returns a definition as its maker lends it.
    pub fn by(maker: &Owner, def: &TaskDef) -> Self {
        Self { maker: maker.clone(), task: def.name.clone(), taken: Taken::by(def) }
    }

    /// Returns whether it may be the definition that takes a secret.
    pub fn takes(&self, secret: &str) -> bool {
        self.taken.computes || self.taken.names.contains(secret)
    }
}

/// Returns whether a reference is made of another one, or gives all variables.
fn computes(template: &Value) -> bool {
    match template {
        Value::String(text) => parse(text).iter().any(|reference| {
            let path = &text[reference.path.clone()];
            path.contains("${") || path.trim() == WHOLE_ENVIRONMENT
        }),
        Value::Array(items) => items.iter().any(computes),
        Value::Object(fields) => fields.values().any(computes),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Taken;

    #[test]
    fn a_task_definition_takes_what_its_template_and_its_list_name() {
        let taken = |def: Value| Taken::by(&serde_json::from_value(def).unwrap());
        let named = taken(
            json!({"name": "t", "inputTemplate": {"a": ["Bearer ${workflow.secrets.key}"], "b": "${workflow.input.x}",
                "c": {"d": "${workflow.env.stage}"}}, "runtimeMetadata": ["other"]}),
        );
        assert_eq!(
            (named.names.into_iter().collect::<Vec<_>>(), named.computes),
            (vec!["key".into(), "other".into()], false)
        );
        assert_eq!(named.variables.into_iter().collect::<Vec<_>>(), ["stage"]);
        for path in ["${workflow.secrets.${workflow.input.n}}", "x ${${workflow.input.n}}", "${workflow.env}"] {
            assert!(taken(json!({"name": "t", "inputTemplate": {"a": {"b": path}}})).computes, "{path}");
        }
    }
}
