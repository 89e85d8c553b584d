use super::*;

fn fingerprint(n: usize) -> Fingerprint {
    Fingerprint((n as u128 + 1).to_le_bytes())
}

fn open(state: &Path, now: u64) -> (Journal, Found) {
    Journal::open(state, UnixMillis(now)).unwrap()
}

fn prints(state: &Path) -> Vec<Fingerprint> {
    open(state, 1_000_000).1.into_iter().map(|(fingerprint, _)| fingerprint).collect()
}

/// A journal of which the bytes are written, whatever the file system.
fn written(state: &Path) -> Journal {
    let (journal, _) = open(state, 1);
    let file = OpenOptions::new().write(true).open(state.join(FILE)).unwrap();
    journal.0.lock().unwrap().slots = Slots::Written(file);
    journal
}

#[test]
fn what_was_noted_is_read_again_in_order_and_with_its_age() {
    let state = tempfile::tempdir().unwrap();
    let (journal, shown) = open(state.path(), 5000);
    assert!(shown.is_empty());
    journal.note(UnixMillis(5000), fingerprint(9));
    journal.note(UnixMillis(6000), fingerprint(3));
    drop(journal);
    let (journal, shown) = open(state.path(), 7000);
    let second = Duration::from_secs(1);
    assert_eq!(shown, [(fingerprint(9), 2 * second), (fingerprint(3), second)]);
    journal.note(UnixMillis(7000), fingerprint(4));
    assert_eq!(prints(state.path()), [fingerprint(9), fingerprint(3), fingerprint(4)]);
}

#[test]
fn what_was_noted_in_one_moment_is_not_written_over_by_the_next_boot() {
    let state = tempfile::tempdir().unwrap();
    let (journal, _) = open(state.path(), 1);
    // The first is the last in order of fingerprints.
    for n in [7, 2, 4] {
        journal.note(UnixMillis(2), fingerprint(n));
    }
    drop(journal);
    open(state.path(), 3).0.note(UnixMillis(3), fingerprint(1));
    assert_eq!(prints(state.path()).len(), 4);
}

#[test]
fn what_was_noted_is_in_the_file_though_the_journal_is_never_closed() {
    let state = tempfile::tempdir().unwrap();
    let (journal, _) = open(state.path(), 1);
    for n in 0..3 {
        journal.note(UnixMillis(2), fingerprint(n));
        assert_eq!(prints(state.path()).len(), n + 1);
    }
    std::mem::forget(journal);
    assert_eq!(prints(state.path()).len(), 3);
}

#[test]
fn where_a_file_cannot_be_mapped_it_is_written() {
    let state = tempfile::tempdir().unwrap();
    let journal = written(state.path());
    (0..2).for_each(|n| journal.note(UnixMillis(2), fingerprint(n)));
    assert_eq!(prints(state.path()), [fingerprint(0), fingerprint(1)]);
}

#[test]
fn the_ring_goes_round() {
    let state = tempfile::tempdir().unwrap();
    let (journal, _) = open(state.path(), 1);
    (0..=MAX_SHOWN).for_each(|n| journal.note(UnixMillis(1 + n as u64), fingerprint(n)));
    let all = prints(state.path());
    assert_eq!(
        (all.len(), all[0], all[MAX_SHOWN - 1]),
        (MAX_SHOWN, fingerprint(1), fingerprint(MAX_SHOWN))
    );
}

#[test]
fn a_slot_that_was_not_written_whole_is_passed_over() {
    let state = tempfile::tempdir().unwrap();
    let (journal, _) = open(state.path(), 1);
    journal.note(UnixMillis(1), fingerprint(1));
    journal.note(UnixMillis(2), fingerprint(2));
    drop(journal);
    let mut bytes = std::fs::read(state.path().join(FILE)).unwrap();
    bytes[10] ^= 1;
    std::fs::write(state.path().join(FILE), bytes).unwrap();
    assert_eq!(prints(state.path()), [fingerprint(2)]);
}
