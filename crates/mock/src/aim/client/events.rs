//! Events for the person, from the server's SNACs.

use std::io;
use std::time::{Duration, SystemTime};

use crosstalk_core::{Availability, Presence, RichText, Typing, UnixMillis};
use crosstalk_networks::html;
use crosstalk_networks::oscar::wire::message::{self, Head};
use crosstalk_networks::oscar::wire::{Class, Item, Reader, Snac, UserInfo, Writer, find, user};

use super::{Asker, Session, icq};
use crate::Event;
use crate::aim::items;

/// A flag of 02/15: the away text is wanted.
const AWAY_TEXT: u32 = 2;
/// Command by which a request is accepted, as the control contact's question names it.
const ACCEPT: &str = "/accept ";

impl Session {
    /// Takes one message. Returns whether the client stays signed on. What makes no sense is
    /// skipped.
    pub(super) async fn take(&mut self, snac: &Snac) -> io::Result<bool> {
        match snac.kind() {
            (0x02, 0x06) => self.away_text(snac).await,
            (0x02, 0x01) => self.no_away_text(snac.request).await,
            (0x03, 0x0b) => self.arrived(snac).await?,
            (0x03, 0x0c) => self.departed(snac).await,
            (0x04, 0x01) => self.undelivered(snac).await,
            (0x04, 0x07) => self.message(snac).await,
            (0x04, 0x14) => self.typing(snac).await,
            (0x13, 0x08 | 0x09) => {
                for name in self.buddies.put(&snac.body) {
                    self.tell(Event::Listed(name)).await;
                }
            }
            (0x13, 0x0a) => {
                for name in self.buddies.take(&snac.body) {
                    self.tell(Event::Unlisted(name)).await;
                }
            }
            (0x13, 0x0e) => self.edited(snac).await?,
            (0x13, 0x19) => self.authorisation_wanted(snac).await?,
            (0x15, 0x03) => self.asker_known(snac).await,
            _ => {}
        }
        Ok(true)
    }

    /// The server's word on the edit under way, one code an item: the next one can go.
    async fn edited(&mut self, ack: &Snac) -> io::Result<()> {
        let Some(edit) = self.editing.take() else { return Ok(()) };
        let buddies = |(item, outcome): (Item, &[u8])| {
            let done = outcome == [0, 0];
            (item.class == Class::Buddy).then(|| (text(&item.name), done))
        };
        for (name, done) in
            items(&edit.body).into_iter().zip(ack.body.chunks(2)).filter_map(buddies)
        {
            match edit.subtype {
                0x08 if done => self.tell(Event::Listed(name)).await,
                0x08 => {
                    self.buddies.remove(&name);
                    self.tell(Event::Unlisted(name)).await;
                }
                0x0a if done => self.tell(Event::Unlisted(name)).await,
                _ => {}
            }
        }
        self.send_edits().await
    }

    async fn arrived(&mut self, snac: &Snac) -> io::Result<()> {
        let Ok(info) = UserInfo::read(&mut Reader::new(&snac.body)) else { return Ok(()) };
        let (of, presence) = (text(info.name), presence(&info));
        // An answer that is still to come is about how it was before.
        self.asked_away
            .retain(|(_, e)| !matches!(e, Event::Presence { of: asked, .. } if *asked == of));
        let away = presence.show == Availability::Away;
        let event = Event::Presence { of, presence };
        if !away {
            self.tell(event).await;
            return Ok(());
        }
        let question = Writer::new().u32(AWAY_TEXT).short(info.name).bytes();
        let request = self.send(0x02, 0x15, question).await?;
        self.asked_away.push_back((request, event));
        Ok(())
    }

    /// The answer to the question for an away text completes a presence.
    async fn away_text(&mut self, snac: &Snac) {
        let mut reader = Reader::new(&snac.body);
        if UserInfo::read(&mut reader).is_err() {
            return;
        }
        let mime = find(reader.rest(), 0x03).unwrap_or_default();
        let away = message::decode_mime(mime, find(reader.rest(), 0x04).unwrap_or_default());
        if let Some(Event::Presence { of, mut presence }) = self.asked_about(snac.request) {
            presence.text = html::read(&away);
            self.tell(Event::Presence { of, presence }).await;
        }
    }

    async fn no_away_text(&mut self, request: u32) {
        if let Some(event) = self.asked_about(request) {
            self.tell(event).await;
        }
    }

