//! State of the person whose connection it is.

use std::collections::BTreeSet;
use std::time::Instant;

use crosstalk_core::{Address, Contact, Roster, Subscription};

use super::context::Cx;
use super::foreign_names::spelling;
use super::messages::KnownMessages;
use super::presence::Own;
use super::roster::{Hold, List};
use super::sign_on::SignOn;
use crate::common::{Contacts, Presences, Waiting};

/// The status of what a server says.
pub(super) const ANSWER: u32 = 1;
/// Bytes that a person in a set takes, roughly.
const PER_PERSON: usize = 128;

/// A person's connection.
#[derive(Default)]
pub(super) struct Account {
    pub(super) endpoint: String,
    pub(super) sign_on: SignOn,
    /// The client has a word for yes to a request, and not only for no.
    pub(super) says_yes: bool,
    /// The person's name as the server writes it.
    pub(super) me: String,
    pub(super) contacts: Contacts,
    pub(super) hold: Hold,
    /// The server has shown the client its own status.
    pub(super) has_status: bool,
    /// It has, or is not waited for any more.
    pub(super) is_greeted: bool,
    /// Time until which it is awaited.
    pub(super) greeting: Option<Instant>,
    /// Time until which the server's list is waited for, where it began with something else.
    pub(super) listing: Option<Instant>,
    pub(super) list: List,
    /// Inputs for the person that came while the list was held.
    pub(super) waiting: Waiting,
    /// People who were shown to the client as asking.
    pub(super) asked: BTreeSet<Address>,
    /// People that the person asked.
    pub(super) awaited: BTreeSet<Address>,
    /// Last presences of the foreign contacts.
    pub(super) presences: Presences,
    pub(super) own: Own,
    pub(super) known_messages: KnownMessages,
}

impl Account {
    /// Whether the client has its list, and has been shown that it is signed on.
    pub(super) const fn takes_texts(&self) -> bool {
        self.hold.is_over() && self.is_greeted
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.hold.deadline(), self.greeting, self.listing].into_iter().flatten().min()
    }

    pub(super) fn tick(&mut self, cx: &mut Cx<'_>) {
        if self.hold.deadline().is_some_and(|at| at <= cx.now.instant) {
            self.waited(cx);
        }
        if self.greeting.is_some_and(|at| at <= cx.now.instant) {
            self.greeted(cx);
        }
        if self.listing.is_some_and(|at| at <= cx.now.instant) {
            self.listing = None;
            self.push_all(cx);
        }
    }

    /// The foreign list, once.
    pub(super) fn roster(&mut self, roster: &Roster, cx: &mut Cx<'_>) {
        self.contacts.fill(roster.contacts());
        let awaited = roster.contacts().filter(|c| matches!(c.to, Subscription::Asked(_)));
        self.awaited.extend(awaited.map(|c| c.address.clone()));
        if self.hold.is_over() {
            self.push_all(cx);
        } else if self.sign_on.user().is_some() {
            self.release(cx);
        }
    }

    /// A change of the list; the client's own edits are known already.
    pub(super) fn changed(&mut self, contact: &Contact, cx: &mut Cx<'_>) {
        if !self.contacts.put(contact) {
            return;
        }
        if !matches!(contact.from, Subscription::Asked(_)) {
            self.asked.remove(&contact.address);
        }
        if self.hold.is_over() {
            self.push(std::slice::from_ref(contact), cx);
        }
    }

    pub(super) fn contact(&self, address: &Address) -> Option<&Contact> {
        self.contacts.get(address)
    }

    /// The name under which the client knows `address`.
    pub(super) fn name(&self, address: &Address, cx: &Cx<'_>) -> Option<String> {
        spelling(self.contact(address), address, &cx.context.names)
    }

    /// Bytes that the session holds.
    pub(super) fn weight(&self) -> usize {
        let people = self.asked.len() + self.awaited.len() + self.list.shown.len();
        let lists = self.list.own.weight() + people * PER_PERSON + self.presences.weight();
        lists
            + self.own.weight()
            + self.hold.weight()
            + self.waiting.weight()
            + self.known_messages.weight()
    }
}
