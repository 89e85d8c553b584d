//! Offers of one client to another: files, pictures, games and calls, by MSNSLP in the binary
//! frames of `application/x-msnmsgrp2p` and, before MSNP9, by `text/x-msmsgsinvite`.
//!
//! Nothing of it reaches people of other networks, so each offer is declined in their place, as
//! their client would: the one who made it sees that.

use crate::msnp::content::{field, parts};

/// The length of the header of a frame, and of what follows its data.
const HEADER: usize = 48;
const FOOTER: [u8; 4] = [0; 4];
/// The flag of a frame that says that others arrived.
const ACKNOWLEDGED: u32 = 2;
/// The longest value of a field that is repeated, in bytes.
const MAX_VALUE: usize = 256;
/// Length of the part of an offer that is read, in bytes: the fields are in its beginning.
const MAX_READ: usize = 4 * 1024;

/// An offer whose last frame is to come.
pub(super) struct Offer {
    /// The number of its frames, and their own of acknowledging them.
    message: u32,
    check: u32,
    total: u64,
    via: String,
    sequence: u32,
    call: String,
    session: String,
}

impl Offer {
    /// Bytes that it takes.
    pub(super) const fn weight(&self) -> usize {
        size_of::<Self>() + self.via.len() + self.call.len() + self.session.len()
    }
}

/// A frame: where its data belongs, and what it is about.
struct Frame<'a> {
    message: u32,
    check: u32,
    offset: u64,
    total: u64,
    data: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads a frame that arranges something; none of one that carries what was arranged.
    fn read(body: &'a [u8]) -> Option<Self> {
        let word = |at: usize| {
            let bytes = body.get(at..)?.first_chunk::<4>()?;
            Some(u32::from_le_bytes(*bytes))
        };
        let long = |at: usize| {
            let bytes = body.get(at..)?.first_chunk::<8>()?;
            Some(u64::from_le_bytes(*bytes))
        };
        let length = usize::try_from(word(24)?).ok()?;
        let arranges = word(0)? == 0 && word(28)? & ACKNOWLEDGED == 0 && length > 0;
        let data = body.get(HEADER..)?;
        let data = data.get(..length).unwrap_or(data);
        let (message, check) = (word(4)?, word(32)?);
        arranges.then_some(Self { message, check, offset: long(8)?, total: long(16)?, data })
    }

    const fn is_last(&self) -> bool {
        self.offset.saturating_add(self.data.len() as u64) >= self.total
    }
}

/// Takes a frame that a client sends to a guest: gives what the guest's client would send back, if
/// it is the end of an offer. Of an offer in several frames the beginning is kept in `begun`.
pub(super) fn decline(
    payload: &[u8],
    begun: &mut Option<Box<Offer>>,
    me: &str,
    guest: &str,
    number: u32,
) -> Option<[Vec<u8>; 2]> {
    let frame = Frame::read(parts(payload).1)?;
    if frame.offset == 0 {
        *begun = read_offer(&frame).map(Box::new);
    }
    let offer = begun.take_if(|offer| offer.message == frame.message && frame.is_last())?;
    let head = format!(
        "MIME-Version: 1.0\r\nContent-Type: application/x-msnmsgrp2p\r\nP2P-Dest: {me}\r\n\r\n"
    );
    let arrived = frame_of(number, offer.total, ACKNOWLEDGED, &offer, &[]);
    let words = refusal(&offer, me, guest);
    let refused = frame_of(number.wrapping_add(1), words.len() as u64, 0, &offer, words.as_bytes());
    Some([arrived, refused].map(|frame| [head.as_bytes(), &frame].concat()))
}

/// `INVITE MSNMSGR:who MSNSLP/1.0` and fields, of which the session stands behind an empty line.
fn read_offer(frame: &Frame<'_>) -> Option<Offer> {
    let data = frame.data.get(..MAX_READ).unwrap_or(frame.data);
    let text = String::from_utf8_lossy(data);
    let rest = text.strip_prefix("INVITE ")?;
    let value = |name: &str| {
        let value = field(rest, name).unwrap_or_default();
        value.get(..value.floor_char_boundary(MAX_VALUE)).unwrap_or_default().to_owned()
    };
    Some(Offer {
        message: frame.message,
        check: frame.check,
        total: frame.total,
        via: value("via"),
        sequence: value("cseq").parse().unwrap_or(0),
        call: value("call-id"),
        session: value("sessionid"),
    })
}

