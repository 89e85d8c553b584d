//! One direction of a spliced connection.

use std::io;

use super::half::Half;
use super::pipe::Pipe;

/// Number of bytes in one read from which on a direction is moved inside the kernel.
const BULK: usize = 16 * 1024;
/// The most bytes that a direction moves before the other one and the other connections of its
/// thread have their turn.
const TURN: usize = 512 * 1024;

/// One turn of a connection: what it may use of its thread, and what came out.
pub(super) struct Turn<'a> {
    buffer: &'a mut [u8],
    pipes: u16,
    /// Bytes that the direction may still move.
    left: usize,
    /// Whether memory may be taken for more.
    may_read: bool,
    /// Something was read or written, or a direction ended.
    pub(super) has_moved: bool,
    /// Reason why a direction stopped that could have gone on.
    pub(super) stopped: Option<Stopped>,
}

/// Reason why a direction stopped that could have gone on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Others have their turn first.
    TurnOver,
    /// It may take no more memory for now.
    NoMemory,
}

impl<'a> Turn<'a> {
    pub(super) const fn new(buffer: &'a mut [u8], pipes: u16, may_read: bool) -> Self {
        Self { buffer, pipes, left: TURN, may_read, has_moved: false, stopped: None }
    }

    const fn moved(&mut self, bytes: usize) {
        self.has_moved = true;
        self.left = self.left.saturating_sub(bytes);
    }

    /// The step in which `n` bytes moved; none if a side was not ready.
    const fn step(&mut self, n: Option<usize>) -> Step {
        let Some(n) = n else { return Step::Waits };
        self.moved(n);
        Step::Moved
    }
}

/// Where a direction goes on.
enum Step {
    Moved,
    Waits,
}

/// The side at which a direction failed: its source, or else its sink.
enum Failed {
    Source(io::Error),
    Sink(io::Error),
}

/// One direction. At most one of `rest` and `pipe` holds anything.
#[derive(Default)]
pub(super) struct Flow {
    /// Copied bytes that the sink had no room for, at least one.
    rest: Option<Box<Rest>>,
    pipe: Option<Box<Pipe>>,
    is_bulk: bool,
    ended: bool,
    /// Its first error, and whether that was at the source.
    pub(super) broken: Option<Box<(bool, io::Error)>>,
}

struct Rest {
    bytes: Vec<u8>,
    written: usize,
}

impl Flow {
    /// A direction in which `unsent` goes first.
    pub(super) fn new(unsent: Vec<u8>) -> Self {
        let mut flow = Self::default();
        flow.keep(unsent);
        flow
    }

    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Bytes of memory held by what waits.
    pub(super) fn held(&self) -> usize {
        let rest = self.rest.as_ref().map_or(0, |rest| rest.bytes.capacity());
        rest + self.pipe.as_ref().map_or(0, |pipe| pipe.held())
    }

    fn keep(&mut self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.rest = Some(Box::new(Rest { bytes, written: 0 }));
        }
    }

    /// Moves what it can, as far as the turn goes.
    pub(super) fn run(&mut self, from: &mut Half, to: &mut Half, turn: &mut Turn<'_>) {
        turn.left = TURN;
        while !self.ended {
            match self.step(from, to, turn) {
                Ok(Step::Moved) => {}
                Ok(Step::Waits) => return,
                Err(Failed::Source(error)) => {
                    self.broken.get_or_insert_with(|| Box::new((true, error)));
                    from.end();
                }
                Err(Failed::Sink(error)) => {
                    self.broken.get_or_insert_with(|| Box::new((false, error)));
                    (self.rest, self.pipe) = (None, None);
                    self.end(turn);
                }
            }
        }
    }

    fn step(
        &mut self,
        from: &mut Half,
        to: &mut Half,
        turn: &mut Turn<'_>,
    ) -> Result<Step, Failed> {
        // Nothing is read that could not be written: what waits stays in the kernel.
        if !to.is_writable() {
            return Ok(Step::Waits);
        }
        if self.rest.is_some() {
            return self.write_rest(to, turn).map_err(Failed::Sink);
        }
        if let Some(pipe) = &mut self.pipe {
            if !pipe.is_empty() {
                let drained = to.write_from(pipe);
                return drained.map(|n| turn.step(n)).map_err(Failed::Sink);
            }
            // Its source has nothing more for now, or not much.
            if !self.is_bulk || !from.is_readable() || from.has_ended() {
                self.pipe.take().into_iter().for_each(|pipe| pipe.give_back());
            }
        }
        if from.has_ended() {
            to.shut().map_err(Failed::Sink)?;
            self.end(turn);
            return Ok(Step::Moved);
        }
        if !from.is_readable() {
            return Ok(Step::Waits);
        }
        if !turn.may_read {
            turn.stopped = Some(Stopped::NoMemory);
            return Ok(Step::Waits);
        }
        if turn.left == 0 {
            turn.stopped = Some(Stopped::TurnOver);
            return Ok(Step::Waits);
        }
        if self.is_bulk && self.pipe.is_none() {
            self.pipe = Pipe::take(turn.pipes).map(Box::new);
        }
        match &mut self.pipe {
            Some(pipe) => {
                let n = from.read_into(pipe).map_err(Failed::Source)?;
                self.is_bulk = n.is_some_and(|n| n >= BULK);
                let _ = turn.step(n);
                // Where nothing came, the next step gives the pipe back.
                Ok(Step::Moved)
            }
            None => self.copy(from, to, turn),
        }
    }

    /// Ends the direction. The silence that the other one may keep begins now.
    const fn end(&mut self, turn: &mut Turn<'_>) {
        self.ended = true;
        turn.has_moved = true;
    }

    /// Writes copied bytes that had to wait.
    fn write_rest(&mut self, to: &mut Half, turn: &mut Turn<'_>) -> io::Result<Step> {
        let Some(rest) = &mut self.rest else { return Ok(Step::Moved) };
        let n = to.write(rest.bytes.get(rest.written..).unwrap_or_default())?;
        rest.written += n.unwrap_or(0);
        if rest.written >= rest.bytes.len() {
            self.rest = None;
        }
        Ok(turn.step(n))
    }

    /// Reads once and writes that.
    fn copy(
        &mut self,
        from: &mut Half,
        to: &mut Half,
        turn: &mut Turn<'_>,
    ) -> Result<Step, Failed> {
        let Some(n) = from.read(turn.buffer).map_err(Failed::Source)? else {
            return Ok(Step::Waits);
        };
        if n == 0 {
            return Ok(Step::Moved);
        }
        self.is_bulk = n >= BULK;
        turn.moved(n);
        let bytes = turn.buffer.get(..n).unwrap_or_default();
        let written = to.write(bytes).map_err(Failed::Sink)?.unwrap_or(0);
        self.keep(bytes.get(written..).unwrap_or_default().to_vec());
        Ok(Step::Moved)
    }
}
