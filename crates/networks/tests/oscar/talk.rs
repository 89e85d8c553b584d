//! Messages and typing.

use crosstalk_core::{
    Body, EnvelopeId, Failure, Presence, RichText, Roster, Style, Typing, UnixMillis,
};
use crosstalk_networks::html;
use crosstalk_networks::oscar::wire::message::{self, ACK, AUTO, Head, TEXT};
use crosstalk_networks::oscar::wire::{Reader, Snac, UserInfo, Writer, find};

use crate::scene::*;

fn online() -> Scene {
    Scene::online(LIBPURPLE, friends(), roster([bob(&["Friends"])]))
}

fn im(name: &str, request: u32, text: &[u8], extra: &[u16]) -> Snac {
    let head = Head { cookie: *b"38535154", channel: 1, name: name.as_bytes() };
    let writer = head.write(Writer::new()).tlv(TEXT, text);
    let writer = extra.iter().fold(writer, |w, kind| w.tlv(*kind, []));
    Snac::new(4, 6, request, writer.bytes())
}

/// Sender, fields and text of a 04/07.
fn shown(snac: &Snac) -> (String, Vec<u8>, String) {
    assert_eq!(snac.kind(), (4, 7));
    let mut reader = Reader::new(&snac.body);
    reader.take(8).unwrap();
    assert_eq!(reader.u16(), Ok(1));
    let info = UserInfo::read(&mut reader).unwrap();
    let name = String::from_utf8(info.name.to_vec()).unwrap();
    let fields = reader.rest().to_vec();
    let text = message::decode(find(&fields, TEXT).unwrap()).unwrap();
    (name, fields, text)
}

#[test]
fn a_message_to_a_foreign_person_is_acknowledged_and_refunded() {
    let mut scene = online();
    let text = message::encode("<HTML><BODY>hi <B>&lt;Bob&gt;</B></BODY></HTML>");
    scene.client(im("Bob @far-oscar.xt", 0x2c, &text, &[ACK]));
    let got = scene.client_got();
    let ack = Writer::new().raw(b"38535154").u16(1).short("Bob @far-oscar.xt").bytes();
    assert_eq!(got[0], Snac::new(4, 0x0c, 0x2c, ack));
    assert!(kinds(&got).contains(&(1, 0x0a)), "{got:?}");
    let [said] = &scene.said()[..] else { panic!("one message") };
    let Body::Text { text, auto: false } = &said.body else { panic!("{said:?}") };
    let mut expected = RichText::plain("hi ");
    expected.push("<Bob>", &[Style::Bold]);
    assert_eq!((&said.to, text), (&bob_address(), &expected));
    assert!(scene.server_got().is_empty());
}

#[test]
fn an_away_message_says_so_and_fragments_are_joined() {
    let mut scene = online();
    let text = b"\x01\x01\0\x06\0\0\0\0ab\x01\x01\0\x05\0\x03\0\0\xe9";
    scene.client(im(BOB, 1, text, &[AUTO]));
    let [said] = &scene.said()[..] else { panic!("one message") };
    let Body::Text { text, auto: true } = &said.body else { panic!("{said:?}") };
    assert_eq!(text.text(), "abé");
}

#[test]
fn messages_to_own_people_pass_and_impossible_ones_are_refused() {
    let mut scene = online();
    scene.presence(Presence::available());
    scene.forget();
    let text = message::encode("write to bob@far-oscar.xt");
    let own = im("carol@hotmail.com", 1, &text, &[ACK]);
    scene.client(own.clone());
    assert_eq!(scene.server_got(), [own]);
    scene.client(im("bob@nowhere.xt", 2, &text, &[ACK]));
    assert_eq!(scene.client_news(), [Snac::new(4, 1, 2, &[0, 4][..])]);
    let chat = Head { cookie: [0; 8], channel: 2, name: BOB.as_bytes() };
    scene.client(Snac::new(4, 6, 3, chat.write(Writer::new()).tlv(5, [0, 0]).bytes()));
    assert_eq!(scene.client_news(), [Snac::new(4, 1, 3, &[0, 9][..])]);
    assert!(scene.server_got().is_empty());
}

