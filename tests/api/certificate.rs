//! Certificates for 127.0.0.1 that vouch for themselves, for tests that speak TLS.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Writes one DER value.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let length = match (high, low) {
        (0, ..0x80) => vec![low],
        (0, _) => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [&[tag], length.as_slice(), content].concat()
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

/// Makes a certificate that is good until then, as `29990101000000Z`, and its key.
pub(crate) fn certificate_until(end: &str) -> (Vec<u8>, Vec<u8>) {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
    let object = |bytes: &[u8]| der(0x06, bytes);
    let bits = |bytes: &[u8]| der(0x03, &[&[0], bytes].concat());
    let ecdsa_with_sha256 = sequence(&[object(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])]);
    let name = sequence(&[der(0x31, &sequence(&[object(&[0x55, 4, 3]), der(0x0c, b"keytide test")]))]);
    let validity = sequence(&[der(0x18, b"20200101000000Z"), der(0x18, end.as_bytes())]);
    let curve =
        sequence(&[object(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]), object(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7])]);
    let address = sequence(&[der(0x87, &[127, 0, 0, 1])]);
    let alternative_name = sequence(&[object(&[0x55, 0x1d, 0x11]), der(0x04, &address)]);
    let content = sequence(&[
        der(0xa0, &der(0x02, &[2])),
        der(0x02, &[1]),
        ecdsa_with_sha256.clone(),
        name.clone(),
        validity,
        name,
        sequence(&[curve, bits(key.public_key().as_ref())]),
        der(0xa3, &sequence(&[alternative_name])),
    ]);
    let signature = key.sign(&random, &content).unwrap();
    (sequence(&[content, ecdsa_with_sha256, bits(signature.as_ref())]), pkcs8.as_ref().to_vec())
}

/// Makes a certificate that is good for all of our time, and its key.
pub(crate) fn certificate() -> (Vec<u8>, Vec<u8>) {
    certificate_until("29990101000000Z")
}

/// Returns DER as PEM.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}
