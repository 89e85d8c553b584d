//! Events that a session waits for.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crosstalk_core::{Computed, Fault, Input, MAX_PENDING, Side};
use tokio::time::sleep_until;

use super::{End, Session};
use crate::mail::Mail;

/// The least time between two ticks, so that an engine whose deadline stays in the past does
/// not spin.
const TICK: Duration = Duration::from_millis(10);

/// Mail of more bytes than this is large: sessions take turns to be told it.
const LARGE: usize = 8 << 10;

/// Something for the engine, or the end.
pub(super) enum Wake {
    Bytes(Side),
    Ended(Side),
    Mail(Box<Mail>),
    /// Another connection said something, or left.
    Heard(Box<Input<'static>>),
    Computed(Computed),
    Tick,
    /// The client may be read again, if the person has not said more elsewhere.
    Resumed,
    Over(End),
}

impl Session {
    pub(super) fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        // What was told with it is done.
        self.turn_taken = None;
        // What the engine keeps comes before the end of the side that sent it.
        let tells_ends = !self.engine.holds_back();
        self.write(cx, tells_ends);
        self.charge();
        let nobody = self.client.ended && self.server.stream.is_none();
        if nobody || (self.client.is_over() && self.server.is_over()) {
            return Poll::Ready(Wake::Over(End::Closed));
        }
        if let Poll::Ready(heard) = self.registration.poll_hear(cx) {
            return Poll::Ready(Wake::Heard(Box::new(heard)));
        }
        if let Some(work) = &mut self.computing
            && let Poll::Ready(result) = work.as_mut().poll(cx)
        {
            self.computing = None;
            if let Some(result) = result {
                return Poll::Ready(Wake::Computed(result));
            }
        }
        if let Some(end) = self.overfull() {
            return Poll::Ready(Wake::Over(end));
        }
        // Each in turn, so that none of the three waits while another always has something.
        self.turn = (self.turn + 1) % 3;
        for source in self.turn..self.turn + 3 {
            let wake = match source % 3 {
                0 => self.poll_side(cx, Side::Client),
                1 => self.poll_side(cx, Side::Server),
                _ => self.poll_mail(cx),
            };
            if wake.is_ready() {
                return wake;
            }
        }
        self.poll_timer(cx)
    }

    fn poll_side(&mut self, cx: &mut Context<'_>, side: Side) -> Poll<Wake> {
        let bound = self.shared.bound();
        if side == Side::Client && self.paused.is_some() {
            return Poll::Pending;
        }
        let is_full = self.endpoint(side.other()).outbox.waiting() >= bound;
        // Only what the engine itself answers goes beyond this: a side that asks has to read.
        if self.charge.is_closed(self.was_known) {
            // Nothing wakes a reader when memory is free again: the tasks that have to go are
            // aborted already, so that asking at each turn ends soon.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let room = self.room();
        if is_full || room == 0 || self.endpoint(side).outbox.waiting() >= bound + MAX_PENDING {
            return Poll::Pending;
        }
        self.endpoint(side).poll_read(cx, room).map(|read| match read {
            Ok(n) if n > 0 => Wake::Bytes(side),
            _ => Wake::Ended(side),
        })
    }

    fn poll_mail(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        // Behind a slow client mail stays in its mailbox, whose bounds the senders see.
        if self.client.outbox.waiting() >= self.shared.bound() {
            return Poll::Pending;
        }
        let Some(person) = &mut self.person else { return Poll::Pending };
        let Poll::Ready(weight) = person.mail.poll_weight(cx) else { return Poll::Pending };
        if weight > LARGE {
            let turn = self.turn_to_come.get_or_insert_with(|| self.shared.turn());
            let Poll::Ready(turn) = turn.as_mut().poll(cx) else { return Poll::Pending };
            (self.turn_to_come, self.turn_taken) = (None, turn);
        }
        person.mail.poll_recv(cx).map(Wake::Mail)
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        loop {
            let Some((at, wake)) = self.next_deadline() else {
                self.timer = None;
                return Poll::Pending;
            };
            if at <= Instant::now() {
                if let Wake::Tick = wake {
                    self.ticked = Some(Instant::now());
                }
                return Poll::Ready(wake);
            }
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at.into())));
            // One that is armed for earlier may fire in vain: cheaper than moving it each time.
            if timer.deadline() > at.into() || timer.is_elapsed() {
                timer.as_mut().reset(at.into());
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn next_deadline(&self) -> Option<(Instant, Wake)> {
        let tick = self.engine.deadline().map(|at| match self.ticked {
            Some(last) => (at.max(last + TICK), Wake::Tick),
            None => (at, Wake::Tick),
        });
        let stall = self.shared.config.limits.stall;
        let stuck =
            [(Side::Client, &self.client), (Side::Server, &self.server)].map(|(side, endpoint)| {
                let end =
                    End::Fault(Fault::new(side.blame(), "it does not read what is sent to it"));
                Some((endpoint.stuck_since()? + stall, Wake::Over(end)))
            });
        let limit = self.limit.map(|at| {
            let dialled = self.server.stream.is_some();
            (at, Wake::Over(if dialled { End::Closed } else { End::Silent }))
        });
        let resumed = self.paused.map(|at| (at, Wake::Resumed));
        let [client, server] = stuck;
        [tick, client, server, limit, resumed].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}
