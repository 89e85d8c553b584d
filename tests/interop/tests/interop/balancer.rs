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

/// A Last.fm that says what Yolanda listens to, at a port of loopback.
fn lastfm() -> u16 {
    const PLAYING: &str = r##"{"recenttracks":{"track":{"artist":{"#text":"Shakira"},
        "name":"Ojos","@attr":{"nowplaying":"true"}}}}"##;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut asked in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let length = asked.read(&mut request).unwrap();
            let of_yolanda = request[..length].windows(10).any(|part| part == b"user=yolo&");
            let status = if of_yolanda { "200 OK" } else { "404 Not Found" };
            let length = PLAYING.len();
            write!(asked, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{PLAYING}")
                .unwrap();
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
