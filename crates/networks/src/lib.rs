//! The protocols CrossTalk interprets, as pure state machines: one folder a network.
//!
//! [`NETWORKS`] is the one registry. Adding a network is a folder and a line here.
//! What several networks need lies in `common`.

use crosstalk_core::{Network, Side, Sniff};

mod common;
pub mod msnp;
pub mod oscar;
pub mod xmpp;
pub mod ymsg;

pub use common::html;
pub use common::unread::Watch;

/// Every protocol that can be recognised, in no particular order: at most one recognises any stream.
pub static NETWORKS: &[&dyn Network] = &[&oscar::Oscar, &xmpp::Xmpp, &msnp::Msnp, &ymsg::Ymsg];

/// The protocol called `name`.
pub fn by_name(name: &str) -> Option<&'static dyn Network> {
    NETWORKS.iter().copied().find(|n| n.name() == name)
}

/// Opinion on a connection's protocol from the first bytes of both sides.
#[derive(Clone, Copy)]
pub enum Verdict {
    /// This protocol.
    Known(&'static dyn Network),
    /// More bytes are needed.
    Undecided,
    /// No protocol of ours.
    Unknown,
}

/// Recognises a protocol by the first bytes of either side.
pub fn sniff(from_client: &[u8], from_server: &[u8]) -> Verdict {
    let mut undecided = from_client.is_empty() && from_server.is_empty();
    for network in NETWORKS {
        for (side, first) in [(Side::Client, from_client), (Side::Server, from_server)] {
            if first.is_empty() {
                continue;
            }
            match network.sniff(side, first) {
                Sniff::Yes => return Verdict::Known(*network),
                Sniff::More => undecided = true,
                Sniff::No => {}
            }
        }
    }
    if undecided { Verdict::Undecided } else { Verdict::Unknown }
}
