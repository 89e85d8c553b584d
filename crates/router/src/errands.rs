//! Errands that are under way: what a person commanded, and what is done outside before it is so.

use crosstalk_core::{EnvelopeId, Roster, UnixMillis};

/// The most errands of an account that are under way.
const MOST: usize = 64;

/// Names an errand of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrandId(EnvelopeId);

/// Errands that are under way, the oldest first; of each line the newest only.
#[derive(Default)]
pub(crate) struct Errands(Vec<Errand>);

struct Errand {
    id: ErrandId,
    /// Beginning of the line of the settings that it is about.
    about: String,
    given: State,
}

/// What an errand was given for. Where it is different, another gateway was told something later.
#[derive(PartialEq, Eq)]
struct State {
    line: Option<String>,
    wiped: Option<UnixMillis>,
}

impl Errands {
    /// Begins an errand. An older one about the same line is over with it.
    pub(crate) fn give(&mut self, id: EnvelopeId, about: String, roster: &Roster) -> ErrandId {
        self.dismiss(&about);
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        let given = State::of(roster, &about);
        self.0.push(Errand { id: ErrandId(id), about, given });
        ErrandId(id)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ends the errand about a line.
    pub(crate) fn dismiss(&mut self, about: &str) {
        self.0.retain(|errand| errand.about != about);
    }

    /// Ends an errand with what came of it. Returns whether that is to be taken.
    pub(crate) fn take(&mut self, id: &ErrandId, roster: &Roster) -> bool {
        let Some(at) = self.0.iter().position(|errand| errand.id == *id) else { return false };
        let errand = self.0.remove(at);
        errand.given == State::of(roster, &errand.about)
    }
}

impl State {
    fn of(roster: &Roster, about: &str) -> Self {
        let line = roster.settings().iter().find(|line| line.starts_with(about));
        Self { line: line.cloned(), wiped: roster.wiped_at() }
    }
}
