//! A law over all commands: no foreign name reaches a server, wherever in them it stands.

use super::*;

/// Every command that can hold a name, and some that nobody knows, with a mark where names go.
const LINES: [&str; 34] = [
    "ADD 7 FL NAME x",
    "ADD 7 AL NAME x",
    "ADD 7 BL NAME x",
    "ADD 7 RL NAME x",
    "ADD 7 FL eve@x.org Eve NAME",
    "ADC 7 FL N=NAME F=x",
    "ADC 7 AL N=NAME",
    "ADC 7 BL N=NAME",
    "ADC 7 RL N=NAME",
    "ADC 7 FL C=NAME",
    "ADC 7 FL C=NAME 1-2",
    "ADC 7 FL N=eve@x.org F=x NAME",
    "ADC 7 FL F=x M=NAME",
    "REM 7 FL NAME",
    "REM 7 FL NAME 1-2",
    "REM 7 AL NAME",
    "REM 7 BL NAME",
    "REM 7 RL NAME",
    "REM 7 PL NAME",
    "REM 7 FL eve@x.org NAME",
    "REA 7 NAME x",
    "SBP 7 NAME MFN x",
    "RMG 7 NAME",
    "REG 7 NAME x 0",
    "SND 7 NAME",
    "LST 7 RL NAME",
    "FND 7 fname=NAME lname=*",
    "USR 7 TWN I NAME",
    "USR 7 SSO I NAME",
    "CVR 7 0x0409 winnt 5.1 i386 MSNMSGR 6.0 MSMSGS NAME",
    "XFR 7 NS NAME",
    "URL 7 PERSON NAME",
    "INF 7 NAME",
    "ZZZ 7 a=b NAME",
];
/// The same for those with a payload.
const PAYLOADS: [(&str, &str); 20] = [
    ("PAG 7 NAME", "x"),
    ("PGD 7 NAME 1", "x"),
    ("SDC 7 NAME 0x0409 MSMSGS MSMSGS X X Mary", "x"),
    ("VAS 7 NAME a b", "x"),
    ("QRY 7 NAME", "x"),
    ("UUM 7 NAME 1 1", "Content-Type: text/plain\r\n\r\nhello"),
    ("UUM 7 NAME 32 2", "x"),
    ("UUN 7 NAME 3", "x"),
    ("UUN 7 eve@x.org 3", "<SNM opcode='INVITE' to='NAME'/>"),
    (
        "PUT 7",
        "Routing: 1.0\r\nTo: 1:NAME;path=IM\r\n\r\nReliability: 1.0\r\n\r\nMessaging: 2.0\r\n\r\nx",
    ),
    (
        "SDG 7",
        "Routing: 1.0\r\nTo: 1:NAME\r\nFrom: 1:mary@hotmail.com\r\n\r\nReliability: 1.0\r\n\r\n",
    ),
    ("ADL 7", "<ml><d n='DOMAIN'><c n='USER' l='3' t='1'/></d></ml>"),
    ("ADL 7", "<ml><d n='x.org'><c n='NAME' l='3' t='1'/></d></ml>"),
    ("ADL 7", "<ml><c n='NAME' l='3' t='1'/></ml>"),
    ("ADL 7", "<ml/><ml><d n='DOMAIN'><c n='USER' l='3' t='1'/></d></ml>"),
    ("ADL 7", "<ml><d n='DOMAIN'><c n='USER' l='3' t='1'></d>"),
    ("ADL 7", "<ml l='1'><d n='DOMAIN'><c n='USER'><s n='IM' l='3' t='1'/></c></d></ml>"),
    ("RML 7", "<ml><d n='DOMAIN'><c n='USER' l='1' t='1'/></d></ml>"),
    ("FQY 7", "<ml><d n='DOMAIN'><c n='USER'/></d></ml>"),
    ("FQY 7", "<ml><t><c n='tel:NAME'/></t></ml>"),
];
/// A foreign person, in the spellings that clients and servers know, and nobody.
const NAMES: [&str; 6] = [
    BOB,
    "Bob@FAR-oscar.XT",
    "bob@nowhere.xt",
    "bob%40far-oscar.xt",
    "1:bob@far-oscar.xt",
    "bob@far-oscar.xt;{1be99e6d-1c6e-4bea-8b3e-9c464006a774}",
];

fn with_name(text: &str, name: &str) -> String {
    let (user, domain) = name.split_once('@').unwrap_or((name, ""));
    text.replace("NAME", name).replace("USER", user).replace("DOMAIN", domain)
}

fn commands(name: &str) -> Vec<String> {
    let lines = LINES.iter().map(|line| with_name(line, name) + "\r\n");
    let payloads = PAYLOADS.iter().filter(|(_, text)| name.contains('@') || !text.contains("USER"));
    let payloads =
        payloads.map(|(head, text)| with_payload(&with_name(head, name), &with_name(text, name)));
    lines.chain(payloads).collect()
}

#[test]
fn no_foreign_name_reaches_the_server_and_who_names_one_gets_an_answer() {
    for version in 2..=18 {
        for name in NAMES {
            for command in commands(name) {
                let mut scene = Scene::signed_on(version, listed());
                server(&mut scene.ns, "CHG 6 NLN 0");
                scene.take_all();
                scene.ns.bytes(Side::Client, command.as_bytes()).unwrap();
                let (sent, got) = (scene.server_got(), scene.client_got());
                let leaks = sent.to_ascii_lowercase().contains("bob");
                assert!(!leaks, "MSNP{version}: {command} as {sent}");
                let words: Vec<&str> = got.split_ascii_whitespace().collect();
                let verb = command.split(' ').next().unwrap();
                let answers = words.first().is_some_and(|w| *w == verb || w.parse::<u16>().is_ok())
                    && words.get(1) == Some(&"7");
                let is_said = scene.ns.events.iter().any(|e| matches!(e, Event::Send(_)));
                // What is left of a list is for the server to answer.
                let is_left = sent.split_ascii_whitespace().nth(1) == Some("7");
                assert!(answers || is_said || is_left, "MSNP{version}: {command} got {got:?}");
            }
        }
    }
}

