//! Texts that run through flows.

use crosstalk_core::{Body, Envelope, MAX_TEXT, RichText, Style};
use crosstalk_services::{FlowAction, Format, Trouble};
use serde_json::{Value, json};

use crate::{Person, Reply, SECRET, address, ok, said, shown};

const FRENCH: &str = r#"{"detectedLanguage":{"confidence":90.0,"language":"fr"},
    "translatedText":"Hello, world"}"#;

fn translating() -> Person {
    Person::with(&["translate/bob@yahoo=en"])
}

/// What is shown of a French text, and what the person is told, when the translator returns this.
fn translated(reply: &Reply) -> (Option<String>, Option<String>) {
    let alice = translating();
    let run = alice.hears("Bonjour, tout le monde").unwrap();
    let outcome = alice.run(run, |_| reply.clone());
    assert!(outcome.actions.is_empty());
    let trouble = outcome.trouble.as_ref().map(|text| text.text().to_owned());
    (shown(&outcome).map(str::to_owned), trouble)
}

#[test]
fn a_translation_stands_beside_the_original() {
    let alice = translating();
    let run = alice.hears("Bonjour, tout le monde").unwrap();
    let outcome = alice.run(run, |call| {
        assert!(!call.is_persons);
        assert_eq!(call.request.url.0, "https://tr.example/translate");
        let asked: Value = serde_json::from_slice(&call.request.body).unwrap();
        let all = json!({"q": "Bonjour, tout le monde", "source": "auto", "target": "en",
            "format": "text", "api_key": "k"});
        assert_eq!(asked, all);
        ok(FRENCH)
    });
    let whole = "Bonjour, tout le monde\n[CrossTalk /translate from French: Hello, world]";
    assert_eq!((shown(&outcome), &outcome.trouble), (Some(whole), &None));
}

#[test]
fn the_original_keeps_its_styles() {
    let alice = translating();
    let mut text = RichText::default();
    text.push("Bonjour", &[Style::Bold]);
    let body = Body::Text { text, auto: false };
    let run = alice.hears_of(&Envelope { body, ..said("bob@yahoo", "") }).unwrap();
    let shown = alice.run(run, |_| ok(FRENCH)).shown.unwrap();
    let [bold] = shown.spans() else { panic!("{shown:?}") };
    assert_eq!((bold.start, bold.end, &bold.style), (0, 7, &Style::Bold));
}

