//! A spliced connection: two sides and the two directions between them.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use crosstalk_core::Side;
use mio::event::Event;
use mio::{Interest, Registry, Token};

use super::flow::{Flow, Stopped, Turn};
use super::half::Half;
use super::{Broken, Owner, PlainSide};

/// State of a connection after its turn.
pub(super) enum Outcome {
    /// It waits for one of its sides.
    Waits,
    /// There is more to move, later.
    Again(Stopped),
    /// Both directions ended.
    Over,
}

/// Two connected sides.
pub(super) struct Spliced {
    client: Half,
    server: Half,
    up: Flow,
    down: Flow,
    owner: Box<dyn Owner>,
    /// When something last moved.
    moved: Instant,
    /// Its thread looks at it at a time that it knows.
    is_checked: bool,
    /// It stands among those that have their turn next.
    pub(super) is_next: bool,
}

impl fmt::Debug for Spliced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spliced").finish_non_exhaustive()
    }
}

impl Spliced {
    /// Takes over two sides from the runtime. What they had not sent on goes first.
    pub(super) fn new(
        (mut client, mut server): (PlainSide, PlainSide),
        owner: Box<dyn Owner>,
    ) -> io::Result<Self> {
        let [from_client, from_server] = [&mut client, &mut server].map(|side| {
            let unsent: BytesMut = std::mem::take(&mut side.unsent);
            unsent.to_vec()
        });
        Ok(Self {
            client: Half::new(client)?,
            server: Half::new(server)?,
            up: Flow::new(from_client),
            down: Flow::new(from_server),
            owner,
            moved: Instant::now(),
            is_checked: false,
            is_next: false,
        })
    }

    /// Has the selector tell of both sides, by two tokens made of `id`.
    pub(super) fn register(&mut self, registry: &Registry, id: usize) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        for (half, token) in [(&mut self.client, 2 * id), (&mut self.server, 2 * id + 1)] {
            registry.register(&mut half.tcp, Token(token), interest)?;
        }
        Ok(())
    }

    /// Notes what a side is ready for.
    pub(super) fn heard(&mut self, is_server: bool, event: &Event) {
        let half = if is_server { &mut self.server } else { &mut self.client };
        half.heard(event);
    }

    /// Moves what can be moved both ways, as far as one turn with this buffer goes, and no more than
    /// `pipes` are open.
    pub(super) fn turn(&mut self, buffer: &mut [u8], pipes: u16) -> Outcome {
        let may_read = !self.owner.charge().is_closed(false);
        let mut turn = Turn::new(buffer, pipes, may_read);
        self.up.run(&mut self.client, &mut self.server, &mut turn);
        self.down.run(&mut self.server, &mut self.client, &mut turn);
        if turn.has_moved {
            self.moved = Instant::now();
        }
        self.owner.charge().set(self.up.held() + self.down.held());
        match turn.stopped {
            _ if self.up.has_ended() && self.down.has_ended() => Outcome::Over,
            Some(stopped) => Outcome::Again(stopped),
            None => Outcome::Waits,
        }
    }

    /// The time at which its silence is to be looked at, where nobody does yet.
    pub(super) fn needs_check(&mut self, patience: Duration) -> Option<Instant> {
        if self.is_checked || self.may_be_silent() {
            return None;
        }
        self.is_checked = true;
        Some(self.moved + patience)
    }

    /// The time at which it has been silent for too long; `None` if it may be silent.
    pub(super) fn checked(&mut self, patience: Duration) -> Option<Instant> {
        self.is_checked = !self.may_be_silent();
        self.is_checked.then(|| self.moved + patience)
    }

    /// Both sides said something, and both go on.
    const fn may_be_silent(&self) -> bool {
        let both_spoke = self.client.received > 0 && self.server.received > 0;
        both_spoke && !self.up.has_ended() && !self.down.has_ended()
    }

    /// Ends it, and tells its owner how.
    pub(super) fn end(mut self) {
        let received = (self.client.received, self.server.received);
        let broken = |flow: &mut Flow, from: Side| -> Option<Broken> {
            let (at_source, error) = *flow.broken.take()?;
            Some((if at_source { from } else { from.other() }, error))
        };
        let up = broken(&mut self.up, Side::Client);
        let broken = up.or_else(|| broken(&mut self.down, Side::Server));
        self.owner.ended(received, broken);
    }
}
