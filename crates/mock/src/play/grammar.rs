//! From the text of a play to its cast and lines.

use std::time::Duration;

use crosstalk_core::Typing;

/// How long a line that waits does so unless it says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// A play.
#[derive(Clone, Debug)]
pub struct Play {
    /// The cast.
    pub parts: Vec<Part>,
    pub(super) lines: Vec<Line>,
}

/// One of the cast.
#[derive(Clone, Debug)]
pub struct Part {
    /// How the lines call the person, or this session of the person.
    pub name: String,
    /// The account's name.
    pub account: String,
    /// The id of the network.
    pub network: String,
    /// The gateway that the client uses.
    pub gateway: String,
}

/// A line that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {number} is not understood: {text}")]
pub struct Mistake {
    /// Which, from 1.
    pub number: usize,
    /// The line.
    pub text: String,
}

/// A line after the cast.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) text: String,
    pub(super) step: Step,
    /// How long a step that waits does so.
    pub(super) within: Duration,
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Person { who: String, does: Does },
    Kill { gateway: String },
    Start { gateway: String },
    Pass(Duration),
}

/// What a person does or sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Does {
    SignOn,
    SignOff,
    LoseConnection,
    Add(String),
    Remove(String),
    Accept(String),
    Deny(String),
    Block(String),
    Unblock(String),
    Say { to: String, text: String },
    Type { to: String, typing: Typing },
    GoAway(String),
    ComeBack,
    GoIdle(Duration),
    Invisible(bool),
    IsAsked { by: String },
    Hear { from: String, text: String },
    HearNothingMore,
    See { whom: String, how: How },
    NeverSaw(String),
    List { whom: String, listed: bool },
    LearnUndelivered { to: String },
}

/// How somebody is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum How {
    Available,
    /// Away, with this text where one is given.
    Away(Option<String>),
    Offline,
    Idle,
    Typing,
}

/// Stands for the quoted text among the words of a line.
const TEXT: &str = "\"\"";

impl Play {
    /// Reads a play.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let mut play = Self { parts: Vec::new(), lines: Vec::new() };
        for (number, text) in (1..).zip(text.lines().map(str::trim)) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let mistake = || Mistake { number, text: text.to_owned() };
            let (words, quoted) = words(text).ok_or_else(mistake)?;
            if let Some(part) = part(&words) {
                play.parts.push(part);
                continue;
            }
            let (words, within) = patience(&words);
            let step = step(words, quoted).ok_or_else(mistake)?;
            play.lines.push(Line { number, text: text.to_owned(), step, within });
        }
        Ok(play)
    }

    /// Whether a gateway is killed, which needs another one to watch.
    pub fn kills(&self) -> bool {
        self.lines.iter().any(|l| matches!(l.step, Step::Kill { .. }))
    }

    /// The one of the cast called `name`.
    pub(super) fn part(&self, name: &str) -> Result<&Part, String> {
        self.parts.iter().find(|p| p.name == name).ok_or_else(|| format!("{name} is not cast"))
    }

    /// The gateways, each once, in order of appearance.
    pub fn gateways(&self) -> Vec<&str> {
        each_once(self.parts.iter().map(|part| part.gateway.as_str()))
    }

    /// The networks, each once, in order of appearance.
    pub fn networks(&self) -> Vec<&str> {
        each_once(self.parts.iter().map(|part| part.network.as_str()))
    }
}

fn each_once<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

/// A line's words, with [`TEXT`] in the place of its quoted text, and that text.
/// `None` where a quotation mark is not closed.
fn words(line: &str) -> Option<(Vec<&str>, String)> {
    let Some((before, rest)) = line.split_once('"') else {
        return Some((line.split_whitespace().collect(), String::new()));
    };
    let (text, after) = rest.split_once('"')?;
    let (times, after) = match after.strip_prefix('x') {
        Some(counted) => {
            let digits = counted.find(char::is_whitespace).unwrap_or(counted.len());
            (counted.get(..digits)?.parse().ok()?, counted.get(digits..)?)
        }
        None => (1, after),
    };
    let words = before.split_whitespace().chain([TEXT]).chain(after.split_whitespace());
    Some((words.collect(), text.repeat(times)))
}

/// A line of the cast.
fn part(words: &[&str]) -> Option<Part> {
    let [name, account, network, gateway] = match *words {
        [name, "is", "on", network, "at", gateway] => [name, name, network, gateway],
        [name, "is", account, "on", network, "at", gateway] => [name, account, network, gateway],
        _ => return None,
    }
    .map(ToOwned::to_owned);
    Some(Part { name, account, network, gateway })
}

