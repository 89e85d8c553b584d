//! A scripted AIM client, in the ways of libpurple.

use std::collections::VecDeque;

use bytes::Bytes;
use crosstalk_core::RichText;
use crosstalk_networks::oscar::wire::item::List;
use crosstalk_networks::oscar::wire::{Item, Snac, Writer, snac};
use tokio::io::{ReadHalf, WriteHalf};

use self::buddies::Buddies;
use self::sign_on::closed;
use super::link::{Incoming, Outgoing};
use crate::client::Driver;
use crate::incoming::invalid;
use crate::{Event, SignOnError, Stream};

mod acts;
mod buddies;
mod events;
mod icq;
mod sign_on;

pub use sign_on::sign_on;

/// The families a client speaks, with its versions.
const VERSIONS: [(u16, u16); 14] = [
    (0x0b, 1),
    (0x08, 1),
    (0x0a, 1),
    (0x09, 1),
    (0x01, 4),
    (0x03, 1),
    (0x02, 1),
    (0x15, 1),
    (0x04, 1),
    (0x13, 4),
    (0x06, 1),
    (0x10, 1),
    (0x18, 1),
    (0x0d, 1),
];

/// "I show typing, offline messages and more": what libpurple says in 04/02.
const MESSAGE_FLAGS: u32 = 0x0000_051b;

type Read = Incoming<ReadHalf<Box<dyn Stream>>>;
type Write = Outgoing<WriteHalf<Box<dyn Stream>>>;

/// A BOS connection.
struct Session {
    incoming: Read,
    outgoing: Write,
    driver: Driver,
    buddies: Buddies,
    /// Edits of the stored list that wait for their turn.
    edits: VecDeque<Snac>,
    /// The one that waits for its acknowledgement.
    editing: Option<Snac>,
    /// Receivers of the last messages, by request.
    sent: VecDeque<(u32, String)>,
    /// Away texts asked for, by request.
    asked_away: VecDeque<(u32, Event)>,
    /// Senders of authorisation requests (SNAC 13/19).
    askers: Vec<Asker>,
    request: u32,
}

/// One who asked for authorisation: the name shown and the name to answer.
struct Asker {
    shown: String,
    answer_to: String,
    words: RichText,
    /// The question for the name to show, where one was asked.
    request: Option<u32>,
}

impl Session {
    fn new(incoming: Read, outgoing: Write, driver: Driver) -> Self {
        Self {
            incoming,
            outgoing,
            driver,
            buddies: Buddies::default(),
            edits: VecDeque::new(),
            editing: None,
            sent: VecDeque::new(),
            asked_away: VecDeque::new(),
            askers: Vec::new(),
            request: 2,
        }
    }

    /// Sends a request and says under which number.
    async fn send(
        &mut self,
        family: u16,
        subtype: u16,
        body: impl Into<Bytes>,
    ) -> std::io::Result<u32> {
        self.request = self.request.wrapping_add(1) & 0x7fff_ffff;
        self.outgoing.snac(&Snac::new(family, subtype, self.request, body)).await?;
        Ok(self.request)
    }

    async fn tell(&self, event: Event) {
        let _ = self.driver.events.send(event).await;
    }

    /// Sets the session up, from the server's first frame to the client's `CLIENT_ONLINE`.
    async fn set_up(&mut self) -> Result<(), SignOnError> {
        let mut items: Vec<Item> = Vec::new();
        loop {
            let snac = self.incoming.snac().await?.ok_or_else(closed)?;
            match snac.kind() {
                (0x01, 0x03) => {
                    let offered = VERSIONS.iter().filter(|(family, _)| offers(&snac, *family));
                    let versions = offered.fold(Writer::new(), |w, (f, v)| w.u16(*f).u16(*v));
                    self.send(0x01, 0x17, versions.bytes()).await?;
                }
                (0x01, 0x18) => {
                    self.send(0x01, 0x06, Bytes::new()).await?;
                }
                (0x01, 0x07) => self.ask_for_everything().await?,
                (0x13, 0x06) => {
                    let list = List::parse(&snac.body).map_err(invalid)?;
                    items.extend(list.items);
                    if snac.flags & snac::MORE == 0 {
                        break;
                    }
                }
                _ => {}
            }
        }
        for name in self.buddies.load(items) {
            self.tell(Event::Listed(name)).await;
        }
        self.begin().await.map_err(Into::into)
    }

    async fn ask_for_everything(&mut self) -> std::io::Result<()> {
        let classes = (1..=5).fold(Writer::new(), Writer::u16).bytes();
        self.send(0x01, 0x08, classes).await?;
        for (family, subtype) in [
            (0x01, 0x0e),
            (0x13, 0x02),
            (0x02, 0x02),
            (0x03, 0x02),
            (0x04, 0x04),
            (0x09, 0x02),
            (0x13, 0x04),
        ] {
            self.send(family, subtype, Bytes::new()).await?;
        }
        Ok(())
    }

    async fn begin(&mut self) -> std::io::Result<()> {
        self.send(0x13, 0x07, Bytes::new()).await?;
        let parameters =
            Writer::new().u16(0).u32(MESSAGE_FLAGS).u16(8000).u16(999).u16(999).u32(0).bytes();
        self.send(0x04, 0x02, parameters).await?;
        let ready = VERSIONS.iter().fold(Writer::new(), |w, (family, version)| {
            w.u16(*family).u16(*version).u32(0x0110_0629)
        });
        self.send(0x01, 0x02, ready.bytes()).await?;
        self.send(0x04, 0x10, Bytes::new()).await?;
        Ok(())
    }

    /// Runs until either side ends it. What had arrived on a connection that breaks is still seen.
    async fn run(mut self) {
        let mut broken = false;
        loop {
            let going = tokio::select! {
                act = self.driver.acts.recv(), if !broken => match act {
                    Some(act) => self.act(act).await,
                    None => break,
                },
                snac = self.incoming.snac() => match snac {
                    Ok(Some(snac)) => self.take(&snac).await,
                    Ok(None) | Err(_) => break,
                },
            };
            match going {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => broken = true,
            }
        }
        self.outgoing.close().await;
        self.tell(Event::SignedOff).await;
    }
}

/// Whether 01/03 lists `family`.
fn offers(families: &Snac, family: u16) -> bool {
    families.body.chunks_exact(2).any(|f| f == family.to_be_bytes())
}
