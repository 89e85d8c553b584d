//! What the API keeps on disk: tokens, and events that programs have not taken yet.

mod events;
mod files;
mod forget;
mod passkeys;
mod profiles;
mod records;
mod tables;
mod tokens;
mod web;

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::Database;

pub(crate) use events::{Log, ToKeep};
pub(crate) use files::Offered;
pub(crate) use passkeys::Passkey;
pub(crate) use records::Kept;
pub use tokens::{NewToken, Token};
pub(crate) use web::{Invite, Known, Session};

/// The file, in the gateway's data directory.
const FILE: &str = "api.redb";
/// The most bytes of the file that are held in memory. Little is read twice: tokens are kept beside
/// it, and events are read once each.
const CACHE: usize = 1 << 20;
/// The directory of files that are offered.
const FILES: &str = "files";

/// Reason why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The gateway runs, and has it.
    #[error("the gateway that runs has it")]
    InUse,
    /// The disk, or what is on it.
    #[error("{0}")]
    Broken(Box<redb::Error>),
    /// The file cannot be opened.
    #[error("{0}")]
    File(#[from] io::Error),
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::DatabaseAlreadyOpen => Self::InUse,
            error => Self::Broken(Box::new(error)),
        }
    }
}

/// What is kept. A cheap handle.
#[derive(Clone)]
pub(crate) struct Store {
    db: Arc<Database>,
    /// Directory of the bytes of files that are offered.
    files: PathBuf,
}

impl Store {
    /// Opens the store in the data directory of a gateway, or makes one.
    pub(crate) fn open(data: &Path) -> Result<Self, StoreError> {
        let path = data.join(FILE);
        // Its owner's only, from the first moment on.
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        let db =
            Database::builder().set_cache_size(CACHE).create(&path).map_err(redb::Error::from)?;
        tables::make(&db)?;
        let files = data.join(FILES);
        DirBuilder::new().recursive(true).mode(0o700).create(&files)?;
        files::remove_leftovers(&db, &files)?;
        Ok(Self { db: Arc::new(db), files })
    }

    /// Does something with the disk away from those who talk.
    pub(crate) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let db = Arc::clone(&self.db);
        let done = tokio::task::spawn_blocking(move || work(&db)).await;
        Ok(done.map_err(io::Error::other)??)
    }
}
