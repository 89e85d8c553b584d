//! The universal spelling goes both ways without loss.

#![allow(clippy::unwrap_used)]

mod plain;

use crosstalk_core::{Address, NameClass, Names};
use plain::Plain;

fn names() -> Names {
    Names::new("xt", ["msn", "yahoo", "jabber"].map(|id| (id.parse().unwrap(), &Plain as _)))
}

fn foreign(text: &str) -> NameClass {
    NameClass::Foreign(text.parse().unwrap())
}

#[test]
fn universal_spelling_round_trips() {
    for text in ["bob@yahoo", "carol@hotmail.com@msn", "100%@x.org@jabber", "a%b@c%d@jabber"] {
        let address: Address = text.parse().unwrap();
        let spelled = names().universal(&address);
        assert_eq!(spelled.matches('@').count(), 1, "{spelled}");
        assert_eq!(names().classify(&spelled), NameClass::Foreign(address), "{spelled}");
    }
}

#[test]
fn short_forms_and_case_are_understood() {
    assert_eq!(names().classify("Bob@Yahoo"), foreign("bob@yahoo"));
    assert_eq!(names().classify("BOB@YAHOO.XT"), foreign("bob@yahoo"));
    assert_eq!(names().classify("carol@hotmail.com@msn"), foreign("carol@hotmail.com@msn"));
    assert_eq!(names().classify("crosstalk@gateway.xt"), NameClass::Foreign(Address::control()));
}

#[test]
fn own_names_are_left_alone_and_ours_without_owner_go_nowhere() {
    for own in ["bob", "carol@hotmail.com", "x@text", "x@yahoo.com"] {
        assert_eq!(names().classify(own), NameClass::Own, "{own}");
    }
    for nowhere in ["bob@icq.xt", "@yahoo", "bob@gateway.xt", "x@.xt"] {
        assert_eq!(names().classify(nowhere), NameClass::Nowhere, "{nowhere}");
    }
}
