//! Audit of deliveries: the texts that were sent while gateways were killed, those that were shown
//! and reported, and whether that is what was promised.
//!
//! Accepted is what was stored or delivered. What a client handed to its own gateway in the last
//! instant before that was killed may be neither; it is counted, and must be the last that the
//! client said there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::{Duration, Instant};

/// Time before a kill in which a text that was handed to the gateway may not have come to its disk.
/// On an idle machine that is milliseconds.
const LAST_INSTANT: Duration = Duration::from_secs(1);

/// A boot of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Boot {
    /// Number of the gateway.
    pub gateway: usize,
    /// Number of starts before this one.
    pub count: u32,
}

/// One person says things to another; by names of which none is a part of another.
type Lane = (String, String);

/// Everything that happened, lane by lane.
#[derive(Default)]
pub struct DeliveryAudit {
    lanes: BTreeMap<Lane, Talk>,
    kills: HashMap<Boot, Instant>,
}

/// Record of a lane. Texts are numbered from 0.
#[derive(Default)]
struct Talk {
    /// Time of each text, and the run of the gateway that its sender was signed on at.
    said: Vec<(Instant, Boot)>,
    /// The texts of which the sender's own client said that they were not sent.
    refused: HashSet<usize>,
    /// Each text that was shown, in order, also once more; when, and where its receiver was.
    shown: Vec<(usize, Instant, Boot)>,
    /// Number of times that the sender was told that a text was not delivered.
    reported: usize,
    /// Number of times that the sender was told that a text may not have arrived.
    unsure: usize,
}

/// The sums, for people to read.
#[derive(Debug, Default)]
pub struct Counts {
    said: usize,
    delivered: usize,
    reported: usize,
    unsure: usize,
    /// Never shown, and their sender's client said that they were not sent.
    refused: usize,
    /// Never shown, and said in the last instant before the kill of the sender's own gateway.
    in_the_air: usize,
    /// Longest time before the kill at which one of these was sent.
    earliest: Duration,
    twice: usize,
    /// Shown twice because the sender's client said them again after the kill of its gateway, not
    /// knowing that they were taken, as those with stream management (XEP-0198) may do.
    pub said_again: usize,
    /// Shown after a text that its sender said later at another gateway, while the one that had
    /// this text was dead.
    overtaken: usize,
    kills: usize,
}

impl DeliveryAudit {
    /// The next text from one to another, who says it at a boot of a gateway.
    pub fn say(&mut self, from: &str, to: &str, at: Boot) -> String {
        let said = &mut self.lanes.entry((from.into(), to.into())).or_default().said;
        said.push((Instant::now(), at));
        format!("{from} to {to} no {}", said.len() - 1)
    }

    /// The client has sent `text` only now.
    pub fn sent(&mut self, text: &str) {
        let (_, talk, number) = self.find(text);
        talk.said[number].0 = Instant::now();
    }

    /// The client that was to send `text` says that it did not.
    pub fn refuse(&mut self, text: &str) {
        let (_, talk, number) = self.find(text);
        talk.refused.insert(number);
    }

    /// `to` was shown `text` at a boot of a gateway. Other texts than those said here are let
    /// pass.
    ///
    /// # Panics
    ///
    /// When nobody said it, or to somebody else.
    pub fn show(&mut self, to: &str, text: &str, at: Boot) {
        if text.contains(" no ") {
            let (lane, talk, number) = self.find(text);
            assert_eq!(lane.1, to, "{text:?} went astray");
            talk.shown.push((number, Instant::now(), at));
        }
    }

    /// `from` was told that a text to somebody, whose name is in `to`, was not delivered.
    ///
    /// # Panics
    ///
    /// When nothing was said to anybody of that name.
    pub fn report(&mut self, from: &str, to: &str) {
        self.talk(from, to).reported += 1;
    }

    /// `from` was told that a text to somebody, whose name is in `to`, may not have arrived.
    ///
    /// # Panics
    ///
    /// When nothing was said to anybody of that name.
    pub fn doubt(&mut self, from: &str, to: &str) {
        self.talk(from, to).unsure += 1;
    }

    fn talk(&mut self, from: &str, to: &str) -> &mut Talk {
        let talk = self.lanes.iter_mut().find(|(lane, _)| lane.0 == from && to.contains(&lane.1));
        talk.map_or_else(|| panic!("{from} said nothing to {to}"), |(_, talk)| talk)
    }

