//! Rate limits: giving the client back what the server never saw.
//!
//! Clients throttle themselves by the limits of 01/07, counting what was withheld too. Raising
//! the limits would let the client exceed the server's; so each withheld message is refunded.

use std::time::Instant;

use crosstalk_core::Side;

use super::account::Account;
use super::context::Cx;
use super::wire::kinds::{feedbag, icbm, oservice};
use super::wire::snac::Kind;
use super::wire::{Reader, Snac, Truncated, Writer};

/// One rate class, as the server has told it.
#[derive(Clone, Debug)]
struct RateClass {
    id: u16,
    window: u32,
    /// Clear, alert, limit and disconnect levels.
    thresholds: [u32; 4],
    /// The level that the server has, as far as can be known.
    level: u32,
    max: u32,
    /// Time at which the last message of this class reached the server.
    last: Instant,
}

impl RateClass {
    fn read(reader: &mut Reader<'_>, now: Instant) -> Result<Self, Truncated> {
        let (id, window) = (reader.u16()?, reader.u32()?);
        let thresholds = [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?];
        Ok(Self { id, window, thresholds, level: reader.u32()?, max: reader.u32()?, last: now })
    }

    /// Counts a message: the level is a moving average of the time between them.
    fn count(&mut self, now: Instant) {
        // As servers count, in whole milliseconds: the level here must follow theirs.
        let passed = now.saturating_duration_since(self.last).as_millis();
        let window = u128::from(self.window.max(1));
        let level = (u128::from(self.level) * (window - 1) + passed) / window;
        self.level = u32::try_from(level).unwrap_or(u32::MAX).min(self.max);
        self.last = now;
    }
}

/// The classes of messages and of everything else.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates {
    messages: Option<RateClass>,
    others: Option<RateClass>,
    /// Classes end with a time and a state byte, as of version 3 of family 0001.
    timed: bool,
}

/// The message whose class is looked for, besides the class of everything else.
const MESSAGE: Kind = icbm::CHANNEL_MESSAGE_TO_HOST;
/// SNAC whose class is used for everything else: feedbag edits.
const OTHER: Kind = feedbag::INSERT_ITEMS;
/// Bytes of a class without and with time and state.
const SIZES: [(usize, bool); 2] = [(35, true), (30, false)];

impl Rates {
    /// Learns the limits from 01/07.
    pub(super) fn learn(&mut self, body: &[u8], now: Instant) {
        for (size, timed) in SIZES {
            if let Ok(rates) = Self::read(body, size, timed, now) {
                *self = rates;
                return;
            }
        }
    }

    fn read(body: &[u8], size: usize, timed: bool, now: Instant) -> Result<Self, Truncated> {
        let mut reader = Reader::new(body);
        let mut classes = Vec::new();
        for _ in 0..reader.u16()? {
            classes.push(RateClass::read(&mut Reader::new(reader.take(size)?), now)?);
        }
        let mut rates = Self { timed, ..Self::default() };
        for class in &classes {
            if reader.u16()? != class.id {
                return Err(Truncated);
            }
            for _ in 0..reader.u16()? {
                match (reader.u16()?, reader.u16()?) {
                    MESSAGE => rates.messages = Some(class.clone()),
                    OTHER => rates.others = Some(class.clone()),
                    _ => {}
                }
            }
        }
        Ok(rates)
    }

    /// Takes over a level that the server told in 01/0a.
    pub(super) fn adjust(&mut self, body: &[u8], now: Instant) {
        let mut reader = Reader::new(body);
        if reader.u16().is_err() {
            return;
        }
        let Ok(told) = RateClass::read(&mut reader, now) else { return };
        for class in [&mut self.messages, &mut self.others].into_iter().flatten() {
            if class.id == told.id {
                *class = told.clone();
            }
        }
    }

    /// Counts a message of the client's that reached the server.
    pub(super) fn saw(&mut self, kind: Kind, now: Instant) {
        if let Some(class) = self.class(kind) {
            class.count(now);
        }
    }

