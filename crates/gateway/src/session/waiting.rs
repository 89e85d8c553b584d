//! Memory that waits in a session: charged to its connection, and bounded until somebody signed on.

use crosstalk_core::{Fault, MAX_UNKNOWN, Origin, Side};

use super::{End, Session};

/// Bytes that a person takes besides the connection: in the router, the list, the engine.
const PERSON: usize = 6 << 10;

impl Session {
    /// Charges what the buffers and the engine hold now, to whoever pays for it now.
    pub(super) fn charge(&mut self) {
        let person = if self.person.is_some() { PERSON } else { 0 };
        let buffers = self.client.capacity() + self.server.capacity();
        self.charge.set(buffers + self.engine.weight() + self.registration.weight() + person);
        let is_known = self.is_known();
        // The ledger is told of the change only: its lock is everybody's.
        if is_known == self.was_known {
            return;
        }
        self.was_known = is_known;
        let entry = self.charge.entry();
        if is_known {
            let payer = self.user.as_ref().and_then(|user| self.peer.payer_of(user));
            entry.know(payer.as_ref().and_then(Origin::domain));
        } else {
            entry.forget();
        }
    }

    /// Number of bytes that may be read now. The more waits before anybody signed on, the less.
    pub(super) fn room(&self) -> usize {
        if self.is_known() { usize::MAX } else { MAX_UNKNOWN.saturating_sub(self.waiting()) }
    }

    /// End of a session that nobody signed on to and that cannot go on: so much waits that nothing
    /// more is read, and none of it is on its way out.
    pub(super) fn overfull(&self) -> Option<End> {
        let is_leaving = !self.client.outbox.is_empty() || !self.server.outbox.is_empty();
        if self.room() > 0 || is_leaving || self.computing.is_some() {
            return None;
        }
        let of_client = self.client.inbox.len() >= self.server.inbox.len();
        let side = if of_client { Side::Client } else { Side::Server };
        let what = "more of it waits than may before anybody signed on";
        Some(self.at_fault(Fault::new(side.blame(), what)))
    }

    /// Whether the base server accepted the person behind the client.
    fn is_known(&self) -> bool {
        self.person.is_some() || self.engine.is_known()
    }

    fn waiting(&self) -> usize {
        self.client.waiting() + self.server.waiting() + self.engine.weight()
    }
}
