//! The store speaks with the `age` command line, both ways.
//!
//! The command line is looked for in `$KEYTIDE_AGE_BIN`, then on the path. Where it is missing, the `age` crate,
//! the other implementation of the format, stands in and the test says so.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may stop and speak at once")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::Arc;

use keytide::clock::SystemClock;
use keytide::disk::{SystemDisk, replace};
use keytide::secret::{
    Change, Edges, Identity, Origin, Paths, Refreshed, Store, Version, Write as SecretWrite, Writer,
};
use keytide::words::Sensitive;
use serde_json::Value;

/// A peer that opens and makes age files.
enum Peer {
    CommandLine(PathBuf),
    Crate,
}

impl Peer {
    fn find() -> Self {
        let is_there = |folder: &PathBuf| folder.join("age").is_file() && folder.join("age-keygen").is_file();
        if let Some(folder) = std::env::var_os("KEYTIDE_AGE_BIN").map(PathBuf::from) {
            assert!(is_there(&folder), "KEYTIDE_AGE_BIN has no `age` and `age-keygen`");
            return Self::CommandLine(folder);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).find(is_there).map_or_else(
            || {
                println!("no `age` command line (KEYTIDE_AGE_BIN, PATH): only the `age` crate was asked");
                Self::Crate
            },
            Self::CommandLine,
        )
    }

    fn key(&self) -> String {
        match self {
            Self::CommandLine(bin) => run(Command::new(bin.join("age-keygen")), b""),
            Self::Crate => Identity::generate().to_text().expose().to_owned(),
        }
    }

    fn decrypt(&self, identity: &Path, file: &Path) -> String {
        match self {
            Self::CommandLine(bin) => {
                let mut age = Command::new(bin.join("age"));
                age.arg("-d").arg("-i").arg(identity).arg(file);
                run(age, b"")
            }
            Self::Crate => {
                let text = std::fs::read_to_string(identity).unwrap();
                let key = text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).unwrap();
                let key = age::x25519::Identity::from_str(key).unwrap();
                String::from_utf8(age::decrypt(&key, &std::fs::read(file).unwrap()).unwrap()).unwrap()
            }
        }
    }

    fn encrypt(&self, recipients: &Path, text: &str) -> String {
        match self {
            Self::CommandLine(bin) => {
                let mut age = Command::new(bin.join("age"));
                age.arg("-e").arg("-a").arg("-R").arg(recipients);
                run(age, text.as_bytes())
            }
            Self::Crate => {
                let list = std::fs::read_to_string(recipients).unwrap();
                let first = list.lines().find(|line| line.starts_with("age1")).unwrap();
                let recipient = age::x25519::Recipient::from_str(first).unwrap();
                age::encrypt_and_armor(&recipient, text.as_bytes()).unwrap()
            }
        }
    }
}

fn run(mut command: Command, input: &[u8]) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn put(value: &str) -> Change {
    let write = SecretWrite { name: "token".to_owned(), value: Sensitive::new(value), expires: None, plain: false };
    Change::Put { writes: vec![write], writer: Writer::person("owner") }
}

#[test]
fn a_store_opens_with_age_and_what_age_wrote_opens_here() {
    let peer = Peer::find();
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("identity.txt");
    replace(&SystemDisk, &key_file, peer.key().as_bytes()).unwrap();
    let identity = Identity::load(&SystemDisk, &key_file).unwrap_or_else(|error| panic!("{error}"));
    let paths = Paths::new(&folder.path().join("secrets"), &folder.path().join("state"), None);
    let edges = Edges { disk: Arc::new(SystemDisk), clock: Arc::new(SystemClock) };
    let (store, recovery) =
        Store::create(edges, paths.clone(), identity, "here", 5).unwrap_or_else(|error| panic!("{error}"));
    store.update(vec![put("from keytide")]).unwrap();

    let recovery_file = folder.path().join("recovery.txt");
    replace(&SystemDisk, &recovery_file, recovery.expose().as_bytes()).unwrap();
    let text = peer.decrypt(&key_file, &paths.store);
    assert_eq!(peer.decrypt(&recovery_file, &paths.store), text);
    let mut payload: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(payload["format"], "keytide-store/1");
    assert_eq!(payload["secrets"]["token"]["versions"][0]["value"], "from keytide");

    payload["secrets"]["token"]["versions"][0]["value"] = "from age".into();
    payload["revision"] = (store.snapshot().revision() + 1).into();
    payload["id"] = "edited-by-hand".into();
    payload["lineage"].as_array_mut().unwrap().push("edited-by-hand".into());
    let sealed = peer.encrypt(&paths.recipients, &payload.to_string());
    assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    replace(&SystemDisk, &paths.store, sealed.as_bytes()).unwrap();
    assert_eq!(store.refresh().unwrap(), Refreshed::Adopted);
    let value = store.snapshot().get("token", Version::Current);
    assert!(value.is_some_and(|value| value.expose() == "from age"));
    store.update(vec![put("from keytide again")]).unwrap();
    assert!(peer.decrypt(&key_file, &paths.store).contains("from keytide again"));
}

#[test]
fn a_post_quantum_key_of_age_is_named() {
    let Peer::CommandLine(bin) = Peer::find() else { return };
    let mut keygen = Command::new(bin.join("age-keygen"));
    keygen.arg("-pq");
    let text = run(keygen, b"");
    let error = Identity::parse(&text, &Origin::Variable("KEYTIDE_IDENTITY")).err().unwrap().to_string();
    assert!(error.contains("post-quantum"), "{error}");
    let recipient = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let error = keytide::secret::check_recipient(recipient).unwrap_err().to_string();
    assert!(error.contains("post-quantum"), "{error}");
}
