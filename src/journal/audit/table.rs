use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::disk::SystemDisk;
use crate::journal::audit::anchor::{Anchor, Remembered};
use crate::journal::audit::chain::{self, Broken, Checked, Link, Walk};
use crate::journal::audit::notes::{Notes, Taken};
use crate::journal::audit::{Action, Actor, Entry, Object, ObjectKind};
use crate::journal::codec::{Codec, Place};
use crate::journal::{Error, rows};
use crate::words::Timestamp;

/// How many entries one page looks at: opening them takes a quarter of a second at most.
const ENTRIES_PER_LOOK_MAX: usize = 50_000;
/// How far a clock may have been set back: so much older entries end the look for those since a moment.
const CLOCK_STEP_MAX: Duration = Duration::from_hours(24);
/// How much longer than wanted entries may stay, so that a purge, which is an entry itself, is a rare one.
const PURGE_SLACK: Duration = Duration::from_hours(24);

/// The row of what was purged.
const BASE: &str = "base";
/// The row of the notes that were taken.
const TAKEN: &str = "taken";

/// Which entries somebody wants to see, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// About this secret.
    pub secret: Option<String>,
    /// By this actor: `NAME`, or `KIND:NAME`.
    pub actor: Option<String>,
    /// About this execution, or by it: its id, or the beginning.
    pub run: Option<String>,
    /// Older than the entry with this number.
    pub before: Option<u64>,
    /// How many at most.
    pub count: usize,
    /// Without those who only listed or looked; who was refused it stays.
    pub brief: bool,
}

/// Entries, and where to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditPage {
    /// The entries in their canonical form, each with its hash as the last field; one that does not open has `fault`.
    pub entries: Vec<Value>,
    /// What to ask with as `before` for more; none where there is nothing older.
    pub next: Option<u64>,
}

/// The writing side of the audit in the database.
pub(in crate::journal) struct Trail {
    head: Link,
    anchor: Anchor,
    notes: Notes,
    taken: Taken,
    /// What was found wrong at the opening, in a sentence.
    trouble: Option<String>,
    /// Whether the audit itself says so already.
    told: bool,
}

impl Trail {
    /// Finds the end of the chain: what the database has, or what is remembered beside it where that is further on. New entries
    /// follow that one, so that what was cut off stays a gap for ever.
    pub(in crate::journal) fn open(connection: &Connection, codec: &Codec, journal: &Path) -> Result<Self, Error> {
        let mut anchor = Anchor::beside(journal);
        let remembered = anchor.read(&SystemDisk, codec);
        let kept = end(connection, codec)?;
        let (head, trouble) = match remembered {
            Remembered::Nothing if kept.seq == 0 => {
                if let Err(error) = anchor.replace(&SystemDisk, codec, kept) {
                    tracing::warn!(%error, "the audit's anchor could not be made; the first entry makes it");
                }
                (kept, None)
            }
            Remembered::Nothing => (kept, Some(Broken::NoAnchor(kept.seq))),
            Remembered::End(link) if link.seq > kept.seq => {
                (link, Some(Broken::Missing { first: kept.seq + 1, last: link.seq }))
            }
            Remembered::End(link) if link.seq == kept.seq => (link, (link != kept).then_some(Broken::Anchor(link.seq))),
            Remembered::End(link) => {
                let same = link_at(connection, codec, link.seq)?.is_none_or(|found| found == link);
                (kept, (!same).then_some(Broken::Anchor(link.seq)))
            }
        };
        anchor.shorten(&SystemDisk, codec, head);
        let trouble = trouble.map(|broken| broken.to_string());
        if let Some(trouble) = &trouble {
            tracing::error!("{trouble}");
        }
        let taken = state(connection, codec, TAKEN)?.unwrap_or_default();
        let notes = Notes::with(journal, codec.clone());
        Ok(Self { head, anchor, notes, taken, trouble, told: false })
    }

    /// Returns what was found wrong.
    pub(in crate::journal) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Writes entries as part of a transaction, and returns the link that they end with; to be given to
    /// [`Trail::committed`] once the transaction is on disk.
    pub(in crate::journal) fn write(&self, sql: &Connection, codec: &Codec, entries: &[Entry]) -> Result<Link, Error> {
        let Some(first) = entries.first() else { return Ok(self.head) };
        let damage = self.trouble.as_deref().filter(|_| !self.told).map(|trouble| damage(first.at, trouble));
        let mut statement = sql.prepare_cached("INSERT INTO audit(seq, body) VALUES(?1, ?2)")?;
        let mut link = self.head;
        for entry in damage.iter().chain(entries) {
            let (next, row) = link.next(entry);
            statement.execute((rows::signed(next.seq), codec.seal_text(Place::Audit(next.seq), &row)))?;
            link = next;
        }
        Ok(link)
    }

    /// Notes that the owner knows of what was found wrong.
    pub(in crate::journal) fn acknowledged(&mut self) {
        self.trouble = None;
    }

