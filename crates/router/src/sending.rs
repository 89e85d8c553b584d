//! Sending: so much at a time, in order, and the outcome of each.

use std::time::{Duration, Instant};

use crosstalk_core::{Address, Body, Consent, Failure, Presence};

use crate::account::Account;
use crate::cx::Cx;
use crate::effect::{Effect, Message};
use crate::ids::{GatewayKey, SessionId, Ticket};
use crate::input::Fate;
use crate::outgoing::Outbound;
use crate::pending::{InFlight, Retry};
use crate::state_updates::is_passing;

/// The most messages of one person that are under way at a time, and the most tellings and
/// askings of presence.
const SPEAKING: usize = 64;
const TELLING: usize = 16;
/// Wait before the same is tried again after a failure on the way, and number of tries.
const AGAIN: Duration = Duration::from_secs(2);
const TRIES: u8 = 5;
/// Longest wait before a contact is looked for again who is said to be where nobody knows of him.
const SELDOM: Duration = Duration::from_mins(1);

impl<A> Account<A> {
    /// Gives the driver as much of what waits as may be under way.
    pub(crate) fn work_off(&mut self, cx: &mut Cx<'_, A>) {
        self.next_jobs(cx);
        let Some(pending) = self.pending_now() else { return };
        let said = pending.in_flight.iter().filter(|(_, what)| what.is_said()).count();
        let told = pending.in_flight.iter().filter(|(_, what)| what.is_about_presence()).count();
        for _ in said..SPEAKING {
            let Some(next) = self.if_pending().and_then(|p| p.outbox.pop_front()) else { break };
            self.begin(cx, next);
        }
        for _ in told..TELLING {
            if !self.begin_about_presence(cx) {
                break;
            }
        }
    }

    fn begin(&mut self, cx: &mut Cx<'_, A>, outbound: Outbound) {
        let ticket = cx.ticket();
        let envelope = outbound.envelope.clone();
        let flight = if let Body::Receipt { .. } = envelope.body {
            // It is of no use later, and may overtake.
            cx.push(Effect::Locate { ticket, user: envelope.to });
            InFlight::Locate(outbound)
        } else {
            // Typing takes this road too, so that it does not overtake texts.
            let may_keep = self.may_keep(&envelope);
            cx.push(Effect::Post { ticket, envelope, may_keep });
            InFlight::Post(outbound)
        };
        self.pending().in_flight.push((ticket, flight));
    }

    /// Begins the next thing to say or ask about presence; false if there is none.
    fn begin_about_presence(&mut self, cx: &mut Cx<'_, A>) -> bool {
        let user = self.user.clone();
        if let Some((to, presence, watchers)) = self.next_told() {
            let message = Message::Presence { of: user, presence, to: watchers.clone() };
            self.begin_sending(cx, to, message, InFlight::Tell(to, watchers));
            return true;
        }
        let Some(pending) = self.if_pending() else { return false };
        if let Some(to) = pending.wake.pop_first() {
            let (presence, nobody) = (Presence::offline(), Vec::new());
            let message = Message::Presence { of: user, presence, to: nobody };
            self.begin_sending(cx, to, message, InFlight::Wake);
        } else if let Some(((of, to), tries)) = pending.probes.pop_first() {
            let message = Message::Probe { of: of.clone(), by: user };
            self.begin_sending(cx, to, message, InFlight::Probe(of, tries));
        } else if let Some((contact, tries)) = pending.seek.pop_first() {
            let ticket = cx.ticket();
            pending.in_flight.push((ticket, InFlight::Seek(contact.clone(), tries)));
            cx.push(Effect::Locate { ticket, user: contact });
        } else {
            return false;
        }
        true
    }

    pub(crate) fn begin_sending(
        &mut self,
        cx: &mut Cx<'_, A>,
        to: GatewayKey,
        message: Message,
        flight: InFlight,
    ) {
        let ticket = cx.ticket();
        cx.push(Effect::Send { ticket, to, message });
        self.pending().in_flight.push((ticket, flight));
    }

    /// Whether a request to a contact waits to leave, also once more, or is under way.
    pub(crate) fn is_asking(&self, contact: &Address) -> bool {
        let asks = |outbound: &Outbound| {
            outbound.envelope.to == *contact
                && matches!(outbound.envelope.body, Body::Contact(Consent::Request(_)))
        };
        self.pending_now().is_some_and(|pending| {
            let posted = |what: &InFlight| matches!(what, InFlight::Post(o) if asks(o));
            let again = |what: &Retry| matches!(what, Retry::Consent(o) if asks(o));
            pending.outbox.iter().any(asks)
                || pending.in_flight.iter().any(|(_, what)| posted(what))
                || pending.retries.iter().any(|(_, what)| again(what))
        })
    }

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
