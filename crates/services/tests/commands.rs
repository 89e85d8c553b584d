//! Replies to a person's commands, and the actions taken in the person's name.
#![allow(clippy::unwrap_used)]

#[path = "../../core/tests/plain/mod.rs"]
mod plain;

use crosstalk_core::{
    Address, Body, Consent, Contact, Envelope, EnvelopeId, Failure, MAX_LABEL, Names, Presence,
    RichText, Roster, RosterEdit, Stamp, Subscription, UnixMillis,
};
use crosstalk_services::{
    Action, Answer, COMMANDS, Command, Offers, Speech, View, delayed, in_words, kept,
};
use plain::Plain;

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn contact(text: &str) -> Contact {
    let (local, network) = text.rsplit_once('@').unwrap();
    let spelling = format!("{}@{network}.xt", local.replace('@', "%"));
    Contact { listed: true, ..Contact::new(address(text), spelling) }
}

/// Answer to alice@aol with `contacts` on her list, bob@yahoo being online.
fn ask(text: &str, contacts: &[Contact]) -> Answer {
    ask_with(text, contacts, &[])
}

/// The same of somebody who has set something.
fn ask_with(text: &str, contacts: &[Contact], settings: &[String]) -> Answer {
    let mut roster = Roster::default();
    roster.put_settings(settings.to_vec(), Stamp::default());
    for contact in contacts {
        assert!(roster.put(contact.clone(), Stamp::default()));
    }
    let names =
        Names::new("xt", ["aol", "yahoo", "msn"].map(|n| (n.parse().unwrap(), &Plain as _)));
    let presence = |who: &Address| match who.local() {
        "bob" => Presence {
            text: "lunch".into(),
            idle_since: Some(UnixMillis(0)),
            ..Presence::available()
        },
        _ => Presence::offline(),
    };
    let user = address("alice@aol");
    let now = UnixMillis(300_000);
    let offers = &Offers::default();
    let (roster, presence) = (&roster, &presence);
    let view = View { user: &user, names: &names, roster, presence, offers, now };
    crosstalk_services::answer(text, &view)
}

fn says(text: &str, contacts: &[Contact]) -> String {
    ask(text, contacts).say.text().to_owned()
}

#[test]
fn help_shows_every_command() {
    let help = says("/help", &[]);
    for command in COMMANDS {
        assert!(help.contains(&format!("/{}", command.name)), "{}", command.name);
    }
    assert_eq!(says("HELP", &[]), help, "the slash may be missing");
}

#[test]
fn add_lists_and_asks() {
    for spelling in ["bob@yahoo", "Bob@Yahoo.XT"] {
        let answer = ask(&format!("/add {spelling} Bobby Tables"), &[]);
        let [Action::Edit(RosterEdit::List { address: who, spelling, alias, groups }), asks] =
            &answer.act[..]
        else {
            panic!("{answer:?}")
        };
        assert_eq!((who.to_string().as_str(), spelling.as_str()), ("bob@yahoo", "bob@yahoo.xt"));
        assert_eq!((alias.as_deref(), groups.len()), (Some("Bobby Tables"), 1));
        let request = Consent::Request(RichText::default());
        assert_eq!(*asks, Action::Consent(address("bob@yahoo"), request));
    }
}

#[test]
fn mistakes_get_a_hint() {
    assert!(says("/lsit", &[]).contains("Did you mean /list?"));
    assert!(says("/frobnicate", &[]).contains("/help"));
    assert!(says("/add", &[]).contains("/add bob@yahoo"));
    assert!(says("/add bob", &[]).contains("The networks here are: aol, msn, yahoo."));
    assert!(says("/add bob@yaho", &[]).contains("Did you mean the network yahoo?"));
    assert!(says("/add bob@yaho.xt", &[]).contains("Did you mean the network yahoo?"));
    assert!(says("/add @yahoo", &[]).contains("check the spelling"));
    assert!(says("/remove bob@yahoo", &[]).contains("not among your contacts"));
    assert!(says("hello", &[]).contains("/help"));
    assert!(says("", &[]).contains("/help"));
    assert!(says("/add alice@aol", &[]).contains("yourself"));
    assert!(says(&format!("/{}", "é".repeat(9000)), &[]).len() < 300);
}

