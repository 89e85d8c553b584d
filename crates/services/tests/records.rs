//! Commands about everything that is stored about somebody, and what is said of them.
#![allow(clippy::unwrap_used)]

#[path = "../../core/tests/plain/mod.rs"]
mod plain;

use crosstalk_core::{Address, Contact, Names, Presence, Roster, Stamp, UnixMillis};
use crosstalk_services::{Action, Answer, Forgotten, Offers, View, export_part, forgotten};
use plain::Plain;

/// Answer to alice@aol, who has bob@yahoo on her list.
fn ask(text: &str) -> Answer {
    let [user, bob]: [Address; 2] = ["alice@aol", "bob@yahoo"].map(|name| name.parse().unwrap());
    let mut roster = Roster::default();
    roster.put(Contact { listed: true, ..Contact::new(bob, "bob".into()) }, Stamp::default());
    let names = Names::new("xt", ["aol", "yahoo"].map(|n| (n.parse().unwrap(), &Plain as _)));
    let (offers, now) = (&Offers::default(), UnixMillis(0));
    let (roster, presence) = (&roster, &|_: &Address| Presence::offline());
    let view = View { user: &user, names: &names, roster, presence, offers, now };
    crosstalk_services::answer(text, &view)
}

#[test]
fn nothing_is_forgotten_before_that_is_asked_for_in_words() {
    for text in ["/forget", "/forget all", "/forget everything now"] {
        let answer = ask(text);
        assert!(answer.act.is_empty(), "{text}");
        assert!(
            answer.say.text().contains("with what each may see (1); what you set (0)"),
            "{text}"
        );
        assert!(answer.say.text().contains("/forget everything forgets"), "{text}");
    }
    let answer = ask("/forget Everything");
    assert_eq!(answer.act, [Action::Forget]);
}

#[test]
fn an_export_has_parts() {
    assert_eq!(ask("/export").act, [Action::Export(None)]);
    assert_eq!(ask("/export 3").act, [Action::Export(Some(3))]);
    for wrong in ["/export 0", "/export -1", "/export all", "/export 99999999999999999999"] {
        let answer = ask(wrong);
        assert!(answer.act.is_empty(), "{wrong}");
        assert!(answer.say.text().contains("the number of a part"), "{wrong}");
    }
    assert!(!export_part(2, 2).text().contains("/export"));
    assert!(export_part(1, 2).text().ends_with(" /export 2 sends the next part."));
}

#[test]
fn who_is_forgotten_reads_what_did_not_arrive_and_who_cannot_be_reached() {
    let texts = |n: usize| (0..n).map(|n| (format!("a{n}@aol.xt"), n + 1)).collect::<Vec<_>>();
    let said = |taken_back, elsewhere, away| {
        forgotten(&Forgotten { taken_back, elsewhere, away }).text().to_owned()
    };
    let nothing = said(texts(0), 0, 0);
    assert!(!nothing.contains("Messages of yours") && !nothing.contains("Other gateways"));
    let some = said(texts(2), 2, 1);
    assert!(some.contains("will not: 1 to a0@aol.xt, 2 to a1@aol.xt."), "{some}");
    assert!(some.contains("kept it: 2. Of these 1 cannot be reached now"), "{some}");
    assert!(said(texts(0), 2, 0).contains("forget it too: 2."));
    let many = said(texts(50), 0, 0);
    assert!(many.contains(", and those to 30 more.") && many.len() < 1500, "{many}");
}
