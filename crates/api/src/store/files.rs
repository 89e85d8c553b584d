//! Files that are offered: what is known of each in the store, and their bytes beside it.

use std::path::{Path, PathBuf};

use crosstalk_core::{Address, UnixMillis};
use redb::{Database, ReadableDatabase as _, ReadableTable as _};
use serde::{Deserialize, Serialize};

use super::tables::FILES;
use super::{Store, StoreError};
use crate::secret::Hash;

/// What is known of a file that is offered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Offered {
    /// Its name among those of its owner, and of its bytes on the disk.
    pub(crate) id: String,
    pub(crate) who: String,
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) expires_at: u64,
}

impl Store {
    /// The place of a file's bytes.
    pub(crate) fn place(&self, id: &str) -> PathBuf {
        self.files.join(id)
    }

    /// Files that somebody offers, or all.
    pub(crate) async fn files(&self, who: Option<&Address>) -> Result<Vec<Offered>, StoreError> {
        let who = who.map(ToString::to_string);
        let all = self.on_disk(all).await?;
        let of_them = |offered: &Offered| who.as_ref().is_none_or(|who| *who == offered.who);
        Ok(all.into_iter().map(|(_, offered)| offered).filter(of_them).collect())
    }

    /// Offers a file whose bytes are in their place, to whoever has the secret of that hash.
    pub(crate) async fn offer(&self, hash: Hash, offered: &Offered) -> Result<(), StoreError> {
        let stored = serde_json::to_vec(offered).unwrap_or_default();
        self.on_disk(move |db| {
            let write = db.begin_write()?;
            write.open_table(FILES)?.insert(&hash.0, stored.as_slice())?;
            write.commit()?;
            Ok(())
        })
        .await
    }

    /// Takes an offer back, so that nobody else gets it. Its bytes are the caller's to remove.
    pub(crate) async fn claim(&self, hash: Hash) -> Result<Option<Offered>, StoreError> {
        self.on_disk(move |db| {
            // Whoever guesses links costs no write to the disk.
            if db.begin_read()?.open_table(FILES)?.get(&hash.0)?.is_none() {
                return Ok(None);
            }
            let write = db.begin_write()?;
            let offered = {
                let mut files = write.open_table(FILES)?;
                let offered = files.remove(&hash.0)?;
                offered.and_then(|offered| serde_json::from_slice(offered.value()).ok())
            };
            write.commit()?;
            Ok(offered)
        })
        .await
    }

    /// Forgets a file of somebody's. Returns whether there was one.
    pub(crate) async fn withdraw(&self, who: &Address, id: &str) -> Result<bool, StoreError> {
        let (who, id) = (who.to_string(), id.to_owned());
        let is_it = move |offered: &Offered| offered.who == who && offered.id == id;
        Ok(!self.remove_files(is_it).await?.is_empty())
    }

    /// Forgets the files that have expired, and bytes that belong to none.
    pub(crate) async fn sweep(&self, now: UnixMillis) -> Result<(), StoreError> {
        self.remove_files(move |offered| offered.expires_at <= now.0).await?;
        Ok(())
    }

    pub(super) async fn remove_files(
        &self,
        is_it: impl Fn(&Offered) -> bool + Send + 'static,
    ) -> Result<Vec<Offered>, StoreError> {
        let removed = self.on_disk(move |db| {
            let found: Vec<_> =
                all(db)?.into_iter().filter(|(_, offered)| is_it(offered)).collect();
            if found.is_empty() {
                return Ok(Vec::new());
            }
            let write = db.begin_write()?;
            {
                let mut files = write.open_table(FILES)?;
                for (hash, _) in &found {
                    files.remove(&hash.0)?;
                }
            }
            write.commit()?;
            Ok(found.into_iter().map(|(_, offered)| offered).collect::<Vec<_>>())
        });
        let removed = removed.await?;
        for offered in &removed {
            let _ = tokio::fs::remove_file(self.place(&offered.id)).await;
        }
        Ok(removed)
    }
}

/// Removes bytes of files that nobody offers: what was being written when the gateway died.
pub(super) fn remove_leftovers(db: &Database, files: &Path) -> Result<(), StoreError> {
    let offered: Vec<_> = all(db)?.into_iter().map(|(_, offered)| offered.id).collect();
    for entry in std::fs::read_dir(files)? {
        let entry = entry?;
        if !offered.iter().any(|id| entry.file_name() == id.as_str()) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn all(db: &Database) -> Result<Vec<(Hash, Offered)>, redb::Error> {
    let table = db.begin_read()?.open_table(FILES)?;
    let mut files = Vec::new();
    for entry in table.iter()? {
        let (hash, stored) = entry?;
        if let Ok(offered) = serde_json::from_slice(stored.value()) {
            files.push((Hash(*hash.value()), offered));
        }
    }
    Ok(files)
}
