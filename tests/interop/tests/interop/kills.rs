//! Real clients at three gateways, each of which is killed under their talk.

use std::io::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crosstalk_interop::{Crowd, Gateway, Person, Stage};

const PATIENCE: Duration = Duration::from_mins(1);
/// Shortest time for which a gateway stays dead.
const AWAY: Duration = Duration::from_secs(2);
/// Number of texts that everybody gets from each friend between two kills.
const SOME: usize = 3;
const GATEWAYS: usize = 3;

/// Each is on a network of its own but for Romeo and Juliet, with the gateway of that network.
const EVERYBODY: [(&str, usize); 4] = [("alice", 0), ("romeo", 1), ("juliet", 1), ("mary", 2)];
/// Number of lanes: everybody to all on other networks.
const LANES: usize = 10;

#[test]
fn what_real_clients_said_survives_the_kill_of_each_gateway() {
    let mut stage = Stage::behind_socks();
    let crowd = talking_crowd(&stage);
    go_on_talking(&crowd, "at first");
    for gateway in 0..GATEWAYS {
        let next = (gateway + 1) % GATEWAYS;
        for victim in [gateway, next] {
            at(&mut stage, victim).kill();
            crowd.lost(victim);
            // The others talk on. The second one dies with what it keeps for those at the first.
            sleep(AWAY);
        }
        for victim in [gateway, next] {
            at(&mut stage, victim).start();
            crowd.found(victim);
        }
        go_on_talking(&crowd, &format!("after the kill of gateway {gateway}"));
    }
    crowd.talk(false);
    let settled = wait(|| crowd.audit().unsettled().is_empty());
    assert!(settled, "{:?}", crowd.audit().unsettled());
    let counts = crowd.audit().check();
    let mut people = crowd.disperse();
    nobody_is_a_ghost(&stage, &mut people);
    let _ = writeln!(std::io::stderr(), "libpurple, slixmpp and msnp11-sdk: {counts}");
    stage.kept_its_secrets(&["alice to romeo", "mary to juliet"]);
}

/// Friends who have seen each other, and talk.
fn talking_crowd(stage: &Stage) -> Crowd {
    let mut people = [
        stage.aim("alice"),
        stage.slixmpp("romeo"),
        stage.pidgin("juliet"),
        stage.msn_behind_listener("mary"),
    ];
    for (mine, theirs) in [(0, 1), (0, 2), (0, 3), (3, 1), (3, 2)] {
        let [me, other] = people.get_disjoint_mut([mine, theirs]).unwrap();
        me.befriends(&spelled(stage, theirs), other, &spelled(stage, mine));
    }
    let mut crowd = Crowd::at(GATEWAYS);
    for (own, person) in people.into_iter().enumerate() {
        let friends = friends_of(own).map(|friend| (EVERYBODY[friend].0, spelled(stage, friend)));
        let (name, home) = EVERYBODY[own];
        crowd.takes_in(person, name, home, friends.collect());
    }
    crowd.talk(true);
    crowd
}

/// Friends on other networks.
fn friends_of(own: usize) -> impl Iterator<Item = usize> {
    (0..EVERYBODY.len()).filter(move |friend| EVERYBODY[*friend].1 != EVERYBODY[own].1)
}

/// Spelling of the name for people on other networks.
fn spelled(stage: &Stage, who: usize) -> String {
    match EVERYBODY[who] {
        (name, 0) => format!("{name}@aol.xt"),
        (name, 1) => stage.jabber_name(name),
        (name, _) => stage.msn_name(name),
    }
}

fn at(stage: &mut Stage, gateway: usize) -> &mut Gateway {
    match gateway {
        0 => &mut stage.west,
        1 => &mut stage.east,
        _ => &mut stage.south,
    }
}

/// Waits until everybody has heard some more of all their friends.
fn go_on_talking(crowd: &Crowd, when: &str) {
    let before = crowd.audit().heard();
    let more = || {
        let heard = crowd.audit().heard();
        heard.len() == LANES
            && heard.iter().enumerate().all(|(n, h)| *h >= before.get(n).unwrap_or(&0) + SOME)
    };
    assert!(
        wait(more),
        "everybody hears everybody {when}: {before:?}, {:?}",
        crowd.audit().heard()
    );
}

fn wait(mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > PATIENCE {
            return false;
        }
        sleep(Duration::from_millis(20));
    }
    true
}

/// Everybody sees everybody who is there, and nobody who is not.
fn nobody_is_a_ghost(stage: &Stage, people: &mut [Person]) {
    for who in 0..EVERYBODY.len() {
        let name = spelled(stage, who);
        for friend in friends_of(who) {
            people[friend].finds(&name, &[("online", "yes")]);
        }
    }
    for who in 0..EVERYBODY.len() {
        let name = spelled(stage, who);
        people[who].signs_off();
        for friend in friends_of(who).filter(|friend| *friend > who) {
            people[friend].finds(&name, &[("online", "no")]);
        }
    }
}
