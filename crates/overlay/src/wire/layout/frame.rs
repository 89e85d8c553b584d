//! The layout of frames. What is only the overlay's is written as it is.

use std::borrow::Cow;

use crosstalk_core::Roster as CoreRoster;
use serde::{Deserialize, Serialize};

use super::Unreadable;
use super::message::{Message, Outcome, Said, outcome, read_outcome};
use super::roster::Roster;
use super::text::Address;
use crate::membership::signed_addresses::Card;
use crate::membership::{GatewayId, Key, Signed};
use crate::wire::frame::{self, Record};
use crate::wire::mapping::{Namespace, Offered, Vouched};

/// The number of [`Frame::Said`].
pub(crate) const SAID: u8 = 17;

/// See [`frame::Frame`]. The number of a variant is its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Frame<'a> {
    Lease {
        seq: u64,
        ttl_ms: u32,
    },
    Records(Cow<'a, [Record]>),
    Synced {
        version: u64,
    },
    HeardOut(Cow<'a, [(GatewayId, u64, u64)]>),
    Locate {
        ask: u64,
        key: Key,
    },
    Located {
        ask: u64,
        at: Cow<'a, [(GatewayId, u64)]>,
    },
    Message {
        number: u64,
        settled: u64,
        #[serde(borrow)]
        message: Message<'a>,
    },
    Answer {
        number: u64,
        outcome: Outcome,
    },
    RosterGet {
        ask: u64,
        #[serde(borrow)]
        owner: Address<'a>,
    },
    RosterGot {
        ask: u64,
    },
    RosterPut {
        #[serde(borrow)]
        owner: Address<'a>,
        part: Roster<'a>,
        whole: Option<u64>,
        turn: u8,
    },
    RosterDigests(Cow<'a, [(Key, u64)]>),
    RosterWant(Cow<'a, [Key]>),
    Era(u64),
    MembershipGet,
    Membership(Cow<'a, Signed>),
    Cards(Cow<'a, [Card]>),
    Said(#[serde(borrow)] SaidMessage<'a>),
    MappingGet {
        ask: u64,
        namespace: Namespace,
        from: Cow<'a, str>,
        most: u16,
    },
    MappingGot {
        ask: u64,
        rows: Cow<'a, [Vouched]>,
        more: bool,
    },
    MappingPut {
        ask: u64,
        namespace: Namespace,
        rows: Cow<'a, [Vouched]>,
        whole: Option<u64>,
        turn: u8,
    },
    MappingOffered {
        ask: u64,
        outcome: Offered,
    },
    MappingDigests(Cow<'a, [(Namespace, u64)]>),
    MappingWant(Cow<'a, [Namespace]>),
    MappingWatch {
        namespace: Namespace,
        digest: u64,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SaidMessage<'a> {
    head: Said,
    #[serde(borrow)]
    message: Message<'a>,
}

impl<'a> Frame<'a> {
    /// The layout of a frame; `None` of one that is only read.
    pub(crate) fn of(frame: &'a frame::Frame) -> Option<Self> {
        use frame::Frame as F;
        Some(match frame {
            F::Lease { seq, ttl_ms } => Self::Lease { seq: *seq, ttl_ms: *ttl_ms },
            F::Records(records) => Self::Records(records.into()),
            F::Synced { version } => Self::Synced { version: *version },
            F::HeardOut(heard) => Self::HeardOut(heard.into()),
            F::Locate { ask, key } => Self::Locate { ask: *ask, key: *key },
            F::Located { ask, at } => Self::Located { ask: *ask, at: at.into() },
            F::Message { number, settled, message } => {
                Self::Message { number: *number, settled: *settled, message: message.into() }
            }
            F::Answer { number, outcome: said } => {
                Self::Answer { number: *number, outcome: outcome(*said) }
            }
            F::RosterGet { ask, owner } => Self::RosterGet { ask: *ask, owner: owner.into() },
            F::RosterGot { ask } => Self::RosterGot { ask: *ask },
            F::RosterPut { owner, part, whole, turn } => Self::RosterPut {
                owner: owner.into(),
                part: part.into(),
                whole: *whole,
                turn: *turn,
            },
            F::RosterDigests(digests) => Self::RosterDigests(digests.into()),
            F::RosterWant(keys) => Self::RosterWant(keys.into()),
            F::Era(version) => Self::Era(*version),
            F::MembershipGet => Self::MembershipGet,
            F::Membership(signed) => Self::Membership(Cow::Borrowed(signed)),
            F::Cards(cards) => Self::Cards(cards.into()),
            F::Said { number, settled, hops, age_ms, message } => {
                let (number, settled, hops, age_ms) = (*number, *settled, *hops, *age_ms);
                let head = Said { number, settled, hops, age_ms };
                Self::Said(SaidMessage { head, message: message.into() })
            }
            F::UnknownMessage { .. } | F::Unknown => return None,
            mappings => return Self::of_mappings(mappings),
        })
    }
}

impl<'a> Frame<'a> {
    /// The layout of a frame about mappings.
    fn of_mappings(frame: &'a frame::Frame) -> Option<Self> {
        use frame::Frame as F;
        Some(match frame {
            F::MappingGet { ask, namespace, from, most } => {
                let (ask, namespace, most) = (*ask, *namespace, *most);
                Self::MappingGet { ask, namespace, from: from.into(), most }
            }
            F::MappingGot { ask, rows, more } => {
                Self::MappingGot { ask: *ask, rows: rows.into(), more: *more }
            }
            F::MappingPut { ask, namespace, rows, whole, turn } => {
                let (ask, namespace, whole, turn) = (*ask, *namespace, *whole, *turn);
                Self::MappingPut { ask, namespace, rows: rows.into(), whole, turn }
            }
            F::MappingOffered { ask, outcome } => {
                Self::MappingOffered { ask: *ask, outcome: *outcome }
            }
            F::MappingDigests(digests) => Self::MappingDigests(digests.into()),
            F::MappingWant(wanted) => Self::MappingWant(wanted.into()),
            F::MappingWatch { namespace, digest } => {
                Self::MappingWatch { namespace: *namespace, digest: *digest }
            }
            _ => return None,
        })
    }
}

impl TryFrom<Frame<'_>> for frame::Frame {
    type Error = Unreadable;

    fn try_from(frame: Frame<'_>) -> Result<Self, Unreadable> {
        Ok(match frame {
            Frame::Lease { seq, ttl_ms } => Self::Lease { seq, ttl_ms },
            Frame::Records(records) => Self::Records(records.into_owned()),
            Frame::Synced { version } => Self::Synced { version },
            Frame::HeardOut(heard) => Self::HeardOut(heard.into_owned()),
            Frame::Locate { ask, key } => Self::Locate { ask, key },
            Frame::Located { ask, at } => Self::Located { ask, at: at.into_owned() },
            Frame::Message { number, settled, message } => {
                Self::Message { number, settled, message: message.try_into()? }
            }
            Frame::Answer { number, outcome } => {
                Self::Answer { number, outcome: read_outcome(outcome) }
            }
            Frame::RosterGet { ask, owner } => Self::RosterGet { ask, owner: owner.try_into()? },
            Frame::RosterGot { ask } => Self::RosterGot { ask },
            Frame::RosterPut { owner, part, whole, turn } => {
                let part: CoreRoster = part.try_into()?;
                Self::RosterPut { owner: owner.try_into()?, part, whole, turn }
            }
            Frame::RosterDigests(digests) => Self::RosterDigests(digests.into_owned()),
            Frame::RosterWant(keys) => Self::RosterWant(keys.into_owned()),
            Frame::Era(version) => Self::Era(version),
            Frame::MembershipGet => Self::MembershipGet,
            Frame::Membership(signed) => Self::Membership(signed.into_owned()),
            Frame::Cards(cards) => Self::Cards(cards.into_owned()),
            Frame::Said(SaidMessage { head, message }) => {
                let Said { number, settled, hops, age_ms } = head;
                Self::Said { number, settled, hops, age_ms, message: message.try_into()? }
            }
            Frame::MappingGet { ask, namespace, from, most } => {
                Self::MappingGet { ask, namespace, from: from.into_owned(), most }
            }
            Frame::MappingGot { ask, rows, more } => {
                Self::MappingGot { ask, rows: rows.into_owned(), more }
            }
            Frame::MappingPut { ask, namespace, rows, whole, turn } => {
                Self::MappingPut { ask, namespace, rows: rows.into_owned(), whole, turn }
            }
            Frame::MappingOffered { ask, outcome } => Self::MappingOffered { ask, outcome },
            Frame::MappingDigests(digests) => Self::MappingDigests(digests.into_owned()),
            Frame::MappingWant(wanted) => Self::MappingWant(wanted.into_owned()),
            Frame::MappingWatch { namespace, digest } => Self::MappingWatch { namespace, digest },
        })
    }
}
