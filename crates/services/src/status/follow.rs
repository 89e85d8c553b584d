//! Accounts at Mastodon and Bluesky whose posts a person gets.

use std::cmp::Ordering;

use crosstalk_core::{Quoted, UnixMillis};
use serde_json::Value;

use super::lines::{FOLLOW, value};
use super::text::{is_host, json, not_understood, out_of_order, rfc3339, root, too_often, trouble};
use super::{Reply, StatusOffers};
use crate::request::{Request, Url, escaped};
use crate::speech::{Speech, speech};

/// The most posts of one account that are read at a time. A post with all there is about its author
/// takes some kilobytes, and no more than 64 are read.
pub const MAX_POSTS: usize = 5;
/// The most accounts that one person follows.
pub(super) const MAX_FOLLOWED: usize = 16;
/// The longest name of a user, id or position.
const MAX_WORD: usize = 100;

/// An account that can be followed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Followed(Source, String);

/// Site of an account that can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Mastodon: `@user@host`.
    Mastodon,
    /// Bluesky: a handle.
    Bluesky,
}

/// A post of an account.
#[derive(Debug, PartialEq, Eq)]
pub struct Post {
    /// Its place among the posts of the account.
    pub position: String,
    /// The post for a person to read.
    pub said: Speech,
}

impl Source {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Mastodon => "Mastodon",
            Self::Bluesky => "Bluesky",
        }
    }

    pub(super) const fn is_offered(self, offers: &StatusOffers) -> bool {
        match self {
            Self::Mastodon => offers.follow_mastodon,
            Self::Bluesky => offers.follow_bluesky.is_some(),
        }
    }
}

impl Followed {
    /// The account that is called so.
    pub fn named(typed: &str) -> Option<Self> {
        let typed = typed.trim().to_lowercase();
        if let Some((user, host)) = typed.strip_prefix('@').and_then(|t| t.split_once('@')) {
            return (is_word(user) && is_host(host)).then_some(Self(Source::Mastodon, typed));
        }
        let handle = typed.strip_prefix('@').unwrap_or(&typed);
        let is_handle = is_host(handle) && handle.contains('.') && !handle.contains(':');
        is_handle.then(|| Self(Source::Bluesky, handle.to_owned()))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.1
    }

    /// Its site.
    pub const fn source(&self) -> Source {
        self.0
    }

    /// The accounts that are followed by these settings, each with its id and the last position.
    pub fn all_in(settings: &[String]) -> impl Iterator<Item = (Self, &str, &str)> {
        settings.iter().filter_map(|line| {
            let (name, value) = line.strip_prefix(FOLLOW)?.split_once('=')?;
            let (id, position) = value.split_once(' ')?;
            Some((Self::named(name)?, id, position))
        })
    }

    /// Beginning of its line.
    pub fn of_line(&self) -> String {
        format!("{FOLLOW}{}=", self.1)
    }

    /// Its line, at a position.
    pub fn line(&self, id: &str, position: &str) -> String {
        format!("{}{id} {position}", self.of_line())
    }

    pub(super) fn is_in(&self, settings: &[String]) -> bool {
        value(settings, &self.of_line()).is_some()
    }

    /// Asks for its id.
    pub fn look_up(&self, offers: &StatusOffers) -> Request {
        let url = if let Some((user, root)) = self.mastodon() {
            format!("{root}/api/v1/accounts/lookup?acct={}", escaped(user))
        } else {
            let (root, actor) = (app_view(offers), escaped(&self.1));
            format!("{root}/xrpc/app.bsky.actor.getProfile?actor={actor}")
        };
        Request::get(Url(url))
    }

    /// The id in the response to that.
    pub fn looked_up(&self, reply: &Reply) -> Result<String, Speech> {
        let found = self.found(reply)?;
        let id = match self.0 {
            Source::Mastodon => found["id"].as_str().filter(|id| is_word(id)),
            Source::Bluesky => found["did"].as_str().filter(|id| id.starts_with("did:")),
        };
        let id = id.filter(|id| id.len() <= MAX_WORD && id.bytes().all(|b| b.is_ascii_graphic()));
        id.map(ToOwned::to_owned).ok_or_else(|| not_understood(self.0.title()))
    }

    /// Asks for its latest posts, no more than `most`; where that can be said, for those after a
    /// position.
    pub fn ask(&self, id: &str, after: &str, most: usize, offers: &StatusOffers) -> Request {
        let id = escaped(id);
        Request::get(Url(match self.mastodon() {
            Some((_, root)) => format!(
                "{root}/api/v1/accounts/{id}/statuses?limit={most}&exclude_replies=true\
                 &exclude_reblogs=true&since_id={}",
                escaped(after)
            ),
            None => format!(
                "{}/xrpc/app.bsky.feed.getAuthorFeed?actor={id}&limit={most}\
                 &filter=posts_no_replies",
                app_view(offers)
            ),
        }))
    }

