//! Consent: who asks to see the person, and who no longer does, in the words of each version.

use crosstalk_core::{Contact, Envelope, Event, Subscription};

use super::Session;
use super::roster::show_request;
use crate::msnp::context::Cx;
use crate::msnp::wire::encode;

impl Session {
    /// A change that was made on some side. The client is told of a contact that no longer wants
    /// to see the person, where its version has words for that.
    pub(in crate::msnp) fn updated(&mut self, contact: &Contact, cx: &mut Cx<'_>) {
        let granted = |c: &Contact| c.from == Subscription::Granted;
        let left = self.contact(&contact.address).is_some_and(granted)
            && contact.from == Subscription::None;
        self.changed(contact, cx);
        let name = self.shown(&contact.address, cx).map(|(name, _)| name);
        if let Some(name) = name.filter(|_| left && self.merge.is_done()) {
            match self.version {
                ..10 => cx.show(format!("REM 0 RL {} {name}", self.list_version)),
                10..13 => cx.show(format!("REM 0 RL {name}")),
                13.. => {}
            }
        }
    }

    /// Somebody asks to see the person: the client asks by its own dialogue when somebody new
    /// stands in the reverse list.
    pub(super) fn request_in(&mut self, envelope: Envelope, cx: &mut Cx<'_>) {
        let Some((name, nick)) = self.shown(&envelope.from, cx) else {
            return cx.out.emit(Event::Unshown(envelope));
        };
        let by_soap = self.version >= 13;
        if by_soap && !self.own.is_shown() {
            if let Err(envelope) = self.requests.push(envelope) {
                cx.out.emit(Event::Unshown(*envelope));
            }
            return;
        }
        if by_soap && !self.address_books.is_served {
            return cx.out.emit(Event::Unshown(envelope));
        }
        let told = by_soap || self.merge.is_done();
        if !told || !self.asked.insert(envelope.from) {
            return;
        }
        if by_soap {
            return show_request(&name, &nick, cx);
        }
        let nick = encode(&nick);
        if self.has_guids() {
            cx.show(format!("ADC 0 RL N={name} F={nick}"));
        } else {
            cx.show(format!("ADD 0 RL {} {name} {nick}", self.list_version));
        }
    }
}
