//! Conversations, most of them played by the gateway.

use crosstalk_core::{
    Body, Event, Failure, HostPort, Input, Roster, Side, Subscription, Typing, Via,
};
use crosstalk_networks::msnp::{Msnp, content, wire::with_payload};

use crate::common::{Gateway, Random, Shared};
use crate::{
    BOB, Scene, bob, client, contact, deliver, listed, roster, said, says, server, settle,
    show_presence, text,
};

pub(crate) const NS: &str = "messenger.hotmail.com:1863";
pub(crate) const EVE: &str = "eve@x.org";

impl Scene {
    /// Connects the client to the place of an XFR or RNG, and has it say `first` with the key.
    pub(crate) fn connect(&mut self, place: &str, first: &str) -> Gateway {
        let words: Vec<&str> = place.split_whitespace().collect();
        let key = words[1 + words.iter().position(|w| *w == "CKI").unwrap()];
        let mut talk = Gateway::new(&Msnp, &self.shared, None);
        client(&mut talk, &first.replace("KEY", key));
        settle(&mut self.ns, &mut talk);
        talk
    }

    /// Has the client say something in a conversation that the notification connection is asked for.
    pub(crate) fn call(&mut self, talk: &mut Gateway, line: &str) {
        client(talk, line);
        settle(&mut self.ns, talk);
    }

    /// A conversation that the client opened, and that the server knows nothing of.
    pub(crate) fn talk(&mut self) -> Gateway {
        client(&mut self.ns, "XFR 9 SB");
        assert_eq!(self.server_got(), "");
        let place = self.client_got();
        assert!(place.starts_with(&format!("XFR 9 SB {NS} CKI ")), "{place}");
        let mut talk = self.connect(&place, "USR 1 Mary@hotmail.com KEY");
        assert_eq!(got(&mut talk), "USR 1 OK Mary@hotmail.com Mary\r\n", "the nick, as servers do");
        assert!(matches!(talk.events[..], [Event::DetachServer]));
        talk
    }

    /// One with Bob.
    pub(crate) fn talk_with_bob(&mut self) -> Gateway {
        let mut talk = self.talk();
        self.call(&mut talk, &format!("CAL 2 {BOB}"));
        assert_eq!(got(&mut talk), format!("CAL 2 RINGING 1234567\r\nJOI {BOB} {BOB}\r\n"));
        talk
    }

    /// Lets the client into a switchboard of the server's, for a call of `who`.
    pub(crate) fn call_in(&mut self, talk: &mut Gateway, who: &str, version: u32) {
        client(talk, &format!("CAL 4 {who}"));
        self.ns.hear();
        let tail = if version < 14 { "" } else { " U messenger.msn.com 1" };
        server(&mut self.ns, &format!("XFR 900001 SB 192.0.2.1:1863 CKI key.1{tail}"));
        talk.hear();
        server(talk, "USR 1 OK mary@hotmail.com M%20A");
        assert!(sent(talk).ends_with(&format!("CAL 4 {who}\r\n")));
    }

    /// Lets the client into a switchboard, for a call of Eve by `talk`.
    pub(crate) fn call_eve(&mut self, talk: &mut Gateway) {
        client(talk, &format!("CAL 4 {EVE}"));
        self.ns.hear();
        assert_eq!(self.server_got(), "XFR 900001 SB\r\n");
        server(&mut self.ns, "XFR 900001 SB 192.0.2.1:1863 CKI key.1");
        assert_eq!(self.client_got(), "");
        talk.hear();
        let place = HostPort::new("192.0.2.1", 1863);
        assert!(talk.events.iter().any(|e| matches!(e, Event::Dial(to) if *to == place)));
        assert_eq!(sent(talk), "USR 1 Mary@hotmail.com key.1\r\n");
        server(talk, "USR 1 OK Mary@hotmail.com Mary");
        assert_eq!(sent(talk), format!("CAL 4 {EVE}\r\n"));
        assert_eq!(got(talk), "");
        server(talk, "CAL 4 RINGING 55");
        server(talk, &format!("JOI {EVE} Eve"));
        assert_eq!(got(talk), format!("CAL 4 RINGING 55\r\nJOI {EVE} Eve\r\n"));
    }
}

