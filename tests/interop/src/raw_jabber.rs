//! A Jabber client that says whatever it is told to, in whatever order.

use std::fmt::Display;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::prosody::DOMAIN;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection, and all that came on it.
pub struct RawJabber {
    stream: TcpStream,
    seen: String,
    /// Length of the part of that which was waited for already.
    read: usize,
}

impl RawJabber {
    /// Connects to a server, or to a gateway that plays it, at a port of loopback.
    pub fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        Self { stream, seen: String::new(), read: 0 }
    }

    /// Says something; whether anybody listens is seen by what comes back.
    pub fn says(&mut self, xml: impl Display) -> &mut Self {
        let _ = self.stream.write_all(xml.to_string().as_bytes());
        self
    }

    /// Waits until something new comes that has `text` in it. Returns what came up to it.
    pub fn hears(&mut self, text: &str) -> String {
        let heard = self.listens_for(text, PATIENCE);
        heard.unwrap_or_else(|| panic!("never heard {text}, but:\n{}", self.seen))
    }

    /// The same, within a time; nothing if it does not come, or the other side hangs up.
    pub fn listens_for(&mut self, text: &str, within: Duration) -> Option<String> {
        let until = Instant::now() + within;
        loop {
            let new = &self.seen[self.read..];
            if let Some(at) = new.find(text) {
                let end = self.read + at + text.len();
                let heard = self.seen[self.read..end].to_owned();
                self.read = end;
                return Some(heard);
            }
            let left = until.checked_duration_since(Instant::now()).filter(|d| !d.is_zero())?;
            self.stream.set_read_timeout(Some(left)).unwrap();
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes) {
                Ok(n) if n > 0 => self.seen.push_str(&String::from_utf8_lossy(&bytes[..n])),
                _ => return None,
            }
        }
    }

    /// Everything that came so far, and comes for a moment longer.
    pub fn all(&mut self) -> &str {
        let _ = self.listens_for("\0", Duration::from_millis(300));
        &self.seen
    }

    /// Opens a stream, and waits for the server's features.
    pub fn opens(&mut self) -> &mut Self {
        self.is_offered();
        self
    }

    /// Opens a stream, and returns what comes up to the end of the server's features.
    pub fn is_offered(&mut self) -> String {
        self.opens_again();
        self.hears("</stream:features>")
    }

    /// Opens a stream without waiting.
    pub fn opens_again(&mut self) -> &mut Self {
        self.says(format_args!(
            "<stream:stream to='{DOMAIN}' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
        ))
    }

    /// Says `<auth/>` by PLAIN.
    pub fn claims(&mut self, authzid: &str, name: &str, password: &str) -> &mut Self {
        let said = BASE64.encode(format!("{authzid}\0{name}\0{password}"));
        let ns = "urn:ietf:params:xml:ns:xmpp-sasl";
        self.says(format_args!("<auth xmlns='{ns}' mechanism='PLAIN'>{said}</auth>"))
    }

    /// Proves to be `name`, up to the features of the stream in which a session is asked for.
    pub fn authenticates(&mut self, name: &str, password: &str) -> &mut Self {
        self.opens().claims("", name, password).hears("<success");
        self.opens()
    }

    /// Asks for a session as clients do, and for the list, and is there.
    pub fn binds(&mut self, resource: &str) -> &mut Self {
        self.says(format_args!(
            "<iq id='bind' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <resource>{resource}</resource></bind></iq>"
        ));
        self.hears("</jid>");
        self.comes()
    }

    /// Asks for the list, and is there.
    pub fn comes(&mut self) -> &mut Self {
        self.says("<iq id='list' type='get'><query xmlns='jabber:iq:roster'/></iq><presence/>")
    }

    /// Makes an account (XEP-0077).
    pub(crate) fn registers(&mut self, name: &str, password: &str) {
        let password = password.replace('\'', "&apos;");
        self.opens().says(format_args!(
            "<iq type='set' id='reg'><query xmlns='jabber:iq:register'>\
             <username>{name}</username><password>{password}</password></query></iq>"
        ));
        let answer = self.hears("'reg'") + &self.hears(">");
        assert!(!answer.contains("error"), "no account for {name}: {}", self.seen);
    }
}
