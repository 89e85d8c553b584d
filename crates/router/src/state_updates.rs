//! Mail about the state of things. It is never lost: what does not fit into a mailbox is noted,
//! and written from the state of the moment when there is room.

use crosstalk_core::{
    Address, Body, Consent, Contact, Details, Envelope, Failure, MAX_CONTACTS, Subscription,
};

use crate::account::Account;
use crate::control;
use crate::cx::Cx;
use crate::delivery::Settle;
use crate::effect::Count;
use crate::ids::{SessionId, Ticket};
use crate::mail::Mail;

/// The most updates that wait for one session: of each kind and for every contact one, and as many
/// again for those that come and go.
const MAX_BEHIND: usize = 6 * MAX_CONTACTS;
/// Of many updates at once, so many are tried: more than a mailbox takes would come back.
const BURST: usize = 128;

/// Updates about the state of things, in the order of sending them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StateUpdate {
    /// The list is known.
    Roster,
    /// The contact changed.
    Changed(Address),
    /// The contact asks for consent.
    Request(Address),
    /// The contact's presence changed.
    Presence(Address),
}

impl StateUpdate {
    /// The update that a piece of mail is, if it is about the state of things.
    fn of(mail: &Mail) -> Option<Self> {
        match mail {
            Mail::Roster(_) => Some(Self::Roster),
            Mail::Changed(contact) => Some(Self::Changed(contact.address.clone())),
            Mail::Presence { of, .. } => Some(Self::Presence(of.clone())),
            Mail::Deliver(
                Envelope { from, body: Body::Contact(Consent::Request(_)), .. },
                None,
            ) => Some(Self::Request(from.clone())),
            Mail::Deliver(..) | Mail::Delivered(_) | Mail::Accepted(..) | Mail::Carbon(_) => None,
        }
    }
}

impl<A> Account<A> {
    /// Tells every session.
    pub(crate) fn update(&mut self, cx: &mut Cx<'_, A>, update: &StateUpdate) {
        for at in 0..self.sessions.len() {
            self.update_one(cx, self.sessions[at].id, update.clone());
        }
    }

    /// Tells one session, now or when it has room.
    pub(crate) fn update_one(
        &mut self,
        cx: &mut Cx<'_, A>,
        session: SessionId,
        update: StateUpdate,
    ) {
        // What waits already is said first, or it would be overtaken.
        if self.session(session).is_some_and(|s| !s.behind.is_empty()) {
            self.fall_behind(cx, session, update);
        } else if let Some(mail) = self.write(cx, &update) {
            cx.mail(session, mail);
        }
    }

    /// Begins a session's mail: the list, who waits for an answer, who is online.
    pub(crate) fn welcome(&mut self, cx: &mut Cx<'_, A>, session: SessionId) {
        let Some(roster) = &self.roster else { return };
        let mut updates = vec![StateUpdate::Roster];
        let asking = roster.contacts().filter(|c| asks(c)).map(|c| c.address.clone());
        updates.extend(asking.map(StateUpdate::Request));
        updates.extend(control::online(cx.settings).map(StateUpdate::Presence));
        updates.extend(self.contact_presence.online().cloned().map(StateUpdate::Presence));
        let rest = updates.split_off(updates.len().min(BURST));
        for update in updates {
            self.update_one(cx, session, update);
        }
        for update in rest {
            self.fall_behind(cx, session, update);
        }
    }

    /// Notes an update for when the session has room.
    fn fall_behind(&mut self, cx: &mut Cx<'_, A>, session: SessionId, update: StateUpdate) {
        let Some(behind) = self.session(session).map(|s| &mut s.behind) else { return };
        // More than this is about people who are in no list.
        if behind.len() < MAX_BEHIND {
            behind.insert(update);
        } else {
            cx.count(Count::Mailbox);
        }
        self.await_room(cx, session);
    }

    /// A mailbox did not take something.
    pub(crate) fn returned(&mut self, cx: &mut Cx<'_, A>, session: SessionId, mail: &Mail) {
        if let Some(update) = StateUpdate::of(mail) {
            return self.fall_behind(cx, session, update);
        }
        cx.count(Count::Mailbox);
        if let Mail::Deliver(_, Some(delivery)) = mail {
            self.settle(cx, *delivery, session, Settle::Returned);
        }
    }

    /// The mail that says an update as things are now; none if there is nothing to say any more.
    pub(crate) fn write(&self, cx: &mut Cx<'_, A>, update: &StateUpdate) -> Option<Mail> {
        match update {
            StateUpdate::Roster => {
                let roster = control::shown_roster(cx.settings, self.roster.as_ref()?);
                Some(Mail::Roster(roster))
            }
            StateUpdate::Changed(address) => {
                Some(Mail::Changed(self.shown_contact(cx.settings, address)))
            }
            StateUpdate::Request(address) => {
                let contact = self.contact(address).filter(|c| asks(c))?;
                let Subscription::Asked(words) = &contact.from else { return None };
                let request = Body::Contact(Consent::Request(words.clone()));
                let mut envelope = cx.envelope(address.clone(), self.user.clone(), request);
                let nickname = self.requests.as_ref().and_then(|r| r.nickname(address)).cloned();
                envelope.details = Details { nickname, ..Details::default() }.boxed();
                Some(Mail::Deliver(envelope, None))
            }
            StateUpdate::Presence(address) => {
                // Who was taken off the list has no presence to be shown.
                let shown = control::answers_for(address) || self.contact(address).is_some();
                let (of, presence) = (address.clone(), self.presence_of(cx.settings, address));
                shown.then_some(Mail::Presence { of, presence })
            }
        }
    }

    /// A delivery that nobody waits for.
    pub(crate) fn unasked(&self, cx: &mut Cx<'_, A>, from: &Address, body: Body) -> Mail {
        Mail::Deliver(cx.envelope(from.clone(), self.user.clone(), body), None)
    }

    /// Gives the same envelope to every session that takes it, or to the conversation that a
    /// session has with its sender. The session that `asked` for it takes it in any case. Returns
    /// to whom.
    pub(crate) fn deliver_to_all(
        &self,
        cx: &mut Cx<'_, A>,
        envelope: &Envelope,
        asked: Option<SessionId>,
        delivery: Option<Ticket>,
    ) -> Vec<SessionId> {
        let conversations = self.conversations_for(envelope);
        let needs_reader = envelope.body.needs_reader();
        let sessions = self.sessions.iter().filter(|s| {
            let converses = conversations.iter().any(|c| c.endpoint == s.endpoint);
            let takes = s.takes || !needs_reader || Some(s.id) == asked;
            !converses && takes
        });
        let all: Vec<_> =
            conversations.iter().map(|c| c.id).chain(sessions.map(|s| s.id)).collect();
        for id in &all {
            cx.mail(*id, Mail::Deliver(envelope.clone(), delivery));
        }
        all
    }
}

/// Whether the contact waits for the owner's answer.
pub(crate) fn asks(contact: &Contact) -> bool {
    matches!(contact.from, Subscription::Asked(_)) && !contact.blocked
}

/// Whether the same may succeed a little later.
pub(crate) const fn is_passing(why: Failure) -> bool {
    matches!(why, Failure::Unreachable | Failure::Unconfirmed | Failure::Busy)
}
