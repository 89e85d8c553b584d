use super::*;

fn fingerprint(n: u8) -> Fingerprint {
    Fingerprint([n; 16])
}

#[test]
fn what_is_told_of_is_written() {
    let state = tempfile::tempdir().unwrap();
    let (journal, found, mut written) = Journal::open(state.path(), UnixMillis(1)).unwrap();
    assert!(found.is_empty());
    (1..=3).for_each(|n| journal.note(UnixMillis(n.into()), fingerprint(n), n).unwrap());
    let mut told = Vec::new();
    while told.len() < 3 {
        told.extend(written.blocking_recv().unwrap());
        let (_, found, _, _) = Journal::<()>::begin(state.path(), UnixMillis(9)).unwrap();
        assert!(found.len() >= told.len());
    }
    assert_eq!(told, [1, 2, 3]);
    journal.close();
}

#[test]
fn closing_writes_what_was_noted_though_nobody_listens() {
    let state = tempfile::tempdir().unwrap();
    let (journal, _, written) = Journal::open(state.path(), UnixMillis(1)).unwrap();
    drop(written);
    journal.note(UnixMillis(2), fingerprint(7), ()).unwrap();
    journal.close();
    let (_, found, _, _) = Journal::<()>::begin(state.path(), UnixMillis(2)).unwrap();
    assert_eq!(found, [(fingerprint(7), Duration::ZERO)]);
}

#[tokio::test]
async fn what_was_not_written_is_not_told_of() {
    let state = tempfile::tempdir().unwrap();
    let (journal, _, mut writer, mut written) =
        Journal::begin(state.path(), UnixMillis(1)).unwrap();
    journal.note(UnixMillis(2), fingerprint(7), "seven").unwrap();
    tokio::task::yield_now().await;
    assert!(written.try_recv().is_err());
    assert!(writer.write_next().await);
    assert_eq!(written.recv().await.unwrap(), ["seven"]);
}

#[test]
fn what_waits_for_a_disk_that_stands_still_is_bounded() {
    let state = tempfile::tempdir().unwrap();
    let (journal, _, _writer, _written) = Journal::begin(state.path(), UnixMillis(1)).unwrap();
    let noted = |n| journal.note(UnixMillis(2), fingerprint(7), n);
    assert!((0..MAX_NOTED).all(|n| noted(n).is_ok()));
    assert_eq!(noted(7), Err(7));
}
