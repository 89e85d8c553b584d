//! Services of people: commands such as `/music`, said to a person, that the person's gateway
//! answers.
//!
//! A service does no I/O. It says what is to be looked up ([`Step`]) for what its person has set,
//! and makes words of what came back ([`Found`]). One more service is a file and a line in
//! [`SERVICES`].

mod commands;
mod location;
mod music;
mod sharing;

use crosstalk_core::{Address, Failure, Question, Quoted};

use crate::offers::Offers;
use crate::request::{Trouble, Url};
use crate::speech::{Speech, speech};

pub use commands::hides;
pub(crate) use commands::{privacy, services, set};
use sharing::Sharing;

/// Every service of people.
pub static SERVICES: &[PersonService] = &[music::SERVICE, location::SERVICE];

/// One service of people.
pub struct PersonService {
    /// Command word, typed after the slash.
    pub name: &'static str,
    /// Content of the answer, in a sentence.
    pub help: &'static str,
    /// Values that can be set for it, as `/set` shows them.
    pub values: &'static str,
    /// Reads what a person set, to what is stored.
    set: fn(&str, &Offers) -> Result<String, Speech>,
    begin: fn(&str, &Offers) -> Step,
    finish: fn(&str, Found) -> Speech,
}

/// Next step towards an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The answer is known.
    Say(Speech),
    /// This is to be got by HTTP.
    Get(Url),
    /// The place of the address that the person's client connects from is to be looked up.
    Locate,
}

/// Result of a [`Step`].
#[derive(Debug)]
pub enum Found {
    /// A response by HTTP.
    Response {
        /// Its status.
        status: u16,
        /// Its body, as far as it may be long.
        body: Vec<u8>,
    },
    /// A place on earth.
    Place {
        /// The city, in English.
        city: String,
        /// The country, in English; empty where it is not known.
        country: String,
    },
    /// The client's address is one of a private network.
    Private,
    /// It is not known where the client's address is.
    Unknown,
    /// Nothing came back.
    Nothing(Trouble),
}

/// The question that a text to a person is: a service's command, and no more than belongs to it.
pub fn question(text: &str) -> Option<Question> {
    let said = text.trim().strip_prefix('/')?;
    // What is more than a command is said to the person.
    Question::new(by_name(&said.to_lowercase())?.name, "")
}

/// What a person with these settings has set for a question of `by`. Fails with
/// [`Failure::Refused`] where there is no such service, else with [`Failure::Offline`] where it is
/// off or `by` may not ask.
pub fn shares(question: &Question, by: &Address, settings: &[String]) -> Result<Box<str>, Failure> {
    let service = by_name(question.service()).ok_or(Failure::Refused)?;
    let sharing = Sharing::of(service.name, settings);
    let value = sharing.value().filter(|_| sharing.is_with(by));
    value.map(Box::from).ok_or(Failure::Offline)
}

/// The first step towards the answer to a question of somebody who may ask it. An answer is marked
/// as that of [`finish`] is.
pub fn begin(question: &Question, value: &str, offers: &Offers) -> Step {
    let Some(service) = by_name(question.service()) else { return Step::Say(Speech::default()) };
    match (service.begin)(value, offers) {
        Step::Say(said) => Step::Say(marked(service, &said)),
        step => step,
    }
}

/// The answer, marked so that nobody takes it for typed by the person.
pub fn finish(question: &Question, value: &str, found: Found) -> Speech {
    match by_name(question.service()) {
        Some(service) => marked(service, &(service.finish)(value, found)),
        None => Speech::default(),
    }
}

fn marked(service: &PersonService, said: &Speech) -> Speech {
    speech!("[CrossTalk /{}: {}]", service.name, said.clone())
}

/// Note in a conversation with `name`, of whom something was asked and not answered.
pub fn unanswered(question: &Question, name: &str, why: Failure) -> Speech {
    let (name, service) = (Quoted::name(name), Quoted::name(question.service()));
    match why {
        Failure::Refused => {
            speech!("[CrossTalk: the gateway of {} does not know /{}.]", name, service)
        }
        Failure::Unreachable | Failure::Unconfirmed => speech!(
            "[CrossTalk: the gateway of {} cannot be reached at the moment; /{} has no answer.]",
            name,
            service
        ),
        Failure::Busy => speech!(
            "[CrossTalk: too much was asked; please try /{} of {} again in a minute.]",
            service,
            name
        ),
        _ => speech!("[CrossTalk: {} is not there, or does not tell you /{}.]", name, service),
    }
}

/// Words for what kept a service called `site` from answering.
fn trouble(site: &'static str, trouble: Trouble) -> Speech {
    match trouble {
        Trouble::Timeout => speech!("{} did not answer in time", site),
        Trouble::Unreachable | Trouble::Broken => {
            speech!("{} cannot be reached at the moment", site)
        }
        Trouble::TooLarge => speech!("{} answered more than is read", site),
        Trouble::Busy => "too much is asked of this gateway at the moment".into(),
    }
}

fn by_name(name: &str) -> Option<&'static PersonService> {
    SERVICES.iter().find(|service| service.name == name)
}