#[test]
fn in_a_conversation_at_the_server_foreign_names_do_not_reach_it_either() {
    for name in NAMES {
        for line in ["CAL 7 NAME", "ZZZ 7 NAME", "MSG 7 N"] {
            let mut scene = Scene::signed_on(18, Roster::default());
            let ring = "RNG 7 192.0.2.1:1863 CKI key.1 eve@x.org Eve U messenger.msn.com 1";
            server(&mut scene.ns, ring);
            let mut talk = Gateway::new(&Msnp, &scene.shared, None);
            client(&mut talk, "ANS 1 mary@hotmail.com key.1 7");
            server(&mut talk, "IRO 1 1 1 eve@x.org Eve 0:0");
            server(&mut talk, "ANS 1 OK");
            talk.take(Side::Server);
            talk.take(Side::Client);
            let mut command = format!("{}\r\n", with_name(line, name));
            if line.starts_with("MSG") {
                let to = "Content-Type: application/x-msnmsgrp2p\r\nP2P-Dest: NAME\r\n\r\nx";
                command = with_payload(line, &with_name(to, name));
            }
            talk.bytes(Side::Client, command.as_bytes()).unwrap();
            settle(&mut scene.ns, &mut talk);
            let sent = text(talk.take(Side::Server));
            assert_eq!(sent, "", "{command}");
            assert!(text(talk.take(Side::Client)).contains(" 7"), "{command}");
        }
    }
}

#[test]
fn nobody_begins_under_a_foreign_name() {
    for line in ["USR 1 bob@far-oscar.xt 1.2", "ANS 1 bob@far-oscar.xt 1.2 3"] {
        let mut talk = Gateway::new(&Msnp, &Arc::default(), None);
        assert!(talk.bytes(Side::Client, format!("{line}\r\n").as_bytes()).is_err());
        assert_eq!(text(talk.take(Side::Server)), "");
    }
}

#[test]
fn what_is_about_own_people_or_is_text_passes_as_it_is() {
    let mut lines: Vec<String> = commands("eve@x.org");
    let texts = [
        "ADD 7 FL eve@x.org NAME",
        "ADC 7 FL N=eve@x.org F=NAME",
        "PRP 7 MFN NAME",
        "ADG 7 NAME 0",
        "REA 7 mary@hotmail.com NAME",
        "REG 7 0 NAME 0",
        "CHG 7 NLN 0 NAME",
    ];
    lines.extend(texts.map(|line| with_name(line, BOB) + "\r\n"));
    lines.push(with_payload("UUX 7", "<Data><PSM>bob@far-oscar.xt</PSM></Data>"));
    lines.push(with_payload(
        "UUM 7 eve@x.org 32 1",
        "Content-Type: text/plain\r\n\r\nbob@far-oscar.xt",
    ));
    lines.push(with_payload("SDC 7 eve@x.org 0x0409 MSMSGS MSMSGS X X Mary", "bob@far-oscar.xt"));
    // No list, so the server would refuse it too.
    lines.retain(|line| !line.contains("'/></d></ml>") || !line.contains("<ml/>"));
    lines.retain(|line| !line.contains("t='1'></d>"));
    for version in [9, 11, 18] {
        for line in &lines {
            let mut scene = Scene::signed_on(version, Roster::default());
            scene.ns.bytes(Side::Client, line.as_bytes()).unwrap();
            assert_eq!(scene.server_got(), *line, "MSNP{version}");
            assert_eq!(scene.client_got(), "");
        }
    }
}

#[test]
fn who_is_removed_by_name_is_removed() {
    for version in [9, 10, 11, 12] {
        for name in [BOB, "Bob@far-oscar.xt"] {
            let mut scene = Scene::online(version, listed());
            client(&mut scene.ns, &format!("REM 10 FL {name}"));
            let removed =
                |e: &Event| matches!(e, Event::Roster(RosterEdit::Remove(a)) if *a == bob());
            assert!(scene.ns.events.iter().any(removed), "MSNP{version}");
            let serial = if version < 10 { "1 " } else { "" };
            assert_eq!(scene.client_got(), format!("REM 10 FL {serial}{name}\r\n"));
        }
    }
}

#[test]
fn nicks_come_back_so_that_they_can_be_decoded() {
    let dave = "dave%example.org@far-xmpp.xt";
    for (nick, shown) in [
        (dave, "dave%25example.org@far-xmpp.xt"),
        ("100%", "100%25"),
        ("Bob%20X", "Bob%20X"),
        ("a%zz%41", "a%25zz%41"),
    ] {
        let mut scene = Scene::online(11, Roster::default());
        client(&mut scene.ns, &format!("ADC 8 FL N={dave} F={nick}"));
        let got = scene.client_got();
        assert!(got.starts_with(&format!("ADC 8 FL N={dave} F={shown} C=")), "{got}");
        let mut scene = Scene::online(9, Roster::default());
        client(&mut scene.ns, &format!("ADD 8 FL {dave} {nick} 0"));
        assert_eq!(scene.client_got(), format!("ADD 8 FL 1 {dave} {shown} 0\r\n"));
        client(&mut scene.ns, &format!("REA 9 {dave} {nick}"));
        assert_eq!(scene.client_got(), format!("REA 9 1 {dave} {shown}\r\n"));
    }
}
