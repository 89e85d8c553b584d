//! Commands about statuses outside: `/set mastodon`, `/follow` and what `/services` says of them.

use crosstalk_core::{MAX_SETTINGS, Quoted};

use super::errand::Errand;
use super::follow::{Followed, MAX_FOLLOWED};
use super::{SITES, Site};
use crate::speech::{Speech, speech};
use crate::{Action, Answer, View};

/// The most lines that one thing that is set takes.
const LINES: usize = 2;

/// `/set` of a site; none where it is no site's name.
pub(crate) fn set(typed: &str, said: &str, view: &View<'_>) -> Option<Answer> {
    let site = Site::named(&typed.trim_start_matches('/').to_lowercase())?;
    let settings = view.roster.settings();
    if said.eq_ignore_ascii_case("off") {
        let begins = |line: &&String| {
            let rest = line.strip_prefix(site.name);
            rest.is_some_and(|rest| rest.starts_with(['=', '/']))
        };
        let left = settings.iter().filter(|line| !begins(line)).cloned().collect();
        let say = speech!("Your status is not posted to {} any more.", site.title);
        let dismiss = Action::Dismiss(site.of_link());
        return Some(Answer::say(say).and(Action::Settings(left)).and(dismiss));
    }
    if !site.is_offered(&view.offers.status) {
        return Some(Answer::say(speech!("This gateway does not post to {}.", site.title)));
    }
    if said.is_empty() {
        let how = speech!("Turn it on with /set {} {}.", site.name, site.usage);
        return Some(Answer::say(Speech::join(&[state(site, settings), how], "\n")));
    }
    Some(match (site.read)(said) {
        Err(why) => Answer::say(why),
        Ok(_) if settings.len() + LINES > MAX_SETTINGS => no_room(),
        Ok((account, _)) => Answer::say(speech!(
            "I am asking {} whether it takes that, and tell you in a moment. You had better take \
             the message with the token out of your client's history.",
            Quoted::words(&(site.place)(&account))
        ))
        .and(Errand::link(site, said)),
    })
}

/// `/follow`.
pub(crate) fn follow(typed: &str, view: &View<'_>) -> Answer {
    let settings = view.roster.settings();
    if typed.is_empty() {
        return Answer::say(followed(settings));
    }
    let Some(account) = Followed::named(typed) else {
        return Answer::say(
            "Write the whole name of the account, such as /follow @Gargron@mastodon.social or \
             /follow ann.bsky.social.",
        );
    };
    let title = account.source().title();
    if !account.source().is_offered(&view.offers.status) {
        return Answer::say(speech!("This gateway gets no posts from {}.", title));
    }
    if account.is_in(settings) {
        return Answer::say(speech!("You follow {}.", Quoted::name(account.name())));
    }
    if Followed::all_in(settings).count() >= MAX_FOLLOWED {
        return Answer::say("You follow as many as one may. End it for one with /unfollow first.");
    }
    if settings.len() + LINES > MAX_SETTINGS {
        return no_room();
    }
    let say = speech!("I am asking {} for it, and tell you in a moment.", title);
    Answer::say(say).and(Errand::follow(&account))
}

/// `/unfollow`.
pub(crate) fn unfollow(typed: &str, view: &View<'_>) -> Answer {
    let settings = view.roster.settings();
    let no_such = || Answer::say(speech!("You do not follow that one. {}", followed(settings)));
    let Some(account) = Followed::named(typed) else { return no_such() };
    let line = account.of_line();
    if !account.is_in(settings) {
        // It may be about to be.
        return no_such().and(Action::Dismiss(line));
    }
    let left = settings.iter().filter(|l| !l.starts_with(&line)).cloned().collect();
    Answer::say(speech!("You follow {} no more.", Quoted::name(account.name())))
        .and(Action::Settings(left))
        .and(Action::Dismiss(line))
}

/// What goes out and comes in by sites outside, a line each.
pub(crate) fn states(view: &View<'_>) -> Vec<Speech> {
    let (settings, offers) = (view.roster.settings(), &view.offers.status);
    let is_of_use = |site: &&Site| site.is_offered(offers) || site.link_in(settings).is_some();
    let mut lines: Vec<_> =
        SITES.iter().filter(is_of_use).map(|site| state(site, settings)).collect();
    if offers.follows() || Followed::all_in(settings).next().is_some() {
        lines.push(followed(settings));
    }
    lines
}

fn state(site: &Site, settings: &[String]) -> Speech {
    match site.place_in(settings) {
        None => speech!("{}: off, your status is not posted there", site.name),
        Some(place) => speech!(
            "{}: your status is posted to {}, for everybody to read, while you are shown to all \
             who may see you",
            site.name,
            Quoted::words(&place)
        ),
    }
}

fn followed(settings: &[String]) -> Speech {
    let name = |(account, ..): (Followed, &str, &str)| speech!("{}", Quoted::name(account.name()));
    let all: Vec<_> = Followed::all_in(settings).map(name).collect();
    if all.is_empty() {
        return "You follow no account outside. Begin with /follow NAME.".into();
    }
    speech!("You follow {}.", Speech::join(&all, ", "))
}

fn no_room() -> Answer {
    Answer::say("Nothing was changed: you have set as much as one may. End something first.")
}
