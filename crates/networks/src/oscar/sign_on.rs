//! Signing on: the connection that ends with a cookie for another.
//!
//! The password passes by unread: MD5 and roasted sign-on are watched only for what the client
//! calls itself, and for the server's answer: for whom the cookie is, and where it is good.

use std::time::Duration;

use bytes::Bytes;
use crosstalk_core::{Address, HostPort, Owner, Redacted, Side, Ticket, Via};

use super::context::Io;
use super::wire::{Channel, Reader, Snac, Truncated, Writer, find, flap, tlvs};

/// Longest time between a cookie and the connection that brings it.
const COOKIE_LIFE: Duration = Duration::from_mins(5);
/// The longest that a client may call itself, in bytes; what is behind that is cut off.
const MAX_CLIENT: usize = 255;
/// Port of OSCAR servers where a redirect states none.
const DEFAULT_PORT: u16 = 5190;

const NAME: u16 = 0x0001;
const ROASTED: u16 = 0x0002;
const CLIENT: u16 = 0x0003;
const REDIRECT: u16 = 0x0005;
const COOKIE: u16 = 0x0006;

/// Purpose of a cookie: the note on its [`Ticket`].
#[derive(Clone, Debug)]
pub(super) enum Errand {
    /// The session itself.
    Session {
        /// For whom, as the server said that handed it out.
        issued_to: Option<Address>,
        /// Name that the client gives itself; empty if it gives none.
        client: String,
    },
    /// A service beside it, such as icons or chat.
    Service {
        /// Which, if the server said so.
        family: Option<u16>,
    },
}

impl Errand {
    const fn weight(&self) -> usize {
        match self {
            Self::Session { client, .. } => size_of::<Self>() + client.len(),
            Self::Service { .. } => size_of::<Self>(),
        }
    }
}

/// Client's own name in TLVs.
fn client_in(fields: &[u8]) -> Option<String> {
    let client = find(fields, CLIENT)?;
    Some(String::from_utf8_lossy(client.get(..MAX_CLIENT).unwrap_or(client)).into_owned())
}

/// The client's SIGNON frame.
pub(super) struct Greeting {
    pub(super) client: String,
    pub(super) cookie: Option<Redacted<Vec<u8>>>,
    /// It holds a roasted password, which is a request for a cookie.
    asks: bool,
}

impl Greeting {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Truncated> {
        let mut reader = Reader::new(body);
        reader.u32()?;
        let fields = reader.rest();
        let cookie = find(fields, COOKIE).map(|c| Redacted::new(c.to_vec()));
        let asks = find(fields, ROASTED).is_some();
        Ok(Self { client: client_in(fields).unwrap_or_default(), cookie, asks })
    }

    /// The sign-on that begins with it.
    pub(super) fn begin(self) -> SignOn {
        SignOn { client: self.client, asked: self.asks }
    }
}

/// A sign-on that is under way. What name the client gives is the server's to judge, and is not
/// read.
pub(super) struct SignOn {
    /// Name that the client gives itself; empty if it gives none.
    client: String,
    /// The client has shown its password, and an answer is owed.
    asked: bool,
}

impl SignOn {
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
    pub(super) fn take(&mut self, side: Side, channel: Channel, raw: Bytes, io: &mut Io<'_>) {
        let body = raw.slice(flap::HEADER.min(raw.len())..);
        let (head, fields) = match channel {
            Channel::Data => body.split_at(body.len().min(Snac::HEADER)),
            _ => (&[][..], &body[..]),
        };
        if side == Side::Client {
            self.asked |= Snac::peek(head) == (0x17, 0x02);
            self.client = client_in(fields).unwrap_or(std::mem::take(&mut self.client));
            return io.forward(Side::Server, raw);
        }
        let owed = std::mem::take(&mut self.asked);
        let errand = owed.then(|| self.answered(fields, io));
        match redirect(fields, errand, None, io) {
            Some(fields) => {
                io.withhold(Side::Client);
                // As it came there is no way for the client to go.
                let _ = io.insert(Side::Client, channel, &[head, &fields].concat());
            }
            None => io.forward(Side::Client, raw),
        }
    }

    /// Purpose of the cookie in the server's answer.
    fn answered(&self, fields: &[u8], io: &Io<'_>) -> Errand {
        let names = &io.context.names;
        let issued_to = find(fields, NAME).and_then(|name| {
            names.address(&String::from_utf8_lossy(name), &io.context.network).ok()
        });
        Errand::Session { issued_to, client: self.client.clone() }
    }
}

/// Leaves a ticket with `errand` for the connection that `fields` redirect to, in the share of
/// `owner` or else of the server.
///
/// Returns the fields with the redirect turned to this gateway, where it has to be.
pub(super) fn redirect(
    fields: &[u8],
    errand: Option<Errand>,
    owner: Option<Owner>,
    io: &Io<'_>,
) -> Option<Bytes> {
    let host = std::str::from_utf8(find(fields, REDIRECT)?).ok()?;
    let cookie = find(fields, COOKIE)?;
    let (Via::Proxy { dialled: server } | Via::Direct { upstream: server, .. }) = &io.context.via;
    let dial = host.parse().unwrap_or_else(|_| HostPort::new(host, usual_port(server)));
    if let Some(errand) = errand {
        let weight = errand.weight();
        let owner = owner.unwrap_or_else(|| Owner::server(server));
        let ticket = Ticket::new(errand, io.now.instant + COOKIE_LIFE).to(dial);
        io.context.lobby.leave(io.now.instant, cookie, ticket.of(owner).weighing(weight));
    }
    let Via::Direct { advertise, .. } = &io.context.via else { return None };
    let ours = advertise.to_string();
    let write = |w: Writer, (kind, value): (u16, &[u8])| {
        w.tlv(kind, if kind == REDIRECT { ours.as_bytes() } else { value })
    };
    Some(tlvs(fields).fold(Writer::new(), write).bytes())
}

const fn usual_port(server: &HostPort) -> u16 {
    if server.port == 0 { DEFAULT_PORT } else { server.port }
}

/// Takes the ticket behind a cookie. Through a proxy the client has to come to the server that
/// the cookie was issued for.
pub(super) fn claim(cookie: &[u8], io: &Io<'_>) -> Option<Ticket> {
    let lobby = &io.context.lobby;
    lobby.take_if(io.now.instant, cookie, |ticket| match (&io.context.via, &ticket.dial) {
        (Via::Proxy { dialled }, Some(named)) => {
            dialled.port == named.port && dialled.host.eq_ignore_ascii_case(&named.host)
        }
        _ => ticket.note.is::<Errand>(),
    })
}
