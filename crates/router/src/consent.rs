//! Consent to be seen: the steps that the person takes and those of others.

use crosstalk_core::{Address, Body, Consent, Details, Failure, MAX_LIST, Outgoing, Subscription};

use crate::account::Account;
use crate::cx::Cx;
use crate::effect::Count;
use crate::ids::SessionId;
use crate::pending_requests::Room;
use crate::state_updates::{StateUpdate, asks};

/// The longest words of introduction, in bytes.
const MAX_WORDS: usize = 1024;

impl<A> Account<A> {
    /// Takes a step of consent towards a contact.
    pub(crate) fn consent(
        &mut self,
        cx: &mut Cx<'_, A>,
        session: Option<SessionId>,
        outgoing: Outgoing,
    ) {
        let Outgoing { id, to, body: Body::Contact(step), details } = outgoing else { return };
        let step = truncate(step);
        let body = Body::Contact(step.clone());
        let envelope = self.envelope(cx, Outgoing { id, to: to.clone(), body, details });
        if self.contact(&to).is_some_and(|c| c.blocked) {
            return self.undelivered(cx, &envelope, session, Failure::Refused);
        }
        let adds = matches!(step, Consent::Request(_) | Consent::Grant);
        if let Err(full) = self.room_to_change(cx, adds) {
            self.update(cx, &StateUpdate::Changed(to));
            return self.say_full(cx, full);
        }
        let changed = self.change(cx, &to, |contact| {
            contact.sent(&step);
        });
        let standing = self.contact(&to).map(|c| &c.to);
        match (step, standing) {
            (Consent::Request(_), Some(Subscription::Granted)) => {
                // Granted long ago; a client that asks again waits for the answer.
                let answer = self.unasked(cx, &to, Body::Contact(Consent::Grant));
                if let Some(session) = session.filter(|s| self.session(*s).is_some()) {
                    cx.mail(session, answer);
                }
            }
            (Consent::Request(_), None) => {
                self.undelivered(cx, &envelope, session, Failure::Refused);
            }
            (Consent::Request(_), _) => self.queue(cx, envelope, session),
            _ if changed => self.queue(cx, envelope, session),
            _ => {}
        }
    }

    /// Says a step of consent to a contact in the person's name.
    pub(crate) fn say(&mut self, cx: &mut Cx<'_, A>, to: &Address, step: Consent) {
        let envelope = cx.envelope(self.user.clone(), to.clone(), Body::Contact(step));
        self.queue(cx, envelope, None);
    }

    /// Takes a step of consent of a contact.
    pub(crate) fn consented(
        &mut self,
        cx: &mut Cx<'_, A>,
        from: &Address,
        step: &Consent,
        details: Option<&Details>,
    ) -> Result<(), Failure> {
        // What cannot be written down is not taken: it comes again.
        let adds = matches!(step, Consent::Request(_) | Consent::Grant);
        self.room_to_change(cx, adds).map_err(|_| Failure::Busy)?;
        if matches!(step, Consent::Request(_)) {
            if self.contact(from).is_some_and(|c| c.from == Subscription::Granted) {
                // The asker missed the answer.
                self.say(cx, from, Consent::Grant);
                return Ok(());
            }
            self.find_room(cx, from)?;
        }
        let asked_before = self.contact(from).is_some_and(asks);
        let step = truncate(step.clone());
        let changed = self.change(cx, from, |contact| {
            contact.received(&step);
        });
        if step == Consent::Grant {
            // It may have been revoked meanwhile, and the subscription with it.
            self.pending().seek.insert(from.clone(), 0);
        }
        if matches!(step, Consent::Request(_)) {
            if !self.contact(from).is_some_and(asks) {
                return Err(Failure::Busy);
            }
            // Before the update is written, which tells it.
            self.requests().set_nickname(from, details.and_then(|d| d.nickname.as_ref()));
            if !asked_before {
                self.update(cx, &StateUpdate::Request(from.clone()));
            }
        } else if changed {
            let envelope = cx.envelope(from.clone(), self.user.clone(), Body::Contact(step));
            self.deliver_to_all(cx, &envelope, None, None);
        }
        Ok(())
    }

    /// Sees to it that one more can wait for the person's answer, if the asker may.
    fn find_room(&mut self, cx: &mut Cx<'_, A>, asker: &Address) -> Result<(), Failure> {
        let is_new = self.contact(asker).is_none_or(|c| c.from == Subscription::None);
        if !is_new {
            return Ok(());
        }
        // Strangers fill half of a list and no more.
        if self.roster.as_ref().is_some_and(|r| r.weight() > MAX_LIST / 2) {
            return Err(Failure::Busy);
        }
        match self.requests().room_for(asker) {
            Room::Free => Ok(()),
            Room::None => Err(Failure::Busy),
            Room::Of(other) => {
                self.make_room(cx, &other);
                Ok(())
            }
        }
    }

    /// Forgets a request, as if it were taken back; who asked asks again at the next sign-on.
    fn make_room(&mut self, cx: &mut Cx<'_, A>, asker: &Address) {
        self.change(cx, asker, |contact| {
            contact.received(&Consent::Cancel);
        });
        cx.count(Count::Requests);
    }
}

/// Cuts the words of a request to the length that is kept.
fn truncate(step: Consent) -> Consent {
    match step {
        Consent::Request(words) if words.text().len() > MAX_WORDS => {
            let end = words.text().floor_char_boundary(MAX_WORDS);
            Consent::Request(words.text()[..end].into())
        }
        step => step,
    }
}
