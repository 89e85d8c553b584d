//! `/translate` and `/flow`: what is set, shown and refused.

use crosstalk_core::{MAX_LABEL, MAX_SETTINGS};
use crosstalk_services::{check_flow, said_to};

use crate::{Offers, Person, SECRET, address, viewed};

#[test]
fn what_somebody_writes_is_translated_until_that_is_turned_off() {
    let mut alice = Person::new();
    assert!(alice.says("/translate").starts_with("Nothing is translated."));
    let said = alice.says("/translate German bob@yahoo");
    assert!(said.starts_with("what bob@yahoo.xt writes is shown in de too"), "{said}");
    assert_eq!(alice.settings, ["translate/bob@yahoo=de"]);
    alice.says("/translate pt-BR al@jabber");
    alice.says("/translate fr bob@yahoo");
    assert_eq!(alice.settings, ["translate/al@jabber=pt-BR", "translate/bob@yahoo=fr"]);
    assert_eq!(
        alice.says("/translate"),
        "translate pt-BR: what al@jabber.xt writes\ntranslate fr: what bob@yahoo.xt writes"
    );
    assert!(alice.says("/services").contains("translate fr: what bob@yahoo.xt writes"));
    alice.says("/translate off al");
    assert_eq!(alice.settings, ["translate/bob@yahoo=fr"]);
    alice.settings.push("location=on".into());
    assert_eq!(alice.says("/translate off"), "Nothing is translated any more.");
    assert_eq!(alice.settings, ["location=on"]);
}

#[test]
fn in_a_conversation_only_the_command_and_a_word_is_a_command() {
    let mut alice = Person::new();
    let mut types = |text: &str| {
        let bob = address("bob@yahoo");
        let answer = viewed(&alice.settings, &alice.offers, |view| said_to(text, &bob, view));
        answer.map(|answer| alice.keeps(answer))
    };
    for text in ["translate de", "/translate de, please", "/translated", "/music", "hi", ""] {
        assert_eq!(types(text), None, "{text}");
    }
    let said = types(" /Translate DE\n").unwrap();
    assert!(said.starts_with("[CrossTalk /translate: what bob@yahoo.xt writes is shown in de"));
    assert!(types("/translate").unwrap().contains("is shown in de too"));
    let said = types("/translate gibberish").unwrap();
    assert!(said.contains("Which language?"), "{said}");
    assert!(types("/translate off").unwrap().contains("is not translated any more"));
    assert!(alice.settings.is_empty());
}

#[test]
fn what_cannot_be_translated_is_said() {
    let mut alice = Person::new();
    for (command, why) in [
        ("/translate de", "Whose texts?"),
        ("/translate deutsch bob@yahoo", "Which language?"),
        ("/translate de alice@aol", "Only what others write"),
        ("/translate de crosstalk@gateway", "Only what others write"),
        ("/translate de nobody", "I do not know nobody"),
    ] {
        let said = alice.says(command);
        assert!(said.contains(why), "{command}: {said}");
    }
    alice.offers = Offers::default();
    assert_eq!(alice.says("/translate de bob@yahoo"), "This gateway has no translator.");
    assert!(alice.settings.is_empty());
}

#[test]
fn a_flow_is_set_shown_and_removed() {
    let mut alice = Person::new();
    let said = alice.says(
        "/flow add Work: from bob@yahoo | filter urgent | translate de | forward al@jabber.xt",
    );
    let shown = "work: from bob@yahoo.xt | filter \"urgent\" | translate de | forward al@jabber.xt";
    assert_eq!(said, format!("Set. Every text to you now runs through {shown}"));
    let stored = "flow/work=from bob@yahoo | filter urgent | translate de | forward al@jabber";
    assert_eq!(alice.settings, [stored]);
    assert!(alice.says("/flow").contains(shown) && alice.says("/services").contains(shown));
    alice.says("/flow add work: filter from bob@yahoo | archive JSONL");
    assert_eq!(alice.settings, ["flow/work=from bob@yahoo | archive jsonl"]);
    assert_eq!(alice.says("/flow remove work"), "Removed work.");
    assert!(alice.settings.is_empty());
    assert_eq!(alice.says("/flow remove work"), "There is no flow work. /flow shows yours.");
}

#[test]
fn a_secret_is_shown_once() {
    let mut alice = Person::new();
    let said = alice.says("/flow add hook: webhook https://h.example/in?token=t0ken");
    assert!(said.contains(SECRET) && !said.contains("t0ken"), "{said}");
    assert!(alice.settings[0].ends_with(&format!("token=t0ken {SECRET}")));
    for command in ["/flow", "/services"] {
        let said = alice.says(command);
        assert!(said.contains("webhook \"https://h.example\""), "{said}");
        assert!(!said.contains(SECRET) && !said.contains("t0ken"), "{said}");
    }
}

