//! The elements of stream management (XEP-0198) in a session, passed on in the other side's count.

pub(super) mod counts;
mod resumption;

use std::time::Duration;

use bytes::Bytes;
use crosstalk_core::{Fault, Side, Via};

use self::counts::Acks;
use super::account::Requests;
use super::context::Cx;
use super::sign_on::NOT_UNDERSTOOD;
use super::sign_on::refused_features::{self, StreamElement};
use super::wire::ns;
use super::wire::stanza_head::Head;
use super::wire::xml::Element;

/// Time for which a session waits for its client where the server does not say, and at most.
const USUAL_WAIT: Duration = Duration::from_mins(5);
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// The longest id of a session; XEP-0198 allows 4000 bytes.
pub(super) const MAX_ID: usize = 4000;

/// A top-level element of the client that is no stanza.
pub(super) fn ack_from_client(
    requests: &mut Requests,
    head: &Head<'_>,
    raw: &Bytes,
    cx: &mut Cx<'_>,
) -> Result<(), Fault> {
    let (name, ns) = cx.name_of(raw)?;
    match (StreamElement::of(&name, &ns), name.as_str()) {
        (StreamElement::Compress, _) => {
            refused_features::compression(cx);
            return Ok(());
        }
        (StreamElement::Management, "enable") => {
            cx.link.acks = Some(Box::new(Acks::enable(&ns)));
        }
        (StreamElement::Management, "a") => {
            if let (Some(acks), Some(h)) = (&mut cx.link.acks, head.h) {
                let theirs = acks.client_handled(h)?;
                requests.acknowledged(h);
                translated(Side::Server, raw, (h, theirs), cx);
                return Ok(());
            }
        }
        (StreamElement::Management | StreamElement::Attention, _) => {}
        _ => {
            return refused_features::end_stream("unsupported-stanza-type", NOT_UNDERSTOOD, cx);
        }
    }
    cx.out.forward(Side::Server, raw.clone());
    Ok(())
}

/// A top-level element of the server that is no stanza.
pub(super) fn ack_from_server(head: &Head<'_>, raw: &Bytes, cx: &mut Cx<'_>) -> Result<(), Fault> {
    match (head.name, head.xmlns.as_deref()) {
        ("enabled", Some(ns::SM | ns::SM2)) => {
            let mut enabled = cx.parse(Side::Server, raw)?;
            if let Some(acks) = &mut cx.link.acks {
                acks.enabled(resumable(&enabled));
            }
            if matches!(cx.context.via, Via::Direct { .. }) && enabled.attr("location").is_some() {
                // A client that resumes there would go past the gateway.
                enabled.unset("location");
                cx.replace(Side::Client, &enabled);
                return Ok(());
            }
        }
        ("failed", Some(ns::SM | ns::SM2)) => cx.link.acks = None,
        ("a", Some(ns::SM | ns::SM2)) => {
            if let (Some(acks), Some(h)) = (&mut cx.link.acks, head.h) {
                let theirs = acks.server_handled(h)?;
                translated(Side::Client, raw, (h, theirs), cx);
                return Ok(());
            }
        }
        _ => {}
    }
    cx.out.forward(Side::Client, raw.clone());
    Ok(())
}

/// Passes an acknowledgement on in the other side's count.
fn translated(to: Side, raw: &Bytes, (h, theirs): (u32, u32), cx: &mut Cx<'_>) {
    match &cx.link.acks {
        Some(acks) if h != theirs => {
            let translated = Element::new("a", &acks.ns).with("h", theirs.to_string());
            cx.replace(to, &translated);
        }
        _ => cx.out.forward(to, raw.clone()),
    }
}

/// Id and time of resuming that `<enabled/>` grants.
fn resumable(enabled: &Element) -> Option<(String, Duration)> {
    if !matches!(enabled.attr("resume"), Some("true" | "1")) {
        return None;
    }
    let wait = enabled.attr("max").and_then(|max| max.parse().ok()).map(Duration::from_secs);
    let id = enabled.attr("id").filter(|id| (1..=MAX_ID).contains(&id.len()))?;
    Some((id.to_owned(), wait.unwrap_or(USUAL_WAIT).min(LONGEST_WAIT)))
}
