//! Lists since MSNP13: `<ml><d n='domain'><c n='user' l='3' t='1'/></d></ml>`, from which foreign
//! people are taken before the server reads them.

use std::collections::BTreeMap;

use bytes::Bytes;
use crosstalk_core::{Address, Event, NameClass, Side};

use super::list_msnp8_12::{ALLOW, BLOCK, FORWARD};
use crate::msnp::content::Content;
use crate::msnp::context::Cx;
use crate::msnp::foreign_list::Edit;
use crate::msnp::foreign_names::is_foreign;
use crate::msnp::notification::Session;
use crate::msnp::wire::xml::{Changes, Document, Element};
use crate::msnp::wire::xml_text::escaped;
use crate::msnp::wire::{Command, with_payload};

/// The error of a payload that is no list.
const NO_LIST: &str = "241";
/// The longest domain, in bytes (RFC 1035).
const MAX_DOMAIN: usize = 255;
/// The most queries whose answer is awaited to have ours added, and the most bytes of ours.
const MAX_QUERIES: usize = 64;
const MAX_FOUND: usize = 64 << 10;

/// Lists of a client since MSNP13 (ADL, RML, FQY), as far as the session remembers them.
#[derive(Default)]
pub(in crate::msnp) struct Domains {
    /// The server was told a list, so that it lets the person go online.
    told: bool,
    /// Lines to be added to the responses to queries.
    queries: BTreeMap<u32, String>,
    /// Bytes of those lines.
    bytes: usize,
}

impl Domains {
    /// Keeps what is to be added to the answer to a query, where there is room.
    fn expect(&mut self, transaction: u32, found: String) {
        self.take(transaction);
        if self.queries.len() < MAX_QUERIES && self.bytes + found.len() <= MAX_FOUND {
            self.bytes += found.len();
            self.queries.insert(transaction, found);
        }
    }

    fn take(&mut self, transaction: u32) -> Option<String> {
        let found = self.queries.remove(&transaction)?;
        self.bytes -= found.len();
        Some(found)
    }

    /// Bytes held.
    pub(in crate::msnp) const fn weight(&self) -> usize {
        self.bytes
    }
}

/// Reason why a list is not passed on.
enum Refused {
    /// It is none.
    NoList,
    /// A foreign name stands where none belongs.
    Misplaced,
}

/// A list without the foreign people in it.
struct Sifted {
    /// Whether it is the list that a client begins with.
    initial: bool,
    /// The foreign people, each with the lists it is about.
    foreign: Vec<(Address, String, u8)>,
    /// Names that nobody can have.
    nowhere: bool,
    /// Payload that is left for the server; `None` where nobody is left in it.
    rest: Option<String>,
    /// Payload that is left where it names nobody.
    empty: String,
}

impl Sifted {
    /// Reads a payload; none where nobody in it is foreign. Refuses what no server could read, and
    /// foreign names in places where lists have none.
    fn read(payload: &[u8], cx: &Cx<'_>) -> Result<Option<Self>, Refused> {
        let text = std::str::from_utf8(payload).map_err(|_| Refused::NoList)?;
        let list = Document::parse(text).ok_or(Refused::NoList)?;
        let list = list.root(text);
        if text.get(list.span().end..).is_some_and(|behind| !behind.trim().is_empty()) {
            return Err(Refused::NoList);
        }
        let (mut foreign, mut nowhere, mut left) = (Vec::new(), false, 0);
        let mut changes = Changes::default();
        for domain in list.children() {
            // It is written behind each name.
            let of = domain.attribute("n").filter(|of| of.len() <= MAX_DOMAIN);
            let of = of.unwrap_or_default();
            let mut gone = Vec::new();
            for person in domain.children() {
                let name = format!("{}@{of}", person.attribute("n").unwrap_or_default());
                match cx.classify(&name) {
                    NameClass::Own if is_foreign(&name, cx) => return Err(Refused::Misplaced),
                    NameClass::Own => continue,
                    NameClass::Nowhere => nowhere = true,
                    NameClass::Foreign(address) => foreign.push((address, name, lists(person))),
                }
                gone.push(person);
            }
            let there = domain.children().count();
            left += there - gone.len();
            if gone.len() == there && there > 0 {
                changes.cut(domain);
            } else {
                for person in gone {
                    changes.cut(person);
                }
            }
        }
        let empty = changes.apply(text);
        let left_over = Document::parse(&empty).ok_or(Refused::NoList)?;
        let names = |element: Element<'_>| element.values().any(|value| is_foreign(&value, cx));
        if left_over.root(&empty).all().any(names) {
            return Err(Refused::Misplaced);
        }
        if foreign.is_empty() && !nowhere {
            return Ok(None);
        }
        let rest = (left > 0).then(|| empty.clone());
        let initial = list.attribute("l").as_deref() == Some("1");
        Ok(Some(Self { initial, foreign, nowhere, rest, empty }))
    }
}

