use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::contents::{Contents, Recipient};
use super::encoding::{KEY_BYTES, Key, fill_random, key, random_key};
use super::{Error, Identity, envelope};
use crate::disk::{Disk, ReplaceError, replace};

/// The format of a sealed record, its first byte.
const RECORD_FORMAT: u8 = 1;

/// Format byte and key id.
const HEADER_BYTES: usize = 3;

const NONCE_BYTES: usize = 24;

/// 128 random bits a process; the other 64 count its records.
const NONCE_START_BYTES: usize = 16;

/// The format of the file of keys.
const FILE_FORMAT: &str = "keytide-data-key/1";

/// The longest file of keys that is read: hundreds of keys, one for each recipient that was ever removed.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The keys that seal records, the newest last. No `Debug`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DataKeys {
    format: String,
    recipients: Vec<Recipient>,
    keys: Vec<DataKey>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DataKey {
    id: u16,
    #[serde(with = "key")]
    key: Key,
}

impl DataKeys {
    fn new(recipients: &[Recipient]) -> Result<Self, Error> {
        let mut keys = Self { format: FILE_FORMAT.to_owned(), recipients: recipients.to_vec(), keys: vec![] };
        keys.add_key()?;
        Ok(keys)
    }

    /// Adds a key with a random number: a record of a lost file is told from one of this file.
    fn add_key(&mut self) -> Result<(), Error> {
        let mut id = [0; 2];
        loop {
            fill_random(&mut id)?;
            let id = u16::from_be_bytes(id);
            if self.keys.iter().all(|key| key.id != id) {
                self.keys.push(DataKey { id, key: random_key()? });
                return Ok(());
            }
        }
    }
}

/// Reads the keys, or makes them, and encrypts them to the store's recipients of now. Where somebody lost access, what is
/// sealed from now on has a key that they never saw. Only for who holds the lock of the file.
pub(super) fn load_or_make_keys(
    disk: &dyn Disk,
    path: &Path,
    identity: &Identity,
    contents: &Contents,
) -> Result<DataKeys, Error> {
    let recipients = &contents.recipients;
    let (before, mut keys) = match disk.read(path, FILE_BYTES_MAX) {
        Ok(bytes) => {
            let keys = parse(&bytes, path, identity)?;
            (Some(keys.clone()), keys)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => (None, DataKeys::new(recipients)?),
        Err(error) => return Err(Error::disk("read", path)(error)),
    };
    let is_listed = |one: &Recipient| recipients.iter().any(|other| other.recipient == one.recipient);
    if !keys.recipients.iter().all(is_listed) {
        keys.add_key()?;
    }
    keys.recipients.clone_from(recipients);
    if before.is_none_or(|before| before != keys) {
        write(disk, path, &keys)?;
    }
    Ok(keys)
}

fn parse(bytes: &[u8], path: &Path, identity: &Identity) -> Result<DataKeys, Error> {
    let plain = envelope::open(bytes, identity, path)?;
    let keys = serde_json::from_slice::<DataKeys>(&plain).ok();
    let keys = keys.filter(|keys| keys.format == FILE_FORMAT && !keys.keys.is_empty());
    keys.ok_or_else(|| Error::Unreadable { path: path.to_owned(), reason: format!("its payload is not {FILE_FORMAT}") })
}

fn write(disk: &dyn Disk, path: &Path, keys: &DataKeys) -> Result<(), Error> {
    let mut plain = Zeroizing::new(Vec::with_capacity(keys.keys.len() * 128 + keys.recipients.len() * 512 + 1024));
    serde_json::to_writer(&mut *plain, keys).map_err(|error| Error::Encryption { reason: error.to_string() })?;
    let sealed = envelope::seal(&plain, &keys.recipients)?;
    replace(disk, path, &sealed).map_err(|error| match error {
        ReplaceError::Unchanged(source) => Error::disk("write", path)(source),
        ReplaceError::Unsettled(source) => Error::StateUnknown { path: path.to_owned(), source: Arc::new(source) },
    })
}

/// Seals the records of the journal. A record is bound to its place by what the caller gives beside it.
pub struct Sealer {
    ciphers: RwLock<Arc<Vec<(u16, XChaCha20Poly1305)>>>,
    /// The random part of each nonce, drawn once; a count makes the rest, so that none comes twice.
    nonce_start: [u8; NONCE_START_BYTES],
    sealed_count: AtomicU64,
}

impl Sealer {
    pub(super) fn new(keys: DataKeys) -> Result<Self, Error> {
        let mut nonce_start = [0; NONCE_START_BYTES];
        fill_random(&mut nonce_start)?;
        Ok(Self::with(keys.keys, nonce_start))
    }

    /// Returns a sealer with a fixed key, for tests and simulations: the same records come out the same each time.
    pub fn from_key(key: [u8; KEY_BYTES]) -> Self {
        Self::with(vec![DataKey { id: 0, key: Zeroizing::new(key) }], [0; NONCE_START_BYTES])
    }

    fn with(keys: Vec<DataKey>, nonce_start: [u8; NONCE_START_BYTES]) -> Self {
        Self { ciphers: RwLock::new(ciphers(keys)), nonce_start, sealed_count: AtomicU64::new(0) }
    }

    /// Seals with new keys from now on.
    pub(super) fn renew(&self, keys: DataKeys) {
        *self.ciphers.write().unwrap_or_else(PoisonError::into_inner) = ciphers(keys.keys);
    }

    /// Seals a record: format byte, key id, nonce, XChaCha20-Poly1305 over the text, bound to `aad` and to the header.
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let ciphers = self.ciphers();
        let (id, cipher) = ciphers.last().expect("a file of keys holds at least one");
        let nonce = self.next_nonce();
        let header = header(*id);
        let bound = Payload { msg: plain, aad: &bind(header, aad) };
        let text = cipher.encrypt(&nonce, bound).expect("a record is far shorter than the cipher's 256 GiB");
        [&header[..], &nonce, &text].concat()
    }

    /// Opens a record that was sealed with the same `aad`.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (header_bytes, rest) = sealed.split_at_checked(HEADER_BYTES).ok_or(Error::BadSeal)?;
        let (nonce, text) = rest.split_at_checked(NONCE_BYTES).ok_or(Error::BadSeal)?;
        let &[RECORD_FORMAT, high, low] = header_bytes else { return Err(Error::BadSeal) };
        let id = u16::from_be_bytes([high, low]);
        let ciphers = self.ciphers();
        let found = ciphers.iter().find(|(known, _)| *known == id);
        let (_, cipher) = found.ok_or(Error::UnknownKey { key: id })?;
        let bound = Payload { msg: text, aad: &bind(header(id), aad) };
        let plain = cipher.decrypt(XNonce::from_slice(nonce), bound);
        plain.map(Zeroizing::new).map_err(|_| Error::BadSeal)
    }

    fn ciphers(&self) -> Arc<Vec<(u16, XChaCha20Poly1305)>> {
        self.ciphers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn next_nonce(&self) -> XNonce {
        let count = self.sealed_count.fetch_add(1, Ordering::Relaxed);
        let mut nonce = XNonce::default();
        nonce[..NONCE_START_BYTES].copy_from_slice(&self.nonce_start);
        nonce[NONCE_START_BYTES..].copy_from_slice(&count.to_be_bytes());
        nonce
    }
}

