//! The lines that wait for something to be seen.

use std::time::Duration;

use crosstalk_core::{Address, Availability, Presence, RichText, Span, Typing};
use tokio::time::Instant;

use super::lines::{Asking, Does, Heard, How};
use super::person::{Person, SILENCE};
use super::script::Spelling;
use crate::Event;

/// Command by which a request is accepted, as the control contact's question names it.
const ACCEPT: &str = "/accept ";
/// Reason given for a line whose event did not come.
const NOT_SEEN: &str = "that was not to be seen in time";

impl Person {
    /// Waits for what `does` expects. Anything else passes at once.
    pub(super) async fn sees(
        &mut self,
        does: &Does,
        spelling: &Spelling<'_>,
        within: Duration,
    ) -> Result<(), String> {
        let deadline = Instant::now() + within;
        let seen = match does {
            Does::NeverSaw(whom) => {
                self.watch(Instant::now() + SILENCE).await;
                let whom = spelling.key(whom)?;
                (!self.seen.contains(&whom)).then_some(())
            }
            Does::StillSee { whom, how } => {
                self.watch(Instant::now() + SILENCE).await;
                let whom = spelling.key(whom)?;
                self.is_seen(&whom, how).then_some(())
            }
            Does::HearNothingMore => {
                self.watch(Instant::now() + SILENCE).await;
                return self.nothing_unexpected();
            }
            _ => {
                let wanted = Wanted::of(does, spelling)?;
                self.until(deadline, |p| p.look(&wanted).map(|found| p.take(&found))).await
            }
        };
        seen.ok_or_else(|| NOT_SEEN.to_owned())
    }

    /// Whether what `does` expects is there to be seen now, and what was said of it.
    pub(super) async fn has_seen(
        &mut self,
        does: &Does,
        spelling: &Spelling<'_>,
    ) -> Result<Option<Vec<String>>, String> {
        self.watch(Instant::now()).await;
        let found = self.look(&Wanted::of(does, spelling)?);
        Ok(found.map(|found| {
            let said = |at: &usize| match self.unheard.get(*at) {
                Some(Event::Said { text, .. }) => Some(text.text().to_owned()),
                _ => None,
            };
            found.iter().filter_map(said).collect()
        }))
    }

    /// The places of the events that make `wanted` true; none where a state does.
    fn look(&self, wanted: &Wanted) -> Option<Vec<usize>> {
        let all = |is_it: &dyn Fn(&Event) -> bool| {
            let events = self.unheard.iter().enumerate();
            let found: Vec<_> = events.filter(|(_, e)| is_it(e)).map(|(at, _)| at).collect();
            (!found.is_empty()).then_some(found)
        };
        let state = |holds: bool| holds.then(Vec::new);
        match &wanted.does {
            Does::IsAsked { through, .. } => all(&|e| match e {
                Event::Asked { by, text } => {
                    let control = text.text().contains(ACCEPT);
                    self.key(by) == wanted.whom
                        && match through {
                            Asking::Any => true,
                            Asking::Dialogue => !control,
                            Asking::Control => control,
                        }
                }
                _ => false,
            }),
            Does::IsNudged { .. } => {
                all(&|e| matches!(e, Event::Nudged { by } if self.key(by) == wanted.whom))
            }
            Does::IsInvited { .. } => {
                all(&|e| matches!(e, Event::Invited { by } if self.key(by) == wanted.whom))
            }
            Does::LearnUndelivered { .. } => {
                all(&|e| matches!(e, Event::Undelivered { to, .. } if self.key(to) == wanted.whom))
            }
            Does::Cannot => all(&|e| *e == Event::Unable),
            Does::Hear { how, .. } => self.hears(&wanted.whom, &wanted.text, how),
            Does::See { how, .. } => state(self.is_seen(&wanted.whom, how)),
            Does::List { listed, .. } => state(self.listed.contains(&wanted.whom) == *listed),
            _ => state(true),
        }
    }

