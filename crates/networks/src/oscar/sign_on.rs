//! Signing on: the connection that ends with a cookie for another.
//!
//! The password passes by unread: MD5 and roasted sign-on are watched only for what the client
//! calls itself, and for the server's answer: for whom the cookie is, and where it is good.

use bytes::Bytes;
use crosstalk_core::{Redacted, Side};

use super::context::Cx;
use super::handoff::{COOKIE, CookiePurpose, redirect};
use super::wire::kinds::bucp;
use super::wire::snac::Kind;
use super::wire::{Channel, Reader, Snac, Truncated, find, flap};

/// The longest that a client may call itself, in bytes; what is behind that is cut off.
const MAX_CLIENT: usize = 255;

const NAME: u16 = 0x0001;
const ROASTED: u16 = 0x0002;
const CLIENT: u16 = 0x0003;

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
    pub(super) const fn wants(side: Side, channel: Channel, kind: Kind) -> bool {
        match (side, channel) {
            (Side::Client, Channel::Data) => {
                matches!(kind, bucp::LOGIN_REQUEST | bucp::CHALLENGE_REQUEST)
            }
            (Side::Server, Channel::Data) => matches!(kind, bucp::LOGIN_RESPONSE),
            (Side::Server, Channel::SignOff) => true,
            _ => false,
        }
    }

    /// Takes one of the frames that matter.
    pub(super) fn take(&mut self, side: Side, channel: Channel, raw: Bytes, cx: &mut Cx<'_>) {
        let body = raw.slice(flap::HEADER.min(raw.len())..);
        let (head, fields) = match channel {
            Channel::Data => body.split_at(body.len().min(Snac::HEADER)),
            _ => (&[][..], &body[..]),
        };
        if side == Side::Client {
            self.asked |= Snac::peek(head) == bucp::LOGIN_REQUEST;
            self.client = client_in(fields).unwrap_or(std::mem::take(&mut self.client));
            return cx.forward(Side::Server, raw);
        }
        let owed = std::mem::take(&mut self.asked);
        let purpose = owed.then(|| self.answered(fields, cx));
        match redirect(fields, purpose, None, cx) {
            Some(fields) => {
                cx.withhold(Side::Client);
                // As it came there is no way for the client to go.
                let _ = cx.insert(Side::Client, channel, &[head, &fields].concat());
            }
            None => cx.forward(Side::Client, raw),
        }
    }

    /// Purpose of the cookie in the server's answer.
    fn answered(&self, fields: &[u8], cx: &Cx<'_>) -> CookiePurpose {
        let names = &cx.context.names;
        let issued_to = find(fields, NAME).and_then(|name| {
            names.address(&String::from_utf8_lossy(name), &cx.context.network).ok()
        });
        CookiePurpose::Session { issued_to, client: self.client.clone() }
    }
}
