use std::collections::{BTreeMap, BTreeSet};

use super::pattern::{name_matches, path_matches};
use super::{FiledTags, Policy, Principal, Tagged, Target, TargetKind};
use crate::words::{App, Grant, GrantTarget, Grantee, Owner, Permission};

const FILE: &str = "workflows/github/rotate.yaml";

fn grant(to: &str, on: &str, access: &[Permission]) -> Grant {
    let (to, on) = (Grantee::parse(to).unwrap(), GrantTarget::parse(on).unwrap());
    Grant { to, on, access: access.to_vec() }
}

fn policy(grants: &[(&str, &str)]) -> Policy {
    let groups = [
        ("build", vec!["app:ci", "file:workflows/build/**", "group:nested"]),
        ("nested", vec!["workflow:nightly_*", "group:build"]),
    ];
    let groups = groups.map(|(name, members)| {
        (name.to_owned(), members.into_iter().map(|member| Grantee::parse(member).unwrap()).collect())
    });
    let grants = grants.iter().map(|(to, on)| grant(to, on, &[Permission::Read, Permission::Update]));
    Policy::new(true, groups.into(), grants.collect()).with_applications([App::parse("ci")].into())
}

fn principals() -> [(Owner, Option<&'static str>); 5] {
    [
        (Owner::File(FILE.to_owned()), Some("rotate")),
        (Owner::File("workflows/build/a/b.yaml".to_owned()), Some("compile")),
        (Owner::File("other/x.yaml".to_owned()), Some("nightly_7")),
        (Owner::App(App::parse("ci")), Some("rotate")),
        (Owner::Local, None),
    ]
}

/// Returns which of the principals may read that, as a row of letters.
fn readers(policy: &Policy, kind: TargetKind, name: &str) -> String {
    let tags = BTreeMap::from([("team".to_owned(), "build".to_owned())]);
    let target = Target { kind, name, tags: &tags };
    let allowed = principals()
        .map(|(owner, workflow)| policy.allows(Principal { owner: &owner, workflow }, Permission::Read, &target));
    allowed.into_iter().zip("fbnal".chars()).map(|(yes, letter)| if yes { letter } else { '-' }).collect()
}

#[test]
fn every_kind_of_grant_reaches_whom_it_names_and_nobody_else() {
    for (to, on, name, expected) in [
        ("file:workflows/github/**", "secret:github_*", "github_token", "f---l"),
        ("file:workflows/github/**", "secret:github_*", "gitlab_token", "----l"),
        ("file:workflows/*", "secret:*", "github_token", "----l"),
        ("file:**", "secret:*", "github_token", "fbn-l"),
        ("workflow:rotate", "secret:*", "t", "f---l"),
        ("workflow:*", "secret:*", "t", "fbn-l"),
        ("app:ci", "secret:t", "t", "---al"),
        ("app:*", "secret:t", "t", "----l"),
        ("group:build", "secret:t", "t", "-bnal"),
        ("group:nested", "secret:t", "t", "-bnal"),
        ("group:unknown", "secret:t", "t", "----l"),
        ("app:ci", "tag:team:build", "t", "---al"),
        ("app:ci", "tag:team:other", "t", "----l"),
        ("app:ci", "workflow:*", "t", "----l"),
        ("app:ci", "schedule:*", "t", "----l"),
        ("app:ci", "environment:*", "t", "----l"),
    ] {
        assert_eq!(readers(&policy(&[(to, on)]), TargetKind::Secret, name), expected, "{to} on {on}");
    }
}

#[test]
fn every_kind_of_target_is_apart() {
    let kinds = [TargetKind::Secret, TargetKind::Workflow, TargetKind::Schedule, TargetKind::Environment];
    for (index, on) in ["secret:x", "workflow:x", "schedule:x", "environment:x"].into_iter().enumerate() {
        for (other, kind) in kinds.into_iter().enumerate() {
            let expected = if index == other { "---al" } else { "----l" };
            assert_eq!(readers(&policy(&[("app:ci", on)]), kind, "x"), expected, "{on} {kind:?}");
        }
    }
}

#[test]
fn each_permission_is_granted_by_itself() {
    let tags = BTreeMap::new();
    let target = Target { kind: TargetKind::Secret, name: "t", tags: &tags };
    let owner = Owner::App(App::parse("ci"));
    for given in Permission::ALL {
        let policy = Policy::new(true, BTreeMap::new(), vec![grant("app:ci", "secret:t", &[given])]);
        let policy = policy.with_applications([App::parse("ci")].into());
        for asked in Permission::ALL {
            let allowed = policy.allows(Principal { owner: &owner, workflow: None }, asked, &target);
            assert_eq!(allowed, asked == given, "{given} {asked}");
        }
    }
}

#[test]
fn an_application_that_was_removed_may_do_nothing() {
    let policy = policy(&[("app:ci", "secret:*"), ("group:build", "secret:*")]);
    let target = Target { kind: TargetKind::Secret, name: "t", tags: &BTreeMap::new() };
    let (owner, workflow) = (Owner::App(App::parse("ci")), None);
    let allows = |policy: &Policy| policy.allows(Principal { owner: &owner, workflow }, Permission::Read, &target);
    assert!(allows(&policy));
    assert!(!allows(&policy.with_applications(BTreeSet::new())));
}

#[test]
fn open_access_is_for_the_folder_and_not_for_applications() {
    let open = Policy::new(false, BTreeMap::new(), Vec::new());
    assert_eq!(readers(&open, TargetKind::Secret, "t"), "fbn-l");
    let closed = Policy::new(true, BTreeMap::new(), Vec::new());
    assert_eq!(readers(&closed, TargetKind::Secret, "t"), "----l");
}

#[test]
fn patterns_match_whole_names_only() {
    for (pattern, name, expected) in [
        ("a*c", "abc", true),
        ("a*c", "ac", true),
        ("a*c", "abcd", false),
        ("*", "", true),
        ("", "a", false),
        ("*a*b*", "xxaxxbxx", true),
        ("A", "a", false),
        ("*ab", "aab", true),
    ] {
        assert_eq!(name_matches(pattern, name), expected, "{pattern} {name}");
    }
    assert!(!name_matches(&"*a".repeat(1_000), &"a".repeat(20_000).replace("aaaa", "aaab")));
}

#[test]
fn globs_match_folder_by_folder_and_never_a_path_that_climbs() {
    for (glob, path, expected) in [
        ("workflows/*.yaml", "workflows/a.yaml", true),
        ("workflows/*.yaml", "workflows/x/a.yaml", false),
        ("workflows/**", "workflows/x/y/a.yaml", true),
        ("workflows/**/a.yaml", "workflows/a.yaml", true),
        ("**/build/*", "w/x/build/a.yaml", true),
        ("workflows/build/**", "workflows/build_other/a.yaml", false),
        ("workflows/build/**", "workflows/build/../secret/a.yaml", false),
        ("**", "/etc/passwd", false),
        ("**", "a//b", false),
    ] {
        assert_eq!(path_matches(glob, path), expected, "{glob} {path}");
    }
}

#[test]
fn what_two_moments_say_alike_is_all_that_holds_between_them() {
    let said = |of: &[(&str, &[(&str, &str)])]| {
        let mut filed = FiledTags::default();
        for (name, tags) in of {
            let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            filed.set(Tagged::Workflow, (*name).to_owned(), "f.yaml".to_owned(), tags);
        }
        filed
    };
    let before = said(&[("stays", &[("a", "1"), ("b", "1")]), ("goes", &[("a", "1")])]);
    let after = said(&[("stays", &[("a", "1"), ("b", "2"), ("c", "1")]), ("comes", &[("a", "1")])]);
    let between = said(&[("stays", &[("a", "1")]), ("goes", &[]), ("comes", &[])]);
    assert_eq!(before.shared_with(&after), between);
    assert_eq!(after.shared_with(&before), between);
}
