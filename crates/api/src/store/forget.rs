//! Forgetting somebody.

use std::collections::BTreeSet;

use crosstalk_core::Address;
use redb::{Database, ReadableTable as _};

use super::events::event_of;
use super::tables::{CURSORS, EVENTS, PROFILES};
use super::{Store, StoreError};
use crate::content::Event;

impl Store {
    /// Forgets everything that is kept for somebody but the tokens, and what others' programs were
    /// told of that one. Returns those whose logs have less in them now.
    pub(crate) async fn forget(&self, who: &Address) -> Result<Vec<Address>, StoreError> {
        self.forget_in(who, true).await
    }

    /// Forgets everything that is kept for somebody but the tokens. What others' programs were told
    /// stays: their senders heard that it had arrived.
    pub(crate) async fn forget_own(&self, who: &Address) -> Result<Vec<Address>, StoreError> {
        self.forget_in(who, false).await
    }

    async fn forget_in(&self, who: &Address, others: bool) -> Result<Vec<Address>, StoreError> {
        let who = who.to_string();
        let owner = who.clone();
        self.remove_files(move |offered| offered.who == owner).await?;
        self.on_disk(move |db| forget(db, &who, others)).await
    }
}

fn forget(db: &Database, who: &str, others: bool) -> Result<Vec<Address>, redb::Error> {
    let write = db.begin_write()?;
    let mut owners = BTreeSet::new();
    {
        let mut log = write.open_table(EVENTS)?;
        log.retain(|(owner, _), record| {
            let is_of = owner == who
                || (others
                    && serde_json::from_slice::<Event>(event_of(record))
                        .is_ok_and(|event| event.is_of(who)));
            if is_of {
                owners.insert(owner.to_owned());
            }
            !is_of
        })?;
        write.open_table(PROFILES)?.remove(who)?;
        // The numbers go on: a program that has one takes no later event for an earlier one.
        let mut cursors = write.open_table(CURSORS)?;
        let newest = cursors.get(who)?.map(|cursor| cursor.value().1);
        if let Some(newest) = newest {
            cursors.insert(who, (newest, newest))?;
        }
    }
    write.commit()?;
    owners.insert(who.to_owned());
    Ok(owners.iter().filter_map(|owner| owner.parse().ok()).collect())
}
