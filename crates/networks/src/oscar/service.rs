//! Connections to services beside the session: how they begin, and what they are asked about people.

use bytes::Bytes;
use crosstalk_core::{Owner, Side};

use super::account::{Account, ConnectionKind};
use super::context::Cx;
use super::foreign_names::{answer_no_match, is_words, names_foreign};
use super::handoff::{self, CookiePurpose};
use super::verdict::Verdict;
use super::wire::flap::HEADER;
use super::wire::kinds::{bart, directory, icbm};
use super::wire::{Channel, Reader, Snac, find};

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

impl Account {
    /// 01/03: a server that offers no messages serves no session.
    pub(super) fn families(&mut self, content: &[u8]) -> Verdict {
        let families = || content.chunks_exact(2).map(|f| u16::from_be_bytes([f[0], f[1]]));
        self.kind = if families().any(|family| family == icbm::FAMILY) {
            ConnectionKind::Session
        } else {
            let mut families = families();
            ConnectionKind::Service { about_people: families.any(|f| may_name_people(Some(f))) }
        };
        Verdict::Forward
    }

    /// A redirect to a service: the connection that follows it is let through.
    pub(super) fn redirected(&self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        let content = snac.content().unwrap_or_default();
        let owner = self.user().map(Owner::account);
        let Some(fields) = handoff::redirect(
            content,
            Some(CookiePurpose::Service { family: service_in(content) }),
            owner,
            cx,
        ) else {
            return Verdict::Forward;
        };
        let prefix = snac.body.len() - content.len();
        let body = [&snac.body[..prefix], &fields].concat();
        cx.withhold(Side::Client);
        let _ = cx.snac(Side::Client, &Snac { body: body.into(), ..snac.clone() });
        Verdict::Done
    }
}

/// The family of the service that 01/05 redirects to.
fn service_in(content: &[u8]) -> Option<u16> {
    const SERVICE: u16 = 0x000d;
    find(content, SERVICE).and_then(|family| Reader::new(family).u16().ok())
}
