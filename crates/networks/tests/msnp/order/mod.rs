//! The steps of a sign-on in any order, and connections that break at any point of it: what comes
//! of them is the same.

mod client;

use std::collections::VecDeque;

use self::client::{Client, contacts, lines, memberships};
use super::address_book::{answer, request};
use super::*;
use crate::common::{Random, Shared};

const EVE: &str = "eve@x.org";
const SAID: &str = "said meanwhile";

/// Something that happens while Mary signs on; each once, in any order that can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// SYN or, since MSNP13, the ADL that a client begins with.
    AsksList,
    /// The next line of what the server says to it.
    Line,
    /// Requests for the memberships and the address book since MSNP13, and what is said to them.
    AsksMembers,
    ToldMembers,
    AsksContacts,
    ToldContacts,
    /// CHG, and what the server says to it.
    AsksStatus,
    ToldStatus,
    /// The gateway gives the foreign contacts.
    Contacts,
    Text,
    Presence,
    /// A second passes.
    Pause,
}

/// A client, its server and the router, around the engines of one person.
struct Play {
    version: u32,
    shared: Shared,
    ns: Gateway,
    soap: Option<Gateway>,
    talks: Vec<Gateway>,
    client: Client,
    lines: VecDeque<String>,
    /// Envelopes that the router has for the person and that were not taken yet, and those given
    /// back to it.
    mail: Vec<Envelope>,
    kept: Vec<Envelope>,
    /// Number of times that a person's text was shown.
    shown: usize,
}

impl Play {
    fn new(version: u32, roster: Option<Roster>) -> Self {
        let shared = Shared::default();
        let ns = Self::sign_on(version, &shared, roster);
        Self {
            version,
            shared,
            ns,
            soap: None,
            talks: Vec::new(),
            client: Client::default(),
            lines: lines(version),
            mail: Vec::new(),
            kept: Vec::new(),
            shown: 0,
        }
    }

    fn sign_on(version: u32, shared: &Shared, roster: Option<Roster>) -> Gateway {
        let mut ns = Gateway::new(&Msnp, shared, roster);
        client(&mut ns, &format!("VER 1 MSNP{version} CVR0"));
        server(&mut ns, &format!("VER 1 MSNP{version}"));
        client(&mut ns, "USR 4 TWN S t=4cb93a44e8b5e3a4&p=");
        server(&mut ns, "USR 4 OK mary@hotmail.com Mary 1 0");
        ns.take(Side::Client);
        ns
    }

    /// Connection that a step writes to, the side, and the bytes.
    fn bytes_of(&mut self, step: Step) -> Option<(bool, Side, Vec<u8>)> {
        let syn = match self.version {
            ..10 => "SYN 5 0\r\n".to_owned(),
            10..13 => "SYN 5 0 0\r\n".to_owned(),
            _ => with_payload("ADL 5", "<ml l=\"1\"></ml>"),
        };
        let chg = if self.version < 8 { "CHG 6 NLN\r\n" } else { "CHG 6 NLN 0\r\n" };
        let (soap, side, text) = match step {
            Step::AsksList => (false, Side::Client, syn),
            Step::Line => (false, Side::Server, self.lines.pop_front().unwrap() + "\r\n"),
            Step::AsksStatus => (false, Side::Client, chg.to_owned()),
            Step::ToldStatus => (false, Side::Server, chg.to_owned()),
            Step::AsksMembers => (true, Side::Client, request("FindMembership", "")),
            Step::ToldMembers => (true, Side::Server, answer("FindMembership", &memberships())),
            Step::AsksContacts => (true, Side::Client, request("ABFindContactsPaged", "")),
            Step::ToldContacts => (true, Side::Server, answer("ABFindContactsPaged", &contacts())),
            _ => return None,
        };
        Some((soap, side, text.into_bytes()))
    }

    fn step(&mut self, step: Step) {
        if let Some((to_soap, side, bytes)) = self.bytes_of(step) {
            self.write(to_soap, side, &bytes);
        }
        match step {
            Step::Contacts => {
                self.ns.input(Input::Roster(listed())).unwrap();
                self.pump();
            }
            Step::Text => self.say(SAID),
            Step::Presence => show_presence(&mut self.ns, Presence::available()),
            Step::Pause => self.wait(),
            _ => {}
        }
        self.pump();
    }

    /// Writes to a connection as one side.
    fn write(&mut self, to_soap: bool, side: Side, bytes: &[u8]) {
        let shared = &self.shared;
        let to = if to_soap {
            self.soap.get_or_insert_with(|| Gateway::new(&Msnp, shared, None))
        } else {
            &mut self.ns
        };
        to.bytes(side, bytes).unwrap();
    }

    fn say(&mut self, words: &str) {
        let (to, sent_at) = ("mary@hotmail.com@msn".parse().unwrap(), self.ns.now.wall);
        let body = says(words);
        self.mail.push(Envelope {
            id: EnvelopeId(77),
            from: bob(),
            to,
            sent_at,
            body,
            details: None,
        });
        self.pump();
    }

    fn wait(&mut self) {
        let others = self.talks.iter_mut().chain(&mut self.soap);
        for gateway in std::iter::once(&mut self.ns).chain(others) {
            // What waits for another connection is looked for in short steps.
            for _ in 0..20 {
                gateway.wait(Duration::from_millis(50));
            }
        }
        self.pump();
    }