pub(crate) fn got(talk: &mut Gateway) -> String {
    text(talk.take(Side::Client))
}

pub(crate) fn sent(talk: &mut Gateway) -> String {
    text(talk.take(Side::Server))
}

pub(crate) fn say(talk: &mut Gateway, head: &str, words: &str) -> String {
    let message = with_payload(head, &content::texts(&words.into())[0]);
    talk.bytes(Side::Client, message.as_bytes()).unwrap();
    message
}

pub(crate) fn talks_with_bob(talk: &Gateway) -> bool {
    talk.events.iter().any(|e| matches!(e, Event::Converse { with, .. } if *with == [bob()]))
}

#[test]
fn a_conversation_with_somebody_foreign_is_played_whole() {
    let mut scene = Scene::online(11, listed());
    show_presence(&mut scene.ns, crosstalk_core::Presence::available());
    scene.client_got();
    let mut talk = scene.talk_with_bob();
    assert!(talks_with_bob(&talk));
    say(&mut talk, "MSG 3 A", "hello");
    assert_eq!(got(&mut talk), "");
    let Some(Event::Send(hello)) = talk.events.last() else { panic!("nothing was said") };
    let arrived = Input::Delivered(hello.id);
    talk.input(arrived).unwrap();
    assert_eq!(got(&mut talk), "ACK 3\r\n", "when it has arrived");
    let typing = with_payload("MSG 4 U", &content::typing("mary@hotmail.com"));
    talk.bytes(Side::Client, typing.as_bytes()).unwrap();
    let nudge = with_payload("MSG 5 N", &content::nudge());
    talk.bytes(Side::Client, nudge.as_bytes()).unwrap();
    let bodies: Vec<Body> = said(&mut talk).into_iter().map(|o| o.body).collect();
    assert_eq!(bodies, [says("hello"), Body::Typing(Typing::Active), Body::Attention]);
    deliver(&mut talk, Body::Typing(Typing::Active));
    deliver(&mut talk, says("hi"));
    let heard = got(&mut talk);
    assert!(heard.contains(&format!("TypingUser: {BOB}")) && heard.ends_with("hi"), "{heard}");
    client(&mut talk, "OUT");
    assert_eq!((sent(&mut talk), scene.server_got()), (String::new(), String::new()));
}

#[test]
fn who_has_no_foreign_contacts_converses_at_the_server() {
    let mut scene = Scene::online(11, Roster::default());
    client(&mut scene.ns, "XFR 9 SB");
    assert_eq!(scene.server_got(), "XFR 9 SB\r\n");
    let place = "XFR 9 SB 192.0.2.1:1863 CKI key.1\r\n";
    scene.ns.bytes(Side::Server, place.as_bytes()).unwrap();
    assert_eq!(scene.client_got(), place);
    let mut talk = scene.connect(place, "USR 1 mary@hotmail.com KEY");
    assert_eq!(sent(&mut talk), "USR 1 mary@hotmail.com key.1\r\n");
    server(&mut talk, "USR 1 OK mary@hotmail.com Mary");
    assert!(!talk.altered());
}

#[test]
fn the_server_is_asked_for_its_own_people_and_hears_nothing_before() {
    let mut scene = Scene::online(11, roster(contact(Subscription::Granted, false)));
    let mut talk = scene.talk_with_bob();
    say(&mut talk, "MSG 3 N", "for Bob alone");
    scene.call_eve(&mut talk);
    let hello = say(&mut talk, "MSG 5 N", "for both");
    assert_eq!(sent(&mut talk), hello);
    assert_eq!(said(&mut talk).len(), 2);
    server(&mut talk, &format!("BYE {EVE}"));
    say(&mut talk, "MSG 6 N", "for Bob again");
    assert_eq!(sent(&mut talk), "");
    talk.input(Input::Closed(Side::Server)).unwrap();
    assert!(matches!(talk.events.last(), Some(Event::DetachServer)), "Bob stays");
}

