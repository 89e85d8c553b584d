//! Subscriptions of people at gateways that were lost, and of those who may have asked too early:
//! they are told the presence again after a while.

use std::collections::BTreeSet;
use std::time::Duration;

use crosstalk_core::{Address, Presence};

use crate::account::Account;
use crate::cx::Cx;
use crate::effect::Message;
use crate::ids::GatewayKey;
use crate::pending::{InFlight, Retry};
use crate::presence::shows;

/// Wait before a gateway that was lost is tried: what it knows of this one has lapsed by then, or
/// it can be reached.
const RESUME: Duration = Duration::from_secs(20);

impl<A> Account<A> {
    /// Tries later whether a gateway that was lost can be reached.
    pub(crate) fn resume_later(
        &mut self,
        cx: &Cx<'_, A>,
        gateway: GatewayKey,
        to: impl IntoIterator<Item = Address>,
        tries: u8,
    ) {
        let at = cx.now.instant + RESUME;
        let retries = &mut self.pending().retries;
        // Together with others there, since a person may have very many contacts, and each once,
        // however often it comes and goes.
        let mut waiting = retries.iter_mut().filter_map(|(_, what)| match what {
            Retry::Resume(other, all, of) if *other == gateway && *of == tries => Some(all),
            _ => None,
        });
        match waiting.next() {
            Some(all) => all.extend(to),
            None => retries.push((at, Retry::Resume(gateway, to.into_iter().collect(), tries))),
        }
    }

    /// Tells people at a gateway that was lost the presence.
    pub(crate) fn send_resumed(
        &mut self,
        cx: &mut Cx<'_, A>,
        (gateway, presence): (GatewayKey, Presence),
        to: Vec<Address>,
        tries: u8,
    ) {
        let of = self.user.clone();
        let message = Message::Presence { of, presence, to: to.clone() };
        self.begin_sending(cx, gateway, message, InFlight::Resume(gateway, to, tries));
    }

    /// People at a gateway that was lost are told the presence, if it can be reached by now.
    pub(crate) fn resume(
        &mut self,
        cx: &mut Cx<'_, A>,
        gateway: GatewayKey,
        mut to: BTreeSet<Address>,
        tries: u8,
    ) {
        if !self.is_here() {
            return;
        }
        let known = self.subscribers.get(&gateway);
        to.retain(|w| self.contact(w).is_some_and(shows) && !known.is_some_and(|k| k.contains(w)));
        // Those who see something else have their turn later.
        let (presence, now, rest) = self.seen_alike(to);
        if !rest.is_empty() {
            self.resume_later(cx, gateway, rest, tries);
        }
        if !now.is_empty() {
            self.send_resumed(cx, (gateway, presence), now, tries);
        }
    }

    /// People at a gateway that was lost are subscribed again, who were told the presence.
    pub(crate) fn resumed(&mut self, gateway: GatewayKey, to: Vec<Address>) {
        if self.is_here() {
            self.subscribers.entry(gateway).or_default().extend(to.iter().cloned());
            // It may have changed on the way.
            self.pending().tell.entry(gateway).or_default().extend(to);
        }
    }
}
