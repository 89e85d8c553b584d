//! The steps of a sign-on in any order: what comes of them is the same.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use crosstalk_core::{Availability, Body, Input, Presence, Roster};
use crosstalk_networks::oscar::wire::item::List;
use crosstalk_networks::oscar::wire::user::{AWAY, CLASSES};
use crosstalk_networks::oscar::wire::{Class, Item, ItemId, Reader, Snac, UserInfo, Writer};

use crate::common::Random;
use crate::scene::*;

/// Event while Alice signs on; each once, in any order that can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// 01/02.
    Ready,
    /// 01/0e, and what the server says to it.
    AsksWho,
    ToldWho,
    /// 13/02, and what the server says to it.
    AsksRules,
    ToldRules,
    /// 13/04 or 13/05, and what the server says to it.
    AsksList,
    ToldList,
    /// 13/07.
    UsesList,
    /// The gateway gives the foreign contacts.
    Contacts,
    Text,
    Presence,
    /// Some seconds pass.
    Pause,
}

/// Step that has to come before a step.
const fn needs(step: Step) -> Option<Step> {
    Some(match step {
        Step::ToldWho => Step::AsksWho,
        Step::ToldRules => Step::AsksRules,
        Step::ToldList => Step::AsksList,
        Step::UsesList => Step::ToldList,
        Step::Contacts | Step::Text | Step::Presence => Step::ToldWho,
        _ => return None,
    })
}

/// Use of the feedbag by a client and a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feedbag {
    /// 13/04, answered with the list.
    Asked,
    /// 13/05, answered with the list.
    Cached,
    /// 13/04, and the server never answers.
    Silent,
    /// The client keeps its list itself and names Bob in 03/04.
    Old,
}

/// State of a client after what it was sent.
#[derive(Debug, Default)]
struct Client {
    items: BTreeMap<ItemId, Item>,
    online: BTreeSet<String>,
    /// Whether each arrival of Bob's said that he is away.
    arrivals: Vec<bool>,
    texts: usize,
}

impl Client {
    /// Takes SNACs in order. Arrivals of those who are not in the list mean nothing to it.
    fn take(&mut self, snacs: &[Snac], watched: bool) {
        for snac in snacs {
            match snac.kind() {
                (0x13, 6) => {
                    let list = List::parse(&snac.body).unwrap();
                    list.items.into_iter().for_each(|item| self.put(item));
                }
                (0x13, 8 | 9) => items(snac).into_iter().for_each(|item| self.put(item)),
                (0x13, 0x0a) => items(snac).iter().for_each(|item| self.forget(item)),
                (3, 0x0b) => {
                    let name = name_in(&snac.body);
                    if watched || self.lists(&name) > 0 {
                        self.arrivals.push(is_away(&snac.body));
                        self.online.insert(name);
                    }
                }
                (3, 0x0c) => drop(self.online.remove(&name_in(&snac.body))),
                // Some say nothing, and are not shown.
                (4, 7) if snac.body.windows(5).any(|w| w == b"said ") => self.texts += 1,
                _ => {}
            }
        }
    }

    fn put(&mut self, item: Item) {
        self.items.insert(item.id, item);
    }

    /// Somebody who is taken out of the list is not known to be online any more.
    fn forget(&mut self, item: &Item) {
        self.items.remove(&item.id);
        self.online.retain(|name| name.as_bytes() != item.name);
    }

    fn lists(&self, name: &str) -> usize {
        let is_it = |item: &&Item| item.class == Class::Buddy && item.name == name.as_bytes();
        self.items.values().filter(is_it).count()
    }
}

fn is_away(body: &[u8]) -> bool {
    let info = UserInfo::read(&mut Reader::new(body)).unwrap();
    let classes = Reader::new(info.tlv(CLASSES).unwrap()).u16().unwrap();
    classes & AWAY != 0
}

fn name_in(body: &[u8]) -> String {
    let info = UserInfo::read(&mut Reader::new(body)).unwrap();
    String::from_utf8(info.name.to_vec()).unwrap()
}

struct Play {
    scene: Scene,
    client: Client,
    feedbag: Feedbag,
    /// Requests of the client about its list, which the server answers in its time.
    asked: Vec<Snac>,
    early: bool,
}

impl Play {
    fn new(feedbag: Feedbag, early: bool) -> Self {
        let roster = early.then(|| roster([bob(&["Friends"])]));
        let mut scene = Scene::connected(LIBPURPLE, roster);
        scene.server(Snac::new(1, 3, PUSHED, &b"\0\x01\0\x04\0\x13"[..]));
        scene.forget();
        Self { scene, client: Client::default(), feedbag, asked: Vec::new(), early }
    }

