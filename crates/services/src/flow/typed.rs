//! Flows as people type them, checked before they are set.

use crosstalk_core::{Address, Quoted, Redacted, Subscription};

use super::archive::Format;
use super::language::Language;
use super::node::{Node, is_web};
use super::{BETWEEN, MAX_NODES};
use crate::View;
use crate::naming::{name, resolve};
use crate::speech::{Speech, speech};

/// The longest words of a node, in bytes.
const MAX_WORDS: usize = 200;

/// The nodes in `typed`, or what is wrong with them.
pub(super) fn nodes(typed: &str, view: &View<'_>) -> Result<Vec<Node>, Speech> {
    let nodes: Vec<_> =
        typed.split(BETWEEN).map(|words| node(words.trim(), view)).collect::<Result<_, _>>()?;
    let forwards: Vec<&Address> = nodes.iter().filter_map(target).collect();
    if let Some(twice) = forwards.iter().enumerate().find(|(at, to)| forwards[..*at].contains(to)) {
        return Err(speech!("The flow forwards to {} twice.", name(twice.1, view)));
    }
    let back = |node: &&Node| matches!(node, Node::From(who) if forwards.contains(&who));
    if let Some(Node::From(who)) = nodes.iter().find(back) {
        return Err(speech!(
            "Texts from {} cannot be forwarded to {}: that would go in a circle.",
            name(who, view),
            name(who, view)
        ));
    }
    if nodes.len() > MAX_NODES {
        return Err(speech!("A flow has {} nodes at most.", MAX_NODES));
    }
    if is_pointless(&nodes) {
        return Err("Nothing comes behind the last \"from\" or \"filter\", so the flow would do \
            nothing. Write what is to be done with those texts behind it."
            .into());
    }
    Ok(nodes)
}

/// Whether nothing can come of the nodes, or there are too many.
pub(super) fn is_pointless(nodes: &[Node]) -> bool {
    nodes.len() > MAX_NODES || nodes.last().is_none_or(Node::is_condition)
}

const fn target(node: &Node) -> Option<&Address> {
    match node {
        Node::Forward(to) => Some(to),
        _ => None,
    }
}

fn node(typed: &str, view: &View<'_>) -> Result<Node, Speech> {
    let (kind, words) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let words = words.trim();
    match kind.to_lowercase().as_str() {
        "from" => resolve(words, view).map(Node::From),
        "filter" => match words.split_once(char::is_whitespace) {
            Some((from, who)) if from.eq_ignore_ascii_case("from") => {
                resolve(who.trim(), view).map(Node::From)
            }
            _ => own_words("filter", words).map(Node::Filter),
        },
        "translate" if view.offers.flows.translator.is_none() => Err(no_translator()),
        "translate" => Language::read(words).map(Node::Translate).ok_or_else(no_language),
        "archive" if !view.offers.flows.has_archive => {
            Err("This gateway keeps no archives.".into())
        }
        "archive" => Format::of(words)
            .map(Node::Archive)
            .ok_or_else(|| "Write archive mbox or archive jsonl.".into()),
        "forward" => forward(words, view).map(Node::Forward),
        "away-answer" => own_words("away-answer", words).map(Node::AwayAnswer),
        "webhook" => webhook(words, view),
        _ => Err(speech!(
            "There is no node {}. There are: from NAME, filter WORD, translate LANG, archive mbox, \
             archive jsonl, forward NAME, away-answer TEXT and webhook URL, with | between them.",
            Quoted::name(kind)
        )),
    }
}

pub(super) fn no_translator() -> Speech {
    "This gateway has no translator.".into()
}

pub(super) fn no_language() -> Speech {
    "Which language? Write its code, such as translate de for German.".into()
}

/// Words that a person puts into a flow.
fn own_words(kind: &'static str, words: &str) -> Result<Redacted<String>, Speech> {
    match words.len() {
        0 => Err(speech!("Words are missing behind {}.", kind)),
        ..=MAX_WORDS if !words.contains(char::is_control) => Ok(words.to_owned().into()),
        _ => Err(speech!("Please write a short line behind {}.", kind)),
    }
}

/// The person's other address, which has to be one that both have agreed to see.
fn forward(typed: &str, view: &View<'_>) -> Result<Address, Speech> {
    if typed.is_empty() {
        return Err("Whereto? Write forward and another address of yours.".into());
    }
    let to = resolve(typed, view)?;
    if to == *view.user || to.is_control() {
        return Err(
            "A text cannot be forwarded to where it comes from: that would go in a circle.".into(),
        );
    }
    let is_agreed = view.roster.contact(&to).is_some_and(|contact| {
        let both = [&contact.to, &contact.from];
        !contact.blocked && both.iter().all(|way| **way == Subscription::Granted)
    });
    if is_agreed {
        return Ok(to);
    }
    let to = name(&to, view);
    Err(speech!(
        "{} has to agree first: add it with /add {}, accept there, and ask from there too, so that \
         both see each other.",
        to,
        to
    ))
}

fn webhook(url: &str, view: &View<'_>) -> Result<Node, Speech> {
    let Some(secret) = view.offers.flows.secrets else {
        return Err("This gateway calls no webhooks.".into());
    };
    if url.len() > MAX_WORDS || !is_web(url) {
        return Err("Write webhook and an address that begins with https:// or http://, in up to \
            200 plain characters."
            .into());
    }
    Ok(Node::Webhook { url: url.to_owned().into(), secret: format!("{:032x}", secret()).into() })
}
