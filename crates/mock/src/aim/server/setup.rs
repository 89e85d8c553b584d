//! Family 0001: what a client and its server tell each other before they begin, and the
//! person's own state.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_networks::oscar::wire::{Reader, Snac, Writer, find, user};

use super::presence;
use super::state::{BOS, PUSHED, Pass, ServerState};

/// The families of BOS, in the order servers list them.
const FAMILIES: [u16; 12] =
    [0x18, 0x10, 0x13, 0x04, 0x15, 0x02, 0x01, 0x09, 0x0a, 0x06, 0x08, 0x0b];
/// Services that have a connection of their own: chat navigation, icons and alerts.
const SERVICES: [u16; 3] = [0x0d, 0x10, 0x18];

/// 01/03: the families of a service.
pub(super) fn families(service: u16) -> Snac {
    let families: &[u16] = if service == BOS { &FAMILIES } else { &[0x01, service] };
    let body = families.iter().fold(Writer::new(), |w, family| w.u16(*family)).bytes();
    Snac::new(0x01, 0x03, PUSHED, body)
}

pub(super) fn handle(state: &mut ServerState, addr: SocketAddr, id: u64, snac: &Snac) {
    match snac.subtype {
        0x02 => presence::arrive(state, id),
        0x04 => redirect(state, addr, id, snac),
        0x06 => answer(state, id, snac, 0x07, rates()),
        0x0e => self_info(state, id, snac.request),
        0x11 => idle(state, id, &snac.body),
        0x17 => versions(state, id, snac),
        0x1e => status(state, id, snac),
        _ => {}
    }
}

/// Family 0009: limits of the lists of permitted and denied names.
pub(super) fn privacy(state: &ServerState, id: u64, snac: &Snac) {
    if snac.subtype == 0x02 {
        let limits = Writer::new().tlv(0x02, [0, 100]).tlv(0x01, [0, 100]).tlv(0x03, [0, 100]);
        answer(state, id, snac, 0x03, limits.bytes());
    }
}

/// The error that a service has no answer.
pub(super) fn not_here(state: &ServerState, id: u64, snac: &Snac) {
    /// "Not supported by this server."
    const NOT_SUPPORTED: u16 = 0x0008;
    answer(state, id, snac, 0x01, NOT_SUPPORTED.to_be_bytes().to_vec());
}

/// Answers `snac` within its family.
pub(super) fn answer(
    state: &ServerState,
    id: u64,
    snac: &Snac,
    subtype: u16,
    body: impl Into<Bytes>,
) {
    if let Some(session) = state.session(id) {
        session.send(Snac::new(snac.family, subtype, snac.request, body));
    }
}

/// Agrees to the client's versions and greets.
fn versions(state: &ServerState, id: u64, snac: &Snac) {
    answer(state, id, snac, 0x18, snac.body.clone());
    let motd = Writer::new().u16(4).tlv(0x0b, "Welcome to a server of ours").bytes();
    if let Some(session) = state.session(id) {
        session.push(0x01, 0x13, motd);
    }
}

/// Sends the client to another service, which is on the same port.
fn redirect(state: &mut ServerState, addr: SocketAddr, id: u64, snac: &Snac) {
    let Some(user) = state.session(id).map(|s| s.user.clone()) else { return };
    let service = Reader::new(&snac.body).u16().unwrap_or_default();
    if !SERVICES.contains(&service) {
        return not_here(state, id, snac);
    }
    let cookie = state.issue(Pass { user, service });
    let body = Writer::new()
        .tlv(0x0d, service.to_be_bytes())
        .tlv(0x05, addr.to_string())
        .tlv(0x06, cookie)
        .tlv(0x8e, [0])
        .bytes();
    answer(state, id, snac, 0x05, body);
}

/// 01/07: the rates at which a client may speak.
fn rates() -> Bytes {
    /// Window, clear, alert, limit, disconnect, and the highest level, by class.
    const CLASSES: [[u32; 6]; 5] = [
        [0x50, 0x09c4, 0x07d0, 0x05dc, 0x0320, 0x1770],
        [0x50, 0x0bb8, 0x07d0, 0x05dc, 0x03e8, 0x1770],
        [0x14, 0x13ec, 0x1388, 0x0fa0, 0x0bb8, 0x1770],
        [0x14, 0x157c, 0x14b4, 0x1068, 0x0bb8, 0x1f40],
        [0x0a, 0x157c, 0x14b4, 0x1068, 0x0bb8, 0x1f40],
    ];
    /// Family and subtype of what is not in class 1, by class.
    const MEMBERS: [&[(u16, u16)]; 4] = [
        &[(3, 4), (3, 5), (9, 5), (9, 6), (9, 7), (9, 8)],
        &[(2, 5), (4, 6)],
        &[(2, 9), (2, 11)],
        &[],
    ];
    let elsewhere = |pair: &(u16, u16)| MEMBERS.iter().any(|class| class.contains(pair));
    let ordinary: Vec<(u16, u16)> = FAMILIES
        .iter()
        .flat_map(|family| (1..=0x28).map(|subtype| (*family, subtype)))
        .filter(|pair| !elsewhere(pair))
        .collect();

    let mut writer = Writer::new().u16(CLASSES.len() as u16);
    for (number, [window, clear, alert, limit, disconnect, highest]) in (1..).zip(CLASSES) {
        writer = writer.u16(number);
        for level in [window, clear, alert, limit, disconnect, highest, highest, 0] {
            writer = writer.u32(level);
        }
        writer = writer.u8(0);
    }
    let classes = std::iter::once(&ordinary[..]).chain(MEMBERS);
    for (number, members) in (1..).zip(classes) {
        writer = writer.u16(number).u16(members.len() as u16);
        for (family, subtype) in members {
            writer = writer.u16(*family).u16(*subtype);
        }
    }
    writer.bytes()
}

/// 01/0f: how the server describes the person to others.
fn self_info(state: &ServerState, id: u64, request: u32) {
    if let Some(session) = state.session(id) {
        let info = presence::info(state, &session.user);
        session.send(Snac::new(0x01, 0x0f, request, info));
    }
}

fn idle(state: &mut ServerState, id: u64, body: &[u8]) {
    let seconds = Reader::new(body).u32().unwrap_or_default();
    let since = Instant::now().checked_sub(Duration::from_secs(seconds.into()));
    if let Some(session) = state.session_mut(id) {
        session.idle_since = since.filter(|_| seconds > 0);
    }
    presence::changed(state, id);
}

/// Status bits, icon and status text, each changed only where it is named.
fn status(state: &mut ServerState, id: u64, snac: &Snac) {
    let Some(session) = state.session_mut(id) else { return };
    if let Some(bits) = find(&snac.body, user::STATUS).and_then(|v| Reader::new(v).u32().ok()) {
        session.status = bits;
    }
    if let Some(bart) = find(&snac.body, user::BART) {
        session.bart = Bytes::copy_from_slice(bart);
    }
    presence::changed(state, id);
    self_info(state, id, snac.request);
}
