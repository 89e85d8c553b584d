//! A scripted Yahoo client, in the ways of YMSG9 to 16.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crosstalk_core::Presence;
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};

use super::packet::Packet;
use crate::client::Driver;
use crate::incoming::Incoming;
use crate::{Act, Event, Stream};

mod acts;
mod events;
mod sign_on;

pub use sign_on::sign_on;

type Read = Incoming<ReadHalf<Box<dyn Stream>>>;

/// Sender of a client's packets: in its version, with the number that the server gave the session.
struct Outgoing {
    write: WriteHalf<Box<dyn Stream>>,
    version: u16,
    session: u32,
}

impl Outgoing {
    async fn send(&mut self, packet: Packet) -> io::Result<()> {
        let packet = Packet { version: self.version, session: self.session, ..packet };
        self.write.write_all(&packet.encode()).await
    }
}

/// A client that is signed on.
struct Session {
    user: String,
    read: Read,
    out: Outgoing,
    driver: Driver,
    /// The buddies, and the group each is in.
    groups: BTreeMap<String, String>,
    presences: BTreeMap<String, Presence>,
    /// The part of the list that came so far, up to YMSG14.
    list: Vec<u8>,
    /// The group that the list was in when the last packet of it ended, since YMSG15.
    group: String,
}

impl Session {
    const fn new(user: String, read: Read, out: Outgoing, driver: Driver) -> Self {
        Self {
            user,
            read,
            out,
            driver,
            groups: BTreeMap::new(),
            presences: BTreeMap::new(),
            list: Vec::new(),
            group: String::new(),
        }
    }

    const fn version(&self) -> u16 {
        self.out.version
    }

    async fn tell(&self, event: Event) {
        let _ = self.driver.events.send(event).await;
    }

    /// Runs until either side ends it.
    async fn run(mut self) {
        let _ = self.live().await;
        let _ = self.out.write.shutdown().await;
        self.tell(Event::SignedOff).await;
    }

    async fn live(&mut self) -> io::Result<()> {
        loop {
            tokio::select! {
                act = self.driver.acts.recv() => match act {
                    Some(Act::SignOff) => return self.sign_off().await,
                    Some(act) => self.act(act).await?,
                    None => return Ok(()),
                },
                packet = self.read.next(Packet::take) => match packet? {
                    Some(packet) => self.take(&packet).await?,
                    None => return Ok(()),
                },
            }
        }
    }

    /// The buddies of a list that are new.
    async fn listed(&mut self, buddies: Vec<(String, String)>) {
        let known: BTreeSet<String> = self.groups.keys().cloned().collect();
        for (group, name) in buddies {
            self.groups.insert(name.clone(), group);
            if !known.contains(&name) {
                self.tell(Event::Listed(name)).await;
            }
        }
    }
}
