//! A client with its engine, as far as a router notices them: it takes its mail late, holds what it
//! cannot show yet, drops some of it, and may be gone at any moment.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crosstalk_core::{
    Address, Availability, Body, Consent, Contact, Envelope, Event, Outgoing, Presence, RosterEdit,
    Subscription,
};
use crosstalk_router::{Input, Mail, Ticket};

use super::super::record::Place;
use super::super::{Dice, Planted};
use super::Cx;

/// The most mail that waits for a client.
const MAILBOX: usize = 12;
const SECOND: Duration = Duration::from_secs(1);
/// Longer than a delivery waits for somebody to begin with it.
const STALL: Duration = Duration::from_secs(12);

/// A client that is connected.
pub(crate) struct Client {
    pub(super) place: Place,
    opened: Duration,
    mailbox: VecDeque<Mail>,
    /// It takes no mail before.
    busy_until: Duration,
    /// The account is to be told when there is room.
    awaits_room: bool,
    /// What the engine was given and does not show yet, with the time at which it does.
    held: VecDeque<(Duration, Envelope, Option<Ticket>)>,
    /// Answers that its person is about to give.
    answers: VecDeque<(Duration, Event)>,
    /// Time from which it shows what people say; none where it does so already.
    begins_at: Option<Duration>,
    pub(super) takes: bool,
    /// The presence that it announced.
    pub(super) announced: Availability,
    /// What it shows of the list, and of who is online.
    pub(super) list: Option<BTreeMap<Address, Contact>>,
    pub(super) seen: BTreeMap<Address, Presence>,
}

impl Client {
    pub(super) fn new(cx: &mut Cx<'_>, place: Place) -> Self {
        // Some sign on for longer than an account waits for them.
        let longest = if cx.record.is_calm || cx.dice.chance(70) { SECOND } else { 8 * SECOND };
        Self {
            place,
            opened: cx.now,
            mailbox: VecDeque::new(),
            busy_until: cx.now,
            awaits_room: false,
            held: VecDeque::new(),
            answers: VecDeque::new(),
            begins_at: Some(cx.now + cx.dice.within(Duration::ZERO, longest)),
            takes: false,
            announced: Availability::Offline,
            list: None,
            seen: BTreeMap::new(),
        }
    }

    /// Whether something that its person was told of is not shown yet.
    pub(super) fn is_behind(&self) -> bool {
        !self.mailbox.is_empty() || !self.held.is_empty()
    }

    /// Puts mail into the mailbox; gives it back where that is full.
    pub(super) fn put(&mut self, mail: Mail) -> Option<Mail> {
        if self.mailbox.len() >= MAILBOX {
            return Some(mail);
        }
        self.mailbox.push_back(mail);
        None
    }

    /// Whether there is room for mail; if not, [`Self::act`] says when there is.
    pub(super) fn await_room(&mut self) -> bool {
        self.awaits_room = self.mailbox.len() >= MAILBOX;
        !self.awaits_room
    }

    pub(super) fn holds(&self, delivery: Ticket) -> bool {
        self.mailbox.iter().any(|mail| is_delivery(mail, delivery))
    }

    pub(super) fn take_out(&mut self, delivery: Ticket) -> Option<Mail> {
        let at = self.mailbox.iter().position(|mail| is_delivery(mail, delivery))?;
        self.mailbox.remove(at)
    }

    /// The next time at which it does something by itself.
    pub(super) fn due(&self) -> Option<Duration> {
        let mail = (!self.mailbox.is_empty()).then_some(self.busy_until);
        let held = self.held.front().map(|(at, ..)| *at);
        let answer = self.answers.front().map(|(at, _)| *at);
        [mail, held, answer, self.begins_at].into_iter().flatten().min()
    }

    /// Does what is due. `out` is what the router is told by it.
    pub(super) fn act<R>(&mut self, cx: &mut Cx<'_>, out: &mut VecDeque<Input<R>>) {
        let session = self.place.2;
        if self.begins_at.take_if(|at| *at <= cx.now).is_some() {
            self.takes = true;
            out.push_back(Input::Takes(session, true));
            out.push_back(self.announce(cx.dice));
        }
        while self.held.front().is_some_and(|(at, ..)| *at <= cx.now)
            && let Some((_, envelope, delivery)) = self.held.pop_front()
        {
            self.show(cx, &envelope);
            if let Some(delivery) = delivery {
                out.push_back(Input::Settled { session, delivery, shown: true });
            }
        }
        while self.answers.front().is_some_and(|(at, _)| *at <= cx.now)
            && let Some((_, event)) = self.answers.pop_front()
        {
            out.push_back(Input::Event(session, event));
        }
        if self.busy_until <= cx.now
            && let Some(mail) = self.mailbox.pop_front()
        {
            if !cx.record.is_calm && cx.dice.chance(8) {
                let longest = if cx.dice.chance(10) { STALL } else { 3 * SECOND };
                self.busy_until = cx.now + cx.dice.within(Duration::ZERO, longest);
            }
            self.take(cx, mail, out);
            if std::mem::take(&mut self.awaits_room) {
                out.push_back(Input::Room(session));
            }
        }
    }

    /// Its person shows to be there, in some way.
    pub(super) fn announce<R>(&mut self, dice: &mut Dice) -> Input<R> {
        let all = [Availability::Available, Availability::Away, Availability::Busy];
        self.announced = all[dice.roll(3) as usize];
        let presence = Presence { show: self.announced, ..Presence::default() };
        Input::Event(self.place.2, Event::Presence(presence))
    }

