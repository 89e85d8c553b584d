//! Status of a gateway, for programs.

use crosstalk_gateway::router::Snapshot;
use crosstalk_overlay::{self as overlay, Admitted, Counts, Membership, PeerStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Status of a gateway and its links to others.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Whether the gateway runs. What follows is known of one that runs; of one that does not, only
    /// who it is and who else is in its mesh.
    pub is_running: bool,
    /// Whether it is stopping.
    pub is_draining: bool,
    /// Its id.
    pub gateway: String,
    /// Counts of people and messages since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<People>,
    /// The mesh, where an operator signs who is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh: Option<Mesh>,
    /// Whether the gateway is a member of its mesh.
    pub is_member: bool,
    /// Counts of what was refused from other gateways.
    pub refused: Refused,
    /// Records of the store that cannot be read, and are kept aside.
    pub unreadable: u64,
    /// The other members of the mesh.
    pub members: Vec<Member>,
}

/// People and messages.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct People {
    /// People signed on here.
    pub users: u64,
    /// Their sessions.
    pub sessions: u64,
    /// Messages that people here sent to foreign ones.
    pub sent: u64,
    /// Messages that clients here took.
    pub delivered: u64,
    /// Messages whose senders here were told of a failure.
    pub undelivered: u64,
    /// Inputs that took longer than 100 ms.
    pub slow: u64,
    /// What was dropped, by cause.
    pub dropped: Dropped,
    /// Memory of connections.
    pub memory: Memory,
}

/// What was dropped, by cause.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Dropped {
    /// Said too fast.
    pub flood: u64,
    /// More than can wait to be sent.
    pub outbox: u64,
    /// More than a client took.
    pub mailbox: u64,
    /// From people who are blocked.
    pub blocked: u64,
    /// Requests of strangers that made room for others.
    pub requests: u64,
    /// Lists of people who did not sign on.
    pub lists: u64,
}

/// Memory of connections, in bytes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Memory {
    /// What all may take.
    pub budget: u64,
    /// What all take.
    pub used: u64,
    /// What those take on whom nobody is signed on.
    pub unknown: u64,
    /// Connections that were ended because memory was short.
    pub ended_short: u64,
    /// Connections that were ended because their address, user or domain held too much.
    pub ended_share: u64,
    /// Whether it is short now.
    pub is_short: bool,
}

/// A mesh that an operator signs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Mesh {
    /// The operator's id.
    pub operator: String,
    /// The version of the list of members.
    pub version: u64,
}

/// Another gateway.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// Its id.
    pub gateway: String,
    /// Addresses at which it is called.
    pub addresses: Vec<String>,
    /// The networks whose people it may speak for.
    pub networks: Vec<String>,
    /// The last day on which it is a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Whether either of the two can call the other.
    pub can_link: bool,
    /// Whether there is a link to it.
    pub is_linked: bool,
    /// For how many seconds that has been so.
    pub since: u64,
    /// The link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// Counts of what was refused from it.
    pub refused: Refused,
}

/// A link that is up.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// The version of its frames.
    pub version: u8,
    /// For how many seconds the other's lease holds if it says nothing more.
    pub lease: u64,
    /// The version of the other's list of members; 0 where it has not said.
    pub membership: u64,
}

/// Counts of what was refused from other gateways.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refused {
    /// Messages for networks that were not the gateway's.
    pub refused: u64,
    /// Links for broken rules.
    pub faults: u64,
    /// Frames said twice.
    pub replayed: u64,
    /// Memberships, old or not the operator's.
    pub stale: u64,
    /// Times too much at once.
    pub flooded: u64,
    /// Connections of strangers.
    pub strangers: u64,
}

impl Status {
    /// Status of a gateway that runs.
    pub(crate) fn of(status: &overlay::Status, people: &Snapshot) -> Self {
        Self {
            is_running: true,
            is_draining: false,
            gateway: status.id.to_string(),
            people: Some(People::of(people)),
            mesh: status.membership.as_ref().map(Mesh::of),
            is_member: status.own.is_some(),
            refused: Refused::of(&status.refused),
            unreadable: status.unreadable,
            members: status.peers.iter().map(Member::of).collect(),
        }
    }

    /// Status of a gateway that does not run, from its files.
    pub fn asleep(id: &overlay::GatewayId, membership: Option<&Membership>) -> Self {
        let members = membership.into_iter().flat_map(Membership::members);
        let mut others = Vec::new();
        let mut is_member = membership.is_none();
        for admitted in members {
            if admitted.member.id == *id {
                is_member = true;
            } else {
                others.push(Member::asleep(&admitted));
            }
        }
        Self {
            is_running: false,
            is_draining: false,
            gateway: id.to_string(),
            people: None,
            mesh: membership.map(Mesh::of),
            is_member,
            refused: Refused::default(),
            unreadable: 0,
            members: others,
        }
    }
}

impl People {
    fn of(people: &Snapshot) -> Self {
        let Snapshot { users, sessions, sent, delivered, undelivered, slow, drops, memory } =
            *people;
        let ended = memory.ended;
        Self {
            users: users as u64,
            sessions: sessions as u64,
            sent,
            delivered,
            undelivered,
            slow,
            dropped: Dropped {
                flood: drops.flood,
                outbox: drops.outbox,
                mailbox: drops.mailbox,
                blocked: drops.blocked,
                requests: drops.requests,
                lists: drops.lists,
            },
            memory: Memory {
                budget: memory.budget as u64,
                used: memory.used as u64,
                unknown: memory.unknown as u64,
                ended_short: ended.unknown + ended.whole,
                ended_share: ended.payer,
                is_short: memory.is_strained,
            },
        }
    }
}

impl Mesh {
    fn of(document: &Membership) -> Self {
        Self { operator: document.operator().to_string(), version: document.version() }
    }
}

impl Member {
    fn of(peer: &PeerStatus) -> Self {
        let link = peer.link.map(|link| Link {
            version: link.version,
            lease: link.lease.as_secs(),
            membership: link.membership,
        });
        Self {
            can_link: peer.can_link,
            is_linked: link.is_some(),
            since: peer.since.as_secs(),
            link,
            refused: Refused::of(&peer.refused),
            ..Self::asleep(&peer.admitted)
        }
    }

    fn asleep(admitted: &Admitted) -> Self {
        let member = &admitted.member;
        Self {
            gateway: member.id.to_string(),
            addresses: member.addresses.iter().map(ToString::to_string).collect(),
            networks: member.networks.iter().map(ToString::to_string).collect(),
            until: admitted.until.as_ref().map(ToString::to_string),
            can_link: true,
            is_linked: false,
            since: 0,
            link: None,
            refused: Refused::default(),
        }
    }
}

impl Refused {
    fn of(counts: &Counts) -> Self {
        let Counts { refused, faults, replayed, stale, flooded, strangers } = *counts;
        Self { refused, faults, replayed, stale, flooded, strangers }
    }
}
