//! Answers of the server that have foreign people put in, as soon as these are known.

use std::time::{Duration, Instant};

use crosstalk_core::{Address, Side};

use super::pipeline::Pipelined;
use super::requests::Reads;
use super::{Connection, answers};
use crate::common::http::Message;
use crate::msnp::account_registry::{AccountRegistry, Token};
use crate::msnp::context::Cx;
use crate::msnp::wire::xml::Document;

/// Factor from the length of a response to its memory as bytes, as text and as elements.
const WAITING_FOLD: usize = 8;
/// Longest wait of a response for the foreign list, and pause between looks for it.
const PATIENCE: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(50);

/// An answer that waits for the foreign list.
pub(super) struct HeldAnswer {
    message: Message,
    envelope: Document,
    reads: Reads,
    token: Option<Token>,
    owner: Address,
    again: Instant,
    until: Instant,
}

impl HeldAnswer {
    pub(super) fn deadline(&self) -> Instant {
        self.again.min(self.until)
    }

    /// Bytes held.
    pub(super) fn weight(&self) -> usize {
        WAITING_FOLD * self.message.raw.len()
    }
}

impl Connection {
    /// Looks for the foreign list again.
    pub(in crate::msnp) fn tick(&mut self, cx: &mut Cx<'_>) {
        if let Some(waiting) = self.held_answer.take_if(|w| w.again <= cx.now.instant) {
            self.finish(waiting, cx);
        }
    }

    /// The server answered something that is read.
    pub(super) fn answer(&mut self, message: Message, cx: &mut Cx<'_>) {
        let asked = self.next_pipelined();
        let envelope = message.text.as_deref().and_then(Document::parse);
        let (Some(Pipelined::OfServer(reads, token)), Some(envelope)) = (asked, envelope) else {
            cx.out.forward(Side::Client, message.raw);
            return self.answer_in_turn(cx);
        };
        let known = token.and_then(|token| AccountRegistry::of(cx).owner(&token));
        let text = message.text.as_deref().unwrap_or_default();
        let named = answers::owner(envelope.root(text), cx);
        // A book of somebody else than the ticket is stays as it is.
        let owner = match (known, named) {
            (Some(known), Some(named)) => Some(known).filter(|known| *known == named),
            (known, named) => known.or(named),
        };
        let Some(owner) = owner else {
            cx.out.forward(Side::Client, message.raw);
            return self.answer_in_turn(cx);
        };
        let (again, until) = (cx.now.instant, cx.later(PATIENCE));
        self.finish(HeldAnswer { message, envelope, reads, token, owner, again, until }, cx);
    }

    /// Gives the client an answer with the foreign people in it, as soon as these are known.
    fn finish(&mut self, mut waiting: HeldAnswer, cx: &mut Cx<'_>) {
        let state = AccountRegistry::of(cx).state(&waiting.owner);
        let state = state.filter(|state| state.lock().book.is_filled());
        let Some(state) = state else {
            if waiting.until <= cx.now.instant || self.stranger {
                self.stranger = true;
                return self.give_up(waiting, cx);
            }
            waiting.again = cx.later(AGAIN);
            self.held_answer = Some(waiting);
            return;
        };
        let HeldAnswer { message, envelope, reads, token, owner, .. } = waiting;
        self.is_known = true;
        if let Some(token) = token {
            AccountRegistry::of(cx).belongs(token, &owner);
        }
        let text = message.text.as_deref().unwrap_or_default();
        let merged = answers::merge(&reads, text, envelope.root(text), &state, cx);
        if state.lock().book.has_news() {
            state.wake(cx);
        }
        match merged {
            Some(merged) => {
                cx.out.withhold();
                cx.out.insert(Side::Client, message.with(&merged, &[]));
            }
            None => cx.out.forward(Side::Client, message.raw),
        }
        self.answer_in_turn(cx);
    }

    pub(super) fn give_up(&mut self, waiting: HeldAnswer, cx: &mut Cx<'_>) {
        cx.out.forward(Side::Client, waiting.message.raw);
        self.answer_in_turn(cx);
    }
}