    fn step(&mut self, step: Step) {
        let scene = &mut self.scene;
        let ask = |family, subtype| Snac::new(family, subtype, 8, Bytes::new());
        match step {
            Step::Ready => scene.client(ask(1, 2)),
            Step::AsksWho => scene.client(ask(1, 0x0e)),
            Step::ToldWho => scene.server(Snac::new(1, 0x0f, 8, &b"\x08Alice TB\0\0\0\0"[..])),
            Step::AsksRules => scene.client(ask(0x13, 2)),
            Step::ToldRules => scene.server(ask(0x13, 3)),
            Step::AsksList => match self.feedbag {
                Feedbag::Asked | Feedbag::Silent => scene.client(ask(0x13, 4)),
                Feedbag::Old => {
                    let names = Writer::new().short("CarolTB").short(BOB).bytes();
                    scene.client(Snac::new(3, 4, 8, names));
                }
                Feedbag::Cached => {
                    for item in friends() {
                        self.client.put(item);
                    }
                    scene.client(Snac::new(0x13, 5, 8, &b"\x6b\x02\x9b\xb7\0\x03"[..]));
                }
            },
            Step::ToldList => {}
            Step::UsesList => scene.client(ask(0x13, 7)),
            Step::Contacts if self.early => {}
            Step::Contacts => {
                let contacts = roster([bob(&["Friends"])]);
                scene.gateway.input(Input::Roster(contacts)).unwrap();
            }
            Step::Text => {
                let text = Body::Text { text: "said meanwhile".into(), auto: false };
                scene.deliver("bob@far-oscar", text);
            }
            Step::Presence => scene.presence(Presence::available()),
            Step::Pause => scene.wait(1),
        }
        self.server(step == Step::ToldList);
        self.client.take(&self.scene.client_got(), self.feedbag == Feedbag::Old);
    }

    /// Bob becomes available, or goes away.
    fn appears(&mut self, away: bool) {
        let show = if away { Availability::Away } else { Availability::Available };
        self.scene.presence(Presence { show, ..Presence::available() });
        self.client.take(&self.scene.client_got(), self.feedbag == Feedbag::Old);
    }

    /// Takes the requests about the list; the server answers when it is its turn.
    fn server(&mut self, answers: bool) {
        let got = self.scene.server_got();
        self.asked.extend(got.into_iter().filter(|snac| matches!(snac.kind(), (0x13, 4 | 5))));
        if !answers || matches!(self.feedbag, Feedbag::Silent | Feedbag::Old) {
            return;
        }
        for asked in std::mem::take(&mut self.asked) {
            self.scene.server(Snac::new(0x13, 6, asked.request, list(friends())));
        }
    }

    /// Waits until nothing is waited for any more, and looks at what became of everything.
    fn check(mut self, order: &[Step]) {
        for _ in 0..60 {
            self.scene.wait(1);
            self.client.take(&self.scene.client_got(), self.feedbag == Feedbag::Old);
        }
        let told = format!("{:?}, contacts early: {}, {order:?}", self.feedbag, self.early);
        assert_eq!(self.client.texts, 1, "texts: {told}");
        if self.feedbag != Feedbag::Old {
            assert_eq!(self.client.lists(BOB), 1, "in the list: {told}");
            let groups = self.client.items.values();
            let named = groups.filter(|i| i.class == Class::Group && i.name == "Friends");
            assert_eq!(named.count(), 1, "groups: {told}");
        }
        assert!(self.client.online.contains(BOB), "online: {told}");
        self.scene.presence(Presence::offline());
        self.scene.deliver("bob@far-oscar", Body::Text { text: "said later".into(), auto: false });
        self.client.take(&self.scene.client_got(), self.feedbag == Feedbag::Old);
        assert!(!self.client.online.contains(BOB), "offline: {told}");
        assert_eq!(self.client.texts, 2, "texts: {told}");
    }
}

/// Some order of the steps in which each comes behind what it needs.
fn some_order(random: &mut Random) -> Vec<Step> {
    use Step::{
        AsksList, AsksRules, AsksWho, Contacts, Pause, Presence, Ready, Text, ToldList, ToldRules,
        ToldWho, UsesList,
    };
    let mut left = vec![
        Ready, AsksWho, ToldWho, AsksRules, ToldRules, AsksList, ToldList, UsesList, Contacts,
        Text, Presence, Pause, Pause,
    ];
    let mut order: Vec<Step> = Vec::new();
    while !left.is_empty() {
        let at = random.below(left.len());
        if needs(left[at]).is_none_or(|needed| order.contains(&needed)) {
            order.push(left.swap_remove(at));
        }
    }
    order
}

