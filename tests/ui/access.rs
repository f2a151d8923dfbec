//! The page of rights: applications, keys, grants and groups; the owner's alone.

use keytide::settings::Settings;
use keytide::words::{Grant, GrantTarget, Grantee, Permission};

use crate::rig::Site;
use crate::server::Answer;

fn leads_to(answer: &Answer, path: &str) {
    assert_eq!((answer.status, answer.header("location")), (303, path), "{answer:?}");
}

/// Returns what stands behind a term of the page.
fn fact(page: &str, term: &str) -> String {
    let (_, rest) = page.split_once(&format!("<dt>{term}</dt><dd class=\"mono\"")).expect("the page says it");
    let (_, rest) = rest.split_once('>').unwrap();
    rest.split('<').next().unwrap_or_default().to_owned()
}

#[test]
fn an_application_is_made_granted_something_and_shut_out_again() {
    let site = Site::new();
    let owner = site.owner();
    owner.submit("/add-secret", "/add-secret", &[("name", "token"), ("value", "a-value")]);
    leads_to(&owner.submit("/access", "/access/applications", &[("name", "ci")]), "/access?done=app-made");
    let shown = owner.submit("/access", "/access/applications/ci/keys", &[]);
    assert_eq!(shown.status, 200, "{shown:?}");
    let (id, secret) = (fact(&shown.body, "Key id"), fact(&shown.body, "Key secret"));
    assert!(!owner.get("/access").body.contains(&secret), "it is shown once");

    let mut client = site.stranger();
    let signed_in = client.send("/sign-in", &[("key-id", &id), ("key-secret", &secret)]);
    client.take_cookie(&signed_in);
    assert_eq!(client.get("/secrets/token").status, 404);
    let may = [("to", "app:ci"), ("on", "secret:to*"), ("may-READ", "yes"), ("may-UPDATE", "yes")];
    leads_to(&owner.submit("/access", "/access/grants", &may), "/access?done=granted");
    assert_eq!(client.get("/secrets/token").status, 200);
    leads_to(&owner.submit("/access", "/access/grants/revoke", &[]), "/access?done=revoked");
    assert_eq!(client.get("/secrets/token").status, 404);

    let toggled = owner.submit("/access", "/access/applications/ci/key", &[("change", "toggle")]);
    leads_to(&toggled, "/access?done=key-changed");
    assert_eq!(client.get("/").status, 303, "it is signed out");
    assert!(owner.get("/access").body.contains("disabled"));
    let removed = owner.submit("/access", "/access/applications/ci/key", &[("change", "remove")]);
    leads_to(&removed, "/access?done=key-removed");
    assert!(owner.get("/access").body.contains("none: it cannot sign in"));
    leads_to(&owner.submit("/access", "/access/applications/ci/remove", &[]), "/access?done=app-removed");
    assert!(!owner.get("/access").body.contains("applications/ci/"));
}

#[test]
fn a_group_has_members_and_what_is_granted_to_it() {
    let site = Site::new();
    let owner = site.owner();
    owner.submit("/add-secret", "/add-secret", &[("name", "token"), ("value", "a-value")]);
    let client = site.application("ci");
    leads_to(&owner.submit("/access", "/access/groups", &[("name", "team")]), "/access?done=group-made");
    let joined = owner.submit("/access", "/access/groups/team/join", &[("member", "app:ci")]);
    leads_to(&joined, "/access?done=group-changed");
    owner.submit("/access", "/access/grants", &[("to", "group:team"), ("on", "secret:token"), ("may-READ", "yes")]);
    assert_eq!(client.get("/secrets/token").status, 200);
    leads_to(&owner.submit("/access", "/access/groups/team/leave", &[]), "/access?done=group-changed");
    assert_eq!(client.get("/secrets/token").status, 404);
    leads_to(&owner.submit("/access", "/access/groups/team/remove", &[]), "/access?done=group-removed");
    assert!(!owner.get("/access").body.contains("group:team"), "what was granted to it went with it");
}

