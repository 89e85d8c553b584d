//! The fields of [`Details`], behind a message on a link and on disk.

use crosstalk_core::{Detail, Details};

use super::fields;
use super::layout::Unreadable;
use super::message::Message;

// Each may be skipped: the message is the same without it.
const MESSAGE_ID: u32 = 1;
const REPLACES: u32 = 3;
const ENDPOINT: u32 = 5;
const NICKNAME: u32 = 7;
const NO_COPY: u32 = 9;

/// Appends the details of a message, if it has any.
pub(crate) fn put(to: &mut Vec<u8>, message: &Message) {
    let Message::Envelope(envelope) = message else { return };
    let Some(details) = envelope.details.as_deref() else { return };
    let Details { message_id, replaces, endpoint, nickname, no_copy } = details;
    let words = [
        (MESSAGE_ID, message_id),
        (REPLACES, replaces),
        (ENDPOINT, endpoint),
        (NICKNAME, nickname),
    ];
    for (number, word) in words {
        if let Some(word) = word {
            fields::put(to, number, word.as_str().as_bytes());
        }
    }
    if *no_copy {
        fields::put(to, NO_COPY, &[]);
    }
}

/// Reads the fields behind a message into its details. What is no detail is left out.
pub(crate) fn read(bytes: &[u8], message: &mut Message) -> Result<(), Unreadable> {
    if bytes.is_empty() {
        return Ok(());
    }
    let mut details = Details::default();
    fields::each(bytes, |number, field| {
        let word = || std::str::from_utf8(field).ok().and_then(Detail::new);
        match number {
            MESSAGE_ID => details.message_id = word(),
            REPLACES => details.replaces = word(),
            ENDPOINT => details.endpoint = word(),
            NICKNAME => details.nickname = word(),
            NO_COPY => details.no_copy = true,
            _ => return false,
        }
        true
    })?;
    if let Message::Envelope(envelope) = message {
        envelope.details = details.boxed();
    }
    Ok(())
}
