//! `keytide schema`, and the schemas that `init` keeps.

use boon::{Compiler, Schemas};
use serde_json::Value;

use super::rig::{Test, files};

const KINDS: [&str; 6] = ["workflow", "schedule", "taskdef", "event", "test", "config"];

fn printed(kind: &str) -> String {
    Test::empty().keytide(&["schema", kind]).success().stdout
}

#[test]
fn every_schema_is_a_whole_document_of_its_draft() {
    for kind in KINDS {
        let schema: Value = serde_json::from_str(&printed(kind)).unwrap();
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        assert_eq!(schema["$id"], format!("urn:keytide:schema:{kind}"));
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        // The compiler holds it against the draft that it names.
        compiler.add_resource("schema.json", schema).unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap();
        assert!(schemas.validate(&Value::Null, index).is_err(), "{kind}");
    }
    Test::empty().keytide(&["schema", "secret"]).fails(2).tells("workflow");
}

#[test]
fn init_keeps_the_schemas_and_its_files_name_them() {
    let test = Test::empty();
    test.keytide(&["init"]).success().tells("created  .schemas/");
    for kind in KINDS {
        let kept = std::fs::read_to_string(test.path(&format!(".schemas/{kind}.schema.json"))).unwrap();
        assert_eq!(kept, printed(kind), "{kind}");
    }
    let named = |file: &str, mark: &str| {
        let text = std::fs::read_to_string(test.path(file)).unwrap();
        let way = text.lines().next().unwrap().strip_prefix(mark).unwrap_or_else(|| panic!("{text}")).to_owned();
        let folder = test.path(file).parent().unwrap().to_owned();
        assert!(folder.join(&way).is_file(), "{file}: {way}");
    };
    named("workflows/rotate.yaml", "# yaml-language-server: $schema=");
    named("workflows/rotate.test.yaml", "# yaml-language-server: $schema=");
    named("keytide.toml", "#:schema ");
    // The schemas are no definitions, whatever folder is looked at.
    test.keytide(&["check", "."]).success().tells("1 file");
}

#[test]
fn the_example_names_its_schema_from_wherever_the_workflows_are() {
    let test = Test::empty().file("keytide.toml", "[folders]\nworkflows = \"ops/flows\"\n");
    test.keytide(&["init"]).success();
    let text = std::fs::read_to_string(test.path("ops/flows/rotate.yaml")).unwrap();
    assert!(text.starts_with("# yaml-language-server: $schema=../../.schemas/workflow.schema.json\n"), "{text}");
}

#[test]
fn init_again_brings_old_schemas_up_to_date_and_leaves_what_is_not_ours() {
    let test = Test::empty();
    test.keytide(&["init"]).success();
    let before = files(&test.path(""));
    std::fs::write(test.path(".schemas/workflow.schema.json"), "{\"$id\": \"urn:keytide:schema:workflow\"}").unwrap();
    test.keytide(&["init"]).success().tells("created  .schemas/");
    assert_eq!(files(&test.path("")), before);
    std::fs::write(test.path(".schemas/workflow.schema.json"), "{\"mine\": true}").unwrap();
    test.keytide(&["init"]).success().tells("nothing to do");
    assert_eq!(std::fs::read_to_string(test.path(".schemas/workflow.schema.json")).unwrap(), "{\"mine\": true}");
}
