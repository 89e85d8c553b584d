//! A signed-in person: sessions, list, and what is known and owed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Bucket, Contact, Event, Failure, Presence, Roster, UnixMillis};
use crosstalk_overlay::GatewayId;
use tokio::sync::Semaphore;

use super::asking::Asking;
use super::notes::{Note, asks};
use super::presence::{Heard, cut, watches};
use super::strangers::{self, Deed};
use super::talk::{Held, Talk};
use super::work::{Chore, Todo};
use super::{Hub, now};
use crate::mail::{Aside, Mailbox, weight};

/// The most events that wait for the roster: sessions pause long before.
const WAITING: usize = 4096;
/// The most messages of one person that are under way at a time, and the most tellings and
/// askings of presence.
const SPEAKING: usize = 64;
const TELLING: usize = 16;
/// The most versions of a list that wait for the disk.
const SAVING: usize = 4;
/// How long a client may take from its sign-on until it takes texts, before senders are told that
/// its person is not there.
const ARRIVING: Duration = Duration::from_secs(5);

pub(super) struct Person {
    pub(super) user: Address,
    pub(super) sessions: Vec<Session>,
    /// Conversations with connections of their own, the newest last.
    pub(super) talks: Vec<Talk>,
    /// What waits for conversations.
    pub(super) held: Vec<Held>,
    opened: u64,
    /// The list as stored; none before it is loaded.
    pub(super) roster: Option<Roster>,
    /// Who waits for the person's answer.
    pub(super) asking: Asking,
    pub(super) waiting: VecDeque<(u64, Event, Option<Aside>)>,
    /// The presence the sessions add up to.
    pub(super) shown: Presence,
    /// Who wants to hear of every change of it, and may as far as the list says so.
    pub(super) subscribers: BTreeMap<GatewayId, BTreeSet<Address>>,
    /// Gateways that keep texts since no session here took them.
    pub(super) turned_away: BTreeSet<GatewayId>,
    /// Who wants to and may not, or so it seems.
    pub(super) doubted: BTreeSet<Address>,
    pub(super) heard: Heard,
    pub(super) watched: BTreeSet<Address>,
    /// How much the person may say, ask and edit, what the client may add by itself, and how much
    /// the control contact answers.
    pub(super) speech: Bucket,
    pub(super) signals: Bucket,
    pub(super) requests: Bucket,
    edits: Bucket,
    pub(super) answers: Bucket,
    pub(super) speaking: Arc<Semaphore>,
    pub(super) telling: Arc<Semaphore>,
    pub(super) saving: Arc<Semaphore>,
    /// Whether the overlay was told that the person is here.
    pub(super) published: bool,
    pub(super) todo: Todo,
    /// Nobody finds this person any more.
    pub(super) has_left: bool,
}

pub(super) struct Session {
    pub(super) number: u64,
    pub(super) endpoint: Box<str>,
    pub(super) mailbox: Mailbox,
    since: UnixMillis,
    pub(super) presence: Presence,
    /// Whether the client takes what people say.
    pub(super) takes: bool,
    /// Until when the client may still be about to take it for the first time.
    arriving_until: Option<Instant>,
    /// What did not fit into the mailbox, and whether a task waits for room.
    pub(super) behind: BTreeSet<Note>,
    pub(super) catching_up: bool,
}

/// More waits than may.
pub(super) struct TooMuch;

impl Person {
    pub(super) fn new(user: Address) -> Self {
        let full = Bucket::full(Instant::now());
        Self {
            user,
            sessions: Vec::new(),
            talks: Vec::new(),
            held: Vec::new(),
            opened: 0,
            roster: None,
            asking: Asking::default(),
            waiting: VecDeque::new(),
            shown: Presence::offline(),
            subscribers: BTreeMap::new(),
            turned_away: BTreeSet::new(),
            doubted: BTreeSet::new(),
            heard: Heard::default(),
            watched: BTreeSet::new(),
            speech: full,
            signals: full,
            requests: full,
            edits: full,
            answers: full,
            speaking: Arc::new(Semaphore::new(SPEAKING)),
            telling: Arc::new(Semaphore::new(TELLING)),
            saving: Arc::new(Semaphore::new(SAVING)),
            published: false,
            todo: Todo::default(),
            has_left: false,
        }
    }

    /// Adds a session and returns its number.
    pub(super) fn open(&mut self, hub: &Hub, endpoint: &str, mailbox: Mailbox) -> u64 {
        let number = self.next_number();
        let endpoint = endpoint.into();
        // Most people have one session, and a growing vector begins with room for four.
        self.sessions.reserve_exact(1);
        self.sessions.push(Session {
            number,
            endpoint,
            mailbox,
            since: now(),
            presence: Presence::offline(),
            takes: false,
            arriving_until: Some(Instant::now() + ARRIVING),
            behind: BTreeSet::new(),
            catching_up: false,
        });
        if self.sessions.len() == 1 {
            self.todo.chores.extend([Chore::Load, Chore::Arrive]);
        }
        self.welcome(hub, number);
        number
    }

    pub(super) const fn next_number(&mut self) -> u64 {
        self.opened += 1;
        self.opened - 1
    }

    /// Ends a session, or a conversation.
    pub(super) fn close(&mut self, hub: &Hub, number: u64) {
        if let Some(at) = self.talks.iter().position(|t| t.number == number) {
            self.talks.remove(at);
            return;
        }
        self.sessions.retain(|s| s.number != number);
        self.held.retain(|h| h.session != number);
        for talk in self.talks.iter_mut().filter(|t| t.session == Some(number)) {
            talk.session = None;
        }
        self.refresh();
        if self.sessions.is_empty() {
            self.subscribers.clear();
            self.turned_away.clear();
            self.heard = Heard::default();
            for (_, event, _) in std::mem::take(&mut self.waiting) {
                self.unheard(hub, number, event, Failure::Unreachable);
            }
            self.todo.chores.insert(Chore::Depart);
        }
    }

