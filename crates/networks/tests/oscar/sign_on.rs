//! Sign-on: the person whom the server names in 01/0f, whatever a client writes anywhere.

use bytes::{Bytes, BytesMut};
use crosstalk_core::{Event, Fault, HostPort, Input, Roster, Side, Via};
use crosstalk_networks::oscar::Oscar;
use crosstalk_networks::oscar::wire::{Channel, Frame, Snac, UserInfo, Writer, flap};

use crate::common::{Gateway, Random, Shared, expects};
use crate::scene::{LIBPURPLE, Scene, kinds, list};

/// Address that clients connect to first, and the one that the server sends them to.
const LOGIN: &str = "login.oscar.aol.com:5190";
const BOS: &str = "bos.aim.test:5190";

/// One connection of a client to the server `at`.
struct Line {
    gateway: Gateway,
    number: u16,
}

impl Line {
    fn new(shared: &Shared, at: &str) -> Self {
        let via = Via::Proxy { dialled: at.parse().unwrap() };
        Self { gateway: Gateway::via(&Oscar, shared, Roster::default(), via), number: 0 }
    }

    /// A connection on which the client says `hello`, and the server greets.
    fn greeted(shared: &Shared, at: &str, hello: Writer) -> Self {
        let mut line = Self::new(shared, at);
        let hello = Writer::new().u32(flap::VERSION).raw(&hello.bytes()).bytes();
        line.frame(Side::Client, Channel::SignOn, &hello).unwrap();
        line.frame(Side::Server, Channel::SignOn, &flap::VERSION.to_be_bytes()).unwrap();
        line
    }

    fn frame(&mut self, side: Side, channel: Channel, body: &[u8]) -> Result<(), Fault> {
        self.number += 1;
        self.gateway.bytes(side, &flap::encode(channel, self.number, body).unwrap())
    }

    fn client(&mut self, snac: &Snac) {
        self.frame(Side::Client, Channel::Data, &snac.encode()).unwrap();
    }

    fn server(&mut self, snac: &Snac) {
        self.tell(snac).unwrap();
    }

    fn tell(&mut self, snac: &Snac) -> Result<(), Fault> {
        self.frame(Side::Server, Channel::Data, &snac.encode())
    }

    /// Sends what the server answers to anybody with a cookie that it takes.
    fn begin(&mut self) {
        self.server(&Snac::new(1, 3, 0, families()));
        self.server(&Snac::new(1, 7, 4, &b"\0\0"[..]));
    }

    fn signed_in(&self) -> Vec<String> {
        let user = |event: &Event| match event {
            Event::SignedIn { user, .. } => Some(user.name().to_string()),
            _ => None,
        };
        self.gateway.events.iter().filter_map(user).collect()
    }

    fn got(&mut self, to: Side) -> Vec<Snac> {
        let mut bytes = BytesMut::from(&self.gateway.take(to)[..]);
        let frames = std::iter::from_fn(|| Frame::take(&mut bytes).unwrap());
        let data = frames.filter(|frame| frame.channel == Channel::Data);
        data.map(|frame| Snac::parse(&frame.body()).unwrap()).collect()
    }
}

fn families() -> Bytes {
    [1u16, 2, 3, 4, 9, 0x13].iter().fold(Writer::new(), |w, f| w.u16(*f)).bytes()
}

/// 01/0f: the server's word on who the person is.
fn self_info(name: &str) -> Snac {
    let info = UserInfo { name: name.as_bytes(), warning: 0, tlvs: &[] };
    Snac::new(1, 0x0f, 6, info.write(Writer::new()).bytes())
}

fn cookie() -> Writer {
    Writer::new().tlv(6, "cookie")
}

/// A sign-on of `claimed` that the server answers for `issued_to`.
fn sign_on(shared: &Shared, claimed: &str, issued_to: Option<&str>) {
    let mut login = Line::greeted(shared, LOGIN, Writer::new());
    let claim = Writer::new().tlv(1, claimed).tlv(0x25, [7; 16]).bytes();
    login.client(&Snac::new(0x17, 2, 0, claim));
    let answer = issued_to.into_iter().fold(Writer::new(), |w, name| w.tlv(1, name));
    login.server(&Snac::new(0x17, 3, 0, answer.tlv(5, BOS).tlv(6, "cookie").bytes()));
}

