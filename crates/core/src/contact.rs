//! One foreign person in somebody's list, and the consent between the two.

use crate::address::Address;
use crate::envelope::Consent;
use crate::rich::RichText;

/// The longest alias or group name, in bytes.
pub const MAX_LABEL: usize = 512;
/// The most groups of one contact.
pub const MAX_GROUPS: usize = 32;

/// Consent in one direction: whether one person may see the presence of the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subscription {
    /// Never asked, refused or withdrawn.
    #[default]
    None,
    /// Asked with these words, and not answered.
    Asked(RichText),
    /// Granted.
    Granted,
}

/// One foreign person in somebody's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The contact's name.
    pub address: Address,
    /// The spelling under which the owner added the contact: the only one the owner is shown.
    pub spelling: String,
    /// The owner's name for the contact.
    pub alias: Option<String>,
    /// The owner's groups that hold the contact.
    pub groups: Vec<String>,
    /// Whether the contact stands in the owner's buddy list. One that only asked, or is only
    /// blocked, does not.
    pub listed: bool,
    /// May the owner see the contact's presence?
    pub to: Subscription,
    /// May the contact see the owner's presence?
    pub from: Subscription,
    /// The owner wants to hear nothing of the contact and show nothing to it.
    pub blocked: bool,
}

impl Contact {
    /// A contact that is neither listed nor asked nor blocked.
    pub const fn new(address: Address, spelling: String) -> Self {
        Self {
            address,
            spelling,
            alias: None,
            groups: Vec::new(),
            listed: false,
            to: Subscription::None,
            from: Subscription::None,
            blocked: false,
        }
    }

    /// Applies a step of consent that the owner took. Returns whether anything changed.
    pub fn sent(&mut self, step: &Consent) -> bool {
        match step {
            Consent::Request(_) if self.to == Subscription::Granted => false,
            Consent::Request(text) => replace(&mut self.to, Subscription::Asked(text.clone())),
            Consent::Cancel => replace(&mut self.to, Subscription::None),
            Consent::Grant => replace(&mut self.from, Subscription::Granted),
            Consent::Revoke => replace(&mut self.from, Subscription::None),
        }
    }

    /// Applies a step of consent that the contact took. Returns whether anything changed.
    ///
    /// A grant nobody asked for is remembered only for a listed contact, so that strangers
    /// cannot put themselves on a list.
    pub fn received(&mut self, step: &Consent) -> bool {
        match step {
            Consent::Request(_) if self.from == Subscription::Granted => false,
            Consent::Request(text) => replace(&mut self.from, Subscription::Asked(text.clone())),
            Consent::Cancel => replace(&mut self.from, Subscription::None),
            Consent::Grant if self.listed || self.to != Subscription::None => {
                replace(&mut self.to, Subscription::Granted)
            }
            Consent::Grant => false,
            Consent::Revoke => replace(&mut self.to, Subscription::None),
        }
    }

    /// The bytes of names, labels and words that it takes.
    pub fn weight(&self) -> usize {
        let words = [&self.to, &self.from].map(|standing| match standing {
            Subscription::Asked(words) => words.text().len(),
            Subscription::None | Subscription::Granted => 0,
        });
        let labels = self.alias.iter().chain(&self.groups).map(String::len);
        self.address.local().len() + self.spelling.len() + labels.chain(words).sum::<usize>()
    }

    /// Whether nothing worth remembering is left.
    pub fn is_empty(&self) -> bool {
        !self.listed
            && !self.blocked
            && self.to == Subscription::None
            && self.from == Subscription::None
    }
}

fn replace(standing: &mut Subscription, with: Subscription) -> bool {
    let changed = *standing != with;
    *standing = with;
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_goes_from_asked_to_granted_to_none() {
        let contact = |name: &str| Contact::new(name.parse().unwrap(), name.to_owned());
        let (mut asker, mut asked) = (contact("bob@yahoo"), contact("alice@aol"));
        asker.listed = true;
        let request = Consent::Request(RichText::plain("hi"));
        assert!(asker.sent(&request) && asked.received(&request));
        assert_eq!(asked.from, Subscription::Asked(RichText::plain("hi")));
        assert!(asked.sent(&Consent::Grant) && asker.received(&Consent::Grant));
        assert_eq!((&asker.to, &asked.from), (&Subscription::Granted, &Subscription::Granted));
        assert!(!asked.received(&request), "asking again changes nothing");
        assert!(asker.sent(&Consent::Cancel) && asked.received(&Consent::Cancel));
        assert!(asked.is_empty() && !asker.is_empty());
    }

    #[test]
    fn a_stranger_cannot_grant_himself_onto_a_list() {
        let mut stranger = Contact::new("eve@yahoo".parse().unwrap(), "eve@yahoo.xt".into());
        assert!(!stranger.received(&Consent::Grant));
        assert!(stranger.is_empty());
    }
}
