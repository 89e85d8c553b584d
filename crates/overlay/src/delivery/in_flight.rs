//! Messages of a gateway that come again before it is known what became of them. Pure.

use crate::common::map::Map;
use crate::delivery::Call;
use crate::delivery::dedup::Print;

/// What came from one gateway and is not answered.
#[derive(Default)]
pub(crate) struct Repeats {
    /// The calls with which each came: the first, and those that wait for its answer.
    open: Map<Print, (Call, Vec<Call>)>,
    first: Map<Call, Print>,
}

impl Repeats {
    /// A message came. Says whether it is the first time.
    pub(crate) fn hear(&mut self, print: Print, call: Call) -> bool {
        if let Some((_, again)) = self.open.get_mut(&print) {
            again.push(call);
            return false;
        }
        self.open.insert(print, (call, Vec::new()));
        self.first.insert(call, print);
        true
    }

    /// Whether a message came and is not answered.
    pub(crate) fn is_open(&self, print: &Print) -> bool {
        self.open.contains_key(print)
    }

    /// The message that came with `call`.
    pub(crate) fn print_of(&self, call: Call) -> Option<Print> {
        self.first.get(&call).copied()
    }

    /// The message that came with `call` was answered. Returns the calls with which it came again.
    pub(crate) fn answer(&mut self, call: Call) -> Vec<Call> {
        let Some(print) = self.first.remove(&call) else { return Vec::new() };
        self.open.remove(&print).map(|(_, again)| again).unwrap_or_default()
    }
}
