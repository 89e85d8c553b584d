//! Streams of events: how things stand, and what waits, from a number on.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{broadcast, watch};

use super::{Person, Present};
use crate::content::Event;
use crate::lock::lock;
use crate::store::StoreError;

/// Number of events that are read at a time.
const BATCH: usize = 100;
/// The most numbered events that a stream tells before some of them are acknowledged. A stream that
/// cannot acknowledge ends then, and its program connects again with the number of the last.
const UNACKNOWLEDGED: u64 = 1000;

/// One event of a stream, as JSON.
#[derive(Debug)]
pub(crate) struct Item {
    /// Its number, if it has one.
    pub(crate) id: Option<u64>,
    pub(crate) json: Vec<u8>,
    /// The kind, as `type` has it.
    pub(crate) kind: &'static str,
}

/// A stream of somebody's events. While there is one, that one is seen to be there.
pub(crate) struct Reader {
    present: Present,
    /// The number of the last event that was told.
    after: u64,
    live: broadcast::Receiver<Arc<Event>>,
    newest: watch::Receiver<u64>,
    look: watch::Receiver<bool>,
    is_loaded: watch::Receiver<bool>,
    waiting: VecDeque<Item>,
    /// Whether the program knows how things stand.
    is_told: bool,
}

/// Reason why events cannot be read from a number on.
pub(crate) enum Unread {
    /// There was no such event yet.
    Future,
    /// There are as many streams as there may be.
    TooMany,
    Store(StoreError),
}

impl Reader {
    /// A stream of the events behind a number, which acknowledges those up to it; behind the last
    /// one that was acknowledged, where none is given.
    pub(crate) async fn begin(present: Present, after: Option<u64>) -> Result<Self, Unread> {
        let after = match after {
            Some(after) => {
                present.acknowledge(after).await?;
                after
            }
            None => lock(&present.inner).log.acknowledged,
        };
        if !present.begin_reading() {
            return Err(Unread::TooMany);
        }
        let (live, newest) = (present.live.subscribe(), present.newest.subscribe());
        let (look, is_loaded) = (present.look.subscribe(), present.is_loaded.subscribe());
        Ok(Self {
            present,
            after,
            live,
            newest,
            look,
            is_loaded,
            waiting: VecDeque::new(),
            is_told: false,
        })
    }

    /// Acknowledges events up to a number, so that more are told.
    pub(crate) async fn acknowledge(&self, upto: u64) -> Result<(), Unread> {
        self.present.acknowledge(upto).await
    }

    /// The next event; none where the stream ends. `may` says whether it may go on. May be dropped
    /// and asked again.
    pub(crate) async fn next(&mut self, may: impl Fn() -> bool) -> Option<Item> {
        loop {
            if *self.look.borrow_and_update() || !may() {
                return None;
            }
            if let Some(item) = self.waiting.pop_front() {
                self.after = item.id.unwrap_or(self.after);
                return Some(item);
            }
            if *self.newest.borrow_and_update() > self.after {
                // By whichever way they were: what counts is what stays in the log.
                let acknowledged = lock(&self.present.inner).log.acknowledged;
                if self.after >= acknowledged + UNACKNOWLEDGED {
                    return None;
                }
                let store = &self.present.store;
                let events = store.events(self.present.who(), self.after, BATCH).await.ok()?;
                // Those that are gone were acknowledged by another program.
                let Some(last) = events.last().map(|(id, _)| *id) else {
                    self.after = *self.newest.borrow();
                    continue;
                };
                debug_assert!(last > self.after);
                self.waiting.extend(events.into_iter().map(|(id, json)| numbered(id, &json)));
                continue;
            }
            if !self.is_told && *self.is_loaded.borrow_and_update() {
                self.is_told = true;
                let contacts = self.present.contacts();
                self.waiting.extend(contacts.into_iter().map(|c| unnumbered(&Event::Contact(c))));
                continue;
            }
            tokio::select! {
                changed = self.newest.changed() => { changed.ok()?; }
                changed = self.look.changed() => { changed.ok()?; }
                loaded = self.is_loaded.changed(), if !self.is_told => { loaded.ok()?; }
                live = self.live.recv() => match live {
                    Ok(event) => self.waiting.push_back(unnumbered(&event)),
                    // Too far behind: how things stand is told anew.
                    Err(broadcast::error::RecvError::Lagged(_)) => self.is_told = false,
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.present.end_reading(Instant::now());
    }
}

impl Present {
    /// Notes that a program has the events up to a number.
    pub(crate) async fn acknowledge(&self, upto: u64) -> Result<(), Unread> {
        let present = Self::of(&self.0);
        // It goes on when the caller hangs up: memory says what the disk does.
        let noted = tokio::spawn(async move { present.note_acknowledged(upto).await }).await;
        noted.unwrap_or_else(|error| Err(Unread::Store(StoreError::File(io::Error::other(error)))))
    }
}

impl Person {
    async fn note_acknowledged(&self, upto: u64) -> Result<(), Unread> {
        let _turn = self.writing.lock().await;
        let (newest, before) = {
            let inner = lock(&self.inner);
            (inner.log.newest, inner.log.acknowledged)
        };
        if upto > newest {
            return Err(Unread::Future);
        }
        if upto <= before {
            return Ok(());
        }
        let freed = self.store.acknowledge(self.who(), upto).await.map_err(Unread::Store)?;
        let mut inner = lock(&self.inner);
        inner.log.acknowledged = upto;
        inner.log.bytes = inner.log.bytes.saturating_sub(freed.bytes);
        for of in &freed.forgotten {
            inner.log.known.remove(of);
        }
        drop(inner);
        self.wake.notify_one();
        Ok(())
    }
}

/// An event of the store with its number, as JSON.
fn numbered(id: u64, event: &[u8]) -> Item {
    // It was written as an object, which the number goes in front of.
    let json = [format!("{{\"id\":{id},").as_bytes(), event.get(1..).unwrap_or_default()].concat();
    Item { id: Some(id), json, kind: Event::kind_of(event) }
}

fn unnumbered(event: &Event) -> Item {
    let json = serde_json::to_vec(event).unwrap_or_default();
    Item { id: None, json, kind: event.kind() }
}