    /// A session's client takes from now on what people say, or no longer. What others kept of it
    /// comes at once.
    pub(super) fn set_takes(&mut self, number: u64, takes: bool) {
        let Some(session) = self.session(number) else { return };
        session.takes = takes;
        if takes {
            session.arriving_until = None;
            self.todo.wake.append(&mut self.turned_away);
        }
    }

    /// Whether what people say will soon be taken here for the first time.
    pub(super) fn is_arriving(&self, now: Instant) -> bool {
        self.sessions.iter().any(|s| s.arriving_until.is_some_and(|until| now < until))
    }

    /// Whether the person is signed in and has a list.
    pub(super) fn is_here(&self) -> bool {
        !self.sessions.is_empty() && self.roster.is_some()
    }

    /// Whether nothing is left to be done for somebody who signed off. In a conversation that is
    /// still open the person can speak again after the next sign-on.
    pub(super) fn is_over(&self) -> bool {
        self.sessions.is_empty() && self.talks.is_empty() && self.todo.is_done()
    }

    /// Counts `bytes` that wait for a session or conversation, as long as there is one. An error
    /// says that too much waits already.
    pub(super) fn set_aside(&self, number: u64, bytes: usize) -> Result<Option<Aside>, TooMuch> {
        let Some(mailbox) = self.mailbox(number) else { return Ok(None) };
        mailbox.set_aside(bytes).map(Some).ok_or(TooMuch)
    }

    pub(super) fn session(&mut self, number: u64) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|s| s.number == number)
    }

    pub(super) fn contact(&self, address: &Address) -> Option<&Contact> {
        self.roster.as_ref()?.contact(address)
    }

    /// Acts on what a session's engine emitted; before the list is there, everything that
    /// depends on it waits.
    pub(super) fn take(&mut self, hub: &Hub, number: u64, event: Event) {
        match event {
            Event::Presence(mut presence) => {
                let Some(session) = self.session(number) else { return };
                if presence.is_online() {
                    presence.online_since.get_or_insert(session.since);
                }
                cut(&mut presence);
                session.presence = presence;
                self.refresh();
            }
            event if self.roster.is_none() => {
                let room = self.set_aside(number, weight::of_event(&event));
                match room {
                    Ok(aside) if self.waiting.len() < WAITING => {
                        self.waiting.push_back((number, event, aside));
                    }
                    _ => {
                        hub.counters.outbox.add();
                        self.unheard(hub, number, event, Failure::Busy);
                    }
                }
            }
            Event::Send(outgoing) => self.send(hub, number, outgoing),
            Event::Roster(edit) if self.may_edit(hub) => self.edit(hub, edit),
            Event::Roster(edit) => self.post(hub, &Note::Changed(edit.address().clone())),
            Event::Unshown(envelope) => self.say_unshown(hub, number, &envelope),
            // The session's own business.
            Event::Dial(_)
            | Event::DetachServer
            | Event::Encrypt(..)
            | Event::Opaque
            | Event::Exchange(_)
            | Event::SignedIn { .. }
            | Event::Converse { .. }
            | Event::Advise(_)
            | Event::Compute(_)
            | Event::SignedOut => {}
        }
    }

    /// Nothing will come of what a session's engine emitted: of what was said, the session hears so.
    fn unheard(&mut self, hub: &Hub, number: u64, event: Event, why: Failure) {
        if let Event::Send(outgoing) = event {
            let envelope = self.envelope(outgoing);
            self.undelivered(hub, &envelope, Some(number), why);
        }
    }

    fn may_edit(&mut self, hub: &Hub) -> bool {
        let now = Instant::now();
        self.edits.take(now, strangers::EDITS, 1)
            && hub.strangers.may(now, &self.user, hub.here, Deed::Edit)
    }

    /// Takes the stored list: for the first time, or because it changed elsewhere.
    pub(super) fn loaded(&mut self, hub: &Hub, stored: Roster) {
        if let Some(roster) = &mut self.roster {
            let before = roster.clone();
            roster.merge(stored);
            let after = roster.clone();
            let both = before.contacts().chain(after.contacts());
            for address in both.map(|c| &c.address).collect::<BTreeSet<_>>() {
                self.follow_up(hub, address, before.contact(address), after.contact(address));
            }
            return;
        }
        for contact in stored.contacts().filter(|contact| asks(contact)) {
            self.asking.set(&contact.address, true);
        }
        self.roster = Some(stored);
        let sessions: Vec<_> = self.sessions.iter().map(|s| s.number).collect();
        for session in sessions {
            self.welcome(hub, session);
        }
        for (session, event, _) in std::mem::take(&mut self.waiting) {
            self.take(hub, session, event);
        }
    }

    /// Who should be watched but is not, and who is and should not be.
    pub(super) fn next_watched(&mut self) -> (Vec<Address>, Vec<Address>) {
        let contacts = self.roster.iter().flat_map(Roster::contacts);
        let wanted: BTreeSet<_> =
            contacts.filter(|c| watches(c)).map(|c| c.address.clone()).collect();
        let more = wanted.difference(&self.watched).cloned().collect();
        let less = self.watched.difference(&wanted).cloned().collect();
        self.watched = wanted;
        (more, less)
    }
}
