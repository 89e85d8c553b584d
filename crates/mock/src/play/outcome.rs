//! Outcomes of a play, where it leaves them open.

use std::time::Duration;

use tokio::time::Instant;

use super::grammar::Line;
use super::lines::{Does, Heard, Step};
use super::perform::{Performance, Stage};
use super::person::Person;
use super::script::Spelling;

/// Time to wait for a better outcome.
const BETTER: Duration = Duration::from_secs(2);
/// Time between two looks for the outcome of a line.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Outcome of the lines under one heading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The heading.
    pub chapter: String,
    /// Results that came in place of those that the play prefers, in its words; empty where none
    /// did.
    pub instead: Vec<String>,
}

impl<'a> Performance<'a> {
    pub(super) fn open_chapter(&mut self, chapter: &str) {
        if self.outcomes.last().is_none_or(|last| last.chapter != chapter) {
            self.outcomes.push(Outcome { chapter: chapter.into(), ..Outcome::default() });
        }
    }

    /// Waits for what the line would rather have, or for what may come instead: the better may
    /// come a moment later.
    pub(super) async fn either(&mut self, stage: &dyn Stage, line: &Line) -> Result<(), String> {
        let alternatives: Vec<(&Step, &str)> = [(&line.step, "")]
            .into_iter()
            .chain(line.instead.iter().map(|(step, words)| (step, words.as_str())))
            .collect();
        let mut deadline = Instant::now() + line.within;
        let mut best = alternatives.len();
        loop {
            for (at, (step, _)) in alternatives.iter().enumerate().take(best) {
                let Step::Person { who, does } = step else { continue };
                let (person, spelling) = self.person(stage, who)?;
                if person.has_seen(does, &spelling).await?.is_some() {
                    best = at;
                    deadline = deadline.min(Instant::now() + BETTER);
                    break;
                }
            }
            if best == 0 || Instant::now() >= deadline {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let Some((Step::Person { who, does }, words)) = alternatives.get(best) else {
            return Err("nothing of it came in time".into());
        };
        let (person, spelling) = self.person(stage, who)?;
        let heard = person.has_seen(does, &spelling).await?.unwrap_or_default();
        person.sees(does, &spelling, Duration::ZERO).await?;
        let words = match (does, &heard[..]) {
            _ if best == 0 => return Ok(()),
            (Does::Hear { how: Heard::InPieces, .. }, _) => {
                format!("{who} hears it in {} messages", heard.len())
            }
            (Does::Hear { how: Heard::Any, .. }, [text]) => format!("{who} hears “{text}”"),
            _ => format!("{who} {}", words.strip_prefix(who.as_str()).unwrap_or(words).trim()),
        };
        if let Some(outcome) = self.outcomes.last_mut() {
            outcome.instead.push(words);
        }
        Ok(())
    }

    /// One of the cast, and how that one writes names.
    fn person<'s>(
        &'s mut self,
        stage: &dyn Stage,
        who: &str,
    ) -> Result<(&'s mut Person, Spelling<'a>), String> {
        let spelling = Spelling { play: self.play, names: stage.names(), of: self.play.part(who)? };
        let person = self.people.get_mut(who).ok_or("the person is not signed on")?;
        Ok((person, spelling))
    }
}
