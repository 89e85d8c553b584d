//! Logs of events that somebody's programs have not acknowledged yet.

use std::collections::HashSet;

use crosstalk_core::{Address, EnvelopeId};
use redb::{Database, ReadableDatabase as _, ReadableTable as _};

use super::tables::{CURSORS, EVENTS};
use super::{Store, StoreError};

/// Number of events that stay after they were acknowledged: what comes again from a gateway that did
/// not hear that it had arrived is known by them.
const REMEMBERED: u64 = 1000;
/// Bytes of events after which no more are read at a time.
const BATCH_BYTES: usize = 256 << 10;
/// Bytes before the event itself, in a record: the name of its envelope.
const HEAD: usize = 16;

/// An event to be kept, with the name of the envelope that it is.
pub(crate) struct ToKeep {
    pub(crate) of: EnvelopeId,
    pub(crate) json: Vec<u8>,
}

/// State of a log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    /// The number of the newest event.
    pub(crate) newest: u64,
    /// The number of the newest one that was acknowledged.
    pub(crate) acknowledged: u64,
    /// Bytes of those that were not.
    pub(crate) bytes: usize,
    /// The envelopes of those that are there.
    pub(crate) known: HashSet<EnvelopeId>,
}

/// Room that an acknowledgement made.
#[derive(Default)]
pub(crate) struct Freed {
    /// Bytes of the events that are acknowledged now.
    pub(crate) bytes: usize,
    /// The envelopes of which nothing is remembered any more.
    pub(crate) forgotten: Vec<EnvelopeId>,
}

impl Store {
    /// The log of somebody.
    pub(crate) async fn log(&self, who: &Address) -> Result<Log, StoreError> {
        let who = who.to_string();
        self.on_disk(move |db| read_log(db, &who)).await
    }

    /// Adds events to a log, in their order. Resolves when they are on disk; then they are numbered
    /// from behind `newest` on.
    pub(crate) async fn keep(
        &self,
        who: &Address,
        newest: u64,
        events: Vec<ToKeep>,
    ) -> Result<(), StoreError> {
        let who = who.to_string();
        self.on_disk(move |db| {
            let write = db.begin_write()?;
            {
                let mut log = write.open_table(EVENTS)?;
                for (number, ToKeep { of, json }) in (newest + 1..).zip(&events) {
                    let record = [&of.0.to_be_bytes()[..], json].concat();
                    log.insert((who.as_str(), number), record.as_slice())?;
                }
                let mut cursors = write.open_table(CURSORS)?;
                let acknowledged = cursors.get(who.as_str())?.map_or(0, |cursor| cursor.value().0);
                cursors.insert(who.as_str(), (acknowledged, newest + events.len() as u64))?;
            }
            write.commit()?;
            Ok(())
        })
        .await
    }

    /// Events of a log behind a number, as JSON: so many at most, and no more behind those that
    /// have [`BATCH_BYTES`].
    pub(crate) async fn events(
        &self,
        who: &Address,
        after: u64,
        most: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let who = who.to_string();
        self.on_disk(move |db| {
            let table = db.begin_read()?.open_table(EVENTS)?;
            let range =
                table.range((who.as_str(), after.saturating_add(1))..=(who.as_str(), u64::MAX))?;
            let (mut events, mut bytes) = (Vec::new(), 0);
            for entry in range.take(most) {
                let (key, record) = entry?;
                let event = event_of(record.value()).to_vec();
                bytes += event.len();
                events.push((key.value().1, event));
                if bytes >= BATCH_BYTES {
                    break;
                }
            }
            Ok(events)
        })
        .await
    }

    /// Notes that the events up to a number are acknowledged, and forgets most of them.
    pub(crate) async fn acknowledge(&self, who: &Address, upto: u64) -> Result<Freed, StoreError> {
        let who = who.to_string();
        self.on_disk(move |db| {
            let write = db.begin_write()?;
            let mut freed = Freed::default();
            {
                let mut cursors = write.open_table(CURSORS)?;
                let (before, newest) =
                    cursors.get(who.as_str())?.map_or((0, 0), |cursor| cursor.value());
                let upto = upto.min(newest).max(before);
                cursors.insert(who.as_str(), (upto, newest))?;
                let mut log = write.open_table(EVENTS)?;
                for entry in log.range((who.as_str(), before + 1)..=(who.as_str(), upto))? {
                    freed.bytes += entry?.1.value().len().saturating_sub(HEAD);
                }
                let old = (who.as_str(), 0)..=(who.as_str(), upto.saturating_sub(REMEMBERED));
                log.retain_in(old, |_, record| {
                    freed.forgotten.extend(envelope_of(record));
                    false
                })?;
            }
            write.commit()?;
            Ok(freed)
        })
        .await
    }
}

fn read_log(db: &Database, who: &str) -> Result<Log, redb::Error> {
    let read = db.begin_read()?;
    let cursor = read.open_table(CURSORS)?.get(who)?.map(|cursor| cursor.value());
    let (acknowledged, newest) = cursor.unwrap_or_default();
    let mut log = Log { newest, acknowledged, ..Log::default() };
    let table = read.open_table(EVENTS)?;
    for entry in table.range((who, 0)..=(who, u64::MAX))? {
        let (key, record) = entry?;
        let record = record.value();
        log.known.extend(envelope_of(record));
        if key.value().1 > acknowledged {
            log.bytes += record.len().saturating_sub(HEAD);
        }
    }
    Ok(log)
}

/// The event of a record, as JSON.
pub(super) fn event_of(record: &[u8]) -> &[u8] {
    record.get(HEAD..).unwrap_or_default()
}

/// The envelope that a record is.
fn envelope_of(record: &[u8]) -> Option<EnvelopeId> {
    let head = record.get(..HEAD)?;
    Some(EnvelopeId(u128::from_be_bytes(head.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_events_are_read_a_few_at_a_time_and_none_is_left_out() {
        let home = tempfile::tempdir().unwrap();
        let (store, who) = (Store::open(home.path()).unwrap(), "a@apps".parse().unwrap());
        let sizes = [10, BATCH_BYTES / 2, BATCH_BYTES / 2, 4 * BATCH_BYTES, 1, 1];
        let events = sizes
            .iter()
            .zip(1..)
            .map(|(size, of)| ToKeep { of: EnvelopeId(of), json: vec![b'x'; *size] });
        store.keep(&who, 0, events.collect()).await.unwrap();
        let mut after = 0;
        for expected in [&[1, 2, 3][..], &[4], &[5, 6], &[]] {
            let batch = store.events(&who, after, 100).await.unwrap();
            let ids: Vec<_> = batch.iter().map(|(id, _)| *id).collect();
            assert_eq!(ids, expected);
            after = ids.last().copied().unwrap_or(after);
        }
    }
}