    /// The body of a 01/0a that takes a withheld message off the client's account. It says that
    /// the figures changed: all else is about a limit that is near, reached or left, and some
    /// clients tell the person so.
    pub(super) fn refund(&mut self, kind: Kind, now: Instant) -> Option<bytes::Bytes> {
        const CHANGED: u16 = 1;
        let timed = self.timed;
        let class = self.class(kind)?;
        let mut seen = class.clone();
        seen.count(now);
        let level = seen.level.max(class.level);
        let writer = Writer::new().u16(CHANGED).u16(class.id).u32(class.window);
        let writer = class.thresholds.iter().fold(writer, |w, t| w.u32(*t));
        let writer = writer.u32(level).u32(class.max);
        Some(if timed { writer.u32(0).u8(0) } else { writer }.bytes())
    }

    const fn class(&mut self, kind: Kind) -> Option<&mut RateClass> {
        match kind {
            MESSAGE => self.messages.as_mut(),
            _ => self.others.as_mut(),
        }
    }
}

impl Account {
    /// Sends the server something in the client's name: no more than the client said.
    pub(super) fn tell_server(&mut self, snac: &Snac, cx: &mut Cx<'_>) {
        self.rates.saw(snac.kind(), cx.now.instant);
        let _ = cx.snac(Side::Server, snac);
    }

    /// Gives back to the client's account what the server did not see.
    pub(super) fn refund(&mut self, kind: Kind, cx: &mut Cx<'_>) {
        if let Some(body) = self.rates.refund(kind, cx.now.instant) {
            cx.answer(oservice::RATE_PARAM_CHANGE, 0, body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Two classes, the second for messages; as in the captures.
    fn limits(timed: bool) -> Vec<u8> {
        let class = |w: Writer, id: u16, levels: [u32; 7]| {
            let w = levels.iter().fold(w.u16(id), |w, l| w.u32(*l));
            if timed { w.u32(0x6b02_9b9b).u8(0) } else { w }
        };
        let w = Writer::new().u16(2);
        let w = class(w, 1, [0x50, 0x9c4, 0x7d0, 0x5dc, 0x320, 0x16da, 0x1770]);
        let w = class(w, 3, [0x14, 0x13ec, 0x1388, 0xfa0, 0xbb8, 0x1770, 0x1770]);
        let w = w.u16(1).u16(2).u16(0x13).u16(8).u16(0x13).u16(9);
        w.u16(3).u16(1).u16(4).u16(6).bytes().to_vec()
    }

    #[test]
    fn a_refund_is_what_clients_accept() {
        let (mut rates, now) = (Rates::default(), Instant::now());
        rates.learn(&limits(true), now);
        let body = rates.refund((4, 6), now).unwrap();
        let expected = b"\0\x01\0\x03\0\0\0\x14\0\0\x13\xec\0\0\x13\x88\0\0\x0f\xa0\0\0\x0b\xb8\
            \0\0\x17\x70\0\0\x17\x70\0\0\0\0\0";
        assert_eq!(body[..], expected[..]);
        rates.learn(&limits(false), now);
        assert_eq!(rates.refund((4, 6), now).unwrap()[..], expected[..expected.len() - 5]);
    }

    #[test]
    fn what_the_server_saw_is_not_refunded() {
        let (mut rates, now) = (Rates::default(), Instant::now());
        rates.learn(&limits(true), now);
        (0..4).for_each(|_| rates.saw((4, 6), now));
        let level = |rates: &mut Rates, at| {
            let body = rates.refund((4, 6), at).unwrap();
            u32::from_be_bytes([body[24], body[25], body[26], body[27]])
        };
        let spent = level(&mut rates, now);
        assert!((4800..5000).contains(&spent), "{spent}: a burst of four of twenty");
        assert!(level(&mut rates, now + Duration::from_mins(1)) > spent);
        assert!(rates.refund((2, 5), now).is_some());
    }

    #[test]
    fn without_limits_there_is_nothing_to_refund() {
        let mut rates = Rates::default();
        rates.learn(b"\0\x09junk", Instant::now());
        assert!(rates.refund((4, 6), Instant::now()).is_none());
    }
}