    /// Notes that what was written is on disk.
    pub(in crate::journal) fn committed(&mut self, codec: &Codec, link: Link) {
        if link.seq > self.head.seq {
            self.head = link;
            self.told = true;
            self.anchor.append(&SystemDisk, codec, link);
        }
    }

    /// Does what was put off for a quiet moment.
    pub(in crate::journal) fn settle(&mut self, codec: &Codec) {
        self.anchor.settle(&SystemDisk, codec, self.head);
    }

    /// Takes what commands noted while they could not write here, each note once, and returns how many there were.
    pub(in crate::journal) fn take_notes(
        &mut self,
        connection: &mut Connection,
        codec: &Codec,
        now: Timestamp,
    ) -> Result<usize, Error> {
        let Some(noted) = self.notes.take(&SystemDisk, &self.taken)? else { return Ok(0) };
        let mut entries = noted.entries;
        if !noted.is_whole {
            let trouble = "lines of audit.notes were changed or removed before they came here; the file is put aside";
            tracing::error!("{trouble}");
            entries.push(damage(now, trouble));
            self.trouble.get_or_insert_with(|| trouble.to_owned());
        }
        let count = entries.len();
        let sql = connection.transaction()?;
        let link = self.write(&sql, codec, &entries)?;
        put_state(&sql, codec, TAKEN, &noted.taken)?;
        sql.commit()?;
        self.taken = noted.taken;
        self.committed(codec, link);
        let gone = if noted.is_whole { self.notes.clear(&SystemDisk) } else { self.notes.put_aside(&SystemDisk) };
        if let Err(error) = gone {
            tracing::warn!(%error, "audit.notes could not be removed; what it holds is in the audit, once");
        }
        Ok(count)
    }

    /// Removes up to `limit` entries from before a moment, the oldest first, and says so in the audit. What does not open stays:
    /// it is evidence.
    pub(in crate::journal) fn purge(
        &mut self,
        connection: &mut Connection,
        codec: &Codec,
        (before, now): (Timestamp, Timestamp),
        limit: usize,
    ) -> Result<usize, Error> {
        let Some((base, count)) = self.purgeable(connection, codec, before, limit)? else { return Ok(0) };
        let object = Object::new(ObjectKind::Audit, "audit");
        let detail = format!("{count} entries, up to {} with hash {}", base.seq, base.hash);
        let entry = Entry::new(now, Actor::keytide(), Action::Purge, object).detailed(&detail);
        let sql = connection.transaction()?;
        sql.execute("DELETE FROM audit WHERE seq <= ?1", [rows::signed(base.seq)])?;
        put_state(&sql, codec, BASE, &base)?;
        let link = self.write(&sql, codec, &[entry])?;
        sql.commit()?;
        self.committed(codec, link);
        Ok(count)
    }

    /// Returns the last entry that may go, and how many go with it.
    fn purgeable(
        &self,
        connection: &Connection,
        codec: &Codec,
        before: Timestamp,
        limit: usize,
    ) -> Result<Option<(Link, usize)>, Error> {
        let mut statement = connection.prepare_cached("SELECT seq, body FROM audit ORDER BY seq LIMIT ?1")?;
        let mut rows = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
        let (mut last, mut count) = (None, 0);
        while let Some(row) = rows.next()? {
            let seq = rows::unsigned(row, 0)?;
            let Ok(entry) = chain::open(codec, seq, row.get_ref(1)?.as_blob()?) else { break };
            let wanted = if count == 0 { before.minus(PURGE_SLACK) } else { before };
            if at(&entry) >= wanted || seq == self.head.seq {
                break;
            }
            (last, count) = (Some(Link::of(seq, &entry)), count + 1);
        }
        Ok(last.map(|link| (link, count)))
    }
}

fn damage(at: Timestamp, trouble: &str) -> Entry {
    Entry::new(at, Actor::keytide(), Action::Damage, Object::new(ObjectKind::Audit, "audit")).detailed(trouble)
}

/// Returns the end of the chain in the database. Of a last entry that does not open only the number is known.
fn end(connection: &Connection, codec: &Codec) -> Result<Link, Error> {
    let last: Option<u64> = connection
        .query_row("SELECT MAX(seq) FROM audit", [], |row| row.get::<_, Option<i64>>(0))?
        .map(i64::cast_unsigned);
    match last {
        None => Ok(state(connection, codec, BASE)?.unwrap_or_default()),
        Some(seq) => Ok(link_at(connection, codec, seq)?.unwrap_or(Link { seq, ..Link::default() })),
    }
}

fn link_at(connection: &Connection, codec: &Codec, seq: u64) -> Result<Option<Link>, Error> {
    let mut statement = connection.prepare_cached("SELECT body FROM audit WHERE seq = ?1")?;
    let body: Option<Vec<u8>> = statement.query_row([rows::signed(seq)], |row| row.get(0)).optional()?;
    let row = body.and_then(|body| chain::open(codec, seq, &body).ok());
    Ok(row.map(|row| Link::of(seq, &row)))
}

