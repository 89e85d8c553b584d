//! A scripted AIM client, in the ways of libpurple.

use std::collections::VecDeque;

use bytes::Bytes;
use crosstalk_core::RichText;
use crosstalk_networks::oscar::wire::item::List;
use crosstalk_networks::oscar::wire::{Channel, Item, Reader, Snac, Writer, find, flap, snac};
use tokio::io::{ReadHalf, WriteHalf, split};

use self::buddies::Buddies;
use super::digest;
use super::link::{Incoming, Outgoing, invalid};
use crate::client::Driver;
use crate::{Account, Client, Event, SignOnError, Stream, Way};

mod acts;
mod buddies;
mod events;
mod icq;

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

/// Signs `account` on. The client has its whole buddy list when this returns.
pub async fn sign_on(account: &Account, way: &Way) -> Result<Client, SignOnError> {
    let (host, cookie) = authorise(account, way).await?;
    let host = host.parse().map_err(|_| SignOnError::Protocol("a redirect without host:port"))?;
    let (incoming, outgoing) = connect(way.dial_to(&host).await?, Some(&cookie)).await?;
    let (client, driver) = Client::new();
    let mut session = Session::new(incoming, outgoing, driver);
    session.set_up().await?;
    tokio::spawn(session.run());
    Ok(client)
}

/// Exchanges greetings; a cookie joins the connection to an earlier one.
async fn connect(
    stream: Box<dyn Stream>,
    cookie: Option<&[u8]>,
) -> Result<(Read, Write), SignOnError> {
    let (read, write) = split(stream);
    let (mut incoming, mut outgoing) =
        (Incoming::new(read, None), Outgoing::new(write, fastrand::u16(..0x8000)));
    let hello = Writer::new().u32(flap::VERSION);
    let hello = match cookie {
        Some(cookie) => hello.tlv(0x06, cookie),
        None => hello,
    };
    outgoing.frame(Channel::SignOn, &hello.bytes()).await?;
    match incoming.frame().await? {
        Some(frame) if frame.channel == Channel::SignOn => Ok((incoming, outgoing)),
        Some(_) => Err(SignOnError::Protocol("the server did not greet")),
        None => Err(closed()),
    }
}

/// BUCP: BOS's `host:port` and the cookie for it.
async fn authorise(account: &Account, way: &Way) -> Result<(String, Vec<u8>), SignOnError> {
    let (mut incoming, mut outgoing) = connect(way.dial().await?, None).await?;
    let name = Writer::new().tlv(0x01, &account.name);
    let ask = name.tlv(0x4b, []).tlv(0x5a, []).bytes();
    outgoing.snac(&Snac::new(0x17, 0x06, 1, ask)).await?;
    while let Some(snac) = incoming.snac().await? {
        match snac.kind() {
            (0x17, 0x07) => {
                let key = Reader::new(&snac.body).long().map_err(invalid)?;
                let response = credentials(account, key);
                outgoing.snac(&Snac::new(0x17, 0x02, 2, response)).await?;
            }
            (0x17, 0x03) => {
                return match (find(&snac.body, 0x05), find(&snac.body, 0x06)) {
                    (Some(host), Some(cookie)) => {
                        Ok((String::from_utf8_lossy(host).into_owned(), cookie.to_vec()))
                    }
                    _ => Err(SignOnError::Refused(refusal(find(&snac.body, 0x08)))),
                };
            }
            _ => {}
        }
    }
    Err(closed())
}

/// 17/02, with the password hashed twice.
fn credentials(account: &Account, key: &[u8]) -> Bytes {
    Writer::new()
        .tlv(0x01, &account.name)
        .tlv(0x25, digest(key, account.password.expose(), true))
        .tlv(0x4c, [])
        .tlv(0x03, "CrossTalk's own client")
        .tlv(0x16, [0x01, 0x09])
        .tlv(0x17, [0, 1])
        .tlv(0x18, [0, 0])
        .tlv(0x19, [0, 0])
        .tlv(0x1a, [0, 1])
        .tlv(0x0f, "en")
        .tlv(0x0e, "us")
        .tlv(0x4a, [1])
        .bytes()
}

fn refusal(code: Option<&[u8]>) -> String {
    match code {
        Some([0, 0x01]) => "there is no such name".into(),
        Some([0, 0x05]) => "the password is wrong".into(),
        Some(other) => format!("error {other:02x?}"),
        None => "without a reason".into(),
    }
}

fn closed() -> SignOnError {
    SignOnError::Connection(std::io::ErrorKind::UnexpectedEof.into())
}

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
    /// To whom the last messages went, by request.
    sent: VecDeque<(u32, String)>,
    /// Away texts asked for, by request.
    asked_away: VecDeque<(u32, Event)>,
    /// Who asked for authorisation through 13/19.
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

    /// From the server's first word to the client's "ready".
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

    /// Until either side ends it.
    async fn run(mut self) {
        loop {
            let going = tokio::select! {
                act = self.driver.acts.recv() => match act {
                    Some(act) => self.act(act).await,
                    None => break,
                },
                snac = self.incoming.snac() => match snac {
                    Ok(Some(snac)) => self.take(&snac).await,
                    Ok(None) | Err(_) => break,
                },
            };
            if !matches!(going, Ok(true)) {
                break;
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
