//! Flows: nodes such as `translate` that a text runs through on its way to a person, whose gateway
//! has it.
//!
//! A person's flows are lines of the person's [settings](crosstalk_core::Roster::settings), an
//! operator's stand in the configuration. A flow does no I/O: a [`Run`] says what is to be called
//! ([`Call`]), is told what came back, and ends with what the person is shown ([`Outcome`]). A node
//! that fails changes nothing, and no node keeps a text from its receiver.

mod archive;
mod commands;
mod language;
mod node;
mod picture;
mod run;
mod stored;
mod translate;
mod typed;
mod webhook;

use crosstalk_core::{Body, Envelope, Redacted, RichText};

use crate::offers::Offers;

pub use archive::{Format, Record};
pub(crate) use commands::{flow, states, translate};
pub use commands::{not_forwarded, said_to};
use node::Node;
pub use picture::picture;
pub use run::{Action as FlowAction, Call, Outcome, Run};
use stored::Line;
pub(crate) use stored::without_secrets;

/// Begins what a gateway says in a conversation. What was forwarded once is not forwarded again, and
/// is answered by nobody.
const MARK: &str = "[CrossTalk";
/// Beginnings of messages of Off-the-Record Messaging (version 3: encoded, in pieces, and queries).
const OTR: [&str; 5] = ["?OTR:", "?OTR,", "?OTR|", "?OTR?", "?OTRv"];
/// Stands between the nodes of a flow.
const BETWEEN: &str = " | ";
/// The most flows of one person.
const MAX_FLOWS: usize = 8;
/// The most nodes of one flow.
const MAX_NODES: usize = 8;
/// The longest name of a flow.
const MAX_NAME: usize = 24;

/// A flow with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    name: String,
    nodes: Vec<Node>,
}

impl Flow {
    /// Whether something may come of it for this text, as far as it begins with conditions.
    fn concerns(&self, envelope: &Envelope, text: &str) -> bool {
        let conditions = self.nodes.iter().map_while(|node| node.condition(envelope, text));
        conditions.into_iter().all(|holds| holds)
    }
}

/// Checks a flow of everybody: `NAME: NODE | NODE`, with full names of people, and the secret of a
/// webhook behind its address. The error is for operators.
pub fn check(line: &str) -> Result<(), &'static str> {
    let flow = Line::of_everybody(line).ok_or(
        "write a name, a colon, and nodes such as: log: filter urgent | archive jsonl. A webhook is \
         followed by its address and a secret of 16 characters at least",
    )?;
    if typed::is_pointless(&flow.nodes) {
        return Err("the last node is a condition, or there are too many nodes");
    }
    if flow.nodes.iter().any(|node| matches!(node, Node::Forward(_))) {
        return Err("texts are forwarded in the name of their receivers, by flows of their own");
    }
    Ok(())
}

/// The lines of `settings`, and of everybody, that a text runs through, for [`Run::new`]; `None`
/// where there are none, which costs nothing.
pub fn of(envelope: &Envelope, settings: &[String], offers: &Offers) -> Option<Vec<String>> {
    let Body::Text { text, .. } = &envelope.body else { return None };
    let everybody = offers.flows.everybody.iter().map(Redacted::expose);
    let own = settings.iter().filter(|line| stored::is_flow(line));
    let concerned = |line: &&String| match Line::read(line) {
        Some(Line::Translate(of, _)) => of == envelope.from && offers.flows.translator.is_some(),
        Some(Line::Flow(flow)) => flow.concerns(envelope, text.text()),
        None => false,
    };
    // Who has no lines has none looked at.
    let mut lines = own.chain(everybody).filter(concerned).peekable();
    lines.peek()?;
    // What two clients have encrypted between them is words to nobody else.
    let is_said = !OTR.iter().any(|begins| text.text().starts_with(begins));
    is_said.then(|| lines.cloned().collect())
}

/// The part of an address by HTTP that holds no key.
fn host(url: &str) -> &str {
    let begins = url.find("://").map_or(0, |at| at + 3);
    let ends = url[begins..].find(['/', '?', '#']).map_or(url.len(), |at| begins + at);
    &url[..ends]
}

/// A note of the gateway's own, such as `[CrossTalk /flow x: …]`, around words of somebody else.
fn note(service: &str, words: &str) -> String {
    format!("{MARK} /{service}: {}]", words.trim())
}

/// The text with a note behind it; `None` where that is too long.
fn with_note(shown: &RichText, note: &str) -> Option<RichText> {
    let is_room = shown.text().len() + note.len() < crosstalk_core::MAX_TEXT;
    is_room.then(|| {
        let mut shown = shown.clone();
        shown.push(&format!("\n{note}"), &[]);
        shown
    })
}

/// The text with a note before it; `None` where that is too long.
fn behind_note(shown: &RichText, note: &str) -> Option<RichText> {
    let is_room = shown.text().len() + note.len() < crosstalk_core::MAX_TEXT;
    is_room.then(|| {
        let mut whole = RichText::plain(format!("{note}\n"));
        for (run, styles) in shown.runs() {
            whole.push(run, styles.iter().copied());
        }
        whole
    })
}
