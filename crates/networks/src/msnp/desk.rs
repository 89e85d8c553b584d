//! What the connections of one person share.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crosstalk_core::{
    Address, Contact, Context, Envelope, Event, HostPort, Kin, Names, Now, Output, Side, Ticket,
    Via,
};
use crosstalk_core::{Body, EnvelopeId, Outgoing};

use super::book::Book;

/// How long the place that a server named for a conversation is good for.
const TICKET: Duration = Duration::from_mins(5);
/// The most messages that wait for a client to answer one ring.
const MAX_WAITING: usize = 64;
/// The most people who ring one client at a time.
const MAX_RINGING: usize = 128;

/// The desk of one person, shared by the notification connection and its switchboards.
#[derive(Clone, Default)]
pub(super) struct Desk(Arc<Mutex<Papers>>);

/// What lies on it.
#[derive(Default)]
pub(super) struct Papers {
    /// The foreign contacts as the client shows them.
    pub(super) people: BTreeMap<Address, Known>,
    /// The whole list, also for the address book.
    pub(super) book: Book,
    /// Messages that wait for the client to answer a ring, by who rings.
    waiting: BTreeMap<Address, Vec<Envelope>>,
}

/// A foreign contact as the client shows it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) spelling: String,
    pub(super) nick: String,
    pub(super) online: bool,
}

impl Desk {
    pub(super) fn open(&self) -> MutexGuard<'_, Papers> {
        // A panic elsewhere cannot leave the maps half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Papers {
    /// Lets a message wait. Returns whether it found room.
    pub(super) fn wait(&mut self, envelope: Envelope) -> bool {
        if self.waiting.len() >= MAX_RINGING && !self.rings(&envelope.from) {
            return false;
        }
        let waiting = self.waiting.entry(envelope.from.clone()).or_default();
        let room = waiting.len() < MAX_WAITING;
        if room {
            waiting.push(envelope);
        }
        room
    }

    /// Whether something of `from` waits.
    pub(super) fn rings(&self, from: &Address) -> bool {
        self.waiting.contains_key(from)
    }

    /// Who rings.
    pub(super) fn ringing(&self) -> Vec<Address> {
        self.waiting.keys().cloned().collect()
    }

    /// Takes what waits.
    pub(super) fn answer(&mut self, from: &Address) -> Vec<Envelope> {
        self.waiting.remove(from).unwrap_or_default()
    }
}

/// What a ticket says about the conversation at the place it names.
pub(super) struct Invitation {
    pub(super) user: Address,
    /// The notification connection, by its endpoint's name.
    pub(super) endpoint: String,
    pub(super) desk: Desk,
    /// The foreign person for whom we had the server open it; none where client or server did.
    pub(super) rung_by: Option<Address>,
}

/// What a handler works with: the time, the connection, and where everything goes.
pub(super) struct Io<'a> {
    pub(super) now: Now,
    pub(super) out: &'a mut Output,
    pub(super) context: &'a mut Context,
}

impl Io<'_> {
    /// Tells the client a line of ours.
    pub(super) fn tell(&mut self, line: impl AsRef<str>) {
        self.out.insert(Side::Client, format!("{}\r\n", line.as_ref()));
    }

    /// Says something to a foreign person.
    pub(super) fn send(&mut self, to: Address, body: Body) -> EnvelopeId {
        let id = self.context.ids.next_id();
        self.out.emit(Event::Send(Outgoing { id, to, body }));
        id
    }

    /// What a name means here.
    pub(super) fn kin(&self, name: &str) -> Kin {
        self.context.names.classify(name)
    }

    /// Where a client is sent that is to reach `place`: there, or to this listener.
    pub(super) fn place(&self, place: &str) -> String {
        match &self.context.via {
            Via::Proxy { .. } => place.to_owned(),
            Via::Direct { advertise, .. } => format!("{}:{}", advertise.host, advertise.port),
        }
    }

    /// Leaves a ticket for the connection that will come to `place` with `key`.
    pub(super) fn expect<N: Send + 'static>(&self, key: &str, place: &str, note: N) {
        self.leave(key, place, Box::new(note), TICKET);
    }

    /// The same for whoever comes with `key` within `time`.
    pub(super) fn expect_soon(&self, key: &str, place: &str, time: Duration) {
        self.leave(key, place, Box::new(()), time);
    }

    fn leave(&self, key: &str, place: &str, note: Box<dyn Any + Send>, time: Duration) {
        let Ok(dial) = place.parse::<HostPort>() else { return };
        let until = self.now.instant + time;
        self.context.lobby.leave(self.now.instant, key, Ticket { dial: Some(dial), note, until });
    }

    pub(super) fn later(&self, time: Duration) -> Instant {
        self.now.instant + time
    }
}

/// How MSN clients are shown `address`: as the owner spells it where they accept that, which
/// they do only with a dot behind the `@`. None where they accept no spelling.
pub(super) fn spelling(
    contact: Option<&Contact>,
    address: &Address,
    names: &Names,
) -> Option<String> {
    let own = contact.map(|c| c.spelling.clone());
    let fits = |name: &String| {
        let domain = name.split_once('@').map(|(_, domain)| domain).unwrap_or_default();
        let plain = name.bytes().all(|b| b.is_ascii_graphic() && !b"\\/?=,;".contains(&b));
        plain && domain.contains('.') && !domain.contains('@')
    };
    own.filter(fits).or_else(|| Some(names.universal(address)).filter(fits))
}
