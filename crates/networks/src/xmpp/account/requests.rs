//! Requests of a client to its server that foreign people have a part in.

use crate::xmpp::messages::sent::MAX_STANZA_ID;

/// The most requests of one kind that wait for the server's answer.
const MAX_ASKED: usize = 16;

/// Request of a client to its server that foreign people have a part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::xmpp) enum Asked {
    /// The roster.
    Roster {
        /// The client's version has the current foreign part.
        current: bool,
    },
    /// The blocklist (XEP-0191).
    Blocklist,
    /// Copies of what other sessions send (XEP-0280).
    Carbons,
}

/// A request of the client's to its server.
struct Request {
    id: Box<str>,
    asked: Asked,
    /// The place of its answer among the stanzas that the client was sent (XEP-0198): until that is
    /// acknowledged, the server may say it again on another connection.
    answered: Option<u32>,
}

/// The requests whose answers did not come, or may come again.
#[derive(Default)]
pub(in crate::xmpp) struct Requests(Vec<Request>);

impl Asked {
    fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

impl Requests {
    /// The client asks its server something under `id`.
    pub(in crate::xmpp) fn asks(&mut self, id: Option<&str>, asked: Asked) {
        let Some(id) = id.filter(|id| id.len() <= MAX_STANZA_ID) else { return };
        let alike = |request: &&Request| request.asked.is_like(asked);
        if self.0.iter().filter(alike).count() >= MAX_ASKED {
            // Rather one whose answer the client probably has than the newest.
            let old =
                |request: &Request| request.asked.is_like(asked) && request.answered.is_some();
            let Some(old) = self.0.iter().position(old) else { return };
            self.0.remove(old);
        }
        self.0.push(Request { id: id.into(), asked, answered: None });
    }

    /// The server answers `id`, by a stanza that has this place where it may be said again: what
    /// was asked.
    pub(in crate::xmpp) fn answered(&mut self, id: &str, place: Option<u32>) -> Option<Asked> {
        let waits = |request: &Request| *request.id == *id && request.answered.is_none();
        let at = self.0.iter().position(waits)?;
        let request = self.0.get_mut(at)?;
        let asked = request.asked;
        request.answered = place;
        if place.is_none() {
            self.0.remove(at);
            self.shrink();
        }
        Some(asked)
    }

    /// The client acknowledges `h` stanzas: none of them is said again.
    pub(in crate::xmpp) fn acknowledged(&mut self, h: u32) {
        // The count starts over at its end.
        let is_behind = |place: u32| h.wrapping_sub(place) > u32::MAX / 2;
        self.0.retain(|request| request.answered.is_none_or(is_behind));
        self.shrink();
    }

    fn shrink(&mut self) {
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
    }

    /// The session goes on over a new connection, on which the server says again what was not
    /// acknowledged.
    pub(in crate::xmpp) fn reconnected(&mut self) {
        for request in &mut self.0 {
            request.answered = None;
        }
    }
}
