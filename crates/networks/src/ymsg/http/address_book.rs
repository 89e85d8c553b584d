//! The address book over HTTP, where clients keep what they call their contacts: `POST /yab/..`,
//! with `<ct yi="who" nn="nick"/>` for each in its body. Entries of foreign people stay here.

use std::borrow::Cow;
use std::ops::Range;

use bytes::BytesMut;
use crosstalk_core::{Fault, NameClass, Side, TellResult};
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use super::super::context::Cx;
use super::super::handoff::Names;
use crate::common::http::{self, Head, Message};

/// The element of a contact, and its attributes for its id, what it is called, and its number.
const CONTACT: &str = "ct";
const NAME: &str = "yi";
const NICK: &str = "nn";
const NUMBER: &str = "id";

/// A connection to the address book.
#[derive(Default)]
pub(in crate::ymsg) struct Book {
    requests: http::Reader,
    /// The request that waits until it is known whether the session hears of it.
    waiting: Option<Message>,
}

impl Book {
    /// Takes what either side sent, whole requests at a time.
    pub(in crate::ymsg) fn bytes(
        &mut self,
        side: Side,
        bytes: &mut BytesMut,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        if side == Side::Server {
            cx.out.forward(Side::Client, bytes.split().freeze());
            return Ok(());
        }
        // What is behind a request that waits is answered behind it.
        while self.waiting.is_none() {
            match self.requests.take(side, bytes) {
                Ok(Some(request)) => self.take(request, cx),
                Ok(None) => return Ok(()),
                Err(fault) => {
                    // What cannot be read may name foreign people.
                    cx.out.withhold();
                    return Err(fault);
                }
            }
        }
        Ok(())
    }

    /// Passes a request on that names nobody foreign. Of another the session is told first, if the
    /// client has one.
    fn take(&mut self, request: Message, cx: &mut Cx<'_>) {
        let Some(body) = request.text.as_deref() else {
            // It is compressed, or no UTF-8, in which clients write: it may name foreign people.
            cx.out.withhold();
            return cx.out.insert(Side::Client, http::refuse_coding(&request.head));
        };
        let mut foreign = contacts(body);
        foreign.retain(|contact| is_foreign(contact, cx));
        if foreign.is_empty() {
            return cx.out.forward(Side::Server, request.raw);
        }
        cx.out.withhold();
        let called = |contact: Contact| match cx.class_of(contact.name.as_bytes()) {
            NameClass::Foreign(address) => Some((address, contact.nick?)),
            NameClass::Own | NameClass::Nowhere => None,
        };
        let names: Vec<_> = foreign.into_iter().filter_map(called).collect();
        match cookie(&request.head).filter(|_| !names.is_empty()) {
            Some(cookie) => {
                Names(names).tell(cookie.as_bytes(), cx);
                self.waiting = Some(request);
            }
            None => finish(&request, cx),
        }
    }

    /// The session was told, or not: without a session there is nobody to keep the names for.
    pub(in crate::ymsg) fn told(&mut self, told: &TellResult, cx: &mut Cx<'_>) {
        let Some(request) = self.waiting.take() else { return };
        if matches!(told, TellResult::Full(_)) {
            let answer = http::answer(&request.head, "503 Service Unavailable", "");
            return cx.out.insert(Side::Client, answer);
        }
        finish(&request, cx);
    }

    /// Bytes held.
    pub(in crate::ymsg) fn weight(&self) -> usize {
        self.waiting
            .as_ref()
            .map_or(0, |request| request.raw.len() + request.text.as_ref().map_or(0, String::len))
    }
}

/// Whether an entry is of somebody whom the server does not know.
fn is_foreign(contact: &Contact, cx: &Cx<'_>) -> bool {
    cx.class_of(contact.name.as_bytes()) != NameClass::Own
}

/// Passes on what a request says of own people, and answers it where it says nothing of them.
fn finish(request: &Message, cx: &mut Cx<'_>) {
    let body = request.text.as_deref().unwrap_or_default();
    let contacts = contacts(body);
    let foreign: Vec<&Contact> = contacts.iter().filter(|c| is_foreign(c, cx)).collect();
    if foreign.len() == contacts.len() {
        let answer = http::answer(&request.head, "200 OK", &answer(&foreign));
        return cx.out.insert(Side::Client, answer);
    }
    let mut own = String::new();
    let mut at = 0;
    for contact in &foreign {
        own.push_str(body.get(at..contact.span.start).unwrap_or_default());
        at = contact.span.end;
    }
    own.push_str(body.get(at..).unwrap_or_default());
    cx.out.insert(Side::Server, request.with(&own));
}

/// The cookie `T` among those of a request.
fn cookie(head: &Head) -> Option<&str> {
    head.field("cookie")?.split(';').find_map(|cookie| cookie.trim().strip_prefix("T="))
}

/// An entry of the address book.
struct Contact {
    name: String,
    nick: Option<String>,
    /// The entry as an answer repeats it, with a number if it is new.
    entry: String,
    span: Range<usize>,
}

/// The entries in a body, as far as it is XML.
fn contacts(body: &str) -> Vec<Contact> {
    let mut reader = Reader::from_str(body);
    let mut contacts = Vec::new();
    let position = |reader: &Reader<&[u8]>| usize::try_from(reader.buffer_position()).unwrap_or(0);
    loop {
        let begin = position(&reader);
        let start = match reader.read_event() {
            Ok(Event::Empty(start)) => start,
            Ok(Event::Start(start)) if start.local_name().as_ref() == CONTACT => {
                let end = start.to_end().into_owned();
                if reader.read_to_end(end.name()).is_err() {
                    return contacts;
                }
                start
            }
            Ok(Event::Eof) | Err(_) => return contacts,
            Ok(_) => continue,
        };
        if start.local_name().as_ref() == CONTACT
            && let Some(name) = attribute(&start, NAME)
        {
            let new = if attribute(&start, NUMBER).is_none() { " id=\"1\"" } else { "" };
            let entry = format!("<ct{new} {}/>", start.attributes_raw().trim());
            let nick = attribute(&start, NICK);
            contacts.push(Contact { name, nick, entry, span: begin..position(&reader) });
        }
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = start.attributes().filter_map(Result::ok);
    let found = attributes.find(|attribute| attribute.key.as_ref() == name)?;
    Some(unescape(&found.value).map_or_else(|_| found.value.to_string(), Cow::into_owned))
}

/// Response of the server to new and changed entries: the same again, with their numbers.
fn answer(contacts: &[&Contact]) -> String {
    let entries: String = contacts.iter().map(|contact| contact.entry.as_str()).collect();
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<ab>{entries}</ab>\n")
}
