//! `/location`: the city that a person is in.

use crosstalk_core::Quoted;

use super::{Found, PersonService, Step};
use crate::offers::Offers;
use crate::speech::{Speech, speech};

/// The longest place that can be set, in characters.
const MAX_PLACE: usize = 100;
/// Value of who wants the address to be looked up.
const BY_ADDRESS: &str = "on";
/// Begins the value of who named a place.
const AT: &str = "at ";

pub(super) const SERVICE: PersonService = PersonService {
    name: "location",
    help: "Tells the city that the client connects from, or the place that was set.",
    values: "on, off, or a place",
    set,
    begin,
    finish,
};

fn set(said: &str, offers: &Offers) -> Result<String, Speech> {
    if said.eq_ignore_ascii_case(BY_ADDRESS) {
        return if offers.locations.is_some() {
            Ok(BY_ADDRESS.to_owned())
        } else {
            Err("This gateway cannot look up where addresses are. Name a place instead, such as \
             /set location San Diego."
                .into())
        };
    }
    if said.chars().count() > MAX_PLACE {
        return Err("That place is too long. Please name it in a line.".into());
    }
    if said.contains(char::is_control) {
        return Err("Please name the place in one line of plain text.".into());
    }
    Ok(format!("{AT}{said}"))
}

fn begin(value: &str, _: &Offers) -> Step {
    match value.strip_prefix(AT) {
        Some(place) => Step::Say(speech!("{}", Quoted::words(place))),
        None => Step::Locate,
    }
}

fn finish(_: &str, found: Found) -> Speech {
    match found {
        Found::Place { city, country } if country.is_empty() => {
            speech!("near {}", Quoted::words(&city))
        }
        Found::Place { city, country } => {
            speech!("near {}, {}", Quoted::words(&city), Quoted::words(&country))
        }
        Found::Private => "the address is one of a private network, which is nowhere".into(),
        Found::Unknown | Found::Response { .. } | Found::Nothing(_) => {
            "it is not known where the address is".into()
        }
    }
}
