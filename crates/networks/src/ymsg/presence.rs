//! Presence, of the person and of foreign contacts.

use std::collections::BTreeSet;

use crosstalk_core::{
    Address, Audience, Availability, Event, MAX_CONTACTS, Presence, RichText, UnixMillis,
};

use super::account::ANSWER;
use super::account::Account;
use super::context::Cx;
use super::messages::pieces;
use super::wire::{Draft, Packet, key, service};
use crate::common::publication::{Publication, changes};
use crate::common::weight;

/// Statuses, in key 10.
const AVAILABLE: u32 = 0;
const BUSY: u32 = 2;
const ON_THE_PHONE: u32 = 6;
const ON_VACATION: u32 = 7;
const INVISIBLE: u32 = 12;
const CUSTOM: u32 = 99;
const IDLE: u32 = 999;
/// Words of clients for the statuses from 1 on.
const WORDS: [&str; 9] = [
    "Be right back",
    "Busy",
    "Not at home",
    "Not at my desk",
    "Not in the office",
    "On the phone",
    "On vacation",
    "Out to lunch",
    "Stepped out",
];
/// Values of key 47 for a custom status.
const IS_AWAY: u32 = 1;
const IS_IDLE: u32 = 2;
/// Values of key 13 in [`service::VISIBLE_TOGGLE`].
const HIDE: u32 = 2;

/// The person's own presence.
#[derive(Default)]
pub(super) struct Own {
    status: u32,
    text: String,
    /// Key 47.
    away: u32,
    idle_since: Option<UnixMillis>,
    /// Invisible, whatever the status is.
    hidden: bool,
    /// Those who see the person while invisible, and the bytes of their names.
    shown_to: BTreeSet<Address>,
    shown_bytes: usize,
    /// Who sees the presence, as the gateway was told.
    told_to: Audience,
    /// Whether the presence that the gateway was told last is one of somebody online.
    told_online: bool,
    /// What of it has to be told.
    publication: Publication,
}

impl Own {
    /// The status in the header of the client's proof.
    pub(super) fn begin(&mut self, status: u32) {
        self.hidden = status == INVISIBLE;
        self.status = if (1..=9).contains(&status) { status } else { AVAILABLE };
    }

    /// Something may have changed of what others are told. Who becomes visible shows to everybody
    /// again.
    pub(super) fn touch(&mut self) {
        self.publication.touch();
        if !self.is_invisible() {
            self.shown_to.clear();
            self.shown_bytes = 0;
        }
    }

    /// Shows the person to somebody while invisible, or no longer.
    pub(super) fn show_to(&mut self, who: Address, shows: bool) {
        let bytes = weight::of_address(&who);
        if !shows {
            if self.shown_to.remove(&who) {
                self.shown_bytes -= bytes;
            }
        } else if self.shown_to.len() < MAX_CONTACTS && self.shown_to.insert(who) {
            self.shown_bytes += bytes;
        }
    }

    /// Bytes that those who see it take. Each stands among those whom the gateway was told of, too.
    pub(super) fn weight(&self) -> usize {
        2 * self.shown_bytes + self.told_to.weight()
    }

    const fn is_invisible(&self) -> bool {
        self.hidden || self.status == INVISIBLE
    }

    /// What others have to be told of it and of who sees it.
    fn tell(&mut self) -> impl Iterator<Item = Event> + use<> {
        let audience = if self.is_invisible() {
            Audience::only(self.shown_to.clone())
        } else {
            Audience::everybody()
        };
        // Nobody needs no audience: the presence is offline.
        let audience = if audience.is_nobody() { self.told_to.clone() } else { audience };
        let before = std::mem::replace(&mut self.told_to, audience.clone());
        let presence = self.presence();
        self.told_online = presence.is_online();
        changes(&before, audience, Some(presence))
    }

    /// Offline until others are told again, if they were told too often within this input and not of
    /// the last change.
    fn hide_for_now(&mut self) -> Option<Presence> {
        let hides = self.publication.is_touched() && std::mem::take(&mut self.told_online);
        hides.then(Presence::offline)
    }

    fn presence(&self) -> Presence {
        if self.is_invisible() && self.shown_to.is_empty() {
            return Presence::offline();
        }
        let (show, text) = match self.status {
            BUSY | ON_THE_PHONE => (Availability::Busy, self.word()),
            ON_VACATION => (Availability::ExtendedAway, self.word()),
            1..=9 => (Availability::Away, self.word()),
            CUSTOM if self.away == IS_AWAY => (Availability::Away, self.text.as_str()),
            _ => (Availability::Available, self.text.as_str()),
        };
        let (text, idle_since) = (RichText::plain(text), self.idle_since);
        Presence { show, text, idle_since, online_since: None }
    }

    fn word(&self) -> &'static str {
        let at = usize::try_from(self.status).ok().and_then(|status| status.checked_sub(1));
        at.and_then(|at| WORDS.get(at)).copied().unwrap_or_default()
    }
}

