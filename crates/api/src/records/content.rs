//! Everything that is stored about a person, as programs read it.

use crosstalk_core::{self as core, Address, Body, Consent, UnixMillis};
use crosstalk_overlay::{Message, Records};
use serde::Serialize;
use utoipa::ToSchema;

use crate::content::{self, File, Numbered, Presence, Standing, reason};
use crate::state::{State, now};
use crate::store::{Kept, StoreError, Token};

/// Everything that is stored about a person. Of secrets only their names are shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct Export {
    /// The person.
    #[schema(example = "alice@aol")]
    pub name: String,
    /// Time of the export, in milliseconds since 1970.
    pub at: u64,
    /// The gateway that was asked.
    pub gateway: String,
    /// The gateways that keep the contacts and settings for the person, besides those at which the
    /// person signs on.
    pub homes: Vec<Home>,
    /// Everybody in the list, and everybody who asked or is blocked.
    pub contacts: Vec<StoredContact>,
    /// What was set, line by line: services, and who is told what.
    pub settings: Vec<String>,
    /// Messages by and for the person that wait at this gateway.
    pub waiting: Vec<Waiting>,
    /// What the API of this gateway keeps for the person.
    pub api: OfApi,
}

/// A gateway that keeps the list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Home {
    /// Its name.
    pub gateway: String,
    /// Whether it can be reached now.
    pub is_reached: bool,
}

/// Somebody of another network.
#[derive(Serialize, ToSchema)]
pub(crate) struct StoredContact {
    /// The name.
    #[schema(example = "bob@yahoo")]
    pub name: String,
    /// The name as the person's client shows it.
    pub spelling: String,
    /// The own name for the contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The groups that hold the contact.
    pub groups: Vec<String>,
    /// Whether the contact stands in the list.
    pub listed: bool,
    /// Whether the contact is blocked.
    pub blocked: bool,
    /// Whether the contact's presence may be seen.
    pub sees: Standing,
    /// Whether the contact may see the own presence.
    pub is_seen: Standing,
    /// The words with which the contact asks to see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

/// A message that waits.
#[derive(Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// The sender.
    pub from: String,
    /// The receiver.
    pub to: String,
    /// Time at which it was said, in milliseconds since 1970.
    pub sent_at: u64,
    /// The kind: a text, a step of consent, something else, or a report of what failed.
    #[schema(example = "text")]
    pub kind: String,
    /// The words of a text; the reason of a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What the API keeps for a person.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfApi {
    /// The presence that was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence: Option<Presence>,
    /// Events that programs of the person heard, or have not heard yet.
    pub events: Vec<Numbered>,
    /// Files that nobody has got yet.
    pub files: Vec<File>,
    /// Tokens, and the sessions of browsers, without their secrets.
    pub tokens: Vec<Token>,
    /// Whether there is a password.
    pub has_password: bool,
    /// Number of passkeys.
    pub passkeys: usize,
    /// Times at which invites end that were not used, in milliseconds since 1970.
    pub invites_expire_at: Vec<u64>,
}

impl Export {
    /// Everything about `who`: `records`, and what the API keeps.
    pub(crate) async fn gather(
        state: &State,
        who: &Address,
        records: Records,
    ) -> Result<Self, StoreError> {
        let now = now();
        let Records { roster, homes, waiting } = records;
        let home = |home: crosstalk_overlay::Home| Home {
            gateway: home.id.to_string(),
            is_reached: home.is_reached,
        };
        let waiting = waiting.into_iter();
        Ok(Self {
            name: who.to_string(),
            at: now.0,
            gateway: state.overlay.id().to_string(),
            homes: homes.into_iter().map(home).collect(),
            contacts: roster.contacts().map(StoredContact::of).collect(),
            settings: state.router.without_secrets(roster.settings()),
            waiting: waiting.filter_map(|w| Waiting::of(&w.message, now.minus(w.age))).collect(),
            api: OfApi::gather(state, who, now).await?,
        })
    }
}

impl OfApi {
    async fn gather(state: &State, who: &Address, now: UnixMillis) -> Result<Self, StoreError> {
        let name = who.to_string();
        let sessions = state.store.sessions(now).await?.into_iter().map(|(_, session)| session);
        let tokens = state.tokens.all().into_iter().map(|token| Token::clone(&token));
        let Kept { presence, events, has_password, passkeys, invites_expire_at } =
            state.store.kept_of(who).await?;
        let files = state.store.files(Some(who)).await?.into_iter();
        Ok(Self {
            presence,
            events,
            files: files.map(|file| File::of(file, None)).collect(),
            tokens: tokens.chain(sessions).filter(|token| token.who == name).collect(),
            has_password,
            passkeys,
            invites_expire_at,
        })
    }
}

impl StoredContact {
    fn of(contact: &core::Contact) -> Self {
        let content::Contact { name, alias, groups, listed, blocked, sees, is_seen, words, .. } =
            content::Contact::of(contact, None);
        let spelling = contact.spelling.clone();
        Self { name, spelling, alias, groups, listed, blocked, sees, is_seen, words }
    }
}

impl Waiting {
    /// A message that is kept; presence and questions never are.
    fn of(message: &Message, sent_at: UnixMillis) -> Option<Self> {
        let (from, to, kind, text) = match message {
            Message::Envelope(envelope) => {
                let (kind, text) = match &envelope.body {
                    Body::Text { text, .. } => ("text", Some(text.text().to_owned())),
                    Body::Contact(Consent::Request(words)) => {
                        ("request", Some(words.text().to_owned()))
                    }
                    Body::Contact(Consent::Grant) => ("grant", None),
                    Body::Contact(Consent::Revoke) => ("revoke", None),
                    Body::Contact(Consent::Cancel) => ("cancel", None),
                    _ => ("other", None),
                };
                (&envelope.from, &envelope.to, kind, text)
            }
            Message::Report { from, to, why, .. } => {
                (from, to, "undelivered", Some(reason(*why).to_owned()))
            }
            Message::Presence { .. } | Message::Probe { .. } | Message::Question { .. } => {
                return None;
            }
        };
        let text = text.filter(|text| !text.is_empty());
        let (from, to, kind) = (from.to_string(), to.to_string(), kind.to_owned());
        Some(Self { from, to, sent_at: sent_at.0, kind, text })
    }
}
