//! Two people who talk, and what they notice of everything else.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::jabber::{Client, Route, message};

/// Address of the two people, who are nobody's attackers.
const THEIRS: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 1);

/// Ann writes to Ben, whom she has a foreign name of.
pub(crate) struct Chat {
    ann: Client,
    ben: Client,
    to: String,
    said: u32,
}

impl Chat {
    /// Both sign on at `host`.
    pub(crate) async fn begin(host: &str) -> Self {
        let way = Route::to(host).from(THEIRS);
        let (mut ann, mut ben) = (Client::dial(way).await, Client::dial(way).await);
        ann.signs_on("ann", host, "r").await;
        ben.signs_on("ben", host, "r").await;
        let mut chat = Self { ann, ben, to: format!("ben%{host}@jabber.xt"), said: 0 };
        chat.once().await;
        chat
    }

    /// Sends one text and returns its latency.
    pub(crate) async fn once(&mut self) -> Duration {
        self.said += 1;
        let (text, begun) = (format!("no {}.", self.said), Instant::now());
        self.ann.send(&message(&self.to, &text)).await;
        self.ben.reads(&text).await;
        begun.elapsed()
    }
}