#[test]
fn nothing_is_added_to_what_needs_no_translation() {
    for body in [
        r#"{"detectedLanguage":{"language":"en"},"translatedText":"Bonjour, tout"}"#,
        r#"{"detectedLanguage":{"language":"en-GB"},"translatedText":"x"}"#,
        r#"{"detectedLanguage":{"language":"fr"},"translatedText":"Bonjour, tout le monde "}"#,
        r#"{"translatedText":" "}"#,
    ] {
        assert_eq!(translated(&ok(body)), (None, None), "{body}");
    }
    let alice = translating();
    alice.run(alice.hears(" \n").unwrap(), |_| panic!("there is nothing to translate"));
    // An earlier version says no language.
    let (shown, _) = translated(&ok(r#"{"translatedText":"Hello"}"#));
    assert_eq!(shown.unwrap(), "Bonjour, tout le monde\n[CrossTalk /translate: Hello]");
}

#[test]
fn a_translator_that_fails_leaves_the_text_and_its_fault_is_said() {
    let huge = format!(r#"{{"translatedText":"{}"}}"#, "x".repeat(9000));
    let error = |status| Ok((status, br#"{"error":"de is <b>not</b> supported"}"#.to_vec()));
    for (reply, why) in [
        (Err(Trouble::Timeout), "did not answer in time"),
        (Err(Trouble::Unreachable), "cannot be reached"),
        (Err(Trouble::TooLarge), "more than is read"),
        (Err(Trouble::Busy), "too much is asked of this gateway"),
        (ok("<html>"), "does not understand"),
        (ok("{}"), "does not understand"),
        (ok(r#"{"translatedText":7}"#), "does not understand"),
        (ok(&huge), "does not understand"),
        (error(400), "knows no language en"),
        (error(403), "does not take this gateway's key"),
        (error(413), "too long"),
        (error(429), "too often"),
        (error(500), "out of order"),
        (error(302), "answered with status 302"),
    ] {
        let (shown, trouble) = translated(&reply);
        let trouble = trouble.unwrap();
        assert_eq!(shown, None, "{why}");
        assert!(
            trouble.starts_with("[CrossTalk /translate: ") && trouble.contains(why),
            "{trouble}"
        );
        assert!(!trouble.contains("<b>"), "{trouble}");
    }
}

#[test]
fn what_concerns_nobody_runs_through_nothing() {
    let alice = translating();
    assert!(alice.hears_of(&said("carol@yahoo", "Bonjour")).is_none());
    for encrypted in ["?OTR:AAMDJ+MVmSfjFZcAAAAAAQAAAAIAAA==.", "?OTR?v23?", "?OTRv3?"] {
        assert!(alice.hears(encrypted).is_none());
    }
    assert!(alice.hears("?OTR is what I use").is_some());
    assert!(Person::with(&["location=on", "music=lastfm rj"]).hears("hi").is_none());
    assert!(Person::with(&["flow/x=filter urgent | archive mbox"]).hears("hi").is_none());
    let typing = Body::Typing(crosstalk_core::Typing::Active);
    assert!(alice.hears_of(&Envelope { body: typing, ..said("bob@yahoo", "") }).is_none());
}

#[test]
fn a_webhook_is_told_and_may_say_another_text() {
    let line = format!("flow/hook=webhook https://h.example/in {SECRET} | archive jsonl");
    let alice = Person::with(&[&line]);
    let outcome = alice.run(alice.hears("2+2?").unwrap(), |call| {
        assert!(call.is_persons);
        let told: Value = serde_json::from_slice(&call.request.body).unwrap();
        let all = json!({"flow": "hook", "id": "00000000000000000000000000000005",
            "from": "bob@yahoo", "to": "alice@aol", "sent_at": 1_700_000_000_123_u64,
            "auto": false, "text": "2+2?"});
        assert_eq!(told, all);
        let header = |name| {
            let found = call.request.headers.iter().find(|(known, _)| *known == name);
            found.unwrap().1.expose().clone()
        };
        assert_eq!(header("x-crosstalk-time"), "1700000000");
        assert!(header("x-crosstalk-signature").starts_with("sha256="));
        ok(r#"{"text":"4"}"#)
    });
    assert_eq!(shown(&outcome), Some("[CrossTalk /flow hook: 4]\n2+2?"));
    let [FlowAction::Archive(record)] = &outcome.actions[..] else { panic!("{outcome:?}") };
    let archived: Value = serde_json::from_str(record.lines.expose()).unwrap();
    assert_eq!((record.format, &archived["text"]), (Format::JsonLines, &json!("2+2?")));
    assert_eq!(archived["made_of_it"], "4");
}

#[test]
fn a_webhook_that_says_nothing_or_fails_changes_nothing() {
    let line = format!("flow/hook=webhook https://h.example/in {SECRET}");
    let alice = Person::with(&[&line]);
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(17_000));
    for (reply, why) in [
        (Ok((204, Vec::new())), None),
        (ok(" \n"), None),
        (ok("{}"), None),
        (ok(r#"{"text":null}"#), None),
        (ok(r#"{"text":""}"#), None),
        (Err(Trouble::Timeout), Some("did not answer in time")),
        (Ok((500, Vec::new())), Some("status 500")),
        (Ok((307, Vec::new())), Some("status 307")),
        (ok("[]"), Some("no JSON object")),
        (ok(r#"{"text":{}}"#), Some("a text that is none")),
        (ok(&long), Some("more than is shown")),
    ] {
        let outcome = alice.run(alice.hears("hi").unwrap(), |_| reply.clone());
        assert_eq!(outcome.shown, None, "{reply:?}");
        let trouble = outcome.trouble.map(|text| text.text().to_owned());
        assert_eq!(trouble.is_some(), why.is_some(), "{reply:?}");
        assert!(trouble.is_none_or(|said| said.contains(why.unwrap())), "{reply:?}");
    }
}

#[test]
fn the_nodes_of_a_flow_follow_each_other_and_flows_do_not() {
    let alice = Person::with(&[
        "flow/a=filter BONJOUR | translate en | filter hello | forward al@jabber",
        "flow/b=from bob@yahoo | away-answer back soon | archive mbox",
        "flow/c=translate en | filter bonjour | archive jsonl",
        "flow/d=from carol@yahoo | archive jsonl",
    ]);
    let outcome = alice.run(alice.hears("Bonjour!").unwrap(), |_| ok(FRENCH));
    let note = "\n[CrossTalk /translate from French: Hello, world]";
    assert_eq!(shown(&outcome), Some(format!("Bonjour!{note}{note}").as_str()));
    let forwarded = "[CrossTalk: bob@yahoo wrote] Hello, world";
    let [FlowAction::Forward(to, text), FlowAction::AwayAnswer(away), FlowAction::Archive(mail)] =
        &outcome.actions[..]
    else {
        panic!("{outcome:?}")
    };
    assert_eq!((to, text.text()), (&address("al@jabber"), forwarded));
    assert_eq!(away.text(), "[CrossTalk /flow b: back soon]");
    assert!(mail.lines.expose().ends_with("\n\nBonjour!\n\n"), "of another flow nothing is made");
    // The mark is what keeps it from being forwarded again, or answered; who writes it by hand is
    // archived as others are.
    let marked = format!("{forwarded}, bonjour");
    let outcome = alice.run(alice.hears(&marked).unwrap(), |_| ok(FRENCH));
    let [FlowAction::Archive(_)] = &outcome.actions[..] else { panic!("{outcome:?}") };
}

#[test]
fn after_a_node_that_failed_the_others_go_on() {
    let alice = Person::with(&["flow/a=translate en | forward al@jabber"]);
    let outcome = alice.run(alice.hears("Salut").unwrap(), |_| Err(Trouble::Timeout));
    let [FlowAction::Forward(_, text)] = &outcome.actions[..] else { panic!("{outcome:?}") };
    assert_eq!(text.text(), "[CrossTalk: bob@yahoo wrote] Salut");
    assert!(outcome.trouble.is_some() && outcome.shown.is_none());
}

#[test]
fn what_a_client_says_on_its_own_is_not_answered_and_goes_nowhere_else() {
    let alice = Person::with(&["flow/a=away-answer bye | forward al@jabber | archive mbox"]);
    let body = Body::Text { text: "I am away".into(), auto: true };
    let run = alice.hears_of(&Envelope { body, ..said("bob@yahoo", "") }).unwrap();
    let outcome = alice.run(run, |_| panic!("nobody is called"));
    assert!(matches!(outcome.actions[..], [FlowAction::Archive(_)]), "{outcome:?}");
    // Nor what comes from where it would be forwarded to.
    let run = alice.hears_of(&said("al@jabber", "hi")).unwrap();
    let outcome = alice.run(run, |_| panic!("nobody is called"));
    let kinds = [FlowAction::AwayAnswer("[CrossTalk /flow a: bye]".into())];
    assert_eq!(outcome.actions[..1], kinds);
    assert_eq!(outcome.actions.len(), 2);
}

#[test]
fn an_operators_flow_is_run_for_everybody_and_calls_as_the_operator() {
    let mut alice = Person::new();
    let line = format!("log: filter urgent | webhook http://h.example/ {SECRET}");
    alice.offers.flows.everybody.push(line.into());
    alice.offers.flows.secrets = None;
    assert!(alice.hears("not so important").is_none());
    let mut called = 0;
    alice.run(alice.hears("URGENT: call me").unwrap(), |call| {
        assert!(!call.is_persons);
        called += 1;
        Ok((204, Vec::new()))
    });
    assert_eq!(called, 1);
    // A person's own webhook ends where people may have none any more.
    let mut bob = Person::with(&[&format!("flow/hook=webhook https://h.example/in {SECRET}")]);
    bob.offers.flows.secrets = None;
    bob.run(bob.hears("hi").unwrap(), |_| panic!("it is not called"));
}

#[test]
fn a_text_that_is_as_long_as_may_be_is_not_cut_for_a_note() {
    let alice = translating();
    let text = "é".repeat(MAX_TEXT / 2);
    let outcome = alice.run(alice.hears(&text).unwrap(), |_| ok(FRENCH));
    assert_eq!(outcome.shown, None);
}

#[test]
fn settings_that_cannot_be_read_are_passed_over() {
    for line in [
        "flow/x",
        "flow/=archive mbox",
        "flow/x=archive",
        "translate/bob@yahoo=",
        "translate/=de",
        "flow/x=webhook https://h.example",
        "flow/X=archive mbox",
    ] {
        assert!(Person::with(&[line]).hears("hi").is_none(), "{line}");
    }
}
