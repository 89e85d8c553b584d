//! A gateway behind `HAProxy`, whose services answer for the clients that `HAProxy` names.

#[path = "../../../../crates/gateway/tests/places/mod.rs"]
#[allow(dead_code, unreachable_pub)]
mod places;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crosstalk_interop::Balanced;

const YOLANDA: &str = "yolanda@yahoo.xt";
const CONTROL: &str = "crosstalk@gateway.xt";

/// Reply of Last.fm while a track plays.
const PLAYING: &str = r##"{"recenttracks":{"track":{"artist":{"#text":"Shakira"},
    "name":"Ojos","@attr":{"nowplaying":"true"}}}}"##;

/// Errors that Last.fm documents: for the user of this name its status and number, and what is read
/// of it.
const ERRORS: [(&str, &str, u16, &str); 5] = [
    ("nobody", "404 Not Found", 6, "Last.fm knows nobody of the name that was set"),
    ("keyless", "403 Forbidden", 10, "Last.fm does not take this gateway's key"),
    ("broken", "503 Service Unavailable", 11, "Last.fm is out of order at the moment"),
    ("private", "403 Forbidden", 17, "the profile at Last.fm is private"),
    ("often", "429 Too Many Requests", 29, "Last.fm was asked too often; please try again"),
];

/// A Last.fm that says what Yolanda listens to, and gives every error that it has, at a port of
/// loopback.
fn lastfm() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut asked in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let length = asked.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..length]);
            let is_of = |name: &str| request.contains(&format!("user={name}&"));
            let error = ERRORS.iter().find(|(name, ..)| is_of(name));
            let (status, body) = match error {
                Some((_, status, number, _)) => {
                    (*status, format!(r#"{{"error":{number},"message":"In words"}}"#))
                }
                None if is_of("yolo") => ("200 OK", PLAYING.to_owned()),
                None => ("404 Not Found", String::new()),
            };
            let length = body.len();
            write!(asked, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        }
    });
    port
}

#[test]
fn services_answer_for_the_client_that_haproxy_names() {
    let place = ("8.8.8.0/24", places::names("San Diego", "United States"));
    let stage = Balanced::start(&places::database(&[place]), lastfm());
    let (mut alice, mut yolanda) = (stage.alice(), stage.yolanda());
    alice.does(&["add", YOLANDA, "Friends"]);
    yolanda.says_yes();
    alice.finds(YOLANDA, &[("online", "yes")]);
    for (set, said) in [
        ("/set location on", "are told your location"),
        ("/set music lastfm yolo", "are told your music"),
    ] {
        yolanda.says(CONTROL, set);
        yolanda.reads(said);
    }
    for (asked, answer) in [("/location", "San Diego"), ("/music", "Shakira")] {
        alice.says(YOLANDA, asked);
        let said = alice.sees("im", &[("name", YOLANDA)]).to_string();
        assert!(said.contains(answer), "{said}");
    }
    for (name, _, _, words) in ERRORS {
        yolanda.says(CONTROL, &format!("/set music lastfm {name}"));
        yolanda.reads("are told your music");
        alice.says(YOLANDA, "/music");
        let said = alice.sees("im", &[("name", YOLANDA)]).to_string();
        assert!(said.contains(words), "{said}");
    }
    alice.signs_off();
    drop(yolanda);
    let log = stage.log();
    let ended = |at: &str| {
        let peer = format!("peer={at}:");
        log.lines().any(|line| line.contains("connection ended") && line.contains(&peer))
    };
    assert!(ended(Balanced::AT_AIM), "no client at {}", Balanced::AT_AIM);
    // HAProxy's own looks whether the gateway is there are no faults of anybody's.
    let refused: Vec<_> = log.lines().filter(|line| line.contains("PROXY header")).collect();
    assert!(refused.is_empty(), "{refused:?}");
}
