//! Answers of the control contact to commands such as /help and /who, words for events that a client
//! cannot show, and services of people such as /music. Pure: text and a view of the person's list in,
//! text and actions out.

mod commands;
mod flow;
mod naming;
mod offers;
mod person;
mod records;
mod request;
mod secrets;
mod speech;
pub mod status;
mod words;

use crosstalk_core::{Address, Consent, Names, Presence, Redacted, Roster, RosterEdit, UnixMillis};

pub use commands::{COMMANDS, Command};
pub use flow::{
    Call, FlowAction, Format, Outcome, Record, Run, check as check_flow, not_forwarded,
    of as flows_of, picture, said_to,
};
pub use offers::{Endpoint, FlowOffers, Offers, Translator};
pub use person::{
    Found, PersonService, SERVICES, Step, begin, finish, hides, question, shares, unanswered,
};
pub use records::{Forgotten, export_fails, export_link, export_part, forget_fails, forgotten};
pub use request::{Method, Request, Trouble, Url};
pub use secrets::without_secrets;
pub use speech::Speech;
pub use words::{delayed, disk_is_full, domain_is_full, in_words, kept};

/// State that a command may look at.
pub struct View<'a> {
    /// The person who gives the command.
    pub user: &'a Address,
    /// The networks and their spellings.
    pub names: &'a Names,
    /// The person's foreign contacts.
    pub roster: &'a Roster,
    /// Presence of a contact, as the person sees it.
    pub presence: &'a dyn Fn(&Address) -> Presence,
    /// Sources that services may use here.
    pub offers: &'a Offers,
    /// The present.
    pub now: UnixMillis,
}

/// The answer to a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Reply of the control contact.
    pub say: Speech,
    /// Actions to take for the person, in order.
    pub act: Vec<Action>,
}

/// Something done in a person's name, as if the client had done it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A change of the person's list.
    Edit(RosterEdit),
    /// A step of consent, said to a contact.
    Consent(Address, Consent),
    /// The person's [settings](Roster::settings) from now on.
    Settings(Vec<String>),
    /// Telling everything that is stored about the person: by a link if there can be one, or this
    /// part of it in messages.
    Export(Option<usize>),
    /// Forgetting everything that is stored about the person, at every gateway.
    Forget,
    /// Work outside.
    Errand {
        /// Beginning of the line of the settings that it is about.
        about: String,
        /// What is to be done, to be read as an [`Errand`](status::Errand).
        words: Redacted<String>,
    },
    /// An end to the errand that is about this line, if one is under way.
    Dismiss(String),
}

impl Answer {
    fn say(what: impl Into<Speech>) -> Self {
        Self { say: what.into(), act: Vec::new() }
    }

    fn and(mut self, action: Action) -> Self {
        self.act.push(action);
        self
    }
}

/// Answers what a person said to the control contact. The slash may be missing.
pub fn answer(text: &str, view: &View<'_>) -> Answer {
    let text = text.trim();
    let (word, arguments) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let name = word.strip_prefix('/').unwrap_or(word).to_lowercase();
    match COMMANDS.iter().find(|c| c.name == name) {
        Some(command) => (command.run)(arguments.trim(), view),
        None if word.starts_with('/') => Answer::say(commands::unknown(word, &name)),
        None => Answer::say(
            "I am CrossTalk, the gateway that connects you with people on other networks. \
             I understand only commands; send /help to see them.",
        ),
    }
}
