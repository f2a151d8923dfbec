use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::encoding::{KEY_BYTES, Key, hex};
use crate::words::Sensitive;
use zeroize::Zeroizing;

/// How much of the HMAC people see: 12 hex digits, enough to compare by eye.
const FINGERPRINT_BYTES: usize = 6;

/// Makes the fingerprints of one store.
#[derive(Clone)]
pub(super) struct Fingerprints(Key);

impl Fingerprints {
    /// Derives the key for fingerprints from the store's key.
    pub(super) fn of(store_key: &Key) -> Self {
        Self(derived(store_key, b"keytide fingerprint/1"))
    }

    /// Returns what people see in the place of a value.
    pub(super) fn fingerprint(&self, value: &Sensitive) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes a key of any length");
        mac.update(value.expose().as_bytes());
        hex(&mac.finalize().into_bytes()[..FINGERPRINT_BYTES])
    }
}

/// Returns the key that signs the API's tokens: the same for as long as the store lives, so that a restart signs nobody out.
pub(super) fn token_key(store_key: &Key) -> Key {
    derived(store_key, b"keytide api token/1")
}

fn derived(store_key: &Key, purpose: &[u8]) -> Key {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let derive = Hkdf::<Sha256>::new(None, store_key.as_slice());
    derive.expand(purpose, &mut *key).expect("32 bytes are fewer than HKDF gives");
    key
}

/// Returns what the state folder remembers of the store's key.
pub(super) fn key_hash(store_key: &Key) -> String {
    let mut hash = Sha256::new();
    hash.update(b"keytide store key/1");
    hash.update(store_key.as_slice());
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::{Fingerprints, Sensitive, key_hash};
    use crate::secret::encoding::random_key;

    #[test]
    fn equal_values_have_equal_fingerprints_in_one_store_only() {
        let (here, there) = (random_key().ok().unwrap(), random_key().ok().unwrap());
        let fingerprint = |key, value: &str| Fingerprints::of(key).fingerprint(&Sensitive::new(value));
        assert_eq!(fingerprint(&here, "token"), fingerprint(&here, "token"));
        assert_ne!(fingerprint(&here, "token"), fingerprint(&here, "token2"));
        assert_ne!(fingerprint(&here, "token"), fingerprint(&there, "token"));
        assert_eq!(fingerprint(&here, "token").len(), 12);
        assert_ne!(key_hash(&here), key_hash(&there));
    }
}
