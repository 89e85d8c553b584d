//! Answers in a server's place, compared with those of a server that others wrote: see
//! `tests/recorded/oscar.py`. Names and numbers differ, and nothing else.

use std::fs;
use std::path::Path;

use crosstalk_core::{Availability, Body, Contact, Presence, Typing, UnixMillis};
use crosstalk_networks::oscar::wire::user::AWAY;
use crosstalk_networks::oscar::wire::{Reader, Snac, UserInfo, Writer, tlvs};

use crate::scene::*;

/// Scenes in which something else is right, and why.
const OTHERS: [(&str, &str); 3] = [
    ("a message to one who is not", "it is kept, as those that are to be kept"),
    ("a group is added", "the server is told and answers itself"),
    ("details of nobody", "nobody foreign has a number without having asked for something"),
];

/// One scene of the recording: what the client said, and what it was answered.
struct Recorded {
    title: String,
    said: Option<(u16, u16, String)>,
    answers: Vec<(u16, u16, String)>,
}

fn recorded() -> Vec<Recorded> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recorded/oscar/answers.txt");
    let mut scenes: Vec<Recorded> = Vec::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let (mark, rest) = line.split_at(2);
        if mark == "= " {
            scenes.push(Recorded { title: rest.to_owned(), said: None, answers: Vec::new() });
        } else if mark != "# " {
            let (kind, body) = rest.split_once(' ').unwrap_or((rest, ""));
            let (family, subtype) = kind.split_once('/').unwrap();
            let number = |digits| u16::from_str_radix(digits, 16).unwrap();
            let snac = (number(family), number(subtype), body.to_owned());
            let scene = scenes.last_mut().unwrap();
            match mark {
                "> " => scene.said = Some(snac),
                _ => scene.answers.push(snac),
            }
        }
    }
    scenes
}

/// Names of the people who stand for those of the recording.
fn name(who: &str) -> &'static str {
    match who {
        "there" => BOB,
        "away" => "eve@far-oscar.xt",
        "gone" => "dan@far-oscar.xt",
        "nobody" => "x@nowhere.xt",
        _ => "AliceTB",
    }
}

/// The bytes of a body: digits, and names behind their lengths.
fn bytes(body: &str) -> Vec<u8> {
    let words = body.split(' ').filter(|word| !word.is_empty());
    let written = words.fold(Writer::new(), |w, word| match word.split_once(':') {
        Some(("s", who)) => w.short(name(who)),
        Some(("l", who)) => w.long(name(who)),
        Some((_, who)) => w.raw(name(who).as_bytes()),
        None => {
            let digits = word.as_bytes().chunks(2);
            let digit = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            w.raw(&digits.map(digit).collect::<Vec<_>>())
        }
    });
    written.bytes().to_vec()
}

/// Alice, with one who is there, one who is away, and one who is not there unless the scene is
/// about adding him.
fn scene(title: &str) -> Scene {
    let contact = |name: &str| {
        let contact = Contact::new(name.parse().unwrap(), format!("{name}.xt"));
        Contact { listed: true, groups: vec!["Friends".into()], ..contact }
    };
    let mut contacts = vec![bob(&["Friends"]), contact("eve@far-oscar")];
    if !title.contains("buddy") && !title.contains("denied") {
        contacts.push(contact("dan@far-oscar"));
    }
    let mut scene = Scene::online(OFFICIAL, friends(), roster(contacts));
    let since = Some(UnixMillis(scene.gateway.now.wall.0 - 1_000));
    let there = Presence { online_since: since, ..Presence::available() };
    let away = Presence { show: Availability::Away, text: "away".into(), ..there.clone() };
    scene.presence(there);
    scene.presence_of("eve@far-oscar", away);
    scene.forget();
    scene
}

/// Parts of an answer that are compared: of people whether they are away and which fields they
/// have, of all else everything.
fn compared(snac: &Snac) -> (String, Vec<u8>, Vec<u16>) {
    let kind = format!("{:02x}/{:02x}", snac.family, snac.subtype);
    let mut reader = Reader::new(&snac.body);
    match snac.kind() {
        (2, 6) | (3, 0x0b | 0x0c) | (4, 7) => {
            if snac.family == 4 {
                reader.take(8).unwrap();
                assert_eq!(reader.u16(), Ok(1));
            }
            let info = UserInfo::read(&mut reader).unwrap();
            let class = info.tlv(1).map_or(0, |class| u16::from_be_bytes([class[0], class[1]]));
            let name = String::from_utf8_lossy(info.name).to_lowercase();
            let mut kinds: Vec<u16> = tlvs(info.tlvs).map(|(kind, _)| kind).collect();
            kinds.extend(tlvs(reader.rest()).map(|(kind, _)| 0x100 + kind));
            (kind, [name.as_bytes(), &(class & AWAY).to_be_bytes()].concat(), kinds)
        }
        // A directory entry may be empty.
        (2, 0x0c) => (kind, snac.body[..2].to_vec(), Vec::new()),
        (4, 0x14) => (kind, snac.body[8..].to_vec(), Vec::new()),
        _ => (kind, snac.body.to_vec(), Vec::new()),
    }
}

fn play(recorded: &Recorded) -> Vec<Snac> {
    let title = &recorded.title;
    let mut scene = scene(title);
    if ["a buddy is added twice", "a buddy is renamed", "a buddy is removed"].contains(&&title[..])
    {
        let item = Writer::new().long(name("gone")).u16(1).u16(2).u16(0).u16(0).bytes();
        scene.client(Snac::new(0x13, 8, 7, item));
        scene.forget();
    }
    match (&recorded.said, &title[..]) {
        (Some((family, subtype, body)), _) => {
            scene.client(Snac::new(*family, *subtype, 8, bytes(body)));
        }
        (None, "one says something") => {
            scene.deliver("bob@far-oscar", Body::Text { text: "hi".into(), auto: false });
        }
        (None, "one answers on its own") => {
            scene.deliver("bob@far-oscar", Body::Text { text: "hi".into(), auto: true });
        }
        (None, "one types") => scene.deliver("bob@far-oscar", Body::Typing(Typing::Active)),
        (None, "one goes") => scene.presence(Presence::offline()),
        (None, other) => panic!("{other}"),
    }
    assert_eq!(scene.server_got(), [], "{title}");
    scene.client_news()
}

#[test]
fn answers_are_those_of_a_server() {
    let scenes = recorded();
    assert!(scenes.len() > 40, "{}", scenes.len());
    for recorded in &scenes {
        let title = &recorded.title;
        if OTHERS.iter().any(|(other, _)| other == title) {
            continue;
        }
        let ours = play(recorded);
        let servers =
            recorded.answers.iter().filter(|(family, kind, _)| (*family, *kind) != (1, 0x0a));
        let servers: Vec<Snac> =
            servers.map(|(family, kind, body)| Snac::new(*family, *kind, 8, bytes(body))).collect();
        assert_eq!(kinds(&ours), kinds(&servers), "{title}");
        for (ours, servers) in ours.iter().zip(&servers) {
            let (ours, servers) = (compared(ours), compared(servers));
            assert_eq!((&ours.0, &ours.1), (&servers.0, &servers.1), "{title}");
            // More may be said of a person than the server did.
            let mut rest = ours.2.iter();
            let in_order = servers.2.iter().all(|kind| rest.any(|ours| ours == kind));
            assert!(in_order, "{title}: {:x?} for {:x?}", ours.2, servers.2);
        }
    }
}
