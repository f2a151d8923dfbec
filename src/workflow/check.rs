//! What is wrong with definitions that can be read: names, references, tasks, schedules.
//!
//! **Architecture Invariant:** every rule looks at the tree, so a definition whose types are wrong is judged too; what
//! exists outside of the files comes as [`Known`].

mod children;
mod events;
mod http;
mod issuer;
mod leaks;
mod loops;
mod names;
mod outline;
mod outputs;
mod overlaps;
mod reach;
mod reference;
mod references;
mod schedules;
mod scripts;
mod sources;
mod tasks;
mod update_secret;

use std::collections::BTreeSet;

use crate::words::{Diagnostic, Source};

use super::load::{Kind, Loaded};
use super::problem;
use super::tree::Node;

use self::outline::Outline;
pub use self::sources::{ScriptText, Scripting, scripts};

/// What exists outside of the files.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The names of the secrets; none where the store cannot be opened.
    pub secrets: Option<BTreeSet<String>>,
    /// The names of `${workflow.env.…}`.
    pub environment: BTreeSet<String>,
    /// The workflows that are defined elsewhere, as over the API.
    pub workflows: BTreeSet<String>,
}

/// Returns everything that is wrong with the meaning of all files together, file by file.
///
/// What is wrong with a file by itself stands in [`Loaded::diagnostics`].
pub fn check(files: &[&Loaded], known: &Known) -> Vec<Diagnostic> {
    let mut found = Findings::default();
    names::across_files(files, &mut found);
    let written = update_secret::names_written(files);
    let workflows = children::Workflows::of(files, known);
    for file in files {
        for document in file.documents.iter().filter(|document| document.kind == Kind::Workflow) {
            let workflow =
                Workflow { source: &file.source, node: &document.node, outline: Outline::of(&document.node) };
            names::within(&workflow, &mut found);
            references::check(&workflow, known, &written, &mut found);
            tasks::check(&workflow, &workflows, &mut found);
            reach::check(&workflow, &mut found);
        }
    }
    schedules::check(files, known, &mut found);
    events::check(files, &workflows, &mut found);
    overlaps::check(files, &mut found);
    issuer::check(files, &mut found);
    leaks::check(files, &mut found);
    found.settle(files)
}

/// A workflow that is judged.
struct Workflow<'a> {
    source: &'a Source,
    node: &'a Node,
    outline: Outline<'a>,
}

/// What the rules found so far.
#[derive(Default)]
struct Findings {
    diagnostics: Vec<Diagnostic>,
    store_is_closed: bool,
}

impl Findings {
    fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Says once that names of secrets are not judged.
    fn store_is_closed(&mut self, source: &Source) {
        if !std::mem::replace(&mut self.store_is_closed, true) {
            let message = "the secret store cannot be opened, so names of secrets are not checked".to_owned();
            self.push(problem::note(source, None, "N0306", message).help("name an identity with `--identity`"));
        }
    }

    fn settle(mut self, files: &[&Loaded]) -> Vec<Diagnostic> {
        let order = |diagnostic: &Diagnostic| {
            let file = files.iter().position(|file| file.source.name == diagnostic.source.name);
            (file, diagnostic.span.map_or(0, |span| span.start))
        };
        self.diagnostics.sort_by_cached_key(order);
        self.diagnostics
    }
}

#[cfg(test)]
mod tests;
