//! Bluesky, by the AT Protocol's `com.atproto.server` and `com.atproto.repo`.
//!
//! Each post has a session of its own: it is made from the app password, used once and forgotten,
//! so that none expires and none is kept.

use crosstalk_core::{Quoted, Redacted};
use serde_json::{Value, json};

use super::text::{by_status, called, cut, host, json, not_understood, rfc3339, root};
use super::{Link, Outcome, Read, Reply, Site, StatusOffers, Task, Then};
use crate::request::{Request, Url};
use crate::speech::{Speech, speech};

const TITLE: &str = "Bluesky";
/// The server of those who name none.
const USUAL: &str = "bsky.social";
/// Collection of posts.
const POSTS: &str = "app.bsky.feed.post";
/// Longest text of a post (`app.bsky.feed.post`), in graphemes and in bytes.
const LONGEST: (usize, usize) = (300, 3000);

pub(super) const SITE: Site = Site {
    name: "bluesky",
    title: TITLE,
    usage: "HANDLE APP-PASSWORD [https://SERVER]",
    is_offered: |offers| offers.bluesky,
    read,
    place: |account| account.replacen('/', " at ", 1),
    begin,
    is_paid_for: false,
};

/// The account is `handle/server`.
fn read(said: &str) -> Result<(String, Redacted<String>), Speech> {
    let usage = "Write /set bluesky HANDLE APP-PASSWORD, such as /set bluesky ann.bsky.social \
                 abcd-efgh-ijkl-mnop, and behind it the address of your server where it is not \
                 bsky.social.";
    let mut words = said.split_whitespace();
    let (Some(handle), password, server) = (words.next(), words.next(), words.next()) else {
        return Err(usage.into());
    };
    let handle = host(handle.trim_start_matches('@'))
        .filter(|handle| handle.contains('.') && !handle.contains(':'));
    let (Some(handle), None) = (handle, words.next()) else { return Err(usage.into()) };
    let Some(password) = password.filter(|password| is_app_password(password)) else {
        return Err("Behind the handle must stand an app password, not the one you sign in with: \
                    four times four letters, such as abcd-efgh-ijkl-mnop. Make one at Bluesky in \
                    Settings, Privacy and security, App passwords."
            .into());
    };
    let Some(server) = host(server.unwrap_or(USUAL)) else {
        return Err(speech!("{} is no address of a server.", Quoted::words(server.unwrap_or(""))));
    };
    Ok((format!("{handle}/{server}"), password.to_owned().into()))
}

/// What else stands there may be the password of the account itself, which nobody but Bluesky
/// should have.
fn is_app_password(typed: &str) -> bool {
    let part = |part: &str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_alphanumeric());
    typed.split('-').count() == 4 && typed.split('-').all(part)
}

fn begin(link: &Link, _: &Task, _: &StatusOffers) -> (Request, Then) {
    let (handle, _) = parts(link);
    let body = json!({ "identifier": handle, "password": link.token.expose() });
    (call(link, "com.atproto.server.createSession", &body), Then::GoOn(opened))
}

fn opened(link: &Link, task: &Task, reply: &Reply) -> Result<(Request, Read), Outcome> {
    let session = match reply {
        Ok((200, body)) => json(body),
        Ok((status @ (400 | 401 | 403), body)) => return Err(refused(*status, &json(body))),
        _ => return Err(by_status(TITLE, reply)),
    };
    let (Some(token), Some(did)) = (session["accessJwt"].as_str(), session["did"].as_str()) else {
        return Err(Outcome::Rejected(not_understood(TITLE)));
    };
    let Task::Post { text, key, at } = task else {
        return Err(Outcome::Done(called(session["handle"].as_str().unwrap_or(parts(link).0))));
    };
    let text = cut(text.expose(), LONGEST.0, LONGEST.1, |_| 1);
    let record = json!({ "$type": POSTS, "text": text, "createdAt": rfc3339(*at) });
    // `createRecord` would post a second time what it had taken when its answer got lost. With a
    // name of our own `putRecord` writes the same record again, also from another gateway.
    let body =
        json!({ "repo": did, "collection": POSTS, "rkey": record_key(key), "record": record });
    let request = call(link, "com.atproto.repo.putRecord", &body);
    Ok((request.with("authorization", format!("Bearer {token}")), posted))
}

fn posted(_: &Link, _: &Task, reply: &Reply) -> Outcome {
    match reply {
        Ok((200, body)) if json(body)["uri"].is_string() => Outcome::Done(Speech::default()),
        Ok((400 | 401, body)) if json(body)["error"] == "ExpiredToken" => {
            Outcome::Again("Bluesky ended the session".into())
        }
        Ok((400, _)) => Outcome::Rejected("Bluesky does not take the text".into()),
        _ => by_status(TITLE, reply),
    }
}

fn refused(status: u16, error: &Value) -> Outcome {
    Outcome::Refused(match error["error"].as_str() {
        Some("AuthFactorTokenRequired") => {
            "Bluesky asks for a code by mail, which it does not for an app password".into()
        }
        Some("AccountTakedown") => "Bluesky has taken the account down".into(),
        _ if status == 400 => return Outcome::Rejected("Bluesky does not know the handle".into()),
        _ => "Bluesky does not take the handle with this app password".into(),
    })
}

fn call(link: &Link, method: &str, body: &Value) -> Request {
    let url = format!("{}/xrpc/{method}", root(parts(link).1));
    Request::post(Url(url), body.to_string().into_bytes())
}

/// Handle and server of an account.
fn parts(link: &Link) -> (&str, &str) {
    link.account.split_once('/').unwrap_or((&link.account, USUAL))
}

/// The name of a post's record, by nothing but the name of the post: a later try, wherever it is
/// made, must not be another record. It has the form of a TID (AT Protocol), which the collection
/// asks for: 64 bits in digits of five.
fn record_key(key: &str) -> String {
    const DIGITS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
    let number = key.get(..16).and_then(|key| u64::from_str_radix(key, 16).ok()).unwrap_or(0);
    (0..13).rev().map(|at| char::from(DIGITS[(number >> (5 * at)) as usize & 31])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_records_have_the_form_of_a_tid_and_follow_from_the_post() {
        // From the AT Protocol's page on TIDs: the least one.
        assert_eq!(record_key(&"0".repeat(32)), "2222222222222");
        assert_eq!(record_key(&"f".repeat(32)), "jzzzzzzzzzzzz");
        let (one, other) = (record_key("00ff00ff00ff00ff00"), record_key("10ff00ff00ff00ff00"));
        assert!(one != other && one[1..] == other[1..] && one.len() == 13, "{one} {other}");
    }
}
