//! Tests of outgoing messages: their order, their bounds, and their fate.

use std::time::Duration;

use crosstalk_core::{Body, Consent, EnvelopeId, Failure, Typing};
use crosstalk_router::{Effect, Fate, Input, Mail, Message};

use crate::driven::{Driven, HERE, LAPTOP, PHONE, THERE, delivered, friend, mail_to, posts, text};

#[test]
fn several_texts_are_under_way_at_once_each_by_its_ticket() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let mut tickets = Vec::new();
    for n in 0..70 {
        for (ticket, body) in posts(&alice.says(LAPTOP, "bob@yahoo", text(&n.to_string()))) {
            assert_eq!(body, text(&tickets.len().to_string()), "in the order of saying");
            tickets.push(ticket);
        }
    }
    assert_eq!(tickets.len(), 64);
    // They end in any order, and each makes room for the next.
    for (at, n) in [(63, 64), (0, 65), (30, 66)] {
        let effects = alice.does(Input::Sent(tickets[at], Ok(Fate::Delivered)));
        let next: Vec<_> = posts(&effects).into_iter().map(|(_, body)| body).collect();
        assert_eq!(next, [text(&n.to_string())]);
    }
    assert!(alice.does(Input::Sent(tickets[0], Err(Failure::Offline))).is_empty(), "once only");
}

#[test]
fn typing_takes_the_road_of_texts_and_receipts_another_one() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let typing = Body::Typing(Typing::Active);
    let posted = posts(&alice.says(LAPTOP, "bob@yahoo", typing.clone()));
    assert!(posted.into_iter().map(|(_, body)| body).eq([typing]));
    let receipt = Body::Receipt { of: EnvelopeId(1), displayed: true };
    let effects = alice.says(LAPTOP, "bob@yahoo", receipt.clone());
    let [Effect::Locate { ticket, .. }] = effects[..] else { panic!("{effects:?}") };
    let effects = alice.does(Input::Located(ticket, vec![HERE, THERE]));
    let to = effects.iter().map(|e| match e {
        Effect::Send { to, message: Message::Envelope(e), .. } if e.body == receipt => *to,
        other => panic!("{other:?}"),
    });
    assert!(to.eq([HERE, THERE]));
}

#[test]
fn what_is_kept_is_said_once_for_a_conversation() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let mut notices = 0;
    for first in [true, false] {
        let (ticket, _) = posts(&alice.says(LAPTOP, "bob@yahoo", text("hi"))).remove(0);
        let effects = alice.does(Input::Sent(ticket, Ok(Fate::Kept { first })));
        notices += delivered(LAPTOP, effects).len();
    }
    assert_eq!(notices, 1);
}

#[test]
fn a_session_that_asks_hears_what_became_of_it_in_place_of_a_notice() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    alice.does(Input::Confirms(LAPTOP));
    for fate in [Fate::Delivered, Fate::Kept { first: true }, Fate::Kept { first: false }] {
        let (ticket, _) = posts(&alice.says(LAPTOP, "bob@yahoo", text("hi"))).remove(0);
        let mail = mail_to(LAPTOP, alice.does(Input::Sent(ticket, Ok(fate))));
        assert!(matches!(mail[..], [Mail::Accepted(_, told)] if told == fate), "{mail:?}");
    }
    let typing = posts(&alice.says(LAPTOP, "bob@yahoo", Body::Typing(Typing::Active))).remove(0);
    let mail = mail_to(LAPTOP, alice.does(Input::Sent(typing.0, Ok(Fate::Delivered))));
    assert!(mail.is_empty(), "nobody asks what became of typing: {mail:?}");
}

#[test]
fn a_session_that_asks_hears_also_what_became_of_what_it_said_by_itself() {
    for asks in [true, false] {
        let mut alice = Driven::with([friend("bob@yahoo")]);
        if asks {
            alice.does(Input::Confirms(LAPTOP));
        }
        let auto = Body::Text { text: "beep".into(), auto: true };
        let (ticket, _) = posts(&alice.says(LAPTOP, "bob@yahoo", auto.clone())).remove(0);
        let mail = mail_to(LAPTOP, alice.does(Input::Sent(ticket, Ok(Fate::Delivered))));
        let is_told = matches!(mail[..], [Mail::Accepted(EnvelopeId(1), Fate::Delivered)]);
        assert_eq!((is_told, mail.len()), (asks, usize::from(asks)));
        let (ticket, _) = posts(&alice.says(LAPTOP, "bob@yahoo", auto)).remove(0);
        let failed = alice.does(Input::Sent(ticket, Err(Failure::Offline)));
        let bodies: Vec<_> = delivered(LAPTOP, failed).into_iter().map(|(body, _)| body).collect();
        let report = Body::Undelivered { of: EnvelopeId(2), why: Failure::Offline };
        assert_eq!(bodies, if asks { vec![report] } else { vec![] });
    }
}

