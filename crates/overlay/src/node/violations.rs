//! Counts of what was refused from which gateway, and their lines in the log. Pure but for the log.

use std::fmt::Display;
use std::time::Instant;

use crosstalk_core::Blame;
use serde::{Deserialize, Serialize};

use crate::common::log_limiter::LogLimiter;
use crate::common::map::Map;
use crate::membership::GatewayId;

/// Counts, since the start, of what other gateways did that they may not do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Messages of gateways that may not speak for their senders' network.
    pub refused: u64,
    /// Links closed because the peer broke the rules: oversized or malformed frames, lists and
    /// queues beyond their bounds. And parts of buddy lists that were written in the far future.
    pub faults: u64,
    /// Frames that were said again on the same link.
    pub replayed: u64,
    /// Membership documents that were older than this gateway's, or not its operator's, and
    /// addresses of gateways that these did not sign.
    pub stale: u64,
    /// Messages answered as busy, and pauses in reading, since a peer sent more than its share.
    pub flooded: u64,
    /// Connections of gateways that are no members.
    pub strangers: u64,
}

/// Reason of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    Sender,
    Fault,
    Replay,
    Stale,
    Flood,
}

/// The counts of each peer.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    peers: Map<GatewayId, Peer>,
    /// Connections of strangers, who have no count of their own.
    strangers: u64,
}

#[derive(Debug, Default)]
struct Peer {
    counts: Counts,
    /// By [`Violation`], so that one kind hides no other.
    lines: [LogLimiter; 5],
}

impl Violations {
    /// Counts a refusal, and logs it unless the same was logged a moment ago.
    pub(crate) fn refuse(
        &mut self,
        now: Instant,
        peer: GatewayId,
        what: Violation,
        why: impl Display,
    ) {
        let entry = self.peers.entry(peer).or_default();
        *entry.counts.of(what) += 1;
        if let Some(skipped) = entry.lines.get_mut(what as usize).and_then(|line| line.due(now)) {
            tracing::warn!(%peer, skipped, "refused, {}: {why}", Blame::Peer);
        }
    }

    /// Counts a stranger.
    pub(crate) const fn stranger(&mut self) {
        self.strangers = self.strangers.saturating_add(1);
    }

    /// Counts of what was refused from `peer`.
    pub(crate) fn of(&self, peer: &GatewayId) -> Counts {
        self.peers.get(peer).map(|entry| entry.counts).unwrap_or_default()
    }

    /// Counts of what was refused from all.
    pub(crate) fn total(&self) -> Counts {
        let mut total = Counts { strangers: self.strangers, ..Counts::default() };
        for Peer { counts, .. } in self.peers.values() {
            total.refused += counts.refused;
            total.faults += counts.faults;
            total.replayed += counts.replayed;
            total.stale += counts.stale;
            total.flooded += counts.flooded;
        }
        total
    }
}

impl Counts {
    const fn of(&mut self, what: Violation) -> &mut u64 {
        match what {
            Violation::Sender => &mut self.refused,
            Violation::Fault => &mut self.faults,
            Violation::Replay => &mut self.replayed,
            Violation::Stale => &mut self.stale,
            Violation::Flood => &mut self.flooded,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Write as _};
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// The lines that were logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    struct Line(String);

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            write!(self.0, "{field}={value:?} ").unwrap();
        }
    }

    impl Subscriber for Log {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn event(&self, event: &Event<'_>) {
            let mut line = Line(event.metadata().level().to_string());
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn the_log_names_who_is_to_blame_and_is_not_flooded() {
        let (log, now) = (Log::default(), Instant::now());
        let key = libp2p_identity::Keypair::ed25519_from_bytes([1; 32]).unwrap();
        let peer = crate::membership::identity::gateway_id(&key).unwrap();
        tracing::subscriber::with_default(log.clone(), || {
            let mut violations = Violations::default();
            for what in [Violation::Sender, Violation::Sender, Violation::Flood, Violation::Sender]
            {
                violations.refuse(now, peer, what, format_args!("{what:?} it may not"));
            }
        });
        let lines = log.0.lock().unwrap();
        assert_eq!(lines.len(), 2, "one of each kind: {lines:?}");
        for (line, what) in lines.iter().zip(["Sender it may not", "Flood it may not"]) {
            for part in ["WARN", &peer.to_string(), "a peer gateway", what] {
                assert!(line.contains(part), "{line}");
            }
        }
    }

    #[test]
    fn refusals_are_counted_by_peer_and_in_all() {
        let [a, b] = [1, 2].map(|n| GatewayId::from_bytes([n; 32]));
        let (mut violations, now) = (Violations::default(), Instant::now());
        violations.refuse(now, a, Violation::Sender, "");
        violations.refuse(now, a, Violation::Sender, "");
        violations.refuse(now, b, Violation::Replay, "");
        violations.stranger();
        assert_eq!(violations.of(&a), Counts { refused: 2, ..Counts::default() });
        let expected = Counts { refused: 2, replayed: 1, strangers: 1, ..Counts::default() };
        assert_eq!(violations.total(), expected);
    }
}
