//! The person's own presence, as the client says it and as others are told.

use std::collections::{BTreeMap, BTreeSet};

use crosstalk_core::{Address, Audience, Event, MAX_CONTACTS, Presence, RichText};

use crate::common::publication::{Publication, changes};

/// The presence of the person in this session.
#[derive(Default)]
pub(in crate::xmpp) struct OwnPresence {
    /// Whether the client sent presence: only then it wants others'.
    pub(in crate::xmpp) available: bool,
    /// Whether it is to be given messages: it is available, with a priority that is not negative
    /// (RFC 6121, section 8.5.2).
    pub(in crate::xmpp) takes_texts: bool,
    /// The person hides by command (XEP-0186).
    commanded: bool,
    /// What others have to be told.
    publication: Publication,
    /// Presence as the client states it to everybody.
    said: Presence,
    told: Told,
    /// Boxed, since hardly anybody tells people apart.
    selective: Option<Box<Selective>>,
}

/// Presence of somebody who does not show it to all alike.
#[derive(Default)]
struct Selective {
    directed: Option<Directed>,
    /// Those who see the session, as others were told.
    told_to: Audience,
}

/// Presence that the client directed at foreign people since it last told everybody (RFC 6121,
/// section 4.6).
#[derive(Default)]
struct Directed {
    /// The last one, for those who see nothing else of the session: without the words and the time
    /// that not all of them were told.
    presence: Presence,
    /// Whether each was told that the person is there.
    at: BTreeMap<Address, bool>,
    /// Number of those who were.
    shown_to: usize,
}

impl Directed {
    /// The client says this to one. Returns the presence of before, where this took its place.
    fn say(&mut self, at: &Address, mut presence: Presence) -> Option<Presence> {
        let known = self.at.get(at).copied();
        if known.is_none() && self.at.len() >= MAX_CONTACTS {
            return None;
        }
        let online = presence.is_online();
        self.at.insert(at.clone(), online);
        let others = self.shown_to - usize::from(known == Some(true));
        self.shown_to = others + usize::from(online);
        if !online {
            return None;
        }
        if others > 0 {
            // Nobody reads what is said to another.
            if presence.text != self.presence.text {
                presence.text = RichText::default();
            }
            presence.idle_since =
                presence.idle_since.filter(|since| self.presence.idle_since == Some(*since));
        }
        Some(std::mem::replace(&mut self.presence, presence))
    }
}

/// Presence that others were told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Told {
    /// Offline.
    #[default]
    Offline,
    /// One that it was before.
    Former,
    /// The present one.
    Current,
}

impl OwnPresence {
    /// Whether the client says that the person is there, whoever may see it.
    pub(in crate::xmpp) fn is_online(&self) -> bool {
        self.shown().is_online()
    }

    /// The client says so to everybody, which ends what it said to single people.
    pub(in crate::xmpp) fn say(&mut self, presence: Presence) {
        let hid = self.hides();
        let said = std::mem::replace(&mut self.said, presence);
        let directed = self.selective.as_mut().and_then(|selective| selective.directed.take());
        let before = directed.filter(|_| hid).map_or(said, |directed| directed.presence);
        self.note_change(before != self.said);
    }

    /// The client says so to one alone.
    pub(in crate::xmpp) fn direct(&mut self, at: &Address, presence: Presence) {
        let (hides, is_first) = (self.hides(), self.directed().is_none());
        let directed = self.selective.get_or_insert_default().directed.get_or_insert_default();
        let before = directed.say(at, presence);
        let now = &directed.presence;
        let changed = if is_first { self.said != *now } else { before.is_some_and(|b| b != *now) };
        self.note_change(hides && changed);
    }

    /// The client hides the person by command, or no longer.
    pub(in crate::xmpp) fn hide(&mut self, hides: bool) {
        let hid = self.hides();
        self.commanded = hides;
        let differs = self.directed().is_some_and(|directed| directed.presence != self.said);
        self.note_change(differs && self.hides() != hid);
        // Who shows again says so by presence.
        if !hides {
            self.say(Presence::offline());
        }
    }

