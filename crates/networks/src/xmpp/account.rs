//! The person behind a client, and what that client has been shown.

mod own_presence;
mod requests;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Contact, Fault, Now, Subscription};

pub(in crate::xmpp) use self::own_presence::OwnPresence;
pub(in crate::xmpp) use self::requests::{Asked, Requests};
use self::waiting::Waiting;
use crate::xmpp::context::Cx;
use crate::xmpp::jid::{self, Naming};
use crate::xmpp::messages::corrections::Corrections;
use crate::xmpp::messages::handed_over::HandedOver;
use crate::xmpp::messages::resent::ResentMessages;
use crate::xmpp::messages::sent::SentMessages;
use crate::xmpp::privacy_lists::Privacy;
use crate::xmpp::roster::client_view::{Foreign, Known, Marks, RosterView};
use crate::xmpp::roster::spellings::Spellings;

/// The resource of every foreign person.
const RESOURCE: &str = "CrossTalk";
/// The most people who are not in the list and whose typing is remembered.
const MAX_STRANGERS: usize = 256;
/// Longest wait for contacts to show up again after a resumed session.
const RETURN: Duration = Duration::from_secs(10);

/// Everything about a signed-in person's session.
pub(in crate::xmpp) struct Account {
    /// The session's full JID, as the server gave it.
    pub(in crate::xmpp) full: String,
    pub(in crate::xmpp) user: Address,
    /// The foreign contacts as the client was told of them; boxed, since the tree keeps room for
    /// eleven.
    pub(in crate::xmpp) contacts: BTreeMap<Address, Box<Known>>,
    /// The marks of those in the list, together.
    pub(in crate::xmpp) marks: Marks,
    /// Whether they are known.
    pub(in crate::xmpp) foreign: Foreign,
    pub(in crate::xmpp) roster: RosterView,
    /// Whether the person hides (XEP-0016, XEP-0186).
    pub(in crate::xmpp) privacy: Privacy,
    pub(in crate::xmpp) own: OwnPresence,
    /// Whether the client understands chat states.
    pub(in crate::xmpp) chat_states: Support,
    /// Contacts that the client just put into its list, and that are not confirmed yet.
    pub(in crate::xmpp) adding: BTreeSet<Address>,
    /// Stanzas that wait for the client to be available; boxed, since that is soon.
    waiting: Option<Box<Waiting>>,
    /// Requests of the client to its server that foreign people have a part in.
    pub(in crate::xmpp) requests: Requests,
    /// Whether the client wants copies of what other sessions send (XEP-0280).
    pub(in crate::xmpp) carbons: bool,
    /// Whether the client knows its block list (XEP-0191), and so gets pushes.
    pub(in crate::xmpp) blocklist_shown: bool,
    pub(in crate::xmpp) sent: SentMessages,
    pub(in crate::xmpp) corrections: Corrections,
    /// Time at which contacts that have not shown up again count as gone.
    pub(in crate::xmpp) sweep_at: Option<Instant>,
    /// Spellings the client used for people who are not in the list.
    pub(in crate::xmpp) spellings: Spellings,
    /// People to whom the client sent chat states.
    typed_to: BTreeSet<Address>,
    /// Messages that an earlier connection took.
    pub(in crate::xmpp) repeats: ResentMessages,
    /// Messages that were on the way to an earlier connection.
    pub(in crate::xmpp) handed_over: HandedOver,
}

/// Knowledge of whether a client supports something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::xmpp) enum Support {
    Unknown,
    /// It was asked (XEP-0030).
    Asked,
    Yes,
}

impl Account {
    pub(in crate::xmpp) fn new(full: String, user: Address) -> Self {
        Self {
            full,
            user,
            contacts: BTreeMap::new(),
            marks: Marks::default(),
            foreign: Foreign::Awaited,
            roster: RosterView::default(),
            privacy: Privacy::default(),
            own: OwnPresence::default(),
            chat_states: Support::Unknown,
            adding: BTreeSet::new(),
            waiting: None,
            requests: Requests::default(),
            carbons: false,
            blocklist_shown: false,
            sent: SentMessages::default(),
            corrections: Corrections::default(),
            sweep_at: None,
            spellings: Spellings::default(),
            typed_to: BTreeSet::new(),
            repeats: ResentMessages::default(),
            handed_over: HandedOver::default(),
        }
    }

