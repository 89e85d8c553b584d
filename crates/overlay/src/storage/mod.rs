//! The state directory of a gateway: its database, and the journal of what was shown.

#[cfg(test)]
pub(crate) mod golden_tests;
pub(crate) mod journal;
#[cfg(test)]
mod layout_tests;
pub(crate) mod records;
pub(crate) mod store;