#[test]
fn nobody_of_the_server_speaks_under_a_foreign_name() {
    let mut scene = online();
    let says = |name: &str| {
        let head = Writer::new().raw(&[0; 8]).u16(1).short(name).u16(0).u16(0);
        Snac::new(4, 7, PUSHED, head.tlv(TEXT, message::encode("it is me")).bytes())
    };
    scene.server(says("Bob @ far-oscar.xt"));
    scene.server(says("x@nowhere.xt"));
    let own = [says("carol@hotmail.com"), says("CarolTB")];
    for snac in &own {
        scene.server(snac.clone());
    }
    assert_eq!(scene.client_got(), own);
}

#[test]
fn a_foreign_message_is_what_clients_accept() {
    let mut scene = online();
    scene.deliver("bob@far-oscar", Body::Text { text: "1 < 2".into(), auto: false });
    let got = scene.client_got();
    let (name, fields, text) = shown(&got[0]);
    assert_eq!((&name[..], &text[..]), (BOB, "<HTML><BODY>1 &lt; 2</BODY></HTML>"));
    assert_eq!(got[0].body[8..11], [0, 1, BOB.len() as u8]);
    assert_eq!(fields[4..13], *b"\x05\x01\0\x01\x01\x01\x01\0\x26");
    assert!(find(&fields, 0x0b).is_some() && find(&fields, AUTO).is_none());
    scene.deliver("bob@far-oscar", Body::Text { text: "Привет 😀".into(), auto: true });
    let (_, fields, text) = shown(&scene.client_got()[0]);
    assert_eq!(text, "<HTML><BODY>Привет 😀</BODY></HTML>");
    assert!(find(&fields, AUTO).is_some());
}

#[test]
fn a_message_that_waited_bears_its_time() {
    let mut scene = online();
    let sent = UnixMillis(1_700_000_000_000);
    scene.deliver_at(sent, "bob@far-oscar", Body::Text { text: "late".into(), auto: false });
    let (_, fields, _) = shown(&scene.client_got()[0]);
    assert!(find(&fields, 6).is_some());
    assert_eq!(find(&fields, 0x16), Some(&1_700_000_000u32.to_be_bytes()[..]));
}

/// The words of a text that is delivered to a client, and the longest SNAC that says them.
fn told(client: &str, most: Option<u16>, text: &str) -> (String, usize) {
    let mut scene = Scene::online(client, friends(), Roster::default());
    if let Some(most) = most {
        let parameters = Writer::new().u16(0).u32(0xb).u16(most).u16(999).u16(999).u32(0);
        scene.client(Snac::new(4, 2, 11, parameters.bytes()));
        assert_eq!(kinds(&scene.server_got()), [(4, 2)]);
    }
    scene.deliver("bob@far-oscar", Body::Text { text: text.into(), auto: false });
    let got = scene.client_got();
    let words: Vec<_> =
        got.iter().map(|snac| html::read(&shown(snac).2).text().to_owned()).collect();
    let longest = got.iter().map(|snac| snac.encode().len()).max().unwrap();
    (words.join(" ").replace(['\n', ' '], ""), longest)
}

#[test]
fn long_messages_come_in_pieces_that_the_client_takes() {
    let long: String = "ёлка ".repeat(2000);
    let xml = "<entry id=\"1\" a=\"x&y\"/>\n".repeat(700);
    let euro = format!("{xml} \u{20ac}");
    for text in [&long[..], &xml, &euro, &euro[..2_899]] {
        let squeezed = text.replace(['\n', ' '], "");
        for (client, said, most) in [
            (OFFICIAL, None, 8_000),
            (OFFICIAL, Some(8_000), 8_000),
            (OFFICIAL, Some(2_000), 2_000),
            (OFFICIAL, Some(0xffff), 8_000),
            (LIBPURPLE, Some(8_000), 60_000),
        ] {
            let (words, longest) = told(client, said, text);
            assert!(words == squeezed, "{client} misses some of {} characters", text.len());
            assert!(longest <= most, "{client}: {longest}");
        }
    }
    assert!(told(LIBPURPLE, None, &long).1 > 20_000, "and no more pieces than need be");
}

