//! Versions of the protocol: the client offers some by VER, and the server chooses one.

use bytes::Bytes;
use crosstalk_core::{Output, Side};

use crate::msnp::engine::{Msnp, Phase};
use crate::msnp::notification::Session;
use crate::msnp::wire::Command;

/// The versions whose notification connections are interpreted.
const SPOKEN: std::ops::RangeInclusive<u32> = 2..=18;
/// The highest version there is.
const HIGHEST: u32 = 18;

impl Msnp {
    /// Passes on the versions that the client offers.
    pub(super) fn choose(&mut self, command: &Command, out: &mut Output) {
        self.phase = Phase::Choosing;
        match known_only(command) {
            Some(offer) => {
                out.withhold();
                out.insert(Side::Server, offer);
            }
            None => out.forward(Side::Server, command.raw.clone()),
        }
    }

    /// Takes the server's choice, which says whether the connection is one that is read here.
    pub(super) fn chosen(&mut self, command: Command, out: &mut Output) {
        let version = version(command.word(2)).filter(|v| SPOKEN.contains(v));
        self.phase = match version {
            Some(version) => Phase::Notification(Session::new(version).into()),
            None => Phase::Watched,
        };
        out.forward(Side::Client, command.raw);
    }
}

/// Reads `MSNP9`.
fn version(word: &str) -> Option<u32> {
    word.strip_prefix("MSNP")?.parse().ok()
}

/// The client's offer without the versions that nobody here knows, where one would be left that
/// is known; `None` where it can stay.
fn known_only(offer: &Command) -> Option<Bytes> {
    let unknown = |word: &&str| version(word).is_some_and(|v| v > HIGHEST);
    let some_known = offer.words().any(|w| version(w).is_some_and(|v| v <= HIGHEST));
    if !some_known || !offer.words().any(|w| unknown(&w)) {
        return None;
    }
    let words: Vec<&str> = offer.words().filter(|w| !unknown(w)).collect();
    Some(format!("{}\r\n", words.join(" ")).into())
}
