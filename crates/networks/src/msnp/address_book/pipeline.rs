//! Requests of a client, each in its turn: passed on, changed, or answered here.

use bytes::Bytes;
use crosstalk_core::{ConnectionId, Fault, Recipient, Side};

use super::last_look::is_named_in_bytes;
use super::requests::{self, Ask, Reads};
use super::waiting::{PATIENCE, What};
use super::{Connection, elements, offline_messages};
use crate::common::http::{self, Head, Incoming, Message};
use crate::msnp::account_keys::Token;
use crate::msnp::context::Cx;
use crate::msnp::foreign_list::{Edit, ForeignList};
use crate::msnp::wire::xml::Document;

/// The most requests that wait for an answer, and the most bytes of what is known of it.
const MAX_ASKED: usize = 32;
const MAX_BYTES: usize = 128 << 10;
/// The longest name of a host, which answers of ours repeat, in bytes.
const MAX_HOST: usize = 255;
/// The longest request for anything else that is waited for, in bytes: who is not known yet may
/// have no more wait. Longer ones are read as they pass.
const MAX_OTHER: usize = 32 << 10;

/// Treatment of a request.
pub(super) enum Pipelined {
    /// The server answers, and the answer is read for this.
    OfServer(Reads, Option<Token>),
    /// We answer, in its turn.
    Answered(Bytes),
}

impl Pipelined {
    fn weight(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::OfServer(Reads::Group(name), _) => name.len(),
                Self::OfServer(..) => 0,
                Self::Answered(answer) => answer.len(),
            }
    }
}

/// A request of the client.
pub(super) struct Question {
    pub(super) message: Message,
    document: Document,
    token: Option<Token>,
    /// It is a message for somebody who is offline.
    is_letter: bool,
}

impl Question {
    /// Reads it, by the list of whoever asks. Gives what becomes of it once the changes are made.
    fn read(&self, list: Option<&ForeignList>, cx: &Cx<'_>) -> (Ask, Vec<Edit>) {
        let text = self.message.text.as_deref().unwrap_or_default();
        let host = self.message.head.field("host").filter(|host| host.len() <= MAX_HOST);
        requests::read(text, &self.document, list, host.unwrap_or_default(), cx)
    }

    /// The error that it cannot be done.
    pub(super) fn refusal(&self, code: &str, words: &str) -> Ask {
        let text = self.message.text.as_deref().unwrap_or_default();
        let operation = requests::operation(self.document.root(text));
        if self.is_letter {
            return Ask::Fault(elements::oim_fault());
        }
        let operation = operation.map(|operation| operation.name()).unwrap_or_default();
        Ask::Fault(elements::fault(operation, code, words))
    }
}

impl Connection {
    /// Notes what becomes of a request.
    fn ask(&mut self, asked: Pipelined) {
        self.bytes += asked.weight();
        self.pipeline.push_back(asked);
    }

    pub(super) fn next_pipelined(&mut self) -> Option<Pipelined> {
        let asked = self.pipeline.pop_front()?;
        self.bytes -= asked.weight();
        Some(asked)
    }

    /// The client begins a request; returns whether it is waited for.
    pub(super) fn begin_request(
        &mut self,
        message: &Incoming,
        cx: &mut Cx<'_>,
    ) -> Result<bool, Fault> {
        let head = &message.head;
        if !matches!(head.method.as_str(), "GET" | "POST") {
            return Err(Fault::client("a method that no address book has"));
        }
        if self.pipeline.len() >= MAX_ASKED || self.bytes > MAX_BYTES {
            return Err(Fault::client("too many requests at once"));
        }
        let path = head.path.to_ascii_lowercase();
        let known = path.contains("/abservice/") || path.contains("/oimws/");
        // One whose length nobody knows beforehand has to be waited for: names in it can be in
        // parts.
        if !known && !message.fits_in(MAX_OTHER) && !head.is_coded() {
            self.ask(Pipelined::OfServer(Reads::Nothing, None));
            return Ok(false);
        }
        if !message.fits() {
            return Err(Fault::client("a request is too long"));
        }
        if head.field("expect").is_some() {
            cx.out.insert(Side::Client, "HTTP/1.1 100 Continue\r\n\r\n");
        }
        Ok(true)
    }

