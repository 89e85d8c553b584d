//! The disk of a host, which outlives its boots.

use std::io::{ErrorKind, Result};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::backends::InMemoryBackend;
use redb::{Database, DatabaseError, StorageBackend};
use tempfile::TempDir;

/// The database in memory, and the directory of the journal.
#[derive(Debug)]
pub(super) struct Disk {
    memory: Memory,
    state: TempDir,
}

#[derive(Clone, Debug)]
struct Memory {
    bytes: Arc<InMemoryBackend>,
    is_full: Arc<AtomicBool>,
}

impl Disk {
    pub(super) fn new() -> Self {
        let memory = Memory { bytes: Arc::new(InMemoryBackend::new()), is_full: Arc::default() };
        Self { memory, state: tempfile::tempdir().unwrap() }
    }

    /// Opens the database, with what was committed to it.
    pub(super) fn opener(
        &self,
    ) -> impl Fn() -> std::result::Result<Database, DatabaseError> + use<> {
        let memory = self.memory.clone();
        move || Database::builder().create_with_backend(memory.clone())
    }

    /// Whether nothing can be written to the database from now on.
    pub(super) fn set_full(&self, is_full: bool) {
        self.memory.is_full.store(is_full, Ordering::Relaxed);
    }

    pub(super) fn state(&self) -> &Path {
        self.state.path()
    }
}

impl Memory {
    fn check_room(&self) -> Result<()> {
        if self.is_full.load(Ordering::Relaxed) {
            Err(ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }
}

impl StorageBackend for Memory {
    fn len(&self) -> Result<u64> {
        self.bytes.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.bytes.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.check_room()?;
        self.bytes.set_len(len)
    }

    fn sync_data(&self) -> Result<()> {
        self.bytes.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.check_room()?;
        self.bytes.write(offset, data)
    }
}
