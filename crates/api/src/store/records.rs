//! Everything that is kept for one person, read at once.

use crosstalk_core::Address;
use redb::{Database, ReadableDatabase as _, ReadableTable as _};

use super::events::event_of;
use super::tables::{ACCOUNTS, EVENTS, INVITES, PASSKEYS, PROFILES};
use super::{Invite, Passkey, Store, StoreError};
use crate::content::{Numbered, Presence};

/// Records of one person, but for files and tokens.
pub(crate) struct Kept {
    /// The presence that was set.
    pub(crate) presence: Option<Presence>,
    /// The log: also what was acknowledged, as far as it is there.
    pub(crate) events: Vec<Numbered>,
    pub(crate) has_password: bool,
    /// Number of passkeys.
    pub(crate) passkeys: usize,
    pub(crate) invites_expire_at: Vec<u64>,
}

impl Store {
    /// Everything that is kept for somebody but files and tokens.
    pub(crate) async fn kept_of(&self, who: &Address) -> Result<Kept, StoreError> {
        let who = who.to_string();
        self.on_disk(move |db| read(db, &who)).await
    }
}

fn read(db: &Database, who: &str) -> Result<Kept, redb::Error> {
    let read = db.begin_read()?;
    let profile = read.open_table(PROFILES)?.get(who)?;
    let presence = profile.and_then(|stored| serde_json::from_slice(stored.value()).ok());
    let mut events = Vec::new();
    for entry in read.open_table(EVENTS)?.range((who, 0)..=(who, u64::MAX))? {
        let (key, record) = entry?;
        if let Ok(event) = serde_json::from_slice(event_of(record.value())) {
            events.push(Numbered { id: Some(key.value().1), event });
        }
    }
    let mut passkeys = 0;
    for entry in read.open_table(PASSKEYS)?.iter()? {
        let passkey = serde_json::from_slice::<Passkey>(entry?.1.value());
        passkeys += usize::from(passkey.is_ok_and(|passkey| passkey.who == who));
    }
    let mut invites_expire_at = Vec::new();
    for entry in read.open_table(INVITES)?.iter()? {
        let invite = serde_json::from_slice::<Invite>(entry?.1.value());
        let own = invite.ok().filter(|invite| invite.who == who);
        invites_expire_at.extend(own.map(|invite| invite.expires_at));
    }
    let has_password = read.open_table(ACCOUNTS)?.get(who)?.is_some();
    Ok(Kept { presence, events, has_password, passkeys, invites_expire_at })
}