/// The lists that an entry is about: its own, or those of its services.
fn lists(person: Element<'_>) -> u8 {
    let own = |e: Element<'_>| e.attribute("l").and_then(|l| l.parse::<u8>().ok()).unwrap_or(0);
    own(person) | person.named("s").map(own).fold(0, |all, one| all | one)
}

impl Session {
    /// ADL and RML. Returns whether the server is to have the command as it is.
    pub(in crate::msnp) fn edit_domains(&mut self, command: &Command, cx: &mut Cx<'_>) -> bool {
        let sifted = match Sifted::read(command.payload(), cx) {
            Ok(Some(sifted)) => sifted,
            Ok(None) => {
                self.domains.told = true;
                return true;
            }
            Err(why) => return self.refuse_list(command, &why, cx),
        };
        cx.out.withhold();
        let rest = sifted.rest.or_else(|| {
            let first = sifted.initial && !self.domains.told;
            first.then_some(sifted.empty)
        });
        if let Some(rest) = &rest {
            self.domains.told = true;
            resend(command, rest, cx);
        } else if sifted.nowhere && sifted.foreign.is_empty() {
            cx.show(format!("{} {}", self.no_such_name(), command.word(1)));
        } else {
            cx.show(format!("{} {} OK", command.verb(), command.word(1)));
        }
        // What a client begins with is what it was told, or remembers from long ago.
        if !sifted.initial {
            let adds = command.verb() == "ADL";
            for (address, name, lists) in sifted.foreign {
                self.edit_lists(&address, &name, lists, adds, cx);
            }
        }
        false
    }

    fn refuse_list(&self, command: &Command, why: &Refused, cx: &mut Cx<'_>) -> bool {
        let error = match why {
            Refused::NoList => NO_LIST,
            Refused::Misplaced => self.no_such_name(),
        };
        cx.out.withhold();
        cx.show(format!("{error} {}", command.word(1)));
        false
    }

    fn edit_lists(&mut self, who: &Address, name: &str, lists: u8, adds: bool, cx: &mut Cx<'_>) {
        let (address, name) = (who.clone(), Some(name.to_owned()));
        if lists & BLOCK != 0 {
            self.apply(Edit::Block(address.clone(), name.clone(), adds), cx);
        }
        if lists & ALLOW != 0 && adds {
            self.apply(Edit::Allow(address.clone(), name.clone()), cx);
        }
        if lists & FORWARD != 0 && adds {
            self.apply(Edit::List { address, name, nick: None, group: None }, cx);
        } else if lists & FORWARD != 0 {
            self.apply(Edit::Unlist(address), cx);
        }
    }

