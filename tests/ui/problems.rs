//! The page of what somebody has to look at: the owner's alone.

use crate::rig::Site;

#[test]
fn what_is_wrong_is_shown_to_the_owner_alone() {
    let site = Site::new();
    let owner = site.owner();
    assert!(owner.get("/problems").body.contains("Nothing needs a look."));
    let name = "<img src=x>.json";
    std::fs::write(site.server.folder().join("workflows").join(name), "{\"name\": }").unwrap();
    let is_told = || owner.get("/problems").body.contains("&lt;img src=x&gt;.json");
    // The folder is watched beside.
    assert!((0..100_000).any(|_| is_told()), "the page never tells it");
    assert!(!owner.get("/problems").body.contains("<img src=x>"));
    let broken = "{\n\"name\": \"broken\",\n\"tasks\": [{\"name\": \"n\", \"taskReferenceName\": \"n\", \"type\": \"NONSENSE\", \"evil\": \"<script>\",\n\"inputParameters\": {\"_secrets\": {\"secretKey\": \"a\", \"secretValue\": \"canary-1234abcd\"}}}, 7]}\n";
    std::fs::write(site.server.folder().join("workflows/broken.json"), broken).unwrap();
    let link = "/problems?file=workflows%2Fbroken.json#L4\"";
    assert!((0..100_000).any(|_| owner.get("/problems").body.contains(link)), "{}", owner.get("/problems").body);
    let source = owner.get("/problems?file=workflows%2Fbroken.json").body;
    assert!(source.contains("id=\"L4\"") && source.contains("&lt;script&gt;") && source.contains("***"), "{source}");
    assert!(!source.contains("canary-1234abcd") && !source.contains("<script>"), "{source}");
    for none in ["workflows/none.json", "../keytide.toml", "secrets.age", "<script>"] {
        let answer = owner.get(&format!("/problems?{}", crate::rig::encoded(&[("file", none)])));
        assert!(
            answer.status == 200 && !answer.body.contains("id=\"L1\"") && !answer.body.contains("<script>"),
            "{none}"
        );
    }
    let client = site.application("client");
    let answer = client.get("/problems");
    assert_eq!(answer.status, 403);
    assert!(!answer.body.contains("src=x"), "{}", answer.body);
    assert!(!client.get("/").body.contains("/problems") && owner.get("/").body.contains("/problems"));
}
