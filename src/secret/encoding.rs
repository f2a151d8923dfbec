//! How the values of our own files are written: text that is wiped, keys as base64, moments as RFC 3339.

use zeroize::Zeroizing;

use super::Error;
use crate::words::Sensitive;

/// The length of every symmetric key here.
pub(super) const KEY_BYTES: usize = 32;

/// A symmetric key, wiped when dropped. What holds one derives no `Debug`.
pub(super) type Key = Zeroizing<[u8; KEY_BYTES]>;

/// Fills a key from the system's randomness.
pub(super) fn random_key() -> Result<Key, Error> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    fill_random(&mut *key)?;
    Ok(key)
}

/// Returns 128 random bits as hex: an id that comes once.
pub fn random_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    fill_random(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Returns the id and the secret of a new access key: 128 and 256 random bits, as hex.
pub fn random_access_key() -> Result<(String, Sensitive), Error> {
    Ok((random_id()?, Sensitive::new(hex(&*random_key()?))))
}

/// Returns 256 random bits as hex: what lets somebody in, once or for a while.
pub fn random_token() -> Result<Sensitive, Error> {
    Ok(Sensitive::new(hex(&*random_key()?)))
}

/// Fills a buffer from the system's randomness.
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|error| Error::NoRandomness { reason: error.to_string() })
}

/// Returns lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).expect("a nibble is below 16");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// `#[serde(with = …)]` for a value in clear, inside a file that is encrypted.
pub(super) mod clear_text {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::words::Sensitive;

    pub(in crate::secret) fn serialize<S: Serializer>(value: &Sensitive, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(value.expose())
    }

    pub(in crate::secret) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Sensitive, D::Error> {
        String::deserialize(deserializer).map(Sensitive::new)
    }
}

/// `#[serde(with = …)]` for a key as base64.
pub(super) mod key {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};
    use zeroize::Zeroizing;

    use super::{KEY_BYTES, Key};

    pub(in crate::secret) fn serialize<S: Serializer>(key: &Key, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(**key)))
    }

    pub(in crate::secret) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let bytes = STANDARD.decode(text.as_bytes()).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| D::Error::custom("not base64"))?;
        let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| D::Error::custom("not 32 bytes"))?;
        Ok(Zeroizing::new(key))
    }
}

/// `#[serde(with = …)]` for a moment as RFC 3339 in UTC.
pub(super) mod moment {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::words::Timestamp;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference to the field")]
    pub(in crate::secret) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(moment)
    }

    pub(in crate::secret) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| D::Error::custom("not a time in RFC 3339"))
    }
}

/// `#[serde(with = …)]` for a moment that may be missing.
pub(super) mod moment_if_any {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::words::Timestamp;

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(in crate::secret) fn serialize<S: Serializer>(
        moment: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => serializer.collect_str(moment),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::secret) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        Timestamp::parse(&text).map(Some).ok_or_else(|| D::Error::custom("not a time in RFC 3339"))
    }
}
