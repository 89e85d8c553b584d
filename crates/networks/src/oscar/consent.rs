//! Authorisation: who may see whom.
//!
//! libpurple asks the person about 13/19 only if it comes from a number, for which it then asks
//! the server for a nick (15/02); so a foreign person who asks is given one that no ICQ user
//! ever had.

use std::collections::{BTreeMap, BTreeSet};

use crosstalk_core::{
    Address, Body, Consent, Envelope, Event, MAX_CONTACTS, NameClass, Roster, Subscription,
};

use super::PER_PERSON;
use super::account::Account;
use super::context::Cx;
use super::foreign_names::names_foreign;
use super::verdict::Verdict;
use super::wire::kinds::{feedbag, icq};
use super::wire::message::EightBit;
use super::wire::snac::Kind;
use super::wire::{Reader, Snac, Truncated, Writer, find, message};
use crate::common::{html, split_text};

/// Numbers for people who ask: ICQ's began at 10,000.
const UINS: std::ops::Range<u32> = 1001..10_000;
/// The longest words of a request, in bytes: clients show them in a small dialogue.
const MAX_WORDS: usize = 4_000;

/// Open questions, in both directions.
#[derive(Default)]
pub(super) struct Authorizations {
    /// People who asked the person, by the number that stands for each.
    uins: BTreeMap<u32, Address>,
    /// People whose request the client shows.
    shown: BTreeSet<Address>,
    /// People that the person asked.
    awaited: BTreeSet<Address>,
}

impl Authorizations {
    pub(super) fn learn(&mut self, roster: &Roster) {
        let awaited = roster.contacts().filter(|c| matches!(c.to, Subscription::Asked(_)));
        self.awaited.extend(awaited.map(|c| c.address.clone()));
    }

    /// Bytes that it takes.
    pub(super) fn weight(&self) -> usize {
        (self.uins.len() + self.shown.len() + self.awaited.len()) * PER_PERSON
    }

    /// Whether any number stands for anybody.
    pub(super) fn is_open(&self) -> bool {
        !self.uins.is_empty()
    }

    /// Person that a number stands for.
    pub(super) fn behind(&self, name: &str) -> Option<&Address> {
        // Ours have four digits at most.
        if self.uins.is_empty() || name.len() > 4 {
            return None;
        }
        self.uins.get(&name.parse().ok()?)
    }

    fn uin(&mut self, address: &Address) -> Option<u32> {
        if let Some((uin, _)) = self.uins.iter().find(|(_, a)| *a == address) {
            return Some(*uin);
        }
        if self.uins.len() >= MAX_CONTACTS {
            return None;
        }
        let uin = UINS.into_iter().find(|uin| !self.uins.contains_key(uin))?;
        self.uins.insert(uin, address.clone());
        Some(uin)
    }
}

impl Account {
    /// A step that a foreign person took.
    pub(super) fn consent_in(&mut self, envelope: &Envelope, step: &Consent, cx: &mut Cx<'_>) {
        let from = &envelope.from;
        match step {
            Consent::Request(text) if self.is_libpurple() && self.list.is_stored() => {
                let Some(uin) = self.asked.uin(from) else {
                    return cx.emit(Event::Unshown(envelope.clone()));
                };
                // It comes again at each sign-on and from each session until it is answered.
                if !self.asked.shown.insert(from.clone()) {
                    return;
                }
                let words = split_text::front(text.text(), MAX_WORDS, usize::MAX);
                let body = Writer::new().short(uin.to_string()).long(words).u16(0);
                cx.answer(feedbag::REQUEST_AUTHORIZE_TO_CLIENT, 0, body);
            }
            Consent::Request(_) => cx.emit(Event::Unshown(envelope.clone())),
            Consent::Grant => drop(self.asked.awaited.remove(from)),
            Consent::Revoke => {
                // Only an answer is news; one who ends a friendship later just goes offline.
                if self.asked.awaited.remove(from) && self.list.is_stored() {
                    let Some(name) = self.spelling(from, cx) else { return };
                    let body = Writer::new().short(name).u8(0).long("").u16(0);
                    cx.answer(feedbag::RESPOND_AUTHORIZE_TO_CLIENT, 0, body);
                }
            }
            Consent::Cancel => {}
        }
    }

    /// Notes that the person asks somebody.
    pub(super) fn await_consent(&mut self, of: &Address) {
        if self.asked.awaited.len() < MAX_CONTACTS {
            self.asked.awaited.insert(of.clone());
        }
    }

    /// 13/14, 13/16, 13/18 and 13/1a from the client: grants, withdrawals, requests, answers.
    pub(super) fn consent_out(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        let mut reader = Reader::new(&snac.body);
        let Ok(name) = reader.short() else { return self.unread(snac, cx) };
        let step = match self.class_of(name, cx) {
            NameClass::Own => return Verdict::Forward,
            NameClass::Nowhere => return Verdict::Withhold,
            NameClass::Foreign(to) => {
                step(snac.kind(), reader, self.eight_bit).map(|step| (to, step))
            }
        };
        if let Ok((to, step)) = step
            && self.user().is_some()
        {
            self.take_step(to, step, cx);
        }
        self.refund(snac.kind(), cx);
        Verdict::Withhold
    }

