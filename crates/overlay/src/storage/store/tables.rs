//! The tables of the database, and how they are read and written.

use std::borrow::Cow;

use crosstalk_core::{Address, Roster, UnixMillis};
use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, Table,
    TableDefinition, WriteTransaction,
};

use super::batch::{Batch, List};
use super::mappings;
#[cfg(test)]
use crate::common::fault_injection;
use crate::membership::Key;
use crate::outbox::Post;
use crate::rosters;
use crate::storage::records::{self, Account};
use crate::wire::layout::Unreadable;

/// [Records](records::of_list) of buddy lists.
const ROSTERS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("rosters/1");
/// Digests of the rosters.
const DIGESTS: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("digests/1");
/// An [`Account`] for each roster.
const ACCOUNTS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("accounts/1");
/// Digests of rosters that expired, which is not to be taken again from a gateway where it did not
/// yet.
const EXPIRED: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("expired/1");
/// [Records](records::of_post) of messages.
const OUTBOX: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("outbox/1");
/// Numbers with a name.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta/1");
/// Records that cannot be read, by where they stood.
const DAMAGED: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("damaged/1");
const EPOCH: &str = "epoch";
/// For how long this gateway has run in all, in milliseconds.
const RAN: &str = "ran";

/// Counts and facts read from a database when it is opened.
pub(super) struct Begun {
    pub(super) epoch: u64,
    pub(super) ran: u64,
    pub(super) accounts: Vec<Account>,
}

/// The boot after `last`. The wall clock keeps epochs growing where the store was lost, the
/// count where the clock went back.
pub(crate) fn next_epoch(last: u64, wall: UnixMillis) -> u64 {
    #[cfg(test)]
    if last > 0 && fault_injection::is(fault_injection::Fault::ReusedEpoch) {
        return last;
    }
    wall.0.max(last.saturating_add(1))
}

/// Begins a boot. Rosters of an older version of this program get their accounts here, from now on.
pub(super) fn begin(db: &Database, wall: UnixMillis) -> Result<Begun, redb::Error> {
    let write = db.begin_write()?;
    let begun = {
        write.open_table(EXPIRED)?;
        let mut meta = write.open_table(META)?;
        let last = meta.get(EPOCH)?.map_or(0, |value| value.value());
        let ran = meta.get(RAN)?.map_or(0, |value| value.value());
        let epoch = next_epoch(last, wall);
        meta.insert(EPOCH, epoch)?;
        put_aside_messages(&write)?;
        mappings::put_aside_unreadable(&write, &mut write.open_table(DAMAGED)?)?;
        Begun { epoch, ran, accounts: accounts(&write, ran)? }
    };
    write.commit()?;
    Ok(begun)
}

/// All accounts, of which those that are missing are made, and those that cannot be read anew.
fn accounts(write: &WriteTransaction, ran: u64) -> Result<Vec<Account>, redb::Error> {
    let rosters = write.open_table(ROSTERS)?;
    write.open_table(DIGESTS)?;
    let mut table = write.open_table(ACCOUNTS)?;
    let mut damaged = write.open_table(DAMAGED)?;
    let mut missing = Vec::new();
    for entry in rosters.iter()? {
        let (key, _) = entry?;
        let account = table.get(key.value())?;
        if let Some(bytes) = &account
            && let Err(why) = Account::decode(bytes.value())
        {
            tracing::error!("an account of a list cannot be read and is made anew: {why}");
            let place = [b"accounts/1 ".as_slice(), key.value()].concat();
            put_aside(&mut damaged, place, bytes.value())?;
            missing.push(*key.value());
        } else if account.is_none() {
            missing.push(*key.value());
        }
    }
    for key in missing {
        let Some(bytes) = rosters.get(&key)? else { continue };
        let Ok(owner) = records::owner_of_list(bytes.value()) else { continue };
        let account = Account { owner, bytes: bytes.value().len() as u64, seen: ran };
        table.insert(&key, account.encode().as_slice())?;
    }
    let mut all = Vec::new();
    for entry in table.iter()? {
        let (_, bytes) = entry?;
        all.extend(Account::decode(bytes.value()));
    }
    Ok(all)
}

/// Keeps a record that cannot be read, beside others that stood at the same place.
pub(super) fn put_aside(
    damaged: &mut Table<'_, &[u8], &[u8]>,
    mut place: Vec<u8>,
    bytes: &[u8],
) -> Result<(), redb::Error> {
    while damaged.get(place.as_slice())?.is_some_and(|kept| kept.value() != bytes) {
        place.push(b'+');
    }
    damaged.insert(place.as_slice(), bytes)?;
    Ok(())
}

/// Number of records that were put aside since there is this store.
pub(super) fn count_aside(db: &Database) -> Result<u64, redb::Error> {
    Ok(db.begin_read()?.open_table(DAMAGED)?.len()?)
}

/// Keeps messages that cannot be read where no other one takes their place.
fn put_aside_messages(write: &WriteTransaction) -> Result<(), redb::Error> {
    let (mut outbox, mut damaged) = (write.open_table(OUTBOX)?, write.open_table(DAMAGED)?);
    let mut found = Vec::new();
    for entry in outbox.iter()? {
        let (number, bytes) = entry?;
        if let Err(error) = records::read_post(bytes.value()) {
            let number = number.value();
            tracing::error!(number, "a kept message cannot be read and is put aside: {error}");
            found.push((number, bytes.value().to_vec()));
        }
    }
    for (number, bytes) in found {
        put_aside(&mut damaged, format!("outbox/1 {number}").into_bytes(), &bytes)?;
        outbox.remove(number)?;
    }
    Ok(())
}

