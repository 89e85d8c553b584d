//! Files that are offered: what is known of each in the store, and their bytes beside it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crosstalk_core::{Address, UnixMillis};
use redb::{Database, ReadableDatabase as _, ReadableTable as _};
use serde::{Deserialize, Serialize};

use super::tables::FILES;
use super::{Store, StoreError};
use crate::secret::Hash;

/// How often files are looked through for those that have expired.
const HOUR: Duration = Duration::from_hours(1);

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

/// A file that is being written. Dropped before it is offered, it is gone from the disk.
pub(crate) struct Partial {
    place: PathBuf,
    is_offered: bool,
}

impl Partial {
    /// Leaves the file where it is.
    fn keep(mut self) {
        self.is_offered = true;
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_offered {
            let _ = std::fs::remove_file(&self.place);
        }
    }
}

impl Store {
    /// The place of a file's bytes.
    fn place(&self, id: &str) -> PathBuf {
        self.files.join(id)
    }

    /// Makes a file to be written.
    pub(crate) async fn create(&self, id: &str) -> io::Result<(tokio::fs::File, Partial)> {
        let place = self.place(id);
        // Both at once: whoever hangs up now leaves no file behind either.
        let created = tokio::task::spawn_blocking(move || {
            let mut options = OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(&place)?;
            Ok((file.into(), Partial { place, is_offered: false }))
        });
        created.await.map_err(io::Error::other)?
    }

    /// Files that somebody offers, or all.
    pub(crate) async fn files(&self, who: Option<&Address>) -> Result<Vec<Offered>, StoreError> {
        let who = who.map(ToString::to_string);
        let all = self.on_disk(all).await?;
        let of_them = |offered: &Offered| who.as_ref().is_none_or(|who| *who == offered.who);
        Ok(all.into_iter().map(|(_, offered)| offered).filter(of_them).collect())
    }

    /// Offers a file whose bytes are written, to whoever has the secret of that hash. It goes on when
    /// the caller hangs up: the file is offered, or gone.
    pub(crate) async fn offer(
        &self,
        hash: Hash,
        offered: &Offered,
        partial: Partial,
    ) -> Result<(), StoreError> {
        let stored = serde_json::to_vec(offered).unwrap_or_default();
        self.on_disk(move |db| {
            let write = db.begin_write()?;
            write.open_table(FILES)?.insert(&hash.0, stored.as_slice())?;
            write.commit()?;
            partial.keep();
            Ok(())
        })
        .await
    }

    /// Looks who offers what with the secret of that hash, and leaves it there.
    pub(crate) async fn look(&self, hash: Hash) -> Result<Option<Offered>, StoreError> {
        self.on_disk(move |db| {
            let files = db.begin_read()?.open_table(FILES)?;
            let offered = files.get(&hash.0)?;
            Ok(offered.and_then(|offered| serde_json::from_slice(offered.value()).ok()))
        })
        .await
    }

    /// Takes an offer back, so that nobody else gets it, and opens its file, which is gone from the
    /// disk. It goes on when the caller hangs up.
    pub(crate) async fn claim(&self, hash: Hash) -> Result<Option<(Offered, File)>, StoreError> {
        let files = self.files.clone();
        self.on_disk(move |db| {
            // Whoever guesses links costs no write to the disk.
            if db.begin_read()?.open_table(FILES)?.get(&hash.0)?.is_none() {
                return Ok(None);
            }
            let write = db.begin_write()?;
            let offered: Option<Offered> = {
                let mut files = write.open_table(FILES)?;
                let offered = files.remove(&hash.0)?;
                offered.and_then(|offered| serde_json::from_slice(offered.value()).ok())
            };
            write.commit()?;
            let Some(offered) = offered else { return Ok(None) };
            let place = files.join(&offered.id);
            let file = File::open(&place);
            // It stays readable for who has it open.
            let _ = std::fs::remove_file(&place);
            Ok(file.ok().map(|file| (offered, file)))
        })
        .await
    }

    /// Forgets a file of somebody's. Returns whether there was one.
    pub(crate) async fn withdraw(&self, who: &Address, id: &str) -> Result<bool, StoreError> {
        let (who, id) = (who.to_string(), id.to_owned());
        let is_it = move |offered: &Offered| offered.who == who && offered.id == id;
        Ok(!self.remove_files(is_it).await?.is_empty())
    }

