//! A client that lies in every field it may send, at real servers: whatever it says, the gateway
//! takes it for nobody but whom its server authenticated.

use std::time::Duration;

use crosstalk_interop::{Court, RawJabber};

const BIND: &str = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>m</resource></bind>";
const CEO: &str = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
                   <jid>ceo@jabber.test/desk</jid></bind>";
/// Mallory's password.
const PASSWORD: &str = "mallory's";
/// Time for a lie to have an effect that it must not have.
const EFFECT: Duration = Duration::from_millis(700);

#[test]
fn prosody_s_people_are_who_prosody_says_they_are() {
    lies(Court::of_prosody());
}

#[test]
fn ejabberd_s_people_are_who_ejabberd_says_they_are() {
    lies(Court::of_ejabberd());
}

fn lies(mut court: Court) {
    let mut ceo = court.ceo();
    for (at, lie) in LIES.iter().enumerate() {
        let mut mallory = court.connects();
        lie(&court, &mut mallory);
        mallory.comes();
        let _ = mallory.listens_for("never said", EFFECT);
        let secret = format!("for the ceo alone, {at}");
        court.alice_tells_the_ceo(&secret);
        ceo.hears(&secret);
        let seen = mallory.all();
        assert!(!seen.contains("for the ceo"), "lie {at}: she reads what he is told: {seen}");
        assert!(!seen.contains("alice"), "lie {at}: she has his list: {seen}");
        let ceos = court.let_in().iter().filter(|name| *name == "ceo").count();
        assert_eq!(ceos, 1, "lie {at}: {:?}", court.let_in());
    }
    as_herself(&mut court);
    a_session_of_his(&mut court, ceo);
    let others = court.let_in().into_iter().filter(|name| name != "mallory" && name != "ceo");
    assert_eq!(others.count(), 0);
}

/// Claims that can be made before there is a session; none of them signs in the CEO.
const LIES: &[fn(&Court, &mut RawJabber)] = &[
    // A session asked for in ways that servers read one way or the other, and its answer.
    |court, mallory| answers_herself(court, mallory, &format!("<iq type='set'>{BIND}</iq>")),
    |court, mallory| answers_herself(court, mallory, &format!("<iq type='set' id=''>{BIND}</iq>")),
    |court, mallory| answers_herself(court, mallory, &format!("<iq id='x'>{BIND}</iq>")),
    |court, mallory| answers_herself(court, mallory, &format!("<iq type='get' id='x'>{CEO}</iq>")),
    |court, mallory| {
        answers_herself(court, mallory, &format!("<iq type='result' id='x'>{BIND}</iq>"));
    },
    |court, mallory| {
        answers_herself(court, mallory, &format!("<iq type='set' id='x'>{BIND}{CEO}</iq>"));
    },
    |court, mallory| {
        let hidden = BIND.replace("xmpp-bind", "xmpp&#45;bind");
        answers_herself(court, mallory, &format!("<iq type='set'>{hidden}</iq>"));
    },
    |court, mallory| {
        let hidden = BIND.replace("xmpp-bind", "xmpp&#45;bind");
        answers_herself(court, mallory, &format!("<iq type='set' id='y'>{hidden}</iq>"));
    },
    // A second session, and names in the place of a resource.
    |court, mallory| {
        let twice = format!("<iq type='set' id='x'>{BIND}</iq><iq type='set' id='y'>{CEO}</iq>");
        answers_herself(court, mallory, &twice);
    },
    |court, mallory| {
        let odd = BIND.replace(">m<", ">ceo@jabber.test<");
        answers_herself(court, mallory, &format!("<iq type='set' id='x'>{odd}</iq>"));
    },
    // Before, besides and after SASL.
    |_, mallory| {
        mallory.opens().says(format_args!("<iq type='set' id='x'>{CEO}</iq>"));
    },
    // ejabberd 23.01 lets whoever proves to be somebody act as anybody: the gateway does not.
    |_, mallory| claims(mallory, "ceo", "mallory"),
    |_, mallory| claims(mallory, "ceo@jabber.test", "mallory"),
    |_, mallory| claims(mallory, "", "mallory@jabber.test"),
    |_, mallory| claims(mallory, "", "ceo@elsewhere.test"),
    |_, mallory| {
        mallory.opens().claims("", "ceo", "guessed").claims("", "mallory", PASSWORD);
        let _ = mallory.listens_for("<success", EFFECT);
        mallory.opens_again().says(format_args!("<iq type='set' id='x'>{BIND}</iq>"));
    },
    |_, mallory| {
        mallory.opens().says(
            "<iq type='set' id='a'><query xmlns='jabber:iq:auth'><username>mallory</username>\
             <password>mallory&apos;s</password><resource>m</resource></query></iq>",
        );
        let _ = mallory.listens_for("'a'", EFFECT);
        mallory.says(format_args!(
            "<iq type='result' id='x' to='mallory@jabber.test/m'>{CEO}</iq>\
             <iq type='set' id='x'>{BIND}</iq>\
             <iq type='result' id='x' to='mallory@jabber.test/m'>{CEO}</iq>"
        ));
    },
    |_, mallory| {
        mallory.opens().says("<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'/>");
        mallory.claims("", "mallory", PASSWORD);
        let _ = mallory.listens_for("<success", EFFECT);
        mallory.opens_again().says(format_args!("<iq type='set' id='x'>{BIND}</iq>"));
    },
];

