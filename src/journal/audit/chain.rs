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
    /// There are more breaks than are kept in memory.
    #[error("the audit is broken in more than {BREAKS_MAX} places")]
    TooMany,
}

impl Broken {
    /// Returns how an acknowledgement names it: this break at this place and no other.
    fn code(&self) -> String {
        match self {
            Self::Entry { seq, .. } => format!("entry {seq}"),
            Self::Link(seq) => format!("link {seq}"),
            Self::Missing { first, last } => format!("missing {first} to {last}"),
            Self::Anchor(seq) => format!("anchor {seq}"),
            Self::NoAnchor(seq) => format!("no anchor {seq}"),
            Self::TooMany => "too many".to_owned(),
        }
    }

    /// Returns the detail of the entry that acknowledges it.
    pub fn acknowledgement(&self, reason: &str) -> String {
        format!("{}{SAID}{reason}", self.code())
    }
}

/// What stands between the break and the reason, in the detail of an acknowledgement.
const SAID: &str = ": ";

/// How many breaks are told apart: some hundred bytes each, and who damaged more damaged it all.
const BREAKS_MAX: usize = 10_000;

/// What a check of the whole chain finds.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The end of the chain.
    pub end: Link,
    /// Where it does not hold and nobody said that this is known, in the order of the chain.
    pub breaks: Vec<Broken>,
    /// What the owner has acknowledged.
    pub acknowledged: Vec<Acknowledged>,
}

/// A break that the owner knows of: it stays, and so does this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Acknowledged {
    /// The entry that says so.
    pub seq: u64,
    /// When.
    pub at: i64,
    /// Which break.
    pub broken: String,
    /// Why it is no reason to worry, or what was done.
    pub reason: String,
}

impl Checked {
    /// Takes what an entry acknowledges. Only what comes before it is known to who wrote it.
    fn take(&mut self, seq: u64, row: &Value) {
        let acknowledges = row["action"] == "acknowledge" && row["outcome"] == "allowed";
        let Some((broken, reason)) =
            row["detail"].as_str().filter(|_| acknowledges).and_then(|all| all.split_once(SAID))
        else {
            return;
        };
        self.breaks.retain(|one| *one == Broken::TooMany || one.code() != broken);
        let (at, broken, reason) = (row["at"].as_i64().unwrap_or_default(), broken.to_owned(), reason.to_owned());
        self.acknowledged.push(Acknowledged { seq, at, broken, reason });
    }

    fn add(&mut self, found: impl IntoIterator<Item = Broken>) {
        for broken in found {
            match self.breaks.len() {
                BREAKS_MAX => self.breaks.push(Broken::TooMany),
                0..BREAKS_MAX => self.breaks.push(broken),
                _ => {}
            }
        }
    }
}

/// Goes through the chain, entry by entry.
pub(in crate::journal) struct Walk<'a> {
    codec: &'a Codec,
    last: Link,
    /// Whether the hash of the last one is known: of what does not open it is not, and after a gap neither.
    is_known: bool,
    anchor: Link,
}

impl<'a> Walk<'a> {
    /// Starts after what was purged. `anchor` is what the chain must contain.
    pub(in crate::journal) const fn from(codec: &'a Codec, base: Link, anchor: Link) -> Self {
        Self { codec, last: base, is_known: true, anchor }
    }

    /// Takes the next row, and returns what it holds.
    pub(in crate::journal) fn take(&mut self, seq: u64, sealed: &[u8]) -> Result<Value, Broken> {
        let mut broken = Vec::new();
        let row = self.look(seq, sealed, &mut broken);
        match (broken.into_iter().next(), row) {
            (None, Some(row)) => Ok(row),
            (Some(broken), _) => Err(broken),
            (None, None) => Err(Broken::Link(seq)),
        }
    }

    /// Takes the next row and goes on behind whatever is wrong with it; returns what it holds, where it opens.
    fn look(&mut self, seq: u64, sealed: &[u8], broken: &mut Vec<Broken>) -> Option<Value> {
        let expected = self.last.seq + 1;
        if seq > expected {
            broken.push(Broken::Missing { first: expected, last: seq - 1 });
            self.is_known = false;
        }
        let row = match open(self.codec, seq, sealed) {
            Ok(row) => row,
            Err(error) => {
                broken.push(Broken::Entry { seq, fault: error.fault.to_string() });
                (self.last, self.is_known) = (Link { seq, ..Link::default() }, false);
                return None;
            }
        };
        let follows = !self.is_known || row["prev"] == self.last.hash.to_string();
        if seq < expected || !follows || row["seq"] != seq {
            broken.push(Broken::Link(seq));
        }
        (self.last, self.is_known) = (Link::of(seq, &row), true);
        if seq == self.anchor.seq && self.last != self.anchor {
            broken.push(Broken::Anchor(seq));
        }
        Some(row)
    }

    /// Takes the next row of a check of the whole chain.
    pub(super) fn check(&mut self, seq: u64, sealed: &[u8], checked: &mut Checked) {
        let mut broken = Vec::new();
        let row = self.look(seq, sealed, &mut broken);
        checked.add(broken);
        if let Some(row) = row {
            checked.take(seq, &row);
        }
    }

    /// Ends a check of the whole chain.
    pub(super) fn end(self, mut checked: Checked) -> Checked {
        if self.anchor.seq > self.last.seq {
            checked.add([Broken::Missing { first: self.last.seq + 1, last: self.anchor.seq }]);
        }
        Checked { end: self.last, ..checked }
    }
}

/// Opens a row.
pub(in crate::journal) fn open(codec: &Codec, seq: u64, sealed: &[u8]) -> Result<Value, Unreadable> {
    codec.open(Place::Audit(seq), sealed)
}