    fn take<R>(&mut self, cx: &mut Cx<'_>, mail: Mail, out: &mut VecDeque<Input<R>>) {
        match mail {
            Mail::Roster(roster) => {
                assert!(self.list.is_none(), "the list comes once");
                let contacts = roster.contacts().map(|c| (c.address.clone(), c.clone()));
                self.list = Some(contacts.collect());
            }
            Mail::Changed(contact) => {
                let list = self.list.as_mut().expect("the list comes first");
                if contact.is_empty() {
                    list.remove(&contact.address);
                    self.seen.remove(&contact.address);
                } else {
                    list.insert(contact.address.clone(), contact);
                }
            }
            Mail::Deliver(envelope, delivery) => self.deliver(cx, envelope, delivery, out),
            Mail::Presence { of, presence } => {
                self.seen.insert(of, presence);
            }
            Mail::Accepted(..) | Mail::Delivered(_) | Mail::Carbon(_) => {}
        }
    }

    fn deliver<R>(
        &mut self,
        cx: &mut Cx<'_>,
        envelope: Envelope,
        delivery: Option<Ticket>,
        out: &mut VecDeque<Input<R>>,
    ) {
        let session = self.place.2;
        match &envelope.body {
            Body::Contact(Consent::Request(_)) => self.is_asked(cx, &envelope.from),
            Body::Text { .. } | Body::Undelivered { .. } => {
                // It may have come while the client still took it.
                let is_gone = delivery.is_some() && envelope.body.is_said() && !self.takes;
                let fate = if cx.record.is_calm { 100 } else { cx.dice.roll(100) };
                match (fate, delivery) {
                    (..4, Some(delivery)) => {
                        out.push_back(Input::Settled { session, delivery, shown: false });
                    }
                    (_, Some(delivery)) if is_gone => {
                        out.push_back(Input::Settled { session, delivery, shown: false });
                    }
                    (4..6, Some(_)) => {
                        out.push_back(Input::Deferred { session, envelope, delivery });
                    }
                    _ => self.hold(cx, fate, envelope, delivery, out),
                }
            }
            _ => {}
        }
    }

    /// Holds what it shows at once, or not yet: an engine shows everything in its order.
    fn hold<R>(
        &mut self,
        cx: &mut Cx<'_>,
        fate: u64,
        envelope: Envelope,
        mut delivery: Option<Ticket>,
        out: &mut VecDeque<Input<R>>,
    ) {
        let longest = match fate {
            ..20 => 3 * SECOND,
            20..22 => STALL,
            _ => Duration::ZERO,
        };
        let last = self.held.back().map_or(cx.now, |(at, ..)| *at);
        let at = last.max(cx.now + cx.dice.within(Duration::ZERO, longest));
        if cx.record.is_planted(Planted::ConfirmedWhileHeld)
            && let Some(delivery) = delivery.take()
        {
            out.push_back(Input::Settled { session: self.place.2, delivery, shown: true });
        }
        self.held.push_back((at, envelope, delivery));
    }

    fn show(&mut self, cx: &mut Cx<'_>, envelope: &Envelope) {
        match &envelope.body {
            Body::Text { .. } => cx.record.is_shown((cx.now, self.opened), self.place, envelope),
            Body::Undelivered { of, why } => cx.record.is_reported(self.place, *of, *why),
            _ => {}
        }
    }

    /// Somebody asks to see its person, who lets most, and asks many of them back.
    fn is_asked(&mut self, cx: &mut Cx<'_>, by: &Address) {
        let at = cx.now + cx.dice.within(Duration::ZERO, 2 * SECOND);
        let step = if cx.dice.chance(90) { Consent::Grant } else { Consent::Revoke };
        self.answers.push_back((at, step_to(cx, by, step)));
        if cx.dice.chance(50) {
            for event in request(cx, by) {
                self.answers.push_back((at, event));
            }
        }
        self.answers.make_contiguous().sort_by_key(|(at, _)| *at);
    }

    /// The contacts whose presence its person may see, as far as the client knows.
    pub(super) fn sees(&self) -> BTreeSet<&Address> {
        let granted = |c: &&Contact| c.to == Subscription::Granted && !c.blocked;
        self.list.iter().flat_map(BTreeMap::values).filter(granted).map(|c| &c.address).collect()
    }
}

/// A step of consent to a contact.
pub(super) fn step_to(cx: &mut Cx<'_>, to: &Address, step: Consent) -> Event {
    Event::Send(Outgoing {
        id: cx.next_id(),
        to: to.clone(),
        body: Body::Contact(step),
        details: None,
    })
}

/// Listing a contact.
pub(super) fn listing(address: &Address) -> Event {
    let (spelling, alias, groups) = (address.to_string(), None, Vec::new());
    Event::Roster(RosterEdit::List { address: address.clone(), spelling, alias, groups })
}

/// Listing a contact, and asking to see its presence.
pub(super) fn request(cx: &mut Cx<'_>, to: &Address) -> [Event; 2] {
    let step = Consent::Request("hello".into());
    [listing(to), step_to(cx, to, step)]
}

fn is_delivery(mail: &Mail, delivery: Ticket) -> bool {
    matches!(mail, Mail::Deliver(_, Some(other)) if *other == delivery)
}
