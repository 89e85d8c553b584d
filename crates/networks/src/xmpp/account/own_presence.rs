//! The person's own presence, as the client says it and as others are told.

use crosstalk_core::Presence;

/// The presence of the person in this session.
#[derive(Default)]
pub(in crate::xmpp) struct OwnPresence {
    /// Whether the client sent presence: only then it wants others'.
    pub(in crate::xmpp) available: bool,
    /// Whether it is to be given messages: it is available, with a priority that is not negative
    /// (RFC 6121, section 8.5.2).
    pub(in crate::xmpp) takes_texts: bool,
    /// Presence as the client states it.
    said: Presence,
    told: Told,
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
        self.said.is_online()
    }

    /// The client says so.
    pub(in crate::xmpp) fn say(&mut self, presence: Presence) {
        if self.told == Told::Current && presence != self.said {
            self.told = Told::Former;
        }
        self.said = presence;
    }

    /// The presence that others have to be told, now that they may see the person or not.
    pub(in crate::xmpp) fn tell(&mut self, visible: bool) -> Option<Presence> {
        let told = if visible && self.is_online() { Told::Current } else { Told::Offline };
        let before = std::mem::replace(&mut self.told, told);
        (before != told).then(|| self.told())
    }

    /// Presence as others were told.
    pub(in crate::xmpp) fn told(&self) -> Presence {
        if self.told == Told::Offline { Presence::offline() } else { self.said.clone() }
    }
}
