//! What others are told of the person's presence, and of who sees it.

use crosstalk_core::{Audience, Event, Presence};

/// The most times within an input that it is told before its end.
const MAX_EARLY: u8 = 4;

/// Whether something may have to be told, at the end of an input or a few times before.
#[derive(Default)]
pub(crate) struct Publication {
    touched: bool,
    early: u8,
}

impl Publication {
    /// Something may have changed of what others are told.
    pub(crate) const fn touch(&mut self) {
        self.touched = true;
    }

    /// Whether something may have changed since the last look.
    pub(crate) const fn is_touched(&self) -> bool {
        self.touched
    }

    /// The same, at a look.
    const fn take_touched(&mut self) -> bool {
        std::mem::replace(&mut self.touched, false)
    }

    /// The same, at the end of an input.
    pub(crate) const fn take_at_end(&mut self) -> bool {
        self.early = 0;
        self.take_touched()
    }

    /// Whether something may have changed since the last look, at one before the end; not if it was
    /// told too often before.
    pub(crate) const fn take_touched_early(&mut self) -> bool {
        let takes = self.may_be_early() && self.take_touched();
        if takes {
            self.was_early();
        }
        takes
    }

    /// Whether it may be told before the end.
    pub(crate) const fn may_be_early(&self) -> bool {
        self.early < MAX_EARLY
    }

    /// It was told before the end.
    pub(crate) const fn was_early(&mut self) {
        self.early = self.early.saturating_add(1);
    }
}

/// Events by which `new` see from now on what `old` saw, and `presence` where that is another: in an
/// order in which nobody sees a presence that is not for them, since each counts by itself.
pub(crate) fn changes(
    old: &Audience,
    new: Audience,
    presence: Option<Presence>,
) -> impl Iterator<Item = Event> + use<> {
    // Who leaves does not see the next presence, and who comes does not see the last.
    let stay = presence.as_ref().map(|_| old.and(&new));
    let last = Some(&new) != stay.as_ref().or(Some(old));
    let first = stay.filter(|stay| stay != old).map(Event::Audience);
    first
        .into_iter()
        .chain(presence.map(Event::Presence))
        .chain(last.then_some(Event::Audience(new)))
}
