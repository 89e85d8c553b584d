//! The person behind a client, and what that client has been shown.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_core::{
    Address, Body, Consent, Contact, Envelope, EnvelopeId, Now, Presence, Subscription,
};

use super::corrections::Corrections;
use super::jid::{self, Naming};
use super::privacy::Privacy;
use super::repeats::Repeats;

/// The resource of every foreign person.
const RESOURCE: &str = "CrossTalk";
/// The most sent messages that receipts and failures can still be matched with.
const MAX_SENT: usize = 256;
/// The longest id of a client's stanza that is remembered, in bytes: a UUID takes 36.
pub(super) const MAX_STANZA_ID: usize = 256;
/// The most people who are not in the list and whose spelling or typing is remembered.
const MAX_STRANGERS: usize = 256;
/// The most envelopes that wait for the client to be available.
const MAX_WAITING: usize = 1000;
/// The most requests of one kind that wait for the server's answer.
const MAX_ASKED: usize = 16;
/// Longest wait for contacts to show up again after a resumed session.
const RETURN: Duration = Duration::from_secs(10);

/// Everything about a signed-in person's session.
pub(super) struct Person {
    /// The session's full JID, as the server gave it.
    pub(super) full: String,
    pub(super) user: Address,
    /// The foreign contacts as the client was told of them; boxed, since the tree keeps room for
    /// eleven.
    pub(super) contacts: BTreeMap<Address, Box<Known>>,
    /// The marks of those in the list, together.
    pub(super) marks: Marks,
    /// Whether they are known.
    pub(super) foreign: Foreign,
    pub(super) roster: RosterView,
    /// Whether the person hides (XEP-0016, XEP-0186).
    pub(super) privacy: Privacy,
    pub(super) own: OwnPresence,
    /// Whether the client understands chat states.
    pub(super) chat_states: Support,
    /// Contacts that the client just put into its list, and that are not confirmed yet.
    pub(super) adding: BTreeSet<Address>,
    /// Stanzas that wait for the client to be available; boxed, since that is soon.
    waiting: Option<Box<Waiting>>,
    /// Requests of the client to its server that foreign people have a part in.
    asked: Vec<Request>,
    /// Whether the client wants copies of what other sessions send (XEP-0280).
    pub(super) carbons: bool,
    /// Whether the client knows its block list (XEP-0191), and so gets pushes.
    pub(super) blocklist_shown: bool,
    pub(super) sent: VecDeque<Sent>,
    pub(super) corrections: Corrections,
    /// Time at which contacts that have not shown up again count as gone.
    pub(super) sweep_at: Option<Instant>,
    /// Spellings the client used for people who are not in the list.
    spellings: BTreeMap<Address, String>,
    /// People to whom the client sent chat states.
    typed_to: BTreeSet<Address>,
    /// Messages that an earlier connection took.
    pub(super) repeats: Repeats,
}

/// The presence of the person in this session.
#[derive(Default)]
pub(super) struct OwnPresence {
    /// Whether the client sent presence: only then it wants others'.
    pub(super) available: bool,
    /// Whether it is to be given messages: it is available, with a priority that is not negative
    /// (RFC 6121, section 8.5.2).
    pub(super) takes_texts: bool,
    /// Presence as the client states it.
    said: Presence,
    told: Told,
}

/// Presence that others were told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Told {
    /// Offline.
    #[default]
    Offline,
    /// One that it was before.
    Former,
    /// The present one.
    Current,
}

impl OwnPresence {
    /// Whether the client says that the person is there, whoever may see it.
    pub(super) fn is_online(&self) -> bool {
        self.said.is_online()
    }

    /// The client says so.
    pub(super) fn say(&mut self, presence: Presence) {
        if self.told == Told::Current && presence != self.said {
            self.told = Told::Former;
        }
        self.said = presence;
    }

