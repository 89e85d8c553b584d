//! `/music`: what a person listens to, as Last.fm or `ListenBrainz` know it.

use crosstalk_core::Quoted;
use serde_json::Value;

use super::{Found, PersonService, Step, trouble};
use crate::offers::Offers;
use crate::request::{Url, escaped};
use crate::speech::{Speech, speech};

/// The longest name of a listener, in bytes.
const MAX_NAME: usize = 64;
const LASTFM: &str = "Last.fm";
const LISTENBRAINZ: &str = "ListenBrainz";

pub(super) const SERVICE: PersonService = PersonService {
    name: "music",
    help: "Tells what the person listens to.",
    values: "lastfm NAME, listenbrainz NAME, or off",
    set,
    begin,
    finish,
};

fn set(said: &str, offers: &Offers) -> Result<String, Speech> {
    let (site, name) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
    let (site, name) = (site.to_lowercase(), name.trim());
    let is_offered = match site.as_str() {
        "lastfm" => offers.lastfm.is_some(),
        "listenbrainz" => offers.listenbrainz.is_some(),
        _ => return Err("Write /set music lastfm NAME or /set music listenbrainz NAME.".into()),
    };
    if !is_offered {
        return Err(speech!("This gateway does not ask {}.", Quoted::name(&site)));
    }
    let is_name = (1..=MAX_NAME).contains(&name.len())
        && !name.contains(|c: char| c.is_control() || c.is_whitespace());
    if is_name {
        Ok(format!("{site} {name}"))
    } else {
        Err(speech!("Which name do you have there? Write /set music {} NAME.", Quoted::name(&site)))
    }
}

fn begin(value: &str, offers: &Offers) -> Step {
    match (value.split_once(' '), &offers.lastfm, &offers.listenbrainz) {
        // user.getRecentTracks of Last.fm's API 2.0.
        (Some(("lastfm", name)), Some(api), _) => Step::Get(Url(format!(
            "{}?method=user.getrecenttracks&format=json&limit=1&user={}&api_key={}",
            api.url,
            escaped(name),
            escaped(api.key.expose())
        ))),
        // Playing now of ListenBrainz' API 1.
        (Some(("listenbrainz", name)), _, Some(root)) => {
            let root = root.trim_end_matches('/');
            Step::Get(Url(format!("{root}/1/user/{}/playing-now", escaped(name))))
        }
        // It was set at another gateway, or while this one offered it.
        _ => Step::Say("this gateway does not ask there for music".into()),
    }
}

fn finish(value: &str, found: Found) -> Speech {
    let is_lastfm = value.starts_with("lastfm ");
    let site = if is_lastfm { LASTFM } else { LISTENBRAINZ };
    match found {
        Found::Nothing(why) => trouble(site, why),
        Found::Response { status, body } => match serde_json::from_slice(&body) {
            Ok(reply) if is_lastfm => of_lastfm(status, &reply),
            Ok(reply) => of_listenbrainz(status, &reply),
            Err(_) => without_words(site, status),
        },
        Found::Place { .. } | Found::Private | Found::Unknown => not_understood(site),
    }
}

/// Reply of `user.getRecentTracks`. Errors have numbers, whatever the status; one track stands
/// without a list around it.
fn of_lastfm(status: u16, reply: &Value) -> Speech {
    if let Some(error) = reply["error"].as_u64() {
        return match error {
            6 => speech!("{} knows nobody of the name that was set", LASTFM),
            17 => speech!("the profile at {} is private", LASTFM),
            29 => too_often(LASTFM),
            4 | 10 | 14 | 26 => speech!("{} does not take this gateway's key", LASTFM),
            8 | 11 | 16 => speech!("{} is out of order at the moment", LASTFM),
            _ => speech!("{} answered with error {}", LASTFM, error),
        };
    }
    let Some(recent) = reply.get("recenttracks").filter(|_| status == 200) else {
        return without_words(LASTFM, status);
    };
    let tracks = match recent.get("track") {
        Some(Value::Array(many)) => many.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => &[],
    };
    let is_now = |track: &&Value| track["@attr"]["nowplaying"] == "true";
    let now = tracks.iter().find(is_now);
    let Some(track) = now.or_else(|| tracks.first()) else {
        return speech!("nothing was played yet, says {}", LASTFM);
    };
    let artist = &track["artist"];
    let artist = artist["#text"].as_str().or_else(|| artist["name"].as_str());
    let Some((artist, title)) = artist.zip(track["name"].as_str()) else {
        return not_understood(LASTFM);
    };
    let track = by(title, artist);
    if now.is_some() { track } else { speech!("nothing now; before, {}", track) }
}

/// Reply of playing-now: at most one listen.
fn of_listenbrainz(status: u16, reply: &Value) -> Speech {
    match status {
        200 => {}
        404 => return speech!("{} knows nobody of the name that was set", LISTENBRAINZ),
        401 | 403 => return speech!("the profile at {} is private", LISTENBRAINZ),
        _ => return without_words(LISTENBRAINZ, status),
    }
    let Some(listens) = reply["payload"]["listens"].as_array() else {
        return not_understood(LISTENBRAINZ);
    };
    let Some(listen) = listens.first() else { return "nothing now".into() };
    let track = &listen["track_metadata"];
    match track["track_name"].as_str().zip(track["artist_name"].as_str()) {
        Some((title, artist)) => by(title, artist),
        None => not_understood(LISTENBRAINZ),
    }
}

fn by(title: &str, artist: &str) -> Speech {
    speech!("{} by {}", Quoted::words(title), Quoted::words(artist))
}

/// Words for a response that says by its status alone what is the matter.
fn without_words(site: &'static str, status: u16) -> Speech {
    match status {
        429 => too_often(site),
        500.. => speech!("{} is out of order at the moment", site),
        200 => not_understood(site),
        _ => speech!("{} answered with status {}", site, u64::from(status)),
    }
}

fn too_often(site: &'static str) -> Speech {
    speech!("{} was asked too often; please try again in a few minutes", site)
}

fn not_understood(site: &'static str) -> Speech {
    speech!("{} answered something that this gateway does not understand", site)
}
