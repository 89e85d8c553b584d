//! Sessions of a person: opened and closed, what their clients take, and what waits for them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Audience, Presence, UnixMillis};

use crate::account::Account;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::ids::SessionId;
use crate::presence::{ContactPresence, truncate};
use crate::state_updates::StateUpdate;
use crate::storage::Storage;

/// Longest time from a client's sign-on until it takes texts, before senders are told that its
/// person is not there.
const ARRIVING: Duration = Duration::from_secs(5);
/// The most bytes that wait in the account for one session: what it says and is not on its way yet,
/// and what it defers.
const MAX_ASIDE: usize = 1 << 20;

/// One client of a person.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) endpoint: Box<str>,
    since: UnixMillis,
    pub(crate) presence: Presence,
    /// Those of the people who may see the person to whom this session shows itself.
    pub(crate) audience: Audience,
    /// Whether the client takes what people say.
    pub(crate) takes: bool,
    /// Whether it wants to hear what became of what it says.
    pub(crate) confirms: bool,
    /// Whether the driver will say when the mailbox has room.
    pub(crate) awaits_room: bool,
    /// Until when the client may still be about to take it for the first time.
    arriving_until: Option<Instant>,
    /// Updates that did not fit into the mailbox.
    pub(crate) behind: BTreeSet<StateUpdate>,
    /// The bytes that wait in the account for it.
    pub(crate) aside: usize,
}

impl Session {
    /// Whether somebody who may see the person sees this session online.
    pub(crate) fn is_seen_by(&self, watcher: &Address) -> bool {
        self.presence.is_online() && self.audience.admits(watcher)
    }
}

/// More waits than may.
pub(crate) struct TooMuch;

/// Whether a session should say no more for now, with so many bytes aside.
pub(crate) const fn is_much(aside: usize) -> bool {
    aside >= MAX_ASIDE / 4
}

impl<A> Account<A> {
    pub(crate) fn open(&mut self, cx: &mut Cx<'_, A>, id: SessionId, endpoint: Box<str>) {
        if self.session(id).is_some() {
            return;
        }
        // Most people have one session, and a growing vector begins with room for four.
        self.sessions.reserve_exact(1);
        self.sessions.push(Session {
            id,
            endpoint,
            since: cx.now.wall,
            presence: Presence::offline(),
            audience: Audience::everybody(),
            takes: false,
            confirms: false,
            awaits_room: false,
            arriving_until: Some(cx.now.instant + ARRIVING),
            behind: BTreeSet::new(),
            aside: 0,
        });
        if self.sessions.len() == 1 {
            self.storage.want(Storage::LOAD | Storage::ARRIVE);
        }
        self.welcome(cx, id);
    }

    /// Ends a session, or a conversation.
    pub(crate) fn close(&mut self, cx: &mut Cx<'_, A>, id: SessionId) {
        if let Some(at) = self.conversations.iter().position(|c| c.id == id) {
            self.conversations.remove(at);
            return self.drop_deliveries(cx, id);
        }
        if self.session(id).is_none() {
            return;
        }
        let before = self.views();
        self.sessions.retain(|s| s.id != id);
        if let Some(pending) = self.if_pending() {
            pending.deferred.retain(|d| d.session != id);
        }
        for conversation in self.conversations.iter_mut().filter(|c| c.session == Some(id)) {
            conversation.session = None;
        }
        self.refresh(&before);
        self.look_outward();
        if self.sessions.is_empty() {
            // Who signs on again begins anew: those who watch ask again.
            self.subscribers.clear();
            self.contact_presence = ContactPresence::default();
            if let Some(pending) = self.if_pending() {
                pending.turned_away.clear();
            }
            self.fail_unheard(cx);
            self.fail_held(cx);
            self.storage.want(Storage::DEPART);
        }
        self.drop_deliveries(cx, id);
        self.pace.take_if(|pace| pace.is_full(cx.now.instant));
    }

    /// A session's client takes from now on what people say, or no longer. What other gateways
    /// kept of it comes at once.
    pub(crate) fn set_takes(&mut self, id: SessionId, takes: bool) {
        let Some(session) = self.session(id) else { return };
        session.takes = takes;
        if takes {
            session.arriving_until = None;
            if let Some(pending) = self.if_pending() {
                pending.wake.append(&mut pending.turned_away);
            }
        }
    }

