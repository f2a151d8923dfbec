//! A workflow as a picture in a page: every task is a link to the page with that task.

use std::collections::HashMap;

use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use crate::workflow::definition::WorkflowDef;
use crate::workflow::graph::{Graph, Look, svg};

/// Returns the picture of a definition, with the statuses of its tasks by their references.
pub(in crate::ui) fn diagram(definition: &Value, statuses: &HashMap<String, String>) -> Markup {
    let Ok(definition) = serde_json::from_value::<WorkflowDef>(definition.clone()) else {
        return html! { p.message { "There is no picture of this definition." } };
    };
    let drawn = svg(&Graph::of(&definition).with_statuses(statuses), Look::Part);
    // `svg` escapes every text of the definition.
    html! { div.diagram tabindex="0" role="region" aria-label="Diagram" { (PreEscaped(drawn)) } }
}
