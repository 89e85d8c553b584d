//! What the connections of one person share.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crosstalk_core::{
    Address, Bell, Body, Confirmed, Contact, Context, Envelope, EnvelopeId, Event, Fault, HostPort,
    NameClass, Names, Now, Outgoing, Output, Owner, Redacted, Side, Ticket, Via,
};

use crate::common::held::of_envelope;
use crate::msnp::book::Book;
use crate::msnp::wire::Command;

/// How long the place of a conversation is good for.
const TICKET: Duration = Duration::from_mins(5);
/// The most keys to conversations played here that one person holds; the oldest makes room.
const MAX_KEYS: usize = 256;
/// The most bytes of texts that are kept for the next conversation.
const MAX_UNREAD: usize = 64 << 10;
/// The longest word of the server about the person that is kept, in bytes: a nick of 129 characters,
/// encoded.
const MAX_WORD: usize = 129 * 4 * 3;
/// The first version in which IRO and JOI say what a client can do.
pub(super) const CAPABILITIES: u32 = 12;
/// The most conversations of one person that wait for a switchboard of the server's.
const MAX_ERRANDS: usize = 64;

/// The desk of one person, shared by the notification connection and its switchboards.
#[derive(Clone)]
pub(super) struct Desk {
    papers: Arc<Mutex<Papers>>,
    /// Wakes the notification connection.
    bell: Bell,
}

/// What lies on it.
#[derive(Default)]
pub(super) struct Papers {
    /// The foreign contacts as the client shows them.
    pub(super) people: BTreeMap<Address, Known>,
    /// The whole list, also for the address book.
    pub(super) book: Book,
    /// Foreign people for whom the client was rung, until when it may answer.
    pub(super) rung: BTreeMap<Address, Instant>,
    /// What the client may not have read in conversations that it left.
    pub(super) unread: Unread,
    /// What the server says of the person itself.
    pub(super) me: Me,
    errands: Vec<Errand>,
    keys: VecDeque<String>,
}

/// Texts that crossed with a client's leaving, for the next conversation with their senders.
#[derive(Default)]
pub(super) struct Unread {
    envelopes: Vec<Envelope>,
    bytes: usize,
}

impl Unread {
    /// Keeps texts, while there is room.
    pub(super) fn extend(&mut self, envelopes: Vec<Envelope>) {
        for envelope in envelopes {
            let bytes = of_envelope(&envelope);
            if self.bytes + bytes <= MAX_UNREAD {
                self.bytes += bytes;
                self.envelopes.push(envelope);
            }
        }
    }

    /// Takes those of one person.
    pub(super) fn take(&mut self, from: &Address) -> Vec<Envelope> {
        let theirs: Vec<Envelope> =
            self.envelopes.extract_if(.., |envelope| envelope.from == *from).collect();
        self.bytes -= theirs.iter().map(of_envelope).sum::<usize>();
        theirs
    }

    /// Who they are from.
    pub(super) fn senders(&self) -> BTreeSet<Address> {
        self.envelopes.iter().map(|envelope| envelope.from.clone()).collect()
    }

    /// How many bytes they are.
    pub(super) const fn weight(&self) -> usize {
        self.bytes
    }
}

/// The person, in the words of the notification server: a server that plays a switchboard says
/// them of the person too.
#[derive(Default)]
pub(super) struct Me {
    nick: Option<String>,
    capabilities: String,
}

impl Me {
    /// Notes what the person is called now, as the server encoded it.
    pub(super) fn is_called(&mut self, nick: &str) {
        if !nick.is_empty() && nick.len() <= MAX_WORD {
            self.nick = Some(nick.to_owned());
        }
    }

    /// Notes what the client can do.
    pub(super) fn can(&mut self, capabilities: &str) {
        if capabilities.len() <= MAX_WORD {
            capabilities.clone_into(&mut self.capabilities);
        }
    }

