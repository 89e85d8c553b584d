//! How many files, sockets among them, the gateway may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a connection takes: a socket to its client and one to its server.
const PER_CONNECTION: u64 = 2;
/// Room for everything else: the store, listeners, pipes, links to other gateways.
const BESIDES: u64 = 256;

/// Raises the process's limit, which is low unless somebody raised it, to what `connections` need,
/// as far as the system allows that.
pub(crate) fn make_room_for(connections: usize) {
    let needed = PER_CONNECTION.saturating_mul(connections as u64).saturating_add(BESIDES);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let allowed = maximum.map_or(needed, |maximum| maximum.min(needed));
    if current.is_some_and(|current| current < allowed)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum })
    {
        tracing::warn!(%error, allowed, "the limit of open files stays as it is");
    }
}
