//! Status of a gateway and its links, for its operator.

use std::time::Duration;

use crate::common::clock;
use crate::hub::Hub;
use crate::membership::{Admitted, GatewayId, Membership};
use crate::node::violations::Counts;

/// Status of a running gateway and its links.
#[derive(Clone, Debug)]
pub struct Status {
    /// This gateway.
    pub id: GatewayId,
    /// Membership document that the operator signed; `None` where the list of members is fixed.
    pub membership: Option<Membership>,
    /// This gateway as a member; `None` where it is none any more.
    pub own: Option<Admitted>,
    /// Every other member, in order of id.
    pub peers: Vec<PeerStatus>,
    /// Counts of what was refused from all.
    pub refused: Counts,
    /// Records of this gateway's store that it could not read, and keeps aside.
    pub unreadable: u64,
}

/// Status of another gateway.
#[derive(Clone, Debug)]
pub struct PeerStatus {
    /// The member: its id, addresses and networks, with its admission.
    pub admitted: Admitted,
    /// The link to it; `None` where there is none.
    pub link: Option<LinkStatus>,
    /// One of the two has said where it can be called. Otherwise there will be no link.
    pub can_link: bool,
    /// Since when there is a link, or none. Of a gateway that was never linked, since the start.
    pub since: Duration,
    /// Counts of what was refused from it.
    pub refused: Counts,
}

/// A link that is up.
#[derive(Clone, Copy, Debug)]
pub struct LinkStatus {
    /// The frame set that the two speak.
    pub version: u8,
    /// Time for which the peer's lease holds if it says nothing more.
    pub lease: Duration,
    /// The version of the peer's membership; 0 where its list is fixed, or it has not said.
    pub membership: u64,
}

impl Hub {
    /// Status of this gateway and its links.
    pub(crate) fn status(&self) -> Status {
        let now = clock::now();
        let members = self.members.borrow().clone();
        let peer = |admitted: Admitted| {
            let (link, since) = self.link_status(now, &admitted.member.id);
            let can_link = self.may_link(&admitted.member.id);
            let refused = self.counts_of(&admitted.member.id);
            PeerStatus { admitted, link, can_link, since, refused }
        };
        Status {
            id: self.own,
            membership: members.document().cloned(),
            own: members.own_entry(),
            peers: members.others().map(peer).collect(),
            refused: self.counts(),
            unreadable: self.store.unreadable(),
        }
    }
}