    /// Plays the router for what people say, and the client for what it is told.
    fn pump(&mut self) {
        if self.ns.takes_texts() {
            for envelope in std::mem::take(&mut self.mail) {
                self.ns.input(Input::Deliver(envelope)).unwrap();
            }
        }
        // The client takes what each says before the other hears of it.
        for _ in 0..4 {
            self.ns.hear();
            let told = self.ns.take(Side::Client);
            self.client.take(self.version, &told);
            if let Some(soap) = &mut self.soap {
                soap.hear();
                let told = text(soap.take(Side::Client));
                self.client.reads(&told);
            }
        }
        self.kept.append(&mut self.ns.held);
        for ring in std::mem::take(&mut self.client.rings) {
            let words: Vec<&str> = ring.split(' ').collect();
            let mut talk = Gateway::new(&Msnp, &self.shared, None);
            client(&mut talk, &format!("ANS 1 mary@hotmail.com {} {}", words[4], words[1]));
            settle(&mut self.ns, &mut talk);
            self.talks.push(talk);
        }
        for talk in &mut self.talks {
            let here =
                |e: &Event| matches!(e, Event::Converse { with, .. } if with.contains(&bob()));
            if talk.events.iter().any(here) {
                for envelope in std::mem::take(&mut self.kept) {
                    talk.input(Input::Deliver(envelope)).unwrap();
                }
            }
            assert!(talk.held.is_empty());
            self.shown += text(talk.take(Side::Client)).matches(SAID).count();
        }
    }

    /// The client's connections break. Whatever it was not shown is with the router.
    fn cut(self, told: &str) -> usize {
        let Self { ns, mail, kept, shown, .. } = self;
        let given_up = |e: &&Event| matches!(e, Event::Unshown(_));
        let unshown = ns.events.iter().filter(given_up).count();
        assert_eq!(mail.len() + kept.len() + shown + unshown, 1, "what is said is lost: {told}");
        shown
    }

    /// Waits until nothing is waited for any more, and looks at what became of everything.
    fn check(mut self, told: &str) {
        for _ in 0..20 {
            self.wait();
        }
        assert_eq!(self.shown, 1, "texts: {told}");
        for name in [BOB, EVE] {
            assert_eq!(self.client.listed.get(name), Some(&1), "in the list: {name}, {told}");
        }
        if self.version >= 7 {
            let work = self.client.groups.get("Work");
            assert_eq!(work, Some(&1), "groups: {told}");
        }
        assert!(self.client.online.contains(BOB), "online: {told}");
        show_presence(&mut self.ns, Presence::offline());
        self.say(SAID);
        self.wait();
        assert!(!self.client.online.contains(BOB), "offline: {told}");
        assert_eq!(self.shown, 2, "texts: {told}");
    }
}

/// Steps that have to come before a step.
const fn needs(step: Step) -> &'static [Step] {
    match step {
        // A client goes online when it has asked for its list.
        Step::Line | Step::AsksStatus => &[Step::AsksList],
        Step::ToldStatus => &[Step::AsksStatus],
        Step::ToldMembers | Step::AsksContacts => &[Step::AsksMembers],
        // Answers come in the order of the requests.
        Step::ToldContacts => &[Step::AsksContacts, Step::ToldMembers],
        _ => &[],
    }
}

/// Some order of the steps in which each comes behind what it needs.
fn some_order(version: u32, random: &mut Random) -> Vec<Step> {
    let mut left = vec![
        Step::AsksList,
        Step::AsksStatus,
        Step::ToldStatus,
        Step::Contacts,
        Step::Text,
        Step::Presence,
        Step::Pause,
        Step::Pause,
    ];
    left.extend(lines(version).iter().map(|_| Step::Line));
    if version >= 13 {
        left.extend([Step::AsksMembers, Step::ToldMembers, Step::AsksContacts, Step::ToldContacts]);
    }
    let mut order: Vec<Step> = Vec::new();
    while !left.is_empty() {
        let at = random.below(left.len());
        if needs(left[at]).iter().all(|needed| order.contains(needed)) {
            order.push(left.swap_remove(at));
        }
    }
    order
}

#[test]
fn whatever_the_order_of_the_steps_nothing_is_lost_and_nothing_doubled() {
    let mut random = Random(13);
    for round in 0..5_000 {
        let version = 2 + round % 17;
        let order = some_order(version, &mut random);
        let early = random.below(2) == 0;
        let told = format!("MSNP{version}, contacts early: {early}, {order:?}");
        let mut play = Play::new(version, early.then(listed));
        for step in order.iter().filter(|step| !early || **step != Step::Contacts) {
            play.step(*step);
        }
        play.check(&told);
    }
}

#[test]
fn wherever_the_connection_breaks_what_is_said_is_shown_or_kept() {
    let mut random = Random(198);
    let (mut cuts, mut shown) = (0, 0);
    while cuts < 1_000 {
        for version in 2..=18 {
            let order = some_order(version, &mut random);
            for (at, step) in order.iter().enumerate() {
                // At the beginning of each command, and at some byte in it.
                for within in [false, true] {
                    let mut play = Play::new(version, None);
                    order[..at].iter().for_each(|step| play.step(*step));
                    if within && let Some((to_soap, side, bytes)) = play.bytes_of(*step) {
                        play.write(to_soap, side, &bytes[..random.below(bytes.len())]);
                        play.pump();
                    }
                    if !order[..at].contains(&Step::Text) {
                        play.say(SAID);
                    }
                    shown += play.cut(&format!("MSNP{version}, {at} of {order:?}"));
                    cuts += usize::from(within);
                }
            }
        }
    }
    assert!(shown > 100, "{shown} of {cuts}");
}
