//! One signed-in person.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, EnvelopeIds, Event, Failure, Now, Roster};

use crate::conversations::Conversation;
use crate::cx::Cx;
use crate::delivery::{Asker, Settle};
use crate::effect::{Count, Effects};
use crate::ids::{GatewayKey, SessionId};
use crate::input::Input;
use crate::mail;
use crate::outward::Outside;
use crate::pace::Pace;
use crate::pending::{Pending, Unheard};
use crate::pending_requests::PendingRequests;
use crate::presence::ContactPresence;
use crate::session::Session;
use crate::settings::Settings;
use crate::state_updates::StateUpdate;
use crate::storage::Storage;

/// The most events that wait for the list: sessions pause long before.
const MAX_UNHEARD: usize = 4096;

/// Everything about one person who is signed in at this gateway: sessions, list, consent, presence,
/// conversations and limits.
///
/// It is told what happens by [`handle`](Self::handle) and answers with [`Effects`]. `A` is what
/// its driver answers messages by.
pub struct Account<A> {
    pub(crate) user: Address,
    settings: Arc<Settings>,
    ids: EnvelopeIds,
    /// In the order of signing in.
    pub(crate) sessions: Vec<Session>,
    /// Conversations with connections of their own, the newest last.
    pub(crate) conversations: Vec<Conversation>,
    /// The list as stored; none before it is loaded.
    pub(crate) roster: Option<Roster>,
    /// People who wait for the person's answer.
    pub(crate) requests: Option<Box<PendingRequests>>,
    /// People who want to hear of every change of the person's presence, and may as far as the list
    /// says so, by gateway.
    pub(crate) subscribers: BTreeMap<GatewayKey, BTreeSet<Address>>,
    pub(crate) contact_presence: ContactPresence,
    /// People that the driver was asked to watch.
    pub(crate) watched: BTreeSet<Address>,
    /// Use of the person's rates lately.
    pub(crate) pace: Option<Box<Pace>>,
    pub(crate) storage: Storage,
    pub(crate) outward: Outside,
    pending: Option<Box<Pending<A>>>,
}

impl<A> Account<A> {
    /// The account of `user`, who has no session yet. `seed` is random: envelopes that the account
    /// itself writes are named by it.
    pub fn new(user: Address, settings: Arc<Settings>, seed: u64) -> Self {
        Self {
            user,
            settings,
            ids: EnvelopeIds::new(seed),
            sessions: Vec::new(),
            conversations: Vec::new(),
            roster: None,
            requests: None,
            subscribers: BTreeMap::new(),
            contact_presence: ContactPresence::default(),
            watched: BTreeSet::new(),
            pace: None,
            storage: Storage::default(),
            outward: Outside::default(),
            pending: None,
        }
    }

    /// Takes one input. What follows is to be done in the order of the effects; inputs that come of
    /// them may come at any later time, except for [`Input::Returned`].
    pub fn handle(&mut self, now: Now, input: Input<A>, out: &mut Effects<A>) {
        let settings = Arc::clone(&self.settings);
        let mut ids = std::mem::replace(&mut self.ids, EnvelopeIds::new(0));
        let mut cx = Cx { now, settings: &settings, ids: &mut ids, out };
        self.dispatch(&mut cx, input);
        // Whatever happened may have let a client take texts, or room to send some.
        self.receive_early(&mut cx);
        self.work_off(&mut cx);
        self.tell_outward(&mut cx);
        self.ids = ids;
        if self.pending.as_ref().is_some_and(|pending| pending.is_empty()) {
            self.pending = None;
        }
    }

    fn dispatch(&mut self, cx: &mut Cx<'_, A>, input: Input<A>) {
        match input {
            Input::Opened { session, endpoint } => self.open(cx, session, endpoint),
            Input::Converses { session, endpoint, with } => {
                self.converse(cx, session, endpoint, with);
            }
            Input::Closed(session) => self.close(cx, session),
            Input::Takes(session, takes) => self.set_takes(session, takes),
            Input::Confirms(session) => self.set_confirms(session),
            Input::Event(session, event) => self.take(cx, session, event),
            Input::Settled { session, delivery, shown } => {
                let how = if shown { Settle::Shown } else { Settle::Dropped };
                self.settle(cx, delivery, session, how);
            }
            Input::Deferred { session, envelope, delivery } => {
                self.defer(cx, session, envelope, delivery);
            }
            Input::Returned(session, mail) => self.returned(cx, session, &mail),
            Input::Room(session) => self.catch_up(cx, session),
            Input::Envelope { from, envelope, answer } => {
                self.receive(cx, from, envelope, Asker::Gateway(answer));
            }
            Input::Report { from, of, to, why, answer } => {
                self.receive_report(cx, from, (of, to, why), answer);
            }
            Input::Presence { of, at, presence } => self.told(cx, &of, at, presence),
            Input::Probe { at, by } => self.probed(cx, at, &by),
            Input::Question { by, question, answer } => self.be_asked(cx, &by, question, answer),
            Input::Answered(ticket, text) => self.answered(cx, ticket, text),
            Input::Change(change) => self.take_change(cx, change),
            Input::Flowed(ticket, outcome) => self.flowed(cx, ticket, outcome),
            Input::Records(ticket, say) => self.told_records(cx, ticket, say),
            Input::Arrived(contact, at) => self.arrived(cx, &contact, at, 0),
            Input::Left(contact, at) => self.left(cx, &contact, at),
            Input::Lost(gateway) => self.lost(cx, gateway),
            Input::RosterChanged => self.storage.want(Storage::LOAD),
            Input::Loaded(roster) => self.loaded(cx, roster),
            Input::Saved => self.storage.saved(),
            Input::Merged | Input::Published => self.storage.done(),
            Input::Watched(known) => {
                self.storage.done();
                self.pending().seek.extend(known.into_iter().map(|who| (who, 0)));
            }
            Input::Located(ticket, at) => self.located(cx, ticket, &at),
            Input::Sent(ticket, result) => self.sent(cx, ticket, result),
            Input::Tick => self.tick(cx),
        }
    }

