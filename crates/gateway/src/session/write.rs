//! Writing what is queued for both sides, and the deliveries that are through by that.

use std::future::poll_fn;
use std::task::{Context, Poll};

use crosstalk_core::{Fault, Side};
use tokio::time::timeout;

use super::{End, Endpoint, LAST_WORDS, Session};

impl Session {
    /// Writes what both sides will take now, and confirms deliveries that are through. With
    /// `tells_ends`, tells each the end of the other behind it.
    pub(super) fn write(&mut self, cx: &mut Context<'_>, tells_ends: bool) {
        for side in [Side::Client, Side::Server] {
            let last = tells_ends && self.endpoint(side.other()).known;
            let mut queue = std::mem::take(self.out.queue(side));
            let _ = self.endpoint(side).poll_write(cx, &mut queue, last);
            *self.out.queue(side) = queue;
        }
        let Some(person) = &mut self.person else { return };
        // A client that takes nothing more did not show these. A receipt that is dropped says so to
        // the router, which keeps or reports the message.
        if self.client.shut {
            person.unconfirmed.clear();
        }
        let outbox = &self.client.outbox;
        // In the order of their bytes, so that the first that is not through ends the search.
        while let Some((until, _)) = person.unconfirmed.front()
            && (outbox.is_empty() || *until <= outbox.written())
            && let Some((_, handed)) = person.unconfirmed.pop_front()
        {
            handed.done();
        }
    }

    /// The same while the engine may have more to say.
    pub(super) fn poll_write_once(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.write(cx, false);
        Poll::Ready(())
    }

    /// Writes everything queued for a side, as long as that side takes some of it in time.
    pub(super) async fn write_all(&mut self, side: Side) -> Result<(), End> {
        let stall = self.shared.config.limits.stall;
        let all = poll_fn(|cx| {
            // An engine that holds something back has more to say before a side is told an end.
            self.write(cx, false);
            let endpoint = self.endpoint(side);
            if endpoint.outbox.is_empty() || endpoint.shut {
                Poll::Ready(endpoint.shut)
            } else {
                Poll::Pending
            }
        });
        let gone = match timeout(stall, all).await {
            Ok(false) => return Ok(()),
            Ok(true) => "it left before TLS",
            Err(_) => "it does not read what is sent to it",
        };
        Err(End::Fault(Fault::new(side.blame(), gone)))
    }

    /// Lets both sides have what is queued for them, without much patience.
    pub(super) async fn write_rest(&mut self) {
        // Each side is told the end as soon as its own queue is written, whatever the other side
        // does.
        (self.client.known, self.server.known) = (true, true);
        let rest = poll_fn(|cx| {
            self.write(cx, true);
            let done = |endpoint: &Endpoint| endpoint.shut || endpoint.stream.is_none();
            if done(&self.client) && done(&self.server) { Poll::Ready(()) } else { Poll::Pending }
        });
        let _ = timeout(LAST_WORDS, rest).await;
    }
}
