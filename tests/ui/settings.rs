//! The page of the settings: the owner's alone.

use crate::rig::Site;

#[test]
fn every_setting_is_shown_to_the_owner_alone_with_where_it_comes_from() {
    let site = Site::with(|settings| {
        settings.environment.insert("host".to_owned(), "<img src=x>".into());
        settings.environment.insert("copied".to_owned(), "canary-value".into());
    });
    let owner = site.owner();
    owner.submit("/add-secret", "/add-secret", &[("name", "token"), ("value", "canary-value")]);
    let page = owner.get("/settings").body;
    for part in ["secrets.versions", "access.workflows", "default", "environment.host", "&lt;img src=x&gt;"] {
        assert!(page.contains(part), "no {part}: {page}");
    }
    assert!(!page.contains("<img src=x>"));
    assert!(!page.contains("canary-value"), "a value of the store is masked wherever it stands");
    assert!(!owner.get("/settings?q=versions").body.contains("access.workflows"));
    let project = site.server.folder().display().to_string();
    for part in ["badge good", "store.age", "journal.db", &*project, "age1"] {
        assert!(page.contains(part), "no {part}: {page}");
    }
    assert!(page.contains(&format!("{project}/identity.txt")) && page.contains("from the tests"), "{page}");
    assert!(!page.contains("AGE-SECRET-KEY"));
    let client = site.application("client");
    assert_eq!(client.get("/settings").status, 403);
    assert!(!client.get("/").body.contains("/settings"));
}
