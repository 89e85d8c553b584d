//! State and messages that the connections of a client leave for each other: the server that a
//! look-up has named, and what the person calls contacts.

use std::time::Duration;

use crosstalk_core::{Address, Claim, Handoff, HostPort, Key, Message, Owner, Recipient, Via};
use sha1::{Digest, Sha1};

use super::context::Cx;
use crate::common::weight;

/// Time for which the server that was named may be dialled.
const LIFETIME: Duration = Duration::from_hours(1);
/// The most bytes of names that wait for a session.
const MAX_NAMES: usize = 64 << 10;

/// Message of the address book to the session: what the person calls contacts.
pub(super) struct Names(pub(super) Vec<(Address, String)>);

impl Names {
    /// Tells the session of the client that has the cookie `T`.
    pub(super) fn tell(self, cookie: &[u8], cx: &mut Cx<'_>) {
        let weight = self.0.iter().map(|(who, name)| weight::of_address(who) + name.len()).sum();
        let message = Message::new(self, weight).within(MAX_NAMES);
        cx.tell(Recipient::Listener(of_cookie(cookie)), message);
    }
}

/// Key under which the session of the client that has the cookie `T` listens: nothing that it could be
/// read from.
pub(super) fn of_cookie(cookie: &[u8]) -> Key {
    [b"cookie ".as_slice(), &Sha1::digest(cookie)].concat().into()
}

/// Lets clients dial a server that was named, and leaves its name for whoever comes with `key`.
pub(super) fn expect(cx: &mut Cx<'_>, key: &str, host: &str, port: u16) {
    let (Via::Proxy { dialled: server } | Via::Direct { upstream: server, .. }) = &cx.context.via;
    let owner = Owner::server(server);
    let handoff = Handoff::new(host.to_owned(), cx.later(LIFETIME)).to(HostPort::new(host, port));
    cx.leave(key, handoff.of(owner).weighing(host.len()));
}

/// Key of the server that was named last to clients of the listeners at `advertised`.
pub(super) fn of_listener(advertised: &str) -> String {
    format!("server behind {advertised}")
}

/// Asks for the server that was named last to clients of the listeners at `advertised`.
pub(super) fn claim_server(advertised: &str, cx: &mut Cx<'_>) {
    cx.claim(Claim::take(of_listener(advertised)));
}

/// The server that was left.
pub(super) fn server(handoff: Handoff) -> Option<String> {
    handoff.note.downcast::<String>().ok().map(|host| *host)
}
