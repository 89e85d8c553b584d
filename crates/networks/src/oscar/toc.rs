//! TOC, a protocol of AIM's servers for small clients: refused, or passed unread where the operator
//! lets it.

use crosstalk_core::{Event, Output, Side, Sniff, Via};

use super::engine::{Oscar, Phase};
use crate::common::http;

/// The name of TOC among what the operator may let pass.
pub(super) const TOC: &str = "toc";
/// First bytes of a TOC client.
pub(super) const FLAPON: &[u8] = b"FLAPON";
/// An error of signing on that clients show with its text.
pub(super) const TOC_ERROR: &[u8] =
    b"ERROR:989:This gateway does not carry TOC. Use a client with OSCAR.";
/// A server's greeting, and behind it that error.
pub(super) const TOC_REFUSAL: &[u8] = b"*\x01\0\0\0\x04\0\0\0\x01\
    *\x02\0\x01\0\x43ERROR:989:This gateway does not carry TOC. Use a client with OSCAR.";

/// Whether a client begins to speak TOC.
pub(super) fn begins_toc(first: &[u8]) -> Sniff {
    http::begins(first, FLAPON)
}

impl Oscar {
    /// Whether a client at a listener of ours begins to speak TOC, and may.
    pub(super) fn may_be_toc(&self, side: Side, first: &[u8]) -> Sniff {
        let begins = matches!(self.phase, Phase::Greeting) && side == Side::Client;
        if begins && self.greeted && self.context.option(TOC) {
            begins_toc(first)
        } else {
            Sniff::No
        }
    }

    /// Whether the client ends the line that TOC begins with.
    pub(super) fn is_line_of_toc(&self, side: Side, rest: &[u8]) -> bool {
        let is_end = rest.first().is_some_and(|byte| matches!(byte, b'\r' | b'\n'));
        is_end && side == Side::Client && matches!(self.phase, Phase::Toc)
    }

    /// Lets TOC pass. The client took our greeting for its server's, which is swallowed; so frames
    /// keep the numbers that follow ours, and what both say is not looked at.
    pub(super) fn begin_toc(&mut self, out: &mut Output) {
        if let Via::Direct { upstream, .. } = &self.context.via {
            out.emit(Event::Dial(upstream.clone()));
        }
        self.phase = Phase::Toc;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oscar::wire::flap;

    #[test]
    fn toc_is_known_by_its_first_bytes_and_other_protocols_are_not() {
        assert_eq!(begins_toc(b"FLAPON\r\n\r\n"), Sniff::Yes);
        assert_eq!(begins_toc(b"FLAPON\n\n*\x01"), Sniff::Yes);
        assert_eq!(begins_toc(b"FLAP"), Sniff::More);
        for other in [&b"*\x01\0\0\0\x04\0\0\0\x01"[..], b"FLOP", b"GET / HTTP/1.1\r\n\r\n"] {
            assert_eq!(begins_toc(other), Sniff::No);
        }
    }

    #[test]
    fn what_a_toc_client_is_told_is_frames() {
        let mut buffer = TOC_REFUSAL.into();
        let greeting = flap::Frame::take(&mut buffer).unwrap().unwrap();
        assert_eq!(greeting.channel, flap::Channel::SignOn);
        let error = flap::Frame::take(&mut buffer).unwrap().unwrap();
        assert_eq!(error.channel, flap::Channel::Data);
        assert!(error.body() == TOC_ERROR && buffer.is_empty());
    }
}
