//! Settings that the accounts of a gateway have in common, passed in from outside.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{
    Address, Consent, Envelope, Failure, Names, Presence, Question, Rate, Redacted, RichText,
    Roster, RosterEdit, UnixMillis,
};

use crate::ids::GatewayKey;
use crate::records::RecordsRequest;
use crate::strangers::Deed;

/// The settings of a gateway's accounts.
#[derive(Clone)]
pub struct Settings {
    /// The networks and their spellings.
    pub names: Arc<Names>,
    /// The gateway that the accounts are at.
    pub here: GatewayKey,
    /// Tells this gateway's writes to a list from those of others.
    pub writer: u64,
    /// Whether the control contact stands in everybody's list and answers.
    pub control: bool,
    /// Rate of one person's messages. A client that exceeds it is read more slowly.
    pub pace: Rate,
    /// Service that puts into words what clients cannot show, and answers commands.
    pub service: Arc<dyn Service>,
    /// Shares of what is limited for people together.
    pub shares: Arc<dyn Shares>,
}

impl Settings {
    /// Settings without a control contact, with a usual pace and nothing to share: for tests and
    /// simulations.
    pub fn new(names: Arc<Names>, here: GatewayKey) -> Self {
        let pace = Rate::new(500, Duration::from_millis(20));
        let (service, shares) = (Arc::new(NoService), Arc::new(NoShares));
        Self { names, here, writer: 1, control: false, pace, service, shares }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { here, writer, control, pace, .. } = self;
        let mut shown = f.debug_struct("Settings");
        shown.field("here", here).field("writer", writer).field("control", control);
        shown.field("pace", pace).finish_non_exhaustive()
    }
}

/// Limits that people at a gateway have together. Asked in the middle of an input, so it answers at
/// once.
pub trait Shares: Send + Sync {
    /// Takes a deed of somebody at a gateway, if those of the same origin have not done too much.
    fn may(&self, now: Instant, who: &Address, at: GatewayKey, deed: Deed) -> bool;

    /// Whether the list of `owner` could be stored if it had so many bytes.
    fn room_for(&self, owner: &Address, bytes: usize) -> Result<(), Full>;
}

/// Reason why a list cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// Those of the same domain have as much as they may have.
    Domain,
    /// The disk is full, and as much waits for it as may.
    Disk,
}

/// Words that the gateway itself says to people.
pub trait Service: Send + Sync {
    /// Answers what a person said to the control contact.
    fn answer(&self, text: &str, view: &View<'_>) -> Reply;

    /// Words for an envelope, for a client that cannot show it otherwise, to somebody who calls the
    /// sender `name`.
    fn in_words(&self, envelope: &Envelope, name: &str) -> Vec<RichText>;

    /// Note in a conversation with `name`, for whom something said is kept. `is_there` says whether
    /// the person is seen online.
    fn kept(&self, name: &str, is_there: bool) -> RichText;

    /// Words for somebody whose list was not changed.
    fn not_changed(&self, full: Full) -> RichText;

    /// The question that a text to a person is, if it is one.
    fn question(&self, text: &str) -> Option<Question>;

    /// What a person has set for a question of `by`. Fails with [`Failure::Refused`] where there is
    /// no such service, else with [`Failure::Offline`] where the person does not let `by` ask.
    fn shares(
        &self,
        question: &Question,
        by: &Address,
        settings: &[String],
    ) -> Result<Box<str>, Failure>;

    /// Note in a conversation with `name`, of whom something was asked and not answered.
    fn unanswered(&self, question: &Question, name: &str, why: Failure) -> RichText;

    /// Answers a text that a person says to `with`, where it is a command to the person's own
    /// gateway about what that one writes. Other texts are said to that one.
    fn said_to(&self, _text: &str, _with: &Address, _view: &View<'_>) -> Option<Reply> {
        None
    }

    /// The lines of nodes that an envelope runs through on its way to somebody with these settings;
    /// `None` for none.
    fn flow(&self, _envelope: &Envelope, _settings: &[String]) -> Option<Vec<String>> {
        None
    }

    /// Note that a text was not forwarded to `name`.
    fn not_forwarded(&self, name: &str) -> RichText {
        RichText::plain(format!("[{name} was not told.]"))
    }

    /// Whether a person with these settings has something for services outside.
    fn looks_outward(&self, _: &[String]) -> bool {
        false
    }

    /// Whether a command has something in it that the person's other clients are not shown.
    fn hides(&self, _: &str) -> bool {
        false
    }
}

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
    /// The present.
    pub now: UnixMillis,
}

/// The answer to a command.
#[derive(Debug, Default)]
pub struct Reply {
    /// The message.
    pub say: RichText,
    /// Actions to take in the person's name, in order.
    pub act: Vec<Action>,
}

/// Something done in a person's name, as if the client had done it.
#[derive(Debug)]
pub enum Action {
    /// A change of the person's list.
    Edit(RosterEdit),
    /// A step of consent, said to a contact.
    Consent(Address, Consent),
    /// The person's [settings](Roster::settings) from now on.
    Settings(Vec<String>),
    /// Telling or forgetting everything that is stored about the person.
    Records(RecordsRequest),
    /// Work outside.
    Errand {
        /// Beginning of the line of the settings that it is about.
        about: String,
        /// What is to be done, in the service's own words.
        words: Redacted<String>,
    },
    /// An end to the errand that is about this line, if one is under way.
    Dismiss(String),
}

/// No commands, and no words but what must be said.
struct NoService;

impl Service for NoService {
    fn answer(&self, _: &str, _: &View<'_>) -> Reply {
        Reply::default()
    }

    fn in_words(&self, _: &Envelope, _: &str) -> Vec<RichText> {
        Vec::new()
    }

    fn kept(&self, name: &str, _: bool) -> RichText {
        RichText::plain(format!("[{name} gets this later.]"))
    }

    fn not_changed(&self, _: Full) -> RichText {
        "Your list was not changed.".into()
    }

    fn question(&self, _: &str) -> Option<Question> {
        None
    }

    fn shares(&self, _: &Question, _: &Address, _: &[String]) -> Result<Box<str>, Failure> {
        Err(Failure::Refused)
    }

    fn unanswered(&self, _: &Question, name: &str, _: Failure) -> RichText {
        RichText::plain(format!("[{name} does not answer.]"))
    }
}

/// Room for everything.
struct NoShares;

impl Shares for NoShares {
    fn may(&self, _: Instant, _: &Address, _: GatewayKey, _: Deed) -> bool {
        true
    }

    fn room_for(&self, _: &Address, _: usize) -> Result<(), Full> {
        Ok(())
    }
}
