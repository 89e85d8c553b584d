//! Every kind of content that a client can send to somebody foreign: said, refused, or something
//! that clients send by themselves.

use crosstalk_core::Body;

use crate::common::kinds::{self, Outcome};
use crate::scene::{BOB, Scene, listed};

const KINDS: &[(&str, &str)] = &[
    ("text", "06/0 14=hi 97=1"),
    ("buzz", "06/0 14=<ding>"),
    ("typing", "4b/0 49=TYPING 13=1 14=_"),
    ("audible", "d0/0 230=base.us.x 231=Whatever! 97=1"),
    ("audible without words", "d0/0 230=base.us.x"),
    ("conference invitation", "18/0 50=ann 57=room 13=0"),
    ("chat room invitation", "9d/0 104=room"),
    ("file offer of YMSG15 and later", "dc/0 265=token 222=1"),
    ("file offer before", "4d/0 49=FILEXFER 27=a.png"),
    ("file offer by a web server", "46/0 20=http://x 27=a.png"),
    ("voice call", "4a/0 57=room"),
    ("camera", "50/0"),
    ("camera invitation", "4b/0 49=WEBCAMINVITE 13=0 14=_"),
    ("game", "4b/0 49=GAME 13=1 14=;chess"),
    ("background of a conversation", "4b/0 49=IMVIRONMENT"),
    ("picture", "be/0 13=1"),
    ("way from client to client", "4f/0"),
    ("any other sign", "4b/0 49=NEW"),
    ("any other service", "1234/0 14=something_new"),
];

#[test]
fn nothing_gets_a_yes_and_nothing_else() {
    let found: Vec<_> = KINDS.iter().map(|(kind, packet)| (*kind, outcome(packet))).collect();
    kinds::check("ymsg", &found);
}

/// Fate of a packet for somebody foreign.
fn outcome(packet: &str) -> Outcome {
    let mut scene = Scene::signed_on(16, listed());
    // An invitation to a conference names people under a key of its own.
    let key = if packet.starts_with("18/") { 52 } else { 5 };
    scene.client(&format!("{packet} 1=ann {key}={BOB}"));
    assert!(scene.server_got().is_empty(), "{packet}");
    let (said, got) = (scene.said(), scene.client_got());
    match said.first().map(|said| &said.body) {
        Some(Body::Typing(_)) => Outcome::Typing,
        Some(Body::Attention) => Outcome::Attention,
        Some(_) => Outcome::Said,
        None if got.iter().any(|got| got.contains("4=crosstalk@gateway.xt")) => Outcome::Told,
        None if got.is_empty() => Outcome::Automatic,
        None => Outcome::Refused,
    }
}
