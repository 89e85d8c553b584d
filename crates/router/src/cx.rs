//! Context of the handling of one input.

use crosstalk_core::{Address, Body, Envelope, EnvelopeId, EnvelopeIds, Now};

use crate::effect::{Count, Effect, Effects};
use crate::ids::{SessionId, Ticket};
use crate::mail::Mail;
use crate::settings::Settings;

/// The present, the settings, names for new things, and where effects go.
pub(crate) struct Cx<'a, A> {
    pub(crate) now: Now,
    pub(crate) settings: &'a Settings,
    pub(crate) ids: &'a mut EnvelopeIds,
    pub(crate) out: &'a mut Effects<A>,
}

impl<A> Cx<'_, A> {
    pub(crate) fn push(&mut self, effect: Effect<A>) {
        self.out.push(effect);
    }

    pub(crate) fn count(&mut self, what: Count) {
        self.out.push(Effect::Count(what));
    }

    /// Puts `mail` into the mailbox of a session.
    pub(crate) fn mail(&mut self, session: SessionId, mail: Mail) {
        self.out.push(Effect::Mail(session, mail));
    }

    /// Names an envelope of the gateway's own making.
    pub(crate) fn next_id(&mut self) -> EnvelopeId {
        self.ids.next_id()
    }

    /// Names something under way. Tickets and envelopes count together, so that an account keeps
    /// one counter.
    pub(crate) fn ticket(&mut self) -> Ticket {
        Ticket(self.ids.next_id().0 as u64)
    }

    /// An envelope of the gateway's own making.
    pub(crate) fn envelope(&mut self, from: Address, to: Address, body: Body) -> Envelope {
        Envelope { id: self.next_id(), from, to, sent_at: self.now.wall, body, details: None }
    }
}
