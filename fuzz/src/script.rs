//! The form of the inputs of engine targets: steps in text, so that one can be read and written by
//! hand, and a fuzzer that cuts one in two has two good ones.
//!
//! A step is a line `@@`, the digit of a connection, and a letter that says what happens there; what
//! follows up to the next such line belongs to it. Whatever is none is left out.

/// The connections of a script: what one leaves, another may claim.
pub const CONNECTIONS: usize = 3;

/// Mark that a step begins with, on a line of its own.
const MARK: &[u8] = b"\n@@";

/// Kind of an event on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `o`: a new connection takes this place; with `direct`, one that takes us for its server.
    Open,
    /// `c`: the client says this.
    Client,
    /// `s`: the server says this in its own name.
    Server,
    /// `C`: the same, in a frame that is made around it.
    ClientFrame,
    /// `S`: the server, likewise.
    ServerFrame,
    /// `w`: the server passes on what somebody else wrote.
    Relayed,
    /// `z`: from now on, bytes come in reads of so many at most; all at once with 0.
    Reads,
    /// `d`: something is delivered. The first byte says what.
    Deliver,
    /// `k`: the same, as said from another session of the person.
    Carbon,
    /// `v`: what the person said last has arrived.
    Delivered,
    /// `g`: a contact changes. The first byte says how.
    Changed,
    /// `p`: the long work that was asked for is done.
    Computed,
    /// `t`: so many seconds pass.
    Wait,
    /// `x`: the client is gone.
    ClientGone,
    /// `y`: the server is gone.
    ServerGone,
}

const LETTERS: [(u8, Kind); 15] = [
    (b'o', Kind::Open),
    (b'c', Kind::Client),
    (b's', Kind::Server),
    (b'C', Kind::ClientFrame),
    (b'S', Kind::ServerFrame),
    (b'w', Kind::Relayed),
    (b'z', Kind::Reads),
    (b'd', Kind::Deliver),
    (b'k', Kind::Carbon),
    (b'v', Kind::Delivered),
    (b'g', Kind::Changed),
    (b'p', Kind::Computed),
    (b't', Kind::Wait),
    (b'x', Kind::ClientGone),
    (b'y', Kind::ServerGone),
];

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// On which connection, below [`CONNECTIONS`].
    pub connection: usize,
    /// Kind of the event.
    pub kind: Kind,
    /// Subject of the event.
    pub text: &'a [u8],
}

impl Step<'_> {
    /// The number that the text begins with.
    pub fn number(&self) -> u32 {
        let digits = self.text.iter().take_while(|b| b.is_ascii_digit()).take(6);
        digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
    }
}

/// The steps of a script.
pub fn steps(script: &[u8]) -> impl Iterator<Item = Step<'_>> {
    let first = script.strip_prefix(&MARK[1..]);
    let (mut next, mut rest) = (first, if first.is_some() { &[][..] } else { script });
    std::iter::from_fn(move || {
        loop {
            let step = match next.take() {
                Some(step) => step,
                None => find(rest).map(|at| &rest[at + MARK.len()..])?,
            };
            let end = find(step).unwrap_or(step.len());
            rest = &step[end..];
            if let Some(step) = read(&step[..end]) {
                return Some(step);
            }
        }
    })
}

fn find(script: &[u8]) -> Option<usize> {
    memchr::memmem::find(script, MARK)
}

fn read(step: &[u8]) -> Option<Step<'_>> {
    let [digit, letter, text @ ..] = step else { return None };
    let connection = usize::from(digit.wrapping_sub(b'0'));
    let (_, kind) = LETTERS.iter().find(|(known, _)| known == letter)?;
    let text = text.strip_prefix(b"\n").unwrap_or(text);
    (connection < CONNECTIONS).then_some(Step { connection, kind: *kind, text })
}

/// A script that is being written.
#[derive(Default)]
pub struct Script(Vec<u8>);

impl Script {
    /// Adds a step. What would end it early cannot be said.
    pub fn step(&mut self, connection: usize, kind: Kind, text: &[u8]) {
        let letter = LETTERS.iter().find(|(_, known)| *known == kind).map_or(b'?', |(l, _)| *l);
        let mark = if self.0.is_empty() { &MARK[1..] } else { MARK };
        self.0.extend_from_slice(mark);
        self.0.extend([b'0' + connection as u8, letter, b'\n']);
        self.0.extend_from_slice(text);
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut script = Script::default();
        script.step(0, Kind::Open, b"");
        script.step(2, Kind::Server, b"\n\x00binary\n");
        script.step(1, Kind::Wait, b"75s");
        let bytes = script.into_bytes();
        let read: Vec<_> = steps(&bytes).collect();
        let text = |i: usize| read[i].text;
        assert_eq!(
            read.iter().map(|s| s.kind).collect::<Vec<_>>(),
            [Kind::Open, Kind::Server, Kind::Wait]
        );
        assert_eq!((text(0), text(1), read[2].number()), (&b""[..], &b"\n\x00binary\n"[..], 75));
    }

    #[test]
    fn what_is_no_step_is_left_out() {
        let read: Vec<_> = steps(b"noise\n@@9c\nx\n@@\n@@0?\n\n@@1c\nok").collect();
        assert_eq!(read, [Step { connection: 1, kind: Kind::Client, text: b"ok" }]);
        assert_eq!(steps(b"").count() + steps(b"\n@@").count() + steps(b"@@0").count(), 0);
    }
}
