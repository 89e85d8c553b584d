//! Family 0002: what people say about themselves, and what others may ask.

use bytes::Bytes;
use crosstalk_networks::oscar::wire::{Reader, Snac, Writer, find};

use super::presence;
use super::setup::answer;
use super::state::{Mime, ServerState, Session};
use crate::aim::plain;

/// "Not logged in."
const NOT_THERE: u16 = 0x0004;

/// Bits of a SNAC 02/15: the information that is asked for.
const PROFILE: u32 = 0x1;
const AWAY: u32 = 0x2;
const CAPABILITIES: u32 = 0x4;

pub(super) fn handle(state: &mut ServerState, id: u64, snac: &Snac) {
    match snac.subtype {
        0x02 => answer(state, id, snac, 0x03, limits()),
        0x04 => about_me(state, id, &snac.body),
        0x05 => {
            let mut reader = Reader::new(&snac.body);
            // The older question numbers what it asks for: 1 profile, 2 nothing, 3 away, 4 capabilities.
            let wanted = match reader.u16() {
                Ok(1) => PROFILE,
                Ok(3) => AWAY,
                Ok(4) => CAPABILITIES,
                _ => 0,
            };
            tell(state, id, snac, wanted, reader);
        }
        0x0b => {
            let nothing_filed = Writer::new().u16(1).u16(0).bytes();
            answer(state, id, snac, 0x0c, nothing_filed);
        }
        0x15 => {
            let mut reader = Reader::new(&snac.body);
            let wanted = reader.u32().unwrap_or_default();
            tell(state, id, snac, wanted, reader);
        }
        _ => {}
    }
}

fn limits() -> Bytes {
    [1, 2, 3, 4, 5].iter().fold(Writer::new(), |w, kind| w.tlv(*kind, [0x03, 0xe8])).bytes()
}

/// 02/04: profile, away text and capabilities, each changed only where it is named.
fn about_me(state: &mut ServerState, id: u64, body: &Bytes) {
    let Some(session) = state.session_mut(id) else { return };
    let value = |kind| find(body, kind).map(|v| body.slice_ref(v));
    if let Some(text) = value(0x02) {
        session.profile = Some(Mime { kind: value(0x01).unwrap_or_default(), text });
    }
    if let Some(text) = value(0x04) {
        let away = Mime { kind: value(0x03).unwrap_or_default(), text };
        session.away = Some(away).filter(|away| !away.text.is_empty());
    }
    if let Some(capabilities) = value(0x05) {
        session.capabilities = capabilities;
    }
    presence::changed(state, id);
}

fn tell(state: &ServerState, id: u64, snac: &Snac, wanted: u32, mut name: Reader<'_>) {
    let of = plain(name.short().unwrap_or_default());
    let Some(asker) = state.session(id) else { return };
    if !presence::is_visible(state, &of, &asker.user) {
        return answer(state, id, snac, 0x01, NOT_THERE.to_be_bytes().to_vec());
    }
    let sessions: Vec<&Session> = state.sessions_of(&of).map(|(_, s)| s).collect();
    let mut body = Writer::new().raw(&presence::info(state, &of));
    let texts = [
        (PROFILE, 0x01, sessions.iter().find_map(|s| s.profile.as_ref())),
        (AWAY, 0x03, sessions.iter().find_map(|s| s.away.as_ref())),
    ];
    for (bit, kind, text) in texts {
        if wanted & bit != 0
            && let Some(text) = text
        {
            body = body.tlv(kind, &text.kind).tlv(kind + 1, &text.text);
        }
    }
    if wanted & CAPABILITIES != 0 {
        let known = sessions.iter().map(|s| &s.capabilities).find(|c| !c.is_empty());
        body = body.tlv(0x05, known.cloned().unwrap_or_default());
    }
    answer(state, id, snac, 0x06, body.bytes());
}

/// 13/18 and 13/1a: carries a question for authorisation, or its answer, to the other person.
pub(super) fn authorisation(state: &ServerState, id: u64, snac: &Snac, subtype: u16) {
    let Some(from) = state.session(id).and_then(|s| state.user(&s.user)) else { return };
    let mut reader = Reader::new(&snac.body);
    let Ok(to) = reader.short() else { return };
    let body = Writer::new().short(&from.spelled).raw(reader.rest()).bytes();
    let to = plain(to);
    for (_, session) in state.sessions_of(&to) {
        session.push(0x13, subtype, body.clone());
    }
}