    /// Of people the next message must be the one; of the control contact's, one of them.
    fn hears(&self, from: &str, text: &str, how: &Heard) -> Option<Vec<usize>> {
        let of_them = self.unheard.iter().enumerate().filter_map(|(at, e)| match e {
            Event::Said { from: f, text, .. } if self.key(f) == from => Some((at, text)),
            _ => None,
        });
        let is_it = |said: &RichText| match how {
            Heard::Styled(style) => {
                let all = |span: &Span| {
                    span.style == *style && span.start == 0 && span.end as usize >= text.len()
                };
                said.text() == text && said.spans().iter().any(all)
            }
            Heard::Any | Heard::InPieces => fits(said.text(), text),
        };
        if *how == Heard::InPieces {
            return pieces(of_them, text);
        }
        let mut of_them = of_them;
        let any = from == Address::control().to_string();
        let found = of_them.find(|(_, said)| !any || is_it(said));
        found.filter(|(_, said)| is_it(said)).map(|(at, _)| vec![at])
    }

    /// Takes events away; their places go up.
    fn take(&mut self, found: &[usize]) {
        for at in found.iter().rev() {
            self.unheard.remove(*at);
        }
    }

    fn is_seen(&self, whom: &str, how: &How) -> bool {
        let Presence { show, text, idle_since, .. } = self.presence(whom);
        let away =
            matches!(show, Availability::Away | Availability::ExtendedAway | Availability::Busy);
        match how {
            How::Available => {
                matches!(show, Availability::Available | Availability::Chatty)
                    && idle_since.is_none()
            }
            How::Away(wanted) => away && wanted.as_deref().is_none_or(|w| w == text.text()),
            How::Offline => show == Availability::Offline,
            How::Idle => idle_since.is_some(),
            How::Typing => self.typing(whom) == Typing::Active,
        }
    }
}

/// Event that a line expects, in names and words as they arrive.
struct Wanted {
    does: Does,
    whom: String,
    text: String,
}

impl Wanted {
    fn of(does: &Does, spelling: &Spelling<'_>) -> Result<Self, String> {
        let (whom, text) = match does {
            Does::IsAsked { by, .. } | Does::IsNudged { by } | Does::IsInvited { by } => (by, ""),
            Does::Hear { from, text, .. } => (from, text.as_str()),
            Does::LearnUndelivered { to } => (to, ""),
            Does::See { whom, .. } | Does::List { whom, .. } => (whom, ""),
            _ => return Ok(Self { does: does.clone(), whom: String::new(), text: String::new() }),
        };
        Ok(Self { does: does.clone(), whom: spelling.key(whom)?, text: spelling.text(text)? })
    }
}

/// The first messages that are `text` together. Blanks at the cuts may be lost.
fn pieces<'a>(said: impl Iterator<Item = (usize, &'a RichText)>, text: &str) -> Option<Vec<usize>> {
    let mut rest = text;
    let mut found = Vec::new();
    for (at, piece) in said {
        rest = rest.trim_start().strip_prefix(piece.text().trim())?;
        found.push(at);
        if rest.trim().is_empty() {
            return Some(found);
        }
    }
    None
}

/// Whether `text` is `pattern`, in which `…` stands for anything.
fn fits(text: &str, pattern: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('…') else { return text == pattern };
    let Some(mut text) = text.strip_prefix(begin) else { return false };
    let Some((middle, end)) = rest.rsplit_once('…') else { return text.ends_with(rest) };
    for part in middle.split('…') {
        match text.split_once(part) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_for_anything() {
        for (pattern, expected) in [
            ("all of it", true),
            ("all…", true),
            ("…it", true),
            ("…of…", true),
            ("a…f…t", true),
            ("all", false),
            ("…all", false),
            ("…x…", false),
        ] {
            assert_eq!(fits("all of it", pattern), expected, "{pattern}");
        }
    }
}
