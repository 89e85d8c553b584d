//! Signing on: the connection that ends with a cookie for another.
//!
//! The password passes by unread: MD5 and roasted sign-on are watched only for the name, the
//! client and the server's redirect.

use std::time::Duration;

use bytes::Bytes;
use crosstalk_core::{HostPort, Private, Side, Ticket, Via};

use super::link::Io;
use super::wire::{Channel, Reader, Snac, Truncated, Writer, find, tlvs};

/// How long a cookie waits for the connection that brings it.
const COOKIE_LIFE: Duration = Duration::from_mins(5);
/// Where OSCAR servers listen if a redirect does not say.
const DEFAULT_PORT: u16 = 5190;

const NAME: u16 = 0x0001;
const CLIENT: u16 = 0x0003;
const REDIRECT: u16 = 0x0005;
const COOKIE: u16 = 0x0006;

/// What a cookie is for: the note on its [`Ticket`].
#[derive(Clone, Debug)]
pub(super) enum Errand {
    /// The session itself.
    Session(Person),
    /// A service beside it, such as icons or chat.
    Service,
}

/// Who is signing on, with what.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    /// The screen name, as the client or the server wrote it.
    pub(super) name: Option<String>,
    /// What the client calls itself; empty if it does not.
    pub(super) client: String,
}

impl Person {
    fn read(&mut self, fields: &[u8]) {
        let text = |kind| find(fields, kind).map(|v| String::from_utf8_lossy(v).into_owned());
        if let Some(name) = text(NAME) {
            self.name = Some(name);
        }
        if let Some(client) = text(CLIENT) {
            self.client = client;
        }
    }
}

/// The client's SIGNON frame.
pub(super) struct Greeting {
    pub(super) person: Person,
    pub(super) cookie: Option<Private<Vec<u8>>>,
}

impl Greeting {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Truncated> {
        let mut reader = Reader::new(body);
        reader.u32()?;
        let mut person = Person::default();
        person.read(reader.rest());
        let cookie = find(reader.rest(), COOKIE).map(|c| Private::new(c.to_vec()));
        Ok(Self { person, cookie })
    }
}

/// Whether a frame matters while somebody signs on.
pub(super) const fn wants(side: Side, channel: Channel, kind: (u16, u16)) -> bool {
    match (side, channel) {
        (Side::Client, Channel::Data) => matches!(kind, (0x17, 0x02 | 0x06)),
        (Side::Server, Channel::Data) => matches!(kind, (0x17, 0x03)),
        (Side::Server, Channel::SignOff) => true,
        _ => false,
    }
}

/// Takes one of the frames that matter.
pub(super) fn take(person: &mut Person, side: Side, channel: Channel, raw: Bytes, io: &mut Io<'_>) {
    let body = raw.slice(super::wire::flap::HEADER.min(raw.len())..);
    let (head, fields) = match channel {
        Channel::Data => body.split_at(body.len().min(Snac::HEADER)),
        _ => (&[][..], &body[..]),
    };
    if side == Side::Client {
        person.read(fields);
        return io.forward(Side::Server, raw);
    }
    let person = {
        let mut named = person.clone();
        named.name = find(fields, NAME)
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .or(named.name);
        named
    };
    match redirect(fields, Errand::Session(person), io) {
        Some(fields) => {
            io.withhold(Side::Client);
            io.insert(Side::Client, channel, &[head, &fields].concat());
        }
        None => io.forward(Side::Client, raw),
    }
}

/// Leaves a ticket for the connection that `fields` redirect to.
///
/// Returns the fields with the redirect turned to this gateway, where it has to be.
pub(super) fn redirect(fields: &[u8], errand: Errand, io: &Io<'_>) -> Option<Bytes> {
    let host = std::str::from_utf8(find(fields, REDIRECT)?).ok()?;
    let cookie = find(fields, COOKIE)?;
    let dial = match host.parse() {
        Ok(host) => host,
        Err(_) => HostPort::new(host, usual_port(&io.context.via)),
    };
    let until = io.now.instant + COOKIE_LIFE;
    let ticket = Ticket::new(errand, until).to(dial);
    io.context.lobby.leave(io.now.instant, cookie, ticket);
    let Via::Direct { advertise, .. } = &io.context.via else { return None };
    let ours = advertise.to_string();
    let write = |w: Writer, (kind, value): (u16, &[u8])| {
        w.tlv(kind, if kind == REDIRECT { ours.as_bytes() } else { value })
    };
    Some(tlvs(fields).fold(Writer::new(), write).bytes())
}

const fn usual_port(via: &Via) -> u16 {
    match via {
        Via::Proxy { dialled: server } | Via::Direct { upstream: server, .. }
            if server.port != 0 =>
        {
            server.port
        }
        _ => DEFAULT_PORT,
    }
}
