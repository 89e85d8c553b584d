//! Offers that foreign people cannot be shown: conferences, files, cameras, games.

use std::fmt;

use crosstalk_core::{Address, Body, RichText};

use super::account::ANSWER;
use super::account::Account;
use super::context::Cx;
use super::foreign_names::receivers;
use super::wire::service::{
    AUDIBLE, CHAT_INVITE, CONFERENCE_ADD_INVITE, CONFERENCE_DECLINE, CONFERENCE_INVITE, FILE_OFFER,
    FILE_TRANSFER, NOTIFY, P2P_FILE, VOICE_CHAT, WEBCAM,
};
use super::wire::{Draft, Packet, key, service};

/// Text that the others in a conference read.
const NO_CONFERENCE: &str = "People of other networks cannot join conferences.";
/// A file transfer is offered, and declined.
const OFFERED: u32 = 1;
const DECLINED: &str = "4";

/// Treatment of what a client has for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The client does it by itself, and shows nothing of it to anybody: pictures are asked for,
    /// ways from client to client are tried.
    Automatic,
    /// It is answered as the other's client would.
    Conference,
    File,
    /// It is said in words.
    Spoken,
    /// The client has no answer that it shows, so the person is told.
    Told(&'static str),
}

impl Kind {
    fn of(packet: &Packet) -> Self {
        match packet.service {
            CONFERENCE_INVITE | CONFERENCE_ADD_INVITE => Self::Conference,
            FILE_TRANSFER if packet.number(key::TRANSFER_STEP) == Some(OFFERED) => Self::File,
            AUDIBLE => Self::Spoken,
            FILE_OFFER | P2P_FILE => Self::Told("be sent files"),
            VOICE_CHAT => Self::Told("be called"),
            WEBCAM => Self::Told("show a camera"),
            CHAT_INVITE => Self::Told("be invited to chat rooms"),
            NOTIFY => Self::of_sign(packet.first(key::SIGN).unwrap_or_default()),
            other if service::AUTOMATIC.contains(&other) => Self::Automatic,
            FILE_TRANSFER => Self::Automatic,
            _ => Self::Told("be shown that"),
        }
    }

    /// Meaning of a sign that is no typing.
    fn of_sign(sign: &[u8]) -> Self {
        let is = |name: &str| sign.eq_ignore_ascii_case(name.as_bytes());
        match () {
            // Both sides of a conversation get the same background, if both have it.
            () if is("IMVIRONMENT") => Self::Automatic,
            () if is("GAME") => Self::Told("be invited to games"),
            () if is("WEBCAMINVITE") => Self::Told("be shown a camera"),
            () => Self::Told("be shown that"),
        }
    }
}

/// Reason why something was not shown to somebody.
struct Cannot<'a>(&'a str, &'static str);

impl fmt::Display for Cannot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(who, what) = self;
        write!(f, "{who} is on another network and cannot {what}.")
    }
}

impl Account {
    /// Answers for foreign people.
    pub(super) fn decline(&self, packet: &Packet, cx: &mut Cx<'_>) {
        let kind = Kind::of(packet);
        for to in receivers(packet, cx).into_iter().flatten() {
            let Some(who) = self.name(&to, cx) else { continue };
            match kind {
                Kind::Automatic => {}
                Kind::Conference => {
                    let room = packet.first(key::CONFERENCE).unwrap_or_default();
                    let draft = Draft::new(CONFERENCE_DECLINE, ANSWER).with(key::ID, &self.me);
                    cx.show(
                        draft
                            .with(key::CONFERENCE, room)
                            .with(key::DECLINES, who)
                            .with(key::TEXT, NO_CONFERENCE),
                    );
                }
                Kind::File => {
                    let transfer = packet.first(key::TRANSFER).unwrap_or_default();
                    let draft = Draft::new(FILE_TRANSFER, ANSWER)
                        .with(key::SENDER, who)
                        .with(key::RECEIVER, &self.me);
                    cx.show(draft.with(key::TRANSFER, transfer).with(key::TRANSFER_STEP, DECLINED));
                }
                Kind::Spoken => self.speak(packet, to, &who, cx),
                Kind::Told(what) => self.note(&Cannot(&who, what).to_string(), cx),
            }
        }
    }

    /// Says what an audible says.
    fn speak(&self, packet: &Packet, to: Address, who: &str, cx: &mut Cx<'_>) {
        let spoken = packet.first(key::AUDIBLE_TEXT).unwrap_or_default();
        let spoken = cx.link.charset.read(spoken, packet.number(key::UTF8));
        if spoken.trim().is_empty() {
            return self.note(&Cannot(who, "hear that").to_string(), cx);
        }
        cx.send(to, Body::Text { text: RichText::plain(spoken), auto: false });
    }

    /// The client hides from somebody for good, or no longer: whether that person may see it is
    /// consent. Or it shows itself to somebody although it is invisible.
    pub(super) fn stealth(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
        let begins = packet.number(key::OPERATION) == Some(1);
        let hides = begins && packet.number(key::FLAG) == Some(2);
        let all: Vec<Address> = receivers(packet, cx).into_iter().flatten().collect();
        if packet.service == service::PRESENCE_SESSION {
            for who in all {
                self.own.show_to(who, begins);
            }
            self.own.touch();
        } else {
            for who in &all {
                self.answer_request(who, !hides, cx);
            }
        }
        let draft = Draft::new(packet.service, ANSWER);
        cx.show(packet.pairs().fold(draft, |draft, (key, value)| draft.with(key, value)));
    }
}
