//! The lines that wait for something to be seen.

use std::time::Duration;

use crosstalk_core::{Presence, Show, Typing};
use tokio::time::Instant;

use super::grammar::{Does, How};
use super::person::{Person, SILENCE, key};
use super::script::Spelling;
use crate::Event;

/// What is said of a line that nothing came of.
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
        let name = |whom: &str| spelling.name(whom).map(|name| key(&spelling.names, &name));
        let seen = match does {
            Does::IsAsked { by } => {
                let by = name(by)?;
                self.until(deadline, |p| {
                    p.take_all(|p, e| matches!(e, Event::Asked { by: b, .. } if p.key(b) == by))
                })
                .await
            }
            Does::Hear { from, text } => {
                return self.hears(&name(from)?, &spelling.text(text)?, deadline).await;
            }
            Does::LearnUndelivered { to } => {
                let to = name(to)?;
                self.until(deadline, |p| {
                    p.take_all(
                        |p, e| matches!(e, Event::Undelivered { to: t, .. } if p.key(t) == to),
                    )
                })
                .await
            }
            Does::See { whom, how } => {
                let whom = name(whom)?;
                self.until(deadline, |p| p.is_seen(&whom, how).then_some(())).await
            }
            Does::List { whom, listed } => {
                let whom = name(whom)?;
                self.until(deadline, |p| (p.lists(&whom) == *listed).then_some(())).await
            }
            Does::NeverSaw(whom) => {
                self.watch(Instant::now() + SILENCE).await;
                (!self.seen.contains(&name(whom)?)).then_some(())
            }
            Does::HearNothingMore => {
                self.watch(Instant::now() + SILENCE).await;
                return self.nothing_unexpected();
            }
            _ => return Ok(()),
        };
        seen.ok_or_else(|| NOT_SEEN.to_owned())
    }

    /// Of people the next message must be the one; of the control contact's, one of them.
    async fn hears(&mut self, from: &str, text: &str, deadline: Instant) -> Result<(), String> {
        let any = self.is_control(from);
        let heard = self.until(deadline, |person| {
            let of_them =
                |e: &Event| matches!(e, Event::Said { from: f, .. } if person.key(f) == from);
            let is_it =
                |e: &Event| matches!(e, Event::Said { text: t, .. } if fits(t.text(), text));
            let found = |e: &Event| of_them(e) && (!any || is_it(e));
            let position = person.unheard.iter().position(found)?;
            person.unheard.remove(position).map(|event| (is_it(&event), event))
        });
        match heard.await {
            Some((true, _)) => Ok(()),
            Some((false, Event::Said { text, .. })) => Err(format!("heard {:?}", text.text())),
            _ => Err(NOT_SEEN.to_owned()),
        }
    }

    /// Takes away all events that are `wanted`, if there is any.
    fn take_all(&mut self, wanted: impl Fn(&Self, &Event) -> bool) -> Option<()> {
        let before = self.unheard.len();
        let mut unheard = std::mem::take(&mut self.unheard);
        unheard.retain(|event| !wanted(self, event));
        self.unheard = unheard;
        (self.unheard.len() < before).then_some(())
    }

    fn is_seen(&self, whom: &str, how: &How) -> bool {
        let Presence { show, text, idle_since, .. } = self.presence(whom);
        let away = matches!(show, Show::Away | Show::ExtendedAway | Show::Busy);
        match how {
            How::Available => {
                matches!(show, Show::Available | Show::Chatty) && idle_since.is_none()
            }
            How::Away(wanted) => away && wanted.as_deref().is_none_or(|w| w == text.text()),
            How::Offline => show == Show::Offline,
            How::Idle => idle_since.is_some(),
            How::Typing => self.typing(whom) == Typing::Active,
        }
    }
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
