//! Consent (RFC 6121, section 3): the subscription dialogue with foreign people.

use crosstalk_core::{
    Address, Body, Consent, Detail, Details, Event, Fault, Now, Outgoing, Output, RichText,
    RosterEdit,
};

use super::Jabber;
use super::jid;
use super::wire::ns;
use super::wire::xml::Element;

impl Jabber {
    /// Presence that the client directs at a foreign person.
    pub(super) fn presence_to(
        &mut self,
        now: Now,
        to: &Address,
        stanza: &Element,
        out: &mut Output,
    ) -> Result<(), Fault> {
        self.link.keep(out)?;
        let step = match stanza.attr("type") {
            Some("subscribe") => {
                self.list_unlisted(to, stanza.attr("to").unwrap_or_default(), out);
                Consent::Request(RichText::plain(stanza.text_of("status").unwrap_or_default()))
            }
            Some("subscribed") => Consent::Grant,
            Some("unsubscribed") => Consent::Revoke,
            Some("unsubscribe") => Consent::Cancel,
            Some("probe") => return self.show_presence(now, to, out),
            // Who may see the person's presence is a matter of consent, not of this stanza.
            _ => return Ok(()),
        };
        let nickname = stanza.get("nick", ns::NICK).and_then(|nick| Detail::new(&nick.text()));
        let details = Details { nickname, ..Details::default() }.boxed();
        self.send_with(to, Body::Contact(step), details, out);
        Ok(())
    }

    /// Lists a contact that the client asks, since that one is in its list from then on (RFC 6121,
    /// section 3.1.2), as the client spells it.
    fn list_unlisted(&mut self, address: &Address, typed: &str, out: &mut Output) {
        if let Some(account) = self.account.as_ref().filter(|p| !p.lists(address)) {
            let typed = jid::bare(typed).to_lowercase();
            let spelling = match self.naming.accept(&typed, address) {
                Some(typed) => typed.to_owned(),
                None => account.bare_of(&self.naming, address),
            };
            let (address, groups) = (address.clone(), Vec::new());
            out.emit(Event::Roster(RosterEdit::List { address, spelling, alias: None, groups }));
        }
    }

    /// A foreign person's step.
    pub(super) fn consent_from(
        &mut self,
        from: &Address,
        step: &Consent,
        nickname: Option<&Detail>,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let Some(account) = &self.account else { return Ok(()) };
        let (kind, words) = match step {
            Consent::Request(words) => ("subscribe", Some(words)),
            Consent::Grant => ("subscribed", None),
            Consent::Revoke => ("unsubscribed", None),
            Consent::Cancel => ("unsubscribe", None),
        };
        let mut stanza = Element::new("presence", ns::CLIENT)
            .with("type", kind)
            .with("from", account.bare_of(&self.naming, from))
            .with("to", account.bare());
        if let Some(words) = words {
            let nickname = nickname.map_or(from.local(), Detail::as_str);
            if !words.is_empty() {
                stanza.push(Element::new("status", ns::CLIENT).say(words.text()));
            }
            stanza.push(Element::new("nick", ns::NICK).say(nickname));
        }
        self.link.say(&stanza, out)
    }

    /// Sends something to a foreign person.
    pub(super) fn send(&mut self, to: &Address, body: Body, out: &mut Output) {
        self.send_with(to, body, None, out);
    }

    fn send_with(
        &mut self,
        to: &Address,
        body: Body,
        details: Option<Box<Details>>,
        out: &mut Output,
    ) {
        let id = self.context.ids.next_id();
        out.emit(Event::Send(Outgoing { id, to: to.clone(), body, details }));
    }
}
