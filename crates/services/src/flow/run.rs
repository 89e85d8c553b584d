//! A text on its way through flows, one call after the other.

use std::collections::VecDeque;

use crosstalk_core::{Address, Body, Envelope, Quoted, RichText, UnixMillis};

use super::archive::{Record, record};
use super::node::Node;
use super::stored::Line;
use super::{Flow, MARK, behind_note, note, translate, webhook, with_note};
use crate::offers::Offers;
use crate::request::{Request, Trouble};
use crate::speech::{Speech, speech};

/// A text on its way through flows. Each begins with the text as it was written.
pub struct Run {
    envelope: Envelope,
    /// The text as it was written.
    original: String,
    /// Flows to come, with whether they are the person's own.
    flows: VecDeque<(Flow, bool)>,
    /// The flow that goes on.
    current: Option<Current>,
    shown: Option<RichText>,
    trouble: Option<Speech>,
    actions: Vec<Action>,
}

/// A flow that goes on.
struct Current {
    name: String,
    is_own: bool,
    nodes: VecDeque<Node>,
    /// The text as the nodes before have made it.
    text: String,
    /// The node whose call was begun.
    calling: Option<Node>,
}

/// A request that a node makes.
#[derive(Debug)]
pub struct Call {
    /// The request.
    pub request: Request,
    /// Whether the address is a person's own choice and not the operator's.
    pub is_persons: bool,
}

/// Result of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The text that is shown in the place of the one that came; `None` for that.
    pub shown: Option<RichText>,
    /// Words for the person, why something failed.
    pub trouble: Option<RichText>,
    /// What is to be done once the text is shown, in order.
    pub actions: Vec<Action>,
}

/// Something that a node does with a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// It is said to another address of the person.
    Forward(Address, RichText),
    /// Its sender is told this, if the person is away.
    AwayAnswer(RichText),
    /// It is written to a file.
    Archive(Record),
}

impl Run {
    /// Begins with a text, and [those](super::of) lines that it runs through.
    pub fn new(envelope: Envelope, lines: &[String]) -> Self {
        let original = match &envelope.body {
            Body::Text { text, .. } => text.text().to_owned(),
            _ => String::new(),
        };
        let read = |line: &String| match Line::read(line)? {
            Line::Flow(flow) => Some((flow, super::stored::is_flow(line))),
            Line::Translate(of, language) => {
                let nodes = vec![Node::From(of), Node::Translate(language)];
                Some((Flow { name: String::new(), nodes }, true))
            }
        };
        let flows = lines.iter().filter_map(read).collect();
        let (current, shown, trouble, actions) = (None, None, None, Vec::new());
        Self { envelope, original, flows, current, shown, trouble, actions }
    }

    /// Goes on to the next call; `None` where nothing is left to be called.
    pub fn next_call(&mut self, offers: &Offers, now: UnixMillis) -> Option<Call> {
        loop {
            let Some(flow) = &mut self.current else {
                let (Flow { name, nodes }, is_own) = self.flows.pop_front()?;
                let (nodes, text, calling) = (nodes.into(), self.original.clone(), None);
                self.current = Some(Current { name, is_own, nodes, text, calling });
                continue;
            };
            let Some(node) = flow.nodes.pop_front() else {
                self.current = None;
                continue;
            };
            if node.condition(&self.envelope, &flow.text).is_some_and(|holds| !holds) {
                self.current = None;
                continue;
            }
            let request = match &node {
                Node::Translate(language) => {
                    let translator = offers.flows.translator.as_ref();
                    let translator = translator.filter(|_| !flow.text.trim().is_empty());
                    translator.map(|to| translate::request(to, language, &flow.text))
                }
                Node::Webhook { url, secret } => {
                    let told = (flow.name.as_str(), &self.envelope, flow.text.as_str());
                    // An operator who no longer lets people have webhooks ends those they have.
                    let may = !flow.is_own || offers.flows.secrets.is_some();
                    may.then(|| webhook::request(url, secret, told, now))
                }
                _ => None,
            };
            let Some(request) = request else {
                self.act(&node);
                continue;
            };
            let is_persons = flow.is_own && matches!(node, Node::Webhook { .. });
            flow.calling = Some(node);
            return Some(Call { request, is_persons });
        }
    }

    /// The call has ended. One that failed leaves the text as it was.
    pub fn returned(&mut self, response: Result<(u16, Vec<u8>), Trouble>) {
        let Some(flow) = &mut self.current else { return };
        let original = || RichText::from(self.original.as_str());
        let so_far = || match &self.envelope.body {
            Body::Text { text, .. } => text.clone(),
            _ => original(),
        };
        let shown = self.shown.clone().unwrap_or_else(so_far);
        let failed = match flow.calling.take() {
            Some(Node::Translate(language)) => {
                match translate::read(&language, &flow.text, response) {
                    Ok(None) => None,
                    Ok(Some(translation)) => {
                        let service = translation.from.map(|from| format!("translate from {from}"));
                        let service = service.unwrap_or_else(|| "translate".to_owned());
                        let shown = with_note(&shown, &note(&service, &translation.text));
                        self.shown = shown.or(self.shown.take());
                        flow.text = translation.text;
                        None
                    }
                    Err(why) => Some(speech!("/translate: {}", why)),
                }
            }
            Some(Node::Webhook { .. }) => match webhook::read(response) {
                Ok(None) => None,
                Ok(Some(text)) => {
                    let service = format!("flow {}", flow.name);
                    let shown = behind_note(&shown, &note(&service, &text));
                    self.shown = shown.or(self.shown.take());
                    flow.text = text;
                    None
                }
                Err(why) => Some(speech!("/flow {}: {}", Quoted::name(&flow.name), why)),
            },
            _ => None,
        };
        self.trouble = self.trouble.take().or(failed);
    }

    /// What came of it.
    pub fn end(self) -> Outcome {
        let trouble = self.trouble.map(|why| {
            speech!("[CrossTalk {}. Texts come as they were written where that happens.]", why)
        });
        Outcome { shown: self.shown, trouble: trouble.map(RichText::from), actions: self.actions }
    }

    /// Does what a node does without calling anybody.
    fn act(&mut self, node: &Node) {
        let Some(flow) = &self.current else { return };
        // Of a gateway's own, as a text that was forwarded is: it goes in no circle.
        let is_auto = matches!(self.envelope.body, Body::Text { auto: true, .. })
            || self.original.starts_with(MARK);
        match node {
            Node::Archive(format) => {
                let entry = record(*format, &self.envelope, &self.original, &flow.text);
                self.actions.push(Action::Archive(entry));
            }
            // What a client says on its own is answered by nothing, and goes nowhere else.
            Node::Forward(to) if !is_auto && *to != self.envelope.from => {
                let from = Quoted::name(&self.envelope.from.to_string());
                let text = format!("{MARK}: {from} wrote] {}", flow.text);
                self.actions.push(Action::Forward(to.clone(), text.into()));
            }
            Node::AwayAnswer(words) if !is_auto => {
                let text = format!("{MARK} /flow {}: {}]", flow.name, words.expose());
                self.actions.push(Action::AwayAnswer(text.into()));
            }
            _ => {}
        }
    }
}
