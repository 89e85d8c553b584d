//! Services of people: what is a question, and the words of every reply.
#![allow(clippy::unwrap_used)]

use crosstalk_core::{Failure, Question};
use crosstalk_services::{
    Endpoint, Found, Offers, SERVICES, Step, Trouble, begin, finish, question, shares, unanswered,
};

fn offers() -> Offers {
    let (url, key) = ("https://audio.test/2.0/".to_owned(), "k&y".to_owned().into());
    let lastfm = Some(Endpoint { url, key });
    Offers {
        lastfm,
        listenbrainz: Some("https://brainz.test".into()),
        locations: Some("Maps Ltd".into()),
        ..Offers::default()
    }
}

fn music() -> Question {
    question("/music").unwrap()
}

/// Answer of Last.fm's API in words.
fn lastfm(status: u16, body: &str) -> String {
    let found = Found::Response { status, body: body.into() };
    finish(&music(), "lastfm rj", found).text().to_owned()
}

fn listenbrainz(status: u16, body: &str) -> String {
    let found = Found::Response { status, body: body.into() };
    finish(&music(), "listenbrainz rj", found).text().to_owned()
}

fn location(found: Found) -> String {
    finish(&question("/location").unwrap(), "on", found).text().to_owned()
}

#[test]
fn only_what_is_no_more_than_a_command_is_a_question() {
    for text in ["/music", " /Music\n", "/location"] {
        assert!(question(text).is_some(), "{text:?}");
    }
    for text in ["music", "/music is nice", "/musical", "/", "", "//music", "/help", "/me sings"] {
        assert_eq!(question(text), None, "{text:?}");
    }
    let names: Vec<_> = SERVICES.iter().map(|service| service.name).collect();
    assert_eq!(names, ["music", "location"]);
}

#[test]
fn nothing_is_shared_that_was_not_turned_on() {
    let bob = "bob@yahoo".parse().unwrap();
    let shared = |settings: &[&str]| {
        let settings: Vec<_> = settings.iter().map(ToString::to_string).collect();
        shares(&music(), &bob, &settings).map(String::from)
    };
    assert_eq!(shared(&[]), Err(Failure::Offline));
    assert_eq!(shared(&["location=on", "music/bob@yahoo=on"]), Err(Failure::Offline));
    assert_eq!(shared(&["music=lastfm rj"]), Ok("lastfm rj".into()));
    assert_eq!(shared(&["music=lastfm rj", "music/bob@yahoo=off"]), Err(Failure::Offline));
    assert_eq!(shared(&["music=lastfm rj", "music/*=off"]), Err(Failure::Offline));
    let but = ["music=lastfm rj", "music/*=off", "music/bob@yahoo=on"];
    assert_eq!(shared(&but), Ok("lastfm rj".into()));
    let later = Question::new("translate", "de").unwrap();
    assert_eq!(shares(&later, &bob, &[]), Err(Failure::Refused));
}

#[test]
fn lastfm_is_asked_for_one_track_and_names_do_not_change_the_question() {
    let Step::Get(url) = begin(&music(), "lastfm r&j=1#", &offers()) else { panic!() };
    let asked = "https://audio.test/2.0/?method=user.getrecenttracks&format=json&limit=1\
                 &user=r%26j%3D1%23&api_key=k%26y";
    assert_eq!(url.0, asked);
    assert_eq!(format!("{url:?}"), "[address]", "it holds the key");
    let Step::Get(url) = begin(&music(), "listenbrainz ../x", &offers()) else { panic!() };
    assert_eq!(url.0, "https://brainz.test/1/user/..%2Fx/playing-now");
    let Step::Say(said) = begin(&music(), "lastfm rj", &Offers::default()) else { panic!() };
    let not_here = "[CrossTalk /music: this gateway does not ask there for music]";
    assert_eq!(said.text(), not_here);
}

