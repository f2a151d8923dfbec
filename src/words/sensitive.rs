use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Text that must not be shown: a secret's value, an identity, a key. Clones share it, and it is wiped when the last one is
/// dropped; no `Debug`, no `Serialize`.
#[derive(Clone)]
pub struct Sensitive(Arc<Zeroizing<String>>);

impl Sensitive {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// Lends the text. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Sensitive {
    /// Compares in constant time for texts of one length.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Sensitive {}
