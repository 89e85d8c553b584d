//! Tables of the store.

use redb::{Database, TableDefinition};

/// Tokens, as JSON, by the hash of their secret.
pub(super) const TOKENS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("tokens");
/// Events by whose they are and their number: the envelope's name, and the event as JSON.
pub(super) const EVENTS: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("events");
/// By whose log it is, the numbers of the newest event that was acknowledged and of the newest.
pub(super) const CURSORS: TableDefinition<'_, &str, (u64, u64)> = TableDefinition::new("cursors");
/// Presence that was set, as JSON, by whose it is.
pub(super) const PROFILES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("profiles");

/// Files that are offered, as JSON, by the hash of the secret in their link.
pub(super) const FILES: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("files");

/// People with a browser, as JSON, by their name: how their password is known.
pub(super) const ACCOUNTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("web accounts");
/// Passkeys, as JSON, by the name that their authenticator gave them.
pub(super) const PASSKEYS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("web passkeys");
/// Invites that nobody has used yet, as JSON, by the hash of the secret in their link.
pub(super) const INVITES: TableDefinition<'_, &[u8; 32], &[u8]> =
    TableDefinition::new("web invites");
/// Sessions of browsers, as the tokens that they are, by the hash of their secret.
pub(super) const SESSIONS: TableDefinition<'_, &[u8; 32], &[u8]> =
    TableDefinition::new("web sessions");

/// Makes the tables that are not there yet.
pub(super) fn make(db: &Database) -> Result<(), redb::Error> {
    let write = db.begin_write()?;
    write.open_table(TOKENS)?;
    write.open_table(EVENTS)?;
    write.open_table(CURSORS)?;
    write.open_table(PROFILES)?;
    write.open_table(FILES)?;
    write.open_table(ACCOUNTS)?;
    write.open_table(PASSKEYS)?;
    write.open_table(INVITES)?;
    write.open_table(SESSIONS)?;
    write.commit()?;
    Ok(())
}