    /// The nick, which is the name where there is none.
    pub(super) fn nick<'a>(&'a self, name: &'a str) -> &'a str {
        self.nick.as_deref().unwrap_or(name)
    }

    /// What IRO and JOI say of the person, in `version`.
    pub(super) fn introduced(&self, name: &str, version: u32) -> String {
        let (first, more) = self.capabilities.split_once(':').unwrap_or((&self.capabilities, "0"));
        let first = if first.is_empty() { "0" } else { first };
        let front = format!("{name} {}", self.nick(name));
        match version {
            ..CAPABILITIES => front,
            CAPABILITIES..16 => format!("{front} {first}"),
            16.. => format!("{front} {first}:{more}"),
        }
    }

    /// How many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        self.nick.as_ref().map_or(0, String::len) + self.capabilities.len()
    }
}

/// A foreign contact as the client shows it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) spelling: String,
    pub(super) nick: String,
    pub(super) online: bool,
}

/// A switchboard of the server's, and the key to it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) at: HostPort,
    pub(super) key: Redacted<String>,
}

/// A conversation's wish for a switchboard of the server's. It is woken when that is granted,
/// and when nobody is left to grant it.
pub(super) struct Errand {
    answer: SyncSender<Place>,
    bell: Bell,
}

impl Errand {
    pub(super) fn done(self, place: Place) {
        // The conversation may be over.
        let _ = self.answer.try_send(place);
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        self.bell.ring();
    }
}

/// A desk that may be gone.
pub(super) struct WeakDesk {
    papers: Weak<Mutex<Papers>>,
    bell: Bell,
}

impl WeakDesk {
    pub(super) fn is_there(&self) -> bool {
        self.papers.strong_count() > 0
    }

    pub(super) fn upgrade(&self) -> Option<Desk> {
        Some(Desk { papers: self.papers.upgrade()?, bell: self.bell.clone() })
    }
}

impl Desk {
    /// An empty desk; `bell` wakes the notification connection.
    pub(super) fn new(bell: Bell) -> Self {
        Self { papers: Arc::default(), bell }
    }

    pub(super) fn open(&self) -> MutexGuard<'_, Papers> {
        // A panic elsewhere cannot leave the maps half-changed.
        self.papers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the notification connection for a switchboard of the server's. The receiver is
    /// disconnected where there is none; `bell` rings in both cases.
    pub(super) fn ask_for_switchboard(&self, bell: Bell) -> Receiver<Place> {
        let (answer, receiver) = sync_channel(1);
        let errand = Errand { answer, bell };
        let mut papers = self.open();
        if papers.errands.len() < MAX_ERRANDS {
            papers.errands.push(errand);
            self.bell.ring();
        }
        receiver
    }

    pub(super) fn downgrade(&self) -> WeakDesk {
        WeakDesk { papers: Arc::downgrade(&self.papers), bell: self.bell.clone() }
    }

    /// Wakes the notification connection.
    pub(super) fn ring(&self) {
        self.bell.ring();
    }

    pub(super) fn take_errands(&self) -> Vec<Errand> {
        std::mem::take(&mut self.open().errands)
    }
}

/// What a ticket says about the conversation at the place it names.
pub(super) struct Invitation {
    /// Whom the notification server accepted.
    pub(super) user: Confirmed,
    /// The notification connection, by its endpoint's name.
    pub(super) endpoint: String,
    /// The version it speaks.
    pub(super) version: u32,
    pub(super) desk: Desk,
    pub(super) host: Host,
}

