//! Buddy lists and their copies.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_roster_is_the_same_everywhere_and_survives_a_home_that_was_down() {
    let mesh = Mesh::new(&["aol", "aol"]);
    let mut all = mesh.start_all().await;
    all[0].overlay.save(&alice(), &roster("bob@yahoo", 1)).await;
    assert_eq!(names(&all[1].overlay.load(&alice()).await), ["bob@yahoo"]);
    let stopped = all.pop().unwrap();
    stopped.overlay.shutdown().await;
    drop(stopped);
    all[0].overlay.save(&alice(), &roster("carol@msn", 2)).await;
    assert_eq!(names(&all[0].overlay.load(&alice()).await), ["bob@yahoo", "carol@msn"]);
    all.push(mesh.start(1));
    all[1].overlay.save(&alice(), &roster("dave@jabber", 3)).await;
    let expected = ["bob@yahoo", "carol@msn", "dave@jabber"];
    for gateway in &all {
        let merged = async {
            while names(&gateway.overlay.load(&alice()).await) != expected {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, merged).await.expect("both sides merge");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_reaches_the_other_gateway_at_which_the_owner_is() {
    let mesh = Mesh::new(&["aol", "aol"]);
    let mut all = mesh.start_all().await;
    all[0].overlay.sign_on(&alice()).await;
    all[1].overlay.save(&alice(), &roster("bob@yahoo", 1)).await;
    assert!(matches!(all[0].next().await, Inbound::Roster(owner) if owner == alice()));
    assert_eq!(names(&all[0].overlay.load(&alice()).await), ["bob@yahoo"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_roster_travels_in_parts() {
    let mesh = Mesh::new(&["aol", "aol"]);
    let all = mesh.start_all().await;
    let mut large = Roster::default();
    for n in 0..1000 {
        let name = format!("user{n}@yahoo");
        let contact = Contact::new(name.parse().unwrap(), name);
        let groups = vec!["g".repeat(500)];
        large.put(Contact { listed: true, groups, ..contact }, Stamp { millis: n, writer: 1 });
    }
    all[0].overlay.save(&alice(), &large).await;
    assert_eq!(all[1].overlay.load(&alice()).await, large);
}
