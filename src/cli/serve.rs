//! `keytide serve`: watches the folder, keeps the schedules, answers the API.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::args::Serve;
use super::connection::start_patiently;
use super::console::Console;
use super::doors::{Doors, Listen};
use super::error::{Error, Kind};
use super::hardening::raise_files;
use super::logs;
use super::project::Project;
use super::schedule;
use super::signals::{HangUps, Hurry, Signals};
use crate::api::{Limits, Openness, TlsFiles};
use crate::catalog::{Catalog, Problem};
use crate::daemon::{Daemon, Recovery, Unwritten};
use crate::observe::Masking;
use crate::redact::Masker;
use crate::words::Owner;

/// Where the problem is that this process may have too few files open.
const FILES: &str = "open files";

/// Serves until somebody asks it to stop.
pub(super) fn run(arguments: &Serve, project: &Project, console: &Console) -> Result<(), Error> {
    let listen = listen(arguments, project)?;
    let store = Arc::new(project.store()?);
    let masking = logs::install(&store, console, arguments.log_format);
    let own_addresses = listen.iter().map(|listen| listen.address).collect();
    let config = project.daemon(&store, &masking, Recovery::Everything, Catalog::default(), own_addresses);
    let daemon = start_patiently(&config)?;
    let (mut signals, hang_ups) = {
        let _context = daemon.runtime().enter();
        (Signals::listen()?, HangUps::listen()?)
    };
    let doors = Doors::open(&daemon, project, listen, limits(&daemon))?;
    greet(&daemon, &doors, project, console)?;
    daemon.runtime().block_on(until_stopped(&daemon, (&doors, hang_ups), &mut signals, &masking, console));
    doors.close();
    if daemon.is_busy() {
        console.note("stopping: calls in flight get until their deadline; once more stops now");
    }
    let hurry = Hurry::on(&daemon);
    stopped(&daemon.stop(move || hurry.is_wanted()))
}

/// Returns what the doors allow, and has it be a problem where the system lets this process have too few files open.
fn limits(daemon: &Daemon) -> Limits {
    let (limits, advice) = Limits::within(raise_files(Limits::FILES));
    daemon.handle().trouble(FILES, advice);
    limits
}

/// Says what was lost at the end, if anything: it must not look like a good end.
pub(super) fn stopped(lost: &[Unwritten]) -> Result<(), Error> {
    let Some((first, more)) = lost.split_first() else { return Ok(()) };
    let error = more.iter().fold(Error::new(Kind::Failed, first), Error::hint);
    Err(error.hint("its call is in doubt: look at the issuer before you retry the run"))
}

/// Returns the port to answer on, if any: it has to be asked for, and without signing in it is loopback only.
fn listen(arguments: &Serve, project: &Project) -> Result<Option<Listen>, Error> {
    let settings = &project.settings;
    let address = match &arguments.listen {
        None => settings.server.listen,
        Some(text) => text.parse().map_err(|_| {
            Error::new(Kind::Usage, format!("`{text}` is no address")).hint("write 127.0.0.1:8321, or [::1]:8321")
        })?,
    };
    let tls = tls(arguments, project)?;
    let openness = match (arguments.open || settings.server.open, arguments.insecure_listen) {
        (true, _) if tls.is_some() => {
            return Err(Error::new(Kind::Usage, "an open server has no certificate")
                .hint("leave --open away to have clients sign in, over TLS"));
        }
        (false, _) if tls.is_some() => Openness::Encrypted,
        (true, true) => {
            return Err(Error::new(Kind::Usage, "--open and --insecure-listen do not go together")
                .hint("an open server is on loopback; leave --open away to have clients sign in"));
        }
        (true, false) => Openness::Open,
        (false, false) => Openness::SignIn,
        (false, true) => Openness::SignInReadable,
    };
    let is_wanted = arguments.listen.is_some() || openness == Openness::Open || settings.is_set("server.listen");
    Ok(is_wanted.then_some(Listen { address, openness, tls }))
}

