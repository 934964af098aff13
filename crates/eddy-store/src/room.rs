//! Room on the disk. The engine must never meet a full one: after a single failed write it takes no more, even when
//! room comes back (R9). So growth is refused while there is still room, and what makes room passes a little longer.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};

use crate::folder::private;

/// How much must be left on the disk, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RoomMarks {
    /// Below this, batches that grow are refused, and new blobs.
    pub grow_bytes: u64,
    /// Below this, every batch is.
    pub any_bytes: u64,
    /// Set aside in a file that is removed when little is left, so that the engine can finish what it has begun.
    pub ballast_bytes: u64,
}

impl RoomMarks {
    /// The marks that suit a disk of this size: what the engine may need to finish what it has begun, and no more
    /// than a quarter of a small disk.
    pub fn for_disk(size_bytes: u64) -> RoomMarks {
        const MIB: u64 = 1024 * 1024;
        let grow_bytes = (size_bytes / 4).clamp(64 * MIB, 512 * MIB);
        RoomMarks { grow_bytes, any_bytes: grow_bytes / 2, ballast_bytes: grow_bytes / 16 }
    }
}

/// What may still be written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Level {
    Plenty,
    /// Only what makes room.
    Low,
    Nothing,
}

/// Watches a disk. Shared by the commit thread and the writers of blobs.
#[derive(Clone)]
pub(crate) struct Room {
    disk: Option<Arc<Watched>>,
}

struct Watched {
    folder: File,
    ballast: PathBuf,
    marks: RoomMarks,
    level: AtomicU8,
    is_laid: AtomicBool,
}

impl Room {
    /// Without a disk there is always room.
    pub(crate) fn endless() -> Room {
        Room { disk: None }
    }

    /// Watches the disk that a folder is on; by marks that suit its size, unless some are given.
    pub(crate) fn watch(path: &Path, marks: Option<RoomMarks>) -> std::io::Result<Room> {
        let folder = File::open(path)?;
        let stat = fstatvfs(&folder)?;
        let size = stat.f_blocks.saturating_mul(stat.f_frsize);
        let marks = marks.unwrap_or_else(|| RoomMarks::for_disk(size));
        let watched = Watched {
            folder,
            ballast: path.join("ballast"),
            marks,
            level: AtomicU8::new(Level::Plenty as u8),
            is_laid: AtomicBool::new(path.join("ballast").exists()),
        };
        let room = Room { disk: Some(Arc::new(watched)) };
        room.look();
        Ok(room)
    }

    /// Asks the disk, and gives up the ballast when nothing is left. Costs about a microsecond.
    pub(crate) fn look(&self) -> Level {
        let Some(disk) = &self.disk else { return Level::Plenty };
        let before = disk.level();
        let Some(free) = disk.free_bytes() else { return before };
        let level = disk.marks.level(free);
        disk.level.store(level as u8, Ordering::Release);
        if level != before {
            tracing::warn!(free_bytes = free, level = ?level, "the room on the disk has changed");
        }
        if level == Level::Nothing && disk.is_laid.swap(false, Ordering::AcqRel) {
            disk.drop_ballast();
        }
        level
    }

    /// What is left on the disk, in bytes.
    pub(crate) fn free_bytes(&self) -> u64 {
        self.disk.as_ref().and_then(|disk| disk.free_bytes()).unwrap_or(u64::MAX)
    }

    /// Lays the ballast, unless it lies or would use up what there is. Writes to the disk.
    pub(crate) fn lay_ballast(&self) {
        let Some(disk) = &self.disk else { return };
        let enough = disk.marks.grow_bytes.saturating_add(disk.marks.ballast_bytes.saturating_mul(2));
        if disk.marks.ballast_bytes > 0
            && disk.free_bytes().is_some_and(|free| free >= enough)
            && !disk.is_laid.swap(true, Ordering::AcqRel)
        {
            disk.lay_ballast();
        }
    }
}

impl RoomMarks {
    fn level(&self, free_bytes: u64) -> Level {
        if free_bytes < self.any_bytes {
            return Level::Nothing;
        }
        if free_bytes < self.grow_bytes { Level::Low } else { Level::Plenty }
    }
}

impl Watched {
    fn free_bytes(&self) -> Option<u64> {
        let stat = fstatvfs(&self.folder).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn level(&self) -> Level {
        match self.level.load(Ordering::Acquire) {
            0 => Level::Plenty,
            1 => Level::Low,
            _ => Level::Nothing,
        }
    }

    fn lay_ballast(&self) {
        let laid = private(&self.ballast)
            .and_then(|file| Ok(fallocate(file, FallocateFlags::empty(), 0, self.marks.ballast_bytes)?));
        if let Err(error) = laid {
            tracing::warn!(error = %error, "no room could be set aside");
            let _ = fs::remove_file(&self.ballast);
        }
    }

    fn drop_ballast(&self) {
        match fs::remove_file(&self.ballast) {
            Ok(()) => tracing::warn!("the room set aside is given up"),
            Err(error) => tracing::warn!(error = %error, "the room set aside could not be given up"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_follow_the_marks() {
        let marks = RoomMarks { grow_bytes: 100, any_bytes: 50, ballast_bytes: 0 };
        for (free, level) in [
            (100, Level::Plenty),
            (99, Level::Low),
            (50, Level::Low),
            (49, Level::Nothing),
            (0, Level::Nothing),
        ] {
            assert_eq!(marks.level(free), level, "{free} bytes free");
        }
    }

    #[test]
    fn ballast_is_laid_and_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let marks = RoomMarks { grow_bytes: 0, any_bytes: 0, ballast_bytes: 4096 };
        let room = Room::watch(folder.path(), Some(marks)).unwrap();
        assert_eq!(room.look(), Level::Plenty);
        room.lay_ballast();
        assert_eq!(fs::metadata(folder.path().join("ballast")).unwrap().len(), 4096);
        let none_left = RoomMarks { grow_bytes: u64::MAX, any_bytes: u64::MAX, ..marks };
        assert_eq!(Room::watch(folder.path(), Some(none_left)).unwrap().look(), Level::Nothing);
        assert!(!folder.path().join("ballast").exists());
    }
}
