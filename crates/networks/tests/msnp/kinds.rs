//! Every kind of what clients say in a conversation is shown, put into words, or refused: nothing
//! gets a yes and nothing else.

use crosstalk_core::{Failure, Typing};

use super::common::kinds::Outcome;
use super::talks::{got, sent};
use super::*;

/// Fate of a kind.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It is shown to the guest.
    Shown,
    /// The client is told that it failed, or reads it in words where it does not wait for that.
    Refused,
    /// The client is told that it failed, if it waits for that.
    Unknown,
    /// The guest's client declines it.
    Declined,
    /// It is nothing that anybody would see.
    Technical,
}

/// An offer in the frames of clients since MSNP9.
fn offer() -> Vec<u8> {
    let words = format!(
        "INVITE MSNMSGR:{BOB} MSNSLP/1.0\r\nTo: <msnmsgr:{BOB}>\r\nFrom: <msnmsgr:mary@hotmail.com>\r\n\
         Via: MSNSLP/1.0/TLP ;branch={{1}}\r\nCSeq: 0 \r\nCall-ID: {{2}}\r\nMax-Forwards: 0\r\n\
         Content-Type: application/x-msnmsgr-sessionreqbody\r\nContent-Length: 9\r\n\r\n\
         EUF-GUID: {{5D3E02AB-6190-11D3-BBBB-00C04F795683}}\r\nSessionID: 4711\r\nAppID: 2\r\n\r\n\0"
    );
    let length = u32::try_from(words.len()).unwrap();
    let mut frame = vec![0; 48];
    frame[4] = 7;
    frame[16..20].copy_from_slice(&length.to_le_bytes());
    frame[24..28].copy_from_slice(&length.to_le_bytes());
    [&frame, words.as_bytes(), &[0; 4]].concat()
}

fn kinds() -> Vec<(&'static str, String, Vec<u8>, Fate)> {
    let invitation = "Application-Name: File Transfer\r\nInvitation-Command: INVITE\r\n\
                      Invitation-Cookie: 33267\r\nApplication-File: a.txt\r\n\r\n";
    let frames = format!("application/x-msnmsgrp2p\r\nP2P-Dest: {BOB}");
    let texts: &[(&str, &str, &str, Fate)] = &[
        ("text", "text/plain; charset=UTF-8", "hello", Fate::Shown),
        ("typing", "text/x-msmsgscontrol\r\nTypingUser: mary@hotmail.com", "\r\n", Fate::Shown),
        ("nudge", "text/x-msnmsgr-datacast", "ID: 1\r\n\r\n", Fate::Shown),
        ("wink", "text/x-msnmsgr-datacast", "ID: 2\r\nData: <msnobj/>\r\n\r\n", Fate::Refused),
        (
            "voice clip",
            "text/x-msnmsgr-datacast",
            "ID: 3\r\nData: <msnobj/>\r\n\r\n",
            Fate::Refused,
        ),
        ("action", "text/x-msnmsgr-datacast", "ID: 4\r\nData: waves\r\n\r\n", Fate::Shown),
        ("any other datacast", "text/x-msnmsgr-datacast", "ID: 77\r\n\r\n", Fate::Unknown),
        ("drawing as a picture", "image/gif", "base64:R0lG", Fate::Refused),
        ("drawing in ink", "application/x-ms-ink", "base64:AAAA", Fate::Refused),
        (
            "offer of a file before MSNP9",
            "text/x-msmsgsinvite; charset=UTF-8",
            invitation,
            Fate::Declined,
        ),
        ("custom emoticon", "text/x-mms-emoticon", ":a:\t<msnobj/>\t", Fate::Technical),
        ("what a client can do", "text/x-clientcaps", "Client-Name: x\r\n", Fate::Technical),
        ("keep-alive", "text/x-keepalive", "", Fate::Technical),
        ("any other kind", "application/x-something-new", "x", Fate::Unknown),
    ];
    let mut kinds: Vec<_> = texts
        .iter()
        .map(|(name, kind, body, fate)| {
            (*name, (*kind).to_owned(), body.as_bytes().to_vec(), *fate)
        })
        .collect();
    kinds.push(("offer of a file or a call", frames, offer(), Fate::Declined));
    kinds
}

