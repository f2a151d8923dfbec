//! The programs that keytide is compared with, built from their sources by the Go toolchain.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;

/// `sops`, at the release that was compared with.
pub(crate) const SOPS: Peer = Peer { name: "sops", package: "github.com/getsops/sops/v3/cmd/sops@v3.13.3" };
/// `supercronic`, at the release that was compared with.
pub(crate) const SUPERCRONIC: Peer = Peer { name: "supercronic", package: "github.com/aptible/supercronic@v0.2.48" };

/// A program that somebody else wrote.
pub(crate) struct Peer {
    name: &'static str,
    package: &'static str,
}

impl Peer {
    /// Returns the program: from `KEYTIDE_PEERS_BIN`, or built into `target/tools/bin`.
    pub(crate) fn program(&self) -> Outcome<PathBuf> {
        let folder = std::env::var_os("KEYTIDE_PEERS_BIN").map(PathBuf::from);
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin");
        let known = folder.into_iter().chain([built.clone()]).map(|folder| folder.join(self.name));
        if let Some(program) = known.into_iter().find(|program| program.is_file()) {
            return Ok(program);
        }
        eprintln!("building {}", self.package);
        let status = Command::new("go").args(["install", self.package]).env("GOBIN", &built).status();
        match status {
            Ok(status) if status.success() => Ok(built.join(self.name)),
            Ok(status) => Err(format!("`go install {}` ended with {status}", self.package).into()),
            Err(error) => {
                Err(format!("{} is needed: put it into KEYTIDE_PEERS_BIN or install Go ({error})", self.name).into())
            }
        }
    }
}
