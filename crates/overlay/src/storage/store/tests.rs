use super::*;
use crosstalk_core::{Contact, Stamp};
use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition};
use tokio::time::advance;

const CACHE: usize = 1 << 20;
const DAY: Duration = Duration::from_hours(24);
const YEAR: Duration = Duration::from_hours(365 * 24);
const ROSTERS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("rosters/1");
const OUTBOX: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("outbox/1");
const DAMAGED: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("damaged/1");

fn roster() -> Roster {
    let mut roster = Roster::default();
    let contact = Contact::new("bob@yahoo".parse().unwrap(), "bob@yahoo.xt".into());
    roster.put(Contact { listed: true, ..contact }, Stamp { millis: 1, writer: 1 });
    roster
}

#[test]
fn rosters_survive_and_epochs_grow() {
    let dir = tempfile::tempdir().unwrap();
    let alice: Address = "alice@aol".parse().unwrap();
    let key = Key::of(&alice);
    let (mut store, first, _) = Store::open(dir.path(), CACHE, UnixMillis(1000)).unwrap();
    store.put(key, alice.clone(), roster(), 7);
    assert_eq!(store.get(&key), Some((alice.clone(), roster())), "before it is on disk");
    store.close();
    let (store, second, _) = Store::open(dir.path(), CACHE, UnixMillis(10)).unwrap();
    assert!(second > first, "even though the clock went back");
    assert_eq!(store.get(&key), Some((alice, roster())));
    assert_eq!(store.digests(), [(key, 7)]);
}

#[test]
fn a_commit_can_be_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, ..) = Store::open(dir.path(), CACHE, UnixMillis(1)).unwrap();
    let alice: Address = "alice@aol".parse().unwrap();
    store.put(Key::of(&alice), alice, roster(), 7);
    store.committed().blocking_recv().unwrap();
    assert!(lock(&store.shared.queue).waiting.is_empty());
}

#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let _store = Store::open(dir.path(), CACHE, UnixMillis(1)).unwrap();
    let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}

#[test]
fn a_store_that_another_gateway_uses_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let _held = Store::open(dir.path(), CACHE, UnixMillis(1)).unwrap();
    let refused = Store::open(dir.path(), CACHE, UnixMillis(2)).map(|_| ());
    assert!(matches!(refused, Err(Error::InUse { .. })));
}

fn user(name: &str) -> (Key, Address) {
    let address: Address = name.parse().unwrap();
    (Key::of(&address), address)
}

/// A list of about so many bytes.
fn long(bytes: usize) -> Roster {
    let mut roster = Roster::default();
    for n in 0..bytes / 1000 {
        let name = format!("u{n}@yahoo").parse().unwrap();
        let alias = Some("x".repeat(500));
        let contact = Contact { alias, listed: true, ..Contact::new(name, "s".repeat(350)) };
        roster.put(contact, Stamp { millis: 1, writer: 1 });
    }
    roster
}

fn put(store: &mut Store, name: &str, roster: Roster) {
    let (key, owner) = user(name);
    let digest = crate::rosters::digest(&roster);
    store.put(key, owner, roster, digest);
}

