//! The connection behind the cookie: buddy list, presence and messages.
//!
//! A handler takes a SNAC and says whether it passes. What it passes is the server's business;
//! what it withholds concerns a foreign person, and is answered here.

mod identity;
mod rate_limits;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use crosstalk_core::{
    Address, Body, Consent, Contact, Envelope, Event, Failure, Fault, NameClass, Roster, Side,
};

use super::context::Io;
use super::messages::icbm;
use super::wire::message::EightBit;
use super::wire::{Reader, Snac, UserInfo};
use super::{MAX_NAME, consent, presence, roster};
use crate::common::held::{Presences, Waiting};

/// Longest wait from sign-on to the client's first sign of life before it is told things.
const SETTLING: Duration = Duration::from_secs(15);
/// The request id of our own 01/0e; clients count up from one, and servers set the highest bit.
const OUR_QUESTION: u32 = 0x7ffe_0000;
/// Bytes that a person in a set takes, roughly.
pub(in crate::oscar) const PER_PERSON: usize = 128;

/// Treatment of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::oscar) enum Pass {
    /// It goes on as it came.
    Forward,
    /// It ends here.
    Withhold,
    /// The handler saw to it.
    Done,
}

/// The state of one session.
pub(in crate::oscar) struct Session {
    /// Name that the client gives itself; empty if it gives none.
    pub(in crate::oscar) client: String,
    pub(in crate::oscar) eight_bit: EightBit,
    /// Person who signed in, as soon as the server has said so.
    pub(in crate::oscar) identity: identity::Identity,
    /// The client asked the server who it is.
    pub(in crate::oscar) has_asked: bool,
    pub(in crate::oscar) kind: Kind,
    /// The foreign contacts, as soon as the gateway gave them.
    pub(in crate::oscar) contacts: Option<BTreeMap<Address, Contact>>,
    /// The client said that it is ready.
    pub(in crate::oscar) online: bool,
    /// End of the wait for that.
    pub(in crate::oscar) online_by: Option<Instant>,
    /// The client was told everything that waited for it, and is told what comes at once.
    pub(in crate::oscar) settled: bool,
    pub(in crate::oscar) waiting: Waiting,
    pub(in crate::oscar) rates: rate_limits::Rates,
    pub(in crate::oscar) acks: roster::acks::Acks,
    pub(in crate::oscar) book: roster::feedbag::Book,
    pub(in crate::oscar) list: roster::merge::Listing,
    pub(in crate::oscar) edits: roster::edits::Edits,
    pub(in crate::oscar) watch: roster::buddies::Watch,
    pub(in crate::oscar) own: presence::Own,
    pub(in crate::oscar) theirs: Presences,
    pub(in crate::oscar) talk: icbm::Talk,
    pub(in crate::oscar) asked: consent::Asked,
}

/// Purpose of a connection, as its cookie shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oscar) enum Kind {
    /// A session: the cookie was handed out for one, or the server offers messages.
    Session,
    /// The cookie is unknown; the server's families will tell.
    Undecided,
    /// Something else.
    Service {
        /// It is asked about people by name.
        about_people: bool,
    },
}

impl Session {
    /// A session behind a cookie that a server of this network issued to `issued_to`.
    pub(in crate::oscar) fn issued(
        client: String,
        issued_to: Option<Address>,
        eight_bit: EightBit,
    ) -> Self {
        let identity = identity::Identity::Cookie { issued_to };
        Self { identity, ..Self::new(client, Kind::Session, eight_bit) }
    }

    /// A connection with a cookie of unknown origin; the server will tell its purpose.
    pub(in crate::oscar) fn unknown(client: String, eight_bit: EightBit) -> Self {
        Self::new(client, Kind::Undecided, eight_bit)
    }

    pub(in crate::oscar) fn new(client: String, kind: Kind, eight_bit: EightBit) -> Self {
        Self {
            client,
            eight_bit,
            identity: identity::Identity::default(),
            has_asked: false,
            kind,
            contacts: None,
            online: false,
            online_by: None,
            settled: false,
            waiting: Waiting::default(),
            rates: rate_limits::Rates::default(),
            acks: roster::acks::Acks::default(),
            book: roster::feedbag::Book::read_as(eight_bit),
            list: roster::merge::Listing::default(),
            edits: roster::edits::Edits::default(),
            watch: roster::buddies::Watch::default(),
            own: presence::Own::default(),
            theirs: Presences::default(),
            talk: icbm::Talk::default(),
            asked: consent::Asked::default(),
        }
    }

    /// Whether this is no session after all but a service, and whether that is asked about people.
    pub(in crate::oscar) const fn as_service(&self) -> Option<bool> {
        match self.kind {
            Kind::Service { about_people } => Some(about_people),
            _ => None,
        }
    }