#[test]
fn a_conversation_without_anybody_foreign_becomes_the_servers() {
    let mut scene = Scene::online(11, listed());
    let mut talk = scene.talk();
    say(&mut talk, "MSG 2 N", "to nobody");
    assert_eq!(got(&mut talk), "NAK 2\r\n");
    scene.call_eve(&mut talk);
    let hello = say(&mut talk, "MSG 5 A", "hello");
    assert_eq!(sent(&mut talk), hello);
    assert_eq!(got(&mut talk), "");
    client(&mut talk, "OUT");
    assert_eq!(sent(&mut talk), "OUT\r\n");
}

#[test]
fn who_is_renamed_is_called_so_in_a_conversation_that_is_open() {
    let mut scene = Scene::online(11, listed());
    show_presence(&mut scene.ns, crosstalk_core::Presence::available());
    scene.client_got();
    let mut talk = scene.talk_with_bob();
    client(&mut scene.ns, &format!("ADC 8 FL N={BOB} F=Bobby"));
    talk.hear();
    deliver(&mut talk, says("hi"));
    assert!(got(&mut talk).starts_with(&format!("MSG {BOB} Bobby ")));
}

#[test]
fn a_key_is_good_once_and_for_its_owner() {
    let mut scene = Scene::online(11, listed());
    client(&mut scene.ns, "XFR 9 SB");
    let place = scene.client_got();
    let mut other = Gateway::new(&Msnp, &scene.shared, None);
    let key = place.trim_end().rsplit(' ').next().unwrap();
    let stolen = format!("USR 1 eve@x.org {key}\r\n");
    assert!(other.bytes(Side::Client, stolen.as_bytes()).is_err());
    assert!(other.altered(), "the key is not passed on");
    let mut own = scene.connect(&place, "USR 1 mary@hotmail.com KEY");
    assert_eq!(got(&mut own), "USR 1 OK mary@hotmail.com Mary\r\n");
    let again = scene.connect(&place, "USR 1 mary@hotmail.com KEY");
    assert!(again.opaque, "it means nothing here any more");
}

#[test]
fn a_failure_is_a_nak_where_the_client_waits_for_one_and_else_in_words() {
    let mut scene = Scene::online(9, roster(contact(Subscription::Granted, false)));
    let mut talk = scene.talk_with_bob();
    for (id, letter) in [(3, "N"), (4, "A")] {
        say(&mut talk, &format!("MSG {id} {letter}"), "hello");
        let of = said(&mut talk)[0].id;
        deliver(&mut talk, Body::Undelivered { of, why: Failure::Offline });
        assert_eq!(got(&mut talk), format!("NAK {id}\r\n"));
    }
    say(&mut talk, "MSG 5 U", "hello");
    let of = said(&mut talk)[0].id;
    deliver(&mut talk, Body::Undelivered { of, why: Failure::Offline });
    assert!(got(&mut talk).ends_with("not delivered: the receiver is offline.]"));
}

#[test]
fn of_what_may_have_arrived_no_client_hears_that_it_did_not() {
    let mut scene = Scene::online(9, roster(contact(Subscription::Granted, false)));
    let mut talk = scene.talk_with_bob();
    for (id, letter) in [(3, "N"), (4, "A"), (5, "U")] {
        say(&mut talk, &format!("MSG {id} {letter}"), "hello");
        let of = said(&mut talk)[0].id;
        deliver(&mut talk, Body::Undelivered { of, why: Failure::Unconfirmed });
        let heard = got(&mut talk);
        assert!(heard.contains("[CrossTalk: this may not have arrived: "), "{heard}");
        assert!(!heard.contains("NAK") && !heard.contains("ACK"), "{heard}");
    }
}