fn state<T: DeserializeOwned>(connection: &Connection, codec: &Codec, name: &str) -> Result<Option<T>, Error> {
    let mut statement = connection.prepare_cached("SELECT body FROM audit_state WHERE name = ?1")?;
    let body: Option<Vec<u8>> = statement.query_row([name], |row| row.get(0)).optional()?;
    Ok(body.and_then(|body| match codec.open(Place::AuditState(name), &body) {
        Ok(state) => Some(state),
        Err(unreadable) => {
            tracing::error!(%unreadable, "what the audit remembers of itself was changed");
            None
        }
    }))
}

fn put_state<T: Serialize>(sql: &Connection, codec: &Codec, name: &str, state: &T) -> Result<(), Error> {
    let body = codec.seal(Place::AuditState(name), state);
    sql.prepare_cached("INSERT OR REPLACE INTO audit_state(name, body) VALUES(?1, ?2)")?.execute((name, body))?;
    Ok(())
}

/// Returns the entries that a query asks for.
pub(in crate::journal) fn page(connection: &Connection, codec: &Codec, query: &AuditQuery) -> Result<AuditPage, Error> {
    let mut statement =
        connection.prepare_cached("SELECT seq, body FROM audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2")?;
    let before = query.before.map_or(i64::MAX, rows::signed);
    let look = i64::try_from(ENTRIES_PER_LOOK_MAX).unwrap_or(i64::MAX);
    let mut rows = statement.query((before, look))?;
    let (mut entries, mut looked, mut last) = (Vec::new(), 0, 0);
    while let Some(row) = rows.next()? {
        let seq = rows::unsigned(row, 0)?;
        let opened = chain::open(codec, seq, row.get_ref(1)?.as_blob()?);
        (looked, last) = (looked + 1, seq);
        let entry = match opened {
            Ok(row) => {
                let is_past = query.since.is_some_and(|since| at(&row) < since.minus(CLOCK_STEP_MAX));
                if is_past {
                    return Ok(AuditPage { entries, next: None });
                }
                query.wants(&row).then(|| hashed(seq, row))
            }
            // Nobody can say what it was about, so it is shown to whoever asks.
            Err(unreadable) => Some(serde_json::json!({"seq": seq, "fault": unreadable.fault.to_string()})),
        };
        entries.extend(entry);
        if entries.len() >= query.count {
            return Ok(AuditPage { entries, next: Some(seq).filter(|seq| *seq > 1) });
        }
    }
    Ok(AuditPage { entries, next: (looked == ENTRIES_PER_LOOK_MAX).then_some(last) })
}

/// Checks all of the chain, of one moment.
pub(in crate::journal) fn verify(connection: &Connection, codec: &Codec, journal: &Path) -> Result<Checked, Error> {
    // It is read before the rows are: what it remembers was kept then.
    let remembered = Anchor::beside(journal).read(&SystemDisk, codec);
    let moment = connection.unchecked_transaction()?;
    let mut checked = Checked::default();
    let anchor = match remembered {
        Remembered::End(link) => link,
        Remembered::Nothing => {
            let kept = end(&moment, codec)?;
            checked.breaks.extend((kept.seq > 0).then_some(Broken::NoAnchor(kept.seq)));
            Link::default()
        }
    };
    let base = state(&moment, codec, BASE)?.unwrap_or_default();
    let mut walk = Walk::from(codec, base, anchor);
    let mut statement = moment.prepare_cached("SELECT seq, body FROM audit ORDER BY seq")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        walk.check(rows::unsigned(row, 0)?, row.get_ref(1)?.as_blob()?, &mut checked);
    }
    Ok(walk.end(checked))
}

impl AuditQuery {
    fn wants(&self, row: &Value) -> bool {
        let actor = |wanted: &str| {
            let (kind, name) = (row["actor"]["kind"].as_str(), row["actor"]["name"].as_str().unwrap_or_default());
            name == wanted || wanted.split_once(':').is_some_and(|(k, n)| kind == Some(k) && n == name)
        };
        let secret = |wanted: &str| row["object"]["kind"] == "secret" && row["object"]["name"] == *wanted;
        let run = |wanted: &str| row["run"]["id"].as_str().is_some_and(|id| id.starts_with(wanted));
        let is_look = |row: &Value| row["outcome"] == "allowed" && (row["action"] == "list" || row["action"] == "look");
        !(self.brief && is_look(row))
            && self.since.is_none_or(|since| at(row) >= since)
            && self.secret.as_deref().is_none_or(secret)
            && self.actor.as_deref().is_none_or(actor)
            && self.run.as_deref().is_none_or(run)
    }
}

fn at(row: &Value) -> Timestamp {
    Timestamp::from_millis(row["at"].as_i64().unwrap_or(i64::MAX))
}

/// Returns an entry with its hash, which is not part of what is hashed.
fn hashed(seq: u64, mut row: Value) -> Value {
    let hash = Link::of(seq, &row).hash.to_string();
    if let Some(fields) = row.as_object_mut() {
        fields.insert("hash".to_owned(), hash.into());
    }
    row
}
