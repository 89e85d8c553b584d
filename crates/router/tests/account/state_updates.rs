//! State of things is never lost, and written from the moment when there is room.

use crosstalk_core::{Availability, Presence, Roster, RosterEdit};
use crosstalk_router::{Effect, Input, Mail};

use crate::driven::{Driven, LAPTOP, THERE, address, friend, mail_to, roster};

fn sees(alice: &mut Driven, name: &str, show: Availability) -> Vec<Effect<u32>> {
    let presence = Presence { show, ..Presence::default() };
    alice.does(Input::Presence { of: address(name), at: THERE, presence })
}

/// The availabilities that are shown, with whose they are.
pub(crate) fn shown(mail: Vec<Mail>) -> Vec<(String, Availability)> {
    let shown = |mail| match mail {
        Mail::Presence { of, presence } => Some((of.to_string(), presence.show)),
        _ => None,
    };
    mail.into_iter().filter_map(shown).collect()
}

#[test]
fn the_list_comes_before_everything_that_depends_on_it() {
    let mut alice = Driven::new();
    assert!(mail_to(LAPTOP, alice.opens(LAPTOP, "laptop")).is_empty());
    let list = RosterEdit::Block(address("carol@yahoo"), true);
    alice.does(Input::Event(LAPTOP, crosstalk_core::Event::Roster(list)));
    let mail = mail_to(LAPTOP, alice.does(Input::Loaded(roster([friend("bob@yahoo")]))));
    let [Mail::Roster(list), .., Mail::Changed(carol)] = &mail[..] else { panic!("{mail:?}") };
    assert!(list.contact(&address("bob@yahoo")).is_some());
    assert!(carol.blocked);
}

#[test]
fn what_does_not_fit_is_said_as_things_are_when_there_is_room() {
    let mut alice = Driven::with([friend("bob@yahoo"), friend("carol@yahoo")]);
    let mail = mail_to(LAPTOP, sees(&mut alice, "bob@yahoo", Availability::Away));
    let mut asked = Vec::new();
    for mail in mail {
        asked.extend(alice.does(Input::Returned(LAPTOP, mail)));
    }
    assert!(matches!(asked[..], [Effect::AwaitRoom(LAPTOP)]));
    // Nothing overtakes it, and of two states only the later is said.
    assert!(sees(&mut alice, "carol@yahoo", Availability::Busy).is_empty());
    assert!(sees(&mut alice, "bob@yahoo", Availability::Chatty).is_empty());
    let said = shown(mail_to(LAPTOP, alice.does(Input::Room(LAPTOP))));
    let bob = ("bob@yahoo".to_owned(), Availability::Chatty);
    assert_eq!(said, [bob, ("carol@yahoo".to_owned(), Availability::Busy)]);
    assert!(!sees(&mut alice, "bob@yahoo", Availability::Away).is_empty(), "as before");
}

#[test]
fn a_list_that_does_not_fit_is_said_first() {
    let mut alice = Driven::new();
    alice.opens(LAPTOP, "laptop");
    for mail in mail_to(LAPTOP, alice.does(Input::Loaded(Roster::default()))) {
        alice.does(Input::Returned(LAPTOP, mail));
    }
    let mail = mail_to(LAPTOP, alice.does(Input::Room(LAPTOP)));
    assert!(matches!(mail[0], Mail::Roster(_)), "{mail:?}");
}

#[test]
fn very_many_updates_come_in_small_batches() {
    let many = (0..600).map(|n| friend(&format!("f{n}@yahoo")));
    let mut alice = Driven::with(many);
    for n in 0..600 {
        sees(&mut alice, &format!("f{n}@yahoo"), Availability::Away);
    }
    let phone = crate::driven::PHONE;
    let effects = alice.opens(phone, "phone");
    assert!(effects.iter().any(|e| *format!("{e:?}") == *format!("AwaitRoom({phone:?})")));
    let mut seen = shown(mail_to(phone, effects)).len();
    while seen < 601 {
        let more = shown(mail_to(phone, alice.does(Input::Room(phone)))).len();
        assert!((1..=16).contains(&more), "{more}");
        seen += more;
    }
    assert!(alice.does(Input::Room(phone)).is_empty());
}
