use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::words::{Sensitive, Timestamp};

/// How long a token is good for: clients keep theirs up to 45 minutes and do not all ask again when one is refused.
pub(super) const TOKEN_LIFE: Duration = Duration::from_hours(2);
/// The longest token that is looked at; ours have under 400 bytes.
const TOKEN_BYTES_MAX: usize = 2_048;
/// The one header that our tokens have: no other algorithm is known here, so none can be asked for.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Signs the tokens of one store and knows them again.
#[derive(Clone)]
pub struct Signer(Zeroizing<[u8; 32]>);

/// What a token says: who signed in, with which key, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who: `app:NAME`.
    pub sub: String,
    /// The application's name, as clients show it.
    pub name: String,
    /// The id of the key.
    pub key: String,
    /// When it was signed, in seconds since 1970.
    pub iat: i64,
    /// Until when it is good, in seconds since 1970.
    pub exp: i64,
    /// What no other token has: a client takes one that equals its last for a server that signs nobody in again.
    #[serde(default)]
    pub jti: String,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untrusted {
    /// It was ours, and its time is over.
    Expired,
    /// It is none of ours.
    Invalid,
}

impl Signer {
    /// Returns what signs with this key.
    pub const fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    /// Returns a token for an application that signed in; no other one has its `id`.
    pub fn sign(&self, application: &str, key_id: &str, id: String, now: Timestamp) -> Sensitive {
        let seconds = |moment: Timestamp| moment.as_millis().div_euclid(1_000);
        let claims = Claims {
            sub: format!("app:{application}"),
            name: application.to_owned(),
            key: key_id.to_owned(),
            iat: seconds(now),
            exp: seconds(now.plus(TOKEN_LIFE)),
            jti: id,
        };
        let claims = serde_json::to_vec(&claims).expect("claims are text and numbers");
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.mac(&signed).finalize().into_bytes());
        Sensitive::new(format!("{signed}.{signature}"))
    }

    /// Returns what a token says, where it is ours and its time is not over.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<Claims, Untrusted> {
        let claims = self.trusted(token).ok_or(Untrusted::Invalid)?;
        if now.as_millis() < claims.exp.saturating_mul(1_000) { Ok(claims) } else { Err(Untrusted::Expired) }
    }

    /// Nothing of a token is looked at before its signature.
    fn trusted(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.').filter(|_| token.len() <= TOKEN_BYTES_MAX)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        // It compares in constant time.
        self.mac(signed).verify_slice(&signature).ok()?;
        let (header, claims) = signed.split_once('.')?;
        if URL_SAFE_NO_PAD.decode(header).ok()? != HEADER.as_bytes() {
            return None;
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes a key of any length");
        mac.update(signed.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hmac::Mac as _;
    use zeroize::Zeroizing;

    use super::{HEADER, Signer, TOKEN_LIFE, Untrusted};
    use crate::words::Timestamp;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn signer(byte: u8) -> Signer {
        Signer::new(Zeroizing::new([byte; 32]))
    }

    #[test]
    fn a_token_says_who_signed_in_until_its_time_is_over() {
        let token = signer(1).sign("ci", "k1", "one".to_owned(), NOW);
        let claims = signer(1).read(token.expose(), NOW).unwrap();
        assert_eq!((claims.sub.as_str(), claims.name.as_str(), claims.key.as_str()), ("app:ci", "ci", "k1"));
        assert!(claims.exp - claims.iat >= 60 * 60, "clients keep a token for most of an hour");
        let end = NOW.plus(TOKEN_LIFE);
        let last = Timestamp::from_millis(end.as_millis() - 1);
        assert!(signer(1).read(token.expose(), last).is_ok());
        assert_eq!(signer(1).read(token.expose(), end), Err(Untrusted::Expired));
    }

    #[test]
    fn a_token_that_anybody_touched_is_none_of_ours() {
        let token = signer(1).sign("ci", "k1", "one".to_owned(), NOW);
        let text = token.expose();
        assert_eq!(signer(2).read(text, NOW), Err(Untrusted::Invalid), "another store's");
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let touched = String::from_utf8(bytes).unwrap();
            assert_eq!(signer(1).read(&touched, NOW), Err(Untrusted::Invalid), "{at}");
        }
        for wrong in ["", ".", "..", "a.b.c", &text[..text.len() - 1], &format!("{text}.{text}"), &"x".repeat(9_999)] {
            assert_eq!(signer(1).read(wrong, NOW), Err(Untrusted::Invalid), "{wrong}");
        }
    }

    #[test]
    fn no_other_algorithm_can_be_asked_for() {
        let claims = signer(1).sign("ci", "k1", "one".to_owned(), NOW).expose().split('.').nth(1).unwrap().to_owned();
        let unsigned = format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#));
        assert_eq!(signer(1).read(&unsigned, NOW), Err(Untrusted::Invalid));
        let signed = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(HEADER.replace("HS256", "HS512")));
        let signature = URL_SAFE_NO_PAD.encode(signer(1).mac(&signed).finalize().into_bytes());
        assert_eq!(signer(1).read(&format!("{signed}.{signature}"), NOW), Err(Untrusted::Invalid));
    }
}