    /// A boot of a gateway ended, at this time at the latest.
    pub fn kill(&mut self, (boot, at): (Boot, Instant)) {
        self.kills.insert(boot, at);
    }

    /// Numbers of texts that each lane has shown.
    pub fn heard(&self) -> Vec<usize> {
        self.lanes.values().map(|talk| talk.shown.len()).collect()
    }

    /// The lanes in which a text was neither shown, nor reported, nor refused, nor under way when
    /// its sender's gateway died, with the numbers of those that may be it.
    pub fn unsettled(&self) -> Vec<String> {
        let lanes = self.lanes.iter().map(|(lane, talk)| (lane, talk, self.unaccounted(talk)));
        let open = lanes.filter(|(_, talk, lost)| lost.len() > talk.reported + talk.unsure);
        open.map(|((from, to), _, lost)| format!("{from} to {to}: {lost:?}")).collect()
    }

    /// Checks what was promised, and sums up.
    ///
    /// # Panics
    ///
    /// When it was not kept.
    pub fn check(&self) -> Counts {
        let mut counts = Counts { kills: self.kills.len(), ..Counts::default() };
        for ((from, to), talk) in &self.lanes {
            let lane = format!("{from} to {to}");
            let lost = self.unaccounted(talk);
            let told = talk.reported + talk.unsure;
            assert!(lost.len() <= told, "{lane}: lost without a word: {lost:?}");
            counts.said += talk.said.len();
            counts.reported += talk.reported;
            counts.unsure += talk.unsure;
            assert!(talk.reported <= talk.missing().len(), "{lane}: reported, and shown");
            let (refused, missing): (Vec<_>, Vec<_>) =
                talk.missing().into_iter().partition(|number| talk.refused.contains(number));
            counts.refused += refused.len();
            counts.in_the_air += missing.len() - lost.len();
            for number in missing.iter().filter(|number| !lost.contains(number)) {
                let (at, boot) = talk.said[*number];
                let before = self.kills[&boot].saturating_duration_since(at);
                counts.earliest = counts.earliest.max(before);
            }
            check_last(&lane, talk);
            let (twice, said_again) = self.check_twice(&lane, talk);
            counts.twice += twice;
            counts.said_again += said_again;
            counts.overtaken += check_order(&lane, talk);
            counts.delivered += talk.said.len() - talk.missing().len();
        }
        counts
    }

    /// The lane and the number of a text.
    fn find(&mut self, text: &str) -> (&Lane, &mut Talk, usize) {
        let (names, number) = text.split_once(" no ").unwrap_or((text, ""));
        let lane = self.lanes.iter_mut().find(|((from, to), _)| format!("{from} to {to}") == names);
        let number = number.parse().ok();
        let found = lane.zip(number).filter(|((_, talk), number)| *number < talk.said.len());
        let ((lane, talk), number) = found.unwrap_or_else(|| panic!("nobody said {text:?}"));
        (lane, talk, number)
    }

    /// Texts that were neither shown, nor refused, nor on their way at a kill.
    fn unaccounted(&self, talk: &Talk) -> Vec<usize> {
        let is_told = |number: &usize| {
            let (at, boot) = talk.said[*number];
            self.is_last_instant(at, boot) || talk.refused.contains(number)
        };
        talk.missing().into_iter().filter(|number| !is_told(number)).collect()
    }

    fn is_last_instant(&self, at: Instant, boot: Boot) -> bool {
        self.kills.get(&boot).is_some_and(|killed| at + LAST_INSTANT >= *killed)
    }

    /// Checks that a text that was shown twice was just being shown when its receiver's gateway
    /// died, or that its sender's gateway died before the client had heard that it was taken, so
    /// that the client sent it again. Counts both.
    fn check_twice(&self, lane: &str, talk: &Talk) -> (usize, usize) {
        let (mut first, mut twice, mut again) = (HashMap::new(), 0, 0);
        for (number, at, boot) in &talk.shown {
            let Some((at, boot)) = first.insert(number, (*at, *boot)) else { continue };
            let (said, said_at) = talk.said[*number];
            if self.is_last_instant(at, boot) {
                twice += 1;
            } else {
                assert!(self.is_last_instant(said, said_at), "{lane}: {number} was shown twice");
                again += 1;
            }
        }
        (twice, again)
    }
}

