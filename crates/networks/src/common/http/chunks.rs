//! The chunked transfer coding of HTTP (RFC 9112, section 7.1).

use crosstalk_core::{Fault, Side};

/// The longest line between chunks, in bytes.
const MAX_LINE: usize = 4 * 1024;

/// Position in a chunked body (RFC 9112, section 7.1).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trail {
    /// Bytes of the chunk still to come.
    data: usize,
    /// The last chunk was there: fields may follow, and an empty line.
    last: bool,
    /// The line end behind a chunk is to come.
    closing: bool,
}

impl Trail {
    /// Goes through what is there; returns how far, and whether the body ends there.
    pub(crate) fn walk(
        &mut self,
        side: Side,
        coded: &[u8],
        mut take: impl FnMut(&[u8]),
    ) -> Result<(usize, bool), Fault> {
        let mut at = 0;
        while let Some(rest) = coded.get(at..).filter(|rest| !rest.is_empty()) {
            if self.data > 0 {
                let data = rest.get(..self.data).unwrap_or(rest);
                take(data);
                at += data.len();
                self.data -= data.len();
                self.closing = self.data == 0;
                continue;
            }
            let line = rest.get(..rest.len().min(MAX_LINE)).unwrap_or_default();
            let Some(end) = memchr::memchr(b'\n', line) else {
                let whole = rest.len() < MAX_LINE;
                let long = || Fault::new(side.blame(), "a chunk has no end");
                return if whole { Ok((at, false)) } else { Err(long()) };
            };
            at += end + 1;
            if self.line(side, line.get(..end).unwrap_or_default().trim_ascii())? {
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    /// A line between chunks; returns whether it is the last of the body.
    fn line(&mut self, side: Side, line: &[u8]) -> Result<bool, Fault> {
        if self.last {
            return Ok(line.is_empty());
        }
        if std::mem::take(&mut self.closing) {
            let closed = line.is_empty();
            return closed
                .then_some(false)
                .ok_or_else(|| Fault::new(side.blame(), "a chunk is longer than it says"));
        }
        let digits = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
        let digits = Some(digits).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let size = digits.and_then(|digits| usize::from_str_radix(digits, 16).ok());
        self.data = size.ok_or_else(|| Fault::new(side.blame(), "a chunk has no length"))?;
        self.last = self.data == 0;
        Ok(false)
    }
}
