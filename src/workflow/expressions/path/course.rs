//! What an evaluation carries along: its path, and what an absent property means to it.

use serde_json::{Map, Value};

use super::{Fault, Found, Path};
use crate::workflow::expressions::copy::Copier;

/// Whether absent properties are passed over, or are a fault (when a condition asks whether a path exists).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    Passes,
    Fails,
}

/// What evaluation of one path carries along.
#[derive(Clone, Copy)]
pub(super) struct Course<'p> {
    pub(super) path: &'p Path,
    pub(super) absent: Absent,
}

impl Course<'_> {
    /// Passes over an absent property, or fails on it.
    pub(super) fn when_absent(self) -> Found<()> {
        match self.absent {
            Absent::Passes => Ok(()),
            Absent::Fails => Err(Fault::Invalid),
        }
    }

    /// Returns the items of an array; nothing to go into where the value is none.
    pub(super) fn items(self, at: usize, model: &Value) -> Found<Option<&[Value]>> {
        match model {
            Value::Array(items) => Ok(Some(items)),
            _ if self.absent == Absent::Fails && self.path.is_definite_before(at) => Err(Fault::Invalid),
            _ => Ok(None),
        }
    }

    /// Returns the named properties of an object as an object of their own.
    pub(super) fn chosen(self, names: &[String], fields: &Map<String, Value>) -> Found<Map<String, Value>> {
        let mut copier = Copier::default();
        let mut chosen = Map::new();
        for name in names {
            match fields.get(name) {
                Some(value) => {
                    chosen.insert(name.clone(), copier.copy(value)?);
                }
                None => self.when_absent()?,
            }
        }
        Ok(chosen)
    }
}