#[test]
fn whatever_the_order_of_the_steps_nothing_is_lost_and_nothing_doubled() {
    let mut random = Random(19);
    let kinds = [Feedbag::Asked, Feedbag::Cached, Feedbag::Silent, Feedbag::Old];
    for round in 0..5_000 {
        let order = some_order(&mut random);
        let feedbag = kinds[round % kinds.len()];
        // Who has no stored list asks for no rules of it.
        let skips = |step: &Step| {
            feedbag == Feedbag::Old && matches!(step, Step::AsksRules | Step::ToldRules)
        };
        let mut play = Play::new(feedbag, random.below(2) == 0);
        for step in order.iter().filter(|step| !skips(step)) {
            play.step(*step);
        }
        play.check(&order);
    }
}

#[test]
fn a_presence_that_comes_at_any_point_is_the_one_that_is_shown_and_none_is_shown_twice() {
    let mut random = Random(23);
    let kinds = [Feedbag::Asked, Feedbag::Cached, Feedbag::Silent, Feedbag::Old];
    for round in 0..5_000 {
        let order = some_order(&mut random);
        let feedbag = kinds[round % kinds.len()];
        let early = random.below(2) == 0;
        let mut play = Play::new(feedbag, early);
        let mut said = 0;
        for step in &order {
            let skips =
                feedbag == Feedbag::Old && matches!(step, Step::AsksRules | Step::ToldRules);
            // His own presence comes behind each step from the moment on when she has signed in.
            if !skips && *step != Step::Presence {
                play.step(*step);
            }
            if order.iter().position(|s| *s == Step::ToldWho)
                <= order.iter().position(|s| s == step)
            {
                said += 1;
                play.appears(said % 2 == 1);
            }
        }
        for _ in 0..60 {
            play.scene.wait(1);
            play.client.take(&play.scene.client_got(), feedbag == Feedbag::Old);
        }
        let told = format!("{feedbag:?}, contacts early: {early}, {order:?}");
        let arrivals = &play.client.arrivals;
        assert_eq!(arrivals.last(), Some(&(said % 2 == 1)), "{told}: {arrivals:?}");
        assert!(arrivals.windows(2).all(|two| two[0] != two[1]), "{told}: {arrivals:?}");
    }
}

#[test]
fn a_client_that_is_ready_before_it_has_its_list_sees_everybody_with_it() {
    let mut scene = Scene::accepted("BitLBee", roster([bob(&["Friends"])]));
    scene.client(Snac::new(1, 2, 7, Bytes::new()));
    scene.client(Snac::new(0x13, 2, 8, Bytes::new()));
    scene.presence(Presence::available());
    scene.deliver("bob@far-oscar", Body::Text { text: "early".into(), auto: false });
    assert_eq!(scene.client_got(), []);
    scene.client(Snac::new(0x13, 4, 9, Bytes::new()));
    scene.server(Snac::new(0x13, 6, 9, list(friends())));
    assert_eq!(kinds(&scene.client_got()), [(0x13, 6), (3, 0x0b), (4, 7)]);
}

#[test]
fn a_list_that_never_comes_is_not_waited_for_for_ever() {
    for ready_first in [true, false] {
        let mut scene = Scene::accepted(LIBPURPLE, Roster::default());
        let steps = if ready_first { [(1, 2), (0x13, 4)] } else { [(0x13, 4), (1, 2)] };
        for (family, subtype) in steps {
            scene.client(Snac::new(family, subtype, 8, Bytes::new()));
        }
        scene.deliver("bob@far-oscar", Body::Text { text: "waits".into(), auto: false });
        scene.wait(14);
        assert_eq!(scene.client_got(), []);
        scene.wait(1);
        assert_eq!(kinds(&scene.client_got()), [(4, 7)], "ready first: {ready_first}");
    }
}

#[test]
fn a_list_that_comes_too_late_takes_the_place_of_what_was_pushed() {
    let mut scene = Scene::accepted(LIBPURPLE, roster([bob(&["Friends"])]));
    scene.client(Snac::new(1, 2, 7, Bytes::new()));
    scene.client(Snac::new(0x13, 4, 9, Bytes::new()));
    let mut client = Client::default();
    scene.presence(Presence::available());
    scene.wait(15);
    client.take(&scene.client_got(), false);
    assert_eq!((client.lists(BOB), client.online.len()), (1, 1));
    scene.server(Snac::new(0x13, 6, 9, list(friends())));
    client.take(&scene.client_got(), false);
    let groups: Vec<&[u8]> = client.items.values().map(|item| &item.name[..]).collect();
    assert_eq!(groups, [&b""[..], b"Friends", b"CarolTB", BOB.as_bytes()]);
    assert!(client.online.contains(BOB), "who is online is so in the list that came late");
}
