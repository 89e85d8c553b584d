//! Frames: everything that two gateways say to each other on a link. [`codec`](super::codec) writes
//! them.
//!
//! The first frame of each side is a [`Hello`]; [`Frame`]s follow, of the newest version that both
//! speak. Version 3 brought no frame but [`Failure::Unconfirmed`]; version 4 brought fields behind
//! frames, and that frames of kinds that are not known are passed over; version 5 brought mappings.
//!
//! A version adds frames and changes none that is there, so that gateways can be upgraded one at a
//! time. What a peer's version lacks is not sent to it.

use std::borrow::Cow;

use crosstalk_core::{Address, Failure, Roster};
use serde::{Deserialize, Serialize};

use crate::membership::signed_addresses::Card;
use crate::membership::{GatewayId, Key, Signed};
use crate::wire::mapping::{Namespace, Offered, Vouched};
use crate::wire::message::Message;

/// The oldest frame set spoken here. Every [`Hello`] is written in it.
pub(crate) const OLDEST: u8 = 1;
/// The newest.
pub(crate) const NEWEST: u8 = 5;
/// The first version with fields behind frames, in which what is not known is no fault.
pub(crate) const FIELDS: u8 = 4;
/// The first version with mappings.
pub(crate) const MAPPINGS: u8 = 5;
/// The longest frame, in bytes.
pub(crate) const MAX_FRAME: usize = 256 * 1024;
/// The most entries of one list in a frame.
pub(crate) const MAX_BATCH: usize = 1024;

/// First frame of a gateway on a link. Its layout is the same in every version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// The oldest frame set it speaks.
    pub(crate) oldest: u8,
    /// The newest; the link uses the newest that both speak.
    pub(crate) newest: u8,
    /// Its boot: a number that grows with each start.
    pub(crate) epoch: u64,
    /// Addresses at which it can be dialled, as `host:port`.
    pub(crate) addresses: Vec<String>,
}

