//! What was said, shown and reported, and whether that is what was promised.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::{Duration, Instant};

use crate::mesh::{Boot, Person};

/// What is handed to a gateway so shortly before it is killed may not have come to its disk. On
/// an idle machine that is milliseconds.
const LAST_INSTANT: Duration = Duration::from_secs(1);

/// One person says things to another.
type Lane = (Person, Person);

/// Everything that happened, lane by lane.
#[derive(Default)]
pub(crate) struct Tally {
    lanes: BTreeMap<Lane, Talk>,
    kills: HashMap<Boot, Instant>,
}

/// What happened in a lane. Texts are numbered from 0.
#[derive(Default)]
struct Talk {
    /// When each text was said, and where its sender was signed on.
    said: Vec<(Instant, Boot)>,
    /// Each text that was shown, in order, also once more; when, and where its receiver was.
    shown: Vec<(usize, Instant, Boot)>,
    /// How many times the sender was told that a text was not delivered.
    reported: usize,
}

/// The sums.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    said: usize,
    delivered: usize,
    reported: usize,
    /// Never shown, and said in the last instant before the kill of the sender's own gateway.
    in_the_air: usize,
    /// How long before the kill the earliest of these was said.
    earliest: Duration,
    twice: usize,
    /// Shown after a text that its sender said later at another gateway, while the one that had
    /// this text was dead.
    overtaken: usize,
    kills: usize,
}

impl Tally {
    /// The next text of a lane.
    pub(crate) fn say(&mut self, from: Person, to: Person, at: Boot) -> String {
        let said = &mut self.lanes.entry((from, to)).or_default().said;
        said.push((Instant::now(), at));
        format!("{} to {} no {}", from.name, to.name, said.len() - 1)
    }

    /// `to` was shown `text`. Other texts than those said here are let pass.
    pub(crate) fn show(&mut self, to: Person, text: &str, at: Boot) {
        let Some((names, number)) = text.split_once(" no ") else { return };
        let named = |(from, to): &Lane| format!("{} to {}", from.name, to.name) == names;
        let lane = self.lanes.iter_mut().find(|(lane, _)| named(lane));
        let (lane, talk) = lane.unwrap_or_else(|| panic!("nobody said {text:?}"));
        assert_eq!(lane.1, to, "{text:?} went astray");
        talk.shown.push((number.parse().unwrap(), Instant::now(), at));
    }

    /// `from` was told that a text to somebody was not delivered.
    pub(crate) fn report(&mut self, from: Person, to: &str) {
        let lane =
            self.lanes.iter_mut().find(|(lane, _)| lane.0 == from && to.contains(lane.1.name));
        let (_, talk) = lane.unwrap_or_else(|| panic!("{} said nothing to {to}", from.name));
        talk.reported += 1;
    }

    pub(crate) fn kill(&mut self, (boot, at): (Boot, Instant)) {
        self.kills.insert(boot, at);
    }

    /// How many texts each lane has shown.
    pub(crate) fn heard(&self) -> Vec<usize> {
        self.lanes.values().map(|talk| talk.shown.len()).collect()
    }

    /// Whether every text was shown, reported, or under way when its sender's gateway died.
    pub(crate) fn is_settled(&self) -> bool {
        self.lanes.values().all(|talk| self.unaccounted(talk).len() <= talk.reported)
    }

    /// Checks what was promised, and sums up.
    pub(crate) fn check(&self) -> Counts {
        let mut counts = Counts { kills: self.kills.len(), ..Counts::default() };
        for ((from, to), talk) in &self.lanes {
            let lane = format!("{} to {}", from.name, to.name);
            let lost = self.unaccounted(talk);
            assert!(lost.len() <= talk.reported, "{lane}: lost without a word: {lost:?}");
            counts.said += talk.said.len();
            counts.reported += talk.reported;
            counts.in_the_air += talk.missing().len() - lost.len();
            for number in talk.missing().iter().filter(|number| !lost.contains(number)) {
                let (at, boot) = talk.said[*number];
                let before = self.kills[&boot].saturating_duration_since(at);
                counts.earliest = counts.earliest.max(before);
            }
            check_last(&lane, talk);
            counts.twice += self.check_twice(&lane, talk);
            counts.overtaken += check_order(&lane, talk);
            counts.delivered += talk.said.len() - talk.missing().len();
        }
        counts
    }

    /// What was neither shown nor in the air at a kill.
    fn unaccounted(&self, talk: &Talk) -> Vec<usize> {
        let in_the_air = |number: &usize| {
            let (at, boot) = talk.said[*number];
            self.is_last_instant(at, boot)
        };
        talk.missing().into_iter().filter(|number| !in_the_air(number)).collect()
    }

    fn is_last_instant(&self, at: Instant, boot: Boot) -> bool {
        self.kills.get(&boot).is_some_and(|killed| at + LAST_INSTANT >= *killed)
    }

    /// Only what was just being shown when its receiver's gateway died may be shown once more.
    fn check_twice(&self, lane: &str, talk: &Talk) -> usize {
        let (mut first, mut twice) = (HashMap::new(), 0);
        for (number, at, boot) in &talk.shown {
            if let Some((at, boot)) = first.insert(number, (*at, *boot)) {
                assert!(self.is_last_instant(at, boot), "{lane}: {number} was shown twice");
                twice += 1;
            }
        }
        twice
    }
}

/// What was lost in the air is the last that its sender said there.
fn check_last(lane: &str, talk: &Talk) {
    let missing: HashSet<_> = talk.missing().into_iter().collect();
    for number in missing.iter().filter(|_| talk.reported == 0) {
        let (_, boot) = talk.said[*number];
        let mut later = talk.said.iter().enumerate().skip(number + 1);
        let overtook = later.find(|(n, (_, b))| *b == boot && !missing.contains(n));
        assert!(overtook.is_none(), "{lane}: {number} is lost, and {overtook:?} is not");
    }
}

/// What is said at one gateway arrives in order. Counts what was overtaken by what was said at
/// another one.
fn check_order(lane: &str, talk: &Talk) -> usize {
    let (mut last, mut highest, mut overtaken) = (HashMap::new(), 0, 0);
    let mut seen = HashSet::new();
    for (number, ..) in talk.shown.iter().filter(|(number, ..)| seen.insert(*number)) {
        let (_, Boot { gateway, .. }) = talk.said[*number];
        let before = last.insert(gateway, *number);
        assert!(before < Some(*number), "{lane}: {number} came after {before:?}");
        overtaken += usize::from(*number < highest);
        highest = highest.max(*number);
    }
    overtaken
}

impl Talk {
    /// What was never shown.
    fn missing(&self) -> Vec<usize> {
        let shown: HashSet<_> = self.shown.iter().map(|(number, ..)| *number).collect();
        (0..self.said.len()).filter(|number| !shown.contains(number)).collect()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { said, delivered, reported, in_the_air, twice, overtaken, kills, .. } = self;
        let earliest = self.earliest.as_millis();
        write!(
            f,
            "{kills} kills: {said} texts sent, {delivered} delivered, {reported} reported, \
             {in_the_air} in the air at the kill of their sender's gateway (said {earliest} ms before \
             it at the most), {twice} shown twice, \
             {overtaken} overtaken by what was said at another gateway"
        )
    }
}
