//! Effects of a gateway's death for people, and that messages sent meanwhile wait.

use std::time::Duration;

use crosstalk_interop::Stage;

const ALICE: &str = "alice@aol.xt";

/// Longest time for which others may believe that the users of a dead gateway are there.
const LEASE: Duration = Duration::from_secs(20);

#[test]
fn a_gateway_that_dies_takes_nobody_with_it() {
    let mut stage = Stage::behind_socks();
    let (mut alice, mut carol) = (stage.aim("alice"), stage.aim("carol"));
    let (mut romeo, mut juliet) = (stage.slixmpp("romeo"), stage.slixmpp("juliet"));
    let (romeo_name, juliet_jid) = (stage.jabber_name("romeo"), stage.jid("juliet"));
    alice.befriends(&romeo_name, &mut romeo, ALICE);

    stage.east.kill();
    alice.finds_within(LEASE, &romeo_name, &[("online", "no")]);
    alice.does(&["im", &romeo_name, "are you there?"]);
    alice.sees("im", &[("name", &romeo_name), ("text", &kept(&romeo_name))]);
    alice.says("carol", "you at least?");
    carol.sees("im", &[("name", "alice"), ("text", "you at least?")]);
    carol.says("alice", "sure");
    alice.sees("im", &[("name", "carol"), ("text", "sure")]);

    stage.east.start();
    for person in [&mut romeo, &mut juliet] {
        person.sees("disconnected", &[]);
        person.signs_on();
    }
    romeo.sees("im", &[("name", ALICE), ("text", "are you there?")]);
    alice.finds(&romeo_name, &[("online", "yes")]);
    romeo.finds(ALICE, &[("online", "yes")]);
    alice.says(&romeo_name, "welcome back");
    romeo.sees("im", &[("name", ALICE), ("text", "welcome back")]);

    stage.west.kill();
    romeo.finds_within(LEASE, ALICE, &[("online", "no")]);
    romeo.says(ALICE, "are you there?");
    romeo.sees("im", &[("name", ALICE), ("text", &kept(ALICE))]);
    romeo.says(&juliet_jid, "you at least?");
    juliet.sees("im", &[("name", &stage.jid("romeo")), ("text", "you at least?")]);
    juliet.says(&stage.jid("romeo"), "sure");
    romeo.sees("im", &[("name", &juliet_jid), ("text", "sure")]);

    stage.west.start();
    alice.sees("disconnected", &[]);
    alice.signs_on();
    alice.sees("im", &[("name", &romeo_name), ("text", "are you there?")]);
    romeo.finds(ALICE, &[("online", "yes")]);
    alice.finds(&romeo_name, &[("online", "yes")]);
    stage.kept_its_secrets(&["are you there?", "you at least?", "welcome back"]);
}

/// Note to the sender of a message that waits.
fn kept(name: &str) -> String {
    format!("[CrossTalk: {name} is offline and gets this at the next sign-on.]")
}
