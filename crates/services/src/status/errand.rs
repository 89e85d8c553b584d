//! Work outside that a person commands, in words that can be carried to where it is done.

use super::follow::Followed;
use super::{Link, Site};
use crate::Action;

/// Work outside that a person commands.
#[derive(Debug)]
pub enum Errand {
    /// To set an account of the person's, if the site takes its token.
    Link(Link),
    /// To follow an account, if there is one.
    Follow(Followed),
}

impl Errand {
    /// The errand that a site is told as the person typed it.
    pub(super) fn link(site: &Site, said: &str) -> Action {
        Action::Errand { about: site.of_link(), words: format!("{} {said}", site.name).into() }
    }

    /// The errand that an account is followed.
    pub(super) fn follow(followed: &Followed) -> Action {
        let words = format!("follow {}", followed.name()).into();
        Action::Errand { about: followed.of_line(), words }
    }

    /// Reads an errand.
    pub fn read(words: &str) -> Option<Self> {
        let (what, said) = words.split_once(' ')?;
        if what == "follow" {
            return Followed::named(said).map(Self::Follow);
        }
        let site = Site::named(what)?;
        let (account, token) = (site.read)(said).ok()?;
        Some(Self::Link(Link { site, account, token }))
    }
}