    fn asked_about(&mut self, request: u32) -> Option<Event> {
        let position = self.asked_away.iter().position(|(asked, _)| *asked == request)?;
        self.asked_away.remove(position).map(|(_, event)| event)
    }

    async fn departed(&mut self, snac: &Snac) {
        if let Ok(name) = Reader::new(&snac.body).short() {
            let event = Event::Presence { of: text(name), presence: Presence::offline() };
            self.tell(event).await;
        }
    }

    async fn undelivered(&mut self, snac: &Snac) {
        let code = Reader::new(&snac.body).u16().unwrap_or_default();
        if let Some((_, to)) = self.sent.iter().rev().find(|(request, _)| *request == snac.request)
        {
            let event = Event::Undelivered { to: to.clone(), why: format!("error {code:04x}") };
            self.tell(event).await;
        }
    }

    async fn message(&mut self, snac: &Snac) {
        let mut reader = Reader::new(&snac.body);
        let (Ok(_), Ok(channel)) = (reader.array::<8>(), reader.u16()) else { return };
        let Ok(info) = UserInfo::read(&mut reader) else { return };
        let decoded = find(reader.rest(), message::TEXT).and_then(message::decode);
        let Some(said) = decoded.map(|m| html::read(&m)).filter(|m| !m.is_empty()) else { return };
        if channel != 1 {
            return;
        }
        if let Some(by) = asked_in(said.text()).filter(|_| info.name.contains(&b'@')) {
            self.tell(Event::Asked { by, text: said.clone() }).await;
        }
        let auto = find(reader.rest(), message::AUTO).is_some();
        self.tell(Event::Said { from: text(info.name), text: said, auto }).await;
    }

    async fn typing(&mut self, snac: &Snac) {
        let mut reader = Reader::new(&snac.body);
        let (Ok(head), Ok(code)) = (Head::read(&mut reader), reader.u16()) else { return };
        let typing = match code {
            2 => Typing::Active,
            1 => Typing::Paused,
            _ => Typing::Idle,
        };
        self.tell(Event::Typing { from: text(head.name), typing }).await;
    }

    /// 13/19: one with a number for a name is asked about first, as ICQ users are.
    async fn authorisation_wanted(&mut self, snac: &Snac) -> io::Result<()> {
        let mut reader = Reader::new(&snac.body);
        let (Ok(name), Ok(words)) = (reader.short(), reader.long()) else { return Ok(()) };
        let (name, words) = (text(name), RichText::plain(text(words)));
        self.askers.retain(|a| a.answer_to != name);
        let request = match name.parse() {
            Ok(number) => Some(self.send(0x15, 0x02, icq::details_of(number)).await?),
            Err(_) => None,
        };
        if request.is_none() {
            self.tell(Event::Asked { by: name.clone(), text: words.clone() }).await;
        }
        self.askers.push(Asker { shown: name.clone(), answer_to: name, words, request });
        Ok(())
    }

    async fn asker_known(&mut self, snac: &Snac) {
        let Some(nick) = icq::nick(&snac.body) else { return };
        if let Some(asker) = self.askers.iter_mut().find(|a| a.request == Some(snac.request)) {
            asker.shown.clone_from(&nick);
            let event = Event::Asked { by: nick, text: asker.words.clone() };
            self.tell(event).await;
        }
    }
}

/// Name that a question of the control contact asks about.
fn asked_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(ACCEPT)?;
    rest.split_whitespace().next().map(ToOwned::to_owned)
}

/// Everything but an away text, which servers tell only who asks.
fn presence(info: &UserInfo<'_>) -> Presence {
    let number = |kind| info.tlv(kind).and_then(|v| Reader::new(v).u16().ok());
    let away = number(user::CLASSES).unwrap_or_default() & user::AWAY != 0;
    let idle = number(user::IDLE).map(|minutes| Duration::from_secs(60 * u64::from(minutes)));
    let since = info.tlv(user::SIGNED_ON).and_then(|v| Reader::new(v).u32().ok());
    let status = info.tlv(user::BART).and_then(user::read_status_text).unwrap_or_default();
    Presence {
        show: if away { Availability::Away } else { Availability::Available },
        text: RichText::plain(text(status)),
        idle_since: idle.map(|idle| UnixMillis::from(SystemTime::now()).minus(idle)),
        online_since: since.map(|seconds| UnixMillis(u64::from(seconds) * 1000)),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
