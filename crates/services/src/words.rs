//! What the control contact says of its own accord, for clients that cannot show it otherwise.

use crosstalk_core::{Body, Consent, Envelope, Presence, Show, UnixMillis};

/// What happened, in words, to somebody who calls the envelope's sender `name`.
///
/// `None` for what does not matter enough to interrupt anybody.
pub fn in_words(envelope: &Envelope, name: &str) -> Option<String> {
    Some(match &envelope.body {
        Body::Contact(Consent::Request(words)) => {
            let question = format!(
                "{name} would like to see when you are online. \
                 Answer /accept {name} or /deny {name}."
            );
            match words.text().trim() {
                "" => question,
                words => format!("{question}\nThey say: {words}"),
            }
        }
        Body::Contact(Consent::Grant) => format!("{name} lets you see when they are online."),
        Body::Contact(Consent::Revoke) => {
            format!("{name} does not let you see when they are online.")
        }
        Body::Undelivered { why, .. } => why.of_message_to(name),
        Body::Text { text, .. } => format!("{name} says: {}", text.text()),
        Body::Attention => format!("{name} wants your attention."),
        Body::Contact(Consent::Cancel)
        | Body::Typing(_)
        | Body::Presence(_)
        | Body::Receipt { .. } => return None,
    })
}

/// What stands in a conversation with `name`, who is not there, when something is said.
pub fn kept(name: &str) -> String {
    format!("[CrossTalk: {name} is offline and gets this at the next sign-on.]")
}

/// How available somebody is, in words, such as `away, idle for 5 minutes: at lunch`.
pub(crate) fn presence(presence: &Presence, now: UnixMillis) -> String {
    let show = match presence.show {
        Show::Offline => return "offline".into(),
        Show::ExtendedAway => "away for long",
        Show::Away => "away",
        Show::Busy => "busy",
        Show::Available => "online",
        Show::Chatty => "online and glad to talk",
    };
    let idle = match presence.idle_since.map_or(0, |since| now.since(since).as_secs() / 60) {
        0 => String::new(),
        1 => ", idle for a minute".into(),
        minutes @ 2..120 => format!(", idle for {minutes} minutes"),
        minutes => format!(", idle for {} hours", minutes / 60),
    };
    match presence.text.text() {
        "" => format!("{show}{idle}"),
        text => format!("{show}{idle}: {text}"),
    }
}