#[test]
fn what_is_for_several_is_acknowledged_when_all_are_settled() {
    let mut scene = Scene::online(9, roster(contact(Subscription::Granted, false)));
    let mut talk = scene.talk_with_bob();
    scene.call(&mut talk, "CAL 3 carol@far-oscar.xt");
    got(&mut talk);
    say(&mut talk, "MSG 4 A", "hello");
    let [first, second] = &said(&mut talk)[..] else { panic!("two are there") };
    talk.input(Input::Delivered(second.id)).unwrap();
    assert_eq!(got(&mut talk), "");
    deliver(&mut talk, Body::Undelivered { of: first.id, why: Failure::Busy });
    let heard = got(&mut talk);
    assert!(heard.starts_with("ACK 4\r\n") && heard.contains("not delivered"), "{heard}");
}

#[test]
fn with_the_gateway_as_the_server_conversations_come_to_it_and_no_server_is_dialled() {
    let shared = Shared::default();
    let connect = || {
        let upstream = HostPort::new("msn.test", 1863);
        let via = Via::Direct { upstream, advertise: HostPort::new("192.0.2.9", 1999) };
        Gateway::via(&Msnp, &shared, listed(), via)
    };
    let mut ns = connect();
    client(&mut ns, "VER 1 MSNP9 CVR0");
    server(&mut ns, "VER 1 MSNP9");
    client(&mut ns, "USR 4 TWN S t=1");
    server(&mut ns, "USR 4 OK mary@hotmail.com Mary 1 0");
    ns.take(Side::Client);
    client(&mut ns, "XFR 9 SB");
    let place = got(&mut ns);
    let key = place.trim_end().strip_prefix("XFR 9 SB 192.0.2.9:1999 CKI ").unwrap();
    let mut talk = connect();
    client(&mut talk, &format!("USR 1 mary@hotmail.com {key}"));
    assert!(matches!(talk.events[..], [Event::DetachServer]));
}

#[test]
fn since_msnp16_the_client_names_its_endpoint_and_guests_can_something() {
    const ME: &str = "mary@hotmail.com;{1BE99E6D-1C6E-4BEA-8B3E-9C464006A774}";
    let mut scene = Scene::signed_on(18, roster(contact(Subscription::Granted, false)));
    client(&mut scene.ns, "CHG 6 NLN 2754609152:48 0");
    server(&mut scene.ns, "CHG 6 NLN 2754609152:48 0");
    server(&mut scene.ns, "NLN NLN 1:mary@hotmail.com Mary 2754609152:48 0");
    scene.take_all();
    client(&mut scene.ns, "XFR 9 SB");
    let place = scene.client_got();
    assert!(place.ends_with(" U messenger.msn.com 1\r\n"), "{place}");
    let mut talk = scene.connect(&place, &format!("USR 1 {ME} KEY"));
    assert_eq!(got(&mut talk), format!("USR 1 OK {ME} Mary\r\n"));
    client(&mut talk, "CAL 2 mary@hotmail.com");
    let herself = "JOI mary@hotmail.com Mary 2754609152:48\r\n";
    assert_eq!(got(&mut talk), format!("CAL 2 RINGING 1234567\r\n{herself}"));
    scene.call(&mut talk, &format!("CAL 3 {BOB}"));
    let expected = format!("CAL 3 RINGING 1234567\r\nJOI {BOB} {BOB} 2416181284:00\r\n");
    assert_eq!(got(&mut talk), expected);
    client(&mut talk, &format!("CAL 4 {EVE}"));
    scene.ns.hear();
    server(&mut scene.ns, "XFR 900001 SB 192.0.2.1:1863 CKI key.1 U messenger.msn.com 1");
    talk.hear();
    assert_eq!(sent(&mut talk), format!("USR 1 {ME} key.1\r\n"));
    server(&mut talk, &format!("USR 1 OK {ME} Mary"));
    server(&mut talk, "JOI mary@hotmail.com;{00000000-0000-0000-0000-000000000000} Mary 1:0");
    assert_eq!(sent(&mut talk), format!("CAL 4 {EVE}\r\n"));
    say(&mut talk, "MSG 5 N", "for Bob alone");
    assert_eq!(sent(&mut talk), "", "another place of the person is nobody else");
    server(&mut talk, &format!("JOI {EVE};{{00000000-0000-0000-0000-000000000001}} Eve 1:0"));
    server(&mut talk, &format!("JOI {EVE} Eve 1:0"));
    let both = say(&mut talk, "MSG 6 N", "for both");
    assert_eq!(sent(&mut talk), both);
    deliver(&mut scene.ns, says("one"));
    let ring = scene.client_got();
    assert!(ring.ends_with(&format!(" {BOB} {BOB} U messenger.msn.com 1\r\n")), "{ring}");
    let mut answered = scene.connect(&ring, &format!("ANS 1 {ME} KEY 900002"));
    let expected = format!("IRO 1 1 1 {BOB} {BOB} 2416181284:00\r\nANS 1 OK\r\n{herself}");
    assert_eq!(got(&mut answered), expected);
}

