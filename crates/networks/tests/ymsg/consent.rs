//! Requests and their answers.

use crosstalk_core::{Body, Consent, Contact, Event, RichText, Roster, Subscription};

use crate::scene::{BOB, Scene, bob, contact, roster_of};

fn asks() -> Contact {
    let from = Subscription::Asked(RichText::default());
    Contact { from, ..Contact::new(bob(), BOB.into()) }
}

fn request() -> Body {
    Body::Contact(Consent::Request("may I?".into()))
}

#[test]
fn a_request_is_the_clients_own_dialogue() {
    for (version, dialogue) in [
        (10, format!("0f/3 1=ann 3={BOB} 14=may_I? 97=1 15=1800000000")),
        (16, format!("d6/3 4={BOB} 5=ann 14=may_I? 97=1")),
    ] {
        let mut scene = Scene::signed_on(version, roster_of([asks()]));
        scene.deliver(request());
        scene.deliver(request());
        assert_eq!(scene.client_got(), [dialogue], "once");
        scene.client(&format!("d6/0 1=ann 5={BOB} 13=1 334=0"));
        assert_eq!(scene.said()[0].body, Body::Contact(Consent::Grant));
        assert!(scene.server_got().is_empty());
    }
}

#[test]
fn no_is_said_in_the_words_of_both_versions() {
    for (version, no) in [(10, "86/0 1=ann 7="), (16, "d6/0 1=ann 13=2 14=why 5=")] {
        let mut scene = Scene::signed_on(version, roster_of([asks()]));
        scene.deliver(request());
        scene.client(&format!("{no}{BOB}"));
        assert_eq!(scene.said()[0].body, Body::Contact(Consent::Revoke));
        assert!(scene.server_got().is_empty());
    }
}

#[test]
fn clients_without_a_word_for_yes_are_asked_by_the_control_contact_too() {
    let mut scene = Scene::signed_on(10, roster_of([asks()]));
    scene.deliver(request());
    assert!(scene.gateway.events.iter().any(|event| matches!(event, Event::Unshown(_))));
    scene.client(&format!("83/0 1=ann 7={BOB} 65=Work"));
    let said: Vec<Body> = scene.said().into_iter().map(|s| s.body).collect();
    assert_eq!(said.last(), Some(&Body::Contact(Consent::Grant)), "who adds, says yes");
    let mut scene = Scene::of_release(10, "8.1.0", roster_of([asks()]));
    scene.accept();
    scene.deliver(request());
    assert!(!scene.gateway.events.iter().any(|event| matches!(event, Event::Unshown(_))));
}

#[test]
fn the_answer_to_the_persons_own_request_is_shown() {
    let awaits = || {
        let to = Subscription::Asked(RichText::default());
        roster_of([Contact { to, ..contact() }])
    };
    for (version, no) in
        [(10, format!("0f/7 1=ann 3={BOB}")), (16, format!("d6/1 4={BOB} 5=ann 13=2"))]
    {
        let mut scene = Scene::signed_on(version, awaits());
        scene.deliver(Body::Contact(Consent::Revoke));
        assert_eq!(scene.client_got(), [no]);
        scene.deliver(Body::Contact(Consent::Revoke));
        assert!(scene.client_got().is_empty(), "only an answer is news");
    }
    let mut scene = Scene::signed_on(16, awaits());
    scene.deliver(Body::Contact(Consent::Grant));
    assert_eq!(scene.client_got(), [format!("d6/1 4={BOB} 5=ann 13=1")]);
}

#[test]
fn who_is_hidden_from_does_not_see() {
    let granted = Contact { from: Subscription::Granted, ..contact() };
    let mut scene = Scene::signed_on(16, roster_of([granted]));
    scene.client(&format!("b9/0 1=ann 31=1 13=2 302=319 300=319 7={BOB} 301=319 303=319"));
    scene.client(&format!("b9/0 1=ann 31=2 13=2 302=319 300=319 7={BOB} 301=319 303=319"));
    let said: Vec<Body> = scene.said().into_iter().map(|s| s.body).collect();
    assert_eq!(said, [Consent::Revoke, Consent::Grant].map(Body::Contact));
    assert!(scene.server_got().is_empty());
}

#[test]
fn requests_of_own_people_and_answers_to_them_pass() {
    let mut scene = Scene::signed_on(16, Roster::default());
    scene.client("d6/0 1=ann 5=eve 13=1 334=0");
    assert_eq!(scene.server_got(), ["d6/0 1=ann 5=eve 13=1 334=0"]);
}
