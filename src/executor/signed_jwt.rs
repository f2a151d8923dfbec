//! `GET_SIGNED_JWT`: a JSON Web Token that is signed with a key of the store, as services take it for a token of theirs.
//!
//! It is signed again whenever it is asked for again: nothing outside of this process sees that.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::engine::Answer;
use crate::executor::secrets::Handed;
use crate::words::{Map, Payload, Sensitive, Timestamp};

/// The longest time that a token may be good for: services take an hour at most.
const TTL_SECONDS_MAX: i64 = 24 * 60 * 60;
/// By how much the moment of issue may be set back for clocks that go wrong.
const SKEW_SECONDS_MAX: i64 = 300;

/// Returns the answer to a task with this input, and the values that views must hide.
pub(super) fn answer(handed: &Handed, now: Timestamp) -> (Answer, Vec<Sensitive>) {
    let mut resolved = handed.resolved.clone();
    match signed(&handed.input, now) {
        Ok(token) => {
            let output = Payload::new(json!({"_secrets": {"jwt": token.expose()}}));
            resolved.push(token);
            (Answer::Done { output }, resolved)
        }
        Err(reason) => (Answer::Failed { reason, terminal: true }, resolved),
    }
}

fn signed(input: &Value, now: Timestamp) -> Result<Sensitive, String> {
    let text = |name: &str| input[name].as_str().filter(|text| !text.trim().is_empty());
    match text("algorithm") {
        None | Some("RS256") => {}
        Some(other) => return Err(format!("`algorithm` is {other}: RS256 is the one there is")),
    }
    let issuer = text("issuer").ok_or("`issuer` is missing in the input")?;
    let key =
        text("privateKey").ok_or("`privateKey` is missing in the input: give it as `${workflow.secrets.NAME}`")?;
    let ttl = seconds(input, &["ttlInSecond", "ttlInSeconds"])?.ok_or("`ttlInSecond` is missing in the input")?;
    if !(1..=TTL_SECONDS_MAX).contains(&ttl) {
        return Err(format!("`ttlInSecond` must be between 1 and {TTL_SECONDS_MAX}"));
    }
    let skew = seconds(input, &["clockSkewInSecond"])?.unwrap_or(0);
    if !(0..=SKEW_SECONDS_MAX).contains(&skew) {
        return Err(format!("`clockSkewInSecond` must be between 0 and {SKEW_SECONDS_MAX}"));
    }
    let mut header = Map::from_iter([("alg".to_owned(), json!("RS256")), ("typ".to_owned(), json!("JWT"))]);
    header.extend(text("privateKeyId").map(|id| ("kid".to_owned(), json!(id))));
    let issued = now.as_millis().div_euclid(1_000) - skew;
    let mut claims = Map::from_iter([("iss".to_owned(), json!(issuer))]);
    claims.extend(text("subject").map(|subject| ("sub".to_owned(), json!(subject))));
    let audience = Some(&input["audience"]).filter(|audience| audience.is_array() || text("audience").is_some());
    claims.extend(audience.map(|audience| ("aud".to_owned(), audience.clone())));
    claims.extend(scope(&input["scopes"])?.map(|scope| ("scope".to_owned(), json!(scope))));
    claims.extend([("iat".to_owned(), json!(issued)), ("exp".to_owned(), json!(issued + ttl))]);
    sign(&rsa_key(key)?, &Value::Object(header), &Value::Object(claims))
}

/// Returns a number of seconds, as a number or as text.
fn seconds(input: &Value, names: &[&str]) -> Result<Option<i64>, String> {
    let Some((name, value)) = names.iter().map(|name| (name, &input[*name])).find(|(_, value)| !value.is_null()) else {
        return Ok(None);
    };
    // An expression may have made a double of it.
    let whole = value.as_f64().filter(|number| number.fract() == 0.0);
    let number = value.as_i64().or_else(|| whole.and_then(|number| format!("{number:.0}").parse().ok()));
    let number = number.or_else(|| value.as_str()?.trim().parse().ok());
    number.map(Some).ok_or_else(|| format!("`{name}` is not a whole number of seconds"))
}

/// Returns the scopes as one text, with spaces between them.
fn scope(scopes: &Value) -> Result<Option<String>, String> {
    let wrong = || "`scopes` is neither a text nor a list of texts".to_owned();
    let joined = match scopes {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().ok_or_else(wrong)).collect::<Result<Vec<_>, _>>()?.join(" ")
        }
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => return Err(wrong()),
    };
    Ok(Some(joined).filter(|joined| !joined.trim().is_empty()))
}