#[test]
fn the_list_says_who_is_online_and_who_waits() {
    let bob =
        Contact { to: Subscription::Granted, alias: Some("Bobby".into()), ..contact("bob@yahoo") };
    let carol = Contact { to: Subscription::Asked("".into()), ..contact("carol@msn") };
    let mut dave = contact("dave@msn");
    (dave.listed, dave.from) = (false, Subscription::Asked("hi".into()));
    let eve = Contact { blocked: true, ..contact("eve@msn") };
    let list = says("/list", &[bob.clone(), carol, dave, eve]);
    assert!(
        list.contains("bob@yahoo.xt (\"Bobby\"): online, idle for 5 minutes: \"lunch\""),
        "{list}"
    );
    assert!(list.contains("carol@msn.xt: has not answered yet"), "{list}");
    assert!(list.contains("/accept dave@msn.xt or /deny dave@msn.xt"), "{list}");
    assert!(list.contains("Blocked:\neve@msn.xt"), "{list}");
    assert_eq!(
        says("/who", &[bob]),
        "Online:\nbob@yahoo.xt (\"Bobby\"): online, idle for 5 minutes: \"lunch\""
    );
    assert_eq!(says("/who", &[]), "None of your contacts is online.");
}

#[test]
fn who_waits_for_an_answer_is_hidden_by_no_number_of_others() {
    let asker = |name: String| {
        let from = Subscription::Asked("hi".into());
        Contact { listed: false, from, ..contact(&name) }
    };
    let mut all: Vec<_> = (0..90).map(|n| asker(format!("a{n}@h{n}.evil.example@yahoo"))).collect();
    all.push(asker("zoe@honest.example@yahoo".into()));
    let list = says("/list", &all);
    assert!(list.starts_with("Waiting for your answer"), "{list}");
    assert!(list.lines().nth(2).unwrap().contains("zoe%honest.example@yahoo.xt"), "{list}");
    assert!(list.ends_with("and 71 more, who are shown as these are answered"), "{list}");
    for line in list.lines().skip(1).take(20) {
        let name = line.split("/deny ").nth(1).unwrap();
        let answer = ask(&format!("/deny {name}"), &all);
        assert!(matches!(&answer.act[..], [Action::Consent(_, Consent::Revoke)]), "{line}");
    }
}

#[test]
fn requests_are_accepted_and_denied_by_any_name() {
    let mut dave = contact("dave@msn");
    dave.from = Subscription::Asked("hi".into());
    for name in ["", " dave", " dave@msn", " DAVE@MSN.xt"] {
        let yes = ask(&format!("/accept{name}"), &[dave.clone()]);
        assert_eq!(yes.act, [Action::Consent(address("dave@msn"), Consent::Grant)], "{name}");
        let no = ask(&format!("/deny{name}"), &[dave.clone()]);
        assert_eq!(no.act, [Action::Consent(address("dave@msn"), Consent::Revoke)], "{name}");
    }
    assert!(ask("/accept bob@yahoo", &[contact("bob@yahoo")]).act.is_empty());
    assert!(says("/accept", &[]).contains("Nobody waits"));
}

#[test]
fn blocks_and_removals_are_done() {
    let mut bob = contact("bob@yahoo");
    let block = |on| vec![Action::Edit(RosterEdit::Block(address("bob@yahoo"), on))];
    assert_eq!(ask("/block bob@yahoo", &[]).act, block(true), "strangers can be blocked too");
    assert!(ask("/unblock bob", &[bob.clone()]).act.is_empty());
    bob.blocked = true;
    assert_eq!(ask("/unblock bob", &[bob.clone()]).act, block(false));
    let removed = Action::Edit(RosterEdit::Remove(address("bob@yahoo")));
    assert_eq!(ask("/remove bob", &[bob]).act, [removed]);
}

#[test]
fn what_a_client_cannot_show_is_put_in_words() {
    let words = |body| {
        let (from, to) = (address("bob@yahoo"), address("alice@aol"));
        let envelope =
            Envelope { id: EnvelopeId(1), from, to, sent_at: UnixMillis(0), body, details: None };
        let said = in_words(&envelope, "bob@yahoo.xt");
        said.iter().map(|speech| speech.text().to_owned()).collect::<Vec<_>>().join("\n---\n")
    };
    assert_eq!(
        words(Body::Contact(Consent::Request("It is me".into()))),
        "bob@yahoo.xt would like to see when you are online. \
         Answer /accept bob@yahoo.xt or /deny bob@yahoo.xt.\nThey say: \"It is me\""
    );
    let lost = Body::Undelivered { of: EnvelopeId(2), why: Failure::Offline };
    assert_eq!(
        words(lost),
        "A message to bob@yahoo.xt was not delivered: the receiver is offline."
    );
    let text = Body::Text { text: "hi".into(), auto: false };
    assert_eq!(words(text), "bob@yahoo.xt says: \"hi\"");
    assert_eq!(words(Body::Typing(crosstalk_core::Typing::Active)), "");
}

