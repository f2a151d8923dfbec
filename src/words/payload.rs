use std::sync::Arc;

use serde_json::Value;

/// A JSON value that a task took or gave and that may hold a secret.
///
/// It has no `Debug` and no `Serialize`: it leaves through named doors only. Cloning is cheap.
#[derive(Clone, PartialEq)]
pub struct Payload(Arc<Value>);

impl Payload {
    /// Wraps a value.
    pub fn new(value: Value) -> Self {
        Self(Arc::new(value))
    }

    /// Returns the empty object.
    pub fn empty() -> Self {
        Self::new(Value::Object(super::Map::new()))
    }

    /// Lends the value. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &Value {
        &self.0
    }

    /// Takes the value out, copying it only where it is shared.
    pub fn into_value(self) -> Value {
        Arc::unwrap_or_clone(self.0)
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self::new(value)
    }
}

/// The door to the journal: `#[serde(with = "crate::words::journaled")]` writes a [`Payload`] in clear, for a row that is
/// sealed before it touches the disk.
pub mod journaled {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Payload;

    /// Writes the value for a row that will be sealed.
    pub fn serialize<S: Serializer>(payload: &Payload, serializer: S) -> Result<S::Ok, S::Error> {
        payload.expose().serialize(serializer)
    }

    /// Reads the value from a row that was sealed.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Payload, D::Error> {
        serde_json::Value::deserialize(deserializer).map(Payload::new)
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use serde_json::Value;

    #[test]
    fn a_fraction_is_read_as_it_was_written() {
        let random = iter::successors(Some(1_u64), |last| {
            Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
        });
        let fractions = random.map(f64::from_bits).filter(|fraction| fraction.is_finite()).take(2_000);
        for fraction in iter::once(110.000_000_000_000_01).chain(fractions) {
            let read: Value = serde_json::from_str(&format!("{fraction:e}")).unwrap();
            assert_eq!(read.as_f64(), Some(fraction));
        }
    }
}
