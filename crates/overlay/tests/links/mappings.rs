//! Mappings of applications at several gateways.

use crosstalk_overlay::{Mapping, Namespace, Unkept};
use libp2p_identity::Keypair;

use super::*;

fn says(key: &str, value: &str, sequence: u64) -> Mapping {
    let owner = Keypair::ed25519_from_bytes([1; 32]).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let mut mapping = Mapping {
        namespace: namespace(),
        key: key.to_owned(),
        value: Some(value.to_owned()),
        sequence,
        // The same for all in this process, more or less.
        expires_at: now + 3600 + sequence,
        signature: Vec::new(),
    };
    mapping.signature = owner.sign(&mapping.signed_bytes()).unwrap();
    mapping
}

fn namespace() -> Namespace {
    let owner = Keypair::ed25519_from_bytes([1; 32]).unwrap();
    Namespace::from_bytes(owner.public().try_into_ed25519().unwrap().to_bytes())
}

async fn read(gateway: &Gateway) -> Vec<String> {
    let page = gateway.overlay.mappings(namespace(), "", 10).await.unwrap();
    page.mappings.into_iter().map(|mapping| mapping.value.unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_is_at_three_homes_and_survives_two_of_them_and_restarts() {
    let mesh = Mesh::new(&["aol"; 4]);
    let mut all = mesh.start_all().await;
    let copies = all[0].overlay.put_mapping(says("city", "Oslo", 1)).await.unwrap();
    assert!(copies >= 3, "{copies}");
    for gateway in &all {
        assert_eq!(read(gateway).await, ["Oslo"]);
    }
    assert_eq!(all[1].overlay.put_mapping(says("city", "Bergen", 1)).await, Err(Unkept::Stale));
    for gateway in all.drain(..2) {
        gateway.overlay.shutdown().await;
    }
    all[0].linked_to(1).await;
    all[0].overlay.put_mapping(says("city", "Bergen", 2)).await.unwrap();
    for gateway in all.drain(..) {
        gateway.overlay.shutdown().await;
        drop(gateway);
    }
    let all = mesh.start_all().await;
    for gateway in &all {
        let told = async {
            while read(gateway).await != ["Bergen"] {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, told).await.expect("the latest is read everywhere");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_to_whoever_watches_at_any_gateway() {
    let mesh = Mesh::new(&["aol"; 4]);
    let all = mesh.start_all().await;
    let mut watches: Vec<_> =
        all.iter().map(|g| (g.overlay.watch_mappings(namespace()).unwrap(), 0)).collect();
    for (sequence, value) in [(1, "Oslo"), (2, "Bergen")] {
        all[0].overlay.put_mapping(says("city", value, sequence)).await.unwrap();
        for (watch, after) in &mut watches {
            let told = timeout(PATIENCE, watch.next(*after)).await.expect("a change in time");
            let [(number, mapping)] = &told[..] else { panic!("{told:?}") };
            assert_eq!(mapping.value.as_deref(), Some(value));
            assert!(*number > *after);
            *after = *number;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_signed_is_taken_nowhere() {
    let mesh = Mesh::new(&["aol"; 2]);
    let all = mesh.start_all().await;
    let mut forged = says("city", "Oslo", 1);
    forged.value = Some("Atlantis".to_owned());
    let refused = all[0].overlay.put_mapping(forged).await;
    assert_eq!(refused, Err(Unkept::Bad(crosstalk_overlay::BadMapping::Signature)));
    assert_eq!(read(&all[1]).await, Vec::<String>::new());
}
