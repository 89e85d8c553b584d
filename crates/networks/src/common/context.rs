//! The context that handlers of all networks work with.

use std::time::{Duration, Instant};

use crosstalk_core::{
    Address, Body, Claim, Contact, Context, EnvelopeId, Event, Exchange, Handoff, Key, Message,
    NameClass, Names, Now, Outgoing, Output, Recipient, RosterEdit,
};

/// The time, the connection, and where everything goes.
///
/// A network names its own kind of it in its `context.rs`, with what it knows of the connection's
/// two directions as the `link`, and adds there how its frames are written:
///
/// ```ignore
/// pub(super) type Cx<'a> = crate::common::Cx<'a, &'a mut Lines>;
/// impl Cx<'_> {
///     /// Puts a SNAC of ours into the stream to `to`.
///     pub(super) fn snac(&mut self, to: Side, snac: &Snac) -> Result<(), TooLong> { .. }
/// }
/// ```
pub(crate) struct Cx<'a, L = ()> {
    pub(crate) now: Now,
    pub(crate) out: &'a mut Output,
    pub(crate) context: &'a mut Context,
    /// The network's own part.
    pub(crate) link: L,
}

impl<L> Cx<'_, L> {
    /// Asks the gateway for something.
    pub(crate) fn emit(&mut self, event: Event) {
        self.out.emit(event);
    }

    /// Says something to a foreign person.
    pub(crate) fn send(&mut self, to: Address, body: Body) -> EnvelopeId {
        let id = self.context.ids.next_id();
        self.emit(Event::Send(Outgoing { id, to, body, details: None }));
        id
    }

    /// Changes the foreign part of the buddy list.
    pub(crate) fn edit(&mut self, edit: RosterEdit) {
        self.emit(Event::Roster(edit));
    }

    /// Leaves something for the connection that comes with `key`.
    pub(crate) fn leave(&mut self, key: impl Into<Key>, handoff: Handoff) {
        self.emit(Event::Exchange(Exchange::Leave(key.into(), handoff)));
    }

    /// Asks for something that was left; the answer is the next input.
    pub(crate) fn claim(&mut self, claim: Claim) {
        self.emit(Event::Exchange(Exchange::Claim(claim)));
    }

    /// Hears what is told under `key`.
    pub(crate) fn listen(&mut self, key: impl Into<Key>) {
        self.emit(Event::Exchange(Exchange::Listen(key.into())));
    }

    /// Tells another connection something; whether it hears that is the next input.
    pub(crate) fn tell(&mut self, to: Recipient, message: Message) {
        self.emit(Event::Exchange(Exchange::Tell(to, message)));
    }

    /// The point in time that is so far from now.
    pub(crate) fn later(&self, time: Duration) -> Instant {
        self.now.instant + time
    }

    /// Meaning of a name on this network.
    pub(crate) fn classify(&self, name: &str) -> NameClass {
        self.context.names.classify(name)
    }
}

/// The name under which a client is shown `address`: as its owner spells it where clients take
/// that, or else the universal spelling. `None` where they take neither.
pub(crate) fn spelling(
    contact: Option<&Contact>,
    address: &Address,
    names: &Names,
    is_taken: impl Fn(&str) -> bool,
) -> Option<String> {
    let own = contact.map(|contact| contact.spelling.clone());
    let is_taken = |name: &String| is_taken(name);
    own.filter(is_taken).or_else(|| Some(names.universal(address)).filter(is_taken))
}
