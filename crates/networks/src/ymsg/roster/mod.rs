//! The buddy list: held until the foreign contacts are known and merged into it, the client's edits,
//! and changes that are shown to the client.

mod edits;
mod group_names;
mod list;
mod list_15;
mod list_hold;
mod push;
mod server_list;

use std::collections::BTreeMap;
use std::time::Instant;

use crosstalk_core::Address;

use self::server_list::ServerList;
use super::wire::Packet;
use crate::common::frame_queue::FrameQueue;

/// Progress of the list.
#[derive(Default)]
pub(in crate::ymsg) enum Hold {
    /// The person is not accepted.
    #[default]
    Before,
    /// The server's packets since then, and until when they wait.
    On(FrameQueue<Packet>, Instant),
    /// The client has its list.
    Over,
}

impl Hold {
    pub(in crate::ymsg) const fn deadline(&self) -> Option<Instant> {
        if let Self::On(_, until) = self { Some(*until) } else { None }
    }

    /// Bytes held back.
    pub(in crate::ymsg) fn weight(&self) -> usize {
        if let Self::On(packets, _) = self { packets.weight() } else { 0 }
    }

    pub(in crate::ymsg) const fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }
}

/// List as the client shows it.
#[derive(Default)]
pub(in crate::ymsg) struct List {
    /// The server's part.
    pub(in crate::ymsg) own: ServerList,
    /// Our part: the groups of each contact.
    pub(in crate::ymsg) shown: BTreeMap<Address, Vec<String>>,
    /// A list in several packets has begun.
    pub(in crate::ymsg) has_begun: bool,
}
