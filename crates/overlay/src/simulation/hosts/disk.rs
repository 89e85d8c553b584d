//! The disk of a host, which outlives its boots.

use std::io::Result;
use std::path::Path;
use std::sync::Arc;

use redb::backends::InMemoryBackend;
use redb::{Database, StorageBackend};
use tempfile::TempDir;

/// The database in memory, and the directory of the journal.
#[derive(Debug)]
pub(super) struct Disk {
    memory: Memory,
    state: TempDir,
}

#[derive(Clone, Debug)]
struct Memory(Arc<InMemoryBackend>);

impl Disk {
    pub(super) fn new() -> Self {
        let memory = Memory(Arc::new(InMemoryBackend::new()));
        Self { memory, state: tempfile::tempdir().unwrap() }
    }

    /// What was committed to it.
    pub(super) fn database(&self) -> Database {
        Database::builder().create_with_backend(self.memory.clone()).unwrap()
    }

    pub(super) fn state(&self) -> &Path {
        self.state.path()
    }
}

impl StorageBackend for Memory {
    fn len(&self) -> Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.0.write(offset, data)
    }
}
