//! End of a session, and what is still written then.

use std::future::poll_fn;
use std::task::Poll;

use crosstalk_core::{Fault, Side};
use tokio::time::timeout;

use super::{Endpoint, LAST_WORDS, Session};

/// Reason why a session is over.
#[derive(Debug)]
pub(crate) enum End {
    /// Both sides are done.
    Closed,
    /// There is nothing to interpret; with a fault, because somebody broke the protocol before
    /// either stream was altered.
    Opaque(Option<Fault>),
    /// The streams cannot go on as they are.
    Fault(Fault),
    /// The client never said enough to know its server.
    Silent,
}

impl Session {
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
