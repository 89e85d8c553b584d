//! Messages that a session leaves to the next where it does not go on.

use crate::acks::managed;
use crate::resumption::{RESUME, RESUMED, another};
use crate::scene::*;
use crosstalk_core::{EnvelopeId, RichText};

/// Bodies of messages that went to the client, and the number of stanzas.
fn told(seen: &str) -> (Vec<String>, usize) {
    let bodies = seen.split("<body>").skip(1).filter_map(|rest| rest.split_once("</body>"));
    let stanzas = ["<message ", "<iq ", "<presence"].map(|stanza| seen.matches(stanza).count());
    (bodies.map(|(body, _)| body.to_owned()).collect(), stanzas.iter().sum())
}

#[test]
fn what_a_session_left_comes_once_also_where_the_next_has_no_room_for_it() {
    let mut scene = managed();
    let text = |n: u64| Body::Text { text: RichText::plain(format!("t{n}")), auto: false };
    let mut letters = Vec::new();
    for n in 0.. {
        let letter = scene.envelope("alice@aol", "ann@chat.test@jabber", text(n));
        letters.push(Envelope { id: EnvelopeId(u128::from(n) + 2), ..letter });
        if scene.input(Input::Deliver(letters[letters.len() - 1].clone())).is_err() {
            break;
        }
    }
    assert!((900..=1000).contains(&letters.len()), "{}", letters.len());
    let mut next = another(&scene, "ann");
    next.client(RESUME);
    next.server("<failed xmlns='urn:xmpp:sm:3' h='0'/>");
    next.bind_after_failure();
    next.client("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    next.server("<enabled xmlns='urn:xmpp:sm:3' id='sm2' resume='true' max='60'/>");
    next.sent();
    for n in 0..10 {
        let get =
            format!("<iq type='get' id='v{n}' to='alice@aol'><vCard xmlns='vcard-temp'/></iq>");
        next.client(&get);
    }
    // The client acknowledges nothing of all that.
    assert!(next.bytes(Side::Client, "<presence/>").is_err());
    let (mut bodies, stanzas) = told(&next.to(Side::Client));
    // Those and the answers came to it.
    assert_eq!(stanzas, 10 + bodies.len());
    let mut last = another(&next, "ann");
    last.client(&RESUME.replace("sm1", "sm2").replace("h='2'", &format!("h='{stanzas}'")));
    last.server(&RESUMED.replace("sm1", "sm2"));
    last.give(Input::Tick);
    for letter in &letters {
        last.give(Input::Deliver(letter.clone()));
    }
    bodies.extend(told(&last.to(Side::Client)).0);
    let all: Vec<String> = (0..letters.len()).map(|n| format!("t{n}")).collect();
    assert_eq!(bodies, all);
}
