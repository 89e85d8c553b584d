//! The account that is signed in on a connection: buddy list, presence and messages.
//!
//! A handler takes a SNAC and says whether it passes. What it passes is the server's business;
//! what it withholds concerns a foreign person, and is answered here.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use crosstalk_core::{Address, Body, Contact, Envelope, Presence, Roster, Side};

use super::context::Cx;
use super::messages::conversations;
use super::verdict::Verdict;
use super::wire::kinds::oservice;
use super::wire::message::EightBit;
use super::{consent, identity, presence, rate_limits, roster};
use crate::common::{Contacts, Presences, Waiting};

/// The state of one session.
pub(super) struct Account {
    /// Name that the client gives itself; empty if it gives none.
    pub(super) client: String,
    pub(super) eight_bit: EightBit,
    /// Person who signed in, as soon as the server has said so.
    pub(super) identity: identity::Identity,
    /// The client asked the server who it is.
    pub(super) has_asked: bool,
    pub(super) kind: ConnectionKind,
    /// The foreign contacts, as soon as the gateway gave them.
    pub(super) contacts: Contacts,
    /// The client said that it is ready.
    pub(super) online: bool,
    /// End of the wait for that.
    pub(super) online_by: Option<Instant>,
    /// The client was told everything that waited for it, and is told what comes at once.
    pub(super) settled: bool,
    pub(super) waiting: Waiting,
    pub(super) rates: rate_limits::Rates,
    pub(super) acks: roster::acks::Acks,
    pub(super) feedbag: roster::feedbag::Feedbag,
    pub(super) list: roster::list_hold::ListHold,
    pub(super) edits: roster::transaction::Transaction,
    pub(super) watch: roster::buddies::WatchedBuddies,
    pub(super) client_lists: roster::permit_deny::ClientLists,
    pub(super) own: presence::OwnPresence,
    pub(super) theirs: Presences,
    pub(super) conversations: conversations::Conversations,
    pub(super) asked: consent::Authorizations,
}

/// Purpose of a connection, as its cookie shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionKind {
    /// A session: the cookie was handed out for one, or the server offers messages.
    Session,
    /// The cookie is unknown; the server's families will tell.
    Undecided,
    /// Something else.
    Service {
        /// It is asked about people by name.
        about_people: bool,
    },
}

impl Account {
    /// A session behind a cookie that a server of this network issued to `issued_to`.
    pub(super) fn issued(client: String, issued_to: Option<Address>, eight_bit: EightBit) -> Self {
        let identity = identity::Identity::Cookie { issued_to };
        Self { identity, ..Self::new(client, ConnectionKind::Session, eight_bit) }
    }

    /// A connection with a cookie of unknown origin; the server will tell its purpose.
    pub(super) fn unknown(client: String, eight_bit: EightBit) -> Self {
        Self::new(client, ConnectionKind::Undecided, eight_bit)
    }

    pub(super) fn new(client: String, kind: ConnectionKind, eight_bit: EightBit) -> Self {
        Self {
            client,
            eight_bit,
            identity: identity::Identity::default(),
            has_asked: false,
            kind,
            contacts: Contacts::default(),
            online: false,
            online_by: None,
            settled: false,
            waiting: Waiting::default(),
            rates: rate_limits::Rates::default(),
            acks: roster::acks::Acks::default(),
            feedbag: roster::feedbag::Feedbag::read_as(eight_bit),
            list: roster::list_hold::ListHold::default(),
            edits: roster::transaction::Transaction::default(),
            watch: roster::buddies::WatchedBuddies::default(),
            client_lists: roster::permit_deny::ClientLists::default(),
            own: presence::OwnPresence::default(),
            theirs: Presences::default(),
            conversations: conversations::Conversations::default(),
            asked: consent::Authorizations::default(),
        }
    }

    /// Whether this is no session after all but a service, and whether that is asked about people.
    pub(super) const fn as_service(&self) -> Option<bool> {
        match self.kind {
            ConnectionKind::Service { about_people } => Some(about_people),
            _ => None,
        }
    }

    /// Person who signed in, as soon as the server has said so.
    pub(super) const fn user(&self) -> Option<&Address> {
        self.identity.user()
    }

    /// The client has set everything up and may be told things.
    pub(super) fn ready(&mut self, raw: &Bytes, cx: &mut Cx<'_>) -> Verdict {
        self.rates.saw(oservice::CLIENT_ONLINE, cx.now.instant);
        cx.forward(Side::Server, raw.clone());
        self.ask_who(cx);
        self.online = true;
        self.online_by = None;
        Verdict::Done
    }

