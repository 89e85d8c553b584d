//! What is under way, its outcome, and what is tried again.

use std::time::{Duration, Instant};

use crosstalk_core::{Address, Body, Failure};

use crate::account::Account;
use crate::cx::Cx;
use crate::effect::{Effect, Message};
use crate::ids::{GatewayKey, SessionId, Ticket};
use crate::input::Fate;
use crate::outbox::Outbound;
use crate::pending::{InFlight, Retry};
use crate::state_updates::is_passing;

/// Wait before the same is tried again after a failure on the way, and number of tries.
const AGAIN: Duration = Duration::from_secs(2);
const TRIES: u8 = 5;
/// Longest wait before a contact is looked for again who is said to be where nobody knows of him.
const SELDOM: Duration = Duration::from_mins(1);

impl<A> Account<A> {
    /// Takes out what was under way by that name.
    pub(crate) fn landed(&mut self, ticket: Ticket) -> Option<InFlight> {
        let in_flight = &mut self.if_pending()?.in_flight;
        let at = in_flight.iter().position(|(other, _)| *other == ticket)?;
        Some(in_flight.swap_remove(at).1)
    }

    /// It is known where somebody is.
    pub(crate) fn located(&mut self, cx: &mut Cx<'_, A>, ticket: Ticket, at: &[GatewayKey]) {
        match self.landed(ticket) {
            // One that is found is as good as one that has just arrived there.
            Some(InFlight::Seek(contact, tries)) => {
                for at in at {
                    self.arrived(cx, &contact, *at, tries);
                }
            }
            Some(InFlight::Find(asked)) => self.ask_at(cx, asked, at),
            Some(InFlight::Locate(outbound)) if at.is_empty() => {
                self.release_for(cx, outbound.from_session, outbound.bytes);
            }
            Some(InFlight::Locate(outbound)) => {
                for to in at {
                    let message = Message::Envelope(outbound.envelope.clone());
                    cx.push(Effect::Send { ticket, to: *to, message });
                }
                let spread = InFlight::Spread(outbound, at.len());
                self.pending().in_flight.push((ticket, spread));
            }
            _ => {}
        }
    }

    /// It is known what became of something.
    pub(crate) fn sent(
        &mut self,
        cx: &mut Cx<'_, A>,
        ticket: Ticket,
        result: Result<Fate, Failure>,
    ) {
        match self.landed(ticket) {
            Some(InFlight::Post(outbound)) => self.posted(cx, outbound, result),
            Some(InFlight::Spread(outbound, left)) if left > 1 => {
                let spread = InFlight::Spread(outbound, left - 1);
                self.pending().in_flight.push((ticket, spread));
            }
            Some(InFlight::Spread(outbound, _)) => {
                self.release_for(cx, outbound.from_session, outbound.bytes);
            }
            Some(InFlight::Tell(gateway, to)) => match result {
                Err(why) if is_passing(why) => self.try_again(cx, Retry::Tell(gateway, to)),
                Err(_) => self.unsubscribe(gateway, &to),
                Ok(_) => {}
            },
            Some(InFlight::Ask(asked)) => {
                if let Err(why) = result {
                    self.say_unanswered(cx, &asked, why);
                }
            }
            Some(InFlight::Resume(gateway, to, tries)) => match result {
                Ok(_) => self.resumed(gateway, to),
                Err(why) if is_passing(why) && tries < TRIES => {
                    self.resume_later(cx, gateway, to, tries + 1);
                }
                Err(_) => {}
            },
            // Not there, as far as that gateway knows: asked again for as long as the contact is
            // said to be there, if ever more seldom.
            Some(InFlight::Probe(of, tries))
                if result.is_err_and(|why| is_passing(why) || why == Failure::Offline) =>
            {
                self.seek_later(cx, of, tries.saturating_add(1));
            }
            // A gateway that does not hear that texts are taken tries again by itself.
            _ => {}
        }
    }

    fn posted(&mut self, cx: &mut Cx<'_, A>, outbound: Outbound, result: Result<Fate, Failure>) {
        let is_consent = matches!(outbound.envelope.body, Body::Contact(_));
        match result {
            // Nothing will come of it any more, unless it is worth another try from the start.
            Err(why) if is_consent && is_passing(why) && outbound.tries < TRIES => {
                let tries = outbound.tries + 1;
                return self.try_again(cx, Retry::Consent(Outbound { tries, ..outbound }));
            }
            Err(why) => self.undelivered(cx, &outbound.envelope, outbound.from_session, why),
            Ok(fate) => {
                let is_told = self.confirm(cx, &outbound.envelope, outbound.from_session, fate);
                if fate == (Fate::Kept { first: true }) && !is_told {
                    self.say_kept(cx, &outbound.envelope, outbound.from_session);
                }
            }
        }
        self.release_for(cx, outbound.from_session, outbound.bytes);
    }

    pub(crate) fn release_for(
        &mut self,
        cx: &mut Cx<'_, A>,
        session: Option<SessionId>,
        bytes: usize,
    ) {
        if let Some(session) = session {
            self.release(cx, session, bytes);
        }
    }

    /// Looks for a contact in a moment, and asks where it is to be told its presence. So often that
    /// was in vain.
    pub(crate) fn seek_later(&mut self, cx: &Cx<'_, A>, of: Address, tries: u8) {
        let doubled = AGAIN * 2_u32.saturating_pow(tries.saturating_sub(1).into());
        let at = cx.now.instant + doubled.min(SELDOM);
        let retries = &mut self.pending().retries;
        // Once, however often a gateway says that the contact comes and goes.
        let mut waiting = retries.iter_mut().filter_map(|(at, what)| match what {
            Retry::Seek(other, tries) if *other == of => Some((at, tries)),
            _ => None,
        });
        match waiting.next() {
            Some((before, tried)) => (*before, *tried) = (at.min(*before), tries.min(*tried)),
            None => retries.push((at, Retry::Seek(of, tries))),
        }
    }

    fn try_again(&mut self, cx: &Cx<'_, A>, what: Retry) {
        let at: Instant = cx.now.instant + AGAIN;
        self.pending().retries.push((at, what));
    }

    /// Tries again what is due.
    pub(crate) fn retry(&mut self, cx: &mut Cx<'_, A>) {
        let now = cx.now.instant;
        let Some(pending) = self.if_pending() else { return };
        let due: Vec<_> = pending.retries.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, what) in due {
            match what {
                Retry::Consent(outbound) => self.queue_again(cx, outbound),
                Retry::Tell(gateway, to) => self.tell_again(gateway, to),
                Retry::Resume(gateway, to, tries) => self.resume(cx, gateway, to, tries),
                Retry::Seek(contact, tries) => {
                    self.pending().seek.entry(contact).or_insert(tries);
                }
            }
        }
    }
}