impl Invitation {
    /// What the first command of a client at a switchboard, `USR n name key` or `ANS n name key
    /// session`, is invited to: by the name and the key, and to which server. A key by itself is
    /// nobody's invitation; one that somebody else shows stays for its owner.
    pub(super) fn claim(
        command: &Command,
        io: &mut Io<'_>,
    ) -> Result<(Option<HostPort>, Option<Self>), Fault> {
        if !matches!(command.verb(), "USR" | "ANS") {
            return Err(Fault::client("a client begins with VER, USR or ANS"));
        }
        let Context { lobby, names, network, .. } = &*io.context;
        let (now, key) = (io.now.instant, command.word(3).as_bytes());
        let name = names.address(passport(command.word(2)), network).ok();
        let is_own = |ticket: &Ticket| {
            let invitation = ticket.note.downcast_ref::<Self>();
            invitation.is_some_and(|i| Some(i.user.name()) == name.as_ref())
        };
        if let Some(ticket) = lobby.take_if(now, key, is_own) {
            let invitation = ticket.note.downcast::<Self>().ok().map(|note| *note);
            return Ok((ticket.dial, invitation));
        }
        let left = lobby.look(now, key, |t| Some((t.dial.clone(), t.note.is::<Self>())));
        match left {
            Some((_, true)) => {
                // Passed on unread, the key would reach the server.
                io.out.withhold();
                Err(Fault::client("it came with the key of somebody else"))
            }
            left => Ok((left.and_then(|(dial, _)| dial), None)),
        }
    }
}

/// A name without the endpoint that MSNP16 and later put behind it.
pub(super) fn passport(name: &str) -> &str {
    name.split(';').next().unwrap_or_default()
}

/// Who holds a conversation.
pub(super) enum Host {
    /// The server.
    Server,
    /// This gateway; with the foreign person who rang the client, if one did.
    Gateway(Option<Address>),
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
        self.out.emit(Event::Send(Outgoing { id, to, body, details: None }));
        id
    }

    /// What a name means here.
    pub(super) fn class_of(&self, name: &str) -> NameClass {
        self.context.names.classify(name)
    }

    /// Invites the client to a conversation that is played here. Returns where to, and with which
    /// key: where it came to now, since it can reach that.
    pub(super) fn invite(&self, invitation: Invitation) -> (HostPort, String) {
        let random = (self.context.random)();
        let part = |at: u32| u32::try_from(random >> at & 0xffff_ffff).unwrap_or_default();
        let key = format!("{}.{}.{}", part(0), part(32), part(64));
        let mut papers = invitation.desk.open();
        papers.keys.push_back(key.clone());
        let oldest = if papers.keys.len() > MAX_KEYS { papers.keys.pop_front() } else { None };
        drop(papers);
        if let Some(oldest) = oldest {
            self.context.lobby.take(self.now.instant, oldest.as_bytes());
        }
        let (place, dial) = match &self.context.via {
            Via::Proxy { dialled } => (dialled.clone(), Some(dialled.clone())),
            Via::Direct { advertise, .. } => (advertise.clone(), None),
        };
        let owner = Owner::account(invitation.user.name());
        let ticket = Ticket { dial, ..Ticket::new(invitation, self.later(TICKET)).of(owner) };
        self.context.lobby.leave(self.now.instant, &key, ticket);
        (place, key)
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
        self.leave(key, place, note, TICKET);
    }

    /// The same for whoever comes with `key` within `time`.
    pub(super) fn expect_soon(&self, key: &str, place: &str, time: Duration) {
        self.leave(key, place, (), time);
    }

    fn leave<N: Send + 'static>(&self, key: &str, place: &str, note: N, time: Duration) {
        let Ok(dial) = place.parse::<HostPort>() else { return };
        let ticket = Ticket::new(note, self.later(time)).to(dial);
        self.context.lobby.leave(self.now.instant, key, ticket);
    }

    pub(super) fn later(&self, time: Duration) -> Instant {
        self.now.instant + time
    }
}

/// What a foreign person's client can do, in the word that NLN, JOI and IRO have for it: nothing,
/// and since MSNP16 what clients were seen to accept.
pub(super) const fn capabilities(version: u32) -> &'static str {
    if version < 16 { "0" } else { "2416181284:00" }
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
