//! Presence: the person's own, as told to the server, and that of foreign contacts.

use std::time::Duration;

use crosstalk_core::{Address, Audience, Availability, Event, Presence, RichText, UnixMillis};

use super::account::Account;
use super::away;
use super::context::Cx;
use super::verdict::Verdict;
use super::wire::kinds::{buddy, oservice};
use super::wire::message::EightBit;
use super::wire::snac::PUSHED;
use super::wire::user::{
    BART, CLASSES, IDLE, SIGNED_ON, STATUS, SUBSCRIPTIONS, read_status_text, status_text,
};
use super::wire::{Reader, Snac, UserInfo, Writer, find, message, user};
use crate::common::publication::{Publication, changes};
use crate::common::{html, presences};

/// The class of an ordinary user.
const ORDINARY: u16 = 0x0010;

/// Bits of ICQ's status.
mod icq {
    pub(super) const AWAY: u32 = 0x0001;
    pub(super) const DO_NOT_DISTURB: u32 = 0x0002;
    pub(super) const NOT_AVAILABLE: u32 = 0x0004;
    pub(super) const OCCUPIED: u32 = 0x0010;
    pub(super) const CHATTY: u32 = 0x0020;
    pub(super) const INVISIBLE: u32 = 0x0100;
}

/// Presence that the person told the server.
#[derive(Default)]
pub(super) struct OwnPresence {
    away: Option<RichText>,
    text: RichText,
    status: u32,
    idle_since: Option<UnixMillis>,
    online_since: Option<UnixMillis>,
    told: Option<Presence>,
    /// Who sees it, as the gateway was told.
    told_to: Audience,
    /// What of it has to be told.
    publication: Publication,
}

impl OwnPresence {
    /// Something may have changed of what others are told.
    pub(super) const fn touch(&mut self) {
        self.publication.touch();
    }

    pub(super) const fn signed_in(&mut self, now: UnixMillis) {
        self.online_since = Some(now);
    }

    /// Bytes that those who see it take.
    pub(super) fn weight(&self) -> usize {
        self.told_to.weight()
    }

    fn presence(&self) -> Presence {
        if self.status & icq::INVISIBLE != 0 {
            return Presence::offline();
        }
        // The strongest first: ICQ sets the bits of weaker states along (DND is 0x13, N/A 0x05).
        let has = |bits| self.status & bits != 0;
        let show = if has(icq::DO_NOT_DISTURB | icq::OCCUPIED) {
            Availability::Busy
        } else if has(icq::NOT_AVAILABLE) {
            Availability::ExtendedAway
        } else if has(icq::AWAY) || self.away.is_some() {
            Availability::Away
        } else if has(icq::CHATTY) {
            Availability::Chatty
        } else {
            Availability::Available
        };
        let text = self.away.clone().filter(|t| !t.is_empty()).unwrap_or_else(|| self.text.clone());
        Presence { show, text, idle_since: self.idle_since, online_since: self.online_since }
    }

    /// 02/04: the away text; an empty away text says that the person is back.
    fn read_away(&mut self, fields: &[u8], eight_bit: EightBit, now: UnixMillis) {
        const MIME: u16 = 0x0003;
        const AWAY: u16 = 0x0004;
        if let Some(away) = find(fields, AWAY) {
            let mime = find(fields, MIME).unwrap_or_default();
            let text = message::decode_mime_as(mime, away, eight_bit);
            let text = html::read(&away::filled(&text, Presence::READER, now));
            self.away = Some(presences::short(text)).filter(|_| !away.is_empty());
        }
    }

    /// 01/1e: status bits and status text.
    fn read_status(&mut self, fields: &[u8], eight_bit: EightBit) {
        if let Some(status) = find(fields, STATUS).and_then(|v| Reader::new(v).u32().ok()) {
            self.status = status;
        }
        if let Some(text) = find(fields, BART).and_then(read_status_text) {
            let text = html::read(&message::decode_eight_bit(text, eight_bit));
            self.text = presences::short(text);
        }
    }

    /// 01/11: how long the person has been idle, in seconds.
    fn read_idle(&mut self, body: &[u8], now: UnixMillis) {
        let seconds = Reader::new(body).u32().unwrap_or_default();
        let since = now.minus(Duration::from_secs(seconds.into()));
        self.idle_since = Some(since).filter(|_| seconds > 0);
    }
}

impl Account {
    /// Handles a SNAC in which the client tells the server the person's presence.
    pub(super) fn own_presence(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        let (now, eight_bit) = (cx.now.wall, self.eight_bit);
        match snac.kind() {
            oservice::IDLE_NOTIFICATION => self.own.read_idle(&snac.body, now),
            oservice::SET_NICK_INFO_FIELDS => self.own.read_status(&snac.body, eight_bit),
            _ => self.own.read_away(&snac.body, eight_bit, now),
        }
        Verdict::Forward
    }

