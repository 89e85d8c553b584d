//! Facts about the person that services take outside: the status that everybody may see, and the
//! settings; and what comes back from there.

use std::mem::take;

use crosstalk_core::{Redacted, RichText};

use crate::account::Account;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::errands::{ErrandId, Errands};
use crate::presence::merge;

/// State of a person as services outside see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outward {
    /// Text of the person's status; none while the person is shown to nobody, or to chosen people
    /// only.
    pub status: Option<Redacted<Box<str>>>,
    /// The person's [settings](crosstalk_core::Roster::settings).
    pub settings: Vec<String>,
}

/// Result of work outside: a change of the person's settings, and words for the person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The errand that it comes of. It is not taken once another word was said about the same line.
    pub errand: Option<ErrandId>,
    /// Beginning of a line that must be among the settings, or nothing happens.
    pub only_with: Option<String>,
    /// Beginnings of lines that are taken out.
    pub without: Vec<String>,
    /// Lines that are put in.
    pub with: Vec<String>,
    /// Messages of the control contact.
    pub say: Vec<RichText>,
}

/// What the driver was told, and what it does outside.
#[derive(Default)]
pub(crate) struct Outside {
    /// Something may be different.
    is_due: bool,
    /// The last that the driver was told is that there is something.
    is_told: bool,
    /// Errands that are under way; most people have none.
    pub(crate) errands: Option<Box<Errands>>,
}

impl<A> Account<A> {
    /// Has the driver told, if it wants to be, after the input that is handled.
    pub(crate) const fn look_outward(&mut self) {
        self.outward.is_due = true;
    }

    /// Tells the driver what services outside see, where that may be different.
    pub(crate) fn tell_outward(&mut self, cx: &mut Cx<'_, A>) {
        let Some(roster) = &self.roster else { return };
        if !take(&mut self.outward.is_due) {
            return;
        }
        let settings = roster.settings();
        let is_wanted = !self.sessions.is_empty() && cx.settings.service.looks_outward(settings);
        if is_wanted || self.outward.is_told {
            let outward = || Outward { status: self.public_status(), settings: settings.to_vec() };
            cx.push(Effect::Outward(is_wanted.then(outward)));
            self.outward.is_told = is_wanted;
        }
    }

    /// The status text that everybody sees who may see the person. A session that shows itself to
    /// chosen people says nothing to the world.
    fn public_status(&self) -> Option<Redacted<Box<str>>> {
        let public = self.sessions.iter().filter(|session| session.audience.is_everybody());
        let presence = merge(public.map(|session| &session.presence));
        presence.is_online().then(|| Redacted::new(presence.text.text().into()))
    }

    /// Has the driver do something outside.
    pub(crate) fn give_errand(
        &mut self,
        cx: &mut Cx<'_, A>,
        about: String,
        words: Redacted<String>,
    ) {
        let Some(roster) = &self.roster else { return };
        let errand = self.outward.errands.get_or_insert_default().give(cx.next_id(), about, roster);
        cx.push(Effect::Errand(errand, words));
    }

    /// Takes what came of work outside.
    pub(crate) fn take_change(&mut self, cx: &mut Cx<'_, A>, change: Change) {
        let Change { errand, only_with, without, with, mut say } = change;
        let Some(roster) = &self.roster else { return };
        let errands = &mut self.outward.errands;
        if let Some(errand) = errand
            && !errands.as_mut().is_some_and(|errands| errands.take(&errand, roster))
        {
            return;
        }
        errands.take_if(|errands| errands.is_empty());
        let old = roster.settings();
        let is_there = |beginning: &String| old.iter().any(|line| line.starts_with(beginning));
        if !only_with.as_ref().is_none_or(is_there) {
            return;
        }
        // What happens by itself is not noted as said while nobody would read it.
        if only_with.is_some() && !say.is_empty() && !self.sessions.iter().any(|s| s.takes) {
            return;
        }
        let stays = |line: &&String| !without.iter().any(|beginning| line.starts_with(beginning));
        let new: Vec<_> = old.iter().filter(stays).cloned().chain(with).collect();
        if new != old
            && let Err(full) = self.set(cx, new)
        {
            // What happens by itself is not the person's to mend, and would be told each time.
            let why = only_with.is_none().then(|| cx.settings.service.not_changed(full));
            say = why.into_iter().collect();
        }
        for text in say.into_iter().filter(|_| cx.settings.control) {
            let envelope = self.said_by_control(cx, text);
            self.deliver_to_all(cx, &envelope, None, None);
        }
    }
}