    /// The presence that others have to be told, now that they may see the person or not.
    pub(super) fn tell(&mut self, visible: bool) -> Option<Presence> {
        let told = if visible && self.is_online() { Told::Current } else { Told::Offline };
        let before = std::mem::replace(&mut self.told, told);
        (before != told).then(|| self.told())
    }

    /// Presence as others were told.
    pub(super) fn told(&self) -> Presence {
        if self.told == Told::Offline { Presence::offline() } else { self.said.clone() }
    }
}

/// Progress of the foreign part of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// It is on the way.
    Awaited,
    /// It is on the way, but the client got its roster without.
    Late,
    /// It is here.
    Here,
}

impl Foreign {
    /// Nobody waits for it any more.
    pub(super) fn give_up(&mut self) {
        if *self == Self::Awaited {
            *self = Self::Late;
        }
    }
}

/// Knowledge of whether a client supports something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Support {
    Unknown,
    /// It was asked (XEP-0030).
    Asked,
    Yes,
}

/// A foreign contact as the client knows it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) contact: Contact,
    pub(super) presence: Presence,
    /// The presence is of before a reconnect.
    pub(super) stale: bool,
    /// The mark of its item, if it stands in the list.
    pub(super) mark: Option<u64>,
}

/// A mark of many items in whatever order, kept up so that a change of one costs no walk.
#[derive(Clone, Copy, Default)]
pub(super) struct Marks {
    pub(super) sum: u64,
    pub(super) items: usize,
}

impl Marks {
    /// An item, or none, took the place of another, or of none.
    pub(super) fn replace(&mut self, old: Option<u64>, new: Option<u64>) {
        let (gone, come) = (old.unwrap_or_default(), new.unwrap_or_default());
        self.sum = self.sum.wrapping_sub(gone).wrapping_add(come);
        self.items = self.items + usize::from(new.is_some()) - usize::from(old.is_some());
    }
}

impl Known {
    /// Bytes that it takes, roughly.
    fn weight(&self) -> usize {
        self.contact.weight() + self.presence.text.text().len() + size_of::<Presence>()
    }
}

/// Roster as the client knows it.
#[derive(Default)]
pub(super) struct RosterView {
    /// Whether it has its roster, and so gets pushes.
    pub(super) shown: bool,
    /// The server's version that the client has.
    pub(super) version: Option<String>,
}

/// Request of a client to its server that foreign people have a part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The roster.
    Roster {
        /// The client's version has the current foreign part.
        current: bool,
    },
    /// The blocklist (XEP-0191).
    Blocklist,
    /// Copies of what other sessions send (XEP-0280).
    Carbons,
}

/// A request of the client's to its server.
struct Request {
    id: Box<str>,
    asked: Asked,
    /// The place of its answer among the stanzas that the client was sent (XEP-0198): until that is
    /// acknowledged, the server may say it again on another connection.
    answered: Option<u32>,
}

impl Asked {
    fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// Stanzas that wait for a client to be available.
#[derive(Default)]
pub(super) struct Waiting {
    /// Messages that the client may not have got in a session that could not be resumed.
    pub(super) again: Vec<Bytes>,
    /// Envelopes that came meanwhile.
    pub(super) envelopes: VecDeque<Envelope>,
    /// Bytes that both take.
    bytes: usize,
}

/// State that a session that could not be resumed leaves to the next.
#[derive(Default)]
pub(super) struct Leftover {
    /// Messages of the client that the gateway took.
    pub(super) repeats: Repeats,
    /// Messages for the client that it did not acknowledge.
    pub(super) again: Vec<Bytes>,
}

/// A message the client sent to a foreign person.
pub(super) struct Sent {
    pub(super) id: EnvelopeId,
    pub(super) to: Address,
    /// The id the client gave it.
    pub(super) stanza: String,
    /// It asked for a receipt (XEP-0184).
    pub(super) receipt: bool,
    /// It asked for chat markers (XEP-0333).
    pub(super) markable: bool,
}

impl Person {
    pub(super) fn new(full: String, user: Address) -> Self {
        Self {
            full,
            user,
            contacts: BTreeMap::new(),
            marks: Marks::default(),
            foreign: Foreign::Awaited,
            roster: RosterView::default(),
            privacy: Privacy::default(),
            own: OwnPresence::default(),
            chat_states: Support::Unknown,
            adding: BTreeSet::new(),
            waiting: None,
            asked: Vec::new(),
            carbons: false,
            blocklist_shown: false,
            sent: VecDeque::new(),
            corrections: Corrections::default(),
            sweep_at: None,
            spellings: BTreeMap::new(),
            typed_to: BTreeSet::new(),
            repeats: Repeats::default(),
        }
    }

