//! Messages between the connections of one person. The notification connection knows the person and
//! the list; conversations and address books ask it, and it tells conversations what changes.

use std::sync::Arc;
use std::time::Instant;

use crosstalk_core::{
    Address, ConnectionId, Envelope, HostPort, MAX_UNHEARD, Message, Recipient, Redacted,
};

use super::account_keys::Token;
use super::context::Cx;
use super::foreign_list::{self, Edit, ForeignList, MAX_EDITED};
use super::me::Me;
use crate::common::weight;

/// The most bytes of texts that are kept for the next conversation.
pub(super) const MAX_UNREAD: usize = 64 << 10;

/// A message to the notification connection of the person.
pub(super) enum ToNotification {
    /// A conversation needs a switchboard of the server's: the answer is
    /// [`ToSwitchboard::Opened`] or [`ToSwitchboard::Refused`].
    WantsSwitchboard,
    /// The client calls somebody foreign into a conversation, or `answers` their invitation: the
    /// answer is [`ToSwitchboard::Guest`].
    Joins { guest: Address, answers: bool },
    /// `guest` was let in and showed what was not read of them before; or else it is for another
    /// conversation.
    Joined { guest: Address, is_shown: bool },
    /// Texts that the client may not have read in a conversation that it left.
    Unread(Vec<Envelope>),
    /// An address book wants the list: the answer is [`ToAddressBook::List`]. The address book's server
    /// says that a token is the person's, where it does.
    WantsList { number: u32, token: Option<Token> },
    /// The client changes its list, `until` then: the answer is [`ToAddressBook::Edited`].
    Edits { number: u32, edits: Vec<Edit>, until: Instant },
    /// The client was given its list.
    Served(Served),
}

impl ToNotification {
    /// Tells it the notification connection `to`.
    pub(super) fn tell(self, to: Recipient, cx: &mut Cx<'_>) {
        let (weight, room) = match &self {
            // Its own bound holds when it hears them; here others may wait as well.
            Self::Unread(texts) => (weight_of(texts), MAX_UNHEARD),
            Self::Joins { guest, .. } | Self::Joined { guest, .. } => {
                (weight::of_address(guest), MAX_UNHEARD)
            }
            Self::Edits { edits, .. } => {
                (foreign_list::weight_of(edits).unwrap_or(MAX_EDITED), MAX_EDITED)
            }
            Self::Served(served) => (served.weight(), MAX_UNHEARD),
            Self::WantsSwitchboard | Self::WantsList { .. } => (0, MAX_UNHEARD),
        };
        cx.tell(to, Message::new(self, weight).within(room));
    }
}

/// The part of the list that an address book gave the client.
#[derive(Default)]
pub(super) struct Served {
    /// It was the lists, or the contacts.
    pub(super) members: bool,
    pub(super) contacts: bool,
    /// People who were shown as asking.
    pub(super) asked: Vec<Address>,
    /// Groups of the server's: name and id.
    pub(super) groups: Vec<(String, String)>,
}

impl Served {
    fn weight(&self) -> usize {
        let groups =
            self.groups.iter().map(|(name, id)| 2 * size_of::<String>() + name.len() + id.len());
        groups.sum::<usize>() + self.asked.iter().map(weight::of_address).sum::<usize>()
    }
}

/// A message to an address book that asked something, by the `number` of the question.
pub(super) enum ToAddressBook {
    /// The list of this person as it is now; none where the gateway has not told it yet.
    List { number: u32, owner: Address, list: Option<Arc<ForeignList>> },
    /// The changes are made; or not all, where the list has no room for somebody.
    Edited { number: u32, made: bool },
}

impl ToAddressBook {
    /// Tells it the address book `to`, which may be gone.
    pub(super) fn tell(self, to: ConnectionId, cx: &mut Cx<'_>) {
        // The list is shared with the notification connection, which holds it anyway.
        cx.tell(Recipient::Connection(to), Message::new(self, 0));
    }
}

/// A message to a conversation that asked something.
pub(super) enum ToSwitchboard {
    /// The server opened a switchboard.
    Opened(Place),
    /// There will be none.
    Refused,
    /// Somebody foreign may come into the conversation that asked.
    Guest(Box<Introduction>),
    /// A guest has another nick now.
    Renamed(Address, String),
}

impl ToSwitchboard {
    /// Tells it the conversation `to`, which may be over.
    pub(super) fn tell(self, to: ConnectionId, cx: &mut Cx<'_>) {
        let weight = match &self {
            Self::Opened(place) => place.at.host.len() + place.key.expose().len(),
            Self::Refused => 0,
            Self::Guest(introduction) => introduction.weight(),
            Self::Renamed(guest, nick) => weight::of_address(guest) + nick.len(),
        };
        cx.tell(Recipient::Connection(to), Message::new(self, weight));
    }
}

/// Somebody foreign in the words of the notification connection, for a conversation.
pub(super) struct Introduction {
    /// Conversation that it is for, to be known by where it does not hear it.
    pub(super) to: ConnectionId,
    pub(super) guest: Address,
    /// How the client shows them, if it lists them.
    pub(super) known: Option<Known>,
    /// Texts of theirs that the client may not have read. They stay where they are until the
    /// conversation has shown them.
    pub(super) unread: Vec<Envelope>,
    /// The person, to be introduced to them.
    pub(super) me: Me,
}

impl Introduction {
    fn weight(&self) -> usize {
        let known = self.known.as_ref().map_or(0, |known| known.spelling.len() + known.nick.len());
        weight::of_address(&self.guest) + known + weight_of(&self.unread) + self.me.weight()
    }
}

fn weight_of(texts: &[Envelope]) -> usize {
    texts.iter().map(weight::of_envelope).sum()
}

/// A switchboard of the server's, and the key to it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) at: HostPort,
    pub(super) key: Redacted<String>,
}

/// A foreign contact as the client shows it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) spelling: String,
    pub(super) nick: String,
    /// They cannot be called: the control contact always can.
    pub(super) is_offline: bool,
}
