use std::path::Path;

use crosstalk_core::UnixMillis;
use redb::ReadableTableMetadata as _;

use super::*;
use crate::membership::GatewayId;
use crate::wire::mapping::Vouched;
use crate::wire::mapping::tests::{mapping, namespace, owner};

const DAMAGED: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("damaged/1");

fn open(state: &Path) -> Store {
    Store::open(state, 1 << 20, UnixMillis(1)).unwrap().0
}

fn held(n: u8, key: &str, sequence: u64) -> Held {
    let by = GatewayId::from_bytes(*namespace(9).as_bytes());
    let mapping = mapping(n, key, Some("value"), sequence, 100);
    Held { row: Vouched::sign(&owner(9), by, mapping).unwrap(), change: sequence }
}

fn keys(store: &Store, n: u8, from: &str) -> Vec<(String, u64)> {
    let rows = store.rows(&namespace(n), from).into_iter();
    rows.map(|held| (held.row.mapping.key.clone(), held.row.mapping.sequence)).collect()
}

fn named(all: &[(&str, u64)]) -> Vec<(String, u64)> {
    all.iter().map(|(key, sequence)| ((*key).to_owned(), *sequence)).collect()
}

#[test]
fn mappings_are_read_before_and_after_they_are_on_disk_and_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    for held in [held(1, "b", 1), held(1, "c", 1), held(2, "b", 7), held(1, "\u{10ffff}", 1)] {
        store.put(held);
    }
    store.committed().blocking_recv().unwrap();
    // Some of it waits, and some is on disk.
    store.put(held(1, "a", 1));
    store.put(held(1, "b", 2));
    store.remove(&namespace(1), "c");
    for _ in 0..2 {
        let all = [("a", 1), ("b", 2), ("\u{10ffff}", 1)];
        assert_eq!(keys(&store, 1, ""), named(&all));
        assert_eq!(keys(&store, 1, "a\0"), named(&all[1..]));
        assert_eq!(keys(&store, 2, ""), named(&[("b", 7)]));
        assert_eq!(store.get(&namespace(1), "b"), Some(held(1, "b", 2)));
        assert_eq!(store.get(&namespace(1), "c"), None);
        let mut count = 0;
        store.each(&mut |_| count += 1);
        store.close();
        store = open(dir.path());
        store.each(&mut |_| count += 1);
        assert!(count >= 4, "{count}");
    }
}

#[test]
fn something_older_does_not_take_the_place_of_what_is_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    store.put(held(1, "a", 2));
    store.committed().blocking_recv().unwrap();
    store.put(held(1, "a", 1));
    store.committed().blocking_recv().unwrap();
    assert_eq!(keys(&store, 1, ""), named(&[("a", 2)]));
}

#[test]
fn a_mapping_that_cannot_be_read_is_put_aside() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    store.put(held(1, "a", 1));
    store.close();
    let db = Database::open(dir.path().join("overlay.redb")).unwrap();
    let write = db.begin_write().unwrap();
    {
        let mut table = write.open_table(MAPPINGS).unwrap();
        table.insert(at(&namespace(1), "b").as_slice(), b"\x01".as_slice()).unwrap();
    }
    write.commit().unwrap();
    drop(db);
    let store = open(dir.path());
    assert_eq!(keys(&store, 1, ""), named(&[("a", 1)]));
    assert_eq!(store.unreadable(), 1);
    store.close();
    let db = Database::open(dir.path().join("overlay.redb")).unwrap();
    let read = db.begin_read().unwrap();
    assert_eq!(read.open_table(MAPPINGS).unwrap().len().unwrap(), 1);
    let aside = read.open_table(DAMAGED).unwrap();
    let (_, bytes) = aside.iter().unwrap().next().unwrap().unwrap();
    assert_eq!(bytes.value(), b"\x01");
}

#[test]
fn more_than_may_wait_for_the_disk_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let opened = Store::begin(
        {
            let at = dir.path().join("overlay.redb");
            move || Database::create(&at)
        },
        dir.path().to_owned(),
        UnixMillis(1),
    );
    // Nothing is committed by itself.
    let (mut store, ..) = opened.unwrap();
    let mut row = held(1, "a", 1);
    row.row.mapping.value = Some("v".repeat(4096));
    let mut taken = 0;
    while store.is_ready() {
        row.row.mapping.key = taken.to_string();
        store.put(row.clone());
        taken += 1;
        assert!(taken < 5000);
    }
    assert!(taken > 500, "{taken}");
    store.close();
    assert!(!store.is_ready(), "nor where there is no store");
}

#[test]
fn what_is_put_back_replaces_a_later_one_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    store.put(held(1, "a", 2));
    store.committed().blocking_recv().unwrap();
    store.put_back(held(1, "a", 1));
    store.close();
    assert_eq!(keys(&open(dir.path()), 1, ""), named(&[("a", 1)]));
}
