//! Ways out of a script, as the advisories about Conductor's evaluators publish them: none leads anywhere.

use keytide::engine::Language;
use serde_json::{Value, json};

use crate::rig::Rig;

/// What each of these would reach is not there, so they throw.
const THROWING: [&str; 22] = [
    "Java.type('java.lang.Runtime').getRuntime().exec('id')",
    "java.lang.Runtime.getRuntime().exec('id')",
    "Packages.java.lang.System.getenv()",
    "new java.lang.ProcessBuilder(['sh', '-c', 'id']).start()",
    "new JavaImporter(java.lang)",
    "importPackage(java.lang); Runtime.getRuntime()",
    "importClass(java.io.File); new File('/etc/passwd')",
    "Polyglot.eval('python', 'import os; os.popen(\"id\").read()')",
    "Polyglot.import('x')",
    "Graal.versionGraalVM",
    "load('http://127.0.0.1/x.js')",
    "loadWithNewGlobal('x')",
    "require('child_process').execSync('id')",
    "process.env",
    "constructor.constructor('return process')().mainModule.require('fs')",
    "(function(){}).constructor('return process.env')()",
    "$.getClass().forName('java.lang.Runtime')",
    "$.v.constructor.constructor('return this.process.exit')()",
    "std.getenv('PATH')",
    "os.exec(['id'])",
    "fetch('http://127.0.0.1')",
    "quit()",
];

/// What these ask about does not exist.
const ABSENT: [&str; 12] =
    ["Java", "java", "Packages", "Polyglot", "Graal", "load", "print", "console", "process", "require", "std", "os"];

#[test]
fn a_payload_of_an_advisory_reaches_nothing() {
    let rig = Rig::new(4_000);
    for payload in THROWING {
        let reason = rig.javascript(payload, json!({"v": 1})).expect_err(payload);
        assert!(reason.starts_with("Error evaluating the script `"), "{payload}: {reason}");
    }
    for name in ABSENT {
        assert_eq!(rig.javascript(&format!("typeof {name}"), json!({})), Ok(json!("undefined")), "{name}");
        assert_eq!(
            rig.javascript(&format!("typeof globalThis['{name}']"), json!({})),
            Ok(json!("undefined")),
            "{name}"
        );
    }
    rig.is_well();
}

#[test]
fn a_module_cannot_be_imported() {
    let rig = Rig::new(4_000);
    for module in ["std", "os", "fs", "/etc/passwd", "./x.js", "data:text/javascript,1"] {
        let source = format!("let said = 'nothing'; import('{module}').then(() => said = 'loaded', () => 0); said");
        assert_eq!(rig.javascript(&source, json!({})), Ok(json!("nothing")), "{module}");
    }
    assert!(rig.javascript("import x from 'std'", json!({})).is_err());
}

#[test]
fn the_functions_of_the_global_object_are_the_languages_own() {
    let names = "Object.getOwnPropertyNames(globalThis).filter(n => n !== '$').sort()";
    let Value::Array(names) = Rig::new(4_000).javascript(names, json!({})).unwrap() else { panic!("a list") };
    let unknown: Vec<_> = names.iter().filter(|name| !LANGUAGE.contains(&name.as_str().unwrap())).collect();
    assert!(unknown.is_empty(), "is {unknown:?} harmless? then add it to the list");
}

/// ECMAScript 2025, and nothing of any host.
const LANGUAGE: [&str; 72] = [
    "AggregateError",
    "Array",
    "ArrayBuffer",
    "AsyncDisposableStack",
    "Atomics",
    "BigInt",
    "BigInt64Array",
    "BigUint64Array",
    "Boolean",
    "DOMException",
    "DataView",
    "Date",
    "DisposableStack",
    "Error",
    "EvalError",
    "FinalizationRegistry",
    "Float16Array",
    "Float32Array",
    "Float64Array",
    "Function",
    "Infinity",
    "Int16Array",
    "Int32Array",
    "Int8Array",
    "InternalError",
    "Iterator",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "Promise",
    "Proxy",
    "RangeError",
    "ReferenceError",
    "Reflect",
    "RegExp",
    "Set",
    "SharedArrayBuffer",
    "String",
    "SuppressedError",
    "Symbol",
    "SyntaxError",
    "TypeError",
    "URIError",
    "Uint16Array",
    "Uint32Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "WeakMap",
    "WeakRef",
    "WeakSet",
    "atob",
    "btoa",
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "escape",
    "eval",
    "gc",
    "globalThis",
    "isFinite",
    "isNaN",
    "navigator",
    "parseFloat",
    "parseInt",
    "queueMicrotask",
    "structuredClone",
    "undefined",
    "unescape",
];

#[test]
fn a_filter_reads_neither_environment_nor_files() {
    let rig = Rig::new(4_000);
    for source in
        ["env", "env.PATH", "$ENV", "$ENV.HOME", "input", "[inputs]", "input_filename", "$__loc__", "get_search_list"]
    {
        assert!(rig.jq(source, json!({})).is_err(), "{source}");
    }
    for source in [
        "include \"/etc/passwd\"; .",
        "import \"a\" as a; .",
        "import \"a\" as $a; $a",
        "halt",
        "halt_error",
        "\"x\" | halt_error(0)",
    ] {
        assert!(rig.jq(source, json!({})).is_err(), "{source}");
    }
    rig.is_well();
}

#[test]
fn what_one_script_leaves_no_other_finds() {
    let rig = Rig::new(4_000);
    for _ in 0..4 {
        let leave = "globalThis.left = 'x'; Object.prototype.left = 'x'; $.left = 'x'; 1";
        assert_eq!(rig.javascript(leave, json!({})), Ok(json!(1)));
        let find = "[typeof left, typeof ({}).left, typeof $.left]";
        assert_eq!(rig.javascript(find, json!({})), Ok(json!(["undefined", "undefined", "undefined"])));
    }
}

#[test]
fn the_local_time_of_the_machine_stays_outside() {
    assert_eq!(Rig::new(4_000).javascript("new Date(0).getHours()", json!({})), Ok(json!(0)));
    assert_eq!(Rig::new(4_000).run(Language::Jq, "0 | localtime | .[3]", json!({})), Ok(json!([0])));
}
