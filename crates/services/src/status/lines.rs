//! Lines in a person's settings: accounts that statuses go to, and accounts that are followed.
//!
//! `mastodon=ACCOUNT SEALED` has the token as the gateway sealed it, `mastodon/last=TEXT KEY` says
//! what was posted last, and `follow/NAME=ID POSITION` which post was shown last.

use super::{SITES, Site};

/// Begins each line of an account that is followed.
pub(super) const FOLLOW: &str = "follow/";

/// An account of a person at a site, as it stands in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineOfLink {
    /// The account.
    pub account: String,
    /// Its token, sealed.
    pub sealed: String,
}

/// The line of an account but for its token; none for other lines.
pub(crate) fn without_secrets(line: &str) -> Option<String> {
    let lines = [line.to_owned()];
    let link = |site: &Site| {
        let link = site.link_in(&lines)?;
        Some(site.line(&LineOfLink { sealed: "[secret]".to_owned(), ..link }))
    };
    super::SITES.iter().find_map(link)
}

/// What was posted last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Digest of the text.
    pub text: String,
    /// Name of the post, from which that of the next one is made.
    pub key: String,
}

impl Site {
    /// The account that is set for the site.
    pub fn link_in(&self, settings: &[String]) -> Option<LineOfLink> {
        let (account, sealed) = value(settings, &self.of_link())?.rsplit_once(' ')?;
        Some(LineOfLink { account: account.to_owned(), sealed: sealed.to_owned() })
    }

    /// What was posted there last.
    pub fn posted_in(&self, settings: &[String]) -> Option<Posted> {
        let (text, key) = value(settings, &self.of_posted())?.split_once(' ')?;
        Some(Posted { text: text.to_owned(), key: key.to_owned() })
    }

    /// The line of an account.
    pub fn line(&self, link: &LineOfLink) -> String {
        format!("{}{} {}", self.of_link(), link.account, link.sealed)
    }

    /// The line of what was posted last.
    pub fn line_of_posted(&self, posted: &Posted) -> String {
        format!("{}{} {}", self.of_posted(), posted.text, posted.key)
    }

    /// Beginning of the line of an account.
    pub fn of_link(&self) -> String {
        format!("{}=", self.name)
    }

    /// Beginning of the line of what was posted last.
    pub fn of_posted(&self) -> String {
        format!("{}/last=", self.name)
    }

    /// Words for where statuses go, where they go anywhere.
    pub(super) fn place_in(&self, settings: &[String]) -> Option<String> {
        self.link_in(settings).map(|link| (self.place)(&link.account))
    }
}

/// Whether there is something in these settings for sites outside.
pub fn looks_outward(settings: &[String]) -> bool {
    settings.iter().any(|line| {
        let site = |site: &Site| line.strip_prefix(site.name).is_some_and(|l| l.starts_with('='));
        line.starts_with(FOLLOW) || SITES.iter().any(site)
    })
}

pub(super) fn value<'a>(settings: &'a [String], beginning: &str) -> Option<&'a str> {
    settings.iter().find_map(|line| line.strip_prefix(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_for_a_site_is_read_back() {
        let site = Site::named("mastodon").unwrap();
        let link = LineOfLink { account: "a.test".into(), sealed: "c2VhbGVk".into() };
        let posted = Posted { text: "digest".into(), key: "00ff".into() };
        let settings = ["music=x".into(), site.line(&link), site.line_of_posted(&posted)];
        assert_eq!(settings[1..], ["mastodon=a.test c2VhbGVk", "mastodon/last=digest 00ff"]);
        assert_eq!(
            (site.link_in(&settings), site.posted_in(&settings)),
            (Some(link), Some(posted))
        );
        assert!(looks_outward(&settings) && !looks_outward(&settings[2..]));
        assert!(looks_outward(&["follow/@a@a.test=1 2".into()]));
        assert!(!looks_outward(&["x/last=a b".into(), "xy=1".into(), "music=x".into()]));
    }
}
