//! Stream management (XEP-0198): both sides count stanzas, and the gateway adds and keeps some.

use crosstalk_interop::{Person, Stage};

const ALICE: &str = "alice@aol.xt";

#[test]
fn a_jabber_session_is_resumed_with_foreign_stanzas_in_it() {
    let stage = Stage::behind_socks();
    let (mut alice, mut romeo) = (stage.aim("alice"), stage.slixmpp("romeo"));
    let mut juliet = stage.slixmpp("juliet");
    let romeo_name = &stage.jabber_name("romeo");
    alice.befriends(romeo_name, &mut romeo, ALICE);
    for text in ["one", "two", "three"] {
        romeo.says(ALICE, text);
        alice.sees("im", &[("text", text)]);
        alice.says(romeo_name, text);
        romeo.sees("im", &[("name", ALICE), ("text", text)]);
    }

    romeo.does(&["cut"]);
    romeo.sees("disconnected", &[]);
    juliet.says(&stage.jid("romeo"), "did the line drop?");
    romeo.does(&["online"]);
    romeo.sees("resumed", &[]);

    romeo.sees("im", &[("name", &stage.jid("juliet")), ("text", "did the line drop?")]);
    can_talk(&mut alice, &mut romeo, romeo_name);
    assert!(!romeo.has_seen("stream-error", &[]), "somebody counted wrongly");
    stage.kept_its_secrets(&["did the line drop?", "after the drop"]);
}

fn can_talk(alice: &mut Person, romeo: &mut Person, romeo_name: &str) {
    romeo.says(ALICE, "also after the drop");
    alice.sees("im", &[("name", romeo_name), ("text", "also after the drop")]);
    // The other gateway may still be hearing that Romeo left and came back.
    alice.finds(romeo_name, &[("online", "yes")]);
    alice.says(romeo_name, "still after the drop");
    romeo.sees("im", &[("name", ALICE), ("text", "still after the drop")]);
}