    /// The contacts who may see the person's presence.
    pub(in crate::xmpp) fn watchers(&self) -> impl Iterator<Item = &Contact> {
        let contacts = self.contacts.values().map(|known| &known.contact);
        contacts.filter(|contact| contact.from == Subscription::Granted)
    }

    /// Bytes that all of this takes, roughly; counted, not kept.
    pub(in crate::xmpp) fn weight(&self) -> usize {
        let contacts = self.contacts.values().map(|known| known.weight());
        size_of::<Self>()
            + self.waits()
            + self.repeats.weight()
            + self.handed_over.weight()
            + self.privacy.weight()
            + self.own.weight()
            + self.corrections.weight()
            + self.sent.weight()
            + contacts.sum::<usize>()
    }

    /// The person's bare JID.
    pub(in crate::xmpp) fn bare(&self) -> &str {
        jid::bare(&self.full)
    }

    /// Whether a stanza without `to`, or with this one, is for the person's own account.
    pub(in crate::xmpp) fn is_self(&self, jid: Option<&str>) -> bool {
        jid.is_none_or(|jid| jid.eq_ignore_ascii_case(self.bare()))
    }

    /// The bare JID under which the client knows a foreign person.
    pub(in crate::xmpp) fn bare_of(&self, naming: &Naming, address: &Address) -> String {
        let listed = self.contacts.get(address).map(|known| known.contact.spelling.as_str());
        listed
            .and_then(|spelling| naming.accept(spelling, address))
            .or_else(|| self.spellings.get(address))
            .map_or_else(|| naming.spell(address), str::to_owned)
    }

    /// The one full JID of a foreign person.
    pub(in crate::xmpp) fn full_of(&self, naming: &Naming, address: &Address) -> String {
        format!("{}/{RESOURCE}", self.bare_of(naming, address))
    }

    /// Remembers that the client knows chat states with somebody.
    pub(in crate::xmpp) fn learn_typing(&mut self, address: &Address) {
        if self.typed_to.len() < MAX_STRANGERS {
            self.typed_to.insert(address.clone());
        }
    }

    /// Whether the client would understand chat states of `address` (XEP-0085, section 5.1).
    pub(in crate::xmpp) fn understands_typing(&self, address: &Address) -> bool {
        self.chat_states == Support::Yes || self.typed_to.contains(address)
    }

    /// Whether a contact stands in the client's list, or is about to.
    pub(in crate::xmpp) fn lists(&self, address: &Address) -> bool {
        let known = self.contacts.get(address).is_some_and(|known| known.contact.listed);
        known || self.adding.contains(address)
    }

    /// Acts on what has waited long enough.
    pub(in crate::xmpp) fn tick(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        if cx.link.held.until.is_some_and(|until| until <= cx.now.instant) {
            self.stop_waiting(cx);
        }
        self.privacy.tick(cx.now.instant);
        self.own.touch();
        self.sweep(cx)
    }

    /// Time at which [`tick`](Self::tick) has something to do, besides the client's request for its
    /// list.
    pub(in crate::xmpp) fn deadline(&self) -> Option<Instant> {
        [self.sweep_at, self.privacy.deadline()].into_iter().flatten().min()
    }

    /// Lets the client's words go on without the list that they waited for.
    pub(in crate::xmpp) fn stop_waiting(&mut self, cx: &mut Cx<'_>) {
        cx.link.held.until = None;
        self.foreign.give_up();
    }

    /// The session goes on over a new connection.
    pub(in crate::xmpp) fn reconnected(&mut self, now: Now) {
        self.privacy.reconnected();
        self.requests.reconnected();
        // The gateway signed the person on anew, and tells the list again; of whom it then tells
        // nothing for a while, the client hears that they are gone.
        self.foreign = Foreign::Awaited;
        self.sweep_at = Some(now.instant + RETURN);
        for known in self.contacts.values_mut() {
            known.stale = true;
        }
    }
}
