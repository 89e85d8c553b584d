//! People: connections that are signed on, and what they say and hear.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Duration, timeout};

/// Longer than anything here takes when all is well.
const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const PASSWORD: &str = "secret";
const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";

/// Language of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Whatever is said is heard.
    Raw,
    Xmpp,
    Irc,
}

/// Somebody who is signed on.
pub(crate) struct Person {
    talk: Talk,
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    heard: Vec<u8>,
}

impl Person {
    /// Connects to a port of loopback.
    pub(crate) async fn connect(port: u16, talk: Talk) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (reader, writer) = stream.into_split();
        Self { talk, reader, writer, heard: Vec::new() }
    }

    /// Signs on to an XMPP server by PLAIN, and becomes available.
    pub(crate) async fn xmpp(port: u16, user: &str, domain: &str) -> Self {
        let mut person = Self::connect(port, Talk::Xmpp).await;
        let open = format!(
            "<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' \
             xmlns:stream='http://etherx.jabber.org/streams' to='{domain}'>"
        );
        let plain = STANDARD.encode(format!("\0{user}\0{PASSWORD}"));
        for (say, hear) in [
            (open.clone(), "</stream:features>"),
            (format!("<auth xmlns='{SASL}' mechanism='PLAIN'>{plain}</auth>"), "<success"),
            (open, "</stream:features>"),
            (
                "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
                 <resource>bench</resource></bind></iq>"
                    .to_owned(),
                "</jid>",
            ),
            ("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>".to_owned(), "'r'"),
            ("<presence/>".to_owned(), "<presence"),
        ] {
            person.say(&say).await;
            person.hear(hear).await;
        }
        person
    }

    /// Signs on to `BitlBee`, and from there to an XMPP server.
    pub(crate) async fn bitlbee(port: u16, user: &str, domain: &str, server: u16) -> Self {
        let mut person = Self::connect(port, Talk::Irc).await;
        person.say(&format!("NICK {user}\r\nUSER {user} . . :{user}\r\n")).await;
        person.hear(" 001 ").await;
        person.hear("&bitlbee").await;
        for command in [
            format!("account add jabber {user}@{domain} {PASSWORD}"),
            "account jabber set server 127.0.0.1".to_owned(),
            format!("account jabber set port {server}"),
            "account jabber set tls false".to_owned(),
            "set private true".to_owned(),
            "set typing_notice false".to_owned(),
        ] {
            person.say(&format!("PRIVMSG &bitlbee :{command}\r\n")).await;
        }
        person.say("PRIVMSG &bitlbee :account jabber on\r\n").await;
        person.hear("Logged in").await;
        person
    }

    pub(crate) async fn say(&mut self, what: &str) {
        self.writer.write_all(what.as_bytes()).await.unwrap();
    }

    /// Waits until that was said to it.
    pub(crate) async fn hear(&mut self, what: &str) {
        let heard = timeout(PATIENCE, async {
            while !contains(&self.heard, what.as_bytes()) {
                assert!(self.reader.read_buf(&mut self.heard).await.unwrap() > 0, "it was closed");
            }
        });
        let heard = heard.await;
        assert!(heard.is_ok(), "no {what}, but {}", String::from_utf8_lossy(&self.heard));
        self.heard.clear();
    }

    /// Adds what says `text` to somebody.
    pub(crate) fn write_text(&self, to: &str, text: &str, bytes: &mut Vec<u8>) {
        let said = match self.talk {
            Talk::Raw => text.to_owned(),
            Talk::Xmpp => format!("<message to='{to}' type='chat'><body>{text}</body></message>"),
            Talk::Irc => format!("PRIVMSG {to} :{text}\r\n"),
        };
        bytes.extend_from_slice(said.as_bytes());
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.unwrap();
    }

    /// Waits for more, and takes all whole texts of those that [`text`] makes. They are to be
    /// numbered from `next` on, which then is the number of the next one.
    pub(crate) async fn texts(&mut self, conversation: usize, next: &mut u64) {
        let read = timeout(PATIENCE, self.reader.read_buf(&mut self.heard)).await;
        let heard = String::from_utf8_lossy(&self.heard);
        assert!(read.unwrap_or_else(|_| panic!("text {next} never came: {heard}")).unwrap() > 0);
        let mut at = 0;
        while let Some(begin) = find(&self.heard[at..], BEGIN.as_bytes()).map(|n| at + n) {
            let Some(end) = find(&self.heard[begin..], END.as_bytes()) else { break };
            let whole = &self.heard[begin..begin + end + END.len()];
            let expected = text(conversation, *next);
            assert_eq!(String::from_utf8_lossy(whole), expected, "each once, and in order");
            (at, *next) = (begin + end + END.len(), *next + 1);
        }
        self.heard.drain(..at);
    }

    /// Takes what came beside, and fails where that is an error.
    pub(crate) fn drain(&mut self) {
        let mut bytes = [0; 4096];
        while let Ok(length) = self.reader.try_read(&mut bytes) {
            assert!(length > 0, "it was closed");
            let said = String::from_utf8_lossy(&bytes[..length]);
            assert!(!said.contains("error"), "{said}");
        }
    }
}

const BEGIN: &str = "text~";
const END: &str = "~end";

/// A text of ordinary length that tells itself from all others.
pub(crate) fn text(conversation: usize, number: u64) -> String {
    format!("{BEGIN}{conversation}~{number}~{}{END}", "0123456789".repeat(10))
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    find(all, part).is_some()
}

fn find(all: &[u8], part: &[u8]) -> Option<usize> {
    all.windows(part.len()).position(|window| window == part)
}
