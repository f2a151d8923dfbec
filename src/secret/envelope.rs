//! The age file around a text: ASCII armor outside, X25519 recipients.

use std::io::{self, Read, Write};
use std::path::Path;
use std::str::FromStr;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::x25519;
use age::{DecryptError, Decryptor, EncryptError, Encryptor};
use zeroize::Zeroizing;

use super::contents::Recipient;
use super::identity::Identity;
use super::{Error, check_recipient};

/// The longest file that is read: thousands of secrets with all their versions, and no more than a machine has.
pub(super) const FILE_BYTES_MAX: u64 = 32 << 20;

/// An age file without its text: the costly part, which needs the recipients only. It is used once.
pub(super) struct Blank {
    recipients: Vec<Recipient>,
    encryptor: Encryptor,
}

impl Blank {
    /// Prepares a file for these recipients.
    pub(super) fn new(recipients: &[Recipient]) -> Result<Self, Error> {
        let keys = recipients.iter().map(|recipient| parse(&recipient.recipient)).collect::<Result<Vec<_>, _>>()?;
        let encryptor = Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient));
        let encryptor = encryptor.map_err(|error| failed(&error))?;
        Ok(Self { recipients: recipients.to_vec(), encryptor })
    }

    /// Returns whether the file is for these recipients, and no others.
    pub(super) fn is_for(&self, recipients: &[Recipient]) -> bool {
        self.recipients == recipients
    }

    /// Encrypts a text.
    pub(super) fn fill(self, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let sealed = write(self.encryptor, plain).map_err(|error| failed(&EncryptError::Io(error)))?;
        if sealed.len() as u64 > FILE_BYTES_MAX {
            return Err(Error::StoreTooLarge { bytes: sealed.len(), bytes_max: FILE_BYTES_MAX });
        }
        Ok(sealed)
    }
}

/// Encrypts a text to all recipients.
pub(super) fn seal(plain: &[u8], recipients: &[Recipient]) -> Result<Vec<u8>, Error> {
    Blank::new(recipients)?.fill(plain)
}

fn write(encryptor: Encryptor, plain: &[u8]) -> io::Result<Vec<u8>> {
    // Armor is a third longer; the header takes about 200 bytes a recipient.
    let output = Vec::with_capacity(plain.len() + plain.len() / 2 + 1024);
    let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(output, Format::AsciiArmor)?)?;
    writer.write_all(plain)?;
    writer.finish()?.finish()
}

/// Decrypts a file, armored or not.
pub(super) fn open(sealed: &[u8], identity: &Identity, path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let unreadable = |reason: String| Error::Unreadable { path: path.to_owned(), reason };
    if has_conflict_markers(sealed) {
        return Err(unreadable("it holds conflict markers of a merge".to_owned()));
    }
    let explain = |error: DecryptError| match error {
        DecryptError::NoMatchingKeys => Error::NotARecipient { path: path.to_owned() },
        other => unreadable(other.to_string()),
    };
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(sealed)).map_err(explain)?;
    let mut reader = decryptor.decrypt(identity.keys().map(|key| key as &dyn age::Identity)).map_err(explain)?;
    // The text is shorter than the file; with the room taken first, no copy is left behind by growing.
    let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
    reader.read_to_end(&mut plain).map_err(|error| unreadable(error.to_string()))?;
    Ok(plain)
}

fn parse(recipient: &str) -> Result<x25519::Recipient, Error> {
    check_recipient(recipient)?;
    x25519::Recipient::from_str(recipient).map_err(|_| Error::BadRecipient { recipient: recipient.to_owned() })
}

fn has_conflict_markers(sealed: &[u8]) -> bool {
    sealed.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"<<<<<<<") || line.starts_with(b">>>>>>>"))
}

fn failed(error: &EncryptError) -> Error {
    Error::Encryption { reason: error.to_string() }
}
