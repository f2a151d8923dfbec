use std::time::Duration;

use super::super::console::Console;
use super::super::error::{Error, Kind};
use super::super::signals::Signals;
use super::issuer::Issuer;
use super::visitor::Visitor;
use crate::clock::{Clock, SystemClock};
use crate::secret::{Store, VersionInfo};
use crate::words::Timestamp;

/// The secret that the seed's workflow keeps.
pub(super) const SECRET: &str = "my_secret_holding_a_token";

/// How often the store is looked at and the screen drawn.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long the demo waits for a rotation before it says that there is none.
const PATIENCE: Duration = Duration::from_secs(30);

/// What people see: the token's fingerprint changes, and the resource keeps answering.
pub(super) struct Scene<'a> {
    store: &'a Store,
    console: &'a Console,
    visitor: Visitor,
    last: Option<VersionInfo>,
    last_at: Timestamp,
    rotations: u64,
    is_drawn: bool,
}

impl<'a> Scene<'a> {
    pub(super) fn new(issuer: &Issuer, store: &'a Store, console: &'a Console) -> Self {
        console.note("an issuer on loopback, whose tokens live 10 s and whose every new one revokes the one before;");
        console.note("a workflow that asks it for a token every 2 s and keeps it; a program that uses what is kept.");
        console.note(&format!("{}, Ctrl-C ends it\n", issuer.token_url()));
        let (visitor, last_at) = (Visitor::of(issuer), SystemClock.now());
        Self { store, console, visitor, last: None, last_at, rotations: 0, is_drawn: false }
    }

    /// Plays until it is interrupted, or until there were that many rotations.
    pub(super) async fn play(&mut self, rotations: Option<u64>) -> Result<(), Error> {
        let mut signals = Signals::listen()?;
        while rotations.is_none_or(|enough| self.rotations < enough) {
            if tokio::time::timeout(LOOK_EVERY, signals.next()).await.is_ok() {
                return Ok(());
            }
            self.look().await?;
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<(), Error> {
        let newest = self.store.snapshot().history(SECRET).and_then(|versions| versions.into_iter().next());
        let status = if newest.is_some() { self.visitor.visit(self.store).await } else { None };
        let now = SystemClock.now();
        if let Some(newest) = newest.filter(|newest| self.last.as_ref() != Some(newest)) {
            self.rotated(&newest, status);
            self.last = Some(newest);
            self.last_at = now;
        } else if now.since(self.last_at) > PATIENCE {
            return Err(Error::new(Kind::Failed, "the token is not rotated any more"));
        }
        if self.console.is_a_screen() {
            self.draw(status, now);
        }
        Ok(())
    }

    fn rotated(&mut self, newest: &VersionInfo, status: Option<u16>) {
        self.rotations += 1;
        if self.console.is_a_screen() {
            return;
        }
        let before = self.last.as_ref().map_or_else(|| ("-".to_owned(), "-".to_owned()), said);
        let after = said(newest);
        let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let fingerprints = format!("{} → {}", before.1, after.1);
        self.console.data(&format!("{SECRET} {} → {}  {fingerprints}  resource {status}", before.0, after.0));
    }

    fn draw(&mut self, status: Option<u16>, now: Timestamp) {
        let version = self.last.as_ref().map_or_else(
            || "not yet".to_owned(),
            |last| {
                let age = now.since(self.last_at).as_millis() / 100;
                format!("v{}  {}  {}.{} s old", last.version, last.fingerprint, age / 10, age % 10)
            },
        );
        let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        let visits = format!("{} visits answered, {} refused", self.visitor.answered, self.visitor.refused);
        let lines = [format!("  {SECRET}  {version}"), format!("  protected resource         {status}  {visits}")];
        self.console.redraw(&lines, if self.is_drawn { lines.len() } else { 0 });
        self.is_drawn = true;
    }

    /// Says what there was to see.
    pub(super) fn end(&self) {
        let (answered, refused) = (self.visitor.answered, self.visitor.refused);
        let rotations = self.rotations;
        self.console
            .note(&format!("\n{rotations} rotations; the resource answered {answered} visits and refused {refused}"));
    }
}

fn said(version: &VersionInfo) -> (String, String) {
    (format!("v{}", version.version), version.fingerprint.clone())
}
