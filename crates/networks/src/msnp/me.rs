//! The person, in the words of the notification server: a server that plays a switchboard says them
//! of the person too.

use super::context::CAPABILITIES;

/// The longest word of the server about the person that is kept, in bytes: a nick of 129
/// characters, encoded.
const MAX_WORD: usize = 129 * 4 * 3;

/// Facts about the person as the server stated them.
#[derive(Clone, Default)]
pub(super) struct Me {
    nick: Option<String>,
    capabilities: String,
}

impl Me {
    /// Notes what the person is called now, as the server encoded it.
    pub(super) fn is_called(&mut self, nick: &str) {
        if !nick.is_empty() && nick.len() <= MAX_WORD {
            self.nick = Some(nick.to_owned());
        }
    }

    /// Notes what the client can do.
    pub(super) fn can(&mut self, capabilities: &str) {
        if capabilities.len() <= MAX_WORD {
            capabilities.clone_into(&mut self.capabilities);
        }
    }

    /// The nick, which is the name where there is none.
    pub(super) fn nick<'a>(&'a self, name: &'a str) -> &'a str {
        self.nick.as_deref().unwrap_or(name)
    }

    /// Words of IRO and JOI about the person, in `version`.
    pub(super) fn introduced(&self, name: &str, version: u32) -> String {
        let (first, more) = self.capabilities.split_once(':').unwrap_or((&self.capabilities, "0"));
        let first = if first.is_empty() { "0" } else { first };
        let front = format!("{name} {}", self.nick(name));
        match version {
            ..CAPABILITIES => front,
            CAPABILITIES..16 => format!("{front} {first}"),
            16.. => format!("{front} {first}:{more}"),
        }
    }

    /// Bytes that they take.
    pub(super) fn weight(&self) -> usize {
        self.nick.as_ref().map_or(0, String::len) + self.capabilities.len()
    }
}
