//! The person's own presence, as the client says it and as others are told.

use std::collections::{BTreeMap, BTreeSet};

use crosstalk_core::{Address, Audience, MAX_CONTACTS, Presence};

/// The presence of the person in this session.
#[derive(Default)]
pub(in crate::xmpp) struct OwnPresence {
    /// Whether the client sent presence: only then it wants others'.
    pub(in crate::xmpp) available: bool,
    /// Whether it is to be given messages: it is available, with a priority that is not negative
    /// (RFC 6121, section 8.5.2).
    pub(in crate::xmpp) takes_texts: bool,
    /// The person hides by command (XEP-0186).
    pub(in crate::xmpp) commanded: bool,
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
    /// The last one, for those who see nothing else of the session.
    presence: Presence,
    /// Whether each was told that the person is there.
    at: BTreeMap<Address, bool>,
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
        let before = self.shown().clone();
        self.said = presence;
        if let Some(selective) = &mut self.selective {
            selective.directed = None;
        }
        self.note_change(&before);
    }

    /// The client says so to one alone.
    pub(in crate::xmpp) fn direct(&mut self, at: &Address, presence: Presence) {
        let before = self.shown().clone();
        let directed = self.selective.get_or_insert_default().directed.get_or_insert_default();
        if directed.at.len() < MAX_CONTACTS || directed.at.contains_key(at) {
            directed.at.insert(at.clone(), presence.is_online());
        }
        if presence.is_online() {
            directed.presence = presence;
        }
        self.note_change(&before);
    }

    fn note_change(&mut self, before: &Presence) {
        if self.told == Told::Current && self.shown() != before {
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
    ) -> (Option<Audience>, Option<Presence>) {
        let visible = self.is_online() && !audience.is_nobody();
        let told = if visible { Told::Current } else { Told::Offline };
        let before = std::mem::replace(&mut self.told, told);
        let presence = (before != told).then(|| self.told());
        if !visible || audience == self.told_to() {
            return (None, presence);
        }
        self.selective.get_or_insert_default().told_to = audience.clone();
        if audience.is_everybody() && self.directed().is_none() {
            self.selective = None;
        }
        (Some(audience), presence)
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
