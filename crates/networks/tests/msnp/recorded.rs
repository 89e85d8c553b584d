//! Answers of a gateway in the place of a server, which are those of a server.
//!
//! `tests/recorded/msn.py` recorded what an MSN server of others said to a client, about people of
//! its own. The same is said here about foreign people, and answered by the gateway. Names,
//! numbers that servers choose, and what stands under [`line`] aside, it has to be the same.

use crosstalk_core::Availability;

use super::*;

const ALICE: &str = "alice@example.com";
const MARY: &str = "mary@hotmail.com";
/// Somebody foreign who is not online.
const DAVE: &str = "dave@far-oscar.xt";

/// Requests and answers of one scene.
struct Recorded {
    title: String,
    steps: Vec<(Side, String)>,
}

fn recorded(version: u32) -> Vec<Recorded> {
    let path = format!("{}/../../tests/recorded/msn/{version}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let text =
        text.replace(ALICE, MARY).replace("bob@example.com", BOB).replace("dave@example.com", DAVE);
    let text = text.replace("nobody@example.com", "nobody@nowhere.xt");
    let mut scenes: Vec<Recorded> = Vec::new();
    for line in text.lines() {
        match line.split_at_checked(2) {
            Some(("= ", title)) => {
                scenes.push(Recorded { title: title.to_owned(), steps: Vec::new() });
            }
            Some(("> ", said)) => {
                scenes.last_mut().unwrap().steps.push((Side::Client, said.into()));
            }
            Some(("< ", said)) => {
                scenes.last_mut().unwrap().steps.push((Side::Server, said.into()));
            }
            _ => {}
        }
    }
    scenes
}

/// A line for comparing; none where it is the server's own business, or not said of foreign people:
/// their phones, their endpoints, what they are called by a server elsewhere.
fn line(line: &str, version: u32) -> Option<String> {
    let line = line.split(" '").next().unwrap_or_default();
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let verb = words.first()?.clone();
    let about_server =
        matches!(verb.as_str(), "SYN" | "GTC" | "BLP" | "PRP" | "LSG" | "BPR" | "CHG" | "ADG");
    // Foreign people have no endpoints, and are at one place.
    let endpoint = matches!(verb.as_str(), "JOI" | "IRO" | "BYE") && line.contains(";{");
    let own_presence = matches!(verb.as_str(), "NLN" | "UBX") && line.contains(MARY);
    if about_server || endpoint || own_presence {
        return None;
    }
    if matches!(verb.as_str(), "NLN" | "ILN") {
        // Who has no picture says so, or says nothing.
        words.retain(|word| !word.contains("msnobj"));
        if version >= 16 && words.last().is_some_and(|w| w == "0") {
            words.pop();
        }
    }
    let serial = version < 10;
    for (at, word) in words.iter_mut().enumerate() {
        let chosen = match (verb.as_str(), at) {
            ("RNG", 1 | 2 | 4) | ("CAL" | "XFR", 3) | ("XFR", 5) | ("IRO", 2 | 3) => true,
            ("ADD" | "REM", 3) | ("REA", 2) => serial,
            ("LST", 3..=5) => version < 8,
            ("MSG", 3) | ("UBX", _) | ("FQY", 2) => word.bytes().all(|b| b.is_ascii_digit()),
            _ => false,
        };
        let caps = word.split_once(':').is_some_and(|(a, b)| {
            !a.is_empty()
                && [a, b].iter().all(|n| n.bytes().all(|b| b.is_ascii_digit()))
                && a != "1"
        });
        let caps = caps || *word == "268435456";
        if chosen || caps || word.starts_with("C=") || common_guid(word) {
            *word = "*".into();
        } else if word.ends_with(".hotmail.com") && word.starts_with("messenger") {
            *word = "messenger.msn.com".into();
        }
    }
    if matches!(verb.as_str(), "NLN" | "ILN" | "JOI" | "IRO")
        && words.last().is_some_and(|w| w == "0")
    {
        *words.last_mut()? = "*".into();
    }
    Some(words.join(" "))
}

fn common_guid(word: &str) -> bool {
    word.len() == 36 && word.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

fn lines(text: &str, version: u32) -> Vec<String> {
    // A payload ends without a line end, and is no line.
    let text = text.replace("<Data>", "\r\n<Data>").replace("</Data>", "</Data>\r\n");
    let is_line = |l: &&str| l.split(' ').next().is_some_and(|w| w.len() == 3);
    text.lines().filter(is_line).filter_map(|l| line(l, version)).collect()
}

/// One connection after the other of a client, and the gateway between it and its server.
struct Replay {
    version: u32,
    scene: Scene,
    talk: Option<Gateway>,
    /// Values that the recorded client read and sent later: keys, and numbers of conversations.
    read: Vec<(String, String)>,
}

impl Replay {
    fn new(version: u32) -> Self {
        let mut roster = roster(Contact {
            alias: Some("Bob X".into()),
            groups: Vec::new(),
            to: Subscription::Granted,
            ..contact(Subscription::Granted, true)
        });
        let dave = Contact::new("dave@far-oscar".parse().unwrap(), DAVE.into());
        roster.put(Contact { listed: true, ..dave }, Stamp::default());
        let mut scene = Scene::signed_on(version, roster);
        if version < 10 {
            server(&mut scene.ns, &format!("REA 4 1 {MARY} Alice%20X"));
        } else {
            server(&mut scene.ns, "PRP MFN Alice%20X");
        }
        show_presence(&mut scene.ns, Presence { text: "1 < 2".into(), ..Presence::available() });
        scene.take_all();
        Self { version, scene, talk: None, read: Vec::new() }
    }

    /// Plays what the client said in the recording, and gives what it got.
    fn say(&mut self, said: &str, answers: &[&String]) -> String {
        let mut said = said.to_owned();
        for (recorded, here) in &self.read {
            said = said.replace(recorded, here);
        }
        let (said, payload) =
            said.split_once(" '").map_or((said.as_str(), None), |(s, p)| (s, Some(p)));
        let bytes = match payload {
            Some(payload) => {
                let payload = payload.trim_end_matches('\'').replace("\\r\\n", "\r\n");
                let foreign = "<d n=\"far-oscar.xt\"><c n=\"bob\"";
                let payload = payload.replace("<d n=\"example.com\"><c n=\"bob\"", foreign);
                let payload = payload.replace("\"example.com\"", "\"nowhere.xt\"");
                with_payload(said.rsplit_once(' ').unwrap().0, &payload)
            }
            None => format!("{said}\r\n"),
        };
        if matches!(said.get(..3), Some("USR" | "ANS")) {
            self.talk = Some(Gateway::new(&Msnp, &self.scene.shared, None));
        }
        if let Some(talk) =
            self.talk.as_mut().filter(|_| matches!(&said[..3], "USR" | "ANS" | "CAL" | "MSG"))
        {
            talk.bytes(Side::Client, bytes.as_bytes()).unwrap();
            settle(&mut self.scene.ns, talk);
            for outgoing in super::said(talk) {
                talk.input(Input::Delivered(outgoing.id)).unwrap();
            }
            return text(talk.take(Side::Client));
        }
        self.scene.ns.bytes(Side::Client, bytes.as_bytes()).unwrap();
        let to_server = self.scene.server_got();
        assert!(!to_server.contains("bob"), "{to_server}");
        self.serve(&to_server, answers);
        self.scene.ns.wait(Duration::from_millis(200));
        self.scene.client_got()
    }

    /// Plays the recorded answers of the server to what reached it, without the foreign people.
    fn serve(&mut self, asked: &str, answers: &[&String]) {
        let verb = asked.get(..3).unwrap_or_default();
        if !matches!(verb, "SYN" | "CHG" | "ADG") {
            return;
        }
        for answer in answers {
            let early = self.version < 8 && answer.starts_with("LST");
            let words: Vec<&str> = answer.split(' ').collect();
            match words[0] {
                "LST" if early => {
                    server(
                        &mut self.scene.ns,
                        &format!("LST {} {} {} 0 0", words[1], words[2], words[3]),
                    );
                }
                "SYN" if self.version >= 8 => {
                    let at = if self.version < 10 { 3 } else { 4 };
                    let mut words = words.clone();
                    words[at] = "0";
                    server(&mut self.scene.ns, &words.join(" "));
                }
                _ if answer.contains(BOB) || answer.contains(MARY) => {}
                _ => server(&mut self.scene.ns, answer),
            }
        }
    }

    /// Plays what began a scene elsewhere; gives what the client got.
    fn happens(&mut self, title: &str) -> String {
        let away =
            Presence { show: Availability::Away, text: "1 < 2".into(), ..Presence::available() };
        match (title, &mut self.talk) {
            ("the other is away", _) => show_presence(&mut self.scene.ns, away),
            ("the other goes", _) => {
                // They are shown again to whom they agreed to, after they were removed.
                show_presence(&mut self.scene.ns, away);
                self.scene.client_got();
                show_presence(&mut self.scene.ns, Presence::offline());
            }
            ("is rung", _) => deliver(&mut self.scene.ns, super::says("hi")),
            ("hears something", Some(talk)) => {
                deliver(talk, super::says("hi"));
                return text(talk.take(Side::Client));
            }
            _ => {}
        }
        self.scene.client_got()
    }

    /// Learns which word here stands for which of the recording.
    fn learn(&mut self, recorded: &str, here: &str) {
        for (recorded, here) in recorded.split_whitespace().zip(here.split_whitespace()) {
            let recorded = recorded.strip_prefix("C=").unwrap_or(recorded);
            let here = here.strip_prefix("C=").unwrap_or(here);
            if recorded != here && recorded.len() >= 16 && !recorded.contains(['@', ':', '%']) {
                self.read.push((recorded.to_owned(), here.to_owned()));
            }
        }
    }
}

#[test]
fn what_is_answered_in_a_servers_place_is_what_a_server_answers() {
    for version in 2..=18 {
        let mut replay = Replay::new(version);
        for scene in recorded(version) {
            // A switchboard that others leave is not left here: what is said waits for them.
            if scene.title == "the other leaves" {
                continue;
            }
            let mut got = replay.happens(&scene.title);
            let mut steps = scene.steps.iter().peekable();
            let mut expected: Vec<&String> = Vec::new();
            while let Some((Side::Server, answer)) =
                steps.next_if(|(side, _)| *side == Side::Server)
            {
                expected.push(answer);
            }
            compare(&mut replay, &scene.title, &expected, &got);
            while let Some((_, said)) = steps.next() {
                expected.clear();
                while let Some((_, answer)) = steps.next_if(|(side, _)| *side == Side::Server) {
                    expected.push(answer);
                }
                got = replay.say(said, &expected);
                let context = format!("{}: {said}", scene.title);
                compare(&mut replay, &context, &expected, &got);
            }
        }
    }
}

fn compare(replay: &mut Replay, context: &str, expected: &[&String], got: &str) {
    let version = replay.version;
    // Presence of who was just added comes when they agree; of a switchboard all may have left.
    let is_later = |l: &String| {
        context.starts_with("changes lists") && matches!(&l[..3], "ILN" | "NLN" | "UBX")
            || context.starts_with("is rung") && l.starts_with("BYE")
    };
    let not_here = |l: &String| !l.contains(DAVE) || l.starts_with("217");
    let mut wanted: Vec<String> = expected.iter().filter_map(|l| line(l, version)).collect();
    wanted.retain(|l| !is_later(l));
    let mut lines = lines(got, version);
    lines.retain(|l| not_here(l) && !is_later(l));
    // With a status, servers before MSNP16 do not repeat the message that goes with it.
    if version < 16 && !wanted.iter().any(|l| l.starts_with("UBX")) {
        lines.retain(|l| !l.starts_with("UBX"));
    }
    assert_eq!(lines, wanted, "MSNP{version}, {context}");
    for recorded in expected {
        let same = |here: &&str| {
            here.get(..3) == recorded.get(..3) && here.contains(BOB) == recorded.contains(BOB)
        };
        if let Some(here) = got.lines().find(same) {
            replay.learn(recorded, here);
        }
    }
}