#[test]
fn only_words_between_friends_are_kept() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    for (to, body, kept) in [
        ("bob@yahoo", text("hi"), true),
        ("bob@yahoo", Body::Typing(Typing::Active), false),
        ("eve@yahoo", text("hi"), false),
    ] {
        let effects = alice.says(LAPTOP, to, body);
        let keeps = effects.iter().find_map(|e| match e {
            Effect::Post { may_keep, .. } => Some(*may_keep),
            _ => None,
        });
        assert_eq!(keeps, Some(kept), "{to}");
    }
}

#[test]
fn a_step_of_consent_is_tried_again_while_it_is_meant() {
    let mut alice = Driven::with([]);
    let request = Body::Contact(Consent::Request("It is me".into()));
    let effects = alice.says(LAPTOP, "bob@yahoo", request);
    let (ticket, step) = posts(&effects).remove(0);
    alice.does(Input::Sent(ticket, Err(Failure::Unreachable)));
    let again = posts(&alice.waits(Duration::from_secs(3)));
    assert_eq!((again.len(), &again[0].1), (1, &step));
    // Taken back meanwhile, it is not said again.
    alice.does(Input::Sent(again[0].0, Err(Failure::Unreachable)));
    alice.says(LAPTOP, "bob@yahoo", Body::Contact(Consent::Cancel));
    assert!(posts(&alice.waits(Duration::from_secs(3))).is_empty());
}

#[test]
fn who_says_much_is_heard_more_slowly() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    for _ in 0..500 {
        for (ticket, _) in posts(&alice.says(LAPTOP, "bob@yahoo", text("x"))) {
            alice.does(Input::Sent(ticket, Ok(Fate::Delivered)));
        }
    }
    assert_eq!(alice.account.pause(alice.now.instant, LAPTOP), None);
    for (ticket, _) in posts(&alice.says(LAPTOP, "bob@yahoo", text("x"))) {
        alice.does(Input::Sent(ticket, Ok(Fate::Delivered)));
    }
    let pause = alice.account.pause(alice.now.instant, LAPTOP);
    assert_eq!(pause, Some(Duration::from_millis(20)));
}

#[test]
fn what_waits_is_charged_to_who_said_it_and_given_back() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let long = text(&"x".repeat(10_000));
    let effects = alice.says(LAPTOP, "bob@yahoo", long);
    let reserved = |effects: &[Effect<u32>]| {
        let last = effects.iter().rev().find_map(|e| match e {
            Effect::Reserve(LAPTOP, bytes) => Some(*bytes),
            _ => None,
        });
        last.unwrap_or_else(|| panic!("{effects:?}"))
    };
    assert!((10_000..11_000).contains(&reserved(&effects)));
    let effects = alice.does(Input::Sent(posts(&effects)[0].0, Ok(Fate::Delivered)));
    assert_eq!(reserved(&effects), 0);
}

#[test]
fn what_is_said_before_the_list_is_known_leaves_afterwards_or_is_reported() {
    let mut alice = Driven::new();
    alice.opens(LAPTOP, "laptop");
    assert!(posts(&alice.says(LAPTOP, "bob@yahoo", text("hi"))).is_empty());
    let effects = alice.does(Input::Loaded(crosstalk_core::Roster::default()));
    assert_eq!(posts(&effects).len(), 1);

    let mut alice = Driven::new();
    alice.opens(LAPTOP, "laptop");
    alice.says(LAPTOP, "bob@yahoo", text("hi"));
    let effects = alice.does(Input::Closed(LAPTOP));
    assert!(effects.iter().any(|e| matches!(e, Effect::Report { .. })), "{effects:?}");
}

#[test]
fn other_sessions_see_what_one_said() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    alice.opens(PHONE, "phone");
    let effects = alice.says(LAPTOP, "bob@yahoo", text("hi"));
    assert!(matches!(mail_to(PHONE, effects)[..], [Mail::Carbon(_)]));
}
