//! Presence that somebody's programs have set.

use crosstalk_core::Address;
use redb::ReadableDatabase as _;

use super::tables::PROFILES;
use super::{Store, StoreError};
use crate::content::Presence;

impl Store {
    /// The presence that somebody shows when there; the usual one where none was set.
    pub(crate) async fn profile(&self, who: &Address) -> Result<Presence, StoreError> {
        let who = who.to_string();
        let stored = self.on_disk(move |db| {
            let table = db.begin_read()?.open_table(PROFILES)?;
            Ok(table.get(who.as_str())?.map(|profile| profile.value().to_vec()))
        });
        let stored = stored.await?;
        Ok(stored.and_then(|stored| serde_json::from_slice(&stored).ok()).unwrap_or_default())
    }

    /// Sets it.
    pub(crate) async fn set_profile(
        &self,
        who: &Address,
        presence: &Presence,
    ) -> Result<(), StoreError> {
        let who = who.to_string();
        let stored = serde_json::to_vec(presence).unwrap_or_default();
        self.on_disk(move |db| {
            let write = db.begin_write()?;
            write.open_table(PROFILES)?.insert(who.as_str(), stored.as_slice())?;
            write.commit()?;
            Ok(())
        })
        .await
    }
}
