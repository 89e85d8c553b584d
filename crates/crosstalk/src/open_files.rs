//! Limit of open files, sockets among them.

use crosstalk_gateway::config::Limits;
use crosstalk_gateway::descriptors;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the process's limit, which is low unless somebody raised it, to what `limits` call for,
/// as far as the system allows that. What that is too little for, the gateway says when it starts.
pub(crate) fn make_room_for(limits: &Limits) {
    let wanted = descriptors::wanted(limits);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let allowed = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if current.is_some_and(|current| current < allowed)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum })
    {
        tracing::warn!(%error, allowed, "the limit of open files stays as it is");
    }
}
