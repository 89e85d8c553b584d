//! Mastodon, by its client API 1.

use crosstalk_core::{Quoted, Redacted};
use serde_json::json;

use super::text::{by_status, called, cut, host, is_token, json, not_understood, root};
use super::{Link, Outcome, Reply, Site, StatusOffers, Task, Then};
use crate::request::{Request, Url};
use crate::speech::{Speech, speech};

const TITLE: &str = "Mastodon";
/// Length of a post, unless a server changes it.
const LONGEST: usize = 500;

pub(super) const SITE: Site = Site {
    name: "mastodon",
    title: TITLE,
    usage: "https://HOST TOKEN",
    is_offered: |offers| offers.mastodon,
    read,
    place: ToOwned::to_owned,
    begin,
    is_paid_for: false,
};

fn read(said: &str) -> Result<(String, Redacted<String>), Speech> {
    let (place, token) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
    let Some(host) = host(place) else {
        return Err("Write the address of your server, such as https://mastodon.social, and then \
                    the token: /set mastodon https://HOST TOKEN."
            .into());
    };
    let token = token.trim();
    if !is_token(token) {
        return Err(speech!(
            "What follows the address must be an access token. Make one at {} in Preferences, \
             Development, New application, with the scopes profile and write:statuses.",
            Quoted::name(&host)
        ));
    }
    Ok((host, token.to_owned().into()))
}

fn begin(link: &Link, task: &Task, _: &StatusOffers) -> (Request, Then) {
    let root = root(&link.account);
    let bearer = format!("Bearer {}", link.token.expose());
    match task {
        Task::Check => {
            let url = Url(format!("{root}/api/v1/accounts/verify_credentials"));
            (Request::get(url).with("authorization", bearer), Then::Read(checked))
        }
        Task::Post { text, key, .. } => {
            let text = cut(text.expose(), LONGEST, usize::MAX, |_| 1);
            let body = json!({ "status": text }).to_string().into_bytes();
            let request = Request::post(Url(format!("{root}/api/v1/statuses")), body)
                .with("authorization", bearer)
                .with("idempotency-key", key.clone());
            (request, Then::Read(posted))
        }
    }
}

fn checked(link: &Link, _: &Task, reply: &Reply) -> Outcome {
    match reply {
        Ok((200, body)) => match json(body)["username"].as_str() {
            Some(name) => Outcome::Done(called(&format!("@{name}@{}", link.account))),
            None => Outcome::Rejected(not_understood(TITLE)),
        },
        Ok((403, _)) => Outcome::Refused(
            "Mastodon does not let the token do this; it needs the scopes profile and \
             write:statuses"
                .into(),
        ),
        _ => by_status(TITLE, reply),
    }
}

fn posted(_: &Link, _: &Task, reply: &Reply) -> Outcome {
    match reply {
        Ok((200, body)) if json(body)["id"].is_string() => Outcome::Done(Speech::default()),
        Ok((422, _)) => Outcome::Rejected("Mastodon does not take the text".into()),
        // Another request with this key is under way: the site will know what came of it.
        Ok((409, _)) => Outcome::Again("Mastodon is still busy with the text".into()),
        _ => by_status(TITLE, reply),
    }
}
