//! Settings of the simulated gateways' accounts.

use std::sync::Arc;

use crosstalk_core::{BadName, Context, Defaults, Engine, Names, Network, Side, Sniff};
use crosstalk_router::Settings;

use super::super::machine::id;
use super::key_of;

/// A network whose engines are models.
struct Plain;

impl Network for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn sniff(&self, _: Side, _: &[u8]) -> Sniff {
        Sniff::No
    }

    fn defaults(&self) -> Defaults {
        Defaults { id: "aol", title: "Plain", hosts: &[], ports: &[] }
    }

    fn normalise(&self, local: &str) -> Result<String, BadName> {
        Ok(local.to_owned())
    }

    fn engine(&self, _: Context) -> Box<dyn Engine> {
        unreachable!("clients are models")
    }
}

/// The settings of gateway `n`.
pub(super) fn of(n: usize) -> Arc<Settings> {
    let names = Names::new("xt", [("aol".parse().unwrap(), &Plain as _)]);
    let writer = n as u64 + 1;
    Arc::new(Settings { writer, ..Settings::new(Arc::new(names), key_of(id(n))) })
}