/// Takes `within 20 s` off the end.
fn patience<'a, 'w>(words: &'a [&'w str]) -> (&'a [&'w str], Duration) {
    match words {
        [rest @ .., "within", seconds, "s"] => match seconds.parse() {
            Ok(seconds) => (rest, Duration::from_secs(seconds)),
            Err(_) => (words, PATIENCE),
        },
        _ => (words, PATIENCE),
    }
}

fn step(words: &[&str], text: String) -> Option<Step> {
    match *words {
        ["gateway", gateway, "is", "killed"] => Some(Step::Kill { gateway: gateway.into() }),
        [seconds, "s", "pass"] => Some(Step::Pass(Duration::from_secs(seconds.parse().ok()?))),
        ["gateway", gateway, "starts", "again"] => Some(Step::Start { gateway: gateway.into() }),
        [who, ref does @ ..] => Some(Step::Person {
            who: who.into(),
            does: acts(does, &text).or_else(|| sees(does, text))?,
        }),
        [] => None,
    }
}

fn acts(words: &[&str], text: &str) -> Option<Does> {
    Some(match *words {
        ["signs", "on"] => Does::SignOn,
        ["signs", "off"] => Does::SignOff,
        ["loses", "the", "connection"] => Does::LoseConnection,
        ["adds", whom] => Does::Add(whom.into()),
        ["removes", whom] => Does::Remove(whom.into()),
        ["accepts", whom] => Does::Accept(whom.into()),
        ["denies", whom] => Does::Deny(whom.into()),
        ["blocks", whom] => Does::Block(whom.into()),
        ["unblocks", whom] => Does::Unblock(whom.into()),
        ["says", TEXT, "to", to] => Does::Say { to: to.into(), text: text.into() },
        ["types", "to", to] => Does::Type { to: to.into(), typing: Typing::Active },
        ["stops", "typing", "to", to] => Does::Type { to: to.into(), typing: Typing::Idle },
        ["goes", "away", TEXT] => Does::GoAway(text.into()),
        ["comes", "back"] => Does::ComeBack,
        ["goes", "idle", "for", seconds, "s"] => {
            Does::GoIdle(Duration::from_secs(seconds.parse().ok()?))
        }
        ["goes", "invisible"] => Does::Invisible(true),
        ["becomes", "visible"] => Does::Invisible(false),
        _ => return None,
    })
}

fn sees(words: &[&str], text: String) -> Option<Does> {
    Some(match *words {
        ["is", "asked", "by", whom] => Does::IsAsked { by: whom.into() },
        ["hears", TEXT, "from", from] => Does::Hear { from: from.into(), text },
        ["hears", "nothing", "more"] => Does::HearNothingMore,
        ["never", "saw", whom] => Does::NeverSaw(whom.into()),
        ["lists", whom] => Does::List { whom: whom.into(), listed: true },
        ["does", "not", "list", whom] => Does::List { whom: whom.into(), listed: false },
        ["learns", "that", to, "was", "not", "reached"] => Does::LearnUndelivered { to: to.into() },
        ["sees", whom, ref how @ ..] => Does::See {
            whom: whom.into(),
            how: match *how {
                ["available"] => How::Available,
                ["away"] => How::Away(None),
                ["away", TEXT] => How::Away(Some(text)),
                ["offline"] => How::Offline,
                ["idle"] => How::Idle,
                ["typing"] => How::Typing,
                _ => return None,
            },
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_play_is_its_cast_and_its_lines() {
        let play = Play::parse(
            "# a comment\n\nalice is on aol at north\nlaptop is alice on aol at south\n\
             alice says \"ab\"x3 to laptop\nlaptop sees alice offline within 20 s",
        )
        .unwrap();
        assert_eq!((play.gateways(), play.networks()), (vec!["north", "south"], vec!["aol"]));
        assert_eq!(play.parts[1].account, "alice");
        let say = Does::Say { to: "laptop".into(), text: "ababab".into() };
        assert_eq!(play.lines[0].step, Step::Person { who: "alice".into(), does: say });
        assert_eq!((play.lines[1].number, play.lines[1].within), (6, Duration::from_secs(20)));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for bad in ["alice sings", "alice says \"hi to bob", "alice sees bob purple", "alice"] {
            let mistake = Mistake { number: 2, text: bad.into() };
            assert_eq!(Play::parse(&format!("\n{bad}")).unwrap_err(), mistake);
        }
    }
}
