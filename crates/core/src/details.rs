//! Facts that some protocols have of a message beside its body.

use std::mem::size_of;

/// The longest of the words in [`Details`], in bytes: a resource of RFC 7622.
pub const MAX_DETAIL: usize = 1023;

/// Facts about one message that only some protocols have, and that a client which does not know
/// them does without. Most messages have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The name that the sender's client gave the message: the `id` of an XMPP stanza (RFC 6120,
    /// 8.1.3).
    pub message_id: Option<Detail>,
    /// The [message id](Self::message_id) of an earlier message of the same sender, which this one
    /// takes the place of (XEP-0308).
    pub replaces: Option<Detail>,
    /// The session that the sender said it in, in the protocol's own words: the resource of a full
    /// JID (RFC 7622).
    pub endpoint: Option<Detail>,
    /// The name that the sender gives himself, with a request to see somebody's presence (XEP-0172).
    pub nickname: Option<Detail>,
    /// It is not to be copied to other sessions of the sender (XEP-0280 `private`, XEP-0334
    /// `no-copy`).
    pub no_copy: bool,
}

impl Details {
    /// These, boxed; `None` where nothing is said.
    pub fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }

    /// Bytes that they take.
    pub fn weight(&self) -> usize {
        let words = [&self.message_id, &self.replaces, &self.endpoint, &self.nickname];
        let words = words.into_iter().flatten().map(|word| word.as_str().len());
        size_of::<Self>() + words.sum::<usize>()
    }
}

/// One of the words in [`Details`]: 1 to [`MAX_DETAIL`] bytes without control characters.
///
/// `Debug` shows only the length.
#[derive(Clone, PartialEq, Eq)]
pub struct Detail(Box<str>);

impl Detail {
    /// A word; `None` where no detail is like it.
    pub fn new(word: &str) -> Option<Self> {
        let legal = (1..=MAX_DETAIL).contains(&word.len()) && !word.contains(char::is_control);
        legal.then(|| Self(word.into()))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Detail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_short_and_has_no_control_characters() {
        assert_eq!(Detail::new("purple1f").unwrap().as_str(), "purple1f");
        for word in ["", "a\nb", "a\0", &"x".repeat(MAX_DETAIL + 1)] {
            assert_eq!(Detail::new(word), None, "{word:?}");
        }
    }

    #[test]
    fn nothing_said_takes_no_box() {
        assert_eq!(Details::default().boxed(), None);
        let details = Details { no_copy: true, ..Details::default() };
        assert!(details.boxed().is_some());
    }
}