impl Account {
    /// 0x03, 0x04 and, since version 11, 0xC6: `10=status 19=text 47=kind`.
    pub(super) fn status_out(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
        let own = &mut self.own;
        let status = packet.number(key::STATUS).unwrap_or(AVAILABLE);
        if packet.service != service::STATUS_UPDATE {
            // These clients come out of hiding by another status.
            own.hidden = false;
        }
        let text = cx
            .link
            .charset
            .read(packet.first(key::STATUS_TEXT).unwrap_or_default(), packet.number(key::UTF8));
        pieces::front(&text, pieces::MAX_STATUS).clone_into(&mut own.text);
        own.away = packet.number(key::AWAY).unwrap_or_default();
        own.status = status;
        let idle = status == IDLE || own.away == IS_IDLE;
        own.idle_since = idle.then(|| own.idle_since.unwrap_or(cx.now.wall));
        self.own.touch();
    }

    /// 0xC5: `13=2` to be invisible, 1 to be seen.
    pub(super) fn visible_out(&mut self, packet: &Packet) {
        self.own.hidden = packet.number(key::FLAG) == Some(HIDE);
        self.own.touch();
    }

    /// Tells others what may have changed: at the end of an input, which may change it many times.
    pub(super) fn tell_presence(&mut self, cx: &mut Cx<'_>) {
        if self.sign_on.user().is_some() && self.own.publication.take_at_end() {
            self.tell_changes(cx);
        }
    }

    /// The same before somebody is let see the person who is not to see what was before.
    pub(super) fn tell_presence_first(&mut self, cx: &mut Cx<'_>) {
        if self.sign_on.user().is_none() {
            return;
        }
        if self.own.publication.take_touched_early() {
            self.tell_changes(cx);
        } else if let Some(presence) = self.own.hide_for_now() {
            // Until its end: an audience each time would be too much.
            cx.emit(Event::Presence(presence));
        }
    }

    fn tell_changes(&mut self, cx: &mut Cx<'_>) {
        for event in self.own.tell() {
            cx.emit(event);
        }
    }

    /// A foreign contact's presence.
    pub(super) fn presence_in(&mut self, of: &Address, presence: &Presence, cx: &mut Cx<'_>) {
        let was = self.presences.remove(of);
        if presence.is_online() {
            self.presences.insert(of.clone(), presence.clone());
        }
        let shown = self.name(of, cx).filter(|_| self.list.shown.contains_key(of));
        match shown {
            Some(name) if presence.is_online() => self.show(&name, presence, was, cx),
            Some(name) if was => cx.show(offline(&name)),
            _ => {}
        }
    }

    /// Shows a contact online.
    pub(super) fn show(&self, name: &str, presence: &Presence, was_online: bool, cx: &mut Cx<'_>) {
        if !self.is_greeted {
            return;
        }
        let (status, text, away) = written(presence);
        let is_plain = status == AVAILABLE;
        let service = match (cx.link.is_new(), was_online) {
            (true, _) => service::STATUS_15,
            (false, false) => service::LOGON,
            (false, true) if is_plain => service::IS_BACK,
            (false, true) => service::IS_AWAY,
        };
        let mut draft = Draft::new(service, ANSWER).with(key::ACCOUNT, &self.me);
        if cx.link.is_new() {
            draft = draft.with(key::BEGIN_LIST, "315").with(key::BEGIN_ENTRY, "315");
        }
        draft = draft
            .with(key::BUDDY, name)
            .with(key::STATUS, status.to_string())
            .with(key::SESSION, "0");
        if status == CUSTOM {
            draft = cx.link.write(draft, key::STATUS_TEXT, &text);
        }
        // Clients take whoever is idle for away as well where both are said.
        if !is_plain && status != IDLE {
            draft = draft.with(key::AWAY, away.to_string());
        }
        if let Some(since) = presence.idle_since {
            draft = draft.with(key::IDLE, cx.now.wall.since(since).as_secs().to_string());
        }
        draft = draft.with(key::IN_CHAT, "0").with(key::FLAG, "1");
        cx.show(if cx.link.is_new() {
            draft.with(key::END_ENTRY, "315").with(key::END_LIST, "315")
        } else {
            draft
        });
    }
}

/// Packet that shows a contact offline.
pub(super) fn offline(name: &str) -> Draft {
    let draft = Draft::new(service::LOGOFF, ANSWER).with(key::BUDDY, name).with(key::STATUS, "0");
    draft.with(key::SESSION, "0").with(key::IN_CHAT, "0").with(key::FLAG, "0")
}

/// The status, the text and the kind that Yahoo has for a presence.
fn written(presence: &Presence) -> (u32, String, u32) {
    let text = pieces::front(presence.text.text(), pieces::MAX_STATUS).replace('\n', " ");
    let is_idle = presence.idle_since.is_some();
    let away = !matches!(presence.show, Availability::Available | Availability::Chatty);
    let kind = if is_idle { IS_IDLE } else { u32::from(away) };
    let status = match presence.show {
        // Clients show words with a custom status alone.
        _ if !text.is_empty() => CUSTOM,
        Availability::Busy => BUSY,
        Availability::Away | Availability::ExtendedAway => return (CUSTOM, "Away".into(), kind),
        _ if is_idle => IDLE,
        _ => AVAILABLE,
    };
    (status, text, kind)
}
