//! A workflow as a picture in a page: every task is a link to the page with that task.

use std::collections::HashMap;

use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use crate::workflow::definition::WorkflowDef;
use crate::workflow::graph::{Graph, Look, svg};

/// Up to which width a picture is made smaller where there is less room: one that is wider could not be read then.
const FITS_WIDTH_MAX: u32 = 900;
/// The same for a phone.
const SLIM_WIDTH_MAX: u32 = 440;

/// Returns the picture of a definition, with the statuses of its tasks by their references.
pub(in crate::ui) fn diagram(definition: &Value, statuses: &HashMap<String, String>) -> Markup {
    let Ok(definition) = serde_json::from_value::<WorkflowDef>(definition.clone()) else {
        return html! { p.message { "There is no picture of this definition." } };
    };
    let drawn = svg(&Graph::of(&definition).with_statuses(statuses), Look::Part);
    // `svg` escapes every text of the definition.
    let width = drawn.split("width=\"").nth(1).and_then(|rest| rest.split('"').next()?.parse::<u32>().ok());
    let is_within = |max| width.is_some_and(|width| width <= max);
    let (fits, slim) = (is_within(FITS_WIDTH_MAX), is_within(SLIM_WIDTH_MAX));
    html! { div.diagram.fits[fits].slim[slim] tabindex="0" role="region" aria-label="Diagram" { (PreEscaped(drawn)) } }
}