    /// FQY, since MSNP14: on which networks are these people? Returns whether the server is to
    /// have the command as it is.
    pub(in crate::msnp) fn query(&mut self, command: &Command, cx: &mut Cx<'_>) -> bool {
        let sifted = match Sifted::read(command.payload(), cx) {
            Ok(Some(sifted)) => sifted,
            Ok(None) => return true,
            Err(why) => return self.refuse_list(command, &why, cx),
        };
        cx.out.withhold();
        let found: String =
            sifted.foreign.iter().map(|(_, name, _)| entry(name, "t=\"1\"")).collect();
        match sifted.rest {
            None if found.is_empty() => {
                cx.show(format!("{} {}", self.no_such_name(), command.word(1)));
            }
            None => {
                let answer = with_payload(&format!("FQY {}", command.word(1)), &list(&found));
                cx.out.insert(Side::Client, answer);
            }
            Some(rest) => {
                self.domains.expect(command.transaction(), found);
                resend(command, &rest, cx);
            }
        }
        false
    }

    /// The server's answer to FQY, to which the foreign people of the query are added.
    pub(in crate::msnp) fn answered(&mut self, command: &Command, cx: &mut Cx<'_>) {
        let found = self.domains.take(command.transaction());
        let text = std::str::from_utf8(command.payload()).unwrap_or_default();
        let (Some(found), Some(list)) = (found, Document::parse(text)) else {
            return cx.out.forward(Side::Client, command.raw.clone());
        };
        let mut changes = Changes::default();
        changes.append(list.root(text), &found);
        cx.out.withhold();
        let answer = with_payload(&format!("FQY {}", command.word(1)), &changes.apply(text));
        cx.out.insert(Side::Client, answer);
    }

    /// The client is online since MSNP13: by now it has read its address book, or never will where
    /// that cannot be seen.
    pub(in crate::msnp) fn begin_telling(&mut self, cx: &mut Cx<'_>) {
        if self.version < 13 {
            return;
        }
        if !self.address_books.is_served {
            cx.out.emit(Event::Advise(
                "an MSN client reads its address book over TLS that does not end here, so that \
                 people on other networks are not in it: name its host under `terminate`",
            ));
        }
        while let Some(envelope) = self.requests.pop() {
            self.request_in(envelope, cx);
        }
    }
}

/// `UUM n who network kind length`: a message without a conversation, to another network or to
/// somebody offline. Returns whether the server is to have the command.
pub(in crate::msnp) fn message_to(command: &Command, cx: &mut Cx<'_>) -> bool {
    let who = command.word(2);
    let guest = match cx.classify(who.split(';').next().unwrap_or_default()) {
        NameClass::Own => return true,
        NameClass::Nowhere => None,
        NameClass::Foreign(guest) => Some(guest),
    };
    cx.out.withhold();
    let body = Content::read(command.payload()).body();
    match (guest, body) {
        (Some(guest), Some(body)) if command.verb() == "UUM" => drop(cx.send(guest, body)),
        // Only since MSNP13 are there such messages.
        (None, _) => cx.show(format!("208 {}", command.word(1))),
        // What clients arrange by UUN (folders, transfers) is not to be had here.
        (Some(_), _) => cx.show(format!("217 {}", command.word(1))),
    }
    false
}

/// Shows the client who asks to see the person: it asks back by its own dialogue.
pub(in crate::msnp) fn show_request(name: &str, nick: &str, cx: &mut Cx<'_>) {
    let who = list(&entry(name, &format!("t=\"1\" l=\"8\" f=\"{}\"", escaped(nick))));
    cx.out.insert(Side::Client, with_payload("ADL 0", &who));
}

/// Sends the server what is left of a command.
fn resend(command: &Command, rest: &str, cx: &mut Cx<'_>) {
    let head = format!("{} {}", command.verb(), command.word(1));
    cx.out.insert(Side::Server, Bytes::from(with_payload(&head, rest)));
}

fn list(entries: &str) -> String {
    format!("<ml>{entries}</ml>")
}

fn entry(name: &str, attributes: &str) -> String {
    let (user, domain) = name.split_once('@').unwrap_or((name, ""));
    format!("<d n=\"{}\"><c n=\"{}\" {attributes} /></d>", escaped(domain), escaped(user))
}
