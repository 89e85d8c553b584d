//! Messages that come in several MSG: `Chunks: n` in the head of the first, and `Chunk: i` in
//! those that follow, under one `Message-ID`. Some clients repeat the other fields in each.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crosstalk_core::MAX_TEXT;

use crate::msnp::content::{field, parts};

/// The most that is kept of all bodies, in bytes: the longest text.
const MAX_BODIES: usize = MAX_TEXT;
/// The longest head that is kept of a message, in bytes.
const MAX_HEAD: usize = crate::msnp::content::MAX_HEAD;
/// The longest name of a message, in bytes; clients use a GUID in braces.
const MAX_ID: usize = 64;
/// The most parts a message has: more than a text of full length needs.
const MAX_CHUNKS: u32 = 1024;
/// Limit of the messages that a client may have begun.
const MAX_BEGUN: usize = 4;
/// Longest wait for the rest of a message after its last part.
const PATIENCE: Duration = Duration::from_secs(15);

/// Something that is said: in one MSG, or as much as came of several.
pub(super) struct Whole<'a> {
    /// Its payload.
    pub(super) payload: Cow<'a, [u8]>,
    /// The MSG that it came in, each with the letter that says what its client waits to hear.
    pub(super) told: Vec<Told>,
}

/// A MSG: its transaction and its letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) transaction: u32,
    pub(super) letter: u8,
}

/// The messages that a client has begun, in the order in which it began them.
#[derive(Default)]
pub(super) struct Chunks(Vec<Unfinished>);

struct Unfinished {
    id: String,
    /// The head of the first part, or of another until that is there.
    head: Vec<u8>,
    has_first: bool,
    /// The bodies of the parts.
    bodies: BTreeMap<u32, Vec<u8>>,
    /// Number of parts, once the first has stated it.
    of: Option<u32>,
    told: Vec<Told>,
    until: Instant,
}

impl Unfinished {
    fn new(id: &str, until: Instant) -> Self {
        Self {
            id: id.to_owned(),
            head: Vec::new(),
            has_first: false,
            bodies: BTreeMap::new(),
            of: None,
            told: Vec::new(),
            until,
        }
    }

    fn is_whole(&self) -> bool {
        self.of.is_some_and(|of| (0..of).all(|n| self.bodies.contains_key(&n)))
    }

    fn length(&self) -> usize {
        self.bodies.values().map(Vec::len).sum()
    }

    fn weight(&self) -> usize {
        let parts = self.bodies.len() * size_of::<(u32, Vec<u8>)>();
        let told = self.told.len() * size_of::<Told>();
        self.id.len() + self.head.len() + self.length() + parts + told
    }

    /// Joins the parts that there are.
    fn put_together(mut self) -> Whole<'static> {
        self.head.extend_from_slice(b"\r\n\r\n");
        let bodies = self.bodies.into_values().flatten();
        Whole { payload: self.head.into_iter().chain(bodies).collect(), told: self.told }
    }
}

