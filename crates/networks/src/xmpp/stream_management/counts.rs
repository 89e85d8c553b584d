//! Counts of stanzas (XEP-0198) between two parties who count different streams.
//!
//! The client counts what the server and the gateway sent it; the server counts what the gateway
//! let through. Two ordered logs translate between the counts.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use crosstalk_core::Fault;

/// The most stanzas of ours that wait for the client's acknowledgement, and the most bytes.
const MAX_UNACKED: usize = 1000;
const MAX_UNACKED_BYTES: usize = 1024 * 1024;
/// After how many of them the client is asked for one, and after how many bytes.
const ASK_EVERY: usize = 50;
const ASK_EVERY_BYTES: usize = 64 * 1024;
/// The most messages of the client's that would be known again.
const MAX_TAKEN: usize = 1000;
/// Limit of the changes between kinds of stanza that a log holds.
const MAX_RUNS: usize = 10_000;

/// Both logs of one session.
#[derive(Debug)]
pub(in crate::xmpp) struct Acks {
    /// The namespace the client chose.
    pub(in crate::xmpp) ns: String,
    /// Stanzas to the client; counted from `<enabled/>` on.
    down: Option<Down>,
    /// Stanzas from the client; counted from `<enable/>` on.
    up: Up,
    /// The session's name, where the server can resume it, and for how long.
    pub(in crate::xmpp) resumable: Option<(String, Duration)>,
    /// There was no room for another stanza.
    is_full: bool,
}

impl Acks {
    /// The client said `<enable/>`.
    pub(in crate::xmpp) fn enable(ns: &str) -> Self {
        let (down, up) = (None, Up::default());
        Self { ns: ns.to_owned(), down, up, resumable: None, is_full: false }
    }

    /// The server said `<enabled/>`.
    pub(in crate::xmpp) fn enabled(&mut self, resumable: Option<(String, Duration)>) {
        self.down = Some(Down::default());
        self.resumable = resumable;
    }

    /// Whether the session ends because the client acknowledges nothing. What it did not get is
    /// still here.
    pub(in crate::xmpp) const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Bytes kept, roughly.
    pub(in crate::xmpp) fn weight(&self) -> usize {
        let down = self.down.as_ref().map_or(0, Down::weight);
        let up = self.up.log.len() * size_of::<(Said, u32)>();
        down + up + self.up.taken.len() * size_of::<(u32, u64)>()
    }

    /// The place of the next stanza to the client in its count, if it can be said again on another
    /// connection.
    pub(in crate::xmpp) fn next_place(&self) -> Option<u32> {
        let down = self.down.as_ref().filter(|_| self.resumable.is_some())?;
        Some(down.sent.wrapping_add(1))
    }

    /// A stanza of the server goes to the client.
    pub(in crate::xmpp) fn server_sent(&mut self) {
        let Some(down) = &mut self.down else { return };
        down.sent = down.sent.wrapping_add(1);
        match down.log.back_mut() {
            Some(Sent::Server(n)) => *n = n.saturating_add(1),
            _ => down.log.push_back(Sent::Server(1)),
        }
    }

    /// A stanza of the server is for the gateway, and the client does not count it.
    pub(in crate::xmpp) fn server_said_to_us(&mut self) {
        if let Some(down) = &mut self.down {
            down.log.push_back(Sent::ToUs);
        }
    }

    /// A stanza of ours goes to the client. True if the client should be asked to acknowledge.
    pub(in crate::xmpp) fn we_sent(&mut self, stanza: &Bytes) -> Result<bool, Fault> {
        let kept = if self.resumable.is_some() { stanza.len() } else { 0 };
        let is_full =
            |down: &Down| down.ours >= MAX_UNACKED || down.bytes + kept > MAX_UNACKED_BYTES;
        if self.down.as_ref().is_some_and(is_full) {
            self.is_full = true;
            return Err(Fault::client("it acknowledges nothing"));
        }
        Ok(self.we_sent_again(stanza))
    }

    /// The same of a stanza that comes out of the log of an earlier session. That had room for it,
    /// and if this one had none, nobody else would keep it.
    pub(in crate::xmpp) fn we_sent_again(&mut self, stanza: &Bytes) -> bool {
        let keep = self.resumable.is_some();
        let Some(down) = &mut self.down else { return false };
        let kept = if keep { stanza.clone() } else { Bytes::new() };
        let asked = down.bytes / ASK_EVERY_BYTES;
        (down.ours, down.bytes) = (down.ours + 1, down.bytes + kept.len());
        down.sent = down.sent.wrapping_add(1);
        down.log.push_back(Sent::Gateway(kept));
        down.ours.is_multiple_of(ASK_EVERY) || down.bytes / ASK_EVERY_BYTES > asked
    }

