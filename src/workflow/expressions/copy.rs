use serde_json::{Map, Value};

use super::limit::Limit;

/// The most that one task's input may grow to by expressions, in bytes: several times the largest HTTP body.
pub(super) const EXPANSION_BYTES_MAX: usize = 64 << 20;

/// How deep a value may nest. A loop that puts its own output into its output grows without end, and what the journal holds
/// is read back by a reader that stops at 128.
pub(super) const NESTING_MAX: usize = 100;

/// What a value costs beside its text.
const NODE_BYTES: usize = 32;

/// Copies values, and stops where all copies together grow too big or one nests too deep.
#[derive(Default)]
pub(super) struct Copier {
    bytes: usize,
    depth: usize,
    /// How many values all paths of the template have touched.
    pub(super) visits: usize,
}

impl Copier {
    /// Goes one level down in the value that the copies become part of.
    pub(super) fn enter(&mut self) {
        self.depth += 1;
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Refuses to go on where that value already nests too deep.
    pub(super) fn check_depth(&self) -> Result<(), Limit> {
        if self.depth > NESTING_MAX { Err(Limit::Nesting) } else { Ok(()) }
    }

    /// Returns what was copied, measured in values without text.
    pub(super) fn copied(&self) -> usize {
        self.bytes / NODE_BYTES
    }

    /// Copies a value.
    pub(super) fn copy(&mut self, value: &Value) -> Result<Value, Limit> {
        self.copy_below(value, self.depth)
    }

    /// Copies a value that becomes an item of an array.
    pub(super) fn copy_item(&mut self, value: &Value) -> Result<Value, Limit> {
        self.copy_below(value, self.depth + 1)
    }

    /// Counts a text that was made.
    pub(super) fn spend(&mut self, text_bytes: usize) -> Result<(), Limit> {
        self.bytes = self.bytes.saturating_add(text_bytes).saturating_add(NODE_BYTES);
        if self.bytes <= EXPANSION_BYTES_MAX { Ok(()) } else { Err(Limit::Bytes) }
    }

    fn copy_below(&mut self, value: &Value, depth: usize) -> Result<Value, Limit> {
        if depth > NESTING_MAX {
            return Err(Limit::Nesting);
        }
        match value {
            Value::Array(items) => {
                self.spend(0)?;
                items
                    .iter()
                    .map(|item| self.copy_below(item, depth + 1))
                    .collect::<Result<Vec<_>, _>>()
                    .map(Value::Array)
            }
            Value::Object(fields) => {
                self.spend(0)?;
                let mut copy = Map::with_capacity(fields.len());
                for (name, field) in fields {
                    self.spend(name.len())?;
                    copy.insert(name.clone(), self.copy_below(field, depth + 1)?);
                }
                Ok(Value::Object(copy))
            }
            Value::String(text) => {
                self.spend(text.len())?;
                Ok(Value::String(text.clone()))
            }
            scalar @ (Value::Null | Value::Bool(_) | Value::Number(_)) => {
                self.spend(0)?;
                Ok(scalar.clone())
            }
        }
    }
}
