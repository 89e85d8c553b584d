//! Instant messages, typing and their failures.

use std::time::Duration;

use crosstalk_core::{
    Address, Body, Envelope, EnvelopeId, Event, Failure, NameClass, Presence, RichText, Typing,
};

use super::conversations::Sent;
use super::pieces;
use crate::common::html;
use crate::oscar::account::Account;
use crate::oscar::away;
use crate::oscar::content::{self, Content};
use crate::oscar::context::Cx;
use crate::oscar::verdict::Verdict;
use crate::oscar::wire::code;
use crate::oscar::wire::kinds::icbm;
use crate::oscar::wire::message::{
    self, ACK, AUTO, CHANNEL_PLAIN as PLAIN, Head, OFFLINE, SENT, TEXT, WANTS_TYPING,
};
use crate::oscar::wire::{Reader, Snac, UserInfo, Writer, find};

/// Time for which a client remembers a request, so that an error can be joined to it.
const MEMORY: Duration = Duration::from_mins(1);
/// The most messages whose failure can be joined to them.
const MAX_SENT: usize = 64;
/// The most people a client is told to want typing notices.
const MAX_PARTNERS: usize = 512;
/// The largest SNAC with a message that official clients take, unless they say less in 04/02; and
/// what they say at least that they take. libpurple takes nearly a whole frame, whatever it says.
const MOST: usize = 8_000;
const LEAST: usize = 1_000;
const MOST_LIBPURPLE: usize = 60_000;
/// Bytes around the HTML of a text: TLV 02 and what is in it.
const AROUND: usize = 17;
/// Bytes before that, without the name and the fields of its sender.
const HEAD: usize = 15;

impl Account {
    /// 04/06 from the client.
    pub(in crate::oscar) fn message_out(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        let mut reader = Reader::new(&snac.body);
        let Ok(head) = Head::read(&mut reader) else { return self.unread(snac, cx) };
        let fields = reader.rest();
        let content = match self.class_of(head.name, cx) {
            NameClass::Own => return Verdict::Forward,
            NameClass::Nowhere => Content::Refused(code::NOT_LOGGED_IN),
            NameClass::Foreign(_) if self.user().is_none() => {
                Content::Refused(code::SERVICE_UNAVAILABLE)
            }
            NameClass::Foreign(to) => self.content(&head, fields, to),
        };
        match content {
            Content::Words(to, text) => {
                let text = self.read_text(&head, fields, &text, cx);
                self.say(&head, fields, (to, text), snac.request, cx);
            }
            Content::Step(to, step) => {
                acknowledge(&head, fields, snac.request, cx);
                self.take_step(to, step, cx);
            }
            Content::Ended => {}
            Content::Refused(code) => refuse(snac.request, code, cx),
        }
        self.refund(snac.kind(), cx);
        Verdict::Withhold
    }

    /// Content of a message to `to`. People known to be away take no offers, whatever they are.
    fn content(&self, head: &Head<'_>, fields: &[u8], to: Address) -> Content<Address> {
        let away = self.is_away(&to);
        match content::read(head.channel, fields, self.eight_bit).to(to) {
            Content::Refused(_) if away => Content::Refused(code::NOT_LOGGED_IN),
            content => content,
        }
    }

    /// Whether the client shows that somebody is not there.
    fn is_away(&self, whom: &Address) -> bool {
        self.contacts.get(whom).is_some() && !self.theirs.get(whom).is_some_and(Presence::is_online)
    }

    fn say(
        &mut self,
        head: &Head<'_>,
        fields: &[u8],
        (to, text): (Address, RichText),
        request: u32,
        cx: &mut Cx<'_>,
    ) {
        if text.is_empty() {
            return refuse(request, code::NOT_SUPPORTED, cx);
        }
        // Before the envelope leaves: a report of its failure must not stand before the yes.
        acknowledge(head, fields, request, cx);
        let auto = find(fields, AUTO).is_some();
        let id = cx.send(to.clone(), Body::Text { text, auto });
        if self.conversations.sent.len() >= MAX_SENT {
            self.conversations.sent.pop_front();
        }
        self.conversations.sent.push_back(Sent { id, request, at: cx.now.instant });
        if self.meet(&to) {
            self.rearm_typing(&to, cx);
        }
    }

