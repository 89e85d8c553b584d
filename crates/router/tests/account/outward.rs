//! Statuses and settings for services outside, and what comes back from there.

use std::collections::BTreeSet;
use std::sync::Arc;

use crosstalk_core::{
    Audience, Availability, Body, Contact, Envelope, Event, Failure, Presence, Question, RichText,
    Roster, Stamp,
};
use crosstalk_router::{
    Action, Change, Effect, ErrandId, Full, Input, Mail, Outward, RecordsRequest, Reply, Service,
    Settings, View,
};

use crate::driven::{Driven, LAPTOP, PHONE, address, delivered, mail_to, roster, text};

/// Looks outward where something is set, sends commands on errands about what is named second, and
/// hides those with a secret.
struct Posts;

impl Service for Posts {
    fn answer(&self, text: &str, _: &View<'_>) -> Reply {
        let (what, about) = text.split_once(' ').unwrap_or((text, "a"));
        let about = format!("{about}=");
        let act = match what {
            "off" => Action::Dismiss(about),
            "forget" => Action::Records(RecordsRequest::Forget),
            _ => Action::Errand { about, words: text.to_owned().into() },
        };
        Reply { say: "Asking.".into(), act: vec![act] }
    }

    fn in_words(&self, _: &Envelope, _: &str) -> Vec<RichText> {
        Vec::new()
    }

    fn kept(&self, _: &str, _: bool) -> RichText {
        RichText::default()
    }

    fn not_changed(&self, _: Full) -> RichText {
        "Full.".into()
    }

    fn question(&self, _: &str) -> Option<Question> {
        None
    }

    fn shares(
        &self,
        _: &Question,
        _: &crosstalk_core::Address,
        _: &[String],
    ) -> Result<Box<str>, Failure> {
        Err(Failure::Refused)
    }

    fn unanswered(&self, _: &Question, _: &str, _: Failure) -> RichText {
        RichText::default()
    }

    fn looks_outward(&self, settings: &[String]) -> bool {
        !settings.is_empty()
    }

    fn hides(&self, command: &str) -> bool {
        command.contains("secret")
    }
}

fn posting(settings: &mut Settings) {
    settings.service = Arc::new(Posts);
}

fn list(settings: &[&str]) -> Roster {
    let mut list = roster([] as [Contact; 0]);
    let settings = settings.iter().map(ToString::to_string).collect();
    list.put_settings(settings, Stamp { millis: 2, writer: 9 });
    list
}

fn alice(settings: &[&str]) -> Driven {
    let mut alice = Driven::set(posting);
    alice.signs_on(list(settings));
    alice
}

fn outward(effects: &[Effect<u32>]) -> Vec<Option<Outward>> {
    let outward = |effect: &Effect<u32>| match effect {
        Effect::Outward(outward) => Some(outward.clone()),
        _ => None,
    };
    effects.iter().filter_map(outward).collect()
}

/// The status that is told, where something is.
fn status(effects: &[Effect<u32>]) -> Option<String> {
    let told = outward(effects).pop().flatten()?;
    told.status.map(|status| status.into_inner().into())
}

fn shows(alice: &mut Driven, show: Availability, text: &str) -> Vec<Effect<u32>> {
    let presence = Presence { show, text: text.into(), ..Presence::default() };
    alice.does(Input::Event(LAPTOP, Event::Presence(presence)))
}

fn said(effects: Vec<Effect<u32>>) -> Vec<String> {
    let words = |(body, _)| match body {
        Body::Text { text, .. } => Some(text.text().to_owned()),
        _ => None,
    };
    delivered(LAPTOP, effects).into_iter().filter_map(words).collect()
}

#[test]
fn a_status_is_told_while_everybody_may_see_it() {
    let mut alice = alice(&["a=b"]);
    let effects = shows(&mut alice, Availability::Away, "lunch");
    assert_eq!(outward(&effects).pop().flatten().unwrap().settings, ["a=b"]);
    assert_eq!(status(&effects).as_deref(), Some("lunch"));
    assert!(!format!("{effects:?}").contains("lunch"));
    let chosen = Audience::only(BTreeSet::from([address("bob@yahoo")]));
    let effects = alice.does(Input::Event(LAPTOP, Event::Audience(chosen)));
    assert!(matches!(&outward(&effects)[..], [Some(Outward { status: None, .. })]));
    let effects = alice.does(Input::Event(LAPTOP, Event::Audience(Audience::everybody())));
    assert_eq!(status(&effects).as_deref(), Some("lunch"));
    let effects = shows(&mut alice, Availability::Offline, "hidden");
    assert!(matches!(&outward(&effects)[..], [Some(Outward { status: None, .. })]), "{effects:?}");
    let effects = alice.does(Input::Closed(LAPTOP));
    assert_eq!(outward(&effects), [None], "once, when the last session ends");
}

#[test]
fn of_several_sessions_the_most_available_one_is_told() {
    let mut alice = alice(&["a=b"]);
    shows(&mut alice, Availability::Away, "lunch");
    alice.opens(PHONE, "phone");
    let presence = Presence { text: "on the road".into(), ..Presence::available() };
    let effects = alice.does(Input::Event(PHONE, Event::Presence(presence)));
    assert_eq!(status(&effects).as_deref(), Some("on the road"));
    let effects = alice.does(Input::Closed(PHONE));
    assert_eq!(status(&effects).as_deref(), Some("lunch"));
}

