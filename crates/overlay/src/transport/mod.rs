//! The connections to other gateways: libp2p, and one stream for each pair.

mod addresses;
#[cfg(test)]
mod journal_tests;
pub(crate) mod link;
#[cfg(test)]
mod pair_tests;
mod peer;
mod rate_limit;
#[cfg(test)]
mod recorded_tests;
pub(crate) mod swarm;
#[cfg(test)]
mod version_tests;
#[cfg(test)]
mod violation_tests;
