//! Everything about one signed-in person, as a state machine: no clock, no lock, no task, no
//! network.
//!
//! An [`Account`] is told what happens by [`Account::handle`], with the time, and says what is to be
//! done by [`Effects`]:
//!
//! ```text
//!   session opened, closed        ┐             ┌ mail to a session
//!   an engine's event             │             │ post, send, report
//!   a message of another gateway  ├─> Account ──┤ load, save, watch, sign on and off
//!   contact arrived, left, lost   │             │ answer
//!   loaded, located, sent         │             └ count
//!   tick                          ┘
//! ```
//!
//! What is said leaves in order, so much at a time, each under a [`Ticket`] by which its end is told.
//! What the sessions are shown of the state of things is never lost: where a mailbox is full it is
//! written again, from the state of the moment when there is room.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Instant;
//!
//! use crosstalk_core::{Names, Now, Roster, UnixMillis};
//! use crosstalk_router::{Account, Effect, Effects, GatewayKey, Input, Mail, SessionId, Settings};
//!
//! let names = Arc::new(Names::new("xt", []));
//! let settings = Arc::new(Settings::new(names, GatewayKey([1; 32])));
//! let mut account = Account::<()>::new("alice@aol".parse()?, settings, 1);
//! let now = Now { instant: Instant::now(), wall: UnixMillis(0) };
//! let mut effects = Effects::default();
//!
//! // Somebody signs in: the list is to be loaded.
//! let session = SessionId(1);
//! account.handle(now, Input::Opened { session, endpoint: "laptop".into() }, &mut effects);
//! assert!(matches!(effects.next_effect(), Some(Effect::Load)));
//!
//! // It is the first thing that the session is told.
//! account.handle(now, Input::Loaded(Roster::default()), &mut effects);
//! assert!(matches!(effects.next_effect(), Some(Effect::Mail(_, Mail::Roster(_)))));
//! # Ok::<(), crosstalk_core::BadName>(())
//! ```

mod account;
mod consent;
mod contacts;
mod control;
mod conversations;
mod cx;
mod delivery;
mod effect;
mod errands;
mod flow_actions;
mod flows;
mod ids;
mod in_flight;
mod input;
mod mail;
mod outbox;
mod outgoing;
mod outward;
mod pace;
mod pending;
mod pending_requests;
mod presence;
mod questions;
mod receive;
mod records;
mod resubscription;
mod roster_edits;
mod session;
mod settings;
mod state_updates;
mod storage;
mod strangers;

pub use account::Account;
pub use effect::{Count, Effect, Effects, Message};
pub use errands::ErrandId;
pub use flows::{FlowAction, Outcome, Record};
pub use ids::{GatewayKey, SessionId, SessionIds, Ticket};
pub use input::{Fate, Input};
pub use mail::Mail;
pub use outward::{Change, Outward};
pub use records::RecordsRequest;
pub use settings::{Action, Full, Reply, Service, Settings, Shares, View};
pub use strangers::{Deed, Strangers};
