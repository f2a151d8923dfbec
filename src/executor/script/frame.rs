//! What parent and child say to each other: pieces of bytes, each after its length.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::limits::Limits;
use crate::engine::Language;

/// The longest piece: the largest input there is, with every character escaped.
const PIECE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What precedes a piece.
pub(super) const LENGTH_BYTES: usize = 4;

/// The first piece of a request; the second is the input as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    pub(super) language: Language,
    pub(super) source: String,
    pub(super) limits: Limits,
}

/// What an evaluation came to, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The result as JSON.
    Gave(String),
    /// Why there is none.
    Failed(String),
}

impl Said {
    /// Returns the one piece of an answer.
    pub(super) fn into_piece(self) -> Vec<u8> {
        let (kind, text) = match self {
            Self::Gave(text) => (b'+', text),
            Self::Failed(text) => (b'-', text),
        };
        let mut piece = text.into_bytes();
        piece.insert(0, kind);
        piece
    }

    /// Reads the one piece of an answer.
    pub(super) fn from_piece(mut piece: Vec<u8>) -> Option<Self> {
        let kind = *piece.first()?;
        piece.remove(0);
        let text = String::from_utf8(piece).ok()?;
        match kind {
            b'+' => Some(Self::Gave(text)),
            b'-' => Some(Self::Failed(text)),
            _ => None,
        }
    }
}

/// Puts a piece after its length.
pub(super) fn framed(piece: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let length = u32::try_from(piece.len()).ok().filter(|_| piece.len() <= PIECE_BYTES_MAX);
    let length = length.ok_or_else(|| io::Error::other("it is too large to be sent"))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(piece);
    Ok(())
}

/// Returns how long the piece is that follows.
pub(super) fn length(bytes: [u8; LENGTH_BYTES]) -> io::Result<usize> {
    let length = u32::from_le_bytes(bytes) as usize;
    if length > PIECE_BYTES_MAX {
        return Err(io::Error::other("the piece is too large"));
    }
    Ok(length)
}

/// Reads a piece; none where the other side has closed.
pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = [0; LENGTH_BYTES];
    match from.read_exact(&mut bytes) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut piece = vec![0; length(bytes)?];
    from.read_exact(&mut piece)?;
    Ok(Some(piece))
}

/// Writes a piece.
pub(super) fn write(to: &mut impl Write, piece: &[u8]) -> io::Result<()> {
    let mut out = Vec::with_capacity(piece.len() + LENGTH_BYTES);
    framed(piece, &mut out)?;
    to.write_all(&out)?;
    to.flush()
}
