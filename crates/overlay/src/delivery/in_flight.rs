//! Messages of a gateway that come again before it is known what became of them. Pure.

use crate::common::map::Map;
use crate::delivery::Call;
use crate::delivery::dedup::Fingerprint;

/// Messages that came from one gateway and are not answered yet.
#[derive(Default)]
pub(crate) struct InFlight {
    /// The calls with which each came: the first, and those that wait for its answer.
    open: Map<Fingerprint, (Call, Vec<Call>)>,
    first: Map<Call, Fingerprint>,
}

impl InFlight {
    /// A message came. Says whether it is the first time.
    pub(crate) fn hear(&mut self, fingerprint: Fingerprint, call: Call) -> bool {
        if let Some((_, again)) = self.open.get_mut(&fingerprint) {
            again.push(call);
            return false;
        }
        self.open.insert(fingerprint, (call, Vec::new()));
        self.first.insert(call, fingerprint);
        true
    }

    /// Whether a message came and is not answered.
    pub(crate) fn is_open(&self, fingerprint: &Fingerprint) -> bool {
        self.open.contains_key(fingerprint)
    }

    /// The message that came with `call`.
    pub(crate) fn fingerprint_of(&self, call: Call) -> Option<Fingerprint> {
        self.first.get(&call).copied()
    }

    /// The message that came with `call` was answered. Returns the calls with which it came again.
    pub(crate) fn answer(&mut self, call: Call) -> Vec<Call> {
        let Some(fingerprint) = self.first.remove(&call) else { return Vec::new() };
        self.open.remove(&fingerprint).map(|(_, again)| again).unwrap_or_default()
    }
}