/// Writes a store as an older version of this program did.
fn write_as_before(path: &Path, rows: &[(&Key, Vec<u8>)]) {
    let db = Database::create(path.join(FILE)).unwrap();
    let write = db.begin_write().unwrap();
    {
        let mut rosters = write.open_table(ROSTERS).unwrap();
        let digests = TableDefinition::<&[u8; 32], u64>::new("digests/1");
        let mut digests = write.open_table(digests).unwrap();
        for (key, bytes) in rows {
            rosters.insert(key.as_bytes(), bytes.as_slice()).unwrap();
            digests.insert(key.as_bytes(), 7).unwrap();
        }
        write.open_table(OUTBOX).unwrap().insert(5, b"\xff\xff".as_slice()).unwrap();
        let meta = TableDefinition::<&str, u64>::new("meta/1");
        write.open_table(meta).unwrap().insert("epoch", 3).unwrap();
    }
    write.commit().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_of_before_is_read_and_its_lists_are_as_old_as_the_upgrade() {
    let dir = tempfile::tempdir().unwrap();
    let (key, alice) = user("alice@aol");
    let bytes = records::of_list(&alice, &roster());
    write_as_before(dir.path(), &[(&key, bytes)]);
    let (store, epoch, _) = Store::open(dir.path(), CACHE, UnixMillis(10)).unwrap();
    assert_eq!((epoch, store.get(&key)), (10, Some((alice, roster()))));
    advance(364 * DAY).await;
    assert!(store.overdue(YEAR).is_empty());
    advance(2 * DAY).await;
    assert_eq!(store.overdue(YEAR), [key]);
    assert!(store.overdue(Duration::ZERO).is_empty(), "never");
}

#[tokio::test(start_paused = true)]
async fn the_lists_of_those_who_do_not_sign_on_expire_and_do_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, ..) = Store::open(dir.path(), CACHE, UnixMillis(1)).unwrap();
    let [(alice, _), (bob, _)] = ["alice@aol", "bob@aol"].map(user);
    put(&mut store, "alice@aol", roster());
    put(&mut store, "bob@aol", roster());
    store.committed().await.unwrap();
    advance(300 * DAY).await;
    store.is_seen(bob);
    store.committed().await.unwrap();
    advance(100 * DAY).await;
    let overdue = store.overdue(YEAR);
    assert_eq!((overdue.as_slice(), store.expire(&overdue, YEAR)), ([alice].as_slice(), 1));
    let digest = Some(crate::rosters::digest(&roster()));
    assert_eq!((store.get(&alice), store.expired(&alice)), (None, digest));
    store.close();
    let (mut store, ..) = Store::open(dir.path(), CACHE, UnixMillis(1)).unwrap();
    assert_eq!((store.get(&alice), store.expired(&alice)), (None, digest));
    assert_eq!(store.digests().len(), 1);
    put(&mut store, "alice@aol", roster());
    assert_eq!(store.expired(&alice), None, "there is a new one");
    assert!(store.get(&bob).is_some());
}

#[tokio::test(start_paused = true)]
async fn who_signs_on_while_lists_expire_keeps_his() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, ..) = Store::open(dir.path(), CACHE, UnixMillis(1)).unwrap();
    let (alice, _) = user("alice@aol");
    put(&mut store, "alice@aol", roster());
    store.committed().await.unwrap();
    advance(2 * YEAR).await;
    let overdue = store.overdue(YEAR);
    store.is_seen(alice);
    assert_eq!((overdue.len(), store.expire(&overdue, YEAR)), (1, 0));
    assert!(store.get(&alice).is_some());
}

#[tokio::test(start_paused = true)]
async fn while_the_gateway_is_off_no_time_passes_for_lists() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, ..) = Store::open(dir.path(), CACHE, UnixMillis(1)).unwrap();
    put(&mut store, "alice@aol", roster());
    store.committed().await.unwrap();
    advance(200 * DAY).await;
    store.close();
    advance(10 * YEAR).await;
    let later = UnixMillis(u64::try_from((10 * YEAR).as_millis()).unwrap());
    let (store, ..) = Store::open(dir.path(), CACHE, later).unwrap();
    assert!(store.overdue(YEAR).is_empty());
    advance(164 * DAY).await;
    assert!(store.overdue(YEAR).is_empty());
    advance(2 * DAY).await;
    assert_eq!(store.overdue(YEAR).len(), 1, "it was on for a year");
}

#[test]
fn what_cannot_be_read_is_put_aside_and_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (key, alice) = user("alice@aol");
    let unreadable = b"\x05alice\x03aol\x01of a version to come".to_vec();
    write_as_before(dir.path(), &[(&key, unreadable.clone())]);
    let (mut store, ..) = Store::open(dir.path(), CACHE, UnixMillis(1)).unwrap();
    assert_eq!(store.get(&key), None);
    store.put(key, alice, roster(), 7);
    store.keep(5, 1, UnixMillis(1), &post());
    store.close();
    let db = Database::create(dir.path().join(FILE)).unwrap();
    let table = db.begin_read().unwrap().open_table(DAMAGED).unwrap();
    let aside: Vec<_> = table.iter().unwrap().map(|row| row.unwrap().1.value().to_vec()).collect();
    assert_eq!(aside, [b"\xff\xff".to_vec(), unreadable]);
}