/// Returns the files with the certificate and its key: those of the arguments, else those of the settings.
fn tls(arguments: &Serve, project: &Project) -> Result<Option<TlsFiles>, Error> {
    let server = &project.settings.server;
    let current = &project.environment.current;
    if let (Some(certificate), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) {
        return Ok(Some(TlsFiles { certificate: current.join(certificate), key: current.join(key) }));
    }
    match (&server.tls_cert, &server.tls_key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            Ok(Some(TlsFiles { certificate: project.root.join(certificate), key: project.root.join(key) }))
        }
        _ => Err(Error::new(Kind::Usage, "server.tls_cert and server.tls_key go together: set both, or neither")),
    }
}

fn greet(daemon: &Daemon, doors: &Doors, project: &Project, console: &Console) -> Result<(), Error> {
    let catalog = daemon.handle().catalog();
    console.note(&format!("keytide {} serves {}", env!("CARGO_PKG_VERSION"), project.root.display()));
    if let Some(port) = doors.port {
        let to_whom = if doors.is_open { "open to everybody on this machine" } else { "for clients that sign in" };
        let scheme = if doors.is_encrypted { "https" } else { "http" };
        console.note(&format!("listening on {scheme}://{port}, {to_whom}"));
        invite(daemon, doors, console)?;
    }
    let count = catalog.workflows().count();
    let noun = if count == 1 { "workflow" } else { "workflows" };
    console.note(&format!("watching {}: {count} {noun}", project.shown(&project.workflows)));
    let schedules = daemon.runtime().block_on(daemon.handle().schedules(&Owner::Local))?;
    let now = daemon.handle().now();
    for row in schedules.iter().map(|schedule| schedule::row(schedule, now)) {
        let [name, workflow, cron, zone, next, ..] = row.as_slice() else { continue };
        console.note(&format!("  {name} → {workflow}  {cron} {zone}  next {next}"));
    }
    Ok(())
}

/// Shows the way into the pages. A link that signs in is for people at a terminal: logs keep what they are told.
fn invite(daemon: &Daemon, doors: &Doors, console: &Console) -> Result<(), Error> {
    if doors.is_open || console.is_watched() {
        let address = daemon.handle().sign_in_address(&Owner::Local)?;
        let how_often = if doors.is_open { "" } else { "   (signs in once, within ten minutes)" };
        console.note(&format!("pages: {}{how_often}", address.expose()));
    } else {
        console.note("pages: `keytide ui` gives a link that signs you in");
    }
    Ok(())
}

/// Shows problems as they come and go, until somebody asks to stop.
async fn until_stopped(
    daemon: &Daemon,
    (doors, mut hang_ups): (&Doors, HangUps),
    signals: &mut Signals,
    masking: &Masking,
    console: &Console,
) {
    let mut catalogs = daemon.handle().catalogs();
    let mut shown = BTreeSet::new();
    loop {
        let problems = catalogs.borrow_and_update().problems();
        tell(&problems, &mut shown, &masking.current(), console);
        tokio::select! {
            () = signals.next() => return,
            () = hang_ups.next() => {
                console.note("reading the certificate again; the folder is followed as it is");
                doors.renew();
            }
            changed = catalogs.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

fn tell(problems: &[Problem], shown: &mut BTreeSet<(String, String)>, masker: &Masker, console: &Console) {
    let now: BTreeSet<_> = problems.iter().map(|problem| (problem.place.clone(), problem.message.clone())).collect();
    for problem in problems.iter().filter(|one| !shown.contains(&(one.place.clone(), one.message.clone()))) {
        problem.diagnostics.iter().for_each(|diagnostic| console.report(diagnostic, masker));
        console.note(&format!("problem: {}: {}", problem.place, problem.message));
    }
    let places: BTreeSet<&str> = now.iter().map(|(place, _)| place.as_str()).collect();
    for (place, _) in shown.iter().filter(|(place, _)| !places.contains(place.as_str())) {
        console.note(&format!("mended: {place}"));
    }
    *shown = now;
}
