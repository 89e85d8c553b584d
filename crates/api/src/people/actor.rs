//! The task of a person: takes the mail of the account, as an engine does for a client.

use std::sync::{Arc, Weak};
use std::time::Instant;

use crosstalk_core::{self as core, Address, Body, Envelope, EnvelopeId};
use crosstalk_gateway::mail::{DeliveryReceipt, Fate, Mail, Mails};
use tokio::time::sleep_until;

use super::saying::Said;
use super::{People, Person, is_over};
use crate::content::{Contact, Event, reason};
use crate::lock::lock;
use crate::state::now;
use crate::store::ToKeep;

/// The most mail that is taken at a time: all of it is one write to the disk.
const BATCH: usize = 64;

/// What others were told last.
#[derive(Default)]
struct Told {
    takes: bool,
    presence: core::Presence,
}

/// Events that wait to be written, and the deliveries that they are.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) events: Vec<ToKeep>,
    receipts: Vec<DeliveryReceipt>,
}

/// Runs until nobody uses the person any more.
pub(super) async fn run(person: Arc<Person>, mut mails: Mails, people: Weak<People>) {
    let mut told = Told::default();
    loop {
        refresh(&person, &mut told, is_over(&people));
        let gone = people.upgrade().is_none_or(|people| people.release(&person, Instant::now()));
        if gone {
            return;
        }
        tokio::select! {
            mail = mails.recv() => {
                let Some(mail) = mail else { return };
                take(&person, *mail, &mut mails, told.takes).await;
            }
            () = person.wake.notified() => {}
            () = sleep_until(person.deadline(Instant::now()).into()) => {}
        }
    }
}

/// Tells the account what others are to see, where that has changed.
fn refresh(person: &Person, told: &mut Told, is_over: bool) {
    let shown = person.shown(Instant::now(), is_over);
    // Who is seen takes what is said: the one goes before the other, both ways.
    if shown.takes && !told.takes {
        person.handle.takes_texts(true);
    }
    if shown.presence != told.presence {
        person.handle.take(core::Event::Presence(shown.presence.clone()));
    }
    if !shown.takes && told.takes {
        person.handle.takes_texts(false);
    }
    *told = Told { takes: shown.takes, presence: shown.presence };
}

/// Takes a piece of mail and those behind it.
async fn take(person: &Person, first: Mail, mails: &mut Mails, takes: bool) {
    let mut waiting = Waiting::default();
    let mut mail = first;
    for taken in 1.. {
        person.hear(mail, takes, &mut waiting);
        if taken == BATCH || mails.is_empty() {
            break;
        }
        let Some(next) = mails.recv().await else { break };
        mail = *next;
    }
    person.keep(waiting).await;
}

impl Person {
    fn hear(&self, mail: Mail, takes: bool, waiting: &mut Waiting) {
        match mail {
            Mail::Roster(roster) => {
                // The control contact answers people who type, and is none that programs have.
                let contacts = roster.contacts().filter(|c| !c.address.is_control());
                let contacts = contacts.map(|c| (c.address.clone(), c.clone())).collect();
                lock(&self.inner).contacts = contacts;
                self.is_loaded.send_replace(true);
            }
            Mail::Changed(contact) if contact.address.is_control() => {}
            Mail::Changed(contact) => self.changed(contact),
            Mail::Deliver(envelope, receipt) => self.deliver(envelope, receipt, takes, waiting),
            Mail::Presence { of, presence } => self.presence(&of, presence),
            Mail::Accepted(id, Fate::Delivered) => {
                self.settle(id, Said::Delivered);
            }
            Mail::Accepted(id, Fate::Kept { .. }) => {
                self.settle(id, Said::Kept);
            }
            // Of other sessions of the person: all programs have this one.
            Mail::Delivered(_) | Mail::Carbon(_) => {}
        }
    }

    /// A contact is so now.
    fn changed(&self, contact: core::Contact) {
        let address = contact.address.clone();
        let mut inner = lock(&self.inner);
        let event = Contact::of(&contact, inner.presence.get(&address));
        if contact.is_empty() {
            inner.contacts.remove(&address);
            inner.presence.remove(&address);
        } else {
            inner.contacts.insert(address.clone(), contact);
        }
        for (_, waiting) in inner.edits.extract_if(.., |(of, _)| *of == address) {
            let _ = waiting.send(());
        }
        drop(inner);
        self.show(Event::Contact(event));
    }

