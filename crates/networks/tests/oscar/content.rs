//! Every kind of content that a client can send to somebody foreign: said, put into words, or
//! refused with an error. None gets a yes and nothing else.

use crosstalk_core::{Body, Consent, Presence, Typing};
use crosstalk_networks::oscar::wire::message::{self, ACK, AUTO, Head, TEXT};
use crosstalk_networks::oscar::wire::{Snac, Writer};

use crate::common::kinds::{self, Outcome};
use crate::scene::*;

/// Fate of a kind of content.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Said(&'static str),
    Asks(&'static str),
    Takes(Consent),
    Types,
    /// 04/01 with this code.
    Refused(u16),
    /// Clients send it by themselves and wait for nothing.
    Ends,
}

const REQUEST: u16 = 0;
const CANCEL: u16 = 1;
const ACCEPT: u16 = 2;

fn icbm(channel: u16, fields: Writer) -> Snac {
    let head = Head { cookie: *b"38535154", channel, name: BOB.as_bytes() };
    Snac::new(4, 6, 0x2c, head.write(Writer::new()).raw(&fields.bytes()).tlv(ACK, []).bytes())
}

fn text(html: &str) -> Snac {
    icbm(1, Writer::new().tlv(TEXT, message::encode(html)))
}

fn offer(what: u16, capability: u32) -> Snac {
    let capability = Writer::new().u32(capability).raw(b"\x4c\x7f\x11\xd1\x82\x22DEST\0\0").bytes();
    let about = Writer::new().u16(what).raw(b"38535154").raw(&capability).tlv(0x0a, [0, 1]);
    icbm(2, Writer::new().tlv(5, about.bytes()))
}

fn old(kind: u8, words: &[u8]) -> Snac {
    let length = u16::try_from(words.len() + 1).unwrap().swap_bytes();
    let about = Writer::new().u32(0x0100_0000).u8(kind).u8(0).u16(length).raw(words).u8(0);
    icbm(4, Writer::new().tlv(5, about.bytes()))
}

fn all() -> Vec<(&'static str, Snac, Fate)> {
    let named = |subtype, before: Writer, after: u16| {
        Snac::new(4, subtype, 0x2c, before.short(BOB).u16(after).bytes())
    };
    let auto = |html| icbm(1, Writer::new().tlv(TEXT, message::encode(html)).tlv(AUTO, []));
    let mime = Writer::new().tlv(TEXT, b"\x05\x01\0\x01\x01".as_slice());
    let about_bob = || Writer::new().raw(&[0; 8]).u16(1);
    vec![
        ("text", text("<HTML>hi <B>there</B></HTML>"), Fate::Said("hi there")),
        (
            "automatic answer",
            auto("back at %t, %n"),
            Fate::Said("back at 08:00 UTC, bob@far-oscar.xt"),
        ),
        ("text of nothing", text("<HTML><BODY></BODY></HTML>"), Fate::Refused(9)),
        ("picture in a text", text("<HTML><IMG SRC=\"1\"></HTML>"), Fate::Refused(9)),
        ("no fragment of text", icbm(1, mime), Fate::Refused(9)),
        ("no text", icbm(1, Writer::new()), Fate::Refused(9)),
        ("file offer", offer(REQUEST, 0x0946_1343), Fate::Refused(9)),
        ("direct connection", offer(REQUEST, 0x0946_1345), Fate::Refused(9)),
        ("voice", offer(REQUEST, 0x0946_1341), Fate::Refused(9)),
        ("game", offer(REQUEST, 0x0946_134a), Fate::Refused(9)),
        ("buddy list", offer(REQUEST, 0x0946_134b), Fate::Refused(9)),
        ("chat invitation", offer(REQUEST, 0x748f_2420), Fate::Refused(9)),
        ("ICQ's extended message", offer(REQUEST, 0x0946_1349), Fate::Refused(9)),
        ("cut offer", icbm(2, Writer::new().tlv(5, [0, 0, 1])), Fate::Refused(9)),
        ("buddy icon", offer(REQUEST, 0x0946_1346), Fate::Ends),
        ("cancelled offer", offer(CANCEL, 0x0946_1343), Fate::Ends),
        ("accepted offer", offer(ACCEPT, 0x0946_1343), Fate::Ends),
        ("ICQ text", old(0x01, b"caf\xe9 <b>"), Fate::Said("caf\u{e9} <b>")),
        (
            "ICQ web address",
            old(0x04, b"look\xfehttp://x.test/"),
            Fate::Said("look\nhttp://x.test/"),
        ),
        ("ICQ request", old(0x06, b"Al\xfeA\xfeB\xfe\xfe1\xfeplease"), Fate::Asks("please")),
        ("ICQ refusal", old(0x07, b"no"), Fate::Takes(Consent::Revoke)),
        ("ICQ grant", old(0x08, b""), Fate::Takes(Consent::Grant)),
        ("ICQ 'you were added'", old(0x0c, b"Al\xfeA"), Fate::Ends),
        ("ICQ contacts", old(0x13, b"1\xfe123\xfeBob\xfe"), Fate::Refused(9)),
        ("ICQ plug-in", old(0x1a, b""), Fate::Refused(9)),
        ("cut ICQ text", icbm(4, Writer::new().tlv(5, [1, 2, 3, 4, 1, 0, 9, 0])), Fate::Refused(9)),
        ("channel of chats", icbm(3, Writer::new().tlv(5, [])), Fate::Refused(9)),
        ("warning", named(8, Writer::new().u16(0), 0), Fate::Refused(0x0d)),
        ("typing", named(0x14, about_bob(), 2), Fate::Types),
        ("refusal of something that came", named(0x0b, about_bob(), 3), Fate::Ends),
    ]
}

