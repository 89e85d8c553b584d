//! Gateways of an earlier version: in one mesh with those of today, and what they leave on disk.
//!
//! `CROSSTALK_EARLIER` names the binary. With `CROSSTALK_LAYOUT` set, what it left on disk is put
//! into that directory, as `crates/overlay/tests/layouts` has it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crosstalk_mock::{Act, Client, Event};
use tempfile::TempDir;

use crate::PATIENCE;
use crate::mesh::{Mesh, Person};

const ANNA: Person = Person::aim("anna");
const BELLA: Person = Person::msn("bella");
const XAVER: Person = Person::jabber("xaver");
const YURI: Person = Person::jabber("yuri");
const EVERYBODY: [Person; 4] = [ANNA, BELLA, XAVER, YURI];

/// The gateway of Anna and Bella, and that of the others.
const HERS: usize = 0;
const HIS: usize = 1;

fn earlier() -> PathBuf {
    std::env::var_os("CROSSTALK_EARLIER").expect("the binary of an earlier version").into()
}

async fn sign_on(mesh: &Mesh, person: &Person, gateway: usize) -> Client {
    mesh.doors().sign_on(person, gateway).await.unwrap().unwrap().1
}

async fn hears(mesh: &Mesh, client: &mut Client, wanted: &str) {
    let heard = client.expect(PATIENCE, |event| match event {
        Event::Said { text, .. } => text.text().contains(wanted).then_some(()),
        _ => None,
    });
    heard.await.unwrap_or_else(|| panic!("{wanted} is not heard\n{}", mesh.logs()));
}

async fn sees(mesh: &Mesh, client: &mut Client, friend: &Person, online: bool) {
    let seen = client.expect(PATIENCE, |event| match event {
        Event::Presence { of, presence } if of.contains(friend.name) => {
            (presence.is_online() == online).then_some(())
        }
        _ => None,
    });
    let what = || panic!("{}: not seen online={online}\n{}", friend.name, mesh.logs());
    seen.await.unwrap_or_else(what);
}

/// One adds the other, who says yes; both see each other.
async fn befriend(mesh: &Mesh, one: (&Person, &mut Client), other: (&Person, &mut Client)) {
    let ((me, my_client), (friend, client)) = (one, other);
    my_client.act(Act::Add(me.spells(&mesh.names, friend))).await;
    let asked = client.expect(PATIENCE, |event| match event {
        Event::Asked { by, .. } => Some(by.clone()),
        _ => None,
    });
    let by = asked.await.unwrap_or_else(|| panic!("nobody asked\n{}", mesh.logs()));
    client.act(Act::Accept(by)).await;
    sees(mesh, my_client, friend, true).await;
}

/// Both talk, and one sees that the other goes and comes.
async fn meet(mesh: &Mesh, one: (&Person, usize), other: (&Person, usize)) {
    let ((one, here), (other, there)) = (one, other);
    let mut ours = sign_on(mesh, one, here).await;
    let mut theirs = sign_on(mesh, other, there).await;
    befriend(mesh, (one, &mut ours), (other, &mut theirs)).await;
    ours.say(&one.spells(&mesh.names, other), "hello there").await;
    hears(mesh, &mut theirs, "hello there").await;
    theirs.say(&other.spells(&mesh.names, one), "hello here").await;
    hears(mesh, &mut ours, "hello here").await;
    drop(theirs);
    sees(mesh, &mut ours, other, false).await;
    ours.say(&one.spells(&mesh.names, other), "for later").await;
    hears(mesh, &mut ours, "next sign-on").await;
    let mut theirs = sign_on(mesh, other, there).await;
    hears(mesh, &mut theirs, "for later").await;
    sees(mesh, &mut ours, other, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the binary of an earlier version"]
async fn gateways_of_two_versions_exchange_texts_presence_and_lists() {
    let mesh = Mesh::start_as(&[(None, Some(earlier())), (None, None)], &EVERYBODY).await;
    meet(&mesh, (&ANNA, HERS), (&XAVER, HIS)).await;
    meet(&mesh, (&YURI, HIS), (&BELLA, HERS)).await;
    // Their lists are at both: whoever signs on at the other one sees the friend.
    let (mut anna, _xaver) = (sign_on(&mesh, &ANNA, HIS).await, sign_on(&mesh, &XAVER, HERS).await);
    sees(&mesh, &mut anna, &XAVER, true).await;
    assert!(!mesh.logs().contains("ERROR"), "{}", mesh.logs());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the binary of an earlier version"]
async fn what_a_gateway_of_an_earlier_version_stored_is_taken_up() {
    let states = TempDir::new().unwrap();
    let state = |name: &str| states.path().join(name);
    let (hers, his) = (state("hers"), state("his"));
    let seats = [(Some(hers.as_path()), Some(earlier())), (Some(his.as_path()), Some(earlier()))];
    let mut mesh = Mesh::start_as(&seats, &EVERYBODY).await;
    let mut anna = sign_on(&mesh, &ANNA, HERS).await;
    for friend in [XAVER, YURI] {
        let mut client = sign_on(&mesh, &friend, HIS).await;
        befriend(&mesh, (&ANNA, &mut anna), (&friend, &mut client)).await;
        drop(client);
        sees(&mesh, &mut anna, &friend, false).await;
        anna.say(&ANNA.spells(&mesh.names, &friend), format!("kept for {}", friend.name)).await;
        hears(&mesh, &mut anna, "next sign-on").await;
    }
    // A request of somebody unknown, which waits for an answer.
    let bella = sign_on(&mesh, &BELLA, HERS).await;
    bella.act(Act::Add(BELLA.spells(&mesh.names, &ANNA))).await;
    let asked = anna.expect(PATIENCE, |e| matches!(e, Event::Asked { .. }).then_some(()));
    asked.await.unwrap_or_else(|| panic!("nobody asked\n{}", mesh.logs()));
    drop((anna, bella));
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    for gateway in [HERS, HIS] {
        mesh.kill(gateway);
    }
    if let Some(to) = std::env::var_os("CROSSTALK_LAYOUT") {
        pack(&hers, Path::new(&to));
    }
    for gateway in [HERS, HIS] {
        mesh.run_as(gateway, None);
    }
    for friend in [XAVER, YURI] {
        let mut client = sign_on(&mesh, &friend, HIS).await;
        hears(&mesh, &mut client, &format!("kept for {}", friend.name)).await;
    }
    let mut anna = sign_on(&mesh, &ANNA, HERS).await;
    let asked = anna.expect(PATIENCE, |e| matches!(e, Event::Asked { .. }).then_some(()));
    asked.await.unwrap_or_else(|| panic!("nobody asks again\n{}", mesh.logs()));
    assert!(!mesh.logs().contains("cannot be read"), "{}", mesh.logs());
}

/// Writes the database without its empty pages, as lines of a page's place and its bytes in
/// hexadecimal, of which zeros at the end are left out.
fn pack(state: &Path, to: &Path) {
    const PAGE: usize = 4096;
    let bytes = std::fs::read(state.join("overlay.redb")).unwrap();
    let mut text = format!("length {}\n", bytes.len());
    for (at, page) in bytes.chunks(PAGE).enumerate() {
        let end = page.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if end > 0 {
            write!(text, "{at} ").unwrap();
            page[..end].iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
            text.push('\n');
        }
    }
    std::fs::create_dir_all(to).unwrap();
    std::fs::write(to.join("store.hex"), text).unwrap();
}
