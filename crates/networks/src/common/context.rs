//! The context that handlers of all networks work with.

use std::time::{Duration, Instant};

use crosstalk_core::{
    Address, Body, Claim, Consent, Context, Envelope, EnvelopeId, Event, Exchange, Failure,
    Handoff, Key, Message, NameClass, Now, Outgoing, Output, Recipient, RichText, RosterEdit,
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

    /// Says that a delivery is not shown, to whoever said it.
    pub(crate) fn undelivered(&mut self, envelope: &Envelope, why: Failure) {
        self.send(envelope.from.clone(), Body::Undelivered { of: envelope.id, why });
    }

    /// Answers for a delivery that came before the client could be told and finds no room to wait. One
    /// that takes none, being state, is given back.
    pub(crate) fn turn_away(&mut self, envelope: Envelope) -> Option<Envelope> {
        match &envelope.body {
            // What was accepted is shown or reported.
            Body::Text { .. } | Body::Attention => self.undelivered(&envelope, Failure::Busy),
            Body::Contact(Consent::Request(_)) => self.emit(Event::Unshown(envelope)),
            _ => return Some(envelope),
        }
        None
    }

    /// Something that the gateway has to say to `user`, in the name of the control contact.
    pub(crate) fn notice(&mut self, user: Address, text: RichText) -> Envelope {
        let (id, sent_at) = (self.context.ids.next_id(), self.now.wall);
        let body = Body::Text { text, auto: true };
        Envelope { id, from: Address::control(), to: user, sent_at, body, details: None }
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
