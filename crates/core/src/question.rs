//! Questions that one person asks another's gateway by a command, such as `/music`.

use std::fmt;

/// The longest name of a service, in bytes.
const MAX_SERVICE: usize = 32;
/// The most bytes of words behind it.
const MAX_WORDS: usize = 512;

/// A question to the gateway of a person about that person: the name of a service, such as `music`,
/// and the words behind it.
///
/// `Debug` shows the service only.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    service: Box<str>,
    words: Box<str>,
}

impl Question {
    /// A question; `None` where no service is called so, or the words are too long or have control
    /// characters.
    pub fn new(service: &str, words: &str) -> Option<Self> {
        let named = (1..=MAX_SERVICE).contains(&service.len())
            && service.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        let legal = words.len() <= MAX_WORDS && !words.contains(char::is_control);
        (named && legal).then(|| Self { service: service.into(), words: words.into() })
    }

    /// Name of the service, without a slash.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Words behind it; empty for none.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Bytes that it takes besides itself.
    pub fn weight(&self) -> usize {
        self.service.len() + self.words.len()
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{} [{} bytes]", self.service, self.words.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_a_service_and_is_short() {
        let question = Question::new("music", "of today").unwrap();
        assert_eq!((question.service(), question.words()), ("music", "of today"));
        assert_eq!(format!("{question:?}"), "/music [8 bytes]");
        let long = "x".repeat(MAX_WORDS + 1);
        for (service, words) in [("", ""), ("Music", ""), ("a b", ""), ("a", "\n"), ("a", &long)] {
            assert_eq!(Question::new(service, words), None, "{service:?}");
        }
        assert_eq!(Question::new(&"x".repeat(MAX_SERVICE + 1), ""), None);
    }
}