fn ciphers(keys: Vec<DataKey>) -> Arc<Vec<(u16, XChaCha20Poly1305)>> {
    Arc::new(keys.into_iter().map(|one| (one.id, XChaCha20Poly1305::new((&*one.key).into()))).collect())
}

fn header(id: u16) -> [u8; HEADER_BYTES] {
    let [high, low] = id.to_be_bytes();
    [RECORD_FORMAT, high, low]
}

fn bind(header: [u8; HEADER_BYTES], aad: &[u8]) -> Vec<u8> {
    [&header[..], aad].concat()
}

#[cfg(test)]
mod tests {
    use super::{Error, HEADER_BYTES, Sealer};

    #[test]
    fn a_sealed_record_opens_in_its_place_only() {
        let sealer = Sealer::from_key([7; 32]);
        let record = sealer.seal(b"execution 1, row 2", b"text");
        assert_eq!(sealer.open(b"execution 1, row 2", &record).ok().unwrap().as_slice(), b"text");
        assert!(matches!(sealer.open(b"execution 1, row 3", &record).err(), Some(Error::BadSeal)));
        assert!(matches!(Sealer::from_key([8; 32]).open(b"execution 1, row 2", &record).err(), Some(Error::BadSeal)));
    }

    #[test]
    fn flipping_any_bit_of_a_sealed_record_is_refused() {
        let sealer = Sealer::from_key([7; 32]);
        let record = sealer.seal(b"place", b"text");
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = sealer.open(b"place", &flipped).err();
            let names_a_key = (8..HEADER_BYTES * 8).contains(&bit);
            assert!(matches!(error, Some(Error::UnknownKey { .. })) == names_a_key && error.is_some(), "bit {bit}");
        }
        for length in 0..record.len() {
            assert!(sealer.open(b"place", &record[..length]).is_err(), "length {length}");
        }
    }

    #[test]
    fn equal_texts_are_sealed_differently() {
        let sealer = Sealer::from_key([7; 32]);
        assert_ne!(sealer.seal(b"", b"text"), sealer.seal(b"", b"text"));
    }
}
