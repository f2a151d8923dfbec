use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, Entry, Facts, Kind, Lock, Stamp, Writing, folder_of};

/// What goes wrong at a step of a [`FaultyDisk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The step fails for want of room; a write leaves half of its bytes.
    NoSpace,
    /// The step fails with an I/O error; a write leaves half of its bytes.
    Io,
    /// The machine stops at the step, which may or may not have happened. Nothing works until [`FaultyDisk::restart`].
    Stop,
}

/// How a [`FaultyDisk`] went down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// The process was killed: the kernel keeps what was written.
    Process,
    /// The power went: what was not synced is kept, lost or torn, each as the seed says.
    Power,
}

/// A disk in memory that fails where it is told to, the same way for the same seed: the twin for tests and simulations.
///
/// Each change counts as a step. Content that was not synced and names whose folder was not synced survive a power cut
/// only by chance, each by itself, which is harsher than any journaling file system.
#[derive(Clone)]
pub struct FaultyDisk(Arc<Mutex<Platter>>);

struct Platter {
    random: u64,
    steps: u64,
    stopped: bool,
    faults: BTreeMap<u64, Fault>,
    contents: Vec<Content>,
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
    folders: BTreeSet<PathBuf>,
    locks: BTreeSet<(u64, PathBuf)>,
    boots: u64,
    room_bytes: u64,
}

#[derive(Clone, Default)]
struct Content {
    live: Vec<u8>,
    synced: Vec<u8>,
    changes: i128,
}

impl FaultyDisk {
    /// Returns an empty disk whose accidents follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Platter {
            random: seed,
            steps: 0,
            stopped: false,
            faults: BTreeMap::new(),
            contents: Vec::new(),
            names: BTreeMap::new(),
            synced_names: BTreeMap::new(),
            folders: BTreeSet::new(),
            locks: BTreeSet::new(),
            boots: 0,
            room_bytes: u64::MAX,
        })))
    }

    /// Returns how many steps were done.
    pub fn steps(&self) -> u64 {
        self.platter().steps
    }

    /// Lets the step with this number (the next one is [`FaultyDisk::steps`]) go wrong.
    pub fn fail_at(&self, step: u64, fault: Fault) {
        self.platter().faults.insert(step, fault);
    }

    /// Sets what [`Disk::room_bytes`] says.
    pub fn set_room_bytes(&self, room_bytes: u64) {
        self.platter().room_bytes = room_bytes;
    }

    /// Returns whether a [`Fault::Stop`] was met.
    pub fn has_stopped(&self) -> bool {
        self.platter().stopped
    }

    /// Starts again after an outage: decides what survived it, forgets locks and the faults to come.
    pub fn restart(&self, outage: Outage) {
        let mut platter = self.platter();
        if outage == Outage::Power {
            platter.settle_contents();
            platter.settle_names();
        }
        platter.stopped = false;
        platter.boots += 1;
        platter.locks.clear();
        platter.faults.clear();
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, inode: usize) -> Box<dyn Writing> {
        Box::new(FaultyFile { disk: self.clone(), inode, boot: self.platter().boots })
    }
}

impl Platter {
    /// Does one step, or what the fault planned for it makes of it; `torn` is what a failed step leaves behind.
    fn step<T>(&mut self, act: impl FnOnce(&mut Self) -> io::Result<T>, torn: impl FnOnce(&mut Self)) -> io::Result<T> {
        self.running()?;
        let fault = self.faults.remove(&self.steps);
        self.steps += 1;
        match fault {
            None => act(self),
            Some(Fault::NoSpace) => {
                torn(self);
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            Some(Fault::Io) => {
                torn(self);
                Err(io::Error::other("input/output error"))
            }
            Some(Fault::Stop) => {
                match self.chance(3) {
                    0 => {}
                    1 => torn(self),
                    _ => drop(act(self)),
                }
                self.stopped = true;
                Err(stopped())
            }
        }
    }

    fn running(&self) -> io::Result<()> {
        if self.stopped { Err(stopped()) } else { Ok(()) }
    }

    /// Returns a number below `bound`: the next of the splitmix64 row.
    fn chance(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (bound.max(1) as u64)).unwrap_or(0)
    }