#[test]
fn nothing_is_told_of_who_has_nothing_outside_and_the_end_of_it_once() {
    let mut alice = alice(&[]);
    assert!(outward(&shows(&mut alice, Availability::Away, "lunch")).is_empty());
    let with = |line: &str| Change { with: vec![line.into()], ..Change::default() };
    let effects = alice.does(Input::Change(with("a=b")));
    assert_eq!(status(&effects).as_deref(), Some("lunch"));
    let effects =
        alice.does(Input::Change(Change { without: vec!["a=".into()], ..Change::default() }));
    assert_eq!(outward(&effects), [None]);
    assert!(outward(&shows(&mut alice, Availability::Away, "dinner")).is_empty());
}

#[test]
fn a_change_is_made_and_said_only_where_what_it_is_about_is_still_there() {
    let mut alice = alice(&["a=b", "c=d"]);
    let change = Change {
        only_with: Some("a=b".into()),
        without: vec!["a=".into()],
        with: vec!["a=z".into()],
        say: vec!["News.".into(), "More.".into()],
        ..Change::default()
    };
    let effects = alice.does(Input::Change(change.clone()));
    let told = outward(&effects).pop().flatten().unwrap();
    assert_eq!(told.settings, ["c=d", "a=z"]);
    assert_eq!(said(effects), ["News.", "More."]);
    let effects = alice.does(Input::Change(change));
    assert!(effects.is_empty(), "{effects:?}");
}

#[test]
fn what_happens_by_itself_waits_while_no_client_reads() {
    let mut alice = alice(&["a=b"]);
    alice.does(Input::Takes(LAPTOP, false));
    let change = Change {
        only_with: Some("a=".into()),
        without: vec!["a=".into()],
        with: vec!["a=z".into()],
        say: vec!["News.".into()],
        ..Change::default()
    };
    assert!(alice.does(Input::Change(change.clone())).is_empty());
    alice.does(Input::Takes(LAPTOP, true));
    assert_eq!(said(alice.does(Input::Change(change))), ["News."]);
}

#[test]
fn an_errand_leaves_with_its_words_and_a_secret_is_shown_to_no_other_client() {
    let mut alice = alice(&[]);
    alice.opens(PHONE, "phone");
    alice.does(Input::Takes(PHONE, true));
    let effects = alice.says(LAPTOP, "crosstalk@gateway", text("set secret"));
    let errand = |effect: &Effect<u32>| match effect {
        Effect::Errand(_, words) => Some(words.expose().clone()),
        _ => None,
    };
    assert_eq!(effects.iter().find_map(errand).as_deref(), Some("set secret"));
    assert!(!format!("{effects:?}").contains("secret"));
    let is_carbon = |mail: &Mail| matches!(mail, Mail::Carbon(_));
    assert!(!mail_to(PHONE, effects).iter().any(is_carbon));
    let effects = alice.says(LAPTOP, "crosstalk@gateway", text("set"));
    assert!(mail_to(PHONE, effects).iter().any(is_carbon));
}

/// Gives an errand about `a=`.
fn asks(alice: &mut Driven) -> ErrandId {
    let effects = alice.says(LAPTOP, "crosstalk@gateway", text("set a"));
    let errand = |effect: &Effect<u32>| match effect {
        Effect::Errand(id, _) => Some(id.clone()),
        _ => None,
    };
    effects.iter().find_map(errand).unwrap()
}

/// Whether what came of an errand is taken.
fn takes(alice: &mut Driven, errand: ErrandId, line: &str) -> bool {
    let change = Change {
        errand: Some(errand),
        without: vec!["a=".into()],
        with: vec![line.into()],
        say: vec!["Done.".into()],
        ..Change::default()
    };
    let effects = alice.does(Input::Change(change));
    let is_told = outward(&effects).pop().flatten().is_some_and(|o| o.settings == [line]);
    assert_eq!(is_told, said(effects) == ["Done."]);
    is_told
}

#[test]
fn an_errand_comes_to_nothing_once_something_else_was_said() {
    for word in ["off a", "forget"] {
        let mut alice = alice(&[]);
        let errand = asks(&mut alice);
        alice.says(LAPTOP, "crosstalk@gateway", text(word));
        assert!(!takes(&mut alice, errand, "a=1"), "{word}");
    }
    let mut alice = alice(&[]);
    let errand = asks(&mut alice);
    alice.says(LAPTOP, "crosstalk@gateway", text("off b"));
    assert!(takes(&mut alice, errand.clone(), "a=1") && !takes(&mut alice, errand, "a=1"));
    let errand = asks(&mut alice);
    // At another gateway.
    alice.does(Input::Change(Change { without: vec!["a=".into()], ..Change::default() }));
    assert!(!takes(&mut alice, errand, "a=2"));
}

#[test]
fn of_two_errands_about_the_same_the_newer_one_counts_whichever_ends_first() {
    let mut alice = alice(&[]);
    let (older, newer) = (asks(&mut alice), asks(&mut alice));
    assert!(!takes(&mut alice, older, "a=older") && takes(&mut alice, newer, "a=newer"));
    let (older, newer) = (asks(&mut alice), asks(&mut alice));
    assert!(takes(&mut alice, newer, "a=new") && !takes(&mut alice, older, "a=old"));
}