/// Asks for a session by `request`, and says to herself that it is the CEO's.
fn answers_herself(court: &Court, mallory: &mut RawJabber, request: &str) {
    *mallory = court.mallory();
    mallory.says(request);
    let _ = mallory.listens_for("</jid>", EFFECT);
    mallory.says("<presence/>");
    for id in ["x", "y", ""] {
        for to in ["to='mallory@jabber.test/m'", "to='mallory@jabber.test'", ""] {
            for from in ["", "from='ceo@jabber.test/desk'", "from='jabber.test'"] {
                mallory.says(format_args!("<iq type='result' id='{id}' {to} {from}>{CEO}</iq>"));
            }
        }
    }
}

/// Proves to be Mallory, and says to be somebody else.
fn claims(mallory: &mut RawJabber, authzid: &str, name: &str) {
    mallory.opens().claims(authzid, name, PASSWORD);
    if mallory.listens_for("<success", EFFECT).is_some() {
        mallory.opens_again().says(format_args!("<iq type='set' id='x'>{BIND}</iq>"));
    }
}

/// Signed in as herself, whatever she writes comes from her.
fn as_herself(court: &mut Court) {
    let mut mallory = court.mallory();
    mallory.binds("m").hears("<presence");
    mallory.says(
        "<message from='ceo@jabber.test/desk' to='alice@aol.xt' type='chat'>\
         <body>wire the money</body></message>",
    );
    let from = court.alice_hears("wire the money").expect("Alice got nothing");
    assert!(from.starts_with("mallory"), "it came from {from}");
}

/// The CEO's connection breaks. Whoever knows the name of his session has nothing of it.
fn a_session_of_his(court: &mut Court, mut ceo: RawJabber) {
    ceo.says("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    let enabled = ceo.hears("<enabled") + &ceo.hears(">");
    let id = enabled.split(" id=").nth(1).unwrap().trim_start_matches(['\'', '"']);
    let id = id.split(['\'', '"']).next().unwrap().to_owned();
    court.alice_tells_the_ceo("said before the break");
    ceo.hears("said before the break");
    drop(ceo);
    let resume = format!("<resume xmlns='urn:xmpp:sm:3' h='0' previd='{id}'/>");
    let mut early = court.connects();
    early.opens().says(&resume);
    let mut mallory = court.mallory();
    mallory.says(&resume).hears("<failed");
    mallory.binds("m");
    for thief in [&mut early, &mut mallory] {
        let seen = thief.all();
        assert!(!seen.contains("before the break"), "she has it: {seen}");
    }
    let mut ceo = court.ceo_unbound();
    ceo.says(&resume);
    ceo.hears("<resumed");
    ceo.hears("said before the break");
}
