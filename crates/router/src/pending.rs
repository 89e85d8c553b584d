//! Pending work of an account: empty for a person for whom nothing happens.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use crosstalk_core::{Address, Envelope, Event, Question};

use crate::conversations::Deferred;
use crate::delivery::{Asker, Delivery};
use crate::flow_actions::TellAgain;
use crate::flows::Held;
use crate::ids::{GatewayKey, SessionId, Ticket};
use crate::outbox::Outbound;
use crate::questions::Asked;

/// Everything of an account that is empty most of the time. Allocated while something of it is
/// not, since a gateway holds many accounts that are idle.
pub(crate) struct Pending<A> {
    /// Emitted by engines before the list is there.
    pub(crate) unheard: VecDeque<Unheard>,
    /// Said to the person before a client takes it.
    pub(crate) early: VecDeque<Early<A>>,
    /// Accepted, and not given to sessions yet.
    pub(crate) held: Vec<Held<A>>,
    /// Said of contacts, or to them, and not to be said again so soon.
    pub(crate) told: TellAgain,
    /// Given to sessions that did not settle it yet.
    pub(crate) deliveries: Vec<Delivery<A>>,
    /// Waits for conversations.
    pub(crate) deferred: Vec<Deferred>,
    /// Said by the person.
    pub(crate) outbox: VecDeque<Outbound>,
    /// Given to the driver, which will say what became of it.
    pub(crate) in_flight: Vec<(Ticket, InFlight)>,
    /// People at other gateways to be told of the person's presence.
    pub(crate) tell: BTreeMap<GatewayKey, BTreeSet<Address>>,
    /// People to ask for presence, and their gateways, with how often that was in vain.
    pub(crate) probes: BTreeMap<(Address, GatewayKey), u8>,
    /// The gateways to tell that the person now takes texts.
    pub(crate) wake: BTreeSet<GatewayKey>,
    /// People to find, with how often they were not where they were found.
    pub(crate) seek: BTreeMap<Address, u8>,
    /// Gateways that keep texts since no session here took them.
    pub(crate) turned_away: BTreeSet<GatewayKey>,
    /// Watchers who seem to be refused, and when they are told so.
    pub(crate) delayed_refusals: BTreeMap<Address, Instant>,
    /// Work to try again, and the time for it.
    pub(crate) retries: Vec<(Instant, Retry)>,
    /// The entries of the list that are not given to the store yet.
    pub(crate) unsaved: BTreeSet<Address>,
}

/// An event of an engine that waits for the list.
pub(crate) struct Unheard {
    pub(crate) session: SessionId,
    pub(crate) event: Event,
    /// Bytes that are reserved for it.
    pub(crate) bytes: usize,
}

/// A message to somebody who just signs on.
pub(crate) struct Early<A> {
    pub(crate) from: GatewayKey,
    pub(crate) envelope: Envelope,
    pub(crate) asker: Asker<A>,
    /// The session that it is reserved for, and how much.
    pub(crate) reserved: Option<(SessionId, usize)>,
}

/// Something given to the driver.
pub(crate) enum InFlight {
    Post(Outbound),
    /// A receipt whose receiver is looked for.
    Locate(Outbound),
    /// A receipt on its way to so many gateways.
    Spread(Outbound, usize),
    Tell(GatewayKey, Vec<Address>),
    /// The presence, to people at a gateway that was lost, for the so manieth time.
    Resume(GatewayKey, Vec<Address>, u8),
    /// Question for presence, after so many in vain.
    Probe(Address, u8),
    Wake,
    /// Search for one who was so often not where he was found.
    Seek(Address, u8),
    /// A question of the person; whom it is about is looked for.
    Find(Asked),
    /// A question of the person, at the gateway of whom it is about.
    Ask(Asked),
    /// A question of somebody else, whose answer is looked for.
    Answer(Address, Question),
    /// A request about what is stored about the person, of a session.
    Records(SessionId),
}

impl InFlight {
    /// Whether a client, or the account in the person's name, said it to somebody.
    pub(crate) const fn is_said(&self) -> bool {
        matches!(self, Self::Post(_) | Self::Locate(_) | Self::Spread(..))
    }

    /// Whether it tells or asks presence. Questions are neither said nor that: they have a rate
    /// of their own.
    pub(crate) const fn is_about_presence(&self) -> bool {
        match self {
            Self::Tell(..) | Self::Resume(..) | Self::Probe(..) | Self::Wake | Self::Seek(..) => {
                true
            }
            Self::Post(_)
            | Self::Locate(_)
            | Self::Spread(..)
            | Self::Find(_)
            | Self::Ask(_)
            | Self::Answer(..)
            | Self::Records(_) => false,
        }
    }
}

/// Something that is tried again.
pub(crate) enum Retry {
    Consent(Outbound),
    Tell(GatewayKey, Vec<Address>),
    Resume(GatewayKey, BTreeSet<Address>, u8),
    Seek(Address, u8),
}

impl Retry {
    /// The step of consent that it is, if it is one.
    pub(crate) fn into_consent(self) -> Option<Outbound> {
        match self {
            Self::Consent(outbound) => Some(outbound),
            Self::Tell(..) | Self::Resume(..) | Self::Seek(..) => None,
        }
    }
}

impl<A> Default for Pending<A> {
    fn default() -> Self {
        Self {
            unheard: VecDeque::new(),
            early: VecDeque::new(),
            held: Vec::new(),
            told: TellAgain::new(),
            deliveries: Vec::new(),
            deferred: Vec::new(),
            outbox: VecDeque::new(),
            in_flight: Vec::new(),
            tell: BTreeMap::new(),
            probes: BTreeMap::new(),
            wake: BTreeSet::new(),
            seek: BTreeMap::new(),
            turned_away: BTreeSet::new(),
            delayed_refusals: BTreeMap::new(),
            retries: Vec::new(),
            unsaved: BTreeSet::new(),
        }
    }
}

impl<A> Pending<A> {
    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.has_left()
            && self.unheard.is_empty()
            && self.early.is_empty()
            && self.held.is_empty()
            && self.told.is_empty()
            && self.deliveries.is_empty()
            && self.deferred.is_empty()
            && self.in_flight.is_empty()
            && self.turned_away.is_empty()
            && self.delayed_refusals.is_empty()
            && self.retries.is_empty()
            && self.unsaved.is_empty()
    }

    /// Whether everything that is to be sent has been given to the driver.
    pub(crate) fn has_left(&self) -> bool {
        self.outbox.is_empty()
            && self.tell.is_empty()
            && self.probes.is_empty()
            && self.wake.is_empty()
            && self.seek.is_empty()
    }

    /// Time at which something is to be done by itself. `arriving` is until when a client may begin
    /// to take what is early.
    pub(crate) fn deadline(&self, arriving: Option<Instant>) -> Option<Instant> {
        let early = arriving.filter(|_| !self.early.is_empty());
        let deliveries = self.deliveries.iter().filter_map(|d| d.until);
        let held = self.held.iter().filter_map(Held::until);
        let deferred = self.deferred.iter().map(|d| d.until);
        let refusals = self.delayed_refusals.values().copied();
        let retries = self.retries.iter().map(|(at, _)| *at);
        deliveries.chain(held).chain(deferred).chain(refusals).chain(retries).chain(early).min()
    }
}