    /// Takes over what another session left.
    pub(super) fn inherit(&mut self, left: Leftover) {
        if !left.again.is_empty() {
            let waiting = self.waiting.get_or_insert_default();
            waiting.bytes += left.again.iter().map(Bytes::len).sum::<usize>();
            waiting.again = left.again;
        }
        self.repeats = left.repeats;
    }

    /// The contacts who may see the person's presence.
    pub(super) fn watchers(&self) -> impl Iterator<Item = &Contact> {
        let contacts = self.contacts.values().map(|known| &known.contact);
        contacts.filter(|contact| contact.from == Subscription::Granted)
    }

    /// Keeps something until the client is available; if there is too much, drops it.
    pub(super) fn wait_for_presence(&mut self, envelope: Envelope) {
        let waiting = self.waiting.get_or_insert_default();
        if waiting.envelopes.len() < MAX_WAITING {
            let words = match &envelope.body {
                Body::Contact(Consent::Request(words)) => words.text().len(),
                _ => 0,
            };
            waiting.bytes += size_of::<Envelope>() + words;
            waiting.envelopes.push_back(envelope);
        }
    }

    /// Takes what waited for the client to be available: messages of the last session, and others.
    pub(super) fn take_waiting(&mut self) -> Waiting {
        self.waiting.take().map(|waiting| *waiting).unwrap_or_default()
    }

    /// Bytes that wait for the client to be available.
    pub(super) fn waits(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| waiting.bytes)
    }

    /// The client asks its server something under `id`.
    pub(super) fn asks(&mut self, id: Option<&str>, asked: Asked) {
        let Some(id) = id.filter(|id| id.len() <= MAX_STANZA_ID) else { return };
        let alike = |request: &&Request| request.asked.is_like(asked);
        if self.asked.iter().filter(alike).count() >= MAX_ASKED {
            // Rather one whose answer the client probably has than the newest.
            let old =
                |request: &Request| request.asked.is_like(asked) && request.answered.is_some();
            let Some(old) = self.asked.iter().position(old) else { return };
            self.asked.remove(old);
        }
        self.asked.push(Request { id: id.into(), asked, answered: None });
    }

    /// The server answers `id`, by a stanza that has this place where it may be said again: what
    /// was asked.
    pub(super) fn answered(&mut self, id: &str, place: Option<u32>) -> Option<Asked> {
        let waits = |request: &Request| *request.id == *id && request.answered.is_none();
        let at = self.asked.iter().position(waits)?;
        let request = self.asked.get_mut(at)?;
        let asked = request.asked;
        request.answered = place;
        if place.is_none() {
            self.asked.remove(at);
            self.shrink_asked();
        }
        Some(asked)
    }

    /// The client acknowledges `h` stanzas: none of them is said again.
    pub(super) fn acknowledged(&mut self, h: u32) {
        // The count starts over at its end.
        let is_behind = |place: u32| h.wrapping_sub(place) > u32::MAX / 2;
        self.asked.retain(|request| request.answered.is_none_or(is_behind));
        self.shrink_asked();
    }

