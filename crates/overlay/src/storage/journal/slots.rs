//! The bytes of the journal, as memory or as a file.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;

use memmap2::MmapMut;

/// Made in such pieces, the file is cached in small pages: a short write into a large one takes as
/// long as the page is large.
const PAGE: usize = 4096;

/// The bytes of a file whose size does not change.
pub(super) enum Slots {
    /// Mapped into memory, which the system keeps when the process dies, as it does what was
    /// written: no system call and no wait for the disk.
    Mapped(MmapMut),
    /// Written. It waits where the system has much to write back, but can fail.
    Written(File),
}

impl Slots {
    /// Fills `file` up from `found` to `length` bytes, and makes it ready to be put to.
    pub(super) fn prepare(mut file: File, found: usize, length: usize) -> io::Result<Self> {
        // All the room it will ever need, and not only promised: putting works on a full disk too.
        if found < length {
            for page in vec![0; length - found].chunks(PAGE) {
                file.write_all(page)?;
            }
            file.sync_all()?;
        }
        Ok(match mapped(&file, length) {
            Some(map) => Self::Mapped(map),
            None => Self::Written(file),
        })
    }

    /// Puts bytes at a place inside of the file.
    pub(super) fn put(&mut self, at: usize, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Mapped(map) => {
                let room = map.get_mut(at..at + bytes.len());
                room.ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(bytes);
                Ok(())
            }
            Self::Written(file) => file.write_all_at(bytes, at as u64),
        }
    }
}

/// The file in memory, where a store cannot fail and so must not: the system kills the process
/// (SIGBUS) when it cannot do one. A file system that puts what is overwritten elsewhere needs room
/// for that, and may have none. What remains is a page that was dropped from memory and cannot be
/// read back since the disk is broken.
#[cfg(target_os = "linux")]
fn mapped(file: &File, length: usize) -> Option<MmapMut> {
    /// ext2 to ext4, and tmpfs, which overwrite in place.
    const IN_PLACE: [i64; 2] = [0xef53, 0x0102_1994];
    let is_in_place = IN_PLACE.contains(&rustix::fs::fstatfs(file).ok()?.f_type);
    // A copy that somebody brought back may have holes, for which there must be room too.
    let fill = rustix::fs::FallocateFlags::empty();
    if !is_in_place || rustix::fs::fallocate(file, fill, 0, length as u64).is_err() {
        return None;
    }
    #[expect(unsafe_code, reason = "the file may not change under the map")]
    // SAFETY: nobody else has the file: its directory is private to this user, and the database
    // beside it is locked by this process. Nothing refers to the bytes of the map but `put`, and
    // the file is never made shorter.
    unsafe {
        memmap2::MmapOptions::new().len(length).map_mut(file).ok()
    }
}

#[cfg(not(target_os = "linux"))]
fn mapped(_: &File, _: usize) -> Option<MmapMut> {
    None
}