fn scene() -> (Scene, Gateway) {
    let mut scene = Scene::online(11, roster(contact(Subscription::Granted, true)));
    show_presence(&mut scene.ns, Presence::available());
    scene.client_got();
    let talk = scene.talk_with_bob();
    (scene, talk)
}

fn message(letter: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("MIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n");
    let line = format!("MSG 7 {letter} {}\r\n", head.len() + body.len());
    [line.as_bytes(), head.as_bytes(), body].concat()
}

/// The same in the words of the page.
fn outcome((name, _, _, fate): &(&str, String, Vec<u8>, Fate)) -> Outcome {
    match fate {
        Fate::Shown if *name == "typing" => Outcome::Typing,
        Fate::Shown if *name == "nudge" => Outcome::Attention,
        Fate::Shown => Outcome::Said,
        Fate::Refused | Fate::Unknown | Fate::Declined => Outcome::Refused,
        Fate::Technical => Outcome::Automatic,
    }
}

#[test]
fn nothing_gets_a_yes_and_nothing_else() {
    let found: Vec<_> = kinds().iter().map(|kind| (kind.0, outcome(kind))).collect();
    common::kinds::check("msnp", &found);
    for (_, kind, body, fate) in kinds() {
        for letter in ["U", "N", "A", "D"] {
            let (_scene, mut talk) = scene();
            talk.bytes(Side::Client, &message(letter, &kind, &body)).unwrap();
            let said = said(&mut talk);
            let lossy = String::from_utf8_lossy(&talk.take(Side::Client)).into_owned();
            let context = format!("{kind} {letter}: {lossy}");
            let (nak, ack) = (lossy.contains("NAK 7\r\n"), lossy.contains("ACK 7\r\n"));
            assert_eq!(said.len(), usize::from(fate == Fate::Shown), "{context}");
            match fate {
                // Typing is nobody's to acknowledge, and of the rest comes news.
                Fate::Shown if matches!(said[0].body, Body::Typing(_)) => assert!(!nak),
                Fate::Shown => assert!(!nak && !ack, "{context}"),
                Fate::Refused => {
                    assert!(!ack && nak == (letter != "U"), "{context}");
                    assert_eq!(lossy.contains("cannot be shown"), letter == "U", "{context}");
                }
                Fate::Unknown => assert!(!ack && nak == (letter != "U"), "{context}"),
                Fate::Declined => {
                    assert!(!nak && ack == matches!(letter, "A" | "D"), "{context}");
                    let declines = ["MSNSLP/1.0 603 Decline\r\n", "Invitation-Command: CANCEL\r\n"];
                    assert!(declines.iter().any(|words| lossy.contains(words)), "{context}");
                    assert!(lossy.contains(&format!("MSG {BOB} {BOB} ")), "{context}");
                }
                Fate::Technical => assert!(!nak && ack == matches!(letter, "A" | "D"), "{context}"),
            }
        }
    }
}

#[test]
fn where_the_server_has_it_too_the_guests_side_is_told_in_words_and_transfers_go_one_way() {
    let wink = message("A", "text/x-msnmsgr-datacast", b"ID: 2\r\nData: <msnobj/>\r\n\r\n");
    let (mut scene, mut talk) = scene();
    scene.call_eve(&mut talk);
    talk.bytes(Side::Client, &wink).unwrap();
    assert_eq!(sent(&mut talk).as_bytes(), wink);
    let heard = got(&mut talk);
    assert!(heard.contains("[CrossTalk: a wink cannot be shown on another network.]"), "{heard}");
    assert!(!heard.contains("ACK") && !heard.contains("NAK"), "the server says it: {heard}");
    let to_eve = message("D", "application/x-msnmsgrp2p\r\nP2P-Dest: eve@x.org", b"frame");
    talk.bytes(Side::Client, &to_eve).unwrap();
    assert_eq!((sent(&mut talk).as_bytes(), got(&mut talk).as_str()), (&to_eve[..], ""));
    let to_bob = message("D", &format!("application/x-msnmsgrp2p\r\nP2P-Dest: {BOB}"), &offer());
    talk.bytes(Side::Client, &to_bob).unwrap();
    assert_eq!(sent(&mut talk), "");
    assert!(String::from_utf8_lossy(&talk.take(Side::Client)).contains("603 Decline"));
}