    fn shrink_asked(&mut self) {
        if self.asked.is_empty() {
            self.asked = Vec::new();
        }
    }

    /// Bytes that all of this takes, roughly; counted, not kept.
    pub(super) fn weight(&self) -> usize {
        let contacts = self.contacts.values().map(|known| known.weight());
        let sent = self.sent.iter().map(|sent| size_of::<Sent>() + sent.stanza.len());
        size_of::<Self>()
            + self.waits()
            + self.repeats.weight()
            + self.privacy.weight()
            + self.corrections.weight()
            + contacts.chain(sent).sum::<usize>()
    }

    /// The person's bare JID.
    pub(super) fn bare(&self) -> &str {
        jid::bare(&self.full)
    }

    /// Whether a stanza without `to`, or with this one, is for the person's own account.
    pub(super) fn is_self(&self, jid: Option<&str>) -> bool {
        jid.is_none_or(|jid| jid.eq_ignore_ascii_case(self.bare()))
    }

    /// The bare JID under which the client knows a foreign person.
    pub(super) fn bare_of(&self, naming: &Naming, address: &Address) -> String {
        let listed = self.contacts.get(address).map(|known| known.contact.spelling.as_str());
        listed
            .and_then(|spelling| naming.accept(spelling, address))
            .or_else(|| self.spellings.get(address).map(String::as_str))
            .map_or_else(|| naming.spell(address), str::to_owned)
    }

    /// The one full JID of a foreign person.
    pub(super) fn full_of(&self, naming: &Naming, address: &Address) -> String {
        format!("{}/{RESOURCE}", self.bare_of(naming, address))
    }

    /// Remembers how the client spells somebody.
    pub(super) fn learn_spelling(&mut self, naming: &Naming, address: &Address, jid: &str) {
        let spelling = jid::bare(jid).to_lowercase();
        if self.spellings.len() < MAX_STRANGERS && naming.accept(&spelling, address).is_some() {
            self.spellings.entry(address.clone()).or_insert(spelling);
        }
    }

    /// Remembers how the client knew somebody who is a contact no more.
    pub(super) fn keep_spelling(
        &mut self,
        naming: &Naming,
        address: &Address,
        spelling: Option<&str>,
    ) {
        let spelling = spelling.and_then(|spelling| naming.accept(spelling, address));
        if let Some(spelling) = spelling.filter(|_| self.spellings.len() < MAX_STRANGERS) {
            self.spellings.insert(address.clone(), spelling.to_owned());
        }
    }

    /// Remembers that the client knows chat states with somebody.
    pub(super) fn learn_typing(&mut self, address: &Address) {
        if self.typed_to.len() < MAX_STRANGERS {
            self.typed_to.insert(address.clone());
        }
    }

    /// Whether the client would understand chat states of `address` (XEP-0085, section 5.1).
    pub(super) fn understands_typing(&self, address: &Address) -> bool {
        self.chat_states == Support::Yes || self.typed_to.contains(address)
    }

    /// Whether a contact stands in the client's list, or is about to.
    pub(super) fn lists(&self, address: &Address) -> bool {
        let known = self.contacts.get(address).is_some_and(|known| known.contact.listed);
        known || self.adding.contains(address)
    }

    /// Remembers a message, to match what comes back.
    pub(super) fn remember(&mut self, sent: Sent) {
        if sent.stanza.len() > MAX_STANZA_ID {
            return;
        }
        if self.sent.len() >= MAX_SENT {
            self.sent.pop_front();
        }
        self.sent.push_back(sent);
    }

    /// The session goes on over a new connection.
    pub(super) fn reconnected(&mut self, now: Now) {
        self.privacy.reconnected();
        for request in &mut self.asked {
            request.answered = None;
        }
        self.foreign = Foreign::Awaited;
        self.sweep_at = Some(now.instant + RETURN);
        for known in self.contacts.values_mut() {
            known.stale = true;
        }
    }
}
