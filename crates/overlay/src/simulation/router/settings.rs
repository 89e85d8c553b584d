//! Settings of the simulated gateways' accounts.

#[path = "../../../../core/tests/plain/mod.rs"]
mod plain;

use std::sync::Arc;

use crosstalk_core::Names;
use crosstalk_router::Settings;

use super::super::machine::id;
use super::key_of;
use plain::Plain;

/// The settings of gateway `n`.
pub(super) fn of(n: usize) -> Arc<Settings> {
    let names = Names::new("xt", [("aol".parse().unwrap(), &Plain as _)]);
    let writer = n as u64 + 1;
    Arc::new(Settings { writer, ..Settings::new(Arc::new(names), key_of(id(n))) })
}
