//! A network without a protocol, for tests of what needs names and no engine. Other crates' tests
//! include this file.

use crosstalk_core::{BadName, Context, Defaults, Engine, Network, Side, Sniff};

/// Takes every name, in lower case.
pub(crate) struct Plain;

impl Network for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn sniff(&self, _: Side, _: &[u8]) -> Sniff {
        Sniff::No
    }

    fn defaults(&self) -> Defaults {
        Defaults { id: "plain", title: "Plain", hosts: &[], ports: &[] }
    }

    fn normalise(&self, local: &str) -> Result<String, BadName> {
        if local.is_empty() { Err(BadName::Local) } else { Ok(local.to_lowercase()) }
    }

    fn engine(&self, _: Context) -> Box<dyn Engine> {
        unreachable!("nobody connects to it")
    }
}
