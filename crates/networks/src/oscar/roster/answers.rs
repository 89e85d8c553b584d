//! Answers to the client's edits: the server's, ours, and those of both in one.

use bytes::Bytes;
use crosstalk_core::Side;

use super::acks::Outcome;
use crate::oscar::account::Account;
use crate::oscar::context::Cx;
use crate::oscar::verdict::Verdict;
use crate::oscar::wire::kinds::feedbag;
use crate::oscar::wire::{Reader, Snac, Writer};

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
