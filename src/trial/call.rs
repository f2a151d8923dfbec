use serde_json::{Value, json};

use crate::engine::Assignment;
use crate::executor::http::Sketch;
use crate::redact::Masker;
use crate::workflow::expressions::shown;

/// What people are shown in the place of a header, or a part of one, that every call has.
const USUAL: [(&str, &str); 2] = [("accept", "application/json"), ("content-type", "application/json")];

/// A call that would have been made. References to secrets in it are as the definition has them. No `Debug`: what another
/// call fetched may be in it.
#[derive(Clone)]
pub struct Call {
    /// The workflow.
    pub workflow: String,
    /// The reference of the task that makes it.
    pub task: String,
    /// The call.
    pub sketch: Sketch,
}

impl Call {
    /// Returns the call of a task whose input is good.
    pub(super) fn of(work: &Assignment, real: Sketch) -> Self {
        let input = shown(work.input.expose());
        let fields = input.get("http_request").unwrap_or(&*input);
        // A reference may stand where only some texts can be, as in a method or a number.
        let sketch = Sketch::of(&input).unwrap_or_else(|_| {
            let uri = fields["uri"].as_str().unwrap_or_default().to_owned();
            let described = format!("{} {uri}", real.method);
            Sketch { headers: Vec::new(), body: Some(fields["body"].to_string()), uri, described, ..real }
        });
        Self { workflow: work.workflow_name().to_owned(), task: work.reference.clone(), sketch }
    }

    /// Returns the body: JSON where it is some.
    pub fn body(&self) -> Value {
        let text = self.sketch.body.as_deref();
        text.map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| text.into()))
    }

    /// Returns the call as people may see it.
    pub fn shown(&self, masker: &Masker) -> Value {
        let unusual = |(name, value): &&(String, String)| !USUAL.contains(&(name.as_str(), value.as_str()));
        let headers = self.sketch.headers.iter().filter(unusual);
        let headers: crate::words::Map =
            headers.map(|(name, value)| (name.clone(), masker.mask_text(value).into())).collect();
        let mut shown = json!({
            "task": self.task,
            "method": self.sketch.method,
            "uri": masker.mask_text(&self.sketch.uri),
        });
        if !headers.is_empty() {
            shown["headers"] = headers.into();
        }
        if self.sketch.body.is_some() {
            shown["body"] = masker.mask_payload(&self.body(), &[]);
        }
        shown
    }
}
