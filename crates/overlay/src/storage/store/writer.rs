//! The thread that commits what waits.

use std::sync::{Arc, PoisonError};

use super::batch::Batch;
use super::{RETRY, Shared, lock, tables};

impl Shared {
    /// Whether a batch came to disk; says when that changes.
    pub(super) fn write(&self, batch: &Batch, fails: &mut bool) -> bool {
        let failed = match self.with(|db| tables::write_batch(db, batch)) {
            Some(Ok(())) => {
                if *fails {
                    tracing::warn!("this gateway: its store can be written again");
                }
                false
            }
            Some(Err(error)) => {
                if !*fails {
                    let store = self.path.display();
                    tracing::error!("this gateway: keeps nothing, cannot write {store}: {error}");
                }
                true
            }
            None => true,
        };
        *fails = failed;
        !failed
    }

    /// After an error the database takes nothing more before it is opened anew.
    pub(super) fn reopen(&self) {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        drop(db.take());
        match (self.open)() {
            Ok(opened) => *db = Some(opened),
            Err(error) => tracing::error!("this gateway: cannot open its store again: {error}"),
        }
    }

    pub(super) fn commit_until_closed(&self) {
        let mut fails = false;
        loop {
            let mut queue = lock(&self.queue);
            if queue.is_done() {
                if queue.closing {
                    return;
                }
                drop(self.wake.wait(queue));
                continue;
            }
            drop(queue);
            let kept = self.commit(&mut fails);
            let _ = self.kept.blocking_send(kept);
            if fails {
                self.reopen();
                let mut queue = lock(&self.queue);
                if queue.closing {
                    return queue.tell_nobody();
                }
                drop(self.wake.wait_timeout(queue, RETRY));
            }
        }
    }

    /// Commits what waits. Returns which messages are kept now; none at all where that fails, and
    /// it goes on waiting.
    pub(super) fn commit(&self, fails: &mut bool) -> Option<Vec<(u64, u64)>> {
        // The lock is held to swap two batches and not while the disk works; readers see both.
        let batch = {
            let mut queue = lock(&self.queue);
            queue.committing = Arc::new(std::mem::take(&mut queue.waiting));
            queue.committing.clone()
        };
        let done = self.write(&batch, fails);
        let mut queue = lock(&self.queue);
        queue.committing = Arc::default();
        if !done {
            // Back into the queue, behind what is newer: a full disk delays writes and loses none.
            queue.waiting.add_older(&batch);
            return None;
        }
        let kept = batch.posts.iter().filter_map(|(n, kept)| Some((*n, kept.as_ref()?.0)));
        Some(kept.collect())
    }
}

/// Makes the file, readable by its owner only, before the database fills it.
pub(super) fn private_file(path: &std::path::Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
