//! Cookies: what connections of one person leave for each other.
//!
//! A server that signs somebody on, or names a service, gives the client a cookie for another
//! connection. The connection that brings it learns by its handoff what it is for.

use std::time::Duration;

use bytes::Bytes;
use crosstalk_core::{
    Address, Claim, Event, Handoff, HostPort, Key, Now, Output, Owner, Side, Via,
};
use sha1::{Digest, Sha1};

use super::account::Account;
use super::context::Cx;
use super::engine::{Oscar, Phase};
use super::sign_on::Greeting;
use super::wire::message::EightBit;
use super::wire::{Writer, find, tlvs};
use super::{CP1251, service};

/// Longest time between a cookie and the connection that brings it.
const COOKIE_LIFE: Duration = Duration::from_mins(5);
/// Port of OSCAR servers where a redirect states none.
const DEFAULT_PORT: u16 = 5190;

/// A TLV: the server to go to.
const REDIRECT: u16 = 0x0005;
/// A TLV: the cookie.
pub(super) const COOKIE: u16 = 0x0006;

/// Purpose of a cookie: the note on its [`Handoff`].
#[derive(Clone, Debug)]
pub(super) enum CookiePurpose {
    /// The session itself.
    Session {
        /// For whom, as the server said that handed it out.
        issued_to: Option<Address>,
        /// Name that the client gives itself; empty if it gives none.
        client: String,
    },
    /// A service beside it, such as icons or chat.
    Service {
        /// The family of the service, if the server said so.
        family: Option<u16>,
    },
}

impl CookiePurpose {
    const fn weight(&self) -> usize {
        match self {
            Self::Session { client, .. } => size_of::<Self>() + client.len(),
            Self::Service { .. } => size_of::<Self>(),
        }
    }
}

/// Leaves a handoff with `purpose` for the connection that `fields` redirect to, in the share of
/// `owner` or else of the server.
///
/// Returns the fields with the redirect turned to this gateway, where it has to be.
pub(super) fn redirect(
    fields: &[u8],
    purpose: Option<CookiePurpose>,
    owner: Option<Owner>,
    cx: &mut Cx<'_>,
) -> Option<Bytes> {
    let host = std::str::from_utf8(find(fields, REDIRECT)?).ok()?;
    let cookie = find(fields, COOKIE)?;
    let (Via::Proxy { dialled: server } | Via::Direct { upstream: server, .. }) = &cx.context.via;
    let dial = host.parse().unwrap_or_else(|_| HostPort::new(host, usual_port(server)));
    // Without a purpose nobody asked for the cookie, and no host may be dialled for it.
    if let Some(purpose) = purpose {
        let weight = purpose.weight();
        let owner = owner.unwrap_or_else(|| Owner::server(server));
        let handoff = Handoff::new(purpose, cx.later(COOKIE_LIFE)).to(dial);
        cx.leave(key(cookie), handoff.of(owner).weighing(weight));
    }
    let Via::Direct { advertise, .. } = &cx.context.via else { return None };
    let ours = advertise.to_string();
    let write = |w: Writer, (kind, value): (u16, &[u8])| {
        w.tlv(kind, if kind == REDIRECT { ours.as_bytes() } else { value })
    };
    Some(tlvs(fields).fold(Writer::new(), write).bytes())
}

const fn usual_port(server: &HostPort) -> u16 {
    if server.port == 0 { DEFAULT_PORT } else { server.port }
}

/// Asks for what was left for whoever brings `cookie`. Through a proxy the client has to come to the
/// server that the cookie was issued for.
pub(super) fn claim(cookie: &[u8], cx: &mut Cx<'_>) {
    let dialled = match &cx.context.via {
        Via::Proxy { dialled } => Some(dialled.clone()),
        Via::Direct { .. } => None,
    };
    let is_ours = move |handoff: &Handoff| match (&dialled, &handoff.dial) {
        (Some(dialled), Some(named)) => {
            dialled.port == named.port && dialled.host.eq_ignore_ascii_case(&named.host)
        }
        // A listener of ours is every server: the client comes to it wherever the cookie is good.
        _ => handoff.note.is::<CookiePurpose>(),
    };
    cx.claim(Claim::take_if(key(cookie), is_ours));
}

/// The key under which the handoff for a cookie lies: a hash, since a cookie signs its owner in, and may
/// be as long as a frame.
fn key(cookie: &[u8]) -> Key {
    [b"cookie ".as_slice(), &Sha1::digest(cookie)].concat().into()
}

impl Oscar {
    /// Passes the client's greeting on, to `dial` where a server named that.
    pub(super) fn begin(
        &mut self,
        now: Now,
        dial: Option<HostPort>,
        raw: &Bytes,
        out: &mut Output,
    ) {
        if let Via::Direct { upstream, .. } = &self.context.via {
            out.emit(Event::Dial(dial.unwrap_or_else(|| upstream.clone())));
        }
        self.cx(now, out).forward(Side::Server, raw.clone());
    }

    /// Goes on with the greeting of a client that showed a cookie, now that it is known what for.
    pub(super) fn claimed(&mut self, now: Now, handoff: Option<Handoff>, out: &mut Output) {
        let phase = std::mem::replace(&mut self.phase, Phase::Greeting);
        let Phase::Claiming(waiting) = phase else {
            self.phase = phase;
            return;
        };
        let (Greeting { client, .. }, raw) = *waiting;
        let dial = handoff.as_ref().and_then(|handoff| handoff.dial.clone());
        let purpose = handoff.and_then(|handoff| handoff.note.downcast().ok()).map(|note| *note);
        self.begin(now, dial, &raw, out);
        let cyrillic = self.context.option(CP1251);
        let eight_bit = if cyrillic { EightBit::Cyrillic } else { EightBit::Latin };
        match purpose {
            Some(CookiePurpose::Session { issued_to, client: signed_on }) => {
                let client = Some(client).filter(|c| !c.is_empty()).unwrap_or(signed_on);
                self.phase = Phase::Session(Account::issued(client, issued_to, eight_bit).into());
            }
            Some(CookiePurpose::Service { family }) => {
                self.become_service(service::may_name_people(family), out);
            }
            // A cookie that came another way, by HTTPS perhaps: the server will say whose it is.
            None => self.phase = Phase::Session(Account::unknown(client, eight_bit).into()),
        }
    }

    /// Steps aside, unless people are asked for there by name. Behind a greeting of ours frames have
    /// to be renumbered to the end.
    pub(super) fn become_service(&mut self, about_people: bool, out: &mut Output) {
        if about_people {
            self.phase = Phase::Lookups;
            return;
        }
        self.phase = Phase::Service;
        if let Via::Proxy { .. } = self.context.via {
            out.emit(Event::Opaque);
        }
    }
}
