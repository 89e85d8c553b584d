//! A scripted MSN client, in the ways of MSNP2 to 18.

use std::collections::BTreeMap;

use crosstalk_core::{HostPort, RichText};
use crosstalk_networks::msnp::wire::Command;
use tokio::io::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::book::Book;
use self::sign_on::{Signer, connect, say};
use self::talks::Talk;
use super::USUAL;
use super::link::Incoming;
use crate::client::Driver;
use crate::{Account, Client, Event, Route, SignOnError, Stream};

mod acts;
mod book;
mod events;
mod list;
mod sign_on;
mod talks;

type Read = Incoming<ReadHalf<Box<dyn Stream>>>;
type Write = WriteHalf<Box<dyn Stream>>;

/// The connection to the notification server, among the numbers of a client's connections.
const NOTIFICATION: u32 = 0;
/// The most commands that wait to be handled.
const QUEUE: usize = 1024;

/// Signs `account` on. The client has its whole list when this returns.
pub async fn sign_on(account: &Account, way: &Route) -> Result<Client, SignOnError> {
    let signer = Signer::new(account, account.version().unwrap_or(USUAL));
    let (mut read, write) = signer.sign_on(way).await?;
    let (client, driver) = Client::new();
    let (commands_in, commands) = mpsc::channel(QUEUE);
    let mut session = Session {
        version: signer.version,
        seat: signer.seat(),
        book: Book::new(way.clone(), signer.ticket()),
        user: signer.user,
        way: way.clone(),
        write,
        transaction: 4,
        driver,
        commands,
        commands_in,
        reading: JoinSet::new(),
        guids: BTreeMap::new(),
        presences: BTreeMap::new(),
        asked: BTreeMap::new(),
        talks: BTreeMap::new(),
        opened: NOTIFICATION,
        opening: BTreeMap::new(),
        away: String::new(),
    };
    if session.version < 13 {
        session.read_list(&mut read).await?;
    } else {
        session.read_book().await?;
    }
    session.listen(NOTIFICATION, read);
    session.change("NLN").await?;
    tokio::spawn(session.run());
    Ok(client)
}

/// A client that is signed on.
struct Session {
    version: u32,
    user: String,
    /// Name of the client at a switchboard.
    seat: String,
    way: Route,
    write: Write,
    transaction: u32,
    driver: Driver,
    /// Commands with the number of their connection; `None` where it ended.
    commands: mpsc::Receiver<(u32, Option<Command>)>,
    commands_in: mpsc::Sender<(u32, Option<Command>)>,
    reading: JoinSet<()>,
    book: Book,
    /// The GUIDs of the contacts.
    guids: BTreeMap<String, String>,
    presences: BTreeMap<String, crosstalk_core::Presence>,
    /// Person that each request was about.
    asked: BTreeMap<u32, String>,
    talks: BTreeMap<u32, Talk>,
    opened: u32,
    /// For whom a conversation was asked for, and what is to be said there.
    opening: BTreeMap<u32, (String, Vec<String>)>,
    away: String,
}

impl Session {
    /// Sends a request and says under which number.
    async fn ask(&mut self, verb: &str, rest: &str) -> std::io::Result<u32> {
        self.transaction += 1;
        let line = format!("{verb} {} {rest}", self.transaction);
        say(&mut self.write, line.trim_end()).await?;
        Ok(self.transaction)
    }

    async fn tell(&self, event: Event) {
        let _ = self.driver.events.send(event).await;
    }

    /// Passes the commands of a connection on to [`Session::commands`].
    fn listen(&mut self, number: u32, mut read: Read) {
        let commands = self.commands_in.clone();
        self.reading.spawn(async move {
            while let Ok(Some(command)) = read.next().await {
                if commands.send((number, Some(command))).await.is_err() {
                    return;
                }
            }
            let _ = commands.send((number, None)).await;
        });
    }

    /// Connects to a switchboard and says `first` there.
    async fn open(&mut self, place: &str, first: String, mut talk: Talk) -> std::io::Result<()> {
        let place: HostPort = place.parse().map_err(std::io::Error::other)?;
        let (read, mut write) = connect(self.way.dial_to(&place).await?);
        say(&mut write, &first).await?;
        self.opened += 1;
        self.listen(self.opened, read);
        talk.write = Some(write);
        self.talks.insert(self.opened, talk);
        Ok(())
    }

    async fn run(mut self) {
        let _ = self.live().await;
        self.tell(Event::SignedOff).await;
    }

    async fn live(&mut self) -> std::io::Result<()> {
        loop {
            tokio::select! {
                act = self.driver.acts.recv() => match act {
                    Some(crate::Act::SignOff) => return say(&mut self.write, "OUT").await,
                    Some(act) => self.act(act).await?,
                    None => return Ok(()),
                },
                Some((number, command)) = self.commands.recv() => match command {
                    Some(command) if number == NOTIFICATION => self.notified(&command).await?,
                    Some(command) => self.talked(number, &command).await?,
                    None if number == NOTIFICATION => return Ok(()),
                    None => self.hang_up(number, "the conversation ended").await,
                },
            }
        }
    }

    /// Says a text, or what the gateway has to say about one.
    async fn hear(&self, from: &str, text: RichText) {
        const FAILURES: [&str; 2] = ["was not delivered: ", "may not have arrived: "];
        let from = from.to_owned();
        let failure = text.text().strip_prefix("[CrossTalk: this ");
        self.tell(match failure.filter(|of| FAILURES.iter().any(|how| of.starts_with(how))) {
            Some(why) => Event::Undelivered { to: from, why: why.to_owned() },
            None => Event::Said { from, text, auto: false },
        })
        .await;
    }
}