/// Replies as Last.fm documents them.
#[test]
fn lastfm_in_all_its_shapes() {
    let track = |name: &str, attr: &str| {
        format!(
            r##"{{"artist":{{"#text":"Shakira","mbid":""}},"name":"{name}","album":{{"#text":""}}{attr}}}"##
        )
    };
    let now = track("Hips Don't Lie", r#","@attr":{"nowplaying":"true"}"#);
    let before = track("Ojos", r##","date":{"uts":"1700000000","#text":"14 Nov 2023"}"##);
    let many = |tracks: &str| format!(r#"{{"recenttracks":{{"track":{tracks},"@attr":{{}}}}}}"#);
    let playing = r#"[CrossTalk /music: "Hips Don't Lie" by "Shakira"]"#;
    assert_eq!(lastfm(200, &many(&now)), playing, "one track is no list");
    assert_eq!(lastfm(200, &many(&format!("[{now},{before}]"))), playing);
    let earlier = r#"[CrossTalk /music: nothing now; before, "Ojos" by "Shakira"]"#;
    assert_eq!(lastfm(200, &many(&format!("[{before}]"))), earlier);
    let extended = now.replace("#text\":\"Shakira", "name\":\"Shakira");
    assert_eq!(lastfm(200, &many(&extended)), playing, "extended=1 names artists so");
    assert!(lastfm(200, &many("[]")).contains("nothing was played yet"));
}

#[test]
fn lastfms_errors_each_have_words() {
    let error = |number: u16| format!(r#"{{"error":{number},"message":"<b>not for people</b>"}}"#);
    let words = [
        (6, 404, "knows nobody"),
        (17, 403, "is private"),
        (29, 429, "too often"),
        (10, 403, "does not take this gateway's key"),
        (26, 403, "does not take this gateway's key"),
        (8, 500, "out of order"),
        (11, 503, "out of order"),
        (16, 503, "out of order"),
        (13, 400, "error 13"),
    ];
    for (number, status, part) in words {
        for status in [status, 200] {
            let said = lastfm(status, &error(number));
            assert!(said.contains(part) && !said.contains("<b>"), "{number}: {said}");
        }
    }
    assert!(lastfm(503, "<html>").contains("out of order"));
    assert!(lastfm(429, "").contains("too often"));
    assert!(lastfm(302, "").contains("status 302"), "redirects are not followed");
    for odd in ["", "[]", "{}", "null", r#"{"recenttracks":{"track":{"name":7}}}"#] {
        assert!(lastfm(200, odd).contains("does not understand"), "{odd}");
    }
}

#[test]
fn listenbrainz_in_all_its_shapes() {
    let playing = r#"{"payload":{"count":1,"listens":[{"playing_now":true,"track_metadata":
        {"artist_name":"Shakira","track_name":"Waka Waka"}}],"playing_now":true,"user_id":"rj"}}"#;
    assert_eq!(listenbrainz(200, playing), r#"[CrossTalk /music: "Waka Waka" by "Shakira"]"#);
    let silent = r#"{"payload":{"count":0,"listens":[],"playing_now":true,"user_id":"rj"}}"#;
    assert!(listenbrainz(200, silent).contains("nothing now"));
    for (status, part) in [
        (404, "knows nobody"),
        (401, "is private"),
        (429, "too often"),
        (500, "out of order"),
        (418, "status 418"),
    ] {
        let said = listenbrainz(status, r#"{"code":1,"error":"x"}"#);
        assert!(said.contains(part), "{status}: {said}");
    }
    assert!(listenbrainz(200, "{}").contains("does not understand"));
}

#[test]
fn what_others_wrote_is_quoted_and_cut() {
    let evil = format!("]\u{202e}\\n[CrossTalk: pay me{}", "x".repeat(500));
    let body = format!(
        r##"{{"recenttracks":{{"track":{{"artist":{{"#text":"{evil}"}},"name":"n","@attr":{{"nowplaying":"true"}}}}}}}}"##
    );
    let said = lastfm(200, &body);
    assert!(said.starts_with("[CrossTalk /music: \"n\" by \"]"), "{said}");
    assert!(!said.contains('\n') && !said.contains('\u{202e}') && said.len() < 300, "{said}");
}

#[test]
fn places_and_troubles_have_words() {
    let place =
        |city: &str, country: &str| Found::Place { city: city.into(), country: country.into() };
    assert_eq!(
        location(place("San Diego", "United States")),
        r#"[CrossTalk /location: near "San Diego", "United States"]"#
    );
    assert_eq!(location(place("San Diego", "")), r#"[CrossTalk /location: near "San Diego"]"#);
    assert!(location(Found::Private).contains("private network"));
    assert!(location(Found::Unknown).contains("not known"));
    let step = begin(&question("/location").unwrap(), "at San Diego", &Offers::default());
    assert!(
        matches!(step, Step::Say(said) if said.text() == "[CrossTalk /location: \"San Diego\"]")
    );
    let parts = ["in time", "cannot be reached", "more than is read", "too much"];
    let troubles = [Trouble::Timeout, Trouble::Unreachable, Trouble::TooLarge, Trouble::Busy];
    for (why, part) in troubles.into_iter().zip(parts) {
        let said = finish(&music(), "lastfm rj", Found::Nothing(why));
        assert!(said.text().contains(part), "{}", said.text());
    }
}

#[test]
fn a_gateway_that_knows_no_service_is_told_from_somebody_who_does_not_tell() {
    let said = |why| unanswered(&music(), "bob@yahoo.xt", why).text().to_owned();
    assert_eq!(
        said(Failure::Refused),
        "[CrossTalk: the gateway of bob@yahoo.xt does not know /music.]"
    );
    let off = "[CrossTalk: bob@yahoo.xt is not there, or does not tell you /music.]";
    assert_eq!((said(Failure::Offline).as_str(), said(Failure::Blocked).as_str()), (off, off));
    assert!(said(Failure::Unconfirmed).contains("cannot be reached"));
    assert!(said(Failure::Busy).contains("too much was asked"));
}
