//! The control contact: a contact that is always there, and answers commands.

use crosstalk_core::{
    Address, Body, Consent, Contact, Envelope, Failure, Outgoing, RichText, Roster, RosterEdit,
    Subscription,
};

use crate::account::Account;
use crate::cx::Cx;
use crate::ids::SessionId;
use crate::pace::ANSWERS;
use crate::roster_edits::list;
use crate::settings::{Action, Full, Reply, Service, Settings, View};
use crate::state_updates::StateUpdate;

/// Name of the control contact, and the group it stands in.
const TITLE: &str = "CrossTalk";

/// Whether the account itself answers for `address`: it is there wherever the person is, no gateway
/// is asked for it, and none may speak in its name.
pub(crate) fn answers_for(address: &Address) -> bool {
    address.is_control()
}

/// The control contact, if there is one: then it is always online.
pub(crate) fn online(settings: &Settings) -> Option<Address> {
    settings.control.then(Address::control)
}

/// The list as clients see it: the stored one and the control contact.
pub(crate) fn shown_roster(settings: &Settings, stored: &Roster) -> Roster {
    let mut roster = stored.clone();
    let control = shown_control(settings, stored.contact(&Address::control()));
    roster.put(control, stored.stamp());
    roster
}

/// The control contact as clients see it. One that the owner removed is stored as blocked, and
/// stays away; it still answers.
pub(crate) fn shown_control(settings: &Settings, stored: Option<&Contact>) -> Contact {
    let address = Address::control();
    let spelling = settings.names.universal(&address);
    let mut contact = Contact::new(address, spelling);
    if settings.control && stored.is_none_or(|c| !c.blocked) {
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

impl<A> Account<A> {
    pub(crate) fn edit_control(&mut self, cx: &mut Cx<'_, A>, edit: RosterEdit) -> bool {
        self.change(cx, &Address::control(), |contact| match edit {
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
    pub(crate) fn command(&mut self, cx: &mut Cx<'_, A>, session: SessionId, outgoing: Outgoing) {
        let envelope = self.envelope(cx, outgoing);
        if !cx.settings.control {
            return self.undelivered(cx, &envelope, Some(session), Failure::NoSuchUser);
        }
        match &envelope.body {
            Body::Text { text, auto: false } => {
                let now = cx.now.instant;
                if !self.pace(now).answers.take(now, ANSWERS, 1) {
                    return self.undelivered(cx, &envelope, Some(session), Failure::Busy);
                }
                if !cx.settings.service.hides(text.text()) {
                    self.carbon(cx, session, &envelope);
                }
                self.answer(cx, session, text.text());
            }
            Body::Contact(Consent::Request(_)) if self.session(session).is_some() => {
                let grant = self.unasked(cx, &envelope.to, Body::Contact(Consent::Grant));
                cx.mail(session, grant);
                self.update_one(cx, session, StateUpdate::Presence(envelope.to));
            }
            _ => {}
        }
    }

    fn answer(&mut self, cx: &mut Cx<'_, A>, session: SessionId, command: &str) {
        let reply = self.ask_service(cx, |service, view| service.answer(command, view));
        let Some(reply) = reply else { return };
        let say = self.do_and_say(cx, session, reply);
        let envelope = self.said_by_control(cx, say);
        self.deliver_to_all(cx, &envelope, Some(session), None);
    }

    /// What the service says of a command of the person, whose list is there.
    pub(crate) fn ask_service<T>(
        &self,
        cx: &Cx<'_, A>,
        ask: impl FnOnce(&dyn Service, &View<'_>) -> T,
    ) -> Option<T> {
        let view = View {
            user: &self.user,
            names: &cx.settings.names,
            roster: self.roster.as_ref()?,
            presence: &|contact| self.presence_of(cx.settings, contact),
            now: cx.now.wall,
        };
        Some(ask(&*cx.settings.service, &view))
    }

    /// Takes the actions of a reply to a session. Returns its words, or those for what could not be
    /// done.
    pub(crate) fn do_and_say(
        &mut self,
        cx: &mut Cx<'_, A>,
        session: SessionId,
        reply: Reply,
    ) -> RichText {
        let mut say = reply.say;
        for action in reply.act {
            match action {
                Action::Settings(settings) => {
                    if let Err(full) = self.set(cx, settings) {
                        say = cx.settings.service.not_changed(full);
                    }
                }
                Action::Records(request) => self.request_records(cx, session, request),
                Action::Errand { about, words } => self.give_errand(cx, about, words),
                Action::Dismiss(about) => {
                    if let Some(errands) = &mut self.outward.errands {
                        errands.dismiss(&about);
                    }
                }
                Action::Edit(edit) => self.edit(cx, edit),
                Action::Consent(to, step) => {
                    let (id, body) = (cx.next_id(), Body::Contact(step));
                    self.consent(cx, None, Outgoing { id, to, body, details: None });
                }
            }
        }
        say
    }

    pub(crate) fn said_by_control(&self, cx: &mut Cx<'_, A>, text: RichText) -> Envelope {
        let body = Body::Text { text, auto: false };
        cx.envelope(Address::control(), self.user.clone(), body)
    }

    /// Says why a list was not changed, a few times a minute at most.
    pub(crate) fn say_full(&mut self, cx: &mut Cx<'_, A>, full: Full) {
        let (cost, now) = (10, cx.now.instant);
        if cx.settings.control && self.pace(now).answers.take(now, ANSWERS, cost) {
            let envelope = self.said_by_control(cx, cx.settings.service.not_changed(full));
            self.deliver_to_all(cx, &envelope, None, None);
        }
    }

    /// Puts in words what a session's client cannot show.
    pub(crate) fn say_unshown(
        &mut self,
        cx: &mut Cx<'_, A>,
        session: SessionId,
        envelope: &Envelope,
    ) {
        if !cx.settings.control || self.session(session).is_none() {
            return;
        }
        let name = self.spelling(cx.settings, &envelope.from);
        for words in cx.settings.service.in_words(envelope, &name) {
            let body = Body::Text { text: words, auto: false };
            let mail = self.unasked(cx, &Address::control(), body);
            cx.mail(session, mail);
        }
    }
}
