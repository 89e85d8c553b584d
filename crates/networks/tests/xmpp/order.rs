//! The steps of a sign-on in any order, and connections that break anywhere in it: what comes of
//! them is the same.

use crate::common::Random;
use crate::played::{Client, Server};
use crate::scene::*;

/// Event after Ann's client has asked for a session; each once, in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Steps of the client.
    Session,
    Roster,
    Presence,
    Carbons,
    Lists,
    Management,
    ToAlice,
    ToBen,
    /// The server says what is next.
    Answer,
    /// Ben says something.
    Relayed,
    /// Steps of the gateway.
    Contacts,
    Text,
    Request,
    /// Some seconds pass.
    Pause,
}

const STEPS: [Step; 21] = {
    use Step::{
        Answer, Carbons, Contacts, Lists, Management, Pause, Presence, Relayed, Request, Roster,
        Session, Text, ToAlice, ToBen,
    };
    [
        Session, Roster, Presence, Carbons, Lists, Management, ToAlice, ToBen, Relayed, Contacts,
        Text, Request, Pause, Answer, Answer, Answer, Answer, Answer, Answer, Answer, Pause,
    ]
};

/// A client's stanza for a step.
fn said(step: Step) -> Option<&'static str> {
    Some(match step {
        Step::Session => {
            "<iq type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>"
        }
        Step::Roster => "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>",
        Step::Presence => "<presence/>",
        Step::Carbons => "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>",
        Step::Lists => "<iq type='get' id='p'><query xmlns='jabber:iq:privacy'/></iq>",
        Step::Management => "<enable xmlns='urn:xmpp:sm:3' resume='true'/>",
        Step::ToAlice => {
            "<message to='alice@aol' type='chat' id='m1'><body>to alice</body></message>"
        }
        Step::ToBen => "<message to='ben@chat.test' type='chat'><body>to ben</body></message>",
        _ => return None,
    })
}

/// Everything that the gateway has for Ann, or has of her.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools)]
struct Router {
    is_in: bool,
    knows_contacts: bool,
    given_contacts: bool,
    texts: Vec<&'static str>,
    /// Somebody asks for consent; Ann was asked in this session.
    asks: bool,
    asked: bool,
    sent: usize,
    online: bool,
}

struct Play {
    scene: Scene,
    client: Client,
    server: Server,
    router: Router,
    /// Number of stanzas that a client that is cut off has not come to.
    lost: usize,
}

impl Play {
    fn new() -> Self {
        let mut scene = Scene::new();
        scene.authenticate("ann");
        let (client, server, router) = Default::default();
        let mut play = Self { scene, client, server, router, lost: 0 };
        play.say(BIND, usize::MAX);
        play
    }

    /// The client says a stanza, of which so much comes before the connection breaks.
    fn say(&mut self, stanza: &str, until: usize) {
        self.client.says(stanza);
        self.client.is_cut |= until < stanza.len();
        self.scene.client(&stanza[..until.min(stanza.len())]);
        self.settle();
    }

    /// Everybody takes what came.
    fn settle(&mut self) {
        loop {
            for event in self.scene.events() {
                match event {
                    Event::SignedIn { .. } => self.router.is_in = true,
                    Event::Presence(presence) => self.router.online = presence.is_online(),
                    Event::Send(said) => self.router.sent += usize::from(said.body.is_said()),
                    other => panic!("{other:?}"),
                }
            }
            let (told, asked) = self.scene.sent();
            self.client.take(&told, self.lost);
            self.server.take(&asked);
            if told.is_empty() && asked.is_empty() && !self.give() {
                return;
            }
            for answer in std::mem::take(&mut self.client.answers) {
                self.client.says(&answer);
                self.scene.client(&answer);
            }
        }
    }

    /// The router gives what it has, when it may.
    fn give(&mut self) -> bool {
        let router = &mut self.router;
        if router.is_in && router.knows_contacts && !router.given_contacts {
            router.given_contacts = true;
            self.scene.give(Input::Roster(alice()));
            self.scene.presence("alice@aol", Presence::available());
        } else if router.given_contacts && router.asks && !router.asked {
            router.asked = true;
            self.scene.deliver("zed@zed.test@msn", Body::Contact(Consent::Request("".into())));
        } else if self.scene.engine.takes_texts()
            && let Some(text) = router.texts.pop()
        {
            self.scene.deliver("alice@aol", Body::Text { text: text.into(), auto: false });
        } else {
            return false;
        }
        true
    }

    fn step(&mut self, step: Step, until: usize) {
        match step {
            Step::Answer => {
                if let Some(answer) = self.server.next() {
                    self.scene.server(&answer[..until.min(answer.len())]);
                }
            }
            Step::Relayed => self.server.relay("from ben"),
            Step::Contacts => self.router.knows_contacts = true,
            Step::Text => self.router.texts.push("from alice"),
            Step::Request => self.router.asks = true,
            Step::Pause => self.scene.later(Duration::from_secs(2)),
            _ => return self.say(said(step).unwrap(), until),
        }
        self.settle();
    }

