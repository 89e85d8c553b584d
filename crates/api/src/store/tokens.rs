//! Tokens that are kept, by the hash of their secret.

use std::collections::HashSet;

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
    /// Makes a token, and returns it with its hash; none where there are very many.
    pub(crate) async fn make_token(
        &self,
        who: Address,
        mut scopes: Vec<Scope>,
        now: UnixMillis,
    ) -> Result<Option<(Hash, NewToken)>, StoreError> {
        scopes.sort_unstable();
        scopes.dedup();
        let (secret, hash) = secret::make();
        let who = who.to_string();
        let token = Token { id: String::new(), who, scopes, made_at: now.0, expires_at: None };
        let id = || format!("{:08x}", rand::random::<u32>());
        let made = self.on_disk(move |db| insert(db, hash, token, id)).await?;
        Ok(made.map(|token| (hash, NewToken { token, secret })))
    }

    /// Every token.
    pub(crate) async fn tokens(&self) -> Result<Vec<(Hash, Token)>, StoreError> {
        self.on_disk(all).await
    }

    /// Forgets a token. Returns its hash, if there was one.
    pub(crate) async fn revoke_token(&self, id: String) -> Result<Option<Hash>, StoreError> {
        self.on_disk(move |db| {
            let hash = all(db)?.into_iter().find(|(_, token)| token.id == id).map(|(hash, _)| hash);
            let Some(hash) = hash else { return Ok(None) };
            let write = db.begin_write()?;
            write.open_table(TOKENS)?.remove(&hash.0)?;
            write.commit()?;
            Ok(Some(hash))
        })
        .await
    }
}

/// Stores a token under the first name that `id` makes and that no other has.
fn insert(
    db: &Database,
    hash: Hash,
    mut token: Token,
    mut id: impl FnMut() -> String,
) -> Result<Option<Token>, redb::Error> {
    let write = db.begin_write()?;
    // No other write is under way, so this is how things stand.
    let taken: HashSet<_> = all(db)?.into_iter().map(|(_, token)| token.id).collect();
    {
        let mut tokens = write.open_table(TOKENS)?;
        if redb::ReadableTableMetadata::len(&tokens)? >= MOST as u64 {
            return Ok(None);
        }
        token.id = id();
        while taken.contains(&token.id) {
            token.id = id();
        }
        let stored = serde_json::to_vec(&token).unwrap_or_default();
        tokens.insert(&hash.0, stored.as_slice())?;
    }
    write.commit()?;
    Ok(Some(token))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tokens_have_one_name() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).unwrap();
        let token = || Token {
            id: String::new(),
            who: "weather@apps".into(),
            scopes: vec![Scope::Send],
            made_at: 1,
            expires_at: None,
        };
        let mut drawn = ["a", "a", "a", "b"].into_iter().map(str::to_owned);
        for (hash, id) in [(1, "a"), (2, "b")] {
            let made = insert(&store.db, Hash([hash; 32]), token(), || drawn.next().unwrap());
            assert_eq!(made.unwrap().unwrap().id, id);
        }
        assert_eq!(all(&store.db).unwrap().len(), 2);
    }
}
