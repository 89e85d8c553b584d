//! Actions of people at a gateway, through their clients.

use crosstalk_core::{Address, Body, Consent, Event, Outgoing, RosterEdit};
use crosstalk_router::{Account, Input, SessionId};

use super::client::{listing, request, step_to};
use super::{Client, Cx, Router, Slot, SlotId};

/// The most clients of one person at a gateway.
const MAX_CLIENTS: usize = 3;

impl<R> Router<R> {
    /// Somebody signs on with one more client.
    pub(in super::super) fn open(&mut self, cx: &mut Cx<'_>, user: &Address) {
        let id = match self.here.get(user) {
            Some(id) => *id,
            None => self.enter(cx, user),
        };
        let Some(slot) = self.slots.get_mut(&id).filter(|s| s.clients.len() < MAX_CLIENTS) else {
            return;
        };
        slot.opened += 1;
        let session = SessionId(slot.opened);
        let place = (self.n, id, session);
        slot.clients.insert(session, Client::new(cx, place));
        self.inputs.push_back((id, Input::Opened { session, endpoint: "client".into() }));
        self.work(cx);
    }

    fn enter(&mut self, cx: &mut Cx<'_>, user: &Address) -> SlotId {
        // Accounts are told apart over all boots of all gateways: their envelopes are named by it.
        let id = cx.record.next_name();
        let account = Account::new(user.clone(), self.settings.clone(), id);
        self.slots.insert(id, Slot::new(account));
        self.here.insert(user.clone(), id);
        id
    }

    /// Somebody signs off.
    pub(in super::super) fn close_all(&mut self, cx: &mut Cx<'_>, user: &Address) {
        while self.is_here(user) {
            self.cut(cx, user);
        }
    }

    /// A client of somebody is gone, with whatever it had not shown.
    pub(in super::super) fn cut(&mut self, cx: &mut Cx<'_>, user: &Address) {
        let Some((id, clients)) = self.clients_of(user) else { return };
        let behind: Vec<_> = clients.iter().filter(|(_, behind)| *behind).copied().collect();
        let among = if behind.is_empty() { &clients } else { &behind };
        let (session, _) = among[cx.dice.roll(among.len() as u64) as usize];
        if cx.dice.chance(10)
            && let Some(client) = self.client(id, session)
        {
            // Its server is gone before it.
            client.takes = false;
            self.tell(cx, id, Input::Takes(session, false));
        }
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.clients.remove(&session);
        }
        self.tell(cx, id, Input::Closed(session));
    }

    /// Somebody says a few texts to somebody else.
    pub(in super::super) fn speak(&mut self, cx: &mut Cx<'_>, from: &Address, to: &Address) {
        for _ in 0..=cx.dice.roll(3) {
            self.say(cx, from, to);
        }
    }

    /// Somebody says a text to somebody else.
    pub(in super::super) fn say(&mut self, cx: &mut Cx<'_>, from: &Address, to: &Address) {
        let Some((slot, session)) = self.some_client(cx, from) else { return };
        let id = cx.record.says(self.n, from, to);
        let body = Body::Text { text: "hello".into(), auto: false };
        let outgoing = Outgoing { id, to: to.clone(), body, details: None };
        self.tell(cx, slot, Input::Event(session, Event::Send(outgoing)));
    }

    /// Somebody asks to see somebody else, or wants to see or be seen no longer.
    pub(in super::super) fn ask(&mut self, cx: &mut Cx<'_>, from: &Address, to: &Address) {
        let Some((slot, session)) = self.some_client(cx, from) else { return };
        let events = match cx.dice.roll(20) {
            0 => vec![step_to(cx, to, Consent::Cancel)],
            1 => vec![step_to(cx, to, Consent::Revoke)],
            2 => vec![Event::Roster(RosterEdit::Remove(to.clone()))],
            _ => request(cx, to).into(),
        };
        for event in events {
            self.tell(cx, slot, Input::Event(session, event));
        }
    }

    /// Somebody lists a contact whom nobody else knows.
    pub(in super::super) fn list(&mut self, cx: &mut Cx<'_>, owner: &Address) {
        let Some((slot, session)) = self.some_client(cx, owner) else { return };
        let friend: Address = format!("friend{}@aol", cx.record.next_name()).parse().unwrap();
        cx.record.listed.entry(owner.clone()).or_default().insert(friend.clone());
        self.tell(cx, slot, Input::Event(session, listing(&friend)));
    }

    /// Somebody shows to be there in another way.
    pub(in super::super) fn change(&mut self, cx: &mut Cx<'_>, user: &Address) {
        let Some((slot, session)) = self.some_client(cx, user) else { return };
        if let Some(client) = self.client(slot, session).filter(|client| client.takes) {
            let presence = client.announce(cx.dice);
            self.tell(cx, slot, presence);
        }
    }

    /// Whether somebody has a client here.
    pub(in super::super) fn is_here(&self, user: &Address) -> bool {
        self.clients_of(user).is_some()
    }

    fn some_client(&self, cx: &mut Cx<'_>, user: &Address) -> Option<(SlotId, SessionId)> {
        let (slot, clients) = self.clients_of(user)?;
        Some((slot, clients[cx.dice.roll(clients.len() as u64) as usize].0))
    }

    /// The clients of somebody, and whether each has something that it did not show yet; none
    /// where there is no client.
    fn clients_of(&self, user: &Address) -> Option<(SlotId, Vec<(SessionId, bool)>)> {
        let id = *self.here.get(user)?;
        let clients = self.slots.get(&id)?.clients.iter();
        let clients: Vec<_> = clients.map(|(session, c)| (*session, c.is_behind())).collect();
        (!clients.is_empty()).then_some((id, clients))
    }

    fn client(&mut self, slot: SlotId, session: SessionId) -> Option<&mut Client> {
        self.slots.get_mut(&slot)?.clients.get_mut(&session)
    }
}
