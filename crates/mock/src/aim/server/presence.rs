//! Family 0003: who is there.

use bytes::Bytes;
use crosstalk_networks::oscar::wire::{Reader, Snac, UserInfo, Writer, user};

use super::feedbag;
use super::setup::answer;
use super::state::{ServerState, Session};
use crate::aim::plain;

/// The status bit of one who wants to be seen by nobody.
const INVISIBLE: u32 = 0x0100;

pub(super) fn handle(state: &mut ServerState, id: u64, snac: &Snac) {
    match snac.subtype {
        0x02 => {
            let limits =
                [1, 2, 3, 4, 5].iter().fold(Writer::new(), |w, kind| w.tlv(*kind, [0x03, 0xe8]));
            answer(state, id, snac, 0x03, limits.bytes());
        }
        0x04 => {
            for name in names(&snac.body) {
                if let Some(session) = state.session_mut(id) {
                    session.local_buddies.insert(name.clone());
                }
                show(state, id, &name);
            }
        }
        0x05 => {
            if let Some(session) = state.session_mut(id) {
                let gone = names(&snac.body);
                session.local_buddies.retain(|name| !gone.contains(name));
            }
        }
        _ => {}
    }
}

fn names(body: &[u8]) -> Vec<String> {
    let mut reader = Reader::new(body);
    std::iter::from_fn(|| reader.short().ok().map(plain)).collect()
}

/// The session finished its set-up: it sees its buddies, and they see its user.
pub(super) fn arrive(state: &mut ServerState, id: u64) {
    let Some(session) = state.session_mut(id) else { return };
    session.ready = true;
    let me = session.user.clone();
    let others: Vec<String> = state
        .sessions()
        .filter(|(other, s)| *other != id && s.ready)
        .map(|(_, s)| s.user.clone())
        .collect();
    for other in others {
        show(state, id, &other);
    }
    announce(state, &me);
}

/// The session ended.
pub(super) fn leave(state: &mut ServerState, id: u64) {
    if let Some(session) = state.end(id)
        && session.ready
    {
        announce(state, &session.user);
    }
}

/// Something that others see of the session's user changed.
pub(super) fn changed(state: &ServerState, id: u64) {
    if let Some(session) = state.session(id).filter(|s| s.ready) {
        announce(state, &session.user);
    }
}

/// Tells everybody who lists `me`.
fn announce(state: &ServerState, me: &str) {
    for (_, session) in state.sessions().filter(|(_, s)| s.ready && s.user != me) {
        if state.lists(session, me) {
            tell(state, session, me);
        }
    }
}

/// Tells one session of one buddy who is there.
pub(super) fn show(state: &ServerState, id: u64, other: &str) {
    if let Some(session) = state.session(id)
        && state.lists(session, other)
        && is_visible(state, other, &session.user)
    {
        tell(state, session, other);
    }
}

fn tell(state: &ServerState, session: &Session, of: &str) {
    if is_visible(state, of, &session.user) {
        session.push(0x03, 0x0b, info(state, of));
    } else {
        let spelled = state.user(of).map_or(of, |user| &user.spelled);
        session.push(0x03, 0x0c, Writer::new().short(spelled).u16(0).u16(0).bytes());
    }
}

/// Whether `user` is signed on as far as `viewer` can tell.
pub(super) fn is_visible(state: &ServerState, user: &str, viewer: &str) -> bool {
    state.sessions_of(user).any(|(_, s)| s.status & INVISIBLE == 0)
        && feedbag::allows(state, user, viewer)
}

/// The user info block of `name`: away and idle only as far as all its sessions are.
pub(super) fn info(state: &ServerState, name: &str) -> Bytes {
    /// A user of the free service.
    const FREE: u16 = 0x0010;
    const CAPABILITIES: u16 = 0x000d;

    let sessions: Vec<&Session> = state.sessions_of(name).map(|(_, s)| s).collect();
    let away = !sessions.is_empty() && sessions.iter().all(|s| s.away.is_some());
    let class = if away { FREE | user::AWAY } else { FREE };
    let since = sessions.iter().map(|s| s.since).min().unwrap_or_default();
    let status = sessions.first().map(|s| s.status).unwrap_or_default();
    let mut tlvs = Writer::new()
        .tlv(user::SIGNED_ON, since.to_be_bytes())
        .tlv(user::CLASSES, class.to_be_bytes())
        .tlv(user::STATUS, status.to_be_bytes());
    let idle = sessions.iter().map(|s| s.idle_since.map(|since| since.elapsed())).min().flatten();
    if let Some(idle) = idle {
        let minutes = u16::try_from(idle.as_secs() / 60).unwrap_or(u16::MAX);
        tlvs = tlvs.tlv(user::IDLE, minutes.to_be_bytes());
    }
    if let Some(bart) = sessions.iter().map(|s| &s.bart).find(|b| !b.is_empty()) {
        tlvs = tlvs.tlv(user::BART, bart);
    }
    if let Some(known) = sessions.iter().map(|s| &s.capabilities).find(|c| !c.is_empty()) {
        tlvs = tlvs.tlv(CAPABILITIES, known);
    }
    let spelled = state.user(name).map_or(name, |user| &user.spelled);
    let info = UserInfo { name: spelled.as_bytes(), warning: 0, tlvs: &tlvs.bytes() };
    info.write(Writer::new()).bytes()
}