/// Words that pretend to be the gateway's, in every way that we know.
const FORGED: &str =
    "hi\"\r\n\n[CrossTalk: pay]\u{2028}x@gateway.xt says: \u{202e}\u{85}pay\u{b}now\u{200b}\"";

/// Checks that something that the control contact said has so many lines, all of them its own.
fn is_honest(said: &str, lines: usize) {
    assert_eq!(said.lines().count(), lines, "{said}");
    let breaks = |c: char| c != '\n' && (c.is_control() || "\u{2028}\u{2029}".contains(c));
    assert!(!said.contains(breaks), "{said:?}");
    assert!(!said.contains(['\u{202e}', '\u{200b}']), "{said:?}");
    // Outside of quotation marks there is nothing of theirs.
    let own: String = said.split('"').step_by(2).collect();
    assert!(said.contains("pay") && !own.contains("pay"), "{said}");
}

#[test]
fn words_of_others_stay_in_quotation_marks_on_the_line_they_are_given() {
    let mut bob =
        Contact { to: Subscription::Granted, alias: Some(FORGED.into()), ..contact("bob@yahoo") };
    bob.spelling = FORGED.into();
    bob.from = Subscription::Asked(FORGED.into());
    for (command, lines) in [
        ("/list".into(), 4),
        ("/who".into(), 2),
        ("/who bob@yahoo".into(), 1),
        ("/add bob@yahoo".into(), 1),
        ("/accept bob@yahoo".into(), 1),
        ("/deny bob@yahoo".into(), 1),
        ("/block bob@yahoo".into(), 1),
        ("/unblock bob@yahoo".into(), 1),
        ("/remove bob@yahoo".into(), 1),
        (format!("/add {FORGED}"), 1),
        (format!("/who {FORGED}@nowhere"), 1),
        (format!("/{}", FORGED.replace(char::is_whitespace, "\u{2060}")), 1),
    ] {
        let said = says(&command, &[bob.clone()]);
        if said.contains("pay") {
            is_honest(&said, lines);
        }
        assert_eq!(said.lines().count(), lines, "{command:?}: {said}");
    }
}

#[test]
fn what_happened_is_told_with_the_words_of_others_in_quotation_marks() {
    let (from, to) = (address("bob@yahoo"), address("alice@aol"));
    let (text, of) = (crosstalk_core::RichText::plain(FORGED), EnvelopeId(2));
    for (body, lines) in [
        (Body::Contact(Consent::Request(text.clone())), 2),
        (Body::Contact(Consent::Grant), 1),
        (Body::Contact(Consent::Revoke), 1),
        (Body::Undelivered { of, why: Failure::Offline }, 1),
        (Body::Text { text, auto: false }, 1),
        (Body::Attention, 1),
    ] {
        let (id, sent_at) = (EnvelopeId(1), UnixMillis(0));
        let envelope =
            Envelope { id, from: from.clone(), to: to.clone(), sent_at, body, details: None };
        let said = in_words(&envelope, FORGED);
        assert_eq!(said.len(), 1);
        is_honest(said[0].text(), lines);
    }
    is_honest(kept(FORGED).text(), 1);
    is_honest(delayed(FORGED).text(), 1);
}

#[test]
fn a_long_message_is_told_whole_and_long_words_are_cut() {
    let (from, to) = (address("bob@yahoo"), address("alice@aol"));
    let text = "x".repeat(crosstalk_core::MAX_TEXT);
    let say = |body| {
        let (id, sent_at) = (EnvelopeId(1), UnixMillis(0));
        in_words(
            &Envelope { id, from: from.clone(), to: to.clone(), sent_at, body, details: None },
            "bob",
        )
    };
    let said = say(Body::Text { text: text.as_str().into(), auto: false });
    let xs = |speech: &Speech| speech.text().matches('x').count();
    assert_eq!(said.iter().map(xs).sum::<usize>(), text.len());
    assert!(said.iter().all(|speech| speech.text().len() < 2100));
    let asked = say(Body::Contact(Consent::Request(text.as_str().into())));
    assert!(asked[0].text().len() < 400, "{}", asked[0].text());
}

#[test]
fn a_name_that_is_not_shown_as_it_is_is_understood_as_it_is_shown() {
    let long = |domain: &str| {
        let mut who = contact(&format!("bob%{}{domain}@yahoo", "a.".repeat(400)));
        who.from = Subscription::Asked("hi".into());
        who
    };
    let (mut evil, honest) = (long("evil.example"), long("honest.example"));
    evil.spelling = evil.spelling.replace("a.a.a", "a.\u{202e}.a");
    let list = says("/list", &[evil, honest.clone()]);
    let shown = list.split("/accept ").nth(2).unwrap().split(' ').next().unwrap();
    assert!(shown.len() < 150 && shown.ends_with("honest.example@yahoo.xt"), "{shown}");
    let answer = ask(&format!("/accept {shown}"), &[long("evil.example"), honest.clone()]);
    assert_eq!(answer.act, [Action::Consent(honest.address, Consent::Grant)]);
}

