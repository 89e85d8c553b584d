//! A request over HTTP, for those who judge whether it is to be refused.

use crosstalk_core::{Side, Sniff};

use crate::common::http::{self, Head};

/// A request as far as it is there, for those who judge it.
pub(crate) struct Asked<'a> {
    pub(crate) head: Head,
    pub(crate) body: &'a [u8],
}

impl<'a> Asked<'a> {
    /// Reads the first bytes of a client, or what they may be.
    pub(crate) fn read(first: &'a [u8]) -> Result<Self, Sniff> {
        match http::is_request(first) {
            Sniff::Yes => match Head::read(Side::Client, first) {
                Ok(Some(head)) => {
                    let body = first.get(head.length..).unwrap_or_default();
                    Ok(Self { head, body })
                }
                Ok(None) => Err(Sniff::More),
                Err(_) => Err(Sniff::No),
            },
            other => Err(other),
        }
    }

    /// The path, without the server in front of it and the query behind it.
    pub(crate) fn path(&self) -> &str {
        let target = self.head.path.as_str();
        let path = target.split_once("://").map_or(target, |(_, place)| {
            place.find('/').and_then(|at| place.get(at..)).unwrap_or("/")
        });
        path.split('?').next().unwrap_or_default()
    }

    /// Whether it has something to say.
    pub(crate) fn posts(&self) -> bool {
        self.head.method == "POST"
    }

    /// Whether a field of that name lists a word, in any case.
    pub(crate) fn lists(&self, field: &str, word: &str) -> bool {
        let listed = |value: &str| value.split(',').any(|w| w.trim().eq_ignore_ascii_case(word));
        self.head.all(field).any(listed)
    }
}
