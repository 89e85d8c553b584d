//! The control contact: a contact that is always there, and the person behind it.

use std::time::Instant;

use crosstalk_core::{
    Address, Body, Consent, Contact, Envelope, Failure, Outgoing, Presence, Roster, RosterEdit,
    Subscription,
};
use crosstalk_overlay::Full;
use crosstalk_services::{Action, View};

use super::consent::list;
use super::notes::Note;
use super::person::Person;
use super::strangers::ANSWERS;
use super::{Hub, now};

/// What the control contact is called, and the group it stands in.
const TITLE: &str = "CrossTalk";

/// The list as clients see it: the stored one and the control contact.
pub(super) fn shown_roster(hub: &Hub, stored: &Roster) -> Roster {
    let mut roster = stored.clone();
    let control = shown_control(hub, stored.contact(&Address::control()));
    roster.put(control, stored.stamp());
    roster
}

/// The control contact as clients see it. One that the owner removed is stored as blocked, and
/// stays away; it still answers.
fn shown_control(hub: &Hub, stored: Option<&Contact>) -> Contact {
    let address = Address::control();
    let spelling = hub.names.universal(&address);
    let mut contact = Contact::new(address, spelling);
    if hub.options.control && stored.is_none_or(|c| !c.blocked) {
        contact.listed = true;
        (contact.to, contact.from) = (Subscription::Granted, Subscription::Granted);
        contact.alias = stored.map_or(Some(TITLE.into()), |c| c.alias.clone());
        contact.groups = stored.map_or(vec![TITLE.into()], |c| c.groups.clone());
        if let Some(stored) = stored {
            contact.spelling.clone_from(&stored.spelling);
        }
    }
    contact
}

impl Person {
    /// A contact as clients see it; blank if there is none.
    pub(super) fn shown_contact(&self, hub: &Hub, address: &Address) -> Contact {
        match self.contact(address) {
            stored if address.is_control() => shown_control(hub, stored),
            Some(contact) => contact.clone(),
            None => Contact::new(address.clone(), hub.names.universal(address)),
        }
    }

    /// What the person sees of a contact.
    pub(super) fn presence_of(&self, hub: &Hub, contact: &Address) -> Presence {
        if contact.is_control() && hub.options.control {
            Presence::available()
        } else {
            self.heard.of(contact)
        }
    }

    /// How the person is shown `address`.
    pub(super) fn spelling(&self, hub: &Hub, address: &Address) -> String {
        match self.contact(address) {
            Some(contact) => contact.spelling.clone(),
            None => hub.names.universal(address),
        }
    }

    pub(super) fn edit_control(&mut self, hub: &Hub, edit: RosterEdit) -> bool {
        self.change(hub, &Address::control(), |contact| match edit {
            RosterEdit::List { spelling, alias, groups, .. } => {
                contact.blocked = false;
                list(contact, spelling, alias, groups);
            }
            RosterEdit::Remove(_) | RosterEdit::Block(_, true) => {
                (contact.listed, contact.blocked) = (false, true);
            }
            RosterEdit::Block(_, false) => contact.blocked = false,
        })
    }

    /// Acts on what the person says to the control contact. What a client says on its own is
    /// never answered.
    pub(super) fn command(&mut self, hub: &Hub, number: u64, outgoing: Outgoing) {
        let envelope = self.envelope(outgoing);
        if !hub.options.control {
            return self.undelivered(hub, &envelope, Some(number), Failure::NoSuchUser);
        }
        match &envelope.body {
            Body::Text { text, auto: false } => {
                if !self.answers.take(Instant::now(), ANSWERS, 1) {
                    return self.undelivered(hub, &envelope, Some(number), Failure::Busy);
                }
                self.carbon(hub, number, &envelope);
                self.answer(hub, number, text.text());
            }
            Body::Contact(Consent::Request(_)) => {
                let grant = self.deliver(hub, &envelope.to, Body::Contact(Consent::Grant));
                if let Some(session) = self.session(number) {
                    session.try_send(hub, grant);
                }
                self.post_to(hub, number, Note::Presence(envelope.to));
            }
            _ => {}
        }
    }

    fn answer(&mut self, hub: &Hub, number: u64, command: &str) {
        let Some(roster) = &self.roster else { return };
        let view = View {
            user: &self.user,
            names: &hub.names,
            roster,
            presence: &|contact| self.presence_of(hub, contact),
            now: now(),
        };
        let answer = crosstalk_services::answer(command, &view);
        for action in answer.act {
            match action {
                Action::Edit(edit) => self.edit(hub, edit),
                Action::Consent(to, step) => {
                    let body = Body::Contact(step);
                    self.consent(
                        hub,
                        None,
                        Outgoing { id: hub.next_id(), to, body, details: None },
                    );
                }
            }
        }
        let body = Body::Text { text: answer.say.into(), auto: false };
        let envelope = hub.envelope(Address::control(), self.user.clone(), body);
        self.deliver_to_all(hub, &envelope, Some(number), Default::default);
    }

    /// Says why a list was not changed, a few times a minute at most.
    pub(super) fn say_full(&mut self, hub: &Hub, full: Full) {
        let cost = 10;
        if hub.options.control && self.answers.take(Instant::now(), ANSWERS, cost) {
            let words = match full {
                Full::Domain => crosstalk_services::domain_is_full(),
                Full::Disk => crosstalk_services::disk_is_full(),
            };
            let body = Body::Text { text: words.into(), auto: false };
            let envelope = hub.envelope(Address::control(), self.user.clone(), body);
            self.deliver_to_all(hub, &envelope, None, Default::default);
        }
    }

    /// Puts in words what a session's client cannot show.
    pub(super) fn say_unshown(&mut self, hub: &Hub, number: u64, envelope: &Envelope) {
        let name = self.spelling(hub, &envelope.from);
        for words in crosstalk_services::in_words(envelope, &name) {
            let body = Body::Text { text: words.into(), auto: false };
            let mail = self.deliver(hub, &Address::control(), body);
            if let Some(session) = self.session(number).filter(|_| hub.options.control) {
                session.try_send(hub, mail);
            }
        }
    }
}
