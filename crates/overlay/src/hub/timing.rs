//! Timing: what the hub does on its own as time passes, and when something has come to disk.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Hub, lock};
use crate::node::Node;
use crate::storage::store::CommitNotices;

/// Time between two looks at leases and deadlines.
pub(crate) const TICK: Duration = Duration::from_millis(250);
/// Time between two looks at messages that are still under way: those that were so the last time
/// are written to disk meanwhile.
const AT_ONCE: Duration = Duration::from_millis(5);

impl Hub {
    /// Hears of what has come to disk until `stop`.
    pub(crate) async fn hear_kept(
        self: Arc<Self>,
        mut told: CommitNotices,
        stop: CancellationToken,
    ) {
        let mut failed = false;
        while let Some(Some(kept)) = stop.run_until_cancelled(told.recv()).await {
            // Rosters may have been out of reach when peers came up.
            if std::mem::replace(&mut failed, kept.is_none()) && kept.is_some() {
                for peer in BTreeSet::from_iter(self.linked()) {
                    self.compare(peer);
                    self.compare_mappings(peer);
                }
                self.reload_unread();
            }
            self.with(|node, now| match kept {
                Some(kept) => {
                    for (number, revision) in kept {
                        node.kept(now, number, revision);
                    }
                }
                None => node.disk_failed(now),
            });
        }
    }

    /// Keeps time until `stop`.
    pub(crate) async fn tick(self: Arc<Self>, stop: CancellationToken) {
        let time = async { tokio::join!(self.keep_time(), self.keep_late()) };
        stop.run_until_cancelled(time).await;
    }

    pub(super) async fn keep_time(self: &Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.with(Node::tick);
        }
    }

    /// Puts on disk beside what is not delivered at once. One timer is there for all messages:
    /// most need none.
    pub(super) async fn keep_late(self: &Arc<Self>) {
        let mut late = 0;
        loop {
            self.posted.notified().await;
            let mut seen = lock(&self.state).last_post;
            while late < seen {
                // Whatever is answered within this pause never costs a write.
                sleep(AT_ONCE).await;
                self.hold(|state, now| {
                    for (number, _) in state.posts.range(late + 1..=seen) {
                        state.node.keep_meanwhile(now, *number);
                    }
                    (late, seen) = (seen, state.last_post);
                });
            }
        }
    }
}