    /// Person who signed in, as soon as the server has said so.
    pub(in crate::oscar) const fn user(&self) -> Option<&Address> {
        self.identity.user()
    }

    /// 01/0f of the server: who the person is. The first signs in.
    pub(in crate::oscar) fn self_info(
        &mut self,
        snac: &Snac,
        raw: &Bytes,
        io: &mut Io<'_>,
    ) -> Result<Pass, Fault> {
        let pass = if snac.request == OUR_QUESTION { Pass::Withhold } else { Pass::Forward };
        let Some(user) = self.named(snac, io) else { return Ok(pass) };
        let (identity, signed_in) = std::mem::take(&mut self.identity).stated(user)?;
        self.identity = identity;
        let Some(user) = signed_in else { return Ok(pass) };
        self.own.signed_in(io.now.wall);
        if !self.online {
            self.online_by = Some(io.now.instant + SETTLING);
        }
        if pass == Pass::Forward {
            io.forward(Side::Client, raw.clone());
        } else {
            io.withhold(Side::Client);
        }
        io.emit(Event::SignedIn { user, endpoint: self.client.clone() });
        Ok(Pass::Done)
    }

    /// Person that a user info block of the server's names, in a connection that is a session.
    pub(in crate::oscar) fn named(&self, snac: &Snac, io: &Io<'_>) -> Option<Address> {
        let info = UserInfo::read(&mut Reader::new(snac.content().ok()?)).ok()?;
        let name = String::from_utf8_lossy(info.name);
        let names = &io.context.names;
        names.address(&name, &io.context.network).ok().filter(|_| self.kind == Kind::Session)
    }

    /// 01/0e of the client: who am I?
    pub(in crate::oscar) const fn asked_who(&mut self) -> Pass {
        self.has_asked = true;
        Pass::Forward
    }

    /// Asks the server in place of a client that does not want to know who it is.
    pub(in crate::oscar) fn ask_who(&mut self, io: &mut Io<'_>) {
        let is_needed = self.kind == Kind::Session && self.user().is_none();
        if is_needed && !std::mem::replace(&mut self.has_asked, true) {
            self.tell_server(&Snac::new(0x01, 0x0e, OUR_QUESTION, Bytes::new()), io);
        }
    }

    /// The client has set everything up and may be told things.
    pub(in crate::oscar) fn ready(&mut self, raw: &Bytes, io: &mut Io<'_>) -> Pass {
        self.rates.saw((0x01, 0x02), io.now.instant);
        io.forward(Side::Server, raw.clone());
        self.ask_who(io);
        self.online = true;
        self.online_by = None;
        Pass::Done
    }

    /// Whether the client can take what is pushed to it: it says that it is ready before it asks
    /// for its list or behind that, and may ask for none.
    pub(in crate::oscar) fn is_settled(&self) -> bool {
        self.online && self.user().is_some() && self.contacts.is_some() && !self.list.is_awaited()
    }

    /// Tells the client everything that waited, as soon as it can take it. Called whenever
    /// something happened, so that it matters only what did and not in which order.
    pub(in crate::oscar) fn settle(&mut self, io: &mut Io<'_>) {
        if self.online {
            self.tell_presence(io);
        }
        let settled = self.is_settled();
        if std::mem::replace(&mut self.settled, settled) || !settled {
            return;
        }
        self.sync_list(io);
        self.sync_watch(io);
        let known: Vec<Address> = self.theirs.people().cloned().collect();
        for address in known {
            self.show_presence(&address, io);
        }
        while let Some(envelope) = self.waiting.pop() {
            self.show(&envelope, io);
        }
    }

    /// Takes the foreign contacts.
    pub(in crate::oscar) fn roster(&mut self, roster: &Roster, io: &mut Io<'_>) {
        let contacts = roster.contacts().map(|c| (c.address.clone(), c.clone()));
        self.contacts = Some(contacts.collect());
        self.asked.learn(roster);
        self.release_if_complete(io);
        self.publish_edits(io);
        self.settle(io);
    }

    /// Takes a contact that changed, and shows the change if the client does not know of it.
    pub(in crate::oscar) fn changed(&mut self, contact: &Contact, io: &mut Io<'_>) {
        let Some(contacts) = &mut self.contacts else { return };
        let address = contact.address.clone();
        if contact.is_empty() {
            contacts.remove(&address);
        } else {
            contacts.insert(address.clone(), contact.clone());
        }
        if self.is_settled() {
            self.sync_contact(contact, io);
            self.show_presence(&address, io);
        }
        if !contact.listed {
            self.theirs.remove(&address);
        }
    }

