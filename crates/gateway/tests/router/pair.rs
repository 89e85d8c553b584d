//! Two gateways with a link between them.

use std::time::Duration;

use crosstalk_gateway::router::{Options, Router};

use tokio::time::timeout;

use crate::bench::{Gateway, Joined, PATIENCE, address, mesh, router};

/// Two gateways with a link between them.
pub(crate) struct Pair {
    pub(crate) left: Router,
    pub(crate) right: Router,
    gateways: [Gateway; 2],
}

pub(crate) async fn pair() -> Pair {
    pair_with([Options::default(), Options::default()]).await
}

pub(crate) async fn pair_with(options: [Options; 2]) -> Pair {
    let (joined, mut options) = (mesh::<2>().await, options.into_iter());
    let gateways = joined.map(|Joined { overlay, inbound, state }| {
        let router = router(&overlay, inbound, options.next().unwrap_or_default());
        Gateway { router, overlay, state: Some(state) }
    });
    let [left, right] = gateways.each_ref().map(|g| g.router.clone());
    Pair { left, right, gateways }
}

impl Pair {
    /// Waits until the left gateway keeps so many messages for people who are away.
    pub(crate) async fn keeps_left(&self, count: usize) {
        let settled = async {
            while self.gateways[0].overlay.kept() != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let kept = || self.gateways[0].overlay.kept();
        let settled = timeout(PATIENCE, settled).await;
        settled.unwrap_or_else(|_| panic!("{} messages are kept instead of {count}", kept()));
    }

    /// What each gateway has stored of the settings of `name`.
    pub(crate) async fn settings_of(&self, name: &str) -> [Vec<String>; 2] {
        let name = address(name);
        let [left, right] = &self.gateways;
        let (left, right) = (left.overlay.load(&name).await, right.overlay.load(&name).await);
        [left, right].map(|roster| roster.settings().to_vec())
    }

    /// The right gateway leaves the network.
    pub(crate) async fn lose_right(&self) {
        self.gateways[1].overlay.shutdown().await;
    }
}
