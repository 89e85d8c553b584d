//! Family 0004: instant messages and typing.

use bytes::Bytes;
use crosstalk_networks::oscar::wire::message::{self, Head};
use crosstalk_networks::oscar::wire::{Reader, Snac, Writer, find, tlvs};

use super::setup::answer;
use super::state::{PUSHED, ServerState, unix_seconds};
use super::{feedbag, presence};
use crate::aim::plain;

/// "Recipient is not logged in."
const NOT_THERE: u16 = 0x0004;
/// A flag of 04/02: the client wants to know who types.
const TYPING_WANTED: u32 = 0x8;
/// The most messages stored for one user.
const MOST_STORED: usize = 100;

/// A message for one who is not there.
pub(super) struct Stored {
    from: String,
    cookie: [u8; 8],
    tlvs: Bytes,
    at: u32,
}

pub(super) fn handle(state: &mut ServerState, id: u64, snac: &Snac) {
    match snac.subtype {
        0x02 => parameters(state, id, &snac.body),
        0x04 => answer(state, id, snac, 0x05, limits()),
        0x06 => {
            let _ = send(state, id, snac);
        }
        0x10 => stored(state, id, snac),
        0x14 => {
            let _ = typing(state, id, snac);
        }
        _ => {}
    }
}

fn limits() -> Bytes {
    Writer::new().u16(100).u32(3).u16(512).u16(999).u16(999).u32(0).bytes()
}

fn parameters(state: &mut ServerState, id: u64, body: &[u8]) {
    let mut reader = Reader::new(body);
    if let (Ok(_channel), Ok(flags), Some(session)) =
        (reader.u16(), reader.u32(), state.session_mut(id))
    {
        session.message_flags = flags;
    }
}

/// 04/06: delivers as 04/07 to every session of the receiver, or stores, or says why not.
fn send(state: &mut ServerState, id: u64, snac: &Snac) -> Option<()> {
    let mut reader = Reader::new(&snac.body);
    let head = Head::read(&mut reader).ok()?;
    let given = reader.rest();
    let (to, me) = (plain(head.name), state.session(id)?.user.clone());
    if presence::is_visible(state, &to, &me) || is_invisible_friend(state, &to, &me) {
        let wants_typing = state.session(id)?.message_flags & TYPING_WANTED != 0;
        let kept = passed_on(given, wants_typing);
        let body = delivery(state, &me, head.cookie, head.channel, &kept);
        for (_, session) in state.sessions_of(&to) {
            session.push(0x04, 0x07, body.clone());
        }
    } else if find(given, message::OFFLINE).is_some() && feedbag::allows(state, &to, &me) {
        let tlvs = passed_on(given, false);
        let user = state.user_mut(&to)?;
        if user.stored.len() < MOST_STORED {
            user.stored.push(Stored { from: me, cookie: head.cookie, tlvs, at: unix_seconds() });
        }
    } else {
        answer(state, id, snac, 0x01, NOT_THERE.to_be_bytes().to_vec());
        return None;
    }
    if find(given, message::ACK).is_some() {
        let spelled = state.user(&to).map_or(to.as_str(), |user| &user.spelled);
        let ack = Head { name: spelled.as_bytes(), ..head }.write(Writer::new()).bytes();
        answer(state, id, snac, 0x0c, ack);
    }
    Some(())
}

/// Whether `to` is signed on, if only invisibly: messages reach such a person.
fn is_invisible_friend(state: &ServerState, to: &str, me: &str) -> bool {
    state.sessions_of(to).next().is_some() && feedbag::allows(state, to, me)
}

/// The TLVs that the receiver gets: not the sender's wishes towards the server.
fn passed_on(given: &[u8], wants_typing: bool) -> Bytes {
    let writer = tlvs(given)
        .filter(|(kind, _)| ![message::ACK, message::OFFLINE].contains(kind))
        .fold(Writer::new(), |w, (kind, value)| w.tlv(kind, value));
    if wants_typing { writer.tlv(message::WANTS_TYPING, []) } else { writer }.bytes()
}

/// A body of 04/07.
fn delivery(state: &ServerState, from: &str, cookie: [u8; 8], channel: u16, tlvs: &[u8]) -> Bytes {
    let info = presence::info(state, from);
    Writer::new().raw(&cookie).u16(channel).raw(&info).raw(tlvs).bytes()
}

/// 04/10: delivers what was stored, then says that it was all.
fn stored(state: &mut ServerState, id: u64, snac: &Snac) {
    let Some(me) = state.session(id).map(|s| s.user.clone()) else { return };
    let stored = state.user_mut(&me).map(|u| std::mem::take(&mut u.stored)).unwrap_or_default();
    for old in stored {
        let tlvs = Writer::new()
            .raw(&old.tlvs)
            .tlv(message::OFFLINE, [])
            .tlv(message::SENT, old.at.to_be_bytes())
            .bytes();
        let body = delivery(state, &old.from, old.cookie, 1, &tlvs);
        if let Some(session) = state.session(id) {
            session.push(0x04, 0x07, body);
        }
    }
    answer(state, id, snac, 0x17, Bytes::new());
}

fn typing(state: &ServerState, id: u64, snac: &Snac) -> Option<()> {
    let mut reader = Reader::new(&snac.body);
    let head = Head::read(&mut reader).ok()?;
    let me = state.user(&state.session(id)?.user)?;
    let to = plain(head.name);
    if feedbag::allows(state, &to, &state.session(id)?.user) {
        let head = Head { name: me.spelled.as_bytes(), ..head };
        let body = head.write(Writer::new()).raw(reader.rest()).bytes();
        for (_, session) in state.sessions_of(&to) {
            session.send(Snac::new(0x04, 0x14, PUSHED, body.clone()));
        }
    }
    Some(())
}
