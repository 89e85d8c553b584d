//! Budget of the process's file descriptors. Each is a file, a socket or the end of a pipe, and the
//! system limits their number.

use rustix::process::{Resource, getrlimit};

use crate::config::Limits;

/// Descriptors of a connection: a socket to its client and one to its server.
const PER_CONNECTION: u64 = 2;
/// Descriptors of a pipe, through which the kernel moves what is not interpreted.
const PER_PIPE: u64 = 2;
/// The most sockets that looking up one name takes: two kinds of records, each asked for four
/// times.
const PER_LOOK_UP: u64 = 8;
/// Descriptors of everything else: the store, listeners, links to other gateways, the control
/// socket.
const BESIDES: u64 = 256;
/// The most pipes at once.
const PIPES: u64 = 256;
/// The most names looked up at once.
const LOOK_UPS: u64 = 32;

/// Number of descriptors that a gateway with these limits needs.
pub fn wanted(limits: &Limits) -> u64 {
    let besides = BESIDES + PIPES * PER_PIPE + LOOK_UPS * PER_LOOK_UP;
    PER_CONNECTION.saturating_mul(limits.connections as u64).saturating_add(besides)
}

/// Numbers of things that take descriptors and may be open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Division {
    pub(crate) connections: usize,
    pub(crate) connections_per_client: usize,
    pub(crate) pipes: u16,
    pub(crate) look_ups: usize,
}

impl Division {
    /// The division that `limits` ask for, as far as the process may have the descriptors. Logs a
    /// warning where that is less.
    pub(crate) fn of_process(limits: &Limits) -> Self {
        let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let division = Self::of(allowed, limits);
        if division.connections < limits.connections {
            tracing::warn!(
                "this process may open {allowed} files, which is enough for {} clients at once, \
                 {} of one address, and not for the {} of `connections`: that takes {} (ulimit -n, \
                 or LimitNOFILE= of its unit)",
                division.connections,
                division.connections_per_client,
                limits.connections,
                wanted(limits)
            );
        }
        division
    }

    /// Divides `allowed` descriptors. What a gateway cannot be without comes first; where they do
    /// not suffice for the connections, an address has no more than half of those that there are.
    fn of(allowed: u64, limits: &Limits) -> Self {
        let pipes = (allowed / 64).clamp(1, PIPES);
        let look_ups = (allowed / 64).clamp(1, LOOK_UPS);
        let besides = BESIDES.min(allowed / 4) + pipes * PER_PIPE + look_ups * PER_LOOK_UP;
        let left = usize::try_from(allowed.saturating_sub(besides) / PER_CONNECTION);
        let left = left.unwrap_or(usize::MAX).max(1);
        let connections = limits.connections.min(left);
        let share = if left < limits.connections { left.div_ceil(2) } else { usize::MAX };
        Self {
            connections,
            connections_per_client: limits.connections_per_client.min(share),
            pipes: pipes as u16,
            look_ups: look_ups as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_enough_for_all_that_may_be_configured() {
        let limits = Limits { connections_per_client: 20_000, ..Limits::default() };
        let division = Division::of(wanted(&limits), &limits);
        assert_eq!((division.connections, division.connections_per_client), (20_000, 20_000));
        assert_eq!((division.pipes, division.look_ups), (256, 32));
        assert_eq!(Division::of(u64::MAX, &limits), division);
    }

    #[test]
    fn fewer_are_divided_so_that_something_is_left_for_everything() {
        let limits = Limits::default();
        for allowed in [0, 64, 256, 1024, 4096, 40_000] {
            let d = Division::of(allowed, &limits);
            assert!(d.connections >= 1 && d.pipes >= 1 && d.look_ups >= 1);
            assert!(d.connections_per_client <= d.connections.div_ceil(2));
            let used = d.connections as u64 * PER_CONNECTION
                + u64::from(d.pipes) * PER_PIPE
                + d.look_ups as u64 * PER_LOOK_UP;
            assert!(
                allowed < 64 || used + allowed / 5 < allowed.max(1) || used + BESIDES <= allowed
            );
        }
        assert_eq!(Division::of(256, &limits).connections, 76);
        assert_eq!(Division::of(1024, &limits).connections, 304);
    }
}