#[test]
fn a_flow_that_cannot_work_is_refused() {
    let mut alice = Person::new();
    let long = format!("away-answer {}", "x".repeat(201));
    let many = ["archive mbox"; 9].join(" | ");
    for (nodes, why) in [
        ("", "There is no node"),
        ("explode", "There is no node explode"),
        ("filter urgent", "Nothing comes behind"),
        ("archive mbox | from bob@yahoo", "Nothing comes behind"),
        ("filter", "Words are missing"),
        ("away-answer", "Words are missing"),
        (long.as_str(), "short line"),
        ("translate klingonese", "Which language?"),
        ("archive tar", "archive mbox or archive jsonl"),
        ("forward", "Whereto?"),
        ("forward alice@aol", "in a circle"),
        ("forward crosstalk@gateway", "in a circle"),
        ("from bob@yahoo | forward bob@yahoo", "in a circle"),
        ("forward al@jabber | forward al@jabber", "twice"),
        ("forward one@jabber", "has to agree first"),
        ("forward who@jabber", "has to agree first"),
        ("webhook ftp://h.example/", "https://"),
        ("webhook https://me:pw@h.example/", "https://"),
        ("webhook https:///in", "https://"),
        (many.as_str(), "8 nodes at most"),
    ] {
        let said = alice.says(&format!("/flow add x: {nodes}"));
        assert!(said.contains(why), "{nodes}: {said}");
    }
    for command in ["/flow add archive mbox", "/flow add a b: archive mbox", "/flow what"] {
        let said = alice.says(command);
        assert!(said.contains("/flow add NAME") || said.contains("Name the flow"), "{said}");
    }
    assert!(alice.settings.is_empty());
    alice.offers = Offers::default();
    for (node, why) in [
        ("translate de", "no translator"),
        ("archive mbox", "no archives"),
        ("webhook https://h.example", "no webhooks"),
    ] {
        let said = alice.says(&format!("/flow add x: {node}"));
        assert!(said.contains(why), "{node}: {said}");
    }
}

#[test]
fn flows_are_bounded() {
    let mut alice = Person::new();
    for n in 0..8 {
        assert!(alice.says(&format!("/flow add f{n}: archive mbox")).starts_with("Set."));
    }
    assert!(alice.says("/flow add f8: archive mbox").contains("no more fit"));
    assert!(alice.says("/flow add f7: archive jsonl").starts_with("Set."), "in its place");
    let long = vec![format!("away-answer {}", "x".repeat(190)); 3].join(" | ");
    assert!(long.len() > MAX_LABEL);
    assert!(alice.says(&format!("/flow add f7: {long}")).contains("too long to be kept"));
    assert_eq!(alice.settings.len(), 8);
    alice.settings = vec!["x".into(); MAX_SETTINGS];
    assert!(alice.says("/translate de bob@yahoo").contains("no room for more"));
}

#[test]
fn names_that_look_like_keys_are_others() {
    let mut alice = Person::new();
    // Plain takes any name of Yahoo's.
    for name in ["a@yahoo=b@jabber", "a@yahoo"] {
        alice.says(&format!("/translate de {name}"));
    }
    assert_eq!(alice.settings, ["translate/a@yahoo=b@jabber=de", "translate/a@yahoo=de"]);
    alice.says("/translate off a@yahoo");
    assert_eq!(alice.settings, ["translate/a@yahoo=b@jabber=de"]);
}

#[test]
fn an_operators_flow_is_checked_and_shown_to_everybody() {
    assert_eq!(check_flow("log: filter urgent | archive jsonl"), Ok(()));
    assert_eq!(check_flow("h: webhook https://h.example/ 0123456789abcdef"), Ok(()));
    for wrong in [
        "archive jsonl",
        "a b: archive jsonl",
        "log: archive",
        "log: forward ops@jabber",
        "log: filter x",
        "log:",
        "h: webhook https://h.example/",
        "h: webhook https://h.example/ short",
        "h: webhook h.example 0123456789abcdef",
    ] {
        assert!(check_flow(wrong).is_err(), "{wrong}");
    }
    let mut alice = Person::new();
    let line = format!("log: webhook https://h.example/k3y {SECRET}");
    alice.offers.flows.everybody.push(line.into());
    let said = alice.says("/services");
    assert!(said.contains("Set by the operator: log: webhook \"https://h.example\""), "{said}");
    assert!(!said.contains(SECRET) && !said.contains("k3y"), "{said}");
}

#[test]
fn what_may_be_shown_of_settings_has_no_secrets_in_it() {
    let line = format!("flow/work=from bob@yahoo | webhook https://hook.test/x {SECRET}");
    let shown = crosstalk_services::without_secrets(&line);
    assert_eq!(shown, "flow/work=from bob@yahoo | webhook https://hook.test/x [secret]");
    let later = format!("flow/work=sing loudly | webhook https://hook.test/x {SECRET}");
    assert_eq!(crosstalk_services::without_secrets(&later), "flow/work=[not understood]");
    for other in ["translate/bob@yahoo=de", "flow/work=archive mbox", "location=on"] {
        assert_eq!(crosstalk_services::without_secrets(other), other);
    }
}

#[test]
fn a_flow_that_could_not_be_read_back_is_not_set() {
    let mut alice = Person::new();
    let said = alice.says("/flow add x: filter a |\t | archive mbox");
    assert!(said.starts_with("Nothing was changed: there is a |"), "{said}");
    assert!(alice.settings.is_empty());
}
