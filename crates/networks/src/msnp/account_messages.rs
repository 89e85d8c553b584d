//! Messages between the connections of one person. The notification connection knows the person and
//! the list; conversations ask it, and it tells them what changes.

use crosstalk_core::{Address, ConnectionId, Envelope, HostPort, Message, Recipient, Redacted};

use super::context::Cx;
use super::me::Me;
use crate::common::held;

/// The most bytes of texts that are kept for the next conversation.
pub(super) const MAX_UNREAD: usize = 64 << 10;

/// A message to the notification connection of the person.
pub(super) enum ToNotification {
    /// Another connection changed the shared state.
    Changed,
    /// A conversation needs a switchboard of the server's: the answer is
    /// [`ToSwitchboard::Opened`] or [`ToSwitchboard::Refused`].
    WantsSwitchboard,
    /// The client calls somebody foreign into a conversation, or `answers` their invitation: the
    /// answer is [`ToSwitchboard::Guest`].
    Joins { guest: Address, answers: bool },
    /// Texts that the client may not have read in a conversation that it left.
    Unread(Vec<Envelope>),
}

impl ToNotification {
    /// Tells it the notification connection `to`.
    pub(super) fn tell(self, to: ConnectionId, cx: &mut Cx<'_>) {
        let message = match &self {
            Self::Unread(texts) => {
                let weight = weight_of(texts);
                Message::new(self, weight).within(MAX_UNREAD)
            }
            Self::Joins { guest, .. } => {
                let weight = held::of_address(guest);
                Message::new(self, weight)
            }
            Self::Changed | Self::WantsSwitchboard => Message::new(self, 0),
        };
        cx.tell(Recipient::Connection(to), message);
    }
}

/// A message to a conversation that asked something.
pub(super) enum ToSwitchboard {
    /// The server opened a switchboard.
    Opened(Place),
    /// There will be none.
    Refused,
    /// Somebody foreign as the client shows them, if it lists them, and what the client may not have
    /// read of them.
    Guest { guest: Address, known: Option<Known>, unread: Vec<Envelope> },
    /// A guest has another nick now.
    Renamed(Address, String),
    /// The server says something else of the person now.
    Me(Me),
}

impl ToSwitchboard {
    /// Tells it the conversation `to`, which may be over.
    pub(super) fn tell(self, to: ConnectionId, cx: &mut Cx<'_>) {
        let weight = match &self {
            Self::Opened(place) => place.at.host.len() + place.key.expose().len(),
            Self::Refused => 0,
            Self::Guest { guest, known, unread } => {
                let known =
                    known.as_ref().map_or(0, |known| known.spelling.len() + known.nick.len());
                held::of_address(guest) + known + weight_of(unread)
            }
            Self::Renamed(guest, nick) => held::of_address(guest) + nick.len(),
            Self::Me(me) => me.weight(),
        };
        cx.tell(Recipient::Connection(to), Message::new(self, weight));
    }
}

fn weight_of(texts: &[Envelope]) -> usize {
    texts.iter().map(held::of_envelope).sum()
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
    pub(super) online: bool,
}
