//! The people to whom a session shows its presence.

use std::collections::BTreeSet;

use crate::address::Address;

/// People who see the presence of one session, of those who may see the person's at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience(Option<BTreeSet<Address>>);

impl Audience {
    /// Everybody who may see the person, also who may only later.
    pub const fn everybody() -> Self {
        Self(None)
    }

    /// Nobody but these. Who may see the person only later does not see this session before an
    /// audience says so.
    pub const fn only(people: BTreeSet<Address>) -> Self {
        Self(Some(people))
    }

    /// Whether one who may see the person sees this session.
    pub fn admits(&self, who: &Address) -> bool {
        self.0.as_ref().is_none_or(|only| only.contains(who))
    }

    /// Whether it leaves nobody out.
    pub const fn is_everybody(&self) -> bool {
        self.0.is_none()
    }

    /// Whether nobody sees the session.
    pub fn is_nobody(&self) -> bool {
        self.0.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// Bytes that it takes, roughly; the names themselves are those of the list.
    pub fn weight(&self) -> usize {
        // Trees are about half full.
        self.0.as_ref().map_or(0, BTreeSet::len) * 2 * size_of::<Address>()
    }
}