#[test]
fn typing_goes_both_ways() {
    let mut scene = online();
    scene.deliver("bob@far-oscar", Body::Typing(Typing::Active));
    let expected = Writer::new().raw(&[0; 8]).u16(1).short(BOB).u16(2).bytes();
    assert_eq!(scene.client_got(), [Snac::new(4, 0x14, 0, expected)]);
    let paused = Writer::new().raw(&[0; 8]).u16(1).short(BOB).u16(1).bytes();
    scene.client(Snac::new(4, 0x14, 9, paused));
    assert!(matches!(scene.said()[0].body, Body::Typing(Typing::Paused)));
    assert!(scene.server_got().is_empty());
}

#[test]
fn a_nudge_is_put_in_words() {
    let mut scene = online();
    scene.deliver("bob@far-oscar", Body::Attention);
    assert!(shown(&scene.client_got()[0]).2.contains("attention"));
}

#[test]
fn a_lost_message_is_an_error_at_first_and_later_an_apology() {
    let mut scene = online();
    scene.client(im(BOB, 0x2c, &message::encode("hi"), &[]));
    scene.client(im(BOB, 0x2d, &message::encode("ho"), &[]));
    let ids: Vec<EnvelopeId> = scene.said().iter().map(|said| said.id).collect();
    scene.forget();
    let why = Failure::Unreachable;
    scene.deliver("bob@far-oscar", Body::Undelivered { of: ids[0], why });
    assert_eq!(scene.client_got(), [Snac::new(4, 1, 0x2c, &[0, 5][..])]);
    scene.wait(61);
    scene.deliver("bob@far-oscar", Body::Undelivered { of: ids[1], why });
    let (name, _, text) = shown(&scene.client_got()[0]);
    assert_eq!(name, "crosstalk@gateway.xt");
    assert!(text.contains(BOB) && text.contains("cannot be reached"), "{text}");
}

#[test]
fn of_what_may_have_arrived_no_client_hears_that_it_did_not() {
    let mut scene = online();
    scene.client(im(BOB, 0x2c, &message::encode("hi"), &[]));
    let of = scene.said()[0].id;
    scene.forget();
    scene.deliver("bob@far-oscar", Body::Undelivered { of, why: Failure::Unconfirmed });
    let (name, _, text) = shown(&scene.client_got()[0]);
    assert_eq!(name, "crosstalk@gateway.xt");
    assert!(text.contains(&format!("A message to {BOB} may not have arrived: ")), "{text}");
}

#[test]
fn what_comes_before_the_client_is_ready_waits() {
    let mut scene = Scene::accepted(LIBPURPLE, Roster::default());
    scene.client(Snac::new(0x13, 4, 8, bytes::Bytes::new()));
    scene.deliver("bob@far-oscar", Body::Text { text: "early".into(), auto: false });
    assert!(scene.client_got().is_empty());
    scene.server(Snac::new(0x13, 6, 8, list(friends())));
    scene.client(Snac::new(1, 2, 9, bytes::Bytes::new()));
    assert_eq!(kinds(&scene.client_got()), [(0x13, 6), (4, 7)]);
}

#[test]
fn a_person_whom_the_privacy_mode_shuts_out_meets_nobody() {
    let mut own = friends();
    let mode = Writer::new().tlv(0xca, [2]).bytes();
    own.push(crosstalk_networks::oscar::wire::Item::new("", 0, 9, 4.into()).with(mode));
    let mut scene = Scene::online(LIBPURPLE, own, Roster::default());
    scene.deliver("bob@far-oscar", Body::Text { text: "hi".into(), auto: false });
    assert!(scene.client_got().is_empty());
    let absent = Body::Undelivered { of: EnvelopeId(77), why: Failure::Offline };
    assert_eq!(scene.said()[0].body, absent);
}