/// Reads a key in PEM, as PKCS#8 or as PKCS#1, which GitHub gives. No error says what is in it.
fn rsa_key(pem: &str) -> Result<RsaKeyPair, String> {
    // A key that was pasted into JSON once too often has its line breaks as text.
    let pem = Zeroizing::new(pem.replace("\\n", "\n"));
    let is_old = pem.contains("-----BEGIN RSA PRIVATE KEY-----");
    if !is_old && !pem.contains("-----BEGIN PRIVATE KEY-----") {
        let hint = "a PEM text that begins with -----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----";
        return Err(format!("`privateKey` is not {hint}"));
    }
    let lines = pem.lines().map(str::trim).skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let body = Zeroizing::new(lines.take_while(|line| !line.starts_with("-----")).collect::<String>());
    let unreadable = |_| "`privateKey` is no RSA key that can be read, or shorter than 2048 bits".to_owned();
    let der = STANDARD.decode(body.as_bytes()).map(Zeroizing::new);
    let der = der.map_err(|_| "`privateKey` is no whole PEM text: its base64 cannot be read".to_owned())?;
    if is_old { RsaKeyPair::from_der(&der) } else { RsaKeyPair::from_pkcs8(&der) }.map_err(unreadable)
}

fn sign(key: &RsaKeyPair, header: &Value, claims: &Value) -> Result<Sensitive, String> {
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| "the token could not be signed".to_owned())?;
    Ok(Sensitive::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::signed;
    use crate::words::Timestamp;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_500);

    fn pem(label: &str, der: &[u8]) -> String {
        let body = STANDARD.encode(der);
        let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    }

    fn key() -> (RsaKeyPair, String, String) {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().unwrap();
        // The key of PKCS#1 is the last part of the one of PKCS#8, an octet string; its header is 26 bytes here.
        let (new, old) = (pem("PRIVATE KEY", pkcs8.as_ref()), pem("RSA PRIVATE KEY", &pkcs8.as_ref()[26..]));
        (key, new, old)
    }

    /// Returns header and claims of a token whose signature is that key's.
    fn opened(key: &RsaKeyPair, token: &str) -> (Value, Value) {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
        public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        (part(header), part(claims))
    }

    #[test]
    fn a_token_says_what_was_asked_and_its_signature_is_the_keys() {
        let (key, new, old) = key();
        let escaped = new.replace('\n', "\\n");
        for pem in [new, old, escaped] {
            let token = signed(
                &json!({"issuer": "app-1", "subject": "sub-1", "audience": "https://issuer/token", "privateKey": pem,
                    "privateKeyId": "key-123", "ttlInSecond": 600, "scopes": ["read", "write"], "algorithm": "RS256"}),
                NOW,
            );
            let (header, claims) = opened(&key, token.unwrap().expose());
            assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": "key-123"}));
            let expected = json!({"iss": "app-1", "sub": "sub-1", "aud": "https://issuer/token", "scope": "read write",
                "iat": 1_700_000_000, "exp": 1_700_000_600});
            assert_eq!(claims, expected);
        }
    }

    #[test]
    fn what_a_service_does_not_want_is_left_out() {
        let (key, pem, _) = key();
        let input = json!({"issuer": "1234", "privateKey": pem, "ttlInSeconds": "540", "clockSkewInSecond": 60,
            "subject": "", "audience": null, "scopes": []});
        let (header, claims) = opened(&key, signed(&input, NOW).unwrap().expose());
        assert_eq!(header, json!({"alg": "RS256", "typ": "JWT"}));
        assert_eq!(claims, json!({"iss": "1234", "iat": 1_699_999_940, "exp": 1_700_000_480}));
    }

    #[test]
    fn what_is_wrong_is_named_and_no_key_is_quoted() {
        let (_, pem, _) = key();
        let with = |field: &str, value: Value| {
            let mut input = json!({"issuer": "i", "privateKey": pem, "ttlInSecond": 60});
            input[field] = value;
            signed(&input, NOW).err().unwrap_or_default()
        };
        for (field, value, said) in [
            ("issuer", json!(""), "`issuer` is missing"),
            ("algorithm", json!("none"), "RS256"),
            ("ttlInSecond", json!(null), "`ttlInSecond` is missing"),
            ("ttlInSecond", json!(0), "between 1 and 86400"),
            ("ttlInSecond", json!("soon"), "not a whole number of seconds"),
            ("clockSkewInSecond", json!(-1), "between 0 and 300"),
            ("scopes", json!({"a": 1}), "`scopes`"),
            ("privateKey", json!(null), "`privateKey` is missing"),
            ("privateKey", json!("canary-no-pem"), "`privateKey` is not a PEM text"),
            ("privateKey", json!("-----BEGIN PRIVATE KEY-----\ncanary!\n-----END PRIVATE KEY-----"), "base64"),
            ("privateKey", json!("-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----"), "no RSA key"),
        ] {
            let reason = with(field, value.clone());
            assert!(reason.contains(said) && !reason.contains("canary"), "{field} {value}: {reason}");
        }
    }
}
