//! Waiting for the notification connection, one thing at a time: the rest of what both sides say is
//! read when that is over.

use std::time::{Duration, Instant};

use crosstalk_core::{ConnectionId, Message, Recipient, TellResult};

use super::Connection;
use super::held_answer::HeldAnswer;
use super::pipeline::Question;
use super::requests::Ask;
use crate::msnp::account_keys::Token;
use crate::msnp::account_messages::{ToAddressBook, ToNotification};
use crate::msnp::context::Cx;
use crate::msnp::foreign_list::Edit;

/// Longest wait for an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// Longest wait until changes are made, or else not at all: the answer that they are is then there
/// before the wait for it is over.
const MADE_WITHIN: Duration = Duration::from_secs(2);
/// Factor from the length of a message to its memory as bytes, as text and as elements.
pub(super) const WAITING_FOLD: usize = 8;

/// Something that waits for the notification connection.
pub(super) struct Waiting {
    what: What,
    /// Number of the question, by which its answer is known.
    number: u32,
    /// The notification connection, once it was found.
    asked: Option<ConnectionId>,
    until: Instant,
}

/// Purpose of a question.
pub(super) enum What {
    /// A request needs the list.
    Request(Box<Question>),
    /// A request has changes made, and is treated so when they are.
    Edits(Box<Question>, Ask),
    /// An answer of the server is to have the foreign people put in.
    Answer(Box<HeldAnswer>),
}

impl Waiting {
    pub(super) const fn deadline(&self) -> Instant {
        self.until
    }

    /// Bytes held.
    pub(super) fn weight(&self) -> usize {
        match &self.what {
            What::Request(question) | What::Edits(question, _) => {
                WAITING_FOLD * question.message.raw.len()
            }
            What::Answer(held) => held.weight(),
        }
    }
}

impl Connection {
    /// Asks for the list, which `what` waits for until then; says with it that the token is the
    /// person's.
    pub(super) fn ask_list(
        &mut self,
        (what, until): (What, Instant),
        to: Recipient,
        token: Option<Token>,
        cx: &mut Cx<'_>,
    ) {
        let number = self.wait(what, until);
        ToNotification::WantsList { number, token }.tell(to, cx);
    }

    /// Has changes made, on which it depends whether a request is treated so.
    pub(super) fn ask_edits(
        &mut self,
        (question, ask): (Box<Question>, Ask),
        edits: Vec<Edit>,
        to: Recipient,
        cx: &mut Cx<'_>,
    ) {
        let number = self.wait(What::Edits(question, ask), cx.later(PATIENCE));
        let until = cx.later(MADE_WITHIN);
        ToNotification::Edits { number, edits, until }.tell(to, cx);
    }

    /// Has `what` wait until then. Returns the number of its question.
    fn wait(&mut self, what: What, until: Instant) -> u32 {
        self.questions = self.questions.wrapping_add(1);
        let number = self.questions;
        self.waiting = Some(Waiting { what, number, asked: None, until });
        number
    }

    /// Whether the notification connection was found that was asked.
    pub(in crate::msnp) fn told(&mut self, told: &TellResult, cx: &mut Cx<'_>) {
        if let TellResult::Hears(id) = told {
            if let Some(waiting) = &mut self.waiting {
                waiting.asked = Some(*id);
                self.is_known = true;
            }
            return;
        }
        let Some(waiting) = self.waiting.take() else { return };
        match (told, waiting.what) {
            (TellResult::Nobody(_), What::Answer(held)) => self.not_found(held, cx),
            (TellResult::Full(_), What::Edits(question, _)) => {
                let ask = question.refusal("BadArgumentLength", "Too many changes at once.");
                self.carry_out(&question, ask, cx);
            }
            (_, what) => self.go_on_without(what, cx),
        }
    }

    /// The notification connection answers. What comes for a question that was given up is ignored.
    pub(in crate::msnp) fn heard(&mut self, message: Message, cx: &mut Cx<'_>) {
        let Ok(answer) = message.downcast::<ToAddressBook>() else { return };
        let (ToAddressBook::List { number, .. } | ToAddressBook::Edited { number, .. }) = &answer;
        let Some(waiting) = self.waiting.take_if(|waiting| waiting.number == *number) else {
            return;
        };
        match (waiting.what, answer) {
            (What::Request(question), ToAddressBook::List { list, .. }) => {
                self.decide(question, list.as_deref(), waiting.asked, cx);
            }
            (What::Answer(held), ToAddressBook::List { owner, list, .. }) => {
                self.list_known(held, &owner, list.as_deref(), waiting.asked, cx);
            }
            (What::Edits(question, ask), ToAddressBook::Edited { made, .. }) => {
                let full = || question.refusal("QuotaLimitReached", "The list is full.");
                let ask = if made { ask } else { full() };
                self.carry_out(&question, ask, cx);
            }
            // No question has an answer of another kind.
            (What::Request(_) | What::Answer(_), ToAddressBook::Edited { .. })
            | (What::Edits(..), ToAddressBook::List { .. }) => {}
        }
    }

    /// The notification connection that was asked is gone.
    pub(in crate::msnp) fn left(&mut self, id: ConnectionId, cx: &mut Cx<'_>) {
        if let Some(waiting) = self.waiting.take_if(|waiting| waiting.asked == Some(id)) {
            self.go_on_without(waiting.what, cx);
        }
    }

    pub(in crate::msnp) fn tick(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now.instant;
        if let Some(waiting) = self.waiting.take_if(|waiting| waiting.until <= now) {
            self.go_on_without(waiting.what, cx);
        }
        if self.waiting.is_none()
            && let Some((held, _)) = self.paused.take_if(|(_, until)| *until <= now)
        {
            self.look(held, cx);
        }
    }

    /// Goes on without an answer of the notification connection.
    fn go_on_without(&mut self, what: What, cx: &mut Cx<'_>) {
        match what {
            What::Request(question) => self.decide(question, None, None, cx),
            // Nor are they made later; made are they only where the connection left with its answer.
            What::Edits(question, _) => {
                let ask = question.refusal("InternalError", "The change could not be made.");
                self.carry_out(&question, ask, cx);
            }
            What::Answer(held) => self.try_again(held, cx),
        }
    }
}
