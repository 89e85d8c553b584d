//! Flows and translations as lines of a person's settings: `translate/bob@yahoo=de` and
//! `flow/NAME=NODE | NODE`.

use crosstalk_core::{Address, MAX_SETTINGS, label};

use super::language::Language;
use super::node::Node;
use super::{BETWEEN, Flow, MAX_NAME};
use crate::speech::Speech;

const TRANSLATE: &str = "translate/";
const FLOW: &str = "flow/";

/// What a line says.
pub(super) enum Line {
    /// Texts of this person are to be in this language.
    Translate(Address, Language),
    /// A flow.
    Flow(Flow),
}

/// Whether a setting is one of these lines.
pub(super) fn is_flow(line: &str) -> bool {
    line.starts_with(TRANSLATE) || line.starts_with(FLOW)
}

impl Line {
    /// Reads a line of a person, or of everybody.
    pub(super) fn read(line: &str) -> Option<Self> {
        if let Some(line) = line.strip_prefix(TRANSLATE) {
            // A name may hold the sign, a code does not.
            let (of, language) = line.rsplit_once('=')?;
            return Some(Self::Translate(of.parse().ok()?, Language::read(language)?));
        }
        let Some(line) = line.strip_prefix(FLOW) else {
            return Self::of_everybody(line).map(Self::Flow);
        };
        let (name, nodes) = line.split_once('=')?;
        flow(name, nodes).map(Self::Flow)
    }

    /// Reads a flow as operators write it.
    pub(super) fn of_everybody(line: &str) -> Option<Flow> {
        let (name, nodes) = line.split_once(':')?;
        flow(name.trim(), nodes)
    }
}

fn flow(name: &str, nodes: &str) -> Option<Flow> {
    let nodes: Option<Vec<_>> = nodes.split(BETWEEN).map(Node::read).collect();
    is_name(name).then(|| Some(Flow { name: name.to_owned(), nodes: nodes? })).flatten()
}

/// Whether a flow can be called so.
pub(super) fn is_name(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_plain)
}

/// The line of a flow but for the secrets in it; none for other lines.
pub(crate) fn without_secrets(line: &str) -> Option<String> {
    let (name, nodes) = line.strip_prefix(FLOW)?.split_once('=')?;
    let Some(flow) = flow(name, nodes) else {
        // Of a later version, it may be: where in it a secret stands is not known.
        return Some(format!("{FLOW}{name}=[not understood]"));
    };
    let nodes: Vec<_> = flow.nodes.iter().map(Node::without_secret).collect();
    Some(format!("{FLOW}{name}={}", nodes.join(BETWEEN)))
}

/// The flows in `settings`.
pub(super) fn flows(settings: &[String]) -> impl Iterator<Item = Flow> {
    let own = settings.iter().filter(|line| line.starts_with(FLOW));
    own.filter_map(|line| match Line::read(line) {
        Some(Line::Flow(flow)) => Some(flow),
        _ => None,
    })
}

/// The translations in `settings`.
pub(super) fn translations(settings: &[String]) -> impl Iterator<Item = (Address, Language)> {
    let own = settings.iter().filter(|line| line.starts_with(TRANSLATE));
    own.filter_map(|line| match Line::read(line) {
        Some(Line::Translate(of, language)) => Some((of, language)),
        _ => None,
    })
}

/// All settings with this language for texts of `of`, or none.
pub(super) fn with_translation(
    settings: &[String],
    of: &Address,
    language: Option<&Language>,
) -> Result<Vec<String>, Speech> {
    let key = format!("{TRANSLATE}{of}=");
    with(settings, &key, language.map(Language::code))
}

/// All settings with no translations.
pub(super) fn without_translations(settings: &[String]) -> Vec<String> {
    settings.iter().filter(|line| !line.starts_with(TRANSLATE)).cloned().collect()
}

/// All settings with these nodes for the flow called `name`, or without it.
pub(super) fn with_flow(
    settings: &[String],
    name: &str,
    nodes: Option<&[Node]>,
) -> Result<Vec<String>, Speech> {
    let written =
        nodes.map(|nodes| nodes.iter().map(Node::stored).collect::<Vec<_>>().join(BETWEEN));
    let all = with(settings, &format!("{FLOW}{name}="), written.as_deref())?;
    let is_it = |flow: Flow| flow.name == name && Some(flow.nodes.as_slice()) == nodes;
    if nodes.is_some() && !flows(&all).any(is_it) {
        return Err("Nothing was changed: there is a | too many among the nodes.".into());
    }
    Ok(all)
}

fn with(settings: &[String], key: &str, value: Option<&str>) -> Result<Vec<String>, Speech> {
    let other = |line: &&String| {
        // The name in a key may hold what ends the key, and what follows it then too.
        !line.strip_prefix(key).is_some_and(|value| key.starts_with(FLOW) || !value.contains('='))
    };
    let mut all: Vec<String> = settings.iter().filter(other).cloned().collect();
    if let Some(value) = value {
        let line = format!("{key}{value}");
        // Cut, it would say another thing.
        if label(line.clone()) != line {
            return Err("Nothing was changed: that is too long to be kept.".into());
        }
        all.push(line);
    }
    if all.len() > MAX_SETTINGS {
        return Err("Nothing was changed: there is no room for more. /services and /privacy show \
            what is set."
            .into());
    }
    Ok(all)
}