fn refusal(offer: &Offer, me: &str, guest: &str) -> String {
    let body = format!("SessionID: {}\r\n\r\n\0", offer.session);
    format!(
        "MSNSLP/1.0 603 Decline\r\nTo: <msnmsgr:{me}>\r\nFrom: <msnmsgr:{guest}>\r\nVia: {}\r\n\
         CSeq: {} \r\nCall-ID: {}\r\nMax-Forwards: 0\r\n\
         Content-Type: application/x-msnmsgr-sessionreqbody\r\nContent-Length: {}\r\n\r\n{body}",
        offer.via,
        offer.sequence.wrapping_add(1),
        offer.call,
        body.len(),
    )
}

/// A frame: one that says that an offer arrived names it, and how long it was.
fn frame_of(number: u32, total: u64, flags: u32, offer: &Offer, data: &[u8]) -> Vec<u8> {
    let acknowledges = flags & ACKNOWLEDGED != 0;
    let length = u32::try_from(data.len()).unwrap_or_default();
    let (first, second, size) =
        if acknowledges { (offer.message, offer.check, offer.total) } else { (number, 0, 0) };
    let mut frame = Vec::with_capacity(HEADER + data.len() + FOOTER.len());
    for part in [&0_u32.to_le_bytes()[..], &number.to_le_bytes(), &0_u64.to_le_bytes()] {
        frame.extend_from_slice(part);
    }
    frame.extend_from_slice(&total.to_le_bytes());
    for word in [length, flags, first, second] {
        frame.extend_from_slice(&word.to_le_bytes());
    }
    frame.extend_from_slice(&size.to_le_bytes());
    frame.extend_from_slice(data);
    frame.extend_from_slice(&FOOTER);
    frame
}