impl Fate {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Said(_) => Outcome::Said,
            Self::Asks(_) | Self::Takes(_) => Outcome::Consent,
            Self::Types => Outcome::Typing,
            Self::Refused(_) => Outcome::Refused,
            Self::Ends => Outcome::Automatic,
        }
    }
}

#[test]
fn nothing_gets_a_yes_and_nothing_else() {
    let all = all();
    let found: Vec<_> = all.iter().map(|(what, _, fate)| (*what, fate.outcome())).collect();
    kinds::check("oscar", &found);
    for (what, snac, fate) in all {
        let mut scene = Scene::online(LIBPURPLE, friends(), roster([bob(&["Friends"])]));
        scene.presence(Presence::available());
        scene.forget();
        scene.client(snac);
        assert_eq!(scene.server_got(), [], "{what}");
        let said = scene.said().into_iter().next().map(|said| said.body);
        let shown = match said {
            Some(Body::Text { text, .. }) => format!("said {}", text.text()),
            Some(Body::Contact(Consent::Request(words))) => format!("asks {}", words.text()),
            Some(Body::Contact(step)) => format!("takes {step:?}"),
            Some(Body::Typing(Typing::Active)) => "types".to_owned(),
            _ => "nothing".to_owned(),
        };
        let expected = match &fate {
            Fate::Said(words) => format!("said {words}"),
            Fate::Asks(words) => format!("asks {words}"),
            Fate::Takes(step) => format!("takes {step:?}"),
            Fate::Types => "types".to_owned(),
            Fate::Refused(_) | Fate::Ends => "nothing".to_owned(),
        };
        assert_eq!(shown, expected, "{what}");
        let got = scene.client_news();
        let is_taken = matches!(fate, Fate::Said(_) | Fate::Asks(_) | Fate::Takes(_));
        match fate {
            Fate::Refused(code) => {
                assert_eq!(got, [Snac::new(4, 1, 0x2c, code.to_be_bytes().to_vec())], "{what}");
            }
            _ if is_taken => assert_eq!(kinds(&got[..1]), [(4, 0x0c)], "{what}"),
            _ => assert_eq!(got, [], "{what}"),
        }
    }
}

#[test]
fn who_is_not_there_takes_no_offers() {
    let mut scene = Scene::online(LIBPURPLE, friends(), roster([bob(&["Friends"])]));
    scene.client(offer(REQUEST, 0x0946_1343));
    scene.client(Snac::new(4, 8, 0x2d, Writer::new().u16(0).short(BOB).bytes()));
    let refused = [0x2c, 0x2d].map(|request| Snac::new(4, 1, request, &[0, 4][..]));
    assert_eq!(scene.client_news(), refused);
}