/// Everything else that gateways say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The sender lives and will say so again before the time is over.
    Lease {
        /// Counts up.
        seq: u64,
        /// Validity of the lease, in milliseconds.
        ttl_ms: u32,
    },
    /// News of locations and watches.
    Records(Vec<Record>),
    /// Every record of the sender that the receiver keeps was sent on this link: others are void.
    Synced {
        /// The sender's count of changes so far.
        version: u64,
    },
    /// As a home the sender has heard these gateways out, in that boot and up to that count of
    /// changes: where it does not say that somebody is, nobody is.
    HeardOut(Vec<(GatewayId, u64, u64)>),
    /// Asks a home at which gateways a person is.
    Locate {
        /// Names the question.
        ask: u64,
        /// The person.
        key: Key,
    },
    /// The answer.
    Located {
        /// The question.
        ask: u64,
        /// Gateways with their epochs.
        at: Vec<(GatewayId, u64)>,
    },
    /// From router to router.
    Message {
        /// Counts up on this link and over reconnects of one boot.
        number: u64,
        /// The sender has the answers of all below this.
        settled: u64,
        /// The message.
        message: Message,
    },
    /// Answers a message with its outcome.
    Answer {
        /// Which.
        number: u64,
        /// Outcome, by the receiving router.
        outcome: Result<(), Failure>,
    },
    /// Asks a home for a person's roster.
    RosterGet {
        /// Names the question.
        ask: u64,
        /// Owner of the roster.
        owner: Address,
    },
    /// The answer is complete: the parts came before.
    RosterGot {
        /// The question.
        ask: u64,
    },
    /// Entries of a roster, to be merged.
    RosterPut {
        /// Owner of the roster.
        owner: Address,
        /// Some of its entries.
        part: Roster,
        /// In the last part, where the sender wants what the receiver has beyond this: the
        /// digest of the whole.
        whole: Option<u64>,
        /// Number of times that the two have exchanged this roster since it changed.
        turn: u8,
    },
    /// Digests of the sender's copies of the rosters that the receiver keeps.
    RosterDigests(Vec<(Key, u64)>),
    /// Send me those.
    RosterWant(Vec<Key>),
    /// The version of the sender's membership document, 0 where it has a fixed list. What the
    /// directories of two gateways say to each other counts while both have the same.
    Era(u64),
    /// Send me your membership document.
    MembershipGet,
    /// Here it is.
    Membership(Signed),
    /// Signed addresses at which gateways can be dialled.
    Cards(Vec<Card>),
    /// From router to router, in place of [`Self::Message`].
    Said {
        /// As there.
        number: u64,
        /// As there.
        settled: u64,
        /// Number of gateways it came from, the sender included.
        hops: u8,
        /// Time since it was sent, in milliseconds: clocks of gateways differ.
        age_ms: u64,
        /// The message.
        message: Message,
    },
    /// Asks a home for mappings of a namespace, in order of key.
    MappingGet {
        /// Names the question.
        ask: u64,
        /// The namespace.
        namespace: Namespace,
        /// The key to begin with.
        from: String,
        /// The most to answer with.
        most: u16,
    },
    /// The answer.
    MappingGot {
        /// The question.
        ask: u64,
        /// The mappings.
        rows: Vec<Vouched>,
        /// There are more behind them.
        more: bool,
    },
    /// Mappings of a namespace, to be merged.
    MappingPut {
        /// Names the question where it is one, of a single mapping that a program says just now; 0
        /// otherwise.
        ask: u64,
        /// The namespace.
        namespace: Namespace,
        /// The mappings.
        rows: Vec<Vouched>,
        /// In the last part, where the sender wants what the receiver has beyond this: the
        /// digest of the whole.
        whole: Option<u64>,
        /// Number of times that the two have exchanged this namespace since it changed.
        turn: u8,
    },
    /// Answers a mapping that was offered.
    MappingOffered {
        /// The question.
        ask: u64,
        /// The answer.
        outcome: Offered,
    },
    /// Digests of the sender's copies of the namespaces that the receiver keeps.
    MappingDigests(Vec<(Namespace, u64)>),
    /// Send me those.
    MappingWant(Vec<Namespace>),
    /// The sender wants to be told of changes, for half a minute.
    MappingWatch {
        /// The namespace.
        namespace: Namespace,
        /// The digest of what it has.
        digest: u64,
    },
    /// A message of a kind that is not known here. It is answered as one that is not taken, so that
    /// its sender hears of it. Only read.
    UnknownMessage {
        /// Counts up, as of others.
        number: u64,
    },
    /// A frame of a kind that is not known here, which is passed over. Only read.
    Unknown,
}

/// The most gateways that a message comes from: nobody passes on what another said, so that
/// nothing circles.
pub(crate) const MAX_HOPS: u8 = 1;

impl Frame {
    /// The version that brought this frame.
    pub(crate) const fn since(&self) -> u8 {
        match self {
            Self::Lease { .. }
            | Self::Records(_)
            | Self::Synced { .. }
            | Self::HeardOut(_)
            | Self::Locate { .. }
            | Self::Located { .. }
            | Self::Message { .. }
            | Self::Answer { .. }
            | Self::RosterGet { .. }
            | Self::RosterGot { .. }
            | Self::RosterPut { .. }
            | Self::RosterDigests(_)
            | Self::RosterWant(_) => 1,
            Self::UnknownMessage { .. }
            | Self::Unknown
            | Self::Said { message: Message::Question { .. }, .. } => FIELDS,
            Self::Era(_)
            | Self::MembershipGet
            | Self::Membership(_)
            | Self::Cards(_)
            | Self::Said { .. } => 2,
            Self::MappingGet { .. }
            | Self::MappingGot { .. }
            | Self::MappingPut { .. }
            | Self::MappingOffered { .. }
            | Self::MappingDigests(_)
            | Self::MappingWant(_)
            | Self::MappingWatch { .. } => MAPPINGS,
        }
    }