/// Checks that texts lost on their way are the last that their sender sent there.
fn check_last(lane: &str, talk: &Talk) {
    let missing: HashSet<_> =
        talk.missing().into_iter().filter(|number| !talk.refused.contains(number)).collect();
    for number in missing.iter().filter(|_| talk.reported == 0) {
        let (_, boot) = talk.said[*number];
        let mut later = talk.said.iter().enumerate().skip(number + 1);
        let overtook = later.find(|(n, (_, b))| *b == boot && !missing.contains(n));
        assert!(overtook.is_none(), "{lane}: {number} is lost, and {overtook:?} is not");
    }
}

/// Checks that texts sent at one gateway arrive in order. Counts those overtaken by texts sent at
/// another one.
fn check_order(lane: &str, talk: &Talk) -> usize {
    let (mut last, mut highest, mut overtaken) = (HashMap::new(), 0, 0);
    let mut seen = HashSet::new();
    for (number, ..) in talk.shown.iter().filter(|(number, ..)| seen.insert(*number)) {
        let (_, Boot { gateway, .. }) = talk.said[*number];
        let before = last.insert(gateway, *number);
        assert!(
            before < Some(*number),
            "{lane}: {number} came after {before:?}: {}",
            talk.course()
        );
        overtaken += usize::from(*number < highest);
        highest = highest.max(*number);
    }
    overtaken
}

impl Talk {
    /// Times at which texts were sent and shown, in milliseconds since the first was sent.
    fn course(&self) -> String {
        let Some((begun, _)) = self.said.first() else { return String::new() };
        let since = |at: &Instant| at.saturating_duration_since(*begun).as_millis();
        let said = self.said.iter().map(|(at, _)| since(at)).enumerate().collect::<Vec<_>>();
        let shown = self.shown.iter().map(|(number, at, _)| (number, since(at)));
        format!("said {said:?}, shown {:?}", shown.collect::<Vec<_>>())
    }

    /// Texts that were never shown.
    fn missing(&self) -> Vec<usize> {
        let shown: HashSet<_> = self.shown.iter().map(|(number, ..)| *number).collect();
        (0..self.said.len()).filter(|number| !shown.contains(number)).collect()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, said, delivered, reported, refused, in_the_air, .. } = self;
        let Self { twice, said_again, overtaken, .. } = self;
        let earliest = self.earliest.as_millis();
        write!(
            f,
            "{kills} kills: {said} texts sent, {delivered} delivered, {reported} reported, \
             {refused} refused by their sender's client, {in_the_air} in the air at the kill of \
             their sender's gateway (said {earliest} ms before it at the most), {twice} shown \
             twice, {said_again} said again by their sender's client, {overtaken} overtaken by \
             what was said at another gateway"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Boot = Boot { gateway: 0, count: 0 };

    fn said(texts: usize) -> DeliveryAudit {
        let mut audit = DeliveryAudit::default();
        (0..texts).for_each(|_| drop(audit.say("anna", "xaver", AT)));
        audit
    }

    #[test]
    fn what_was_shown_reported_or_under_way_is_settled() {
        let mut audit = said(4);
        audit.show("xaver", "anna to xaver no 0", AT);
        audit.report("anna", "xaver%jabber.test@jabber.xt");
        assert_eq!(audit.unsettled().len(), 1);
        audit.refuse("anna to xaver no 3");
        assert_eq!(audit.unsettled().len(), 1);
        audit.kill((AT, Instant::now()));
        assert!(audit.unsettled().is_empty());
        assert_eq!(audit.heard(), [1]);
    }

    #[test]
    #[should_panic(expected = "lost without a word: [1]")]
    fn a_lost_text_is_found() {
        let mut audit = said(2);
        audit.show("xaver", "anna to xaver no 0", AT);
        audit.check();
    }

    #[test]
    #[should_panic(expected = "0 was shown twice")]
    fn a_repeated_text_is_found() {
        let mut audit = said(1);
        audit.show("xaver", "anna to xaver no 0", AT);
        audit.show("xaver", "anna to xaver no 0", AT);
        audit.check();
    }

    #[test]
    #[should_panic(expected = "0 came after Some(1)")]
    fn a_late_text_is_found() {
        let mut audit = said(2);
        audit.show("xaver", "anna to xaver no 1", AT);
        audit.show("xaver", "anna to xaver no 0", AT);
        audit.check();
    }
}
