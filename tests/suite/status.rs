//! `keytide status`: for people at a terminal, and by its exit code for what watches.

use super::rig::{Running, Test};

#[test]
fn the_exit_code_says_whether_somebody_has_to_look_wherever_it_is_asked() {
    let test = Test::new().secret("by_hand", "a-secret-value");
    test.keytide(&["status"]).fails(6).prints("by_hand  unmanaged  1").tells("keytide serve");
    let mut serving = Running::serve(&test, &["--listen", "127.0.0.1:0", "--open"]);
    let line = serving.until("listening on ");
    let address = line.split_whitespace().find(|word| word.starts_with("http")).unwrap().trim_end_matches(',');
    let far = Test::empty();
    let places = [(&test, vec!["status"]), (&far, vec!["--server", address, "status"])];
    for (place, command) in &places {
        let asked = |more: &[&str]| place.keytide(&[command, more].concat());
        let known = asked(&["-o", "json"]).success().json();
        assert_eq!((&known["isServed"], &known["needsAttention"]), (&true.into(), &false.into()), "{known}");
        assert_eq!(known["rotations"][0]["freshness"], "unmanaged");
        assert!(!known.to_string().contains("a-secret-value"));
        asked(&["by_hand"]).success().prints("no workflow rotates it");
        asked(&["by_hnad"]).fails(3).tells("did you mean `by_hand`?");
    }
    let ended = ["secret", "set", "old", "--expires", "2001-01-01T00:00:00Z"];
    let soon = test.stdin("another-value");
    soon.keytide(&ended).success();
    // The daemon sees what another process stored when it is asked.
    let said = soon.keytide(&["status"]).fails(1).tells("`old` is expiring: it expired at 2001-01-01T00:00:00Z");
    let first = said.stdout.lines().nth(1).unwrap();
    assert!(first.starts_with("old "), "the worst comes first: {}", said.stdout);
    soon.keytide(&["status", "by_hand"]).success();
}
