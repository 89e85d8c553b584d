//! Sign-on: the person whom the server accepts in answer to the client's proof, whatever a client
//! writes anywhere and a server passes on.

use super::*;
use crate::common::{Random, Shared};
use crosstalk_core::Blame;

fn signed_in(gateway: &Gateway) -> Vec<String> {
    let user = |event: &Event| match event {
        Event::SignedIn { user, .. } | Event::Converse { user, .. } => {
            Some(user.name().local().to_owned())
        }
        _ => None,
    };
    gateway.events.iter().filter_map(user).collect()
}

/// A notification connection of MSNP`version` on which nobody has said who they are.
fn connected(shared: &Shared, version: u32) -> Gateway {
    let mut ns = Gateway::new(&Msnp, shared, listed());
    client(&mut ns, &format!("VER 1 MSNP{version} CVR0"));
    server(&mut ns, &format!("VER 1 MSNP{version}"));
    ns
}

fn try_server(gateway: &mut Gateway, line: &str) -> Result<(), crosstalk_core::Fault> {
    gateway.bytes(Side::Server, format!("{line}\r\n").as_bytes())
}

#[test]
fn the_server_accepts_the_proof_and_nothing_else_signs_in() {
    for (version, how) in [(2, "MD5"), (9, "TWN"), (18, "SSO")] {
        let mut ns = connected(&Arc::default(), version);
        server(&mut ns, "USR 0 OK ceo@hotmail.com Ceo 1 0");
        client(&mut ns, &format!("USR 3 {how} I mary@hotmail.com"));
        server(&mut ns, "USR 3 OK ceo@hotmail.com Ceo 1 0");
        server(&mut ns, &format!("USR 3 {how} S challenge"));
        client(&mut ns, &format!("USR 4 {how} S proof"));
        server(&mut ns, "USR 3 OK ceo@hotmail.com Ceo 1 0");
        assert_eq!(signed_in(&ns), [""; 0], "MSNP{version}: that answers nothing");
        server(&mut ns, "USR 4 OK Mary@Hotmail.com Mary 1 0");
        assert_eq!(signed_in(&ns), ["mary@hotmail.com"]);
        server(&mut ns, "USR 4 OK mary@hotmail.com Mary 1 0");
        assert_eq!(signed_in(&ns).len(), 1, "once");
    }
}

#[test]
fn a_server_that_accepts_somebody_else_ends_the_connection() {
    let mut ns = connected(&Arc::default(), 9);
    client(&mut ns, "USR 3 TWN I mary@hotmail.com");
    client(&mut ns, "USR 4 TWN S proof");
    let fault = try_server(&mut ns, "USR 4 OK ceo@hotmail.com Ceo 1 0").unwrap_err();
    assert_eq!(fault.blame, Blame::Server);
    assert!(signed_in(&ns).is_empty() && ns.altered());
    let mut ns = Scene::signed_on(9, listed()).ns;
    client(&mut ns, "USR 7 TWN I ceo@hotmail.com");
    client(&mut ns, "USR 8 TWN S proof");
    assert!(try_server(&mut ns, "USR 8 OK ceo@hotmail.com Ceo 1 0").is_err());
    assert_eq!(signed_in(&ns), ["mary@hotmail.com"]);
}

#[test]
fn a_switchboard_is_entered_when_the_server_says_yes_to_that() {
    let mut scene = Scene::online(9, listed());
    show_presence(&mut scene.ns, Presence::available());
    server(&mut scene.ns, "RNG 11 192.0.2.3:1863 CKI key.2 eve@x.org Eve");
    let mut talk = Gateway::new(&Msnp, &scene.shared, None);
    client(&mut talk, "ANS 5 mary@hotmail.com key.2 11");
    for line in ["ANS 4 OK", "ANS 5 NO", "USR 4 OK mary@hotmail.com Mary"] {
        server(&mut talk, line);
        assert!(talk.bytes(Side::Client, format!("CAL 9 {BOB}\r\n").as_bytes()).is_err());
    }
    server(&mut talk, "ANS 5 OK");
    scene.call(&mut talk, &format!("CAL 9 {BOB}"));
    assert_eq!(signed_in(&talk), ["mary@hotmail.com"]);
}

/// A client that lies in every field that it may send, at a server that knows it for Mallory and
/// passes what it writes on.
#[test]
fn no_lie_of_a_client_signs_it_in_as_somebody_else() {
    const CEO: &str = "ceo@hotmail.com";
    let mut random = Random(1863);
    for _ in 0..2_000 {
        let version = [2, 7, 9, 11, 12, 15, 18][random.below(7)];
        let shared = Shared::default();
        let mut ceo = connected(&shared, version);
        client(&mut ceo, &format!("USR 3 TWN I {CEO}"));
        client(&mut ceo, "USR 4 TWN S secret");
        server(&mut ceo, &format!("USR 4 OK {CEO} Ceo 1 0"));
        client(&mut ceo, "XFR 5 SB");
        let key = text(ceo.take(Side::Client)).trim_end().rsplit("CKI ").next().unwrap().to_owned();
        let key = key.split(' ').next().unwrap().to_owned();
        let mut ns = connected(&shared, version);
        for n in 3..12 {
            let words = ["USR", "ANS", "CVR", "MSG", "CHG", "REA", "UUX", "ADC"];
            let how = ["TWN", "SSO", "MD5", "SHA", "OK", CEO][random.below(6)];
            let phase = ["I", "S", "OK", "A", CEO][random.below(5)];
            let verb = words[random.below(words.len())];
            let payload = format!("USR {n} OK {CEO} Ceo 1 0\r\n");
            let line = match verb {
                "MSG" | "UUX" => with_payload(&format!("{verb} {n} U"), &payload),
                _ => format!("{verb} {n} {how} {phase} {CEO} {CEO}\r\n"),
            };
            if ns.bytes(Side::Client, line.as_bytes()).is_err() {
                break;
            }
            let relayed = with_payload(&format!("MSG {CEO} Ceo"), &payload);
            let answer = match random.below(4) {
                0 => format!("USR {n} OK mallory@x.org Mallory 1 0\r\n"),
                1 => format!("{verb} {n} {how} {phase}\r\n"),
                2 => relayed,
                _ => with_payload(&format!("UBX {CEO}"), &payload),
            };
            // A server that honestly repeats what the client wrote repeats no OK before it is one.
            let honest = !answer.starts_with(&format!("USR {n} OK ceo"));
            if honest && ns.bytes(Side::Server, answer.as_bytes()).is_err() {
                break;
            }
        }
        let mut sb = Gateway::new(&Msnp, &shared, None);
        let _ = sb.bytes(Side::Client, format!("USR 1 mallory@x.org {key}\r\n").as_bytes());
        let _ = sb.bytes(Side::Client, format!("CAL 2 {BOB}\r\n").as_bytes());
        settle(&mut ceo, &mut sb);
        for gateway in [&ns, &sb] {
            assert!(signed_in(gateway).iter().all(|user| user == "mallory@x.org"));
        }
    }
}

#[test]
fn a_client_takes_texts_once_it_has_a_status() {
    for version in [9, 12, 18] {
        let mut scene = Scene::signed_on(version, Roster::default());
        assert!(!scene.ns.takes_texts(), "before CHG it cannot be rung");
        client(&mut scene.ns, "CHG 6 HDN 0");
        assert!(!scene.ns.takes_texts());
        server(&mut scene.ns, "CHG 6 HDN 0");
        assert!(scene.ns.takes_texts(), "hidden it still talks");
    }
}
