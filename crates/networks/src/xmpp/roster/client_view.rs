//! The roster as the client has it: whether the foreign part of it is there yet, what the client was
//! told of each foreign contact, and which version that is.

use crosstalk_core::{Contact, Presence};

/// Progress of the foreign part of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::xmpp) enum Foreign {
    /// It is on the way.
    Awaited,
    /// It is on the way, but the client got its roster without.
    Late,
    /// It is here.
    Here,
}

impl Foreign {
    /// Nobody waits for it any more.
    pub(in crate::xmpp) fn give_up(&mut self) {
        if *self == Self::Awaited {
            *self = Self::Late;
        }
    }
}

/// A foreign contact as the client knows it.
#[derive(Debug)]
pub(in crate::xmpp) struct Known {
    pub(in crate::xmpp) contact: Contact,
    pub(in crate::xmpp) presence: Presence,
    /// The presence is of before a reconnect.
    pub(in crate::xmpp) stale: bool,
    /// The mark of its item, if it stands in the list.
    pub(in crate::xmpp) mark: Option<u64>,
}

impl Known {
    /// Bytes that it takes, roughly.
    pub(in crate::xmpp) fn weight(&self) -> usize {
        self.contact.weight() + self.presence.text.text().len() + size_of::<Presence>()
    }
}

/// A mark of many items in whatever order, kept up so that a change of one costs no walk.
#[derive(Clone, Copy, Default)]
pub(in crate::xmpp) struct Marks {
    pub(in crate::xmpp) sum: u64,
    pub(in crate::xmpp) items: usize,
}

impl Marks {
    /// An item, or none, took the place of another, or of none.
    pub(in crate::xmpp) fn replace(&mut self, old: Option<u64>, new: Option<u64>) {
        let (gone, come) = (old.unwrap_or_default(), new.unwrap_or_default());
        self.sum = self.sum.wrapping_sub(gone).wrapping_add(come);
        self.items = self.items + usize::from(new.is_some()) - usize::from(old.is_some());
    }
}

/// Roster as the client knows it.
#[derive(Default)]
pub(in crate::xmpp) struct RosterView {
    /// Whether it has its roster, and so gets pushes.
    pub(in crate::xmpp) shown: bool,
    /// The server's version that the client has.
    pub(in crate::xmpp) version: Option<String>,
}