    /// Tells the gateway of the person's presence, and of who sees it, if that changed: at the end of
    /// an input, which may change it many times.
    pub(super) fn tell_presence(&mut self, cx: &mut Cx<'_>) {
        if self.own.publication.take_at_end() {
            self.tell_changes(cx);
        }
    }

    /// The same before somebody is let see the person who is not to see what was before.
    pub(super) fn tell_presence_first(&mut self, cx: &mut Cx<'_>) {
        if self.own.publication.may_be_early() {
            if self.tell_changes(cx) {
                self.own.publication.was_early();
            }
        } else if self.own.told.as_ref().is_some_and(Presence::is_online) {
            // Until its end: an audience each time would be too much.
            self.own.touch();
            self.own.told = Some(Presence::offline());
            cx.emit(Event::Presence(Presence::offline()));
        }
    }

    /// Tells what changed, and returns whether it took work. Before the list is here nobody knows from
    /// whom the person hides.
    fn tell_changes(&mut self, cx: &mut Cx<'_>) -> bool {
        if !self.online || self.user().is_none() || self.list.is_awaited() {
            return false;
        }
        let changed = self.feedbag.take_audience_change() | self.client_lists.take_change();
        let audience = if changed { self.audience() } else { self.own.told_to.clone() };
        let before = std::mem::replace(&mut self.own.told_to, audience.clone());
        let presence = Some(self.own.presence()).filter(|new| self.own.told.as_ref() != Some(new));
        if let Some(presence) = &presence {
            self.own.told = Some(presence.clone());
        }
        let worked = presence.is_some() || changed && !audience.is_everybody();
        for event in changes(&before, audience, presence) {
            cx.emit(event);
        }
        worked
    }

    /// Keeps the presence of a contact. That of others is not asked for and not kept.
    pub(super) fn remember_presence(&mut self, of: Address, presence: Presence) {
        let known = !self.contacts.are_known() || self.contacts.get(&of).is_some();
        if known {
            self.theirs.insert(of, presence);
        }
    }

    /// Shows the presence of a foreign contact that the client has in its list.
    pub(super) fn show_presence(&mut self, of: &Address, cx: &mut Cx<'_>) {
        if !self.is_settled() || !(self.feedbag.lists(of) || self.watch.has(of)) {
            return;
        }
        let Some(presence) = self.theirs.get(of) else { return };
        let Some(name) = self.spelling(of, cx) else { return };
        let (kind, body) = match info_fields(presence, cx.now.wall) {
            Some(fields) => (buddy::ARRIVED, user_info(&name, &fields)),
            None => {
                (buddy::DEPARTED, user_info(&name, &Writer::new().tlv(CLASSES, [0, 0]).bytes()))
            }
        };
        cx.answer(kind, PUSHED, body);
        // An arrival makes libpurple forget whom it may tell of typing.
        if presence.is_online() {
            self.rearm_typing(of, cx);
        }
    }

    /// The fields that describe a contact to the client; `None` while it is offline.
    pub(super) fn presence_fields(&self, of: &Address, now: UnixMillis) -> Option<Vec<u8>> {
        info_fields(self.theirs.get(of)?, now)
    }
}

/// The user info block of one who has these fields.
pub(super) fn user_info(name: &str, tlvs: &[u8]) -> bytes::Bytes {
    UserInfo { name: name.as_bytes(), warning: 0, tlvs }.write(Writer::new()).bytes()
}

/// Every arrival replaces what an earlier one said, so all of it is said each time.
fn info_fields(presence: &Presence, now: UnixMillis) -> Option<Vec<u8>> {
    if !presence.is_online() {
        return None;
    }
    let away = presence.show < Availability::Available;
    let classes = if away { ORDINARY | user::AWAY } else { ORDINARY };
    let mut fields = Writer::new();
    if let Some(since) = presence.online_since {
        let seconds = u32::try_from(since.secs()).unwrap_or(u32::MAX);
        fields = fields.tlv(SIGNED_ON, seconds.to_be_bytes());
    }
    fields = fields.tlv(CLASSES, classes.to_be_bytes()).tlv(STATUS, [0; 4]);
    if let Some(since) = presence.idle_since {
        let minutes = u16::try_from(now.since(since).as_secs() / 60).unwrap_or(u16::MAX);
        fields = fields.tlv(IDLE, minutes.to_be_bytes());
    }
    let fields = fields.tlv(SUBSCRIPTIONS, [0; 4]).tlv(BART, status_text(shown_text(presence)));
    Some(fields.bytes().to_vec())
}

/// The status text, or the name of a state that clients have no sign for.
pub(super) fn shown_text(presence: &Presence) -> &str {
    match presence.show {
        Availability::Busy if presence.text.is_empty() => "Busy",
        _ => presence.text.text(),
    }
}