#[test]
fn a_name_beside_a_cookie_signs_nobody_in() {
    let shared = Shared::default();
    let mut bos = Line::greeted(&shared, BOS, Writer::new().tlv(1, "ceo").tlv(6, "elsewhere"));
    bos.begin();
    assert_eq!(bos.signed_in(), [""; 0], "the client's own word is worth nothing");
    bos.client(&Snac::new(1, 0x0e, 6, Bytes::new()));
    bos.server(&self_info("Mallory"));
    assert_eq!(bos.signed_in(), ["mallory@aol"]);
}

#[test]
fn a_cookie_used_twice_is_worth_no_more_than_the_server_says() {
    let shared = Shared::default();
    sign_on(&shared, "mallory", Some("mallory"));
    for name in ["mallory", "ceo"] {
        let mut bos = Line::greeted(&shared, BOS, cookie().tlv(1, name));
        bos.begin();
        assert_eq!(bos.signed_in(), [""; 0]);
        bos.server(&self_info("mallory"));
        assert_eq!(bos.signed_in(), ["mallory@aol"]);
    }
}

#[test]
fn an_answer_that_names_nobody_names_not_whom_the_client_did() {
    let shared = Shared::default();
    sign_on(&shared, "ceo", None);
    let mut bos = Line::greeted(&shared, BOS, cookie());
    bos.begin();
    assert_eq!(bos.signed_in(), [""; 0]);
    bos.server(&self_info("mallory"));
    assert_eq!(bos.signed_in(), ["mallory@aol"]);
}

#[test]
fn a_cookie_for_one_does_not_sign_in_another() {
    let shared = Shared::default();
    sign_on(&shared, "alice", Some("Alice TB"));
    let mut bos = Line::greeted(&shared, BOS, cookie());
    bos.begin();
    let fault = bos.tell(&self_info("ceo")).unwrap_err();
    assert_eq!(fault.blame, crosstalk_core::Blame::Server);
    assert_eq!(bos.signed_in(), [""; 0]);
    assert!(bos.gateway.altered(), "the connection closes and is not passed on");
}

#[test]
fn a_name_is_the_same_however_it_is_written_and_never_another() {
    let shared = Shared::default();
    sign_on(&shared, "alicetb", Some("alicetb"));
    let mut bos = Line::greeted(&shared, BOS, cookie());
    bos.begin();
    bos.server(&self_info("Alice TB"));
    bos.server(&self_info("ALICE tb"));
    assert_eq!(bos.signed_in(), ["alicetb@aol"], "once");
    assert!(bos.tell(&self_info("ceo")).is_err());
    assert_eq!(bos.signed_in(), ["alicetb@aol"]);
}

#[test]
fn a_cookie_is_good_at_the_server_it_was_issued_for() {
    let shared = Shared::default();
    sign_on(&shared, "alice", Some("alice"));
    let mut other = Line::greeted(&shared, "bos.evil.test:5190", cookie());
    other.begin();
    assert_eq!(other.signed_in(), [""; 0]);
    let bos: HostPort = BOS.parse().unwrap();
    assert!(expects(&shared, &bos), "whoever goes elsewhere with it does not use it up");
    let mut bos = Line::greeted(&shared, "BOS.aim.test:5190", cookie());
    assert!(!expects(&shared, &BOS.parse().unwrap()));
    bos.begin();
    bos.server(&self_info("alice"));
    assert_eq!(bos.signed_in(), ["alice@aol"]);
}