    /// Whether the client can take what is pushed to it: it says that it is ready before it asks
    /// for its list or behind that, and may ask for none.
    pub(super) fn is_settled(&self) -> bool {
        self.online && self.user().is_some() && self.contacts.are_known() && !self.list.is_awaited()
    }

    /// Tells the client everything that waited, as soon as it can take it. Called whenever
    /// something happened, so that it matters only what did and not in which order.
    pub(super) fn settle(&mut self, cx: &mut Cx<'_>) {
        self.own.touch();
        let settled = self.is_settled();
        if std::mem::replace(&mut self.settled, settled) || !settled {
            return;
        }
        // People before their presence, and both before what they say: a client drops an arrival of
        // somebody it has not listed, and shows a text of theirs as a stranger's.
        self.sync_list(cx);
        self.sync_watch(cx);
        let known: Vec<Address> = self.theirs.people().cloned().collect();
        for address in known {
            self.show_presence(&address, cx);
        }
        while let Some(envelope) = self.waiting.pop() {
            self.show(&envelope, cx);
        }
    }

    /// Takes the foreign contacts.
    pub(super) fn roster(&mut self, roster: &Roster, cx: &mut Cx<'_>) {
        self.contacts.fill(roster.contacts());
        self.asked.learn(roster);
        self.release_if_complete(cx);
        self.publish_edits(cx);
        self.settle(cx);
    }

    /// Takes a contact that changed, and shows the change if the client does not know of it.
    pub(super) fn changed(&mut self, contact: &Contact, cx: &mut Cx<'_>) {
        if !self.contacts.put(contact) {
            return;
        }
        let address = contact.address.clone();
        // Before that the merged list will show it.
        if self.is_settled() {
            self.sync_contact(contact, cx);
            self.show_presence(&address, cx);
        }
        if !contact.listed {
            self.theirs.remove(&address);
        }
    }

    /// Takes something for the person.
    pub(super) fn deliver(&mut self, envelope: Envelope, cx: &mut Cx<'_>) {
        if self.is_settled() {
            self.show(&envelope, cx);
        } else if let Err(envelope) = self.waiting.push(envelope)
            && let Some(envelope) = cx.turn_away(*envelope)
        {
            self.show(&envelope, cx);
        }
    }

    /// Takes the presence of a contact; it is shown once the merged list is.
    pub(super) fn presence_in(&mut self, of: &Address, presence: Presence, cx: &mut Cx<'_>) {
        self.remember_presence(of.clone(), presence);
        if self.is_settled() {
            self.show_presence(of, cx);
        }
    }

    /// Bytes that the session holds.
    pub(super) fn weight(&self) -> usize {
        let lists = self.feedbag.weight() + self.list.weight() + self.watch.weight();
        let edits = self.edits.weight() + self.acks.weight() + self.asked.weight();
        let seen = self.client_lists.weight() + self.own.weight();
        lists
            + edits
            + seen
            + self.waiting.weight()
            + self.theirs.weight()
            + self.conversations.weight()
    }

    pub(super) fn show(&mut self, envelope: &Envelope, cx: &mut Cx<'_>) {
        match &envelope.body {
            Body::Text { text, auto } => self.message_in(envelope, text, *auto, cx),
            Body::Attention => self.attention_in(envelope, cx),
            Body::Typing(typing) => self.typing_in(&envelope.from, *typing, cx),
            Body::Contact(step) => self.consent_in(envelope, step, cx),
            Body::Undelivered { of, why } => self.undelivered(*of, *why, &envelope.from, cx),
            Body::Receipt { .. } => {}
        }
    }

    /// Acts on what has waited long enough.
    pub(super) fn tick(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now.instant;
        self.list.give_up(now);
        if self.online_by.is_some_and(|by| by <= now) {
            self.online_by = None;
            self.online = true;
        }
        if self.edits.is_due(now) {
            self.edits.end();
            self.publish_edits(cx);
        }
        self.answer_edits(cx);
        self.settle(cx);
    }

    /// Time at which [`tick`](Self::tick) has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.online_by, self.list.deadline(), self.edits.deadline(), self.acks.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The server's frames that need not be held back any longer, to be taken again.
    pub(super) fn released(&mut self) -> Option<BytesMut> {
        self.list.released()
    }

    /// Whether the client is one that shows authorisation requests and takes long texts.
    pub(super) fn is_libpurple(&self) -> bool {
        self.client.starts_with("Purple/") || self.client.contains("libpurple")
    }
}
