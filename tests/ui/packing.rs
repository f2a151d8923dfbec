//! What is sent packed: pages and files, where nothing of the address is in them; never what is asked to be shown.

use keytide::ui::{script, stylesheet};

use crate::rig::Site;

const PACKED: [(&str, &str); 1] = [("accept-encoding", "gzip, br")];

#[test]
fn pages_and_files_are_packed_and_nothing_that_says_again_what_was_asked() {
    let site = Site::new();
    let owner = site.owner();
    owner.submit("/add-secret", "/add-secret", &[("name", "token"), ("value", "a-value")]);
    for path in ["/", "/secrets", "/secrets/token", &stylesheet(), &script()] {
        let (plain, packed) = (owner.get(path), owner.raw(path, &PACKED));
        assert_eq!(plain.header("content-encoding"), "", "{path}: nobody asked for it");
        assert_eq!(packed.header("content-encoding"), "gzip", "{path}");
        assert!(packed.header("vary").contains("accept-encoding"), "{path}");
        assert!(packed.bytes < plain.body.len(), "{path}: {} bytes of {}", packed.bytes, plain.body.len());
    }
    for path in ["/?q=token", "/secrets?q=token", "/executions?text=a", "/none"] {
        assert_eq!(owner.raw(path, &PACKED).header("content-encoding"), "", "{path}");
    }
}