#[test]
fn an_answer_that_nobody_asked_for_leaves_nothing() {
    let shared = Shared::default();
    let mut login = Line::greeted(&shared, LOGIN, Writer::new());
    let answer = Writer::new().tlv(1, "ceo").tlv(5, BOS).tlv(6, "cookie").bytes();
    login.server(&Snac::new(0x17, 3, 0, answer.clone()));
    assert!(!expects(&shared, &BOS.parse().unwrap()));
    login.client(&Snac::new(0x17, 2, 0, Bytes::new()));
    login.server(&Snac::new(0x17, 3, 0, &b"\0\x08\0\x02\0\x05"[..]));
    login.server(&Snac::new(0x17, 3, 0, answer));
    assert!(!expects(&shared, &BOS.parse().unwrap()));
}

#[test]
fn a_server_is_asked_who_it_is_if_the_client_does_not_ask() {
    let shared = Shared::default();
    let mut bos = Line::greeted(&shared, BOS, cookie());
    bos.begin();
    bos.got(Side::Server);
    bos.got(Side::Client);
    bos.client(&Snac::new(1, 2, 9, Bytes::new()));
    let asked = bos.got(Side::Server);
    assert_eq!(kinds(&asked), [(1, 2), (1, 0x0e)]);
    bos.server(&Snac { request: asked[1].request, ..self_info("Alice") });
    assert_eq!(bos.signed_in(), ["alice@aol"]);
    assert_eq!(kinds(&bos.got(Side::Client)), [], "the client did not ask");
}

/// A client that lies in every field that it may send, at a server that knows it for Mallory and
/// says the rest in any order.
#[test]
fn no_lie_of_a_client_signs_it_in_as_somebody_else() {
    let mut random = Random(117);
    for _ in 0..3_000 {
        let shared = Shared::default();
        if random.below(2) == 0 {
            let issued_to = Some("mallory").filter(|_| random.below(2) == 0);
            sign_on(&shared, "ceo", issued_to);
        }
        let cookie = if random.below(2) == 0 { "cookie" } else { "another" };
        let hello = lie(&mut random).tlv(6, cookie).raw(&lie(&mut random).bytes());
        let mut bos = Line::greeted(&shared, BOS, hello);
        let mut families_told = false;
        for request in 0..12 {
            let kind = [(1, 2), (1, 0x0e), (1, 0x1e), (1, 0x0f), (1, 7), (0x17, 2), (2, 4), (3, 4)];
            let (family, subtype) = kind[random.below(kind.len())];
            let body = match random.below(3) {
                0 => lie(&mut random).bytes(),
                1 => self_info("ceo").body,
                _ => Writer::new().short("ceo").bytes(),
            };
            bos.client(&Snac::new(family, subtype, request, body));
            match random.below(4) {
                0 if !families_told => {
                    families_told = true;
                    bos.server(&Snac::new(1, 3, 0, families()));
                }
                1 => bos.server(&Snac::new(1, 7, request, &b"\0\0"[..])),
                // What others write, as a server passes it on.
                2 => bos.server(&Snac::new(2, 6, request, self_info("ceo").body)),
                _ => bos.server(&self_info("Mallory")),
            }
            let _ = bos.gateway.input(Input::Tick);
        }
        let wrong: Vec<_> = bos.signed_in().into_iter().filter(|n| n != "mallory@aol").collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert!(bos.signed_in().len() <= 1);
    }
}

/// Every TLV that could name somebody.
fn lie(random: &mut Random) -> Writer {
    (0..random.below(4))
        .fold(Writer::new(), |w, _| w.tlv([1, 3, 0x11, 0x4b, 0x5a][random.below(5)], "ceo"))
}

#[test]
fn a_client_takes_texts_when_it_is_ready_and_has_its_list() {
    let mut scene = Scene::accepted(LIBPURPLE, Roster::default());
    assert!(!scene.gateway.takes_texts(), "before 01/02");
    scene.client(Snac::new(0x13, 4, 8, Bytes::new()));
    scene.server(Snac::new(0x13, 6, 8, list(Vec::new())));
    scene.client(Snac::new(0x13, 7, 9, Bytes::new()));
    assert!(!scene.gateway.takes_texts());
    scene.client(Snac::new(1, 2, 10, Bytes::new()));
    assert!(scene.gateway.takes_texts());
}
