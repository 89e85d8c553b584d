//! The membership of a running gateway: taken from links and from disk, and followed in time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::Blame;
use tokio_util::sync::CancellationToken;

use crate::hub::Hub;
use crate::membership::{GatewayId, Members, Membership, REPLICAS, Signed};
use crate::node::violations::Violation;

/// Time between two looks at the document on disk and at the members' time.
const LOOK: Duration = Duration::from_secs(1);

impl Hub {
    /// A peer sent a membership document.
    pub(crate) fn membership_frame(self: &Arc<Self>, peer: GatewayId, signed: Signed) {
        let refuse = |why: &str| self.refuse(peer, Violation::Stale, why);
        let members = self.members.borrow().clone();
        let Some(ours) = members.document() else {
            return refuse("a membership document, though its own list is fixed");
        };
        match Membership::verify(signed) {
            Err(_) => refuse("a membership document that its operator did not sign so"),
            Ok(theirs) if theirs == *ours => {}
            Ok(theirs) if theirs.operator() != ours.operator() => {
                refuse("a membership document of another operator");
            }
            Ok(theirs) if !theirs.replaces(ours) => refuse("an old membership document"),
            Ok(theirs) => {
                // On disk first: a gateway that restarts must not believe an older list than it has
                // followed.
                self.keep(&theirs);
                self.adopt(theirs);
            }
        }
    }

    /// Follows the document on disk, and the time of the members, until `stop`.
    pub(crate) async fn follow_membership(self: Arc<Self>, stop: CancellationToken) {
        let Some(state) = self.state_dir.clone() else { return };
        let mut seen = None;
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            let written = Membership::written(&state);
            if written != seen {
                seen = written;
                self.read_membership(&state);
            }
            let document = self.members.borrow().document().cloned();
            if let Some(document) = document {
                self.adopt(document);
            }
        }
    }

    fn read_membership(self: &Arc<Self>, state: &Path) {
        match Membership::load(state) {
            Ok(Some(new)) => {
                let is_new = |ours: &Membership| new.replaces(ours);
                if self.members.borrow().document().is_some_and(is_new) {
                    self.adopt(new);
                }
            }
            Ok(None) => {}
            Err(error) => tracing::error!("{}: {error}", Blame::Gateway),
        }
    }

    fn keep(&self, document: &Membership) {
        let Some(state) = &self.state_dir else { return };
        if let Err(error) = document.save(state) {
            tracing::error!("{}: the new membership is not on disk: {error}", Blame::Gateway);
        }
    }

    /// Makes the members those of `document` now.
    fn adopt(self: &Arc<Self>, document: Membership) {
        // Made anew at each look, since members end with their day and not with a new document.
        let members = Members::of(self.own, document, self.wall.read(), REPLICAS);
        let old = self.members.borrow().clone();
        if members.is_same(&old) {
            return;
        }
        let (version, others) = (members.era(), members.others().count());
        tracing::info!(version, others, "the membership changed");
        if members.own_entry().is_none() {
            tracing::warn!("this gateway is no member of the mesh any more");
        }
        self.set_members(members);
    }
}
