//! Sentences that the control contact says of its own accord, for clients that cannot show an event
//! otherwise.

use crosstalk_core::{Availability, Body, Consent, Envelope, Presence, Quoted, UnixMillis};

use crate::speech::{Speech, speech};

/// Words for an envelope, to somebody who calls its sender `name`; a long message in several
/// pieces.
///
/// Nothing where it does not matter enough to interrupt anybody.
pub fn in_words(envelope: &Envelope, name: &str) -> Vec<Speech> {
    let spelling = name;
    let name = Quoted::name(spelling);
    let said = match &envelope.body {
        Body::Contact(Consent::Request(words)) => {
            let question = speech!(
                "{} would like to see when you are online. Answer /accept {} or /deny {}.",
                name,
                name,
                name
            );
            match words.text().trim() {
                "" => question,
                words => speech!("{}\nThey say: {}", question, Quoted::words(words)),
            }
        }
        Body::Contact(Consent::Grant) => speech!("{} lets you see when they are online.", name),
        Body::Contact(Consent::Revoke) => {
            speech!("{} does not let you see when they are online.", name)
        }
        Body::Undelivered { why, .. } => Speech::undelivered(*why, spelling),
        Body::Text { text, .. } => return message(&name, text.text()),
        Body::Attention => speech!("{} wants your attention.", name),
        Body::Contact(Consent::Cancel) | Body::Typing(_) | Body::Receipt { .. } => {
            return Vec::new();
        }
    };
    vec![said]
}

/// Somebody's message, in pieces.
fn message(name: &Quoted, text: &str) -> Vec<Speech> {
    let piece = |(at, piece): (usize, Quoted)| {
        let does = if at == 0 { "says" } else { "goes on" };
        speech!("{} {}: {}", *name, does, piece)
    };
    Quoted::pieces(text).into_iter().enumerate().map(piece).collect()
}

/// Note shown in a conversation with `name`, who is not signed on, when something is said.
pub fn kept(name: &str) -> Speech {
    speech!("[CrossTalk: {} is offline and gets this at the next sign-on.]", Quoted::name(name))
}

/// The same with somebody who is there, and cannot be told anything at the moment.
pub fn delayed(name: &str) -> Speech {
    speech!(
        "[CrossTalk: {} cannot be reached at the moment and gets this later.]",
        Quoted::name(name)
    )
}

/// Words for somebody whose list could not be changed, since the people of the domain together hold
/// as much as they may.
pub fn domain_is_full() -> Speech {
    "Your list was not changed: all the people of your domain together have no more room here."
        .into()
}

/// Words for somebody whose list could not be changed, since it could not be stored.
pub fn disk_is_full() -> Speech {
    "Your list was not changed: it cannot be stored at the moment. Please try again later.".into()
}

/// Words for a presence, such as `away, idle for 5 minutes: "at lunch"`.
pub(crate) fn presence(presence: &Presence, now: UnixMillis) -> Speech {
    let show = match presence.show {
        Availability::Offline => return "offline".into(),
        Availability::ExtendedAway => "away for long",
        Availability::Away => "away",
        Availability::Busy => "busy",
        Availability::Available => "online",
        Availability::Chatty => "online and glad to talk",
    };
    let idle = match presence.idle_since.map_or(0, |since| now.since(since).as_secs() / 60) {
        0 => Speech::default(),
        1 => ", idle for a minute".into(),
        minutes @ 2..120 => speech!(", idle for {} minutes", minutes),
        minutes => speech!(", idle for {} hours", minutes / 60),
    };
    match presence.text.text().trim() {
        "" => speech!("{}{}", show, idle),
        text => speech!("{}{}: {}", show, idle, Quoted::words(text)),
    }
}
