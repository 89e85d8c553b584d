//! Messages that come in several MSG: `Chunks: n` in the head of the first, and `Chunk: i` in
//! those that follow, under one `Message-ID`.

use std::borrow::Cow;

use crosstalk_core::MAX_TEXT;

use super::message::{field, parts};

/// The most that is kept of one message, in bytes: its head, and the longest text.
const MAX_WHOLE: usize = super::message::MAX_HEAD + MAX_TEXT;
/// The longest name of a message, in bytes; clients use a GUID in braces.
const MAX_ID: usize = 64;
/// The most parts a message has: more than a text of full length needs.
const MAX_CHUNKS: u32 = 1024;

/// The message that a client has begun, if there is one: it sends one after the other.
#[derive(Default)]
pub(super) struct Chunks(Option<Box<Unfinished>>);

struct Unfinished {
    id: String,
    /// The first part, and what the others add to it; what is longer than any message is cut.
    payload: Vec<u8>,
    next: u32,
    of: u32,
}

impl Chunks {
    /// Takes a payload: gives it back where it is whole, or the last part of one that is whole
    /// then; none where others are to come.
    pub(super) fn take<'a>(&mut self, payload: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let (head, body) = parts(payload);
        let id = field(&head, "message-id").filter(|id| id.len() <= MAX_ID);
        let number = |name: &str| field(&head, name)?.parse::<u32>().ok();
        let Some(id) = id else { return Some(payload.into()) };
        if let Some(of) = number("chunks").filter(|of| (2..=MAX_CHUNKS).contains(of)) {
            let payload = payload.get(..MAX_WHOLE).unwrap_or(payload).to_owned();
            self.0 = Some(Box::new(Unfinished { id: id.to_owned(), payload, next: 1, of }));
            return None;
        }
        let begun = self.0.as_mut().filter(|begun| begun.id == id);
        let begun = begun.filter(|begun| number("chunk") == Some(begun.next));
        let Some(begun) = begun else { return Some(payload.into()) };
        let room = MAX_WHOLE.saturating_sub(begun.payload.len());
        begun.payload.extend_from_slice(body.get(..room).unwrap_or(body));
        begun.next += 1;
        if begun.next < begun.of {
            return None;
        }
        self.0.take().map(|whole| whole.payload.into())
    }

    /// What is kept of a message that is not whole, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.0.as_ref().map_or(0, |begun| begun.payload.len() + begun.id.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(field: &str, body: &str) -> Vec<u8> {
        let kind = if field.starts_with("Chunks") { "Content-Type: text/plain\r\n" } else { "" };
        format!("{kind}Message-ID: {{1}}\r\n{field}\r\n\r\n{body}").into_bytes()
    }

    #[test]
    fn parts_add_up_to_one_message() {
        let mut chunks = Chunks::default();
        assert_eq!(chunks.take(&part("Chunks: 3", "one, ")), None);
        assert_eq!(chunks.take(&part("Chunk: 1", "two, ")), None);
        assert!(chunks.weight() > 10);
        let last = part("Chunk: 2", "three");
        let whole = chunks.take(&last).unwrap();
        assert_eq!(parts(&whole).1, b"one, two, three");
        assert_eq!(chunks.weight(), 0);
    }

    #[test]
    fn what_is_whole_or_belongs_to_nothing_is_left_as_it_is() {
        let mut chunks = Chunks::default();
        for payload in [part("Chunks: 1", "x"), part("Chunk: 1", "x"), b"\r\n\r\nhi".to_vec()] {
            assert_eq!(chunks.take(&payload).as_deref(), Some(&*payload));
        }
        assert_eq!(chunks.take(&part("Chunks: 3", "x")), None);
        let late = part("Chunk: 2", "not the next");
        assert_eq!(chunks.take(&late).as_deref(), Some(&*late));
    }

    #[test]
    fn no_more_is_kept_than_of_one_message() {
        let mut chunks = Chunks::default();
        for begin in ["Chunks: 9", "Chunks: 1000"] {
            assert_eq!(chunks.take(&part(begin, &"x".repeat(MAX_WHOLE * 2))), None);
            for next in 1..9 {
                assert!(chunks.weight() <= MAX_WHOLE + MAX_ID);
                chunks.take(&part(&format!("Chunk: {next}"), &"y".repeat(MAX_WHOLE)));
            }
        }
        chunks.take(&part("Chunks: 2000000000", "x"));
        assert!(chunks.weight() <= MAX_WHOLE + MAX_ID);
    }
}
