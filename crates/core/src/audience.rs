//! The people to whom a session shows its presence.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::address::Address;

/// People who see the presence of one session, of those who may see the person's at all. Copies share
/// the names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience(Option<Arc<BTreeSet<Address>>>);

impl Audience {
    /// Everybody who may see the person, also who may only later.
    pub const fn everybody() -> Self {
        Self(None)
    }

    /// Nobody but these. Who may see the person only later does not see this session before an
    /// audience says so.
    pub fn only(people: BTreeSet<Address>) -> Self {
        Self(Some(Arc::new(people)))
    }

    /// Whether one who may see the person sees this session.
    pub fn admits(&self, who: &Address) -> bool {
        self.0.as_ref().is_none_or(|only| only.contains(who))
    }

    /// Those who are among the others too.
    #[must_use]
    pub fn and(&self, others: &Self) -> Self {
        match (&self.0, &others.0) {
            (None, _) => others.clone(),
            (_, None) => self.clone(),
            (Some(these), Some(those)) if these == those => self.clone(),
            (Some(these), Some(those)) => Self::only(these.intersection(those).cloned().collect()),
        }
    }

    /// Whether it leaves nobody out.
    pub const fn is_everybody(&self) -> bool {
        self.0.is_none()
    }

    /// Whether nobody sees the session.
    pub fn is_nobody(&self) -> bool {
        self.0.as_ref().is_some_and(|only| only.is_empty())
    }

    /// Bytes that it takes, roughly; the names themselves are those of the list.
    pub fn weight(&self) -> usize {
        // Trees are about half full.
        self.0.as_ref().map_or(0, |only| only.len()) * 2 * size_of::<Address>()
    }
}
