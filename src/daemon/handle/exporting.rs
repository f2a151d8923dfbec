use crate::access::{Tagged, TargetKind};
use crate::catalog::Registration;
use crate::daemon::handle::Handle;
use crate::daemon::handle::tags::shown_tags;
use crate::words::{Owner, Permission};
use crate::workflow::shown::shown_definition;
use crate::workflow::written::{spare_event_handler, spare_schedule, spare_task_def, spare_workflow};

use serde_json::{Map, Value};

/// Something that the API made, as a file would say it.
pub struct Made {
    /// `workflow`, `schedule`, `taskDef` or `eventHandler`.
    pub kind: &'static str,
    /// The definition, masked.
    pub definition: Map<String, Value>,
    /// Whom it acts as.
    pub owner: Owner,
    /// Whether a value in it is masked: it cannot be made again of what is shown.
    pub is_masked: bool,
}

impl Handle {
    /// Returns what the API made and `who` may read, by kind and name.
    pub fn made(&self, who: &Owner) -> Vec<Made> {
        // What somebody stored beside us a moment ago is hidden too.
        drop(self.fresh());
        let masker = self.0.views.masker();
        let seen = |(registration, _): &(Registration, Owner)| {
            let (kind, name) = match registration {
                Registration::Workflow(def) => (TargetKind::Workflow, &def.name),
                Registration::TaskDef(def) => (TargetKind::Workflow, &def.name),
                Registration::EventHandler(def) => (TargetKind::Workflow, &def.name),
                Registration::Schedule(def) => (TargetKind::Schedule, &def.name),
            };
            self.may(who, Permission::Read, kind, name)
        };
        let shown = |(registration, owner): (Registration, Owner)| {
            let (kind, tagged, name, mut clear) = match registration {
                Registration::Workflow(def) => {
                    ("workflow", Some(Tagged::Workflow), def.name.clone(), spare_workflow(&def))
                }
                Registration::Schedule(def) => {
                    ("schedule", Some(Tagged::Schedule), def.name.clone(), spare_schedule(&def))
                }
                Registration::TaskDef(def) => {
                    ("taskDef", Some(Tagged::TaskDef), def.name.clone(), spare_task_def(&def))
                }
                Registration::EventHandler(def) => ("eventHandler", None, def.name.clone(), spare_event_handler(&def)),
            };
            let tags = tagged.map(|tagged| self.tags_of(tagged, &name)).unwrap_or_default();
            if !tags.is_empty() {
                clear.insert("tags".to_owned(), shown_tags(&tags));
            }
            let clear = Value::Object(clear);
            let masked = masker.mask_value(&shown_definition(&clear));
            Made { kind, is_masked: masked != clear, definition: fields(masked), owner }
        };
        self.catalog().made().into_iter().filter(seen).map(shown).collect()
    }
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
