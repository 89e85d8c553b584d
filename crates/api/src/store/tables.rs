//! Tables of the store.

use redb::{Database, TableDefinition};

/// Tokens, as JSON, by the hash of their secret.
pub(super) const TOKENS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("tokens");

/// Makes the tables that are not there yet.
pub(super) fn make(db: &Database) -> Result<(), redb::Error> {
    let write = db.begin_write()?;
    write.open_table(TOKENS)?;
    write.commit()?;
    Ok(())
}