    fn inode(&self, path: &Path) -> io::Result<usize> {
        self.running()?;
        self.names.get(path).copied().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn new_name(&mut self, path: &Path) -> usize {
        self.contents.push(Content::default());
        let inode = self.contents.len() - 1;
        self.names.insert(path.to_owned(), inode);
        inode
    }

    fn write(&mut self, inode: usize, bytes: &[u8]) {
        self.contents[inode].live.extend_from_slice(bytes);
        self.contents[inode].changes += 1;
    }

    fn settle_contents(&mut self) {
        for inode in 0..self.contents.len() {
            let Content { live, synced, changes } = self.contents[inode].clone();
            let kept = if live == synced { live } else { self.survivor(&live, &synced) };
            self.contents[inode] = Content { live: kept.clone(), synced: kept, changes: changes + 1 };
        }
    }

    /// Returns what a power cut leaves of a file that only grew: all, the synced part, a part of the rest, or zeros.
    fn survivor(&mut self, live: &[u8], synced: &[u8]) -> Vec<u8> {
        let tail = live.len() - synced.len();
        let mut kept = live.to_vec();
        match self.chance(4) {
            0 => {}
            1 => kept.truncate(synced.len()),
            2 => kept.truncate(synced.len() + self.chance(tail)),
            _ => kept[synced.len() + self.chance(tail)..].fill(0),
        }
        kept
    }

    fn settle_names(&mut self) {
        let paths: BTreeSet<PathBuf> = self.names.keys().chain(self.synced_names.keys()).cloned().collect();
        for path in paths {
            let (live, synced) = (self.names.get(&path).copied(), self.synced_names.get(&path).copied());
            let kept = if self.chance(2) == 0 { live } else { synced };
            match kept {
                Some(inode) => self.names.insert(path, inode),
                None => self.names.remove(&path),
            };
        }
        self.synced_names = self.names.clone();
    }

    fn is_folder(&self, path: &Path) -> bool {
        self.folders.contains(path) || self.names.keys().any(|name| name.starts_with(path) && name != path)
    }

    fn facts(&self, path: &Path) -> io::Result<Facts> {
        if let Ok(inode) = self.inode(path) {
            let content = &self.contents[inode];
            return Ok(made_up_facts(Kind::File, inode, content.live.len(), content.changes));
        }
        self.running()?;
        if self.is_folder(path) {
            return Ok(made_up_facts(Kind::Folder, usize::MAX, 0, 0));
        }
        Err(io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Disk for FaultyDisk {
    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
        let platter = self.platter();
        let bytes = platter.contents[platter.inode(path)?].live.clone();
        if bytes.len() as u64 > bytes_max { Err(io::Error::from(io::ErrorKind::FileTooLarge)) } else { Ok(bytes) }
    }

    fn facts(&self, path: &Path) -> io::Result<Facts> {
        self.platter().facts(path)
    }

    fn link_facts(&self, path: &Path) -> io::Result<Facts> {
        self.platter().facts(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        let platter = self.platter();
        platter.running()?;
        let within = platter.names.keys().filter(|path| folder_of(path) == folder);
        Ok(within.map(|path| Entry { path: path.clone(), kind: Kind::File }).collect())
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        self.platter().inode(path).map(|_| path.to_owned())
    }

    fn room_bytes(&self, _folder: &Path) -> io::Result<u64> {
        let platter = self.platter();
        platter.running().map(|()| platter.room_bytes)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut platter = self.platter();
        platter.running()?;
        platter.folders.insert(folder.to_owned());
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Writing>> {
        let made = self.platter().step(
            |platter| {
                if platter.names.contains_key(path) {
                    return Err(io::Error::from(io::ErrorKind::AlreadyExists));
                }
                Ok(platter.new_name(path))
            },
            |_| {},
        );
        made.map(|inode| self.open(inode))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Writing>> {
        let existing = self.platter().inode(path);
        let inode = existing.or_else(|_| self.platter().step(|platter| Ok(platter.new_name(path)), |_| {}))?;
        Ok(self.open(inode))
    }

    fn rename(&self, source: &Path, target: &Path) -> io::Result<()> {
        self.platter().step(
            |platter| {
                let inode = platter.inode(source)?;
                platter.names.remove(source);
                platter.names.insert(target.to_owned(), inode);
                Ok(())
            },
            |_| {},
        )
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.platter().step(
            |platter| {
                platter.synced_names.retain(|path, _| folder_of(path) != folder);
                let within = platter.names.iter().filter(|(path, _)| folder_of(path) == folder);
                platter.synced_names.extend(within.map(|(path, inode)| (path.clone(), *inode)));
                Ok(())
            },
            |_| {},
        )
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.platter().step(
            |platter| {
                platter.inode(path)?;
                platter.names.remove(path);
                Ok(())
            },
            |_| {},
        )
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let mut platter = self.platter();
        platter.running()?;
        let held = (platter.boots, path.to_owned());
        if !platter.locks.insert(held.clone()) {
            return Ok(None);
        }
        Ok(Some(Lock(Box::new(FaultyLock { disk: self.clone(), held }))))
    }
}

struct FaultyLock {
    disk: FaultyDisk,
    held: (u64, PathBuf),
}

impl Drop for FaultyLock {
    fn drop(&mut self) {
        self.disk.platter().locks.remove(&self.held);
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    inode: usize,
    boot: u64,
}

impl FaultyFile {
    /// Lends the disk to a handle that was opened since the last start.
    fn platter(&self) -> io::Result<MutexGuard<'_, Platter>> {
        let platter = self.disk.platter();
        if platter.boots == self.boot { Ok(platter) } else { Err(stopped()) }
    }
}

impl Writing for FaultyFile {
    fn permit(&mut self, _: u32) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let inode = self.inode;
        let whole = |platter: &mut Platter| {
            platter.write(inode, bytes);
            Ok(())
        };
        self.platter()?.step(whole, |platter| platter.write(inode, &bytes[..bytes.len() / 2]))
    }

    fn sync(&mut self) -> io::Result<()> {
        let inode = self.inode;
        let keep = |platter: &mut Platter| {
            platter.contents[inode].synced = platter.contents[inode].live.clone();
            Ok(())
        };
        self.platter()?.step(keep, |_| {})
    }
}

fn stopped() -> io::Error {
    io::Error::other("the machine has stopped")
}

fn made_up_facts(kind: Kind, inode: usize, bytes: usize, changes: i128) -> Facts {
    let stamp =
        Stamp { device: 0, inode: inode as u64, modified_ns: changes, changed_ns: changes, bytes: bytes as u64 };
    Facts { kind, bytes: bytes as u64, mode: 0o700, ours: true, stamp }
}
