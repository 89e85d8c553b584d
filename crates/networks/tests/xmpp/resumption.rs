//! Sessions that go on over another connection, and those who would like to have them.

use crate::acks::managed;
use crate::scene::*;
use crosstalk_core::{EnvelopeId, Failure, RichText};

pub const RESUME: &str = "<resume xmlns='urn:xmpp:sm:3' previd='sm1' h='2'/>";
pub const RESUMED: &str = "<resumed xmlns='urn:xmpp:sm:3' previd='sm1' h='0'/>";

/// State after [`managed`] in which Alice's message "three" did not reach Ann's client.
fn lost() -> Scene {
    let mut scene = managed();
    scene.presence("alice@aol", Presence::available());
    let three = Body::Text { text: RichText::plain("three"), auto: false };
    let three = scene.envelope("alice@aol", "ann@chat.test@jabber", three);
    scene.give(Input::Deliver(Envelope { id: EnvelopeId(3), ..three }));
    scene.give(Input::Closed(Side::Client));
    assert!(matches!(&scene.events()[..], [Event::SignedOut]));
    scene
}

/// Another connection of the same gateway, on which `name` is authenticated.
pub fn another(scene: &Scene, name: &str) -> Scene {
    let mut next = Scene::with(&scene.registry, &[]);
    next.authenticate(name);
    next
}

#[test]
fn a_lost_session_goes_on_over_a_new_connection() {
    let mut next = another(&lost(), "ann");
    next.client(RESUME);
    assert_eq!(next.to(Side::Server), RESUME.replace("h='2'", "h='1'"));
    next.server(RESUMED);
    assert_eq!(next.sent(), (String::new(), String::new()), "the gateway has not let her in yet");
    assert_eq!(next.signed_in(), ["ann@chat.test@jabber/r"]);
    next.give(Input::Tick);
    let seen = next.to(Side::Client);
    assert!(
        seen.starts_with("<resumed xmlns='urn:xmpp:sm:3' previd='sm1' h='1'/><presence"),
        "{seen}"
    );
    assert!(seen.contains("<body>three</body>") && !seen.contains("<body>one</body>"), "{seen}");
    assert!(matches!(&next.events()[..], [Event::Presence(p)] if p.is_online()));
    next.client("<message to='ben@chat.test' id='m2' type='chat'><body>x</body></message>");
    next.client("<message to='alice@aol' id='m3' type='chat'><body>x</body></message>");
    next.client("<message to='alice@aol' id='m4' type='chat'><body>new</body></message>");
    assert_eq!(next.bodies().len(), 1, "what was taken before is not sent twice");
    next.server("<a xmlns='urn:xmpp:sm:3' h='1'/>");
    assert_eq!(next.to(Side::Client), "<a xmlns='urn:xmpp:sm:3' h='4'/>");
    next.give(Input::Roster(alice()));
    assert_eq!(next.to(Side::Client), "", "the client still has its list");
    next.later(Duration::from_secs(10));
    assert!(next.to(Side::Client).contains("type='unavailable' from='alice@aol/CrossTalk'"));
}

#[test]
fn a_session_nobody_knows_is_not_resumed() {
    let mut scene = Scene::new();
    scene.authenticate("ann");
    scene.client(RESUME);
    let (seen, asked) = scene.sent();
    assert!(seen.starts_with("<failed xmlns='urn:xmpp:sm:3'><item-not-found"), "{seen}");
    assert_eq!(asked, "");
    assert!(scene.bytes(Side::Client, RESUME).is_err(), "it is asked once");
}

#[test]
fn after_a_failed_resume_nothing_is_lost_and_nothing_sent_twice() {
    let mut next = another(&lost(), "ann");
    next.client(RESUME);
    next.server("<failed xmlns='urn:xmpp:sm:3' h='1'/>");
    assert!(next.to(Side::Client).contains("h='3'"), "the client's own count");
    next.bind_after_failure();
    next.client("<presence/>");
    let seen = next.to(Side::Client);
    assert!(seen.contains("<body>three</body>"), "it never said it got that: {seen}");
    assert!(!seen.contains("<body>one</body>"), "{seen}");
    next.client("<message to='alice@aol' id='m1' type='chat'><body>x</body></message>");
    assert!(next.bodies().is_empty());
    next.client("<message to='alice@aol' id='m1' type='chat'><body>x</body></message>");
    assert_eq!(next.bodies().len(), 1, "ids may be used again");
}