#[test]
fn the_nick_is_what_the_server_calls_the_person_last() {
    for (version, line, nick) in [
        (9, "REA 7 19 mary@hotmail.com M%20A", "M%20A"),
        (9, "REA 7 19 eve@x.org Eve", "Mary"),
        (11, "PRP MFN M%20A", "M%20A"),
        (11, "PRP 7 MFN M%20A", "M%20A"),
        (11, "PRP 7 PHH 555", "mary@hotmail.com"),
        (16, "NLN NLN mary@hotmail.com 1 M%20A 7:48 0", "M%20A"),
        (18, "NLN NLN 1:Mary@hotmail.com M%20A 7:48 0", "M%20A"),
        (18, "NLN NLN 1:eve@x.org Eve 7:48 0", "mary@hotmail.com"),
    ] {
        let mut scene = Scene::signed_on(version, listed());
        server(&mut scene.ns, line);
        assert_eq!(scene.client_got(), format!("{line}\r\n"));
        client(&mut scene.ns, "XFR 9 SB");
        let place = scene.client_got();
        let mut talk = scene.connect(&place, "USR 1 mary@hotmail.com KEY");
        let answer = format!("USR 1 OK mary@hotmail.com {nick}\r\n");
        assert_eq!(got(&mut talk), answer, "MSNP{version}: {line}");
    }
}

#[test]
fn nonsense_in_a_conversation_neither_panics_nor_reaches_the_server() {
    let mut random = Random(18);
    for _ in 0..500 {
        let mut scene = Scene::online(11, roster(contact(Subscription::Granted, false)));
        let mut talk = scene.talk_with_bob();
        for _ in 0..20 {
            let mut word = |words: &[&str]| words[random.below(words.len())].to_owned();
            let verb = word(&["USR", "ANS", "CAL", "MSG", "IRO", "JOI", "BYE", "ACK", "OUT", "X"]);
            let names = ["", "1", "A", "U", BOB, "a;{}", ";", "x@nowhere.xt", "99999999999", "\0"];
            let line = format!("{verb} {} {} {} 0", word(&names), word(&names), word(&names));
            let input = random.below(8);
            let _ = match input {
                0 => {
                    talk.hear();
                    Ok(())
                }
                1 => talk.input(Input::Tick),
                2 => talk.input(Input::Closed(Side::Server)),
                3 => talk.input(Input::Delivered(crosstalk_core::EnvelopeId(1))),
                _ => talk.bytes(Side::Client, format!("{line}\r\n").as_bytes()),
            };
        }
        assert_eq!(sent(&mut talk), "");
    }
}