/// Answer of a guest's client to an invitation of the older kind; `None` to what is no invitation.
pub(super) fn reject(payload: &[u8]) -> Option<String> {
    let (_, body) = parts(payload);
    let body = String::from_utf8_lossy(body.get(..MAX_READ).unwrap_or(body));
    let cookie = field(&body, "invitation-cookie")?;
    let invites = field(&body, "invitation-command")?.eq_ignore_ascii_case("INVITE");
    let is_number = (1..=20).contains(&cookie.len()) && cookie.bytes().all(|b| b.is_ascii_digit());
    (invites && is_number).then(|| {
        format!(
            "MIME-Version: 1.0\r\nContent-Type: text/x-msmsgsinvite; charset=UTF-8\r\n\r\n\
             Invitation-Command: CANCEL\r\nInvitation-Cookie: {cookie}\r\n\
             Cancel-Code: REJECT\r\n\r\n"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "t1h@hotmail.com";
    const GUEST: &str = "t2h@hotmail.com";

    /// The frames of an offer, as a client of 2005 sent them: numbers, lengths and words.
    fn frame(offset: u64, total: u64, data: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        frame.extend_from_slice(b"\0\0\0\0Gt\xc4\n");
        frame.extend_from_slice(&offset.to_le_bytes());
        frame.extend_from_slice(&total.to_le_bytes());
        frame.extend_from_slice(&u32::try_from(data.len()).unwrap().to_le_bytes());
        frame.extend_from_slice(b"\0\0\0\0wn\xc5\n\0\0\0\0\0\0\0\0\0\0\0\0");
        let head = format!("Content-Type: application/x-msnmsgrp2p\r\nP2P-Dest: {GUEST}\r\n\r\n");
        [head.as_bytes(), &frame, data, &FOOTER].concat()
    }

    fn offer() -> String {
        format!(
            "INVITE MSNMSGR:{GUEST} MSNSLP/1.0\r\nTo: <msnmsgr:{GUEST}>\r\nFrom: <msnmsgr:{ME}>\r\n\
             Via: MSNSLP/1.0/TLP ;branch={{CDE28DAF-B67C-4B2D-8186-D3F46EEF0916}}\r\nCSeq: 0 \r\n\
             Call-ID: {{F87327A8-741F-4FEF-AB63-45D06F51A0C2}}\r\nMax-Forwards: 0\r\n\
             Content-Type: application/x-msnmsgr-sessionreqbody\r\nContent-Length: 948\r\n\r\n\
             EUF-GUID: {{5D3E02AB-6190-11D3-BBBB-00C04F795683}}\r\nSessionID: 180646677\r\n\
             AppID: 2\r\nContext: {}\r\n\r\n\0",
            "A".repeat(800)
        )
    }

    #[test]
    fn an_offer_is_declined_when_its_last_frame_is_there() {
        let offer = offer();
        let (first, last) = offer.as_bytes().split_at(1202);
        let total = offer.len() as u64;
        let mut begun = None;
        assert!(decline(&frame(0, total, first), &mut begun, ME, GUEST, 7).is_none());
        assert!(begun.as_ref().is_some_and(|offer| offer.weight() < 1_000));
        let last = frame(1202, total, last);
        let [arrived, refused] = decline(&last, &mut begun, ME, GUEST, 7).unwrap();
        assert!(begun.is_none());
        let (head, arrived) = parts(&arrived);
        assert!(head.ends_with(&format!("P2P-Dest: {ME}")));
        // Session, number, offset, total, length, flags, and the numbers and length of the offer.
        let mut expected = b"\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        expected.extend_from_slice(&total.to_le_bytes());
        expected.extend_from_slice(b"\0\0\0\0\x02\0\0\0Gt\xc4\nwn\xc5\n");
        expected.extend_from_slice(&total.to_le_bytes());
        expected.extend_from_slice(&FOOTER);
        assert_eq!(arrived, expected);
        let (_, refused) = parts(&refused);
        let words = String::from_utf8_lossy(&refused[HEADER..]).into_owned();
        assert_eq!(
            words,
            format!(
                "MSNSLP/1.0 603 Decline\r\nTo: <msnmsgr:{ME}>\r\nFrom: <msnmsgr:{GUEST}>\r\n\
                 Via: MSNSLP/1.0/TLP ;branch={{CDE28DAF-B67C-4B2D-8186-D3F46EEF0916}}\r\n\
                 CSeq: 1 \r\nCall-ID: {{F87327A8-741F-4FEF-AB63-45D06F51A0C2}}\r\n\
                 Max-Forwards: 0\r\nContent-Type: application/x-msnmsgr-sessionreqbody\r\n\
                 Content-Length: 25\r\n\r\nSessionID: 180646677\r\n\r\n\0\0\0\0\0"
            )
        );
        let length = u32::try_from(words.len() - FOOTER.len()).unwrap().to_le_bytes();
        assert_eq!((&refused[24..28], &refused[28..32]), (&length[..], &[0; 4][..]));
    }

    #[test]
    fn what_is_no_offer_gets_no_answer() {
        let mut begun = None;
        for payload in [
            frame(0, 3, b"BYE"),
            frame(0, 7, b"INVITE"),
            b"Content-Type: application/x-msnmsgrp2p\r\n\r\nshort".to_vec(),
            Vec::new(),
            frame(0, 100, b""),
        ] {
            assert!(decline(&payload, &mut begun, ME, GUEST, 7).is_none());
            assert!(begun.is_none());
        }
    }

    #[test]
    fn older_invitations_are_rejected_and_nothing_else_is() {
        let says = |command: &str, cookie: &str| {
            format!(
                "Content-Type: text/x-msmsgsinvite; charset=UTF-8\r\n\r\n\
                 Application-Name: File Transfer\r\nInvitation-Command: {command}\r\n\
                 Invitation-Cookie: {cookie}\r\nApplication-File: a.txt\r\n\r\n"
            )
        };
        let rejected = reject(says("INVITE", "33267").as_bytes()).unwrap();
        let body =
            "Invitation-Command: CANCEL\r\nInvitation-Cookie: 33267\r\nCancel-Code: REJECT\r\n\r\n";
        assert!(rejected.ends_with(body), "{rejected}");
        for (command, cookie) in
            [("CANCEL", "1"), ("ACCEPT", "1"), ("INVITE", "1\tX: y"), ("INVITE", "")]
        {
            assert!(reject(says(command, cookie).as_bytes()).is_none(), "{command} {cookie}");
        }
    }
}
