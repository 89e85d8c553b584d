//! Parser of a play: from its text to its cast and lines.

use std::collections::BTreeMap;
use std::time::Duration;

use super::lines::{Step, TEXT, step};

/// Time for which a waiting line waits unless it says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// A play.
#[derive(Clone, Debug)]
pub struct Play {
    /// The cast.
    pub parts: Vec<Part>,
    /// The gateways where the TLS of web pages ends.
    pub ending_tls: Vec<String>,
    /// Networks that speak what another one speaks, with that one's id.
    others: BTreeMap<String, String>,
    pub(super) lines: Vec<Line>,
}

/// One of the cast.
#[derive(Clone, Debug)]
pub struct Part {
    /// Name of the person, or of this session of the person, in the lines.
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
    /// The heading that it stands under; none for lines before the first.
    pub(super) chapter: String,
    pub(super) step: Step,
    /// Results that may come in place of it, the better first, each with its words.
    pub(super) instead: Vec<(Step, String)>,
    /// Time for which a waiting step waits.
    pub(super) within: Duration,
}

impl Play {
    /// Reads a play.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let mut play = Self {
            parts: Vec::new(),
            ending_tls: Vec::new(),
            others: BTreeMap::new(),
            lines: Vec::new(),
        };
        let mut chapter = String::new();
        for (number, text) in (1..).zip(text.lines().map(str::trim)) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if let Some(heading) = text.strip_suffix(':') {
                heading.clone_into(&mut chapter);
                continue;
            }
            let mistake = || Mistake { number, text: text.to_owned() };
            for line in play.read(text).ok_or_else(mistake)? {
                play.lines.push(Line { number, chapter: chapter.clone(), ..line });
            }
        }
        Ok(play)
    }

    /// Takes in a line of the cast, or says what another one asks for.
    fn read(&mut self, text: &str) -> Option<Vec<Line>> {
        let mut clauses = clauses(text).into_iter();
        let first = clauses.next()?;
        let (words, quoted) = words(first)?;
        if let Some(part) = part(&words) {
            self.parts.push(part);
            return Some(Vec::new());
        }
        if let [network, "is", "another", known] = *words {
            self.others.insert(network.into(), known.into());
            return Some(Vec::new());
        }
        if let ["TLS", "ends", "at", gateway] = *words {
            self.ending_tls.push(gateway.into());
            return Some(Vec::new());
        }
        let (words, mut within) = patience(&words);
        let subject = *words.first()?;
        let step = step(words, quoted)?;
        let mut instead = Vec::new();
        for clause in clauses {
            let (mut words, quoted) = self::words(clause)?;
            if !self.parts.iter().any(|part| words.first() == Some(&part.name.as_str())) {
                words.insert(0, subject);
            }
            let (words, patience) = patience(&words);
            within = within.max(patience);
            instead.push((self::step(words, quoted)?, clause.trim().to_owned()));
        }
        let (text, chapter) = (text.to_owned(), String::new());
        Some(vec![Line { number: 0, text, chapter, step, instead, within }])
    }

    /// The usual id of the network whose protocol `network` speaks.
    pub fn protocol<'a>(&'a self, network: &'a str) -> &'a str {
        self.others.get(network).map_or(network, String::as_str)
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

/// The parts of a line between `, or`, which stands outside quotation marks.
fn clauses(line: &str) -> Vec<&str> {
    const OR: &str = ", or ";
    let outside = |at: usize| line[..at].matches('"').count().is_multiple_of(2);
    let mut clauses = Vec::new();
    let mut begin = 0;
    for (at, _) in line.match_indices(OR).filter(|(at, _)| outside(*at)) {
        clauses.push(&line[begin..at]);
        begin = at + OR.len();
    }
    clauses.push(&line[begin..]);
    clauses
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

#[cfg(test)]
mod tests {
    use super::super::lines::Does;
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
        let say = Does::Say { to: "laptop".into(), text: "ababab".into(), style: None };
        assert_eq!(play.lines[0].step, Step::Person { who: "alice".into(), does: say });
        assert_eq!((play.lines[1].number, play.lines[1].within), (6, Duration::from_secs(20)));
    }

    #[test]
    fn a_line_may_say_what_else_may_come_of_it() {
        let play = Play::parse(
            "ann is on aol at north\nbob is on aol2 at south\naol2 is another aol\nNudge:\n\
             ann is nudged by bob, or hears \"one, or two\" from bob, or bob has no way to do that",
        )
        .unwrap();
        let [line] = &play.lines[..] else { panic!("one line") };
        assert_eq!((line.chapter.as_str(), play.protocol("aol2")), ("Nudge", "aol"));
        let who = |step: &Step| match step {
            Step::Person { who, does } => (who.clone(), does.clone()),
            _ => panic!("people only"),
        };
        assert_eq!(who(&line.instead[0].0).0, "ann");
        assert_eq!(who(&line.instead[1].0), ("bob".into(), Does::Cannot));
        assert_eq!(line.instead[0].1, "hears \"one, or two\" from bob");
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for bad in ["alice sings", "alice says \"hi to bob", "alice sees bob purple", "alice"] {
            let mistake = Mistake { number: 2, text: bad.into() };
            assert_eq!(Play::parse(&format!("\n{bad}")).unwrap_err(), mistake);
        }
    }
}