pub(super) fn read_list(db: &Database, key: &Key) -> Result<Option<ReadList>, redb::Error> {
    let table = db.begin_read()?.open_table(ROSTERS)?;
    Ok(table.get(key.as_bytes())?.map(|bytes| records::read_list(bytes.value())))
}

/// A list and its owner, where its record can be read.
type ReadList = Result<(Address, Roster), Unreadable>;

pub(super) fn read_posts(db: &Database) -> Result<Vec<(u64, UnixMillis, Post)>, redb::Error> {
    let table = db.begin_read()?.open_table(OUTBOX)?;
    let mut posts = Vec::new();
    for entry in table.iter()? {
        let (number, bytes) = entry?;
        // What cannot be read was put aside when the store was opened.
        if let Ok((said, post)) = records::read_post(bytes.value()) {
            posts.push((number.value(), said, post));
        }
    }
    Ok(posts)
}

pub(super) fn read_digests(db: &Database) -> Result<Vec<(Key, u64)>, redb::Error> {
    let table = db.begin_read()?.open_table(DIGESTS)?;
    let entries = table.iter()?.map(|entry| {
        let (key, digest) = entry?;
        Ok((Key::from_bytes(*key.value()), digest.value()))
    });
    entries.collect()
}

pub(super) fn read_account(db: &Database, key: &Key) -> Result<Option<Account>, redb::Error> {
    let table = db.begin_read()?.open_table(ACCOUNTS)?;
    Ok(table.get(key.as_bytes())?.and_then(|bytes| Account::decode(bytes.value()).ok()))
}

pub(super) fn read_expired(db: &Database, key: &Key) -> Result<Option<u64>, redb::Error> {
    let table = db.begin_read()?.open_table(EXPIRED)?;
    Ok(table.get(key.as_bytes())?.map(|digest| digest.value()))
}

/// The rosters whose owners were last seen before a time that this gateway has run.
pub(super) fn read_overdue(db: &Database, before: u64) -> Result<Vec<Key>, redb::Error> {
    let table = db.begin_read()?.open_table(ACCOUNTS)?;
    let mut overdue = Vec::new();
    for entry in table.iter()? {
        let (key, bytes) = entry?;
        if Account::decode(bytes.value()).is_ok_and(|account| account.seen <= before) {
            overdue.push(Key::from_bytes(*key.value()));
        }
    }
    Ok(overdue)
}

pub(super) fn write_batch(db: &Database, batch: &Batch) -> Result<(), redb::Error> {
    let write = db.begin_write()?;
    for (key, list) in batch.lists() {
        write_list(&write, key, list, batch.ran)?;
    }
    mappings::write(&write, batch, &mut write.open_table(DAMAGED)?)?;
    {
        let mut accounts = write.open_table(ACCOUNTS)?;
        for (key, seen) in &batch.seen {
            let account =
                accounts.get(key.as_bytes())?.and_then(|b| Account::decode(b.value()).ok());
            if let Some(account) = account {
                let account = Account { seen: account.seen.max(*seen), ..account };
                accounts.insert(key.as_bytes(), account.encode().as_slice())?;
            }
        }
        let mut outbox = write.open_table(OUTBOX)?;
        for (number, kept) in &batch.posts {
            match kept {
                Some((_, bytes)) => drop(outbox.insert(number, bytes.as_slice())?),
                None => drop(outbox.remove(number)?),
            }
        }
        if batch.ran > 0 {
            write.open_table(META)?.insert(RAN, batch.ran)?;
        }
    }
    write.commit()?;
    Ok(())
}

fn write_list(
    write: &WriteTransaction,
    key: &Key,
    list: &List,
    ran: u64,
) -> Result<(), redb::Error> {
    let at = key.as_bytes();
    let mut table = write.open_table(ROSTERS)?;
    let mut digests = write.open_table(DIGESTS)?;
    let mut accounts = write.open_table(ACCOUNTS)?;
    let mut expired = write.open_table(EXPIRED)?;
    let List::Kept { owner, bytes, digest } = list else {
        let List::Expired { digest } = list else { return Ok(()) };
        table.remove(at)?;
        digests.remove(at)?;
        accounts.remove(at)?;
        expired.insert(at, digest)?;
        return Ok(());
    };
    let (mut bytes, mut digest) = (Cow::Borrowed(&**bytes), *digest);
    let old = table.get(at)?.map(|old| old.value().to_vec());
    match old.as_deref().map(records::read_list) {
        // What could not be read for a while is not overwritten either.
        Some(Ok((_, stored))) => {
            if let Ok((_, mut roster)) = records::read_list(&bytes)
                && !stored.beyond(&roster).is_empty()
            {
                roster.merge(stored);
                digest = rosters::digest(&roster);
                bytes = Cow::Owned(records::of_list(owner, &roster));
            }
            let later = old.as_deref().map_or(&[][..], records::fields_of_list);
            if !later.is_empty() {
                bytes.to_mut().extend_from_slice(later);
            }
        }
        Some(Err(why)) => {
            tracing::error!(?key, "a stored list cannot be read and is put aside: {why}");
            let mut damaged = write.open_table(DAMAGED)?;
            let place = [b"rosters/1 ".as_slice(), at].concat();
            put_aside(&mut damaged, place, old.as_deref().unwrap_or_default())?;
        }
        None => {}
    }
    let seen = accounts.get(at)?.and_then(|account| Account::decode(account.value()).ok());
    let seen = seen.map_or(ran, |account| account.seen);
    let account = Account { owner: owner.clone(), bytes: bytes.len() as u64, seen };
    table.insert(at, &*bytes)?;
    digests.insert(at, digest)?;
    accounts.insert(at, account.encode().as_slice())?;
    expired.remove(at)?;
    Ok(())
}