    /// The stanza of ours that was sent last is a message that the gateway brings once more if the
    /// connection breaks.
    pub(in crate::xmpp) fn handed_over(&mut self, mark: u64) {
        // What is not kept is not said again on another connection either.
        let Some(down) = self.down.as_mut().filter(|_| self.resumable.is_some()) else { return };
        down.handed_over.push_back((down.sent, mark));
    }

    /// Whether the client may get such a message from the log.
    pub(in crate::xmpp) fn has_handed_over(&self, mark: u64) -> bool {
        let down = self.down.as_ref();
        down.is_some_and(|down| down.handed_over.iter().any(|(_, of)| *of == mark))
    }

    /// The marks of such messages that the client did not acknowledge while it was connected.
    pub(in crate::xmpp) fn take_handed_over(&mut self) -> impl ExactSizeIterator<Item = u64> {
        let down = self.down.get_or_insert_default();
        std::mem::take(&mut down.handed_over).into_iter().map(|(_, mark)| mark)
    }

    /// A stanza of the client went to the server, or was kept from it.
    pub(in crate::xmpp) fn client_sent(&mut self, forwarded: bool) -> Result<(), Fault> {
        self.up.push(if forwarded { Said::Forwarded } else { Said::Withheld })?;
        self.up.sent = self.up.sent.wrapping_add(1);
        Ok(())
    }

    /// A stanza of ours goes to the server, which the client does not count.
    pub(in crate::xmpp) fn we_asked(&mut self) -> Result<(), Fault> {
        self.up.push(Said::ByUs)
    }

    /// The stanza that the client sent last is a message that the gateway took.
    pub(in crate::xmpp) fn took(&mut self, mark: u64) {
        let up = &mut self.up;
        if up.taken.len() >= MAX_TAKEN {
            up.taken.pop_front();
        }
        up.taken.push_back((up.sent, mark));
    }

    /// The marks of messages that the client was not told of, and among how many stanzas they are
    /// that it will send again.
    pub(in crate::xmpp) fn untold(&mut self) -> (VecDeque<u64>, u32) {
        let up = &mut self.up;
        let marks = std::mem::take(&mut up.taken).into_iter().map(|(_, mark)| mark).collect();
        (marks, up.sent.wrapping_sub(up.client))
    }

    /// Number of the server's stanzas among the first `h` that the client was sent.
    pub(in crate::xmpp) fn count_of_client(&self, h: u32) -> Result<u32, Fault> {
        let settled =
            self.down.as_ref().map_or_else(|| Down::default().settled(h), |d| d.settled(h));
        settled.map(|settled| settled.count)
    }

    /// Number of the client's stanzas that are settled once the server handled `h`.
    pub(in crate::xmpp) fn count_of_server(&self, h: u32) -> Result<u32, Fault> {
        self.up.settled(h).map(|settled| settled.count)
    }

    /// The client handled `h` stanzas. Returns how many of the server's that were.
    pub(in crate::xmpp) fn client_handled(&mut self, h: u32) -> Result<u32, Fault> {
        let down = self.down.get_or_insert_default();
        let Settled { count, runs, part } = down.settled(h)?;
        (down.client, down.server) = (h, count);
        for sent in down.log.drain(..runs) {
            if let Sent::Gateway(stanza) = sent {
                (down.ours, down.bytes) = (down.ours - 1, down.bytes - stanza.len());
            }
        }
        if let Some(Sent::Server(n)) = down.log.front_mut() {
            *n -= part;
        }
        let unhandled = down.sent.wrapping_sub(h);
        let is_handled = |(at, _): &(u32, u64)| down.sent.wrapping_sub(*at) >= unhandled;
        while down.handed_over.front().is_some_and(is_handled) {
            down.handed_over.pop_front();
        }
        Ok(count)
    }

    /// The server handled `h` stanzas. Returns how many of the client's are thereby settled.
    pub(in crate::xmpp) fn server_handled(&mut self, h: u32) -> Result<u32, Fault> {
        let up = &mut self.up;
        let Settled { count, runs, part } = up.settled(h)?;
        (up.server, up.client) = (h, count);
        up.log.drain(..runs);
        if let Some((_, n)) = up.log.front_mut() {
            *n -= part;
        }
        let untold = up.sent.wrapping_sub(up.client);
        while up.taken.front().is_some_and(|(at, _)| up.sent.wrapping_sub(*at) >= untold) {
            up.taken.pop_front();
        }
        Ok(count)
    }

