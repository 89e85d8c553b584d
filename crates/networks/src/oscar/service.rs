//! Connections to services beside the session, of which some are asked about people.

use bytes::Bytes;
use crosstalk_core::Side;

use super::context::Cx;
use super::foreign_names::{answer_no_match, is_words, names_foreign};
use super::wire::flap::HEADER;
use super::wire::kinds::{bart, directory};
use super::wire::{Channel, Snac};

/// The services that are asked about people by name: the directory, and icons.
const ABOUT_PEOPLE: [u16; 2] = [directory::FAMILY, bart::FAMILY];

/// Whether a connection to a service of this family may carry names. One that was not named may be any.
pub(super) fn may_name_people(family: Option<u16>) -> bool {
    family.is_none_or(|family| ABOUT_PEOPLE.contains(&family))
}

/// Whether a frame has to be looked at.
pub(super) fn wants(side: Side, channel: Channel, body: &[u8]) -> bool {
    let is_said = side == Side::Client && channel == Channel::Data;
    is_said && body.contains(&b'@') && !is_words(Snac::peek(body))
}

/// Takes a frame that is wanted: a question about somebody foreign is answered, not passed.
pub(super) fn take(side: Side, raw: Bytes, cx: &mut Cx<'_>) {
    let names = cx.context.names.clone();
    let class_of =
        |name: &[u8]| names.classify(&String::from_utf8_lossy(name).replace([' ', '\0'], ""));
    match Snac::parse(&raw.slice(HEADER.min(raw.len())..)) {
        Ok(snac) if side == Side::Client && names_foreign(&snac.body, class_of) => {
            answer_no_match(&snac, cx);
            cx.withhold(Side::Server);
        }
        _ => cx.forward(side.other(), raw),
    }
}
