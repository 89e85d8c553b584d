//! A client that takes the gateway for its server.

use bytes::BytesMut;
use crosstalk_core::{Event, HostPort, Roster, Side, Via};
use crosstalk_networks::oscar::Oscar;
use crosstalk_networks::oscar::wire::{Channel, Frame, Snac, UserInfo, Writer, find, flap};

use crate::common::{Gateway, Shared, expects};
use crate::scene::kinds;

fn connected(shared: &Shared) -> Gateway {
    let upstream = HostPort::new("login.aim.test", 5190);
    let advertise = HostPort::new("gateway.test", 5191);
    Gateway::via(&Oscar, shared, Roster::default(), Via::Direct { upstream, advertise })
}

fn frames(gateway: &mut Gateway, to: Side) -> Vec<Frame> {
    let mut bytes = BytesMut::from(&gateway.take(to)[..]);
    std::iter::from_fn(|| Frame::take(&mut bytes).unwrap()).collect()
}

fn dialled(gateway: &Gateway) -> String {
    let [Event::Dial(host), ..] = &gateway.events[..] else { panic!("{:?}", gateway.events) };
    host.to_string()
}

fn send(gateway: &mut Gateway, from: Side, number: u16, snac: &Snac) {
    gateway.bytes(from, &flap::encode(Channel::Data, number, &snac.encode()).unwrap()).unwrap();
}

fn hello(fields: Writer) -> Vec<u8> {
    let body = Writer::new().u32(flap::VERSION).raw(&fields.bytes()).bytes();
    flap::encode(Channel::SignOn, 1, &body).unwrap().to_vec()
}

/// The client's proof of who it is.
fn response() -> Snac {
    Snac::new(0x17, 2, 0, Writer::new().tlv(1, "AliceTB").tlv(0x25, [7; 16]).bytes())
}

fn redirect(cookie: &str, host: &str) -> bytes::Bytes {
    Writer::new().tlv(1, "AliceTB").tlv(5, host).tlv(6, cookie).bytes()
}

/// User info that a server sends Alice about herself.
fn alice() -> bytes::Bytes {
    UserInfo { name: b"Alice TB", warning: 0, tlvs: &[] }.write(Writer::new()).bytes()
}

#[test]
fn the_client_is_greeted_and_sent_back_to_the_gateway_for_each_connection() {
    let shared = Shared::default();
    let mut login = connected(&shared);
    let greeting = frames(&mut login, Side::Client);
    assert_eq!(
        (greeting[0].channel, greeting[0].body()),
        (Channel::SignOn, vec![0, 0, 0, 1].into())
    );
    login.bytes(Side::Client, &hello(Writer::new())).unwrap();
    assert_eq!(dialled(&login), "login.aim.test:5190");
    assert_eq!(frames(&mut login, Side::Server)[0].channel, Channel::SignOn);
    login
        .bytes(Side::Server, &flap::encode(Channel::SignOn, 0x64, &[0, 0, 0, 1]).unwrap())
        .unwrap();
    assert!(login.take(Side::Client).is_empty(), "the server's greeting is swallowed");
    send(&mut login, Side::Client, 2, &response());
    let answer = Snac::new(0x17, 3, 2, redirect("bos-cookie", "bos.aim.test:5190"));
    send(&mut login, Side::Server, 0x65, &answer);
    let got = frames(&mut login, Side::Client);
    assert_eq!(got[0].sequence, greeting[0].sequence + 1, "numbers go on from the greeting");
    let fields = got[0].body().slice(Snac::HEADER..);
    assert_eq!(find(&fields, 5), Some(&b"gateway.test:5191"[..]));
    assert_eq!(find(&fields, 6), Some(&b"bos-cookie"[..]));

    let mut bos = connected(&shared);
    bos.bytes(Side::Client, &hello(Writer::new().tlv(6, "bos-cookie"))).unwrap();
    assert_eq!(dialled(&bos), "bos.aim.test:5190");
    bos.bytes(Side::Server, &flap::encode(Channel::SignOn, 7, &[0, 0, 0, 1]).unwrap()).unwrap();
    send(&mut bos, Side::Server, 8, &Snac::new(1, 7, 4, &b"\0\0"[..]));
    assert_eq!(bos.events.len(), 1, "nobody signs in before the server says who it is");
    send(&mut bos, Side::Server, 9, &Snac::new(1, 0x0f, 6, alice()));
    let Event::SignedIn { user, .. } = &bos.events[1] else { panic!("{:?}", bos.events) };
    assert_eq!(user.name().to_string(), "alicetb@aol");
    let service = Writer::new().tlv(0x0d, [0, 0x10]).raw(&redirect("icons", "icons.aim.test"));
    send(&mut bos, Side::Server, 10, &Snac::new(1, 5, 5, service.bytes()));
    let got = frames(&mut bos, Side::Client);
    let fields = got[3].body().slice(Snac::HEADER..);
    assert_eq!(find(&fields, 5), Some(&b"gateway.test:5191"[..]));

    let mut icons = connected(&shared);
    icons.bytes(Side::Client, &hello(Writer::new().tlv(6, "icons"))).unwrap();
    assert_eq!(dialled(&icons), "icons.aim.test:5190");
    icons.bytes(Side::Server, &flap::encode(Channel::SignOn, 3, &[0, 0, 0, 1]).unwrap()).unwrap();
    send(&mut icons, Side::Server, 4, &Snac::new(1, 3, 0, &b"\0\x10"[..]));
    let got = frames(&mut icons, Side::Client);
    assert_eq!(got[1].sequence, got[0].sequence + 1);
}

