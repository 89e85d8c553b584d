//! Answers of the server that have foreign people put in, as soon as these are known.

use std::time::{Duration, Instant};

use crosstalk_core::{Address, ConnectionId, Recipient, Side};

use super::pipeline::Pipelined;
use super::requests::Reads;
use super::waiting::{PATIENCE, WAITING_FOLD, What};
use super::{Connection, answers};
use crate::common::http::Message;
use crate::msnp::account_keys::{self, Token};
use crate::msnp::account_messages::ToNotification;
use crate::msnp::context::Cx;
use crate::msnp::foreign_list::ForeignList;
use crate::msnp::wire::xml::Document;

/// Pause between looks for a person who is about to sign in, or whose list is about to be known.
const AGAIN: Duration = Duration::from_millis(50);
/// Time for the answer to a look that begins when no other may follow.
const LAST: Duration = Duration::from_secs(1);

/// An answer that waits for the foreign list.
pub(super) struct HeldAnswer {
    pub(super) message: Message,
    envelope: Document,
    reads: Reads,
    token: Option<Token>,
    /// Owner of the list, where the server says that.
    named: Option<Address>,
    step: Step,
    until: Instant,
}

/// Step of a search for the person's notification connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It is looked for by the token, and then by the name.
    ByToken,
    ByName,
    /// It was not found, and is looked for again in a moment.
    Pause,
}

impl HeldAnswer {
    /// Bytes held.
    pub(super) fn weight(&self) -> usize {
        WAITING_FOLD * self.message.raw.len()
    }
}

impl Connection {
    /// The server answered something that is read.
    pub(super) fn answer(&mut self, message: Message, cx: &mut Cx<'_>) {
        let asked = self.next_pipelined();
        let envelope = message.text.as_deref().and_then(Document::parse);
        let (Some(Pipelined::OfServer(reads, token)), Some(envelope)) = (asked, envelope) else {
            return self.pass_answer(message, cx);
        };
        let text = message.text.as_deref().unwrap_or_default();
        let named = answers::owner(envelope.root(text), cx);
        let until = cx.later(PATIENCE);
        let step = Step::Pause;
        let held = HeldAnswer { message, envelope, reads, token, named, step, until };
        self.look(Box::new(held), cx);
    }

    /// Looks for the person whose list it is: by the token or, where nobody has shown it, by name.
    pub(super) fn look(&mut self, mut held: Box<HeldAnswer>, cx: &mut Cx<'_>) {
        let (step, to, token) = match (held.step, held.token, &held.named) {
            (Step::Pause, Some(token), _) => (Step::ByToken, token.recipient(), None),
            (Step::Pause | Step::ByToken, token, Some(named)) => {
                // The server's word for the token, which does not overrule what is known of it.
                (Step::ByName, Recipient::Listener(account_keys::of_account(named)), token)
            }
            _ => return self.pass_answer(held.message, cx),
        };
        held.step = step;
        // All looks together wait no longer than one would, but for the time that the last one needs.
        let until = held.until.max(cx.later(LAST));
        self.ask_list((What::Answer(held), until), to, token, cx);
    }

    /// Nobody was found. Only then is the name tried instead of the token: whoever is found by it
    /// owns the token from then on, which somebody who answers late has shown before.
    pub(super) fn not_found(&mut self, held: Box<HeldAnswer>, cx: &mut Cx<'_>) {
        match held.step {
            Step::Pause | Step::ByToken => self.look(held, cx),
            Step::ByName => self.try_again(held, cx),
        }
    }

    /// Waits a moment, where it is worth it.
    pub(super) fn try_again(&mut self, mut held: Box<HeldAnswer>, cx: &mut Cx<'_>) {
        if held.until <= cx.now.instant || self.stranger {
            self.stranger = true;
            return self.pass_answer(held.message, cx);
        }
        held.step = Step::Pause;
        self.paused = Some((held, cx.later(AGAIN)));
    }

    /// The notification connection of `owner` was found. Gives the client the answer with the foreign
    /// people in it, if they are known.
    pub(super) fn list_known(
        &mut self,
        held: Box<HeldAnswer>,
        owner: &Address,
        list: Option<&ForeignList>,
        asked: Option<ConnectionId>,
        cx: &mut Cx<'_>,
    ) {
        // A book of somebody else than the ticket is stays as it is.
        if held.named.as_ref().is_some_and(|named| named != owner) {
            return self.pass_answer(held.message, cx);
        }
        let Some(list) = list else { return self.try_again(held, cx) };
        let HeldAnswer { message, envelope, reads, .. } = *held;
        let text = message.text.as_deref().unwrap_or_default();
        let (merged, served) = answers::merge(&reads, text, envelope.root(text), list, cx);
        match merged {
            Some(merged) => {
                cx.out.withhold();
                cx.out.insert(Side::Client, message.with(&merged));
            }
            None => cx.out.forward(Side::Client, message.raw),
        }
        self.answer_in_turn(cx);
        // Behind the answer: what a client is told of people before it has them means nothing to it.
        if let Some(asked) = asked {
            ToNotification::Served(served).tell(Recipient::Connection(asked), cx);
        }
    }

    /// Gives the client an answer as it is.
    pub(super) fn pass_answer(&mut self, message: Message, cx: &mut Cx<'_>) {
        cx.out.forward(Side::Client, message.raw);
        self.answer_in_turn(cx);
    }
}