    /// AIM users write HTML, ICQ users mostly do not. Some clients leave the places in an automatic
    /// answer to be filled in by whoever shows it.
    fn read_text(&self, head: &Head<'_>, fields: &[u8], text: &str, cx: &Cx<'_>) -> RichText {
        let icq = self.user().is_some_and(|u| u.local().bytes().all(|b| b.is_ascii_digit()));
        let is_html = text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("<html"));
        if head.channel != PLAIN || (icq && !is_html) {
            return RichText::plain(text.replace("\r\n", "\n"));
        }
        if find(fields, AUTO).is_none() {
            return html::read(text);
        }
        let reader = String::from_utf8_lossy(head.name);
        html::read(&away::filled(text, &html::escape(&reader), cx.now.wall))
    }

    /// 04/14 from the client.
    pub(in crate::oscar) fn typing_out(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        let mut reader = Reader::new(&snac.body);
        let Ok(head) = Head::read(&mut reader) else { return self.unread(snac, cx) };
        let typing = match reader.u16() {
            Ok(2) => Typing::Active,
            Ok(1) => Typing::Paused,
            _ => Typing::Idle,
        };
        match self.class_of(head.name, cx) {
            NameClass::Own => return self.unread(snac, cx),
            NameClass::Foreign(to) if self.user().is_some() => {
                cx.send(to, Body::Typing(typing));
            }
            _ => {}
        }
        self.refund(snac.kind(), cx);
        Verdict::Withhold
    }

    /// 04/08: a warning, which foreign people cannot be given.
    pub(in crate::oscar) fn warning_out(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        let mut reader = Reader::new(&snac.body);
        let (Ok(_), Ok(name)) = (reader.u16(), reader.short()) else {
            return self.unread(snac, cx);
        };
        let code = match self.class_of(name, cx) {
            NameClass::Own => return self.unread(snac, cx),
            NameClass::Foreign(of) if !self.is_away(&of) => code::DENIED,
            _ => code::NOT_LOGGED_IN,
        };
        refuse(snac.request, code, cx);
        Verdict::Withhold
    }

    /// 04/0b: what the client could not do with something it got.
    pub(in crate::oscar) fn reply_out(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        match Head::read(&mut Reader::new(&snac.body)) {
            Ok(head) if self.class_of(head.name, cx) != NameClass::Own => Verdict::Withhold,
            _ => self.unread(snac, cx),
        }
    }

    /// Shows a text as 04/07, in as many pieces as the client needs.
    pub(in crate::oscar) fn message_in(
        &mut self,
        envelope: &Envelope,
        text: &RichText,
        auto: bool,
        cx: &mut Cx<'_>,
    ) {
        if !envelope.from.is_control() && !self.admits(&envelope.from) {
            // As if the person were not there: being shut out is not for the sender to know.
            let why = Failure::Offline;
            cx.send(envelope.from.clone(), Body::Undelivered { of: envelope.id, why });
            return;
        }
        let Some(name) = self.spelling(&envelope.from, cx) else {
            cx.emit(Event::Unshown(envelope.clone()));
            return;
        };
        self.meet(&envelope.from);
        let fields = self.presence_fields(&envelope.from, cx.now.wall).unwrap_or_default();
        let mut extra = Writer::new();
        if auto {
            extra = extra.tlv(AUTO, []);
        }
        if envelope.is_delayed(cx.now.wall) {
            let sent = u32::try_from(envelope.sent_at.secs()).unwrap_or(u32::MAX);
            extra = extra.tlv(OFFLINE, []).tlv(SENT, sent.to_be_bytes());
        }
        let extra = extra.tlv(WANTS_TYPING, []).bytes();
        let around = Snac::HEADER + HEAD + name.len() + fields.len() + AROUND + extra.len();
        for html in pieces::written(text, self.most_in_message().saturating_sub(around)) {
            self.incoming(&name, &fields, &html, &extra, cx);
        }
    }

    /// Shows in words that somebody wants attention, for which clients have no sign.
    pub(in crate::oscar) fn attention_in(&mut self, envelope: &Envelope, cx: &mut Cx<'_>) {
        self.message_in(envelope, &RichText::plain("[wants your attention]"), false, cx);
    }

    /// The largest SNAC with a message that the client takes.
    fn most_in_message(&self) -> usize {
        if self.is_libpurple() {
            return MOST_LIBPURPLE;
        }
        self.conversations.most.map_or(MOST, |most| usize::from(most).clamp(LEAST, MOST))
    }

    /// 04/02 from the client: what messages it takes, on this channel or on all.
    pub(in crate::oscar) fn parameters(&mut self, snac: &Snac) -> Verdict {
        let mut reader = Reader::new(&snac.body);
        if let (Ok(0 | PLAIN), Ok(_flags), Ok(most)) = (reader.u16(), reader.u32(), reader.u16()) {
            self.conversations.most = Some(most);
        }
        Verdict::Forward
    }

    /// 04/07 with a cookie of its own.
    fn incoming(&mut self, name: &str, fields: &[u8], html: &str, extra: &[u8], cx: &mut Cx<'_>) {
        self.conversations.cookie = self.conversations.cookie.wrapping_add(1);
        let room = HEAD + name.len() + fields.len() + AROUND + message::size(html) + extra.len();
        let head = Writer::with_room(room).raw(&self.conversations.cookie.to_be_bytes()).u16(PLAIN);
        let from = UserInfo { name: name.as_bytes(), warning: 0, tlvs: fields };
        let body = from.write(head).around(TEXT, &message::written(html)).raw(extra);
        cx.answer(icbm::CHANNEL_MESSAGE_TO_CLIENT, 0, body);
    }

    pub(in crate::oscar) fn typing_in(&mut self, from: &Address, typing: Typing, cx: &mut Cx<'_>) {
        if !self.admits(from) {
            return;
        }
        let Some(name) = self.spelling(from, cx) else { return };
        let state = match typing {
            Typing::Active => 2,
            Typing::Paused => 1,
            Typing::Idle => 0,
        };
        let head = Head { cookie: [0; 8], channel: PLAIN, name: name.as_bytes() };
        cx.answer(icbm::CLIENT_EVENT, 0, head.write(Writer::new()).u16(state));
    }

    /// Tells libpurple again that a partner wants typing notices, which every arrival makes it
    /// forget. A message without text does that and shows nothing; other clients might show it.
    pub(in crate::oscar) fn rearm_typing(&mut self, of: &Address, cx: &mut Cx<'_>) {
        if !self.is_libpurple() || !self.conversations.partners.contains(of) {
            return;
        }
        let Some(name) = self.spelling(of, cx) else { return };
        let fields = self.presence_fields(of, cx.now.wall).unwrap_or_default();
        let extra = Writer::new().tlv(WANTS_TYPING, []).bytes();
        self.incoming(&name, &fields, "", &extra, cx);
    }

    /// Notes a partner in conversation. Returns whether the partner is new.
    fn meet(&mut self, partner: &Address) -> bool {
        self.conversations.partners.len() < MAX_PARTNERS
            && self.conversations.partners.insert(partner.clone())
    }

    /// Tells the person that a message got lost: by an error while the client can join it to
    /// the message, later in words.
    pub(in crate::oscar) fn undelivered(
        &mut self,
        of: EnvelopeId,
        why: Failure,
        to: &Address,
        cx: &mut Cx<'_>,
    ) {
        let sent = self.conversations.sent.iter().position(|s| s.id == of);
        let sent = sent.and_then(|at| self.conversations.sent.remove(at));
        let now = cx.now.instant;
        let sent = sent.filter(|s| now.saturating_duration_since(s.at) < MEMORY);
        if let Some((sent, code)) = sent.zip(failure_code(why)) {
            return refuse(sent.request, code, cx);
        }
        let name = self.spelling(to, cx).unwrap_or_else(|| to.to_string());
        let text = RichText::plain(why.of_message_to(&name));
        let Some(user) = self.user().cloned() else { return };
        let notice = cx.notice(user, text.clone());
        self.message_in(&notice, &text, false, cx);
    }
}

/// The error that says so; none where it takes words: an error means that nothing was sent.
const fn failure_code(why: Failure) -> Option<u16> {
    Some(match why {
        Failure::Offline | Failure::Blocked | Failure::NoSuchUser => code::NOT_LOGGED_IN,
        Failure::Unreachable => code::SERVICE_UNAVAILABLE,
        Failure::Refused => code::REFUSED,
        Failure::Busy | Failure::Expired => code::TEMPORARILY_UNAVAILABLE,
        Failure::Unconfirmed => return None,
    })
}

fn refuse(request: u32, code: u16, cx: &mut Cx<'_>) {
    cx.refuse(icbm::FAMILY, request, code);
}

/// Says that a message was taken, to a client that wants to know.
fn acknowledge(head: &Head<'_>, fields: &[u8], request: u32, cx: &mut Cx<'_>) {
    if find(fields, ACK).is_some() {
        cx.answer(icbm::HOST_ACK, request, head.write(Writer::new()));
    }
}