#[test]
fn a_roasted_sign_on_is_redirected_too() {
    let shared = Shared::default();
    let mut login = connected(&shared);
    let roasted = Writer::new().tlv(1, "carolTB").tlv(2, [0x84, 0x54]).tlv(3, "AOL 3.0");
    login.bytes(Side::Client, &hello(roasted)).unwrap();
    login.bytes(Side::Server, &flap::encode(Channel::SignOn, 1, &[0, 0, 0, 1]).unwrap()).unwrap();
    let last = flap::encode(Channel::SignOff, 2, &redirect("cookie", "bos.aim.test:5190")).unwrap();
    login.bytes(Side::Server, &last).unwrap();
    let got = frames(&mut login, Side::Client);
    assert_eq!(got[1].channel, Channel::SignOff);
    assert_eq!(find(&got[1].body(), 5), Some(&b"gateway.test:5191"[..]));
}

#[test]
fn through_a_proxy_redirects_stay_and_are_expected() {
    let shared = Shared::default();
    let mut login = Gateway::new(&Oscar, &shared, Roster::default());
    login.bytes(Side::Client, &hello(Writer::new())).unwrap();
    send(&mut login, Side::Client, 2, &response());
    let answer = Snac::new(0x17, 3, 2, redirect("cookie", "bos.aim.test:5190"));
    send(&mut login, Side::Server, 1, &answer);
    assert!(expects(&shared, &HostPort::new("bos.aim.test", 5190)));
    assert!(!login.altered());
    let got: Vec<Snac> = frames(&mut login, Side::Client)
        .iter()
        .map(|frame| Snac::parse(&frame.body()).unwrap())
        .collect();
    assert_eq!(kinds(&got), [(0x17, 3)]);
}

#[test]
fn toc_passes_where_the_operator_says_so_and_is_refused_elsewhere() {
    let first = b"FLAPON\r\n\r\n";
    let mut refused = connected(&Shared::default());
    assert!(refused.bytes(Side::Client, first).is_err());
    let signon = hello(Writer::new().raw(b"\0\x01\0\x05alice"));
    let word = flap::encode(Channel::Data, 2, b"toc_send_im bob@far-oscar.xt hi\0").unwrap();
    for size in [1, 3, 1_000] {
        let via = Via::Direct {
            upstream: HostPort::new("toc.aim.test", 9898),
            advertise: HostPort::new("gateway.test", 5191),
        };
        let shared = Shared::default();
        let mut toc = Gateway::with_options(&Oscar, &shared, None, via, &["toc"]);
        let said = [&first[..], &signon, &word].concat();
        for part in said.chunks(size) {
            toc.bytes(Side::Client, part).unwrap();
        }
        assert_eq!(dialled(&toc), "toc.aim.test:9898");
        assert_eq!(toc.take(Side::Server), said, "byte for byte");
        toc.bytes(Side::Server, &flap::encode(Channel::SignOn, 9, &[0, 0, 0, 1]).unwrap()).unwrap();
        toc.bytes(Side::Server, &flap::encode(Channel::Data, 10, b"CONFIG:\0").unwrap()).unwrap();
        let got = frames(&mut toc, Side::Client);
        assert_eq!((got.len(), got[1].sequence), (2, got[0].sequence + 1), "one greeting");
        assert_eq!(got[1].body()[..], b"CONFIG:\0"[..]);
    }
}
