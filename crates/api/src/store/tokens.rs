//! Tokens that are kept, by the hash of their secret.

use crosstalk_core::{Address, Redacted, UnixMillis};
use redb::{Database, ReadableDatabase as _, ReadableTable as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::tables::TOKENS;
use super::{Store, StoreError};
use crate::scope::Scope;
use crate::secret::{self, Hash};

/// The most tokens.
const MOST: usize = 10_000;

/// A token, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its name, by which it is revoked.
    #[schema(example = "5f0c2a91")]
    pub id: String,
    /// The one that it speaks for.
    #[schema(example = "weather@apps")]
    pub who: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// Time at which it was made, in milliseconds since 1970.
    pub made_at: u64,
    /// Time at which it ends, in milliseconds since 1970: of what a browser is signed in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}

impl Token {
    /// The one that it speaks for.
    pub(crate) fn address(&self) -> Option<Address> {
        self.who.parse().ok()
    }
}

/// A token that was just made, with its secret, which is shown this once.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// The token.
    #[serde(flatten)]
    pub token: Token,
    /// What a program shows: `Authorization: Bearer` and this.
    #[schema(value_type = String)]
    pub secret: Redacted<String>,
}

impl Store {
    /// Makes a token; none where there are very many.
    pub(crate) async fn make_token(
        &self,
        who: Address,
        mut scopes: Vec<Scope>,
        now: UnixMillis,
    ) -> Result<Option<NewToken>, StoreError> {
        scopes.sort_unstable();
        scopes.dedup();
        let id = format!("{:08x}", rand::random::<u32>());
        let token = Token { id, who: who.to_string(), scopes, made_at: now.0, expires_at: None };
        let (secret, hash) = secret::make();
        let stored = serde_json::to_vec(&token).unwrap_or_default();
        let made = self.on_disk(move |db| insert(db, hash, &stored)).await?;
        Ok(made.then_some(NewToken { token, secret }))
    }

    /// Every token.
    pub(crate) async fn tokens(&self) -> Result<Vec<(Hash, Token)>, StoreError> {
        self.on_disk(all).await
    }

    /// Forgets a token. Returns whether there was one.
    pub(crate) async fn revoke_token(&self, id: String) -> Result<bool, StoreError> {
        self.on_disk(move |db| {
            let hash = all(db)?.into_iter().find(|(_, token)| token.id == id).map(|(hash, _)| hash);
            let Some(hash) = hash else { return Ok(false) };
            let write = db.begin_write()?;
            write.open_table(TOKENS)?.remove(&hash.0)?;
            write.commit()?;
            Ok(true)
        })
        .await
    }
}

fn insert(db: &Database, hash: Hash, stored: &[u8]) -> Result<bool, redb::Error> {
    let write = db.begin_write()?;
    {
        let mut tokens = write.open_table(TOKENS)?;
        if redb::ReadableTableMetadata::len(&tokens)? >= MOST as u64 {
            return Ok(false);
        }
        tokens.insert(&hash.0, stored)?;
    }
    write.commit()?;
    Ok(true)
}

fn all(db: &Database) -> Result<Vec<(Hash, Token)>, redb::Error> {
    let table = db.begin_read()?.open_table(TOKENS)?;
    let mut tokens = Vec::new();
    for entry in table.iter()? {
        let (hash, stored) = entry?;
        // One that a later version wrote and this one cannot read opens nothing.
        if let Ok(token) = serde_json::from_slice(stored.value()) {
            tokens.push((Hash(*hash.value()), token));
        }
    }
    Ok(tokens)
}