/// A session of Ann's with stream management, whose client sent `stanzas` and was told of none.
fn said(stanzas: &str) -> Scene {
    let mut scene = Scene::online(alice());
    scene.client("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    scene.server("<enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true' max='60'/>");
    scene.client(stanzas);
    scene
}

/// Texts to foreign people since the last look.
fn heard(scene: &mut Scene) -> Vec<String> {
    let bodies = scene.bodies().into_iter().filter_map(|(_, body)| match body {
        Body::Text { text, .. } => Some(text.text().to_owned()),
        _ => None,
    });
    bodies.collect()
}

/// The connection breaks and the session goes on, of which the server handled `h` stanzas.
fn resume(scene: &mut Scene, h: u32) -> Scene {
    scene.give(Input::Closed(Side::Client));
    let mut next = another(scene, "ann");
    next.client(&RESUME.replace("h='2'", "h='0'"));
    next.server(&RESUMED.replace("h='0'", &format!("h='{h}'")));
    next.give(Input::Tick);
    next.bodies();
    next.sent();
    next
}

fn says(id: &str, text: &str) -> String {
    format!("<message to='alice@aol' type='chat' {id}><body>{text}</body></message>")
}

#[test]
fn a_new_text_under_an_id_of_before_is_delivered() {
    let old = says("id='1'", "/who");
    // The client was told that the first arrived, or was not and has something else to say.
    for acknowledged in [true, false] {
        let own = "<message to='ben@chat.test'><body>x</body></message>";
        let mut scene = said(&format!("{}{old}", if acknowledged { "" } else { own }));
        assert_eq!(heard(&mut scene), ["/who"]);
        if acknowledged {
            scene.client("<r xmlns='urn:xmpp:sm:3'/>");
            scene.server("<a xmlns='urn:xmpp:sm:3' h='0'/>");
            assert!(scene.to(Side::Client).contains("h='1'"));
        }
        let mut next = resume(&mut scene, 0);
        next.client(&says("id='1'", "/help"));
        assert_eq!(heard(&mut next), ["/help"]);
        next.client(&old);
        let repeat = heard(&mut next).is_empty();
        assert_eq!(repeat, !acknowledged);
    }
}

#[test]
fn what_was_acknowledged_may_be_said_again_to_the_word() {
    let mut scene = said(&says("id='1'", "ok"));
    scene.server("<a xmlns='urn:xmpp:sm:3' h='0'/>");
    let mut next = resume(&mut scene, 0);
    heard(&mut scene);
    next.client(&says("id='1'", "ok"));
    assert_eq!(heard(&mut next), ["ok"]);
}

#[test]
fn what_was_received_and_not_acknowledged_is_heard_once_however_often_the_connection_breaks() {
    let own = "<message to='ben@chat.test'><body>x</body></message>";
    let all = [own.into(), says("id='1'", "a"), says("", "a"), own.into(), says("", "a")];
    let mut scene = said(&all.concat());
    assert_eq!(heard(&mut scene), ["a", "a", "a"]);
    let mut once = resume(&mut scene, 0);
    // It comes as far as the second and breaks again.
    once.client(&all[..2].concat());
    let mut twice = resume(&mut once, 0);
    let delay = "<delay xmlns='urn:xmpp:delay' stamp='2001-09-09T01:46:40Z'/></message>";
    twice.client(&all.concat().replace("</message>", delay));
    assert!(heard(&mut once).is_empty() && heard(&mut twice).is_empty());
    assert_eq!(twice.to(Side::Server).matches("ben@chat.test").count(), 2);
    twice.client(&all[1]);
    assert_eq!(heard(&mut twice), ["a"], "the repeats are over");
}

#[test]
fn a_session_that_was_closed_is_not_kept() {
    let mut scene = managed();
    scene.client("</stream:stream>");
    scene.give(Input::Closed(Side::Client));
    assert_eq!(scene.registry.lock().weight(), 0);
}

#[test]
fn somebody_else_s_session_is_neither_had_nor_told_of() {
    let scene = lost();
    let mut answers = Vec::new();
    for id in ["sm1", "guess"] {
        let mut mallory = another(&scene, "mallory");
        mallory.client(&RESUME.replace("sm1", id));
        answers.push(mallory.sent());
        mallory.server(&RESUMED.replace("sm1", id).replace("resumed", "failed"));
        mallory.client(BIND);
        mallory.server(&bound("mallory@chat.test/r"));
        mallory.client("<presence/>");
        assert!(!mallory.to(Side::Client).contains("three"));
    }
    assert_eq!(answers[0], answers[1]);
    assert!(!answers[0].0.contains("sm1") && answers[0].1.is_empty());
    let mut ann = another(&scene, "ann");
    ann.client(RESUME);
    ann.server(RESUMED);
    ann.give(Input::Tick);
    assert!(ann.to(Side::Client).contains("three"));
}

#[test]
fn before_sasl_succeeded_nothing_is_resumed() {
    let scene = lost();
    let mut early = Scene::with(&scene.registry, &[]);
    early.client(OPEN);
    early.server(OPEN);
    early.sent();
    early.client(RESUME);
    assert_eq!(early.sent(), (String::new(), RESUME.into()), "it is the server's to refuse");
    assert!(early.bytes(Side::Server, RESUMED).is_err());
    assert!(early.signed_in().is_empty());
    let mut ann = another(&scene, "ann");
    ann.client(RESUME);
    assert_ne!(ann.to(Side::Server), "");
}

#[test]
fn a_session_stays_until_the_server_says_that_it_goes_on() {
    let scene = lost();
    let mut silent = another(&scene, "ann");
    silent.client(RESUME);
    silent.give(Input::Closed(Side::Client));
    let mut other = another(&scene, "ann");
    other.client(RESUME);
    assert!(other.bytes(Side::Server, &RESUMED.replace("sm1", "sm2")).is_err());
    assert!(other.signed_in().is_empty());
    let mut boasts = another(&scene, "ann");
    assert!(boasts.bytes(Side::Client, &RESUME.replace("h='2'", "h='99'")).is_err());
    // The gateway does not let everybody in whom a server names: then no other input comes.
    let mut refused = another(&scene, "ann");
    refused.client(RESUME);
    refused.server(&format!("{RESUMED}<iq type='result' id='r'/>"));
    assert_eq!(refused.to(Side::Client), "");
    let mut owner = another(&scene, "ann");
    owner.client(RESUME);
    owner.server(RESUMED);
    owner.give(Input::Tick);
    assert!(owner.to(Side::Client).contains("three"));
}

#[test]
fn of_two_connections_that_resume_one_session_one_gets_it() {
    let scene = lost();
    let mut both = [another(&scene, "ann"), another(&scene, "ann")];
    for ann in &mut both {
        ann.client(RESUME);
        ann.server(RESUMED);
        assert_eq!(ann.signed_in().len(), 1);
    }
    let [first, second] = &mut both;
    first.give(Input::Tick);
    assert!(first.to(Side::Client).contains("three"));
    assert!(second.input(Input::Tick).is_err());
    assert!(second.out.altered() && !second.to(Side::Client).contains("three"));
}

#[test]
fn who_showed_no_name_gets_what_was_left_in_a_new_session() {
    let mut next = Scene::with(&lost().registry, &[]);
    let external = auth("").replace("PLAIN", "EXTERNAL");
    let from = external.find('>').unwrap() + 1;
    let to = external.find("</auth>").unwrap();
    next.client(&format!("{OPEN}{}={}", &external[..from], &external[to..]));
    next.server(&format!("{OPEN}{SUCCESS}{OPEN}"));
    next.sent();
    next.client(RESUME);
    assert!(next.sent().0.starts_with("<failed"));
    next.bind_after_failure();
    next.client("<presence/>");
    let seen = next.to(Side::Client);
    assert!(seen.contains("three") && !seen.contains("<body>one</body>"), "{seen}");
}

#[test]
fn a_client_that_acknowledges_nothing_gets_the_rest_when_it_resumes() {
    let mut scene = managed();
    let text = "x".repeat(32 * 1024);
    let body = Body::Text { text: RichText::plain(&text), auto: false };
    let mut letter = scene.envelope("alice@aol", "ann@chat.test@jabber", body);
    let mut shown = 0;
    letter.id = EnvelopeId(2);
    while scene.input(Input::Deliver(letter.clone())).is_ok() {
        shown += 1;
        letter.id.0 += 1;
        assert!(scene.engine.weight() < 2 << 20);
    }
    assert!((16..=32).contains(&shown), "{shown}");
    assert_eq!(scene.to(Side::Client).matches(&text).count(), shown);
    assert!(
        (1_000_000..2_000_000).contains(&scene.registry.lock().weight()),
        "{}",
        scene.registry.lock().weight()
    );
    let mut next = another(&scene, "ann");
    next.client(RESUME);
    next.server(RESUMED);
    next.give(Input::Tick);
    assert_eq!(next.to(Side::Client).matches(&text).count(), shown);
}

impl Scene {
    /// Binds anew, and is let in by the gateway.
    pub fn bind_after_failure(&mut self) {
        self.client(BIND);
        self.server(&bound("ann@chat.test/r"));
        self.give(Input::Roster(alice()));
        assert_eq!(self.signed_in(), ["ann@chat.test@jabber/r"]);
        self.sent();
    }
}

#[test]
fn a_list_that_the_server_says_again_has_everybody_again() {
    let mut scene = Scene::bound(alice());
    scene.client("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    scene.server("<enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true' max='60'/>");
    scene.client("<iq id='r' type='get'><query xmlns='jabber:iq:roster'/></iq>");
    let answer = "<iq id='r' type='result'><query xmlns='jabber:iq:roster'/></iq>";
    scene.server(answer);
    assert!(scene.to(Side::Client).contains("jid='alice@aol'"));
    // It did not come to the client, and so it comes once more, and no more often than that.
    let mut next = resume(&mut scene, 1);
    next.server(answer);
    assert!(next.to(Side::Client).contains("jid='alice@aol'"));
    next.client("<a xmlns='urn:xmpp:sm:3' h='1'/>");
    next.server(answer);
    assert_eq!(next.to(Side::Client), answer);
}

/// A report that a message of Ann's to Alice was not delivered.
fn report(of: EnvelopeId) -> Body {
    Body::Undelivered { of, why: Failure::Offline }
}

#[test]
fn what_was_on_the_way_when_the_connection_broke_is_told_once() {
    // The client has nothing of it, or a part, or all; it goes on in its session, or begins anew.
    for (h, goes_on) in (0..=2).flat_map(|h| [(h, true), (h, false)]) {
        let mut scene = said(&says("id='m1'", "x"));
        let [Event::Send(sent)] = &scene.events()[..] else { panic!("it says one thing") };
        let of = sent.id;
        let text = Body::Text { text: RichText::plain("one"), auto: false };
        scene.sent();
        scene.deliver("alice@aol", report(of));
        scene.deliver("alice@aol", text.clone());
        scene.to(Side::Client);
        // The gateway notices first that the client is gone.
        scene.deliver("alice@aol", report(of));
        scene.deliver("alice@aol", text.clone());
        assert_eq!(scene.to(Side::Client), "");
        scene.give(Input::Closed(Side::Client));
        let mut next = another(&scene, "ann");
        let resume = RESUME.replace("h='2'", &format!("h='{h}'"));
        next.client(&resume);
        if goes_on {
            next.server(RESUMED);
            next.give(Input::Tick);
        } else {
            next.server("<failed xmlns='urn:xmpp:sm:3' h='0'/>");
            next.bind_after_failure();
            next.client("<presence/>");
        }
        let seen = next.to(Side::Client);
        let told = (seen.matches("id='m1'").count(), seen.matches("<body>one</body>").count());
        assert_eq!(told, (usize::from(h < 1), usize::from(h < 2)), "{h} {goes_on}: {seen}");
        next.events();
        // The gateway does not know how far they came.
        next.deliver("alice@aol", report(of));
        next.deliver("alice@aol", text);
        assert_eq!(next.to(Side::Client), "", "{h} {goes_on}");
        assert!(!next.events().iter().any(|event| matches!(event, Event::Unshown(_))));
    }
}

#[test]
fn what_no_connection_was_given_is_told_after_it_broke() {
    let mut scene = Scene::online(alice());
    scene.client("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    // Nobody says again what comes before the server counts.
    let text = Body::Text { text: RichText::plain("one"), auto: false };
    scene.deliver("alice@aol", text.clone());
    scene.server("<enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true' max='60'/>");
    scene.client(&says("id='m1'", "x"));
    let [Event::Send(sent)] = &scene.events()[..] else { panic!("it says one thing") };
    let of = sent.id;
    let mut next = resume(&mut scene, 0);
    next.deliver("alice@aol", text);
    next.deliver("alice@aol", report(of));
    let seen = next.to(Side::Client);
    assert!(seen.contains("<body>one</body>") && seen.contains("type='error' id='m1'"), "{seen}");
}
