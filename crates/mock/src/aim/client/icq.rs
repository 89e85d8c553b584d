//! Family 0015: the ICQ request for somebody's nick, little-endian inside a TLV.

use bytes::{Buf, BufMut, Bytes};
use crosstalk_networks::oscar::wire::{Writer, find};

/// The TLV around every request and answer.
const ENVELOPE: u16 = 0x01;
const REQUEST: u16 = 0x07d0;
const ANSWER: u16 = 0x07da;
const SHORT_INFO_WANTED: u16 = 0x04ba;
const SHORT_INFO: u16 = 0x0104;
const SUCCESS: u8 = 0x0a;

/// 15/02: who is `number`?
pub(super) fn details_of(number: u32) -> Bytes {
    let mut request = Vec::new();
    request.put_u16_le(14);
    request.put_u32_le(0);
    request.put_u16_le(REQUEST);
    request.put_u16_le(1);
    request.put_u16_le(SHORT_INFO_WANTED);
    request.put_u32_le(number);
    // The sender's own number and count are not looked at; the length covers what follows it.
    Writer::new().tlv(ENVELOPE, request).bytes()
}

/// The nick in 15/03.
pub(super) fn nick(body: &[u8]) -> Option<String> {
    let mut answer = find(body, ENVELOPE)?;
    let _length = answer.try_get_u16_le().ok()?;
    let _own_number = answer.try_get_u32_le().ok()?;
    let kind = answer.try_get_u16_le().ok()?;
    let _count = answer.try_get_u16_le().ok()?;
    let about = answer.try_get_u16_le().ok()?;
    let outcome = answer.try_get_u8().ok()?;
    if (kind, about, outcome) != (ANSWER, SHORT_INFO, SUCCESS) {
        return None;
    }
    let length = usize::from(answer.try_get_u16_le().ok()?);
    let nick = answer.get(..length)?;
    let nick = nick.strip_suffix(&[0]).unwrap_or(nick);
    Some(String::from_utf8_lossy(nick).into_owned())
}
