//! Mappings on disk, under the public key of the owner and the key behind it.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition, WriteTransaction,
};

use super::batch::{Batch, Place};
use super::tables::put_aside;
use super::{Store, lock};
use crate::mappings::{Held, MappingStore};
use crate::storage::records;
use crate::wire::mapping::Namespace;

/// [Records](records::of_mapping) of mappings.
const MAPPINGS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("mappings/1");
/// The most bytes of mappings that wait for the disk.
const MAX_WAITING: usize = 4 << 20;

impl MappingStore for Store {
    fn is_ready(&self) -> bool {
        let queue = lock(&self.shared.queue);
        let waiting = queue.waiting.mapped + queue.committing.mapped;
        drop(queue);
        waiting <= MAX_WAITING && self.is_readable()
    }

    fn get(&self, namespace: &Namespace, key: &str) -> Option<Held> {
        let place = (*namespace, key.to_owned());
        let queue = lock(&self.shared.queue);
        // The newest first: what waits, what is being committed, what is on disk.
        let [waiting, committing] = [&queue.waiting, &*queue.committing];
        let queued = waiting.mappings.get(&place).or_else(|| committing.mappings.get(&place));
        let queued = queued.cloned();
        drop(queue);
        queued.unwrap_or_else(|| self.shared.read(|db| read(db, &place)).flatten())
    }

    fn read(&self, namespace: &Namespace, from: &str) -> Option<Vec<Held>> {
        let stored = self.shared.read(|db| read_from(db, namespace, from))?;
        let key = |held: &Held| held.row.mapping.key.clone();
        let mut rows: BTreeMap<_, _> = stored.into_iter().map(|held| (key(&held), held)).collect();
        let queue = lock(&self.shared.queue);
        for batch in [&*queue.committing, &queue.waiting] {
            let first: Place = (*namespace, from.to_owned());
            let queued = batch.mappings.range((Included(first), Unbounded));
            for ((_, key), held) in queued.take_while(|((of, _), _)| of == namespace) {
                match held {
                    Some(held) => rows.insert(key.clone(), held.clone()),
                    None => rows.remove(key),
                };
            }
        }
        Some(rows.into_values().collect())
    }

    fn put(&mut self, held: Held) {
        let mapping = &held.row.mapping;
        let place = (mapping.namespace, mapping.key.clone());
        lock(&self.shared.queue).waiting.map(place, Some(held));
        self.shared.wake.notify_one();
    }

    fn put_back(&mut self, held: Held) {
        let mapping = &held.row.mapping;
        let place = (mapping.namespace, mapping.key.clone());
        lock(&self.shared.queue).waiting.back.insert(place);
        self.put(held);
    }

    fn remove(&mut self, namespace: &Namespace, key: &str) {
        lock(&self.shared.queue).waiting.map((*namespace, key.to_owned()), None);
        self.shared.wake.notify_one();
    }

    fn each(&self, each: &mut dyn FnMut(Held)) {
        let read = |db: &Database| {
            let table = db.begin_read()?.open_table(MAPPINGS)?;
            for entry in table.iter()? {
                // What cannot be read was put aside when the store was opened.
                if let Ok(held) = records::read_mapping(entry?.1.value()) {
                    each(held);
                }
            }
            Ok(())
        };
        self.shared.read(read);
    }
}

/// The key of a row.
fn at(namespace: &Namespace, key: &str) -> Vec<u8> {
    [namespace.as_bytes().as_slice(), key.as_bytes()].concat()
}

fn read(db: &Database, (namespace, key): &Place) -> Result<Option<Held>, redb::Error> {
    let table = db.begin_read()?.open_table(MAPPINGS)?;
    let stored = table.get(at(namespace, key).as_slice())?;
    Ok(stored.and_then(|bytes| records::read_mapping(bytes.value()).ok()))
}

fn read_from(db: &Database, namespace: &Namespace, from: &str) -> Result<Vec<Held>, redb::Error> {
    let table = db.begin_read()?.open_table(MAPPINGS)?;
    let (first, mut last) = (at(namespace, from), at(namespace, ""));
    // No key of a mapping has that byte, which is in no UTF-8.
    last.push(0xff);
    let range = (Included(first.as_slice()), Excluded(last.as_slice()));
    let mut rows = Vec::new();
    for entry in table.range::<&[u8]>(range)? {
        rows.extend(records::read_mapping(entry?.1.value()));
    }
    Ok(rows)
}

/// Keeps mappings that cannot be read where no other one takes their place.
pub(super) fn put_aside_unreadable(
    write: &WriteTransaction,
    damaged: &mut Table<'_, &[u8], &[u8]>,
) -> Result<(), redb::Error> {
    let mut table = write.open_table(MAPPINGS)?;
    let mut found = Vec::new();
    for entry in table.iter()? {
        let (place, bytes) = entry?;
        if let Err(error) = records::read_mapping(bytes.value()) {
            tracing::error!("a stored mapping cannot be read and is put aside: {error}");
            found.push((place.value().to_vec(), bytes.value().to_vec()));
        }
    }
    for (place, bytes) in found {
        table.remove(place.as_slice())?;
        put_aside(damaged, [b"mappings/1 ".as_slice(), &place].concat(), &bytes)?;
    }
    Ok(())
}

/// Writes the mappings of a batch.
pub(super) fn write(
    write: &WriteTransaction,
    batch: &Batch,
    damaged: &mut Table<'_, &[u8], &[u8]>,
) -> Result<(), redb::Error> {
    if batch.mappings.is_empty() {
        return Ok(());
    }
    let mut table = write.open_table(MAPPINGS)?;
    for ((namespace, key), held) in &batch.mappings {
        let place = at(namespace, key);
        let Some(held) = held else {
            table.remove(place.as_slice())?;
            continue;
        };
        let old = table.get(place.as_slice())?.map(|old| old.value().to_vec());
        match old.as_deref().map(records::read_mapping) {
            // What could not be read for a while is not overwritten by something older.
            Some(Ok(old))
                if old.row.mapping.order(&held.row.mapping).is_gt()
                    && !batch.back.contains(&(*namespace, key.clone())) =>
            {
                continue;
            }
            Some(Err(_)) => {
                let place = [b"mappings/1 ".as_slice(), &place].concat();
                put_aside(damaged, place, old.as_deref().unwrap_or_default())?;
            }
            _ => {}
        }
        table.insert(place.as_slice(), records::of_mapping(held).as_slice())?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
