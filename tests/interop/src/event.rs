//! Reports of a driver.

use std::collections::BTreeMap;
use std::fmt;

/// One thing that a client showed: a name and fields, all text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    fields: BTreeMap<String, String>,
}

impl Event {
    /// Reads a driver's line. One that is no event is something the client's libraries said.
    pub(crate) fn read(line: &str) -> Self {
        let said = || {
            let fields = [("event", "said"), ("text", line)];
            fields.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
        };
        Self { fields: serde_json::from_str(line).unwrap_or_else(|_| said()) }
    }

    /// Kind of the event.
    pub fn kind(&self) -> &str {
        self.get("event")
    }

    /// A field; empty where there is none.
    pub fn get(&self, key: &str) -> &str {
        self.fields.get(key).map_or("", String::as_str)
    }

    /// Name of the person it is about, without the resource that a Jabber client may name.
    pub fn name(&self) -> &str {
        let name = self.get("name");
        let name = if name.is_empty() { self.get("who") } else { name };
        name.split('/').next().unwrap_or_default()
    }

    /// Whether every one of `wanted` is so. `name` is compared as [`Event::name`] gives it.
    pub fn has(&self, wanted: &[(&str, &str)]) -> bool {
        wanted.iter().all(|(key, value)| match *key {
            "name" => self.name().eq_ignore_ascii_case(value),
            key => self.get(key) == *value,
        })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind())?;
        let shown = self.fields.iter().filter(|(k, v)| *k != "event" && !v.is_empty());
        for (key, value) in shown {
            write!(f, " {key}={:?}", value.chars().take(200).collect::<String>())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_an_event() {
        let event = Event::read(r#"{"event":"im","name":"alice@aol/AIM","text":"a\nb"}"#);
        assert_eq!((event.kind(), event.name(), event.get("text")), ("im", "alice@aol", "a\nb"));
        assert!(event.has(&[("name", "Alice@aol"), ("idle", "")]));
        assert!(!event.has(&[("text", "b")]));
        assert_eq!(Event::read("a warning").to_string(), "said text=\"a warning\"");
    }
}