    pub(super) fn request(&mut self, message: Message, cx: &mut Cx<'_>) {
        let head = &message.head;
        if head.is_coded() {
            return self.refuse_coding(head, cx);
        }
        let first = message.raw.get(..head.length).unwrap_or_default();
        let document = message.text.as_deref().and_then(Document::parse);
        let (Some(text), Some(document)) = (&message.text, document) else {
            return self.unread(message, cx);
        };
        let envelope = document.root(text);
        if is_named_in_bytes(first, cx) || requests::operation(envelope).is_none() {
            return self.unread(message, cx);
        }
        let tickets = [requests::ticket(envelope), offline_messages::ticket(envelope)];
        let cookie = || head.field("cookie")?.split_once("MSPAuth=").map(|(_, ticket)| ticket);
        let token = tickets.iter().map(AsRef::as_ref).find(|ticket| !ticket.is_empty());
        let token = token.or_else(cookie).map(Token::of);
        let letter = offline_messages::read(envelope, cx);
        let is_letter = letter.is_some();
        let question = Box::new(Question { message, document, token, is_letter });
        match (letter, token) {
            (Some((ask, edits)), Some(token)) if !edits.is_empty() => {
                self.ask_edits((question, ask), edits, token.recipient(), cx);
            }
            (Some((_, edits)), _) if !edits.is_empty() => {
                let ask = question.refusal("", "");
                self.carry_out(&question, ask, cx);
            }
            (Some((ask, _)), _) => self.carry_out(&question, ask, cx),
            (None, Some(token)) => {
                let waits = (What::Request(question), cx.later(PATIENCE));
                self.ask_list(waits, token.recipient(), None, cx);
            }
            (None, None) => self.decide(question, None, None, cx),
        }
    }

    /// Decides about a request, by the list of whoever asks, as far as that is known.
    pub(super) fn decide(
        &mut self,
        question: Box<Question>,
        list: Option<&ForeignList>,
        notification: Option<ConnectionId>,
        cx: &mut Cx<'_>,
    ) {
        let (ask, edits) = question.read(list, cx);
        match notification {
            Some(id) if !edits.is_empty() => {
                self.ask_edits((question, ask), edits, Recipient::Connection(id), cx);
            }
            _ => self.carry_out(&question, ask, cx),
        }
    }

    /// Treats a request as it was decided.
    pub(super) fn carry_out(&mut self, question: &Question, ask: Ask, cx: &mut Cx<'_>) {
        let Question { message, token, .. } = question;
        let (head, text) = (&message.head, message.text.as_deref().unwrap_or_default());
        match ask {
            Ask::Pass(reads) => {
                let plain = head.field("accept-encoding").is_none() || reads == Reads::Nothing;
                if plain && head.field("expect").is_none() {
                    self.pass(message.raw.clone(), reads, *token, cx);
                } else {
                    self.resend(message.with_plain_answer(text), reads, *token, cx);
                }
            }
            Ask::Change(text) => {
                self.resend(message.with_plain_answer(&text), Reads::Nothing, *token, cx);
            }
            Ask::Answer(text) => self.reply(head, "200 OK", &text, cx),
            Ask::Fault(text) => self.reply(head, "500 Internal Server Error", &text, cx),
        }
    }

    /// A request that cannot be read is for the server, unless somebody foreign is in it.
    fn unread(&mut self, message: Message, cx: &mut Cx<'_>) {
        if is_named_in_bytes(&message.raw, cx) {
            let fault = elements::fault("", "BadArgument", "The request cannot be read.");
            return self.reply(&message.head, "500 Internal Server Error", &fault, cx);
        }
        self.pass(message.raw, Reads::Nothing, None, cx);
    }

    fn pass(&mut self, raw: Bytes, reads: Reads, token: Option<Token>, cx: &mut Cx<'_>) {
        cx.out.forward(Side::Server, raw);
        self.ask(Pipelined::OfServer(reads, token));
    }

    fn resend(&mut self, anew: Bytes, reads: Reads, token: Option<Token>, cx: &mut Cx<'_>) {
        cx.out.withhold();
        cx.out.insert(Side::Server, anew);
        self.ask(Pipelined::OfServer(reads, token));
    }

    /// Refuses a request whose body is compressed: clients send none, and names in it would pass.
    fn refuse_coding(&mut self, head: &Head, cx: &mut Cx<'_>) {
        cx.out.withhold();
        self.ask(Pipelined::Answered(http::refuse_coding(head)));
        self.answer_in_turn(cx);
    }

    /// Answers a request that the server does not get.
    fn reply(&mut self, head: &Head, status: &str, text: &str, cx: &mut Cx<'_>) {
        cx.out.withhold();
        self.ask(Pipelined::Answered(http::answer(head, status, text)));
        self.answer_in_turn(cx);
    }

    /// Gives the client the answers of ours whose turn it is.
    pub(super) fn answer_in_turn(&mut self, cx: &mut Cx<'_>) {
        while self.waiting.is_none()
            && self.paused.is_none()
            && let Some(Pipelined::Answered(_)) = self.pipeline.front()
            && let Some(Pipelined::Answered(answer)) = self.next_pipelined()
        {
            cx.out.insert(Side::Client, answer);
        }
    }
}
