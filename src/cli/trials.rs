//! `keytide test`: plays workflows through with mocks and says what is not as expected.

mod shown;

use std::path::Path;
use std::sync::Arc;

use super::args::{Format, Test, TestFormat};
use super::console::Console;
use super::error::{Error, Kind};
use super::files;
use super::project::Project;
use crate::access::{Authority, Ruled};
use crate::catalog::Catalog;
use crate::clock::{Clock, SystemClock};
use crate::disk;
use crate::executor::script::Evaluator;
use crate::trial::{self, Crashes, Ground, Manner, Mismatch};
use crate::watch::{Places, find_tests};
use crate::words::{Owner, Severity};
use crate::workflow::definition::WorkflowTest;
use crate::workflow::load::{LoadedTests, Located, is_test_file, load_tests};
use crate::workflow::report;

/// What came of one test.
struct Report {
    file: String,
    line: Option<usize>,
    title: String,
    workflow: String,
    end: End,
    wall_ms: i64,
}

enum End {
    /// With at how many points it also died alone, of how many.
    Passed {
        crashes: usize,
        points: usize,
    },
    Failed(Vec<Mismatch>),
    /// It could not be played, or its file could not be read.
    Broken(String),
}

/// Which tests are played.
#[derive(Default)]
struct Wanted {
    files: Vec<LoadedTests>,
    words: Vec<String>,
    troubles: Vec<String>,
}

/// Plays the tests that are named, or all of the project.
pub(super) fn run(arguments: &Test, project: &Project, console: &Console) -> Result<(), Error> {
    let wanted = wanted(&arguments.which, project)?;
    let ground = ground(project);
    let mut reports: Vec<Report> = wanted.troubles.iter().map(|trouble| broken_file("", trouble)).collect();
    for file in &wanted.files {
        reports.extend(errors(file).map(|error| broken_file(&file.source.name, &error)));
        for (number, located) in file.tests.iter().enumerate() {
            let title = title(&located.def, number, file.tests.len());
            if wanted.wants(&title, &located.def) {
                reports.push(one(file, located, title, &ground, arguments.crash));
            }
        }
    }
    if reports.is_empty() {
        let error = Error::new(Kind::NotFound, "there is no such test");
        return Err(error.hint("tests are in files whose names end in `.test.yaml`, beside the workflows"));
    }
    let format = match (arguments.format, console.format) {
        (Some(format), _) => format,
        (None, Format::Json) => TestFormat::Json,
        (None, Format::Table) => TestFormat::Text,
    };
    shown::show(&reports, format, console);
    if reports.iter().all(|report| matches!(report.end, End::Passed { .. })) {
        return Ok(());
    }
    Err(Error::silent(Kind::Failed))
}

impl Wanted {
    fn wants(&self, title: &str, test: &WorkflowTest) -> bool {
        let names = |word: &String| title.contains(word.as_str()) || workflow_of(test).contains(word.as_str());
        self.words.is_empty() || self.words.iter().any(names)
    }
}

/// Returns what the words of the command line mean: what exists as a file or folder is one, anything else a part of a name.
fn wanted(which: &[String], project: &Project) -> Result<Wanted, Error> {
    let mut wanted = Wanted::default();
    let mut has_paths = false;
    for word in which {
        let path = project.environment.current.join(word);
        match project.disk.facts(&path) {
            Ok(facts) if facts.kind == disk::Kind::Folder => folder(&mut wanted, project, &path),
            Ok(_) => file(&mut wanted, project, &project.shown(&path), &path),
            Err(error) if word.contains('/') || is_test_file(word) => {
                return Err(Error::new(Kind::NotFound, format!("cannot read {word}: {error}")));
            }
            Err(_) => {
                wanted.words.push(word.clone());
                continue;
            }
        }
        has_paths = true;
    }
    if !has_paths {
        folder(&mut wanted, project, &project.workflows);
    }
    Ok(wanted)
}

fn folder(wanted: &mut Wanted, project: &Project, root: &Path) {
    let places = Places { project: project.root.clone(), root: root.to_owned() };
    let (files, troubles) = find_tests(&*project.disk, &places);
    wanted.troubles.extend(troubles.iter().map(|trouble| format!("{}: {}", trouble.place, trouble.message)));
    for (shown, path) in files {
        file(wanted, project, &shown, &path);
    }
}