    /// Something may have changed of what others are told.
    pub(in crate::xmpp) const fn touch(&mut self) {
        self.publication.touch();
    }

    /// Whether something may have changed since the last look, at the end of an input.
    pub(in crate::xmpp) const fn take_touched(&mut self) -> bool {
        self.publication.take_at_end()
    }

    /// The same within an input, as long as others were not told too often there.
    pub(in crate::xmpp) const fn take_touched_early(&mut self) -> bool {
        self.publication.take_touched_early()
    }

    /// Offline until others are told again, if they were told too often within this input and not of
    /// the last change.
    pub(in crate::xmpp) fn hide_for_now(&mut self) -> Option<Presence> {
        let hides = self.publication.is_touched() && self.told != Told::Offline;
        hides.then(|| {
            self.told = Told::Offline;
            Presence::offline()
        })
    }

    fn note_change(&mut self, changed: bool) {
        if self.told == Told::Current && changed {
            self.told = Told::Former;
        }
    }

    fn directed(&self) -> Option<&Directed> {
        self.selective.as_ref()?.directed.as_ref()
    }

    /// Presence that those see who see the session.
    fn shown(&self) -> &Presence {
        match self.directed() {
            Some(directed) if self.hides() => &directed.presence,
            _ => &self.said,
        }
    }

    /// Whether only those see the session at whom presence is directed.
    fn hides(&self) -> bool {
        self.commanded || !self.said.is_online()
    }

    /// Those of `watchers` to whom the client shows itself, of whom lists admit these; none where
    /// that is everybody.
    pub(in crate::xmpp) fn audience<'a>(
        &self,
        watchers: impl Iterator<Item = &'a Address>,
        admitted: Option<BTreeSet<Address>>,
    ) -> Audience {
        if self.directed().is_none() && !self.hides() {
            return admitted.map_or(Audience::everybody(), Audience::only);
        }
        let sees = |who: &&Address| {
            let directed = self.directed().and_then(|directed| directed.at.get(*who));
            directed.copied().unwrap_or(!self.hides())
                && admitted.as_ref().is_none_or(|admitted| admitted.contains(*who))
        };
        Audience::only(watchers.filter(sees).cloned().collect())
    }

    /// What others have to be told, now that these see the session: who they are, and the presence.
    pub(in crate::xmpp) fn tell(
        &mut self,
        audience: Audience,
    ) -> impl Iterator<Item = Event> + use<> {
        let visible = self.is_online() && !audience.is_nobody();
        let told = if visible { Told::Current } else { Told::Offline };
        let before = std::mem::replace(&mut self.told, told);
        let presence = (before != told).then(|| self.told());
        let told_to = self.told_to();
        // Of a session that nobody sees it does not matter who does.
        let audience = if visible { audience } else { told_to.clone() };
        if audience != told_to {
            self.selective.get_or_insert_default().told_to = audience.clone();
            if audience.is_everybody() && self.directed().is_none() {
                self.selective = None;
            }
        }
        changes(&told_to, audience, presence)
    }

    /// Presence as others were told.
    pub(in crate::xmpp) fn told(&self) -> Presence {
        if self.told == Told::Offline { Presence::offline() } else { self.shown().clone() }
    }

    /// Those whom others were told to be all who see it.
    pub(in crate::xmpp) fn told_to(&self) -> Audience {
        self.selective.as_ref().map_or(Audience::everybody(), |s| s.told_to.clone())
    }

    /// Bytes that it takes beside itself, roughly.
    pub(in crate::xmpp) fn weight(&self) -> usize {
        let of_directed = |directed: &Directed| {
            directed.presence.text.weight() + directed.at.len() * 2 * size_of::<(Address, bool)>()
        };
        let selective = self.selective.as_ref().map_or(0, |selective| {
            selective.directed.as_ref().map_or(0, of_directed) + selective.told_to.weight()
        });
        self.said.text.weight() + selective
    }
}
