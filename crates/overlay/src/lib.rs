//! The network between gateways: directory, links, trust and storage.
//!
//! [`Overlay`] is the whole interface. Behind it stand pure state machines, which know neither
//! sockets nor clocks, and a shell that drives them:
//!
//! ```text
//!   transport   libp2p, and one stream for each pair of gateways
//!   hub         state behind one lock, for the links and for the router of this gateway
//!   node        everything but the buddy lists, in one pure state machine
//!   storage     the database, and the journal of what was shown, on disk
//!   outbox      messages until they are shown or reported
//!   mappings    what applications have kept, signed by its owners
//!   rosters     buddy lists, merged by stamp
//!   delivery    messages between two gateways, acknowledged, and none handed on twice
//!   directory   who is where: what this gateway publishes, watches and keeps for others
//!   wire        frames, and the messages in them
//!   membership  who belongs, as the operator signed it, and where they can be dialled
//!   common      maps, clocks, queues
//! ```
//!
//! A folder uses only those that stand below it.

mod common;
mod delivery;
mod directory;
mod errors;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod hub;
mod mappings;
mod membership;
mod node;
mod outbox;
mod overlay;
mod rosters;
#[cfg(test)]
mod simulation;
mod storage;
mod transport;
mod wire;

pub use errors::{BadMembership, Error};
pub use hub::answer::Answer;
pub use hub::inbound::Inbound;
pub use hub::mappings::{Changes, Unkept, Unread};
pub use hub::records::{Home, Records, Wiped};
pub use hub::status::{LinkStatus, PeerStatus, Status};
pub use mappings::{MappingLimits, Page};
pub use membership::{
    Admitted, BadDay, BadGatewayId, Day, GatewayId, MAX_MEMBERS, Member, Membership, Operator,
    REPLICAS, parse_address,
};
pub use node::violations::Counts;
pub use outbox::{Limits, Waiting};
pub use overlay::{Config, Overlay};
pub use rosters::{Full, Lists};
pub use wire::mapping::{BadMapping, BadNamespace, Mapping, Namespace};
pub use wire::message::{Fate, Message};