    /// The session goes on over a new connection: both will repeat what was not acknowledged.
    /// Returns our part of that.
    pub(in crate::xmpp) fn resumed(&mut self) -> Vec<Bytes> {
        self.up.log.clear();
        self.up.sent = self.up.client;
        self.is_full = false;
        let down = self.down.get_or_insert_default();
        down.log.retain(|sent| matches!(sent, Sent::Gateway(_)));
        let ours = down.log.iter().filter_map(|sent| match sent {
            Sent::Gateway(stanza) => Some(stanza.clone()),
            Sent::Server(_) | Sent::ToUs => None,
        });
        let ours: Vec<_> = ours.collect();
        let said = u32::try_from(ours.len()).unwrap_or(u32::MAX);
        down.sent = down.client.wrapping_add(said);
        ours
    }
}

#[derive(Debug, Default)]
struct Down {
    log: VecDeque<Sent>,
    /// Number of the log's stanzas that are ours, and length of those that are kept.
    ours: usize,
    bytes: usize,
    /// Number of stanzas that the client was sent in all, by its count.
    sent: u32,
    /// Count that the client acknowledged last.
    client: u32,
    /// The same in the server's count.
    server: u32,
    /// Marks of messages of ours that the client did not acknowledge, with their places in its
    /// count.
    handed_over: VecDeque<(u32, u64)>,
}

/// Part of a log that one party settles by a count of its own.
struct Settled {
    /// The other party's count.
    count: u32,
    /// Number of whole runs, and the part of the one behind them.
    runs: usize,
    part: u32,
}

impl Down {
    /// Bytes kept, roughly.
    fn weight(&self) -> usize {
        let handed_over = self.handed_over.len() * size_of::<(u32, u64)>();
        self.bytes + self.log.len() * size_of::<Sent>() + handed_over
    }

    /// What is settled once the client handled `h` stanzas.
    fn settled(&self, h: u32) -> Result<Settled, Fault> {
        // Counts wrap around at 2^32 (XEP-0198): only differences mean anything.
        let mut left = h.wrapping_sub(self.client);
        let mut settled = Settled { count: self.server, runs: 0, part: 0 };
        for sent in &self.log {
            match sent {
                Sent::Server(n) => {
                    let part = left.min(*n);
                    left -= part;
                    settled.count = settled.count.wrapping_add(part);
                    if part < *n {
                        settled.part = part;
                        break;
                    }
                }
                Sent::Gateway(_) if left == 0 => break,
                Sent::Gateway(_) => left -= 1,
                // What the client never sees is handled as soon as all before it is.
                Sent::ToUs => settled.count = settled.count.wrapping_add(1),
            }
            settled.runs += 1;
        }
        if left > 0 {
            return Err(Fault::client("it acknowledges more than it was sent"));
        }
        Ok(settled)
    }
}

/// One stanza of ours or a run of the server's.
#[derive(Debug)]
enum Sent {
    Server(u32),
    Gateway(Bytes),
    /// One of the server's that the client does not see.
    ToUs,
}

/// Treatment of a stanza of the client's, or its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Forwarded,
    Withheld,
    /// It is ours, and the client does not count it.
    ByUs,
}

impl Up {
    /// What is settled once the server handled `h` stanzas.
    fn settled(&self, h: u32) -> Result<Settled, Fault> {
        let mut left = h.wrapping_sub(self.server);
        let mut settled = Settled { count: self.client, runs: 0, part: 0 };
        for (said, n) in &self.log {
            // What the server never got is settled as soon as all before it is.
            let part = if *said == Said::Withheld { *n } else { left.min(*n) };
            if *said != Said::ByUs {
                settled.count = settled.count.wrapping_add(part);
            }
            if *said != Said::Withheld {
                left -= part;
            }
            if part < *n {
                settled.part = part;
                break;
            }
            settled.runs += 1;
        }
        if left > 0 {
            return Err(Fault::server("it acknowledges more than it was sent"));
        }
        Ok(settled)
    }

    fn push(&mut self, said: Said) -> Result<(), Fault> {
        let runs = self.log.len();
        match self.log.back_mut() {
            Some((kind, n)) if *kind == said => *n = n.saturating_add(1),
            _ if runs >= MAX_RUNS => return Err(Fault::server("it acknowledges nothing")),
            _ => self.log.push_back((said, 1)),
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Up {
    /// Runs of stanzas.
    log: VecDeque<(Said, u32)>,
    /// Count that the server acknowledged last.
    server: u32,
    /// The same in the client's count.
    client: u32,
    /// Number of stanzas that the client sent in all, by its count.
    sent: u32,
    /// Marks of messages that the gateway took and the client was not told of, with their places
    /// in that count.
    taken: VecDeque<(u32, u64)>,
}