impl Chunks {
    /// Takes a payload and gives what can be said now: it, if it is whole; what it makes whole;
    /// and what there is no more room to wait for.
    pub(super) fn take<'a>(
        &mut self,
        payload: &'a [u8],
        told: Told,
        now: Instant,
    ) -> Vec<Whole<'a>> {
        let (head, body) = parts(payload);
        let number = |name: &str| field(&head, name)?.parse::<u32>().ok();
        let id = field(&head, "message-id").filter(|id| id.len() <= MAX_ID);
        let (of, at) = (number("chunks"), number("chunk"));
        let fits = of.is_none_or(|of| (2..=MAX_CHUNKS).contains(&of))
            && at.unwrap_or(0) < of.unwrap_or(MAX_CHUNKS)
            && body.len() <= MAX_BODIES;
        let Some(id) = id.filter(|_| fits && (of.is_some() || at.is_some())) else {
            return vec![Whole { payload: payload.into(), told: vec![told] }];
        };
        let mut ready = self.make_room(id, body.len());
        let begun = self.begun(id, now);
        let at = at.unwrap_or(0);
        let is_first = at == 0 && !begun.has_first;
        if is_first || begun.head.is_empty() {
            let head = payload.get(..payload.len() - body.len()).unwrap_or_default();
            let head = head.get(..MAX_HEAD).unwrap_or(head);
            head.trim_ascii_end().clone_into(&mut begun.head);
        }
        begun.has_first |= is_first;
        begun.of = begun.of.or(of);
        begun.bodies.entry(at).or_insert_with(|| body.to_owned());
        begun.told.push(told);
        begun.until = now + PATIENCE;
        let is_over = begun.is_whole() || begun.told.len() > MAX_CHUNKS as usize;
        if is_over && let Some(at) = self.0.iter().position(|begun| begun.id == id) {
            ready.push(self.0.remove(at).put_together());
        }
        ready
    }

    fn begun(&mut self, id: &str, now: Instant) -> &mut Unfinished {
        let at = self.0.iter().position(|begun| begun.id == id);
        let at = at.unwrap_or_else(|| {
            self.0.push(Unfinished::new(id, now + PATIENCE));
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// Gives up waiting for the oldest messages until there is room for a part of `id`.
    fn make_room(&mut self, id: &str, length: usize) -> Vec<Whole<'static>> {
        let mut ready = Vec::new();
        loop {
            let is_new = !self.0.iter().any(|begun| begun.id == id);
            let held: usize = self.0.iter().map(Unfinished::length).sum();
            let is_full = held + length > MAX_BODIES || is_new && self.0.len() >= MAX_BEGUN;
            if !is_full || self.0.is_empty() {
                return ready;
            }
            ready.push(self.0.remove(0).put_together());
        }
    }

    /// Messages that have waited long enough for their rest: they are sent as far as they came.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<Whole<'static>> {
        self.0.extract_if(.., |begun| begun.until <= now).map(Unfinished::put_together).collect()
    }

    /// Everything that is not whole: nothing more will come.
    pub(super) fn rest(&mut self) -> Vec<Whole<'static>> {
        self.0.drain(..).map(Unfinished::put_together).collect()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.iter().map(|begun| begun.until).min()
    }

    /// Bytes kept of messages that are not whole.
    pub(super) fn weight(&self) -> usize {
        self.0.iter().map(Unfinished::weight).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(id: u32, field: &str, body: &str) -> Vec<u8> {
        format!("Content-Type: text/plain\r\nMessage-ID: {{{id}}}\r\n{field}\r\n\r\n{body}").into()
    }

    /// Messages made of parts, as the bodies and the number of MSG that each came in.
    fn said(chunks: &mut Chunks, part: &[u8]) -> Vec<(String, usize)> {
        let told = Told { transaction: 1, letter: b'A' };
        let ready = chunks.take(part, told, Instant::now());
        ready.iter().map(body).collect()
    }

    fn body(whole: &Whole<'_>) -> (String, usize) {
        (String::from_utf8(parts(&whole.payload).1.to_vec()).unwrap(), whole.told.len())
    }

    #[test]
    fn parts_add_up_to_one_message_in_any_order() {
        let parts = [
            part(1, "Chunks: 3", "one, "),
            part(1, "Chunk: 1", "two, "),
            part(1, "Chunk: 2", "three"),
        ];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut chunks = Chunks::default();
            assert!(said(&mut chunks, &parts[order[0]]).is_empty());
            assert!(chunks.weight() > 5);
            assert!(said(&mut chunks, &parts[order[1]]).is_empty());
            let whole = said(&mut chunks, &parts[order[2]]);
            assert_eq!(whole, [("one, two, three".to_owned(), 3)], "{order:?}");
            assert_eq!((chunks.weight(), chunks.deadline()), (0, None));
        }
    }

    #[test]
    fn messages_may_be_said_at_the_same_time() {
        let mut chunks = Chunks::default();
        for id in 0..4 {
            assert!(said(&mut chunks, &part(id, "Chunks: 2", "a")).is_empty());
        }
        assert_eq!(said(&mut chunks, &part(9, "Chunks: 1", "alone")), [("alone".to_owned(), 1)]);
        for id in [2, 0, 3, 1] {
            let whole = said(&mut chunks, &part(id, "Chunk: 1", "b"));
            assert_eq!(whole, [("ab".to_owned(), 2)]);
        }
    }

    #[test]
    fn a_head_that_is_said_with_each_part_counts_once() {
        let mut chunks = Chunks::default();
        assert!(said(&mut chunks, &part(1, "Chunks: 2\r\nChunk: 0", "a")).is_empty());
        let whole = said(&mut chunks, &part(1, "Chunks: 2\r\nChunk: 1", "b"));
        assert_eq!(whole, [("ab".to_owned(), 2)]);
    }

    #[test]
    fn what_is_not_whole_in_time_or_at_the_end_is_said_as_far_as_it_came() {
        let now = Instant::now();
        let mut chunks = Chunks::default();
        said(&mut chunks, &part(1, "Chunks: 3", "one, "));
        said(&mut chunks, &part(1, "Chunk: 2", "three"));
        assert!(chunks.overdue(now).is_empty());
        assert!(chunks.deadline().unwrap() <= Instant::now() + PATIENCE);
        let late = chunks.overdue(Instant::now() + PATIENCE);
        assert_eq!(body(&late[0]), ("one, three".to_owned(), 2));
        said(&mut chunks, &part(2, "Chunk: 1", "two"));
        assert_eq!(body(&chunks.rest()[0]), ("two".to_owned(), 1));
        assert_eq!(chunks.weight(), 0);
    }

    #[test]
    fn what_cannot_be_waited_for_is_said_and_nothing_is_cut() {
        let mut chunks = Chunks::default();
        let piece = "x".repeat(20_000);
        let mut whole = Vec::new();
        whole.extend(said(&mut chunks, &part(1, "Chunks: 1000", &piece)));
        for n in 1..100 {
            whole.extend(said(&mut chunks, &part(1, &format!("Chunk: {n}"), &piece)));
            assert!(chunks.weight() <= MAX_BODIES + MAX_HEAD + MAX_ID + 1_000 * 64);
        }
        for id in 2..50 {
            whole.extend(said(&mut chunks, &part(id, "Chunks: 1000", "y")));
            assert!(chunks.0.len() <= MAX_BEGUN);
        }
        whole.extend(chunks.rest().iter().map(body));
        assert_eq!(whole.iter().map(|(text, _)| text.len()).sum::<usize>(), 100 * 20_000 + 48);
        assert_eq!(whole.iter().map(|(_, told)| told).sum::<usize>(), 148);
        let empty = part(1, "Chunks: 1000", "");
        for _ in 0..10_000 {
            said(&mut chunks, &empty);
            assert!(chunks.weight() < 100_000);
        }
        for odd in ["Chunks: 2000000000", "Chunk: 5000", "Chunk: x"] {
            assert_eq!(said(&mut chunks, &part(7, odd, "z")), [("z".to_owned(), 1)], "{odd}");
        }
    }
}