#[test]
fn the_documentation_has_the_table() {
    let docs = include_str!("../../../docs/commands.md");
    for Command { name, arguments, help, .. } in COMMANDS {
        let usage = format!("/{name} {arguments}");
        let row = format!("| `{}` | {help} |", usage.trim_end());
        assert!(docs.contains(&row), "docs/commands.md has no row {row}");
    }
}

/// Settings after these commands, and what was said to the last.
fn set(commands: &[&str]) -> (Vec<String>, String) {
    let mut settings = Vec::new();
    let mut said = String::new();
    for command in commands {
        let answer = ask_with(command, &[contact("bob@yahoo")], &settings);
        answer.say.text().clone_into(&mut said);
        for action in answer.act {
            let Action::Settings(new) = action else { panic!("{action:?}") };
            settings = new;
        }
    }
    (settings, said)
}

#[test]
fn what_others_may_ask_is_set_and_turned_off() {
    let (settings, said) = set(&["/set location San Diego"]);
    assert_eq!(settings, ["location=at San Diego"]);
    assert!(said.contains("are told your location"), "{said}");
    let (settings, _) = set(&["/set location San Diego", "/set location off"]);
    assert!(settings.is_empty());
    for (command, part) in [
        ("/set", "Which of these: music, location?"),
        ("/set weather on", "There is no weather. There are: music, location."),
        ("/set location", "location: off"),
        ("/set location on", "cannot look up"),
        ("/set location San\u{7}Diego", "in one line of plain text"),
        ("/set music lastfm rj", "does not ask lastfm"),
        ("/set music", "lastfm NAME, listenbrainz NAME, or off"),
        ("/set music vinyl", "Write /set music lastfm NAME"),
        ("/privacy location", "on or off"),
        ("/privacy location off nobody", "I do not know nobody"),
    ] {
        let (settings, said) = set(&[command]);
        assert!(settings.is_empty() && said.contains(part), "{command}: {said}");
    }
}

#[test]
fn who_is_told_is_said_for_all_and_for_one() {
    let (settings, said) =
        set(&["/set location Rome", "/privacy location off", "/privacy location on bob"]);
    assert_eq!(settings, ["location=at Rome", "location/*=off", "location/bob@yahoo=on"]);
    assert_eq!(said, "bob@yahoo.xt is told your location.");
    let all = ["/set location Rome", "/privacy location off bob@yahoo", "/services"];
    let (_, said) = set(&all);
    let line =
        "location: \"at Rome\", told to who may see when you are online, not to bob@yahoo.xt";
    assert!(said.contains(line) && said.contains("music: off, nobody is told"), "{said}");
}

#[test]
fn who_has_a_name_too_long_to_be_kept_is_not_said_to_be_excepted() {
    let excepted = |letters| {
        let name = format!("{}@yahoo", "b".repeat(letters));
        let answer = ask(&format!("/privacy location off {name}"), &[]);
        let lines = answer.act.into_iter().map(|action| match action {
            Action::Settings(lines) => lines,
            other => panic!("{other:?}"),
        });
        (answer.say.text().to_owned(), lines.flatten().collect::<Vec<_>>(), name)
    };
    let around = "location/@yahoo=off".len();
    let (said, lines, name) = excepted(MAX_LABEL - around);
    assert!(said.contains("is not told"), "{said}");
    assert_eq!(lines, [format!("location/{name}=off")]);
    let (said, lines, _) = excepted(MAX_LABEL - around + 1);
    assert_eq!(said, "Nothing was changed: that is too long to be kept.");
    assert!(lines.is_empty());
}

#[test]
fn all_that_follows_is_the_name_of_whom_it_is_about() {
    let called = |who: &str, alias: &str| Contact { alias: Some(alias.into()), ..contact(who) };
    let list = [called("robert@msn", "Bob"), called("smith@yahoo", "Bob Smith")];
    for (name, who) in [("Bob Smith", "smith@yahoo"), ("bob", "robert@msn")] {
        let answer = ask(&format!("/privacy  location OFF  {name} "), &list);
        let line = format!("location/{who}=off");
        assert_eq!(answer.act, [Action::Settings(vec![line])], "{name}");
    }
    let answer = ask("/privacy location off Bob Jones", &list);
    assert!(answer.act.is_empty(), "{answer:?}");
}
