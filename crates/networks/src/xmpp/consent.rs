//! Consent (RFC 6121, section 3): the subscription dialogue with foreign people.

use crosstalk_core::{
    Address, Body, Consent, Detail, Details, Event, Fault, Outgoing, RichText, RosterEdit,
};

use super::account::Account;
use super::context::Cx;
use super::jid;
use super::wire::ns;
use super::wire::xml::Element;

impl Account {
    /// Presence that the client directs at a foreign person.
    pub(super) fn presence_to(
        &mut self,
        to: &Address,
        stanza: &Element,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        cx.keep()?;
        let step = match stanza.attr("type") {
            Some("subscribe") => {
                // Before the request: the answer is of somebody in the list.
                self.list_unlisted(to, stanza.attr("to").unwrap_or_default(), cx);
                Consent::Request(RichText::plain(stanza.text_of("status").unwrap_or_default()))
            }
            Some("subscribed") => {
                self.publish_first(cx);
                Consent::Grant
            }
            Some("unsubscribed") => Consent::Revoke,
            Some("unsubscribe") => Consent::Cancel,
            Some("probe") => return self.show_presence(to, cx),
            None | Some("unavailable") => return self.direct(to, stanza, cx),
            _ => return Ok(()),
        };
        let nickname = stanza.get("nick", ns::NICK).and_then(|nick| Detail::new(&nick.text()));
        let details = Details { nickname, ..Details::default() }.boxed();
        let (id, body) = (cx.context.ids.next_id(), Body::Contact(step));
        cx.emit(Event::Send(Outgoing { id, to: to.clone(), body, details }));
        Ok(())
    }

    /// Lists a contact that the client asks, since that one is in its list from then on (RFC 6121,
    /// section 3.1.2), as the client spells it.
    fn list_unlisted(&self, address: &Address, typed: &str, cx: &mut Cx<'_>) {
        if self.lists(address) {
            return;
        }
        let naming = &cx.link.naming;
        let typed = jid::bare(typed).to_lowercase();
        let typed = naming.accept(&typed, address).map(str::to_owned);
        let spelling = typed.unwrap_or_else(|| self.bare_of(naming, address));
        let (address, groups) = (address.clone(), Vec::new());
        cx.edit(RosterEdit::List { address, spelling, alias: None, groups });
    }

    /// A foreign person's step.
    pub(super) fn consent_from(
        &self,
        from: &Address,
        step: &Consent,
        nickname: Option<&Detail>,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let (kind, words) = match step {
            Consent::Request(words) => ("subscribe", Some(words)),
            Consent::Grant => ("subscribed", None),
            Consent::Revoke => ("unsubscribed", None),
            Consent::Cancel => ("unsubscribe", None),
        };
        let mut stanza = Element::new("presence", ns::CLIENT)
            .with("type", kind)
            .with("from", self.bare_of(&cx.link.naming, from))
            .with("to", self.bare());
        if let Some(words) = words {
            let nickname = nickname.map_or(from.local(), Detail::as_str);
            if !words.is_empty() {
                stanza.push(Element::new("status", ns::CLIENT).say(words.text()));
            }
            stanza.push(Element::new("nick", ns::NICK).say(nickname));
        }
        cx.say(&stanza)
    }
}
