//! Sentences of the control contact, which cannot hold the words of others unquoted.

use std::fmt::Display;

use crosstalk_core::{Failure, NetworkId, Quoted, RichText};

/// Something said by the control contact, in its own words.
///
/// It is made of sentences in the source code with blanks, into which fit further sentences,
/// numbers, the names of networks, and what others wrote as [`Quoted`]: a string does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Speech(String);

/// Values that fit into a blank of a sentence.
pub(crate) trait Spoken: Display {}

impl Spoken for &'static str {}
impl Spoken for usize {}
impl Spoken for u64 {}
impl Spoken for NetworkId {}
impl Spoken for Quoted {}
impl Spoken for Speech {}

/// A sentence with the blanks `{}` filled in; their number is checked by the compiler.
macro_rules! speech {
    ($sentence:literal $(, $blank:expr)* $(,)?) => {{
        const _: () = assert!(
            $crate::speech::blanks($sentence) == [$(stringify!($blank)),*].len() as usize,
            "a sentence has as many blanks as are filled in"
        );
        $crate::speech::Speech::fill($sentence, &[$(&$blank),*])
    }};
}
pub(crate) use speech;

impl Speech {
    pub(crate) fn fill(sentence: &'static str, blanks: &[&dyn Spoken]) -> Self {
        let mut blanks = blanks.iter();
        let mut parts = sentence.split("{}");
        let mut said = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            if let Some(blank) = blanks.next() {
                said += &blank.to_string();
            }
            said += part;
        }
        Self(said)
    }

    /// Several, with `between` in between.
    pub(crate) fn join(all: &[Self], between: &'static str) -> Self {
        Self(all.iter().map(|s| s.0.as_str()).collect::<Vec<_>>().join(between))
    }

    /// Sentence on the failure of a message to `name`, which is quoted in it.
    pub(crate) fn undelivered(why: Failure, name: &str) -> Self {
        Self(why.of_message_to(name))
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl Display for Speech {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&'static str> for Speech {
    fn from(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl From<Speech> for RichText {
    fn from(speech: Speech) -> Self {
        Self::plain(speech.0)
    }
}

/// Number of blanks in a sentence.
pub(crate) const fn blanks(sentence: &str) -> usize {
    let (bytes, mut at, mut count) = (sentence.as_bytes(), 1, 0);
    while at < bytes.len() {
        if bytes[at - 1] == b'{' && bytes[at] == b'}' {
            count += 1;
        }
        at += 1;
    }
    count
}