    /// Tells the streams that are there how something stands.
    fn show(&self, event: Event) {
        // Nobody may listen.
        let _ = self.live.send(Arc::new(event));
    }

    pub(super) fn deliver(
        &self,
        envelope: Envelope,
        receipt: DeliveryReceipt,
        takes: bool,
        waiting: &mut Waiting,
    ) {
        let Envelope { id, from, body, sent_at, details, .. } = envelope;
        // Another gateway's clock may be wrong, or made up: nothing was said later than now.
        let sent_at = sent_at.min(now()).0;
        let event = match body {
            Body::Typing(state) => {
                return self.show(Event::Typing { from: from.to_string(), state: state.into() });
            }
            Body::Receipt { of, displayed } => {
                let (from, message) = (from.to_string(), of.to_string());
                return self.show(Event::Receipt { from, message, displayed });
            }
            // How the contact stands says it.
            Body::Contact(_) => return receipt.done(),
            Body::Undelivered { of, why } => {
                if self.settle(of, Said::Undelivered(why)) {
                    return receipt.done();
                }
                let detail = why.to_string();
                let (to, message, reason) = (from.to_string(), of.to_string(), reason(why).into());
                Event::Undelivered { to, message, reason, detail }
            }
            // It came while it was still taken; its gateway keeps it, or says so.
            Body::Text { .. } | Body::Attention if receipt.is_awaited() && !takes => return,
            Body::Attention => Event::Nudge { from: from.to_string(), sent_at },
            Body::Text { text, auto } => {
                let details = details.unwrap_or_default();
                let word = |detail: crosstalk_core::Detail| detail.as_str().to_owned();
                Event::Message {
                    from: from.to_string(),
                    message: details.message_id.map_or_else(|| id.to_string(), word),
                    text: (&text).into(),
                    sent_at,
                    auto,
                    replaces: details.replaces.map(word),
                }
            }
        };
        self.queue(id, &event, receipt, waiting);
    }

    fn presence(&self, from: &Address, mut presence: core::Presence) {
        presence.fill_in(&self.who().clone());
        let mut inner = lock(&self.inner);
        if presence.is_online() {
            inner.presence.insert(from.clone(), presence);
        } else {
            inner.presence.remove(from);
        }
        let contact = inner.contacts.get(from).map(|c| Contact::of(c, inner.presence.get(from)));
        drop(inner);
        if let Some(contact) = contact {
            self.show(Event::Contact(contact));
        }
    }

    /// Has an event written, unless it was already, before its sender heard so.
    fn queue(
        &self,
        of: EnvelopeId,
        event: &Event,
        receipt: DeliveryReceipt,
        waiting: &mut Waiting,
    ) {
        let is_new = lock(&self.inner).log.known.insert(of);
        if !is_new {
            // It may be among those that are not written yet, so it is done with them.
            return waiting.receipts.push(receipt);
        }
        let json = serde_json::to_vec(event).unwrap_or_default();
        waiting.events.push(ToKeep { of, json });
        waiting.receipts.push(receipt);
    }

    /// Writes what waits, and only then says that it is taken.
    async fn keep(&self, Waiting { events, receipts }: Waiting) {
        let _turn = self.writing.lock().await;
        let newest = lock(&self.inner).log.newest;
        let bytes: usize = events.iter().map(|event| event.json.len()).sum();
        let (count, ids) = (events.len() as u64, events.iter().map(|e| e.of).collect::<Vec<_>>());
        if count > 0
            && let Err(error) = self.store.keep(self.who(), newest, events).await
        {
            tracing::error!(user = %self.who(), %error, "events cannot be kept for programs");
            let mut inner = lock(&self.inner);
            for id in &ids {
                inner.log.known.remove(id);
            }
            // Dropped receipts say that nobody has it: its sender's gateway keeps it, or says so.
            return;
        }
        let mut inner = lock(&self.inner);
        // Once more: the log may have been read anew since they were heard.
        inner.log.known.extend(ids);
        inner.log.newest = newest + count;
        inner.log.bytes += bytes;
        drop(inner);
        if count > 0 {
            self.newest.send_replace(newest + count);
        }
        receipts.into_iter().for_each(DeliveryReceipt::done);
    }
}