    /// Whether it is about mappings, which a node leaves to others.
    pub(crate) const fn is_of_mappings(&self) -> bool {
        matches!(
            self,
            Self::MappingGet { .. }
                | Self::MappingGot { .. }
                | Self::MappingPut { .. }
                | Self::MappingOffered { .. }
                | Self::MappingDigests(_)
                | Self::MappingWant(_)
                | Self::MappingWatch { .. }
        )
    }

    /// Whether it is about rosters, which a node leaves to others.
    pub(crate) const fn is_of_rosters(&self) -> bool {
        matches!(
            self,
            Self::RosterGet { .. }
                | Self::RosterGot { .. }
                | Self::RosterPut { .. }
                | Self::RosterDigests(_)
                | Self::RosterWant(_)
        )
    }

    /// Whether a node takes it.
    pub(crate) const fn is_of_node(&self) -> bool {
        !self.is_of_rosters() && !self.is_of_mappings() && !matches!(self, Self::Membership(_))
    }
}

/// News of one person, as far as a home is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Record {
    /// To a home: the person is at the sender.
    Here {
        /// Key of the person.
        key: Key,
        /// The sender's count of changes when this became so.
        version: u64,
    },
    /// To a home: no longer.
    Gone {
        /// Key of the person.
        key: Key,
        /// As above.
        version: u64,
    },
    /// To a home: somebody at the sender wants to know.
    Watch {
        /// Of whom.
        key: Key,
        /// Comes back with the answer.
        turn: u64,
    },
    /// To a home: no longer.
    Unwatch {
        /// Of whom.
        key: Key,
    },
    /// From a home to a watching gateway.
    Seen {
        /// Key of the person.
        key: Key,
        /// The gateway it is about.
        gateway: GatewayId,
        /// That gateway's boot.
        epoch: u64,
        /// That gateway's count of changes.
        version: u64,
        /// Whether the person is there.
        present: bool,
    },
    /// From a home to a watching gateway: it was told everything that is known of the person.
    Answered {
        /// Of whom.
        key: Key,
        /// The watch.
        turn: u64,
    },
}

impl Hello {
    /// The newest version that both speak; `None` where there is none.
    pub(crate) fn agree(&self, theirs: &Self) -> Option<u8> {
        let newest = self.newest.min(theirs.newest);
        (newest >= self.oldest.max(theirs.oldest)).then_some(newest)
    }
}

impl Frame {
    /// The same as far as an older `version` can say it.
    pub(crate) fn for_version(&self, version: u8) -> Option<Cow<'_, Self>> {
        match self {
            Self::Said { message: Message::Report { .. } | Message::Question { .. }, .. }
                if version < 2 =>
            {
                None
            }
            Self::Said { number, settled, message, .. } if version < 2 => {
                let (number, settled, message) = (*number, *settled, message.clone());
                Some(Cow::Owned(Self::Message { number, settled, message }))
            }
            Self::Answer { number, outcome: Err(Failure::Blocked) } if version < 2 => {
                let outcome = Err(Failure::Offline);
                Some(Cow::Owned(Self::Answer { number: *number, outcome }))
            }
            Self::Said { message: Message::Report { why: Failure::Unconfirmed, .. }, .. }
                if version < UNCONFIRMED =>
            {
                let mut said = self.clone();
                if let Self::Said { message: Message::Report { why, .. }, .. } = &mut said {
                    *why = Failure::Unreachable;
                }
                Some(Cow::Owned(said))
            }
            Self::Answer { number, outcome: Err(Failure::Unconfirmed) }
                if version < UNCONFIRMED =>
            {
                let outcome = Err(Failure::Unreachable);
                Some(Cow::Owned(Self::Answer { number: *number, outcome }))
            }
            frame if frame.since() > version => None,
            frame => Some(Cow::Borrowed(frame)),
        }
    }
}

/// The first version of the frame set that knows [`Failure::Unconfirmed`].
const UNCONFIRMED: u8 = 3;