    /// The posts in the response to that, the oldest first. `text_of` reads HTML.
    pub fn posts(
        &self,
        reply: &Reply,
        text_of: &dyn Fn(&str) -> String,
    ) -> Result<Vec<Post>, Speech> {
        let found = self.found(reply)?;
        let all = match self.0 {
            Source::Mastodon => &found,
            Source::Bluesky => &found["feed"],
        };
        let all = all.as_array().ok_or_else(|| not_understood(self.0.title()))?;
        let read = |post| match self.0 {
            Source::Mastodon => self.of_mastodon(post, text_of),
            Source::Bluesky => self.of_bluesky(post),
        };
        let mut posts: Vec<_> = all.iter().take(MAX_POSTS).filter_map(read).collect();
        posts.sort_by(|a, b| self.order(&a.position, &b.position));
        Ok(posts)
    }

    /// The position of who begins to follow it when it has no posts.
    pub fn beginning(&self, now: UnixMillis) -> String {
        match self.0 {
            // Of Mastodon all posts are asked for, of Bluesky reposts stand among them.
            Source::Mastodon => "0".to_owned(),
            Source::Bluesky => rfc3339(now),
        }
    }

    /// The order of two positions. Those of Mastodon are numbers, those of Bluesky times.
    pub fn order(&self, one: &str, other: &str) -> Ordering {
        let by_length = match self.0 {
            Source::Mastodon => one.len().cmp(&other.len()),
            Source::Bluesky => Ordering::Equal,
        };
        by_length.then_with(|| one.cmp(other))
    }

    fn found(&self, reply: &Reply) -> Result<Value, Speech> {
        let title = self.0.title();
        match reply {
            Err(why) => Err(trouble(title, *why)),
            Ok((200, body)) => Ok(json(body)),
            Ok((400 | 404 | 410, _)) => Err(speech!("{} knows nobody of that name", title)),
            Ok((401 | 403, _)) => Err("that is shown only to who is signed in there".into()),
            Ok((429, _)) => Err(too_often(title)),
            Ok((500.., _)) => Err(out_of_order(title)),
            Ok((status, _)) => {
                Err(speech!("{} answered with status {}", title, u64::from(*status)))
            }
        }
    }

    fn of_mastodon(&self, post: &Value, text_of: &dyn Fn(&str) -> String) -> Option<Post> {
        let position = post["id"].as_str().filter(|id| is_word(id))?;
        if !post["reblog"].is_null() {
            return None;
        }
        // Its author wants readers to be asked before they see it.
        let warning = post["spoiler_text"].as_str().filter(|warning| !warning.is_empty());
        let text = match warning {
            Some(warning) => warning.to_owned(),
            None => text_of(post["content"].as_str()?),
        };
        let (_, root) = self.mastodon()?;
        // What leads elsewhere is not this account's.
        let is_own = |url: &&str| url.strip_prefix(&*root).is_some_and(|url| url.starts_with('/'));
        let link = post["url"].as_str().filter(is_own);
        Some(self.said(position, &text, link))
    }

    fn of_bluesky(&self, item: &Value) -> Option<Post> {
        let post = &item["post"];
        let position = post["indexedAt"].as_str().filter(|at| is_word(at))?;
        if item.get("reason").is_some_and(|reason| !reason.is_null()) {
            return None;
        }
        let text = post["record"]["text"].as_str()?;
        let key = post["uri"].as_str()?.rsplit('/').next().filter(|key| is_word(key))?;
        let link = format!("https://bsky.app/profile/{}/post/{key}", self.1);
        Some(self.said(position, text, Some(&link)))
    }

    fn said(&self, position: &str, text: &str, link: Option<&str>) -> Post {
        let words = Quoted::pieces(text).into_iter().next().map(|words| speech!(": {}", words));
        let link = link.map(|link| speech!(" {}", Quoted::words(link)));
        let said = speech!(
            "[CrossTalk /follow: {}{}{}]",
            Quoted::name(&self.1),
            words.unwrap_or_default(),
            link.unwrap_or_default()
        );
        Post { position: position.to_owned(), said }
    }

    /// User and root of an account at Mastodon.
    fn mastodon(&self) -> Option<(&str, String)> {
        let (user, host) = self.1.strip_prefix('@')?.split_once('@')?;
        Some((user, root(host)))
    }
}

fn app_view(offers: &StatusOffers) -> &str {
    offers.follow_bluesky.as_deref().unwrap_or_default().trim_end_matches('/')
}

fn is_word(word: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':' | b'+');
    (1..=MAX_WORD).contains(&word.len()) && word.bytes().all(letter)
}