    /// Takes something for the person.
    pub(in crate::oscar) fn deliver(&mut self, envelope: Envelope, io: &mut Io<'_>) {
        if self.is_settled() {
            self.show(&envelope, io);
        } else if let Body::Presence(presence) = envelope.body {
            self.remember_presence(envelope.from, presence);
        } else if let Err(envelope) = self.waiting.push(envelope) {
            match envelope.body {
                Body::Text { .. } | Body::Attention => {
                    let body = Body::Undelivered { of: envelope.id, why: Failure::Busy };
                    io.send(envelope.from, body);
                }
                Body::Contact(Consent::Request(_)) => io.emit(Event::Unshown(*envelope)),
                _ => self.show(&envelope, io),
            }
        }
    }

    /// Bytes that the session holds.
    pub(in crate::oscar) fn weight(&self) -> usize {
        let lists = self.book.weight() + self.list.weight() + self.watch.weight();
        let edits = self.edits.weight() + self.acks.weight() + self.asked.weight();
        lists + edits + self.waiting.weight() + self.theirs.weight() + self.talk.weight()
    }

    pub(in crate::oscar) fn show(&mut self, envelope: &Envelope, io: &mut Io<'_>) {
        match &envelope.body {
            Body::Text { text, auto } => self.message_in(envelope, text, *auto, io),
            Body::Attention => self.message_in(envelope, &icbm::attention(), false, io),
            Body::Typing(typing) => self.typing_in(&envelope.from, *typing, io),
            Body::Presence(presence) => {
                self.remember_presence(envelope.from.clone(), presence.clone());
                self.show_presence(&envelope.from, io);
            }
            Body::Contact(step) => self.consent_in(envelope, step, io),
            Body::Undelivered { of, why } => self.undelivered(*of, *why, &envelope.from, io),
            Body::Receipt { .. } => {}
        }
    }

    /// Acts on what has waited long enough.
    pub(in crate::oscar) fn tick(&mut self, io: &mut Io<'_>) {
        let now = io.now.instant;
        self.list.give_up(now);
        if self.online_by.is_some_and(|by| by <= now) {
            self.online_by = None;
            self.online = true;
        }
        if self.edits.is_due(now) {
            self.edits.end();
            self.publish_edits(io);
        }
        self.answer_edits(io);
        self.settle(io);
    }

    /// Time at which [`tick`](Self::tick) has something to do.
    pub(in crate::oscar) fn deadline(&self) -> Option<Instant> {
        [self.online_by, self.list.deadline(), self.edits.deadline(), self.acks.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The server's frames that need not be held back any longer, to be taken again.
    pub(in crate::oscar) fn released(&mut self) -> Option<BytesMut> {
        self.list.released()
    }

    /// Meaning of a name in a SNAC of the client's.
    pub(in crate::oscar) fn class_of(&self, name: &[u8], io: &Io<'_>) -> NameClass {
        // Some clients send the zero that ends a name along with it.
        let name = String::from_utf8_lossy(name).replace([' ', '\0'], "");
        match self.asked.behind(&name) {
            Some(address) => NameClass::Foreign(address.clone()),
            None => io.context.names.classify(&name),
        }
    }

    /// Spelling of `address` for the person; `None` where the protocol cannot carry the name.
    pub(in crate::oscar) fn spelling(&self, address: &Address, io: &Io<'_>) -> Option<String> {
        let names = &io.context.names;
        let contact = self.contacts.as_ref().and_then(|c| c.get(address));
        contact
            .map(|c| c.spelling.clone())
            .filter(|s| {
                s.len() <= MAX_NAME && names.classify(s) == NameClass::Foreign(address.clone())
            })
            .or_else(|| Some(names.universal(address)))
            .filter(|s| u8::try_from(s.len()).is_ok())
    }

    /// Whether the client is one that shows authorisation requests and takes long texts.
    pub(in crate::oscar) fn is_libpurple(&self) -> bool {
        self.client.starts_with("Purple/") || self.client.contains("libpurple")
    }

    /// Sends the server something in the client's name: no more than the client said.
    pub(in crate::oscar) fn tell_server(&mut self, snac: &Snac, io: &mut Io<'_>) {
        self.rates.saw(snac.kind(), io.now.instant);
        let _ = io.snac(Side::Server, snac);
    }

    /// Gives back to the client's account what the server did not see.
    pub(in crate::oscar) fn refund(&mut self, kind: (u16, u16), io: &mut Io<'_>) {
        const RATE_CHANGE: (u16, u16) = (0x0001, 0x000a);
        if let Some(body) = self.rates.refund(kind, io.now.instant) {
            io.answer(RATE_CHANGE.0, RATE_CHANGE.1, 0, body);
        }
    }
}