#[test]
fn what_is_wrong_is_said_on_the_page_and_nothing_is_changed() {
    let site = Site::new();
    let owner = site.owner();
    for (action, fields, said) in [
        ("/access/applications", vec![("name", "a b")], "name"),
        ("/access/grants", vec![("to", "ci"), ("on", "secret:x"), ("may-READ", "yes")], "`ci` is not understood"),
        ("/access/grants", vec![("to", "app:ci"), ("on", "x"), ("may-READ", "yes")], "`x` is not understood"),
        ("/access/grants", vec![("to", "app:ci"), ("on", "secret:x")], "Tick what may be done"),
        ("/access/grants", vec![("to", "app:ci"), ("on", "secret:x"), ("may-READ", "yes")], "nobody called"),
        ("/access/groups", vec![("name", "<img src=x>")], "name"),
    ] {
        let answer = owner.submit("/access", action, &fields);
        assert!((400..500).contains(&answer.status), "{action}: {answer:?}");
        assert!(answer.body.contains(said) && answer.body.contains("<h1>Access</h1>"), "{action}: {}", answer.body);
        assert!(!answer.body.contains("<img src=x>"));
    }
    let page = owner.get("/access").body;
    assert!(page.contains("Nothing is granted") && page.contains("None. A group"), "{page}");
}

#[test]
fn rights_of_the_settings_are_shown_and_changed_in_their_file_alone() {
    let site = Site::with(|settings: &mut Settings| {
        settings.access.workflows_granted = true;
        settings.access.groups.insert("ops".to_owned(), vec![Grantee::App("ci".to_owned())]);
        settings.access.grants.push(Grant {
            to: Grantee::Group("ops".to_owned()),
            on: GrantTarget::Secret("<b>*".to_owned()),
            access: vec![Permission::Read],
        });
    });
    let page = site.owner().get("/access").body;
    assert!(page.contains("group:ops") && page.contains("secret:&lt;b&gt;*") && !page.contains("<b>*"), "{page}");
    assert!(!page.contains("/access/grants/revoke") && !page.contains("/access/groups/ops/"), "{page}");
    assert!(page.contains("only the secrets that are granted"), "{page}");
}

#[test]
fn nobody_but_the_owner_sees_or_changes_rights() {
    let site = Site::new();
    let client = site.application("ci");
    assert_eq!(client.get("/access").status, 403);
    assert!(!client.get("/").body.contains("/access"));
    let token = client.form_token("/");
    for (path, fields) in [
        ("/access/applications", vec![("name", "other")]),
        ("/access/applications/ci/keys", vec![]),
        ("/access/applications/ci/key", vec![("key", "0"), ("change", "toggle")]),
        ("/access/applications/ci/remove", vec![]),
        ("/access/grants", vec![("to", "app:ci"), ("on", "secret:*"), ("may-READ", "yes")]),
        ("/access/grants/revoke", vec![("to", "app:ci"), ("on", "secret:*"), ("may-READ", "yes")]),
        ("/access/groups", vec![("name", "team")]),
        ("/access/groups/team/join", vec![("member", "app:ci")]),
        ("/access/groups/team/leave", vec![("member", "app:ci")]),
        ("/access/groups/team/remove", vec![]),
    ] {
        let mut fields = fields;
        fields.push(("form-token", &token));
        let answer = client.send(path, &fields);
        assert_eq!(answer.status, 403, "{path}: {answer:?}");
    }
    let page = site.owner().get("/access").body;
    assert!(page.contains("Nothing is granted") && !page.contains("applications/other/"), "{page}");
}

#[test]
fn a_right_of_the_settings_says_its_file_and_line_and_a_new_key_can_be_copied() {
    let text = "[groups]\nops = [\"app:ci\"]\n\n[[grant]]\nto = \"app:ci\"\non = \"secret:a\"\naccess = [\"READ\"]\n";
    let source = keytide::words::Source { name: "keytide.toml".into(), text: text.into() };
    let site = Site::with(|settings: &mut Settings| {
        let (read, problems) = Settings::load(Some(&source), None, None);
        assert!(problems.is_empty(), "{}", problems.len());
        *settings = read;
    });
    let owner = site.owner();
    let page = owner.get("/access").body;
    assert!(page.contains("keytide.toml:4") && page.contains("keytide.toml:2"), "{page}");
    owner.submit("/access", "/access/applications", &[("name", "ci")]);
    let shown = owner.submit("/access", "/access/applications/ci/keys", &[]).body;
    assert_eq!(shown.matches("data-copies=\"key-").count(), 2, "{shown}");
    assert!(shown.contains("id=\"key-id\"") && shown.contains("id=\"key-secret\""), "{shown}");
}
