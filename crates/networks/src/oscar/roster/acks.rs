//! Answers to the client's edits of the feedbag (13/0e), kept in order: the server's, ours, and those
//! of both in one.
//!
//! Clients match the answers to feedbag edits by order, not by request id: an answer of ours
//! must never overtake one of the server's.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_core::Side;

use crate::oscar::account::Account;
use crate::oscar::context::Cx;
use crate::oscar::verdict::Verdict;
use crate::oscar::wire::kinds::feedbag;
use crate::oscar::wire::{Reader, Snac, Writer};

/// The code for success.
pub(in crate::oscar) const OK: u16 = 0x0000;
/// The code for an item that exists.
pub(in crate::oscar) const EXISTS: u16 = 0x0003;
/// The code for a name nobody can have.
pub(in crate::oscar) const BAD_NAME: u16 = 0x000a;
/// The code for a full list.
pub(in crate::oscar) const FULL: u16 = 0x000c;

/// The most requests waited for; clients send one at a time.
const MAX_PENDING: usize = 64;
/// The most bytes of answers of ours that wait.
const MAX_BYTES: usize = 256 << 10;
/// Longest wait of an answer of ours for one of the server's that should come first.
const PATIENCE: Duration = Duration::from_secs(10);

/// Origin of the answer to a request.
#[derive(Debug)]
pub(in crate::oscar) enum Answer {
    /// The server.
    Server,
    /// Both: what stands here, with the server's codes in the gaps.
    Both(Vec<Option<u16>>),
    /// The gateway.
    Gateway(Vec<u16>),
    /// The server, but the request was ours and the client must not see it.
    Hidden,
}

/// Treatment of an answer of the server's.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::oscar) enum Outcome {
    /// Pass it on.
    Forward,
    /// Pass these codes on in its place.
    Replace(Vec<u16>),
    /// Keep it back.
    Withhold,
}

#[derive(Debug)]
struct Pending {
    request: u32,
    since: Instant,
    answer: Answer,
}

/// The requests that are not answered yet, in order.
#[derive(Debug, Default)]
pub(in crate::oscar) struct Acks {
    pending: VecDeque<Pending>,
    bytes: usize,
}

impl Pending {
    const fn weight(&self) -> usize {
        size_of::<Self>()
            + match &self.answer {
                Answer::Both(codes) => codes.len() * size_of::<Option<u16>>(),
                Answer::Gateway(codes) => codes.len() * size_of::<u16>(),
                Answer::Server | Answer::Hidden => 0,
            }
    }
}

impl Acks {
    /// Bytes that it takes.
    pub(in crate::oscar) const fn weight(&self) -> usize {
        self.bytes
    }

    /// Whether no more answers can be kept until the server gives one.
    pub(in crate::oscar) const fn is_full(&self) -> bool {
        self.bytes > MAX_BYTES
    }

    /// Whether no answer is awaited.
    pub(in crate::oscar) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Notes a request and who answers it.
    pub(in crate::oscar) fn expect(&mut self, now: Instant, request: u32, answer: Answer) {
        // Clients wait for each answer, so a server that has left as many open gives none: it holds up
        // ours no longer.
        if self.pending.len() >= MAX_PENDING {
            self.remove(0);
        }
        let pending = Pending { request, since: now, answer };
        self.bytes += pending.weight();
        self.pending.push_back(pending);
    }

    fn remove(&mut self, at: usize) -> Option<Pending> {
        let pending = self.pending.remove(at)?;
        self.bytes -= pending.weight();
        Some(pending)
    }

    /// Judges the server's answer to `request`.
    pub(in crate::oscar) fn answered(&mut self, request: u32, codes: &[u16]) -> Outcome {
        let ours = |p: &Pending| p.request == request && !matches!(p.answer, Answer::Gateway(_));
        let Some(at) = self.pending.iter().position(ours) else { return Outcome::Forward };
        match self.remove(at).map(|p| p.answer) {
            Some(Answer::Both(mut known)) => {
                let mut servers = codes.iter().copied();
                for gap in known.iter_mut().filter(|code| code.is_none()) {
                    *gap = servers.next();
                }
                Outcome::Replace(known.into_iter().map(|code| code.unwrap_or(OK)).collect())
            }
            Some(Answer::Hidden) => Outcome::Withhold,
            _ => Outcome::Forward,
        }
    }