    /// A session wants to hear what became of what it says.
    pub(crate) fn set_confirms(&mut self, id: SessionId) {
        if let Some(session) = self.session(id) {
            session.confirms = true;
        }
    }

    /// Until when what people say may be taken here for the first time.
    pub(crate) fn arriving_until(&self) -> Option<Instant> {
        self.sessions.iter().filter_map(|s| s.arriving_until).max()
    }

    /// The presence of a session changed.
    pub(crate) fn show(&mut self, id: SessionId, mut presence: Presence) {
        let before = self.views();
        let Some(session) = self.session(id) else { return };
        if presence.is_online() {
            presence.online_since.get_or_insert(session.since);
        }
        truncate(&mut presence);
        session.presence = presence;
        self.refresh(&before);
        self.look_outward();
    }

    /// Other people see a session from now on.
    pub(crate) fn show_to(&mut self, id: SessionId, audience: Audience) {
        let before = self.views();
        let Some(session) = self.session(id) else { return };
        session.audience = audience;
        self.refresh(&before);
        self.look_outward();
    }

    pub(crate) fn session(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|s| s.id == id)
    }

    /// Whether there is a session or conversation of that name, which gets mail.
    pub(crate) fn has_mailbox(&self, id: SessionId) -> bool {
        self.sessions.iter().any(|s| s.id == id) || self.conversations.iter().any(|c| c.id == id)
    }

    /// Bytes that wait in the account for a session or conversation.
    pub(crate) fn aside(&self, id: SessionId) -> usize {
        let sessions = self.sessions.iter().map(|s| (s.id, s.aside));
        let mut all = sessions.chain(self.conversations.iter().map(|c| (c.id, c.aside)));
        all.find(|(other, _)| *other == id).map_or(0, |(_, aside)| aside)
    }

    /// Counts `bytes` that wait for a session or conversation, as long as there is one. Returns how
    /// many are to be released later; an error says that too much waits already.
    pub(crate) fn reserve(
        &mut self,
        cx: &mut Cx<'_, A>,
        id: SessionId,
        bytes: usize,
    ) -> Result<usize, TooMuch> {
        let Some(aside) = self.aside_mut(id) else { return Ok(0) };
        if *aside >= MAX_ASIDE {
            return Err(TooMuch);
        }
        *aside += bytes;
        cx.push(Effect::Reserve(id, *aside));
        Ok(bytes)
    }

    /// Takes off what waited for a session or conversation.
    pub(crate) fn release(&mut self, cx: &mut Cx<'_, A>, id: SessionId, bytes: usize) {
        if bytes > 0
            && let Some(aside) = self.aside_mut(id)
        {
            *aside = aside.saturating_sub(bytes);
            cx.push(Effect::Reserve(id, *aside));
        }
    }

    fn aside_mut(&mut self, id: SessionId) -> Option<&mut usize> {
        let sessions = self.sessions.iter_mut().map(|s| (s.id, &mut s.aside));
        let conversations = self.conversations.iter_mut().map(|c| (c.id, &mut c.aside));
        sessions.chain(conversations).find(|(other, _)| *other == id).map(|(_, aside)| aside)
    }

    /// Says what a session missed, as far as its mailbox has room.
    pub(crate) fn catch_up(&mut self, cx: &mut Cx<'_, A>, id: SessionId) {
        /// Number of updates that are tried at a time: more would come back where the mailbox is
        /// small.
        const BATCH: usize = 16;
        let Some(session) = self.session(id) else { return };
        session.awaits_room = false;
        for _ in 0..BATCH {
            let Some(update) = self.session(id).and_then(|s| s.behind.pop_first()) else { return };
            if let Some(mail) = self.write(cx, &update) {
                cx.mail(id, mail);
            }
        }
        self.await_room(cx, id);
    }

    /// Asks the driver to say when a session that is behind has room.
    pub(crate) fn await_room(&mut self, cx: &mut Cx<'_, A>, id: SessionId) {
        if let Some(session) = self.session(id)
            && !session.behind.is_empty()
            && !std::mem::replace(&mut session.awaits_room, true)
        {
            cx.push(Effect::AwaitRoom(id));
        }
    }
}
