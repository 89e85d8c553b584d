//! The records of the database: how messages, buddy lists, accounts and mappings are written.
//!
//! A record is a layout and, behind it, [fields] of later versions. A record that cannot be read is
//! not lost: who finds one keeps its bytes.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crosstalk_core::{Address, Roster, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::mappings::Held;
use crate::membership::GatewayId;
use crate::outbox::Post;
use crate::wire::layout::{self, Unreadable, read, write};
use crate::wire::mapping::Vouched;
use crate::wire::{details, fields};

/// Facts about a list that are known without reading it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) owner: Address,
    pub(crate) bytes: u64,
    /// Running time of this gateway when the owner was last seen to sign on, in milliseconds.
    pub(crate) seen: u64,
}

/// A message that waits, and when it was said.
#[derive(Serialize, Deserialize)]
struct PostRecord<'a> {
    said: u64,
    #[serde(borrow)]
    message: layout::Message<'a>,
    tried: Cow<'a, BTreeSet<GatewayId>>,
    muted: bool,
}

#[derive(Serialize, Deserialize)]
struct ListRecord<'a> {
    #[serde(borrow)]
    owner: layout::Address<'a>,
    roster: layout::roster::Roster<'a>,
}

#[derive(Serialize, Deserialize)]
struct AccountRecord<'a> {
    #[serde(borrow)]
    owner: layout::Address<'a>,
    bytes: u64,
    seen: u64,
}

#[derive(Serialize, Deserialize)]
struct MappingRecord<'a> {
    row: Cow<'a, Vouched>,
    change: u64,
}

/// The record of a message that was said at a time.
pub(crate) fn of_post(said: UnixMillis, post: &Post) -> Vec<u8> {
    let mut bytes = write(&PostRecord {
        said: said.0,
        message: (&post.message).into(),
        tried: Cow::Borrowed(&post.tried),
        muted: post.muted,
    });
    details::put(&mut bytes, &post.message);
    bytes
}

/// Reads [`of_post`].
pub(crate) fn read_post(bytes: &[u8]) -> Result<(UnixMillis, Post), Unreadable> {
    let (record, behind) = read::<PostRecord<'_>>(bytes)?;
    let mut message = record.message.try_into()?;
    details::read(behind, &mut message)?;
    let post = Post { message, tried: record.tried.into_owned(), muted: record.muted };
    Ok((UnixMillis(record.said), post))
}

/// The record of somebody's buddy list.
pub(crate) fn of_list(owner: &Address, roster: &Roster) -> Vec<u8> {
    write(&ListRecord { owner: owner.into(), roster: roster.into() })
}

/// Reads [`of_list`].
pub(crate) fn read_list(bytes: &[u8]) -> Result<(Address, Roster), Unreadable> {
    let (record, behind) = read::<ListRecord<'_>>(bytes)?;
    fields::each(behind, |_, _| false)?;
    Ok((record.owner.try_into()?, record.roster.try_into()?))
}

/// The owner of a list, which can be told also where the list itself is damaged.
pub(crate) fn owner_of_list(bytes: &[u8]) -> Result<Address, Unreadable> {
    let (owner, _) = read::<layout::Address<'_>>(bytes)?;
    owner.try_into()
}

/// The fields behind a list, which a later version wrote: they are written again with the list.
pub(crate) fn fields_of_list(bytes: &[u8]) -> &[u8] {
    read::<ListRecord<'_>>(bytes).map_or(&[], |(_, behind)| behind)
}

/// The record of a mapping.
pub(crate) fn of_mapping(held: &Held) -> Vec<u8> {
    write(&MappingRecord { row: Cow::Borrowed(&held.row), change: held.change })
}

/// Reads [`of_mapping`].
pub(crate) fn read_mapping(bytes: &[u8]) -> Result<Held, Unreadable> {
    let (record, behind) = read::<MappingRecord<'_>>(bytes)?;
    fields::each(behind, |_, _| false)?;
    Ok(Held { row: record.row.into_owned(), change: record.change })
}

impl Account {
    /// The record of an account.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self { owner, bytes, seen } = self;
        write(&AccountRecord { owner: owner.into(), bytes: *bytes, seen: *seen })
    }

    /// Reads [`Self::encode`].
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (record, behind) = read::<AccountRecord<'_>>(bytes)?;
        fields::each(behind, |_, _| false)?;
        Ok(Self { owner: record.owner.try_into()?, bytes: record.bytes, seen: record.seen })
    }
}
