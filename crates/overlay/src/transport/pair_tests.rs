//! Two gateways that may both speak for `aol`, for tests of the links between them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Address, UnixMillis};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::common::clock::Wall;
use crate::hub::Hub;
use crate::hub::inbound::Inbound;
use crate::membership::{GatewayId, Member, Members, REPLICAS};
use crate::storage::store::Store;
use crate::transport::link::{self, Greeting};

/// Longest wait for something that happens at all.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn id(n: u8) -> GatewayId {
    GatewayId::from_bytes([n; 32])
}

pub(super) fn alice() -> Address {
    "alice@aol".parse().unwrap()
}

pub(super) fn bob() -> Address {
    "bob@aol".parse().unwrap()
}

/// Gateway `n` of 0 and 1, with its store in `state`.
pub(super) fn gateway(n: u8, state: &Path) -> (Arc<Hub>, mpsc::Receiver<Inbound>) {
    let aol = vec!["aol".parse().unwrap()];
    let other = Member { id: id(1 - n), addresses: Vec::new(), networks: aol.clone() };
    let members = Arc::new(Members::new(id(n), aol, &[other], REPLICAS));
    let (store, epoch, _) = Store::open(state, 1 << 20, UnixMillis(1)).unwrap();
    let (tell, inbound) = mpsc::channel(64);
    (Hub::new(members, Wall::System, store, epoch, None, tell), inbound)
}

/// Links the two, each with its greeting. The task is that of the second.
pub(super) async fn link(
    [a, b]: [&Arc<Hub>; 2],
    [hello_a, hello_b]: [Arc<Greeting>; 2],
) -> JoinHandle<()> {
    let (left, right) = tokio::io::duplex(1 << 20);
    tokio::spawn(link::run(a.clone(), id(1), left, hello_a));
    let hub = b.clone();
    let task = tokio::spawn(async move { drop(link::run(hub, id(0), right, hello_b).await) });
    let linked = async {
        while a.linked().is_empty() || b.linked().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, linked).await.expect("the two agree");
    task
}
