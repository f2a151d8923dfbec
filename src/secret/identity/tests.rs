use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

use super::{Error, Identity, Origin, check_recipient};
use crate::disk::{SystemDisk, replace};

const HERE: Origin = Origin::Variable("KEYTIDE_IDENTITY");

fn refusal(text: &str) -> String {
    Identity::parse(text, &HERE).err().expect("refused").to_string()
}

#[test]
fn an_identity_survives_being_written() {
    let identity = Identity::generate();
    let text = format!("# created: today\n\n{}", identity.to_text().expose());
    assert_eq!(Identity::parse(&text, &HERE).ok().unwrap().recipients(), identity.recipients());
}

#[test]
fn several_identities_in_a_file_are_all_read() {
    let text = [Identity::generate(), Identity::generate()].map(|one| one.to_text().expose().to_owned()).concat();
    assert_eq!(Identity::parse(&text, &HERE).ok().unwrap().recipients().len(), 2);
}

#[test]
fn keys_that_cannot_be_used_are_named() {
    assert!(refusal("AGE-SECRET-KEY-PQ-1QQQ").contains("post-quantum"));
    assert!(refusal("AGE-PLUGIN-YUBIKEY-1QQQ").contains("plugin"));
    assert!(refusal("# only a comment\n").contains("keytide key new"));
    assert!(matches!(check_recipient("age1pq1qqq"), Err(Error::PostQuantum { .. })));
    assert!(matches!(check_recipient("age1yubikey1qqq"), Err(Error::Plugin { .. })));
    assert!(matches!(check_recipient("ssh-ed25519 AAAA"), Err(Error::BadRecipient { .. })));
}

#[test]
fn a_refused_key_is_not_repeated_in_the_error() {
    let error = refusal("\nAGE-SECRET-KEY-1CANARY");
    assert!(error.contains("line 2") && !error.contains("CANARY"), "{error}");
}

#[test]
fn loose_permissions_are_refused_as_ssh_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("identity.txt");
    replace(&SystemDisk, &path, Identity::generate().to_text().expose().as_bytes()).unwrap();
    assert!(Identity::load(&SystemDisk, &path).is_ok());
    set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let error = Identity::load(&SystemDisk, &path).err().unwrap().to_string();
    assert!(error.contains("0644") && error.contains("chmod 600"), "{error}");
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let error = Identity::load(&SystemDisk, &path).err().unwrap().to_string();
    assert!(error.contains("chmod go-w"), "{error}");
}
