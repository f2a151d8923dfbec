//! `key …`, `recipient …`.

use super::rig::Test;

#[test]
fn a_new_key_opens_the_store_once_it_is_a_recipient() {
    let test = Test::new().secret("token", "some-value");
    let recipient = test.keytide(&["key", "new", "--file", "other.txt"]).success().stdout;
    test.keytide(&["key", "new", "--file", "other.txt"]).fails(4);
    test.keytide(&["--identity", "other.txt", "key", "show"]).success().stdout(&recipient);
    test.keytide(&["--identity", "other.txt", "secret", "list"]).fails(5);
    test.keytide(&["recipient", "add", recipient.trim(), "--name", "other"]).success();
    test.keytide(&["--identity", "other.txt", "secret", "get", "token", "--reveal"]).success().stdout("some-value");
    test.keytide(&["recipient", "rm", "other"]).success().tells("rotate");
    test.keytide(&["--identity", "other.txt", "secret", "list"]).fails(5);
}

#[test]
fn an_identity_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let test = Test::new();
    std::fs::set_permissions(test.identity(), std::fs::Permissions::from_mode(0o644)).unwrap();
    test.keytide(&["secret", "list"]).fails(5).tells("chmod 600");
}