    /// The connection breaks, and another takes its place; the session goes on where it can.
    fn reconnect(&mut self) {
        self.scene.give(Input::Closed(Side::Client));
        self.scene.events();
        self.lost = 0;
        let mut next = Scene::with(&self.scene.registry, &[]);
        next.now = self.scene.now;
        next.authenticate("ann");
        self.scene = next;
        let Router { texts, sent, asks, knows_contacts, .. } = std::mem::take(&mut self.router);
        self.router = Router { knows_contacts, texts, asks, sent, ..Router::default() };
        self.client.reconnected();
        self.server.reconnected(self.client.session.is_some());
        if let Some(session) = self.client.session.clone() {
            let h = self.client.handled;
            self.scene
                .client(&format!("<resume xmlns='urn:xmpp:sm:3' previd='{session}' h='{h}'/>"));
            self.settle();
            self.answer_all();
        }
        let repeats = self.client.repeats();
        if self.client.resumed != Some(true) {
            self.say(BIND, usize::MAX);
            self.answer_all();
            self.step(Step::Roster, usize::MAX);
            self.step(Step::Presence, usize::MAX);
        }
        for said in repeats {
            self.say(&said, usize::MAX);
        }
    }

    fn answer_all(&mut self) {
        while let Some(answer) = self.server.next() {
            self.scene.server(&answer);
            self.settle();
            // What the gateway decides comes to the engine with whatever is next.
            self.scene.give(Input::Tick);
            self.settle();
        }
    }

    /// Waits until nothing is waited for any more, and looks at what became of everything. Of what
    /// the client said nothing is lost either, unless it knew no way to hear that it was.
    fn check(mut self, is_sure: bool, told: &str) {
        self.answer_all();
        for _ in 0..10 {
            self.scene.later(Duration::from_secs(2));
            self.settle();
            self.answer_all();
        }
        let listed: Vec<_> = self.client.listed.iter().map(|(jid, n)| (&jid[..], *n)).collect();
        assert_eq!(listed, [("alice@aol", 1), ("ben@chat.test", 1)], "listed: {told}");
        let texts: Vec<_> = self.client.texts.iter().map(|(text, n)| (&text[..], *n)).collect();
        assert_eq!(texts, [("from alice", 1), ("from ben", 1)], "texts: {told}");
        let said = [self.router.sent, self.server.texts];
        assert!(said == [1; 2] || (!is_sure && said <= [1; 2]), "said {said:?}: {told}");
        assert!(self.client.requests > 0, "requests: {told}");
        assert!(self.client.online.contains("alice@aol/CrossTalk"), "online: {told}");
        assert!(self.router.online, "seen: {told}");
        self.scene.presence("alice@aol", Presence::offline());
        self.settle();
        assert!(self.client.online.is_empty(), "offline: {told}");
        // Both sides count what the other said.
        if self.server.handled.is_none() {
            return;
        }
        self.say("<r xmlns='urn:xmpp:sm:3'/>", usize::MAX);
        self.scene.server("<r xmlns='urn:xmpp:sm:3'/>");
        self.settle();
        self.answer_all();
    }
}

fn some_order(random: &mut Random) -> Vec<Step> {
    let mut left = STEPS.to_vec();
    (0..STEPS.len()).map(|_| left.swap_remove(random.below(left.len()))).collect()
}

#[test]
fn whatever_the_order_of_the_steps_nothing_is_lost_and_nothing_doubled() {
    let mut random = Random(20);
    for _ in 0..3_000 {
        let order = some_order(&mut random);
        let mut play = Play::new();
        for step in &order {
            play.step(*step, usize::MAX);
        }
        play.check(true, &format!("{order:?}"));
    }
}

/// A sign-on whose connection breaks at one of its steps: behind it, or so far within what is said
/// in it; of what it is sent the client has then not come to the last of `lost` stanzas.
fn broken(order: &[Step], at: usize, (until, lost): (usize, usize), resumes: bool) -> bool {
    let mut play = Play::new();
    play.server.resumes = resumes;
    for step in &order[..at] {
        play.step(*step, usize::MAX);
    }
    let is_sure = play.client.session.is_some();
    if !play.router.is_in || (!is_sure && (until, lost) != (usize::MAX, 0)) {
        return false;
    }
    play.lost = lost;
    play.step(order[at], until);
    play.reconnect();
    let goes_on = play.client.resumed == Some(true);
    for step in &order[at + 1..] {
        use Step::{Carbons, Lists, Management, Presence, Roster, Session};
        let is_of_sign_on =
            matches!(step, Carbons | Lists | Management | Presence | Roster | Session);
        if goes_on || !is_of_sign_on {
            play.step(*step, usize::MAX);
        }
    }
    play.check(is_sure, &format!("{order:?} until {at}, {until}, {lost}, {resumes}"));
    true
}

#[test]
fn a_connection_that_breaks_at_any_stanza_loses_and_doubles_nothing() {
    let mut random = Random(21);
    let mut tried = 0;
    for round in 0..150 {
        let order = some_order(&mut random);
        for at in 0..order.len() {
            tried += usize::from(broken(&order, at, (usize::MAX, 0), round % 2 == 0));
        }
    }
    assert!(tried > 1_000, "{tried}");
}

#[test]
fn a_connection_that_breaks_at_any_byte_loses_and_doubles_nothing() {
    let mut random = Random(22);
    let mut tried = 0;
    while tried < 1_000 {
        let order = some_order(&mut random);
        let (at, cut) = (random.below(order.len()), (random.below(200), random.below(5)));
        tried += usize::from(broken(&order, at, cut, random.below(2) == 0));
    }
}
