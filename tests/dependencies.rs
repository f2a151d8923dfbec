//! What may enter the build: licences, crates that stay out, and duplicates. It reads `cargo metadata` of the lock file
//! for this platform. Advisories need a database and the network, so they are not asked here.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Licences that a binary under MIT or Apache-2.0 can carry.
const LICENSES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    // The root certificates.
    "CDLA-Permissive-2.0",
    // `notify`.
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    // The ICU data behind host names.
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that stay out, and why.
const BANNED: &[(&str, &str)] = &[
    ("openssl", "TLS is rustls"),
    ("openssl-sys", "TLS is rustls"),
    ("native-tls", "TLS is rustls"),
    ("rsa", "RUSTSEC-2023-0071; keep `age/ssh` off"),
    ("serde_yaml", "deprecated, takes duplicate keys silently, grows without bound on a merge bomb"),
    ("serde_yml", "RUSTSEC-2025-0068, unsound"),
    ("libyml", "RUSTSEC-2025-0067, unsound"),
    ("yaml-rust", "RUSTSEC-2024-0320, unmaintained"),
    ("yaml-rust2", "aborts or hangs on small attack files"),
    ("chrono-tz", "its time zones are a year old; jiff brings its own"),
    ("tokio-cron-scheduler", "freezes the offset, has no misfire rule, takes no test clock"),
    ("cron", "takes weekday 1 for Sunday and refuses `L W #`"),
    ("atty", "unmaintained; std knows terminals"),
    ("sled", "no release since 2021"),
];

/// Crates that are there in two incompatible versions, and who still wants the older one.
const TWICE: &[(&str, &str)] = &[
    ("base64", "age, and we share its version; reqwest moved on"),
    ("block-buffer", "age's generation of RustCrypto"),
    ("chacha20", "age's generation of RustCrypto"),
    ("const-oid", "age's generation of RustCrypto"),
    ("cpufeatures", "age's generation of RustCrypto"),
    ("crypto-common", "age's generation of RustCrypto"),
    ("digest", "age's generation of RustCrypto"),
    ("foldhash", "jaq-json's; hashbrown moved on"),
    ("getrandom", "age's generation of rand"),
    ("hybrid-array", "age's post-quantum preview"),
    ("rand", "age's generation of rand"),
    ("rand_core", "age's generation of rand"),
    ("sha2", "age's generation of RustCrypto"),
    ("syn", "the derive macros are moving from 2 to 3"),
    ("thiserror", "age's translations"),
    ("thiserror-impl", "age's translations"),
    ("toml", "age's translations"),
    ("tower-http", "reqwest's"),
];

#[test]
fn every_licence_is_one_we_can_carry() {
    let mut problems = Vec::new();
    for package in packages() {
        let license = text(&package, "license");
        if !is_allowed(license) {
            problems.push(format!("{} {}: licence `{license}`", text(&package, "name"), text(&package, "version")));
        }
    }
    assert!(problems.is_empty(), "choose another crate, or add the licence with its reason:\n{}", problems.join("\n"));
}

#[test]
fn a_banned_crate_stays_out() {
    let names: BTreeSet<String> = packages().iter().map(|package| text(package, "name").to_owned()).collect();
    let found: Vec<_> = BANNED.iter().filter(|(name, _)| names.contains(*name)).collect();
    assert!(found.is_empty(), "`cargo tree -i NAME` shows who brings them: {found:?}");
}

#[test]
fn no_crate_comes_twice_without_a_reason() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        let (name, version) = (text(&package, "name"), text(&package, "version"));
        versions.entry(name.to_owned()).or_default().insert(compatible(version));
    }
    let twice = versions.iter().filter(|(_, versions)| versions.len() > 1);
    let new: Vec<_> = twice.filter(|(name, _)| !TWICE.iter().any(|(known, _)| known == name)).collect();
    assert!(new.is_empty(), "take the version that is there, or list it with who still wants the older one: {new:?}");
    let gone: Vec<_> = TWICE.iter().filter(|(name, _)| versions.get(*name).is_none_or(|all| all.len() < 2)).collect();
    assert!(gone.is_empty(), "no longer there twice; take them off the list: {gone:?}");
}

#[test]
fn every_dependency_comes_from_the_registry() {
    let elsewhere: Vec<String> = packages()
        .iter()
        .filter(|package| text(package, "name") != "keytide" && !text(package, "source").starts_with("registry+"))
        .map(|package| text(package, "name").to_owned())
        .collect();
    assert!(elsewhere.is_empty(), "neither git nor path dependencies: {elsewhere:?}");
}

/// The packages that are built here.
fn packages() -> Vec<Value> {
    let host = run("rustc", &["-vV"]);
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc knows its host").to_owned();
    let metadata = run(env!("CARGO"), &["metadata", "--format-version=1", "--locked", "--filter-platform", &host]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
    metadata["packages"].as_array().expect("metadata lists packages").clone()
}

fn run(program: &str, arguments: &[&str]) -> String {
    let folder = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(program).args(arguments).current_dir(folder).output().expect("the toolchain is there");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it answers in UTF-8")
}

fn text<'a>(package: &'a Value, field: &str) -> &'a str {
    package[field].as_str().unwrap_or_default()
}

/// The part of a version that must be equal for two to be one: the first that is not zero.
fn compatible(version: &str) -> String {
    let parts: Vec<&str> = version.split(['.', '+', '-']).collect();
    let upto = parts.iter().position(|part| *part != "0").unwrap_or(0);
    parts[..=upto].join(".")
}

/// Evaluates an SPDX expression: any way through `OR`, every part of `AND`. An old `/` means `OR`.
fn is_allowed(license: &str) -> bool {
    let license = license.trim();
    if license.is_empty() {
        return false;
    }
    let license = license.replace('/', " OR ");
    if let Some(parts) = split(&license, " OR ") {
        return parts.iter().any(|part| is_allowed(part));
    }
    if let Some(parts) = split(&license, " AND ") {
        return parts.iter().all(|part| is_allowed(part));
    }
    match license.trim().strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => is_allowed(inner),
        None => LICENSES.contains(&license.trim()),
    }
}

/// Splits at a word outside of parentheses; `None` where it does not occur there.
fn split(license: &str, word: &str) -> Option<Vec<String>> {
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (at, c) in license.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && at >= start && license[at..].starts_with(word) => {
                parts.push(license[start..at].to_owned());
                start = at + word.len();
            }
            _ => {}
        }
    }
    (!parts.is_empty()).then(|| {
        parts.push(license[start..].to_owned());
        parts
    })
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    for allowed in
        ["MIT", "MIT/Apache-2.0", "GPL-2.0-only OR MIT", "ISC AND (Apache-2.0 OR GPL-3.0)", "(MIT OR X) AND Zlib"]
    {
        assert!(is_allowed(allowed), "{allowed}");
    }
    for refused in ["", "GPL-3.0-only", "MIT AND GPL-3.0-only", "(MIT OR X) AND Y"] {
        assert!(!is_allowed(refused), "{refused}");
    }
}