fn post() -> Post {
    let [from, to] = ["alice@aol", "bob@yahoo"].map(|name| name.parse().unwrap());
    let why = crosstalk_core::Failure::Offline;
    let message =
        crate::wire::message::Message::Report { of: crosstalk_core::EnvelopeId(1), from, to, why };
    Post { message, tried: std::collections::BTreeSet::new(), muted: false }
}

/// A store to which nothing is committed by itself: a disk that is full.
fn full() -> (Store, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let at = path.clone();
    let (store, ..) = Store::begin(move || Database::create(&at), path, UnixMillis(1)).unwrap();
    (store, dir)
}

#[tokio::test]
async fn what_waits_for_a_full_disk_is_bounded_in_all_and_for_each_domain() {
    let (mut store, _dir) = full();
    store.limit(Lists { waiting: 1_000_000, ..Lists::default() });
    let mut taken = Vec::new();
    let mut try_all = |store: &mut Store, domain: &str| {
        for n in 0..40 {
            let name = format!("u{n}@h{n}.{domain}");
            if store.room_for(&user(&name).1, 50_000).is_ok() {
                put(store, &name, long(50_000));
                taken.push(name);
            }
        }
    };
    try_all(&mut store, "evil.example@jabber");
    let held =
        lock(&store.shared.queue).waiting.held(&Origin::of(&user("a@evil.example@jabber").1));
    assert!((150_000..=250_000).contains(&held.1), "a quarter: {held:?}");
    assert_eq!(store.room_for(&user("zoe@honest.example@jabber").1, 50_000), Ok(()));
    for n in 1..6 {
        try_all(&mut store, &format!("evil{n}.example@jabber"));
    }
    let all = lock(&store.shared.queue).waiting.held(&Origin::of(&user("alice@aol").1)).0;
    assert!((900_000..=1_000_000).contains(&all), "{all}");
    // One that waits already can be changed, and nothing that was taken is lost.
    assert_eq!(store.room_for(&user(&taken[0]).1, 50_000), Ok(()));
    assert_eq!(store.room_for(&user("new@aol").1, 50_000), Err(Full::Disk));
    store.commit().await;
    assert_eq!(store.room_for(&user("new@aol").1, 50_000), Ok(()));
    for name in &taken {
        assert_eq!(store.get(&user(name).0).unwrap().1, long(50_000), "{name}");
    }
}

#[tokio::test]
async fn all_lists_of_a_domain_together_have_a_bound_also_after_a_restart() {
    let (mut store, dir) = full();
    let limits = Lists { of_domain: 300_000, ..Lists::default() };
    store.limit(limits);
    for n in 0..100 {
        let name = format!("u{n}@evil.example@jabber");
        if store.room_for(&user(&name).1, 50_000).is_ok() {
            put(&mut store, &name, long(50_000));
            store.commit().await;
        }
    }
    assert!((5..8).contains(&store.digests().len()), "{}", store.digests().len());
    store.close();
    drop(store);
    let (store, ..) = Store::open(dir.path(), CACHE, UnixMillis(1)).unwrap();
    store.limit(limits);
    let [(_, old), (_, new)] = ["u0@evil.example@jabber", "new@evil.example@jabber"].map(user);
    assert_eq!(store.room_for(&new, 50_000), Err(Full::Domain));
    assert_eq!(store.room_for(&old, 100_000), Err(Full::Domain));
    assert_eq!(store.room_for(&old, 20_000), Ok(()), "what gets smaller fits");
    for honest in ["zoe@honest.example@jabber", "alice@aol"] {
        assert_eq!(store.room_for(&user(honest).1, 50_000), Ok(()));
    }
}

#[tokio::test]
async fn names_without_a_list_to_speak_of_count_too() {
    let (mut store, _dir) = full();
    store.limit(Lists { of_domain: 100_000, ..Lists::default() });
    let mut names = 0;
    for n in 0..1000 {
        let name = format!("u{n}@evil.example@jabber");
        if store.room_for(&user(&name).1, 100).is_ok() {
            put(&mut store, &name, roster());
            names += 1;
        }
    }
    assert!(names < 200, "{names}");
}

#[test]
fn messages_that_come_and_go_on_a_full_disk_leave_nothing_behind() {
    let (store, _dir) = full();
    for number in 1..10_000 {
        store.keep(number, 1, UnixMillis(1), &post());
        store.forget(number);
        drop(store.committed());
    }
    let queue = lock(&store.shared.queue);
    assert!(queue.waiting.is_empty());
}