    /// Forgets the files that expire, for as long as it is awaited.
    pub(crate) async fn sweep_hourly(self) {
        let mut hours = tokio::time::interval(HOUR);
        loop {
            hours.tick().await;
            if let Err(error) = self.sweep(SystemTime::now().into()).await {
                tracing::error!(%error, "files that have expired cannot be forgotten");
            }
        }
    }

    /// Forgets the files that have expired.
    pub(crate) async fn sweep(&self, now: UnixMillis) -> Result<(), StoreError> {
        self.remove_files(move |offered| offered.expires_at <= now.0).await?;
        Ok(())
    }

    /// Forgets files, and removes their bytes. It goes on when the caller hangs up.
    pub(super) async fn remove_files(
        &self,
        is_it: impl Fn(&Offered) -> bool + Send + 'static,
    ) -> Result<Vec<Offered>, StoreError> {
        let files = self.files.clone();
        self.on_disk(move |db| {
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
            let removed: Vec<_> = found.into_iter().map(|(_, offered)| offered).collect();
            for offered in &removed {
                let _ = std::fs::remove_file(files.join(&offered.id));
            }
            Ok(removed)
        })
        .await
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

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    fn offered(id: &str, expires_at: u64) -> Offered {
        let word = str::to_owned;
        let (name, media_type) = (word("x"), word("text/plain"));
        Offered { id: word(id), who: word("a@apps"), name, media_type, size: 1, expires_at }
    }

    async fn offer(store: &Store, id: u8, expires_at: u64) -> PathBuf {
        let name = id.to_string();
        let (mut file, partial) = store.create(&name).await.unwrap();
        file.write_all(b"x").await.unwrap();
        file.flush().await.unwrap();
        store.offer(Hash([id; 32]), &offered(&name, expires_at), partial).await.unwrap();
        store.place(&name)
    }

    #[tokio::test]
    async fn what_is_not_offered_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).unwrap();
        let (_file, partial) = store.create("1").await.unwrap();
        assert!(store.place("1").exists());
        drop(partial);
        assert!(!store.place("1").exists());
        assert!(offer(&store, 2, u64::MAX).await.exists());
    }

    /// Begins to do something, and hangs up. Returns when `place` is empty.
    async fn hangs_up(doing: impl Future, place: &Path) {
        let mut doing = Box::pin(doing);
        std::future::poll_fn(|cx| Poll::Ready(doing.as_mut().poll(cx).is_ready())).await;
        drop(doing);
        let mut tries = 0;
        while std::fs::read_dir(place).unwrap().count() > 0 {
            tries += 1;
            assert!(tries < 500, "the bytes are gone");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn who_hangs_up_while_getting_or_withdrawing_leaves_no_bytes_behind() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).unwrap();
        offer(&store, 1, u64::MAX).await;
        hangs_up(store.claim(Hash([1; 32])), &store.files).await;
        offer(&store, 2, u64::MAX).await;
        hangs_up(store.withdraw(&"a@apps".parse().unwrap(), "2"), &store.files).await;
        offer(&store, 3, 1).await;
        hangs_up(store.sweep(UnixMillis(2)), &store.files).await;
        assert!(store.files(None).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_file_that_is_claimed_is_read_though_it_is_gone() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).unwrap();
        let place = offer(&store, 1, u64::MAX).await;
        let (offered, mut file) = store.claim(Hash([1; 32])).await.unwrap().unwrap();
        assert!(!place.exists());
        let mut read = String::new();
        io::Read::read_to_string(&mut file, &mut read).unwrap();
        assert_eq!((&*offered.id, &*read), ("1", "x"));
        assert!(store.claim(Hash([1; 32])).await.unwrap().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_expired_is_gone_within_the_hour_though_nobody_asks() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).unwrap();
        let kept = offer(&store, 1, u64::MAX).await;
        tokio::spawn(store.clone().sweep_hourly());
        tokio::time::sleep(HOUR / 2).await;
        let expired = offer(&store, 2, 1).await;
        assert!(expired.exists());
        tokio::time::sleep(HOUR).await;
        // The disk is slower than a clock that is moved on.
        while store.files(None).await.unwrap().len() > 1 || expired.exists() {
            tokio::task::yield_now().await;
        }
        assert!(kept.exists());
    }
}
