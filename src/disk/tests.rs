use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{
    Disk, Fault, FaultyDisk, Kind, Outage, ReplaceError, SystemDisk, remove_stale_temporaries, replace,
    replace_unsynced,
};

const BYTES_MAX: u64 = 1 << 20;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_replaced_file_is_private_and_leaves_no_temporary() {
    let folder = folder();
    let path = folder.path().join("store.age");
    replace(&SystemDisk, &path, b"old").unwrap();
    replace(&SystemDisk, &path, b"new").unwrap();
    assert_eq!(SystemDisk.read(&path, BYTES_MAX).unwrap(), b"new");
    assert_eq!(SystemDisk.facts(&path).unwrap().mode, 0o600);
    assert_eq!(SystemDisk.list(folder.path()).unwrap().len(), 1);
}

#[test]
fn a_new_folder_is_private() {
    let folder = folder();
    let path = folder.path().join("a/b");
    SystemDisk.create_folder(&path).unwrap();
    SystemDisk.create_folder(&path).unwrap();
    assert!(SystemDisk.facts(&path).unwrap().is_private());
}

#[test]
fn a_file_longer_than_the_cap_is_refused() {
    let folder = folder();
    let path = folder.path().join("long");
    replace(&SystemDisk, &path, b"12345").unwrap();
    assert_eq!(SystemDisk.read(&path, 5).unwrap(), b"12345");
    assert_eq!(SystemDisk.read(&path, 4).unwrap_err().kind(), ErrorKind::FileTooLarge);
}

#[test]
fn a_fifo_is_refused_without_waiting_for_a_writer() {
    let folder = folder();
    let path = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    assert!(SystemDisk.read(&path, BYTES_MAX).is_err());
    assert_eq!(SystemDisk.facts(&path).unwrap().kind, Kind::Other);
}

#[test]
fn a_link_is_a_link_only_where_it_is_not_followed() {
    let folder = folder();
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    replace(&SystemDisk, &target, b"x").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert_eq!(SystemDisk.link_facts(&link).unwrap().kind, Kind::Link);
    assert_eq!(SystemDisk.facts(&link).unwrap().kind, Kind::File);
    assert_eq!(SystemDisk.resolve(&link).unwrap(), SystemDisk.resolve(&target).unwrap());
}

#[test]
fn a_lock_is_held_by_one() {
    let folder = folder();
    let path = folder.path().join(".lock");
    let disks: [Box<dyn Disk>; 2] = [Box::new(SystemDisk), Box::new(FaultyDisk::new(1))];
    for disk in disks {
        let held = disk.try_lock(&path).unwrap();
        assert!(held.is_some());
        assert!(disk.try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(disk.try_lock(&path).unwrap().is_some());
    }
}

#[test]
fn a_replaced_file_has_another_stamp() {
    let folder = folder();
    let path = folder.path().join("file");
    let disks: [Box<dyn Disk>; 2] = [Box::new(SystemDisk), Box::new(FaultyDisk::new(1))];
    for disk in disks {
        replace(&*disk, &path, b"one").unwrap();
        let before = disk.facts(&path).unwrap().stamp;
        assert_eq!(disk.facts(&path).unwrap().stamp, before);
        replace(&*disk, &path, b"two").unwrap();
        assert_ne!(disk.facts(&path).unwrap().stamp, before);
    }
}

#[test]
fn loose_modes_are_seen() {
    let folder = folder();
    let path = folder.path().join("file");
    replace(&SystemDisk, &path, b"x").unwrap();
    for (mode, private, guarded) in [(0o600, true, true), (0o640, false, true), (0o620, false, false)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let facts = SystemDisk.facts(&path).unwrap();
        assert_eq!((facts.is_private(), facts.is_guarded()), (private, guarded), "{mode:o}");
    }
}

#[test]
fn a_power_cut_at_any_step_of_a_replace_leaves_old_or_new() {
    let path = Path::new("/secrets/store.age");
    for seed in 0..200 {
        for step in 0..=5 {
            let disk = FaultyDisk::new(seed);
            replace(&disk, path, b"old").unwrap();
            disk.fail_at(disk.steps() + step, Fault::Stop);
            let acknowledged = replace(&disk, path, b"newer").is_ok();
            disk.restart(Outage::Power);
            let found = disk.read(path, BYTES_MAX).unwrap();
            assert!(found == b"newer" || (found == b"old" && !acknowledged), "seed {seed} step {step}: {found:?}");
            remove_stale_temporaries(&disk, path).unwrap();
            assert_eq!(disk.list(Path::new("/secrets")).unwrap().len(), 1, "seed {seed} step {step}");
        }
    }
}

#[test]
fn an_unsynced_replace_loses_data_in_a_power_cut() {
    let path = Path::new("/secrets/store.age");
    let torn = (0..200).filter(|seed| {
        let disk = FaultyDisk::new(*seed);
        replace(&disk, path, b"old").unwrap();
        replace_unsynced(&disk, path, b"newer").unwrap();
        disk.restart(Outage::Power);
        let found = disk.read(path, BYTES_MAX).unwrap();
        found != b"old" && found != b"newer"
    });
    assert!(torn.count() > 0, "the disk has teeth");
}

#[test]
fn an_error_before_the_rename_leaves_the_old_file_and_no_temporary() {
    let path = Path::new("/secrets/store.age");
    for fault in [Fault::NoSpace, Fault::Io] {
        for step in 0..4 {
            let disk = FaultyDisk::new(7);
            replace(&disk, path, b"old").unwrap();
            disk.fail_at(disk.steps() + step, fault);
            assert!(matches!(replace(&disk, path, b"new").unwrap_err(), ReplaceError::Unchanged(_)));
            assert_eq!(disk.read(path, BYTES_MAX).unwrap(), b"old");
            assert_eq!(disk.list(Path::new("/secrets")).unwrap().len(), 1);
        }
    }
}

#[test]
fn an_error_after_the_rename_says_that_nothing_is_settled() {
    let path = Path::new("/secrets/store.age");
    let disk = FaultyDisk::new(7);
    disk.fail_at(4, Fault::Io);
    assert!(matches!(replace(&disk, path, b"new").unwrap_err(), ReplaceError::Unsettled(_)));
}

#[test]
fn an_appended_log_keeps_what_was_synced() {
    let path = Path::new("/state/journal");
    for seed in 0..100 {
        let disk = FaultyDisk::new(seed);
        let mut log = disk.append(path).unwrap();
        log.write(b"one.").unwrap();
        log.sync().unwrap();
        disk.sync_folder(Path::new("/state")).unwrap();
        log.write(b"two.").unwrap();
        disk.restart(Outage::Power);
        assert!(disk.read(path, BYTES_MAX).unwrap().starts_with(b"one."), "seed {seed}");
        assert!(log.write(b"late").is_err(), "a handle does not outlive the machine");
    }
}

#[test]
fn a_killed_process_loses_nothing_that_it_wrote() {
    let disk = FaultyDisk::new(3);
    let path = Path::new("/state/journal");
    disk.append(path).unwrap().write(b"one.").unwrap();
    disk.restart(Outage::Process);
    assert_eq!(disk.read(path, BYTES_MAX).unwrap(), b"one.");
}
