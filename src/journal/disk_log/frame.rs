use sha2::{Digest as _, Sha256};

/// The length of a body, then the start of its hash, come before it.
const LENGTH_BYTES: usize = 4;

/// So much of SHA-256 tells a torn body from a whole one.
const SUM_BYTES: usize = 8;

/// Puts a body between what is needed to find its end and to see that it is whole.
pub(super) fn frame(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a batch is far below 4 GiB");
    [length.to_be_bytes().as_slice(), &Sha256::digest(body)[..SUM_BYTES], body].concat()
}

/// Takes the first body off a file's bytes; `None` at the end, and where the rest is torn.
pub(super) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
    let (sum, rest) = rest.split_first_chunk::<SUM_BYTES>()?;
    let (body, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    (Sha256::digest(body)[..SUM_BYTES] == *sum).then_some((body, rest))
}