    /// Sends a step of the person's.
    pub(super) fn take_step(&mut self, to: Address, step: Consent, cx: &mut Cx<'_>) {
        match step {
            Consent::Request(_) => self.await_consent(&to),
            Consent::Grant => {
                self.asked.shown.remove(&to);
                self.tell_presence_first(cx);
            }
            _ => drop(self.asked.shown.remove(&to)),
        }
        cx.send(to, Body::Contact(step));
    }

    /// 15/02: the client asks who is behind a number of ours, or looks for an e-mail address,
    /// which a foreign name looks like.
    pub(super) fn details(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        let value = find(&snac.body, 1).unwrap_or_default();
        let Ok(question) = Question::read(value) else { return self.unread(snac, cx) };
        let is_own = OWN.contains(&question.kind);
        // A search would show the server whom the person knows elsewhere.
        if !is_own && names_foreign(value, |name| self.class_of(name, cx)) {
            cx.answer(icq::DB_REPLY, snac.request, question.nobody());
            self.refund(snac.kind(), cx);
            return Verdict::Withhold;
        }
        let Some(address) = self.asked.uins.get(&question.about).cloned() else {
            return Verdict::Forward;
        };
        let nick = self.spelling(&address, cx).unwrap_or_else(|| address.to_string());
        cx.answer(icq::DB_REPLY, snac.request, question.answer(&nick));
        self.refund(snac.kind(), cx);
        Verdict::Withhold
    }
}

/// The step that one of the client's SNACs stands for, read from behind the name.
fn step(kind: Kind, mut reader: Reader<'_>, eight_bit: EightBit) -> Result<Consent, Truncated> {
    Ok(match kind {
        feedbag::PRE_AUTHORIZE_BUDDY => Consent::Grant,
        feedbag::REVOKE_AUTHORIZATION => Consent::Revoke,
        feedbag::REQUEST_AUTHORIZE_TO_HOST => {
            let text = reader.long().unwrap_or_default();
            Consent::Request(html::read(&message::decode_eight_bit(text, eight_bit)))
        }
        _ if reader.u8()? == 1 => Consent::Grant,
        _ => Consent::Revoke,
    })
}

/// A request for somebody's details: little-endian, inside TLV 01.
struct Question {
    asker: [u8; 4],
    sequence: [u8; 2],
    kind: u16,
    about: u32,
}

/// Kinds that say something of the person, in which a name is a word: details, one by one and in
/// TLVs, and a text message to a telephone. All others look for people.
const OWN: [u16; 13] = [
    0x03ea, 0x03f3, 0x03fd, 0x0406, 0x040b, 0x0410, 0x041a, 0x0424, 0x042e, 0x0442, 0x0c3a, 0x0fd2,
    0x1482,
];

impl Question {
    fn read(value: &[u8]) -> Result<Self, Truncated> {
        /// A request for information; ICQ's other commands share its frame.
        const INFORMATION: u16 = 0x07d0;
        let mut reader = Reader::new(value);
        reader.u16()?;
        let asker = reader.array()?;
        if reader.u16()?.swap_bytes() != INFORMATION {
            return Err(Truncated);
        }
        let sequence = reader.array()?;
        let kind = reader.u16()?.swap_bytes();
        Ok(Self { asker, sequence, kind, about: reader.u32()?.swap_bytes() })
    }

    /// The short details of somebody who has a nick and nothing else.
    fn answer(&self, nick: &str) -> Writer {
        const SHORT: u16 = 0x0104;
        const SUCCESS: u8 = 0x0a;
        let text =
            |w: Writer, text: &str| w.little_count(text.len() + 1).raw(text.as_bytes()).u8(0);
        let details = ["", "", ""].into_iter().fold(text(self.head(SHORT, SUCCESS), nick), text);
        framed(&details.u8(0).u8(0).u8(0))
    }

    /// A search that found nobody.
    fn nobody(&self) -> Writer {
        const LAST_FOUND: u16 = 0x01ae;
        const FAILURE: u8 = 0x32;
        framed(&self.head(LAST_FOUND, FAILURE))
    }

    /// Beginning of an answer of `kind`.
    fn head(&self, kind: u16, result: u8) -> Writer {
        const ANSWER: u16 = 0x07da;
        let head = Writer::new().raw(&self.asker).u16(ANSWER.swap_bytes()).raw(&self.sequence);
        head.u16(kind.swap_bytes()).u8(result)
    }
}

/// Behind its length, inside TLV 01.
fn framed(answer: &Writer) -> Writer {
    Writer::new().around(1, &Writer::new().little(answer))
}
