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

    /// The message that came with `call` was answered. Returns which it was, and the calls with
    /// which it came again.
    pub(crate) fn answer(&mut self, call: Call) -> (Option<Fingerprint>, Vec<Call>) {
        let fingerprint = self.first.remove(&call);
        let open = fingerprint.and_then(|fingerprint| self.open.remove(&fingerprint));
        (fingerprint, open.map(|(_, again)| again).unwrap_or_default())
    }
}
