use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::journal::Unreadable;
use crate::journal::audit::Entry;
use crate::journal::codec::{Codec, Place};
use crate::secret::hex;

/// What is hashed before an entry: a hash of this form is one of nothing else.
const DOMAIN: &[u8] = b"keytide-audit/1\n";

/// How many bytes a hash has.
const HASH_BYTES: usize = 32;

/// The canonical form of most entries fits without growing.
const ROW_BYTES_USUAL: usize = 512;

/// SHA-256 of an entry in its canonical form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hash(pub(super) [u8; HASH_BYTES]);

impl Hash {
    fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; HASH_BYTES];
        if text.len() != 2 * HASH_BYTES || !text.is_ascii() {
            return None;
        }
        for (byte, at) in bytes.iter_mut().zip((0..text.len()).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("it is no hash"))
    }
}

/// An entry of the chain: its number and its hash. The first has number 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The number; 0 before the first entry.
    pub seq: u64,
    /// The hash; zeros before the first entry.
    pub hash: Hash,
}

impl Link {
    /// Returns the link after this one, and the entry in its canonical form, which is what is kept and hashed.
    pub(in crate::journal) fn next(&self, entry: &Entry) -> (Self, Vec<u8>) {
        let seq = self.seq + 1;
        let mut text = Vec::with_capacity(ROW_BYTES_USUAL);
        text.extend_from_slice(format!("{{\"seq\":{seq},\"prev\":\"{}\"", self.hash).as_bytes());
        let rest = text.len();
        serde_json::to_writer(&mut text, entry).expect("an entry has text keys, and memory takes it");
        // The entry's own brace is where its fields go on.
        text[rest] = b',';
        (Self { seq, hash: hash(&text) }, text)
    }

    /// Returns the link of an entry that is kept.
    pub(in crate::journal) fn of(seq: u64, row: &Value) -> Self {
        Self { seq, hash: hash(row.to_string().as_bytes()) }
    }
}

/// The canonical form is the JSON of the entry as it was first written: no blanks, fields in their order.
fn hash(canonical: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    hash.update(canonical);
    Hash(hash.finalize().into())
}

/// Where the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// An entry does not open, or is none.
    #[error("entry {seq} of the audit was changed: {fault}")]
    Entry {
        /// Its number.
        seq: u64,
        /// What is wrong with it.
        fault: String,
    },
    /// An entry does not follow the one before it.
    #[error("entry {0} of the audit does not follow the one before it: one of them was put in another's place")]
    Link(u64),
    /// Entries are not there.
    #[error("entries {first} to {last} of the audit are missing: they were removed")]
    Missing {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// What is remembered outside of the database is of another chain.
    #[error("entry {0} of the audit is another one than audit.anchor remembers: the journal was put back or exchanged")]
    Anchor(u64),
    /// Nothing is remembered outside of the database.
    #[error("audit.anchor is missing or of another store: whether entries after {0} were removed cannot be told")]
    NoAnchor(u64),
}

/// Goes through the chain, entry by entry.
pub(in crate::journal) struct Walk<'a> {
    codec: &'a Codec,
    last: Link,
    anchor: Link,
}

impl<'a> Walk<'a> {
    /// Starts after what was purged. `anchor` is what the chain must contain.
    pub(in crate::journal) const fn from(codec: &'a Codec, base: Link, anchor: Link) -> Self {
        Self { codec, last: base, anchor }
    }

    /// Takes the next row, and returns what it holds.
    pub(in crate::journal) fn take(&mut self, seq: u64, sealed: &[u8]) -> Result<Value, Broken> {
        let expected = self.last.seq + 1;
        if seq > expected {
            return Err(Broken::Missing { first: expected, last: seq - 1 });
        }
        let row =
            open(self.codec, seq, sealed).map_err(|error| Broken::Entry { seq, fault: error.fault.to_string() })?;
        if seq < expected || row["prev"] != self.last.hash.to_string() || row["seq"] != seq {
            return Err(Broken::Link(seq));
        }
        self.last = Link::of(seq, &row);
        if seq == self.anchor.seq && self.last != self.anchor {
            return Err(Broken::Anchor(seq));
        }
        Ok(row)
    }

    /// Ends, and returns the last link.
    pub(super) fn end(self) -> Result<Link, Broken> {
        if self.anchor.seq > self.last.seq {
            return Err(Broken::Missing { first: self.last.seq + 1, last: self.anchor.seq });
        }
        Ok(self.last)
    }
}

/// Opens a row.
pub(in crate::journal) fn open(codec: &Codec, seq: u64, sealed: &[u8]) -> Result<Value, Unreadable> {
    codec.open(Place::Audit(seq), sealed)
}