    /// The next answer of ours whose turn has come: request and codes.
    pub(in crate::oscar) fn next_ready(&mut self, now: Instant) -> Option<(u32, Vec<u16>)> {
        while let Some(first) = self.pending.front() {
            let overdue = now.saturating_duration_since(first.since) >= PATIENCE;
            if !overdue && !matches!(first.answer, Answer::Gateway(_)) {
                return None;
            }
            if let Some(Pending { request, answer: Answer::Gateway(codes), .. }) = self.remove(0) {
                return Some((request, codes));
            }
        }
        None
    }

    /// End of the wait for the server.
    pub(in crate::oscar) fn deadline(&self) -> Option<Instant> {
        let ours = self.pending.iter().any(|p| matches!(p.answer, Answer::Gateway(_)));
        self.pending.front().filter(|_| ours).map(|first| first.since + PATIENCE)
    }
}

impl Account {
    /// Takes 13/0e from the server.
    pub(in crate::oscar) fn acknowledged(
        &mut self,
        snac: &Snac,
        content: &[u8],
        cx: &mut Cx<'_>,
    ) -> Verdict {
        let mut reader = Reader::new(content);
        let codes: Vec<u16> = std::iter::from_fn(|| reader.u16().ok()).collect();
        self.feedbag.mode_answered(snac.request, &codes);
        match self.acks.answered(snac.request, &codes) {
            Outcome::Forward => Verdict::Forward,
            Outcome::Withhold => Verdict::Withhold,
            Outcome::Replace(codes) => {
                cx.withhold(Side::Client);
                cx.answer(feedbag::STATUS, snac.request, encode(&codes));
                Verdict::Done
            }
        }
    }

    /// Gives the answers of ours whose turn has come.
    pub(in crate::oscar) fn answer_edits(&mut self, cx: &mut Cx<'_>) {
        while let Some((request, codes)) = self.acks.next_ready(cx.now.instant) {
            cx.answer(feedbag::STATUS, request, encode(&codes));
        }
    }
}

fn encode(codes: &[u16]) -> Bytes {
    codes.iter().fold(Writer::new(), |w, code| w.u16(*code)).bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_waits_for_the_servers_that_came_before() {
        let (mut acks, now) = (Acks::default(), Instant::now());
        acks.expect(now, 1, Answer::Server);
        acks.expect(now, 2, Answer::Gateway(vec![OK]));
        assert_eq!(acks.next_ready(now), None);
        assert_eq!(acks.answered(1, &[OK]), Outcome::Forward);
        assert_eq!(acks.next_ready(now), Some((2, vec![OK])));
        assert!(acks.is_empty());
    }

    #[test]
    fn a_silent_server_is_not_waited_for_for_ever() {
        let (mut acks, now) = (Acks::default(), Instant::now());
        acks.expect(now, 1, Answer::Server);
        acks.expect(now, 2, Answer::Gateway(vec![FULL]));
        let later = acks.deadline().unwrap();
        assert_eq!(acks.next_ready(later), Some((2, vec![FULL])));
        assert_eq!(acks.deadline(), None);
    }

    #[test]
    fn codes_of_both_are_woven() {
        let (mut acks, now) = (Acks::default(), Instant::now());
        acks.expect(now, 1, Answer::Both(vec![Some(OK), None, Some(BAD_NAME), None]));
        acks.expect(now, 9, Answer::Hidden);
        assert_eq!(acks.answered(1, &[3]), Outcome::Replace(vec![OK, 3, BAD_NAME, OK]));
        assert_eq!(acks.answered(9, &[OK]), Outcome::Withhold);
        assert_eq!(acks.answered(9, &[OK]), Outcome::Forward, "not ours");
    }
}
