//! Statuses that people have posted to sites outside, and accounts there whose posts they get.
//!
//! A site does no I/O. It says what is to be asked ([`Request`]) and makes something of what came
//! back ([`Outcome`]). One more site is a file and a line in [`SITES`].

mod bluesky;
mod commands;
mod errand;
mod follow;
mod lines;
mod mastodon;
mod text;
pub mod words;
mod x;

use crosstalk_core::{Redacted, UnixMillis};

use crate::request::{Request, Trouble};
use crate::speech::Speech;

pub(crate) use commands::{follow as follow_command, set, states, unfollow};
pub use errand::Errand;
pub use follow::{Followed, MAX_POSTS, Post, Source};
pub(crate) use lines::without_secrets;
pub use lines::{LineOfLink, Posted, looks_outward};

/// Every site to which statuses are posted.
pub static SITES: &[Site] = &[mastodon::SITE, bluesky::SITE, x::SITE];

/// One site to which statuses are posted.
pub struct Site {
    /// Word that it is set by.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What follows `/set NAME`.
    usage: &'static str,
    is_offered: fn(&StatusOffers) -> bool,
    /// Reads what a person typed: the account, which is shown, and the token for it.
    read: fn(&str) -> Result<Typed, Speech>,
    /// Words for where statuses go, from the account.
    place: fn(&str) -> String,
    /// The beginning of a check, or of a post.
    begin: fn(&Link, &Task, &StatusOffers) -> (Request, Then),
    /// Whether each post costs the operator money.
    is_paid_for: bool,
}

/// What a person typed for a site: the account and the token.
type Typed = (String, Redacted<String>);

/// Sites that the operator of a gateway lets people use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusOffers {
    /// Whether statuses are posted to Mastodon.
    pub mastodon: bool,
    /// Whether statuses are posted to Bluesky.
    pub bluesky: bool,
    /// The root of X's API 2, where statuses are posted to it.
    pub x: Option<String>,
    /// Whether accounts at Mastodon can be followed.
    pub follow_mastodon: bool,
    /// The root of the `AppView` by which accounts at Bluesky can be followed.
    pub follow_bluesky: Option<String>,
}

impl StatusOffers {
    /// Whether statuses are posted anywhere.
    pub const fn posts(&self) -> bool {
        self.mastodon || self.bluesky || self.x.is_some()
    }

    /// Whether accounts can be followed anywhere.
    pub const fn follows(&self) -> bool {
        self.follow_mastodon || self.follow_bluesky.is_some()
    }
}

/// An account of a person at a site, with the token by which the gateway posts there.
#[derive(Clone, Debug)]
pub struct Link {
    /// The site.
    pub site: &'static Site,
    /// The account, as it stands in the settings.
    pub account: String,
    /// What the site takes for the person.
    pub token: Redacted<String>,
}

/// Something to be done at a site.
#[derive(Debug)]
pub enum Task {
    /// To see whether it takes the token.
    Check,
    /// To post a text.
    Post {
        /// The text, whole.
        text: Redacted<String>,
        /// Name of the post, the same however often it is tried: 32 hexadecimal digits.
        key: String,
        /// Time of the first try.
        at: UnixMillis,
    },
}

/// Response to a request: status and body.
pub type Reply = Result<(u16, Vec<u8>), Trouble>;

/// Reader of the response to the last request of a task.
pub type Read = fn(&Link, &Task, &Reply) -> Outcome;

/// Reader of the response to a first request: the second one and what reads the response to it, or
/// what came of the task.
pub type GoOn = fn(&Link, &Task, &Reply) -> Result<(Request, Read), Outcome>;

/// What makes something of the response to a first request.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    /// It is the only one.
    Read(Read),
    /// There may be a second one.
    GoOn(GoOn),
}

/// Meaning of a response.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done; whose account it is, where that was asked.
    Done(Speech),
    /// The site does not take the token.
    Refused(Speech),
    /// The site will not do this, however often it is asked.
    Rejected(Speech),
    /// It may be done later.
    Again(Speech),
}

impl Site {
    /// The site that is called so.
    pub fn named(name: &str) -> Option<&'static Self> {
        SITES.iter().find(|site| site.name == name)
    }

    /// Whether it can be used at this gateway.
    pub fn is_offered(&self, offers: &StatusOffers) -> bool {
        (self.is_offered)(offers)
    }

    /// Whether each post costs the operator money.
    pub const fn is_paid_for(&self) -> bool {
        self.is_paid_for
    }

    /// The first request of a task, and what to make of the response.
    pub fn begin(&self, link: &Link, task: &Task, offers: &StatusOffers) -> (Request, Then) {
        (self.begin)(link, task, offers)
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
