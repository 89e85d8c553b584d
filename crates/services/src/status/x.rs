//! X, by its API 2.

use crosstalk_core::Redacted;
use serde_json::json;

use super::text::{by_status, called, cut, is_token, json, not_understood};
use super::{Link, Outcome, Reply, Site, StatusOffers, Task, Then};
use crate::request::{Request, Url};
use crate::speech::Speech;

const TITLE: &str = "X";
/// Longest text of a post, as X counts it.
const LONGEST: usize = 280;

pub(super) const SITE: Site = Site {
    name: "x",
    title: TITLE,
    usage: "TOKEN",
    is_offered: |offers| offers.x.is_some(),
    read,
    place: |_| TITLE.to_owned(),
    begin,
    is_paid_for: true,
};

fn read(said: &str) -> Result<(String, Redacted<String>), Speech> {
    if !is_token(said) {
        return Err(
            "Write /set x TOKEN, with a user access token of X's API 2 that has the scopes \
                    tweet.read, tweet.write and users.read."
                .into(),
        );
    }
    Ok((TITLE.to_owned(), said.to_owned().into()))
}

fn begin(link: &Link, task: &Task, offers: &StatusOffers) -> (Request, Then) {
    let root = offers.x.as_deref().unwrap_or_default().trim_end_matches('/');
    let (request, then) = match task {
        Task::Check => (Request::get(Url(format!("{root}/2/users/me"))), Then::Read(checked)),
        Task::Post { text, .. } => {
            let text = cut(text.expose(), LONGEST, usize::MAX, weight);
            let body = json!({ "text": text }).to_string().into_bytes();
            (Request::post(Url(format!("{root}/2/tweets")), body), Then::Read(posted))
        }
    };
    (request.with("authorization", format!("Bearer {}", link.token.expose())), then)
}

fn checked(_: &Link, _: &Task, reply: &Reply) -> Outcome {
    match reply {
        Ok((200, body)) => match json(body)["data"]["username"].as_str() {
            Some(name) => Outcome::Done(called(&format!("@{name}"))),
            None => Outcome::Rejected(not_understood(TITLE)),
        },
        _ => by_status(TITLE, reply),
    }
}

fn posted(_: &Link, _: &Task, reply: &Reply) -> Outcome {
    match reply {
        Ok((201, body)) if json(body)["data"]["id"].is_string() => Outcome::Done(Speech::default()),
        // It has it: X took the text before, and the answer got lost.
        Ok((403, body)) if is_repeated(body) => Outcome::Done(Speech::default()),
        Ok((400, _)) => Outcome::Rejected("X does not take the text".into()),
        Ok((402, _)) => Outcome::Rejected("the operator's account at X has no credit left".into()),
        _ => by_status(TITLE, reply),
    }
}

fn is_repeated(body: &[u8]) -> bool {
    json(body)["detail"].as_str().is_some_and(|detail| detail.contains("duplicate content"))
}

/// Length of a grapheme as X counts it (twitter-text, configuration 3): those of Latin script and
/// such count one for each character, all else two.
fn weight(grapheme: &str) -> usize {
    let light =
        |c: char| matches!(u32::from(c), 0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247);
    grapheme.chars().map(|c| if light(c) { 1 } else { 2 }).sum()
}