#[test]
fn typing_and_nudges_are_what_they_were() {
    let (_scene, mut talk) = scene();
    for (_, kind, body, _) in kinds().iter().skip(1).take(2) {
        talk.bytes(Side::Client, &message("U", kind, body)).unwrap();
    }
    let bodies: Vec<Body> = said(&mut talk).into_iter().map(|o| o.body).collect();
    assert_eq!(bodies, [Body::Typing(Typing::Active), Body::Attention]);
}

/// A part of a message, as MSG `n`.
fn part(n: usize, head: &str, words: &str) -> String {
    with_payload(&format!("MSG {n} A"), &format!("{head}\r\n\r\n{words}"))
}

const BOLD: &str = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\
                    X-MMS-IM-Format: EF=B; CO=0\r\nMessage-ID: {7B7B34E6}";

#[test]
fn a_message_in_several_parts_is_one_text_in_whatever_order_they_come() {
    let bare = "Message-ID: {7B7B34E6}";
    // Some clients say everything in each part.
    for rest in [bare, BOLD] {
        for order in [[0, 1, 2], [0, 2, 1], [2, 1, 0]] {
            let (_scene, mut talk) = scene();
            let parts = [
                part(3, &format!("{BOLD}\r\nChunks: 3"), "one, "),
                part(4, &format!("{rest}\r\nChunk: 1"), "two, "),
                part(5, &format!("{rest}\r\nChunk: 2"), "three."),
            ];
            for at in order {
                assert!(said(&mut talk).is_empty());
                talk.bytes(Side::Client, parts[at].as_bytes()).unwrap();
            }
            let [whole] = &said(&mut talk)[..] else { panic!("one message") };
            let Body::Text { text, .. } = &whole.body else { panic!("a text") };
            assert_eq!((text.text(), text.spans()[0].end), ("one, two, three.", 16));
            assert_eq!(got(&mut talk), "", "what is held has not arrived");
            talk.input(Input::Delivered(whole.id)).unwrap();
            let mut told: Vec<String> = got(&mut talk).lines().map(str::to_owned).collect();
            told.sort();
            assert_eq!(told, ["ACK 3", "ACK 4", "ACK 5"]);
            assert_eq!(talk.weight(), 0);
        }
    }
}

#[test]
fn all_parts_of_what_did_not_arrive_have_failed() {
    let (_scene, mut talk) = scene();
    for (n, head) in [(3, format!("{BOLD}\r\nChunks: 2")), (4, format!("{BOLD}\r\nChunk: 1"))] {
        talk.bytes(Side::Client, part(n, &head, "x").as_bytes()).unwrap();
    }
    let of = said(&mut talk)[0].id;
    deliver(&mut talk, Body::Undelivered { of, why: Failure::Offline });
    assert_eq!(got(&mut talk), "NAK 3\r\nNAK 4\r\n");
}

#[test]
fn of_what_never_becomes_whole_the_parts_are_said_in_time() {
    let (_scene, mut talk) = scene();
    talk.bytes(Side::Client, part(3, &format!("{BOLD}\r\nChunks: 3"), "one").as_bytes()).unwrap();
    talk.wait(Duration::from_secs(14));
    assert!(said(&mut talk).is_empty());
    talk.wait(Duration::from_secs(2));
    let said = said(&mut talk);
    let Body::Text { text, .. } = &said[0].body else { panic!("a text") };
    assert_eq!(text.text(), "one");
    talk.input(Input::Delivered(said[0].id)).unwrap();
    assert_eq!(got(&mut talk), "ACK 3\r\n");
}

#[test]
fn a_text_that_is_too_long_for_one_has_failed() {
    let (_scene, mut talk) = scene();
    let long = "x".repeat(crosstalk_core::MAX_TEXT + 1);
    talk.bytes(Side::Client, &message("N", "text/plain", long.as_bytes())).unwrap();
    assert_eq!((said(&mut talk).len(), got(&mut talk).as_str()), (0, "NAK 7\r\n"));
}