    /// Time at which the account next wants [`Input::Tick`]. It may have changed after each input.
    pub fn deadline(&self) -> Option<Instant> {
        self.pending.as_ref()?.deadline(self.arriving_until())
    }

    /// Does what is due.
    fn tick(&mut self, cx: &mut Cx<'_, A>) {
        self.release_overdue(cx);
        self.withdraw_overdue(cx);
        self.expire_deferred(cx);
        self.refuse_delayed(cx);
        self.retry(cx);
    }

    /// The person.
    pub const fn user(&self) -> &Address {
        &self.user
    }

    /// The endpoint of a session, for people to read; none of a conversation.
    pub fn endpoint(&self, session: SessionId) -> Option<&str> {
        self.sessions.iter().find(|s| s.id == session).map(|s| &*s.endpoint)
    }

    /// Number of the person's sessions, conversations not counted.
    pub const fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Whether the person is signed in and has a list.
    pub const fn is_here(&self) -> bool {
        !self.sessions.is_empty() && self.roster.is_some()
    }

    /// Whether nothing is left to be done for somebody who signed off, so that the account can be
    /// forgotten. In a conversation that is still open the person can speak again after the next
    /// sign-on.
    pub fn is_over(&self) -> bool {
        self.sessions.is_empty()
            && self.conversations.is_empty()
            && self.storage.is_idle()
            && self.pending.as_ref().is_none_or(|pending| pending.has_left())
    }

    /// For how long no more of what a session's client says is to be read, since the person has
    /// said so much. To be asked again then.
    pub fn pause(&self, now: Instant, session: SessionId) -> Option<Duration> {
        let pending = self.pending.as_deref();
        let waiting = pending.map_or(0, |p| p.outbox.len().max(p.unheard.len()));
        // What others said is not the client's to pay for.
        let of_others = self.deferred_bytes(session) + self.held_bytes(session);
        let aside = self.aside(session).saturating_sub(of_others);
        Pace::pause(self.pace.as_deref(), now, self.settings.pace, waiting, aside)
    }

    pub(crate) fn pending(&mut self) -> &mut Pending<A> {
        self.pending.get_or_insert_with(Box::default)
    }

    /// The waiting work, to be looked at or taken out of.
    pub(crate) fn if_pending(&mut self) -> Option<&mut Pending<A>> {
        self.pending.as_deref_mut()
    }

    pub(crate) fn pending_now(&self) -> Option<&Pending<A>> {
        self.pending.as_deref()
    }

    /// Acts on what a session's engine emitted; before the list is there, everything that depends
    /// on it waits.
    pub(crate) fn take(&mut self, cx: &mut Cx<'_, A>, session: SessionId, event: Event) {
        match event {
            Event::Presence(presence) => self.show(session, presence),
            Event::Audience(audience) => self.show_to(session, audience),
            event if self.roster.is_none() => self.wait_for_roster(cx, session, event),
            Event::Send(outgoing) => self.send(cx, session, outgoing),
            Event::Roster(edit) if self.may_edit(cx) => self.edit(cx, edit),
            Event::Roster(edit) => {
                self.update(cx, &StateUpdate::Changed(edit.address().clone()));
            }
            Event::Unshown(envelope) => self.say_unshown(cx, session, &envelope),
            // The session's own business.
            _ => {}
        }
    }

    fn wait_for_roster(&mut self, cx: &mut Cx<'_, A>, session: SessionId, event: Event) {
        let waiting = self.pending_now().map_or(0, |pending| pending.unheard.len());
        match self.reserve(cx, session, mail::of_event(&event)) {
            Ok(bytes) if waiting < MAX_UNHEARD => {
                self.pending().unheard.push_back(Unheard { session, event, bytes });
            }
            room => {
                self.release(cx, session, room.unwrap_or(0));
                cx.count(Count::Outbox);
                self.fail(cx, session, event, Failure::Busy);
            }
        }
    }

    /// Takes the events that waited for the list.
    pub(crate) fn take_unheard(&mut self, cx: &mut Cx<'_, A>) {
        let unheard = self.if_pending().map(|pending| take(&mut pending.unheard));
        for Unheard { session, event, bytes } in unheard.into_iter().flatten() {
            self.release(cx, session, bytes);
            self.take(cx, session, event);
        }
    }

    /// Gives up the events that waited for the list of a person who is gone.
    pub(crate) fn fail_unheard(&mut self, cx: &mut Cx<'_, A>) {
        let unheard = self.if_pending().map(|pending| take(&mut pending.unheard));
        for Unheard { session, event, .. } in unheard.into_iter().flatten() {
            self.fail(cx, session, event, Failure::Unreachable);
        }
    }

    /// Nothing will come of what a session's engine emitted: of what was said, the session hears
    /// so.
    fn fail(&mut self, cx: &mut Cx<'_, A>, session: SessionId, event: Event, why: Failure) {
        if let Event::Send(outgoing) = event {
            let envelope = self.envelope(cx, outgoing);
            self.undelivered(cx, &envelope, Some(session), why);
        }
    }
}