fn file(wanted: &mut Wanted, project: &Project, shown: &str, path: &Path) {
    // A file that is named twice is one file.
    if wanted.files.iter().any(|known| &*known.source.name == shown) {
        return;
    }
    match project.disk.read(path, files::FILE_BYTES_MAX) {
        Ok(bytes) => wanted.files.push(load_tests(shown, &bytes)),
        Err(error) => wanted.troubles.push(format!("cannot read {shown}: {error}")),
    }
}

/// Returns what is there besides the tests: the definitions of the folder and the rights of the settings. No store is opened.
pub(super) fn ground(project: &Project) -> Ground {
    let change = files::scan(project, &project.workflows);
    let access = &project.settings.access;
    let ruled = Ruled { groups: access.groups.clone(), grants: access.grants.clone(), ..Ruled::default() };
    Ground {
        catalog: Arc::new(Catalog::default().next(change.files, change.troubles)),
        authority: Authority::new(access.workflows_granted, ruled),
        reader: Owner::Local,
        environment: project.settings.environment.clone(),
        store_retry: project.settings.secrets.store_retry,
        evaluator: Evaluator::this_program(),
        until: None,
    }
}

/// Refuses a file of tests with errors, with each at its line.
pub(super) fn refuse_errors(loaded: &LoadedTests) -> Result<(), Error> {
    let errors: Vec<String> = errors(loaded).collect();
    if errors.is_empty() { Ok(()) } else { Err(Error::new(Kind::Failed, errors.join("\n\n"))) }
}

/// Returns what keeps tests of a file from being read, each at its line.
fn errors(loaded: &LoadedTests) -> impl Iterator<Item = String> {
    let errors = loaded.diagnostics.iter().filter(|problem| problem.severity == Severity::Error);
    errors.map(|error| report::render(error, false))
}

fn broken_file(file: &str, message: &str) -> Report {
    let end = End::Broken(message.trim_end().to_owned());
    Report {
        file: file.to_owned(),
        line: None,
        title: "cannot be read".to_owned(),
        workflow: String::new(),
        end,
        wall_ms: 0,
    }
}

fn workflow_of(test: &WorkflowTest) -> &str {
    test.workflow_def.as_ref().map_or(&test.name, |def| &def.name)
}

fn title(test: &WorkflowTest, number: usize, count: usize) -> String {
    test.title.clone().unwrap_or_else(|| match count {
        1 => workflow_of(test).to_owned(),
        _ => format!("{} #{}", workflow_of(test), number + 1),
    })
}

fn one(file: &LoadedTests, located: &Located<WorkflowTest>, title: String, ground: &Ground, crash: bool) -> Report {
    let begun = SystemClock.now();
    let end = end(&located.def, ground, crash);
    Report {
        file: file.source.name.to_string(),
        line: Some(file.source.position(located.node.head().start).0),
        title,
        workflow: workflow_of(&located.def).to_owned(),
        end,
        wall_ms: SystemClock.now().as_millis() - begun.as_millis(),
    }
}

fn end(test: &WorkflowTest, ground: &Ground, crash: bool) -> End {
    let played = match trial::play(test, &Owner::Local, ground, Manner::Mocked) {
        Ok(played) => played,
        Err(error) => return End::Broken(explained(&error, ground)),
    };
    let mismatches = trial::judge(&test.expect, &played);
    if !mismatches.is_empty() || !crash {
        return if mismatches.is_empty() { End::Passed { crashes: 0, points: 0 } } else { End::Failed(mismatches) };
    }
    match trial::play_crashing(test, &Owner::Local, ground, &played) {
        Ok(Crashes { points, tried, failure: None }) => End::Passed { crashes: tried, points },
        Ok(Crashes { failure: Some((place, differences)), .. }) => {
            let told = |it: Mismatch| Mismatch { what: format!("{place}: {}", it.what), ..it };
            End::Failed(differences.into_iter().map(told).collect())
        }
        Err(error) => End::Broken(error.to_string()),
    }
}

/// Says also which files are not taken, where a workflow is missing.
fn explained(error: &trial::Error, ground: &Ground) -> String {
    let mut told = error.to_string();
    if let trial::Error::NoWorkflow(_) = error {
        for problem in ground.catalog.problems() {
            told.extend(["\n", &problem.place, " ", &problem.message]);
        }
    }
    told
}
