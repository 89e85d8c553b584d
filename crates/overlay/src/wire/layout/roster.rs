//! The layout of a buddy list: of all lists on links and on disk, and of what their digest is made
//! from.

use crosstalk_core::{self as core, Stamp, Stamps};
use serde::{Deserialize, Serialize};

use super::Unreadable;
use super::text::{Address, Text};

/// Entries by address: postcard writes a map as the row of its pairs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Roster<'a> {
    #[serde(borrow)]
    entries: Vec<(Address<'a>, Entry<'a>)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    contact: Contact<'a>,
    stamps: [(u64, u64); 4],
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Contact<'a> {
    #[serde(borrow)]
    address: Address<'a>,
    spelling: &'a str,
    alias: Option<&'a str>,
    groups: Vec<&'a str>,
    listed: bool,
    to: Subscription<'a>,
    from: Subscription<'a>,
    blocked: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Subscription<'a> {
    None,
    Asked(#[serde(borrow)] Text<'a>),
    Granted,
}

impl<'a> From<&'a core::Roster> for Roster<'a> {
    fn from(roster: &'a core::Roster) -> Self {
        let entry = |(contact, stamps): (&'a core::Contact, &Stamps)| {
            let entry = Entry { contact: contact.into(), stamps: stamps_of(stamps) };
            (Address::from(&contact.address), entry)
        };
        Self { entries: roster.entries().map(entry).collect() }
    }
}

impl TryFrom<Roster<'_>> for core::Roster {
    type Error = Unreadable;

    fn try_from(roster: Roster<'_>) -> Result<Self, Unreadable> {
        let entry = |(at, entry): (Address<'_>, Entry<'_>)| {
            if at != entry.contact.address {
                return Err(Unreadable::Malformed);
            }
            Ok((entry.contact.try_into()?, read_stamps(entry.stamps)))
        };
        let entries: Result<Vec<_>, _> = roster.entries.into_iter().map(entry).collect();
        Ok(Self::of_entries(entries?))
    }
}

impl<'a> From<&'a core::Contact> for Contact<'a> {
    fn from(contact: &'a core::Contact) -> Self {
        Self {
            address: (&contact.address).into(),
            spelling: &contact.spelling,
            alias: contact.alias.as_deref(),
            groups: contact.groups.iter().map(String::as_str).collect(),
            listed: contact.listed,
            to: (&contact.to).into(),
            from: (&contact.from).into(),
            blocked: contact.blocked,
        }
    }
}

impl TryFrom<Contact<'_>> for core::Contact {
    type Error = Unreadable;

    fn try_from(contact: Contact<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            address: contact.address.try_into()?,
            spelling: contact.spelling.to_owned(),
            alias: contact.alias.map(str::to_owned),
            groups: contact.groups.into_iter().map(str::to_owned).collect(),
            listed: contact.listed,
            to: contact.to.try_into()?,
            from: contact.from.try_into()?,
            blocked: contact.blocked,
        })
    }
}

impl<'a> From<&'a core::Subscription> for Subscription<'a> {
    fn from(subscription: &'a core::Subscription) -> Self {
        match subscription {
            core::Subscription::None => Self::None,
            core::Subscription::Asked(words) => Self::Asked(words.into()),
            core::Subscription::Granted => Self::Granted,
        }
    }
}

impl TryFrom<Subscription<'_>> for core::Subscription {
    type Error = Unreadable;

    fn try_from(subscription: Subscription<'_>) -> Result<Self, Unreadable> {
        Ok(match subscription {
            Subscription::None => Self::None,
            Subscription::Asked(words) => Self::Asked(words.try_into()?),
            Subscription::Granted => Self::Granted,
        })
    }
}

/// Of the listing, of the two directions of consent, and of the block: the time and the writer.
fn stamps_of(stamps: &Stamps) -> [(u64, u64); 4] {
    let Stamps { listing, to, from, blocked } = *stamps;
    [listing, to, from, blocked].map(|stamp| (stamp.millis, stamp.writer))
}

fn read_stamps(stamps: [(u64, u64); 4]) -> Stamps {
    let [listing, to, from, blocked] = stamps.map(|(millis, writer)| Stamp { millis, writer });
    Stamps { listing, to, from, blocked }
}
