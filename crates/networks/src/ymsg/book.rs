//! The address book over HTTP, where clients keep what they call their contacts: `POST /yab/..`,
//! with `<ct yi="who" nn="nick"/>` for each in its body. Entries of foreign people stay here.

use std::borrow::Cow;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use crosstalk_core::{Fault, Kin, Side};
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use super::desk::Desk;
use super::link::Io;

/// The longest request that is read, in bytes.
const MAX_REQUEST: usize = 256 * 1024;
/// The element of a contact, and its attributes for its id, what it is called, and its number.
const CONTACT: &str = "ct";
const NAME: &str = "yi";
const NICK: &str = "nn";
const NUMBER: &str = "id";

/// Takes what either side sent, whole requests at a time.
pub(super) fn bytes(side: Side, bytes: &mut BytesMut, io: &mut Io<'_>) -> Result<(), Fault> {
    if side == Side::Server {
        io.out.forward(Side::Client, bytes.split().freeze());
        return Ok(());
    }
    loop {
        match request(bytes) {
            Some(Ok(body)) => {
                let request = bytes.split_to(body.end).freeze();
                take(&request, body.start, io);
            }
            Some(Err(fault)) => {
                // What cannot be read may name foreign people.
                io.out.withhold();
                return Err(fault);
            }
            None => return Ok(()),
        }
    }
}

/// Where the body of the request at the front of a buffer is; none if it is not all there.
fn request(buffer: &[u8]) -> Option<Result<Range<usize>, Fault>> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    let too_long = || Some(Err(Fault::client("a request to the address book is too long")));
    let start = match request.parse(buffer) {
        Ok(httparse::Status::Complete(start)) => start,
        Ok(httparse::Status::Partial) if buffer.len() > MAX_REQUEST => return too_long(),
        Ok(httparse::Status::Partial) => return None,
        Err(_) => return Some(Err(Fault::client("it does not speak HTTP"))),
    };
    let mut fields = request.headers.iter();
    let length = fields.find(|f| f.name.eq_ignore_ascii_case("content-length"));
    let length = length.map_or(Some(0), |f| std::str::from_utf8(f.value).ok()?.trim().parse().ok());
    match length {
        None => Some(Err(Fault::client("a length is no number"))),
        Some(length) if length > MAX_REQUEST => too_long(),
        Some(length) if buffer.len() < start + length => None,
        Some(length) => Some(Ok(start..start + length)),
    }
}

/// Passes on what a request says of own people, and answers it where it says nothing of them.
fn take(request: &Bytes, start: usize, io: &mut Io<'_>) {
    let (head, body) = request.split_at(start.min(request.len()));
    let contacts = std::str::from_utf8(body).map(contacts).unwrap_or_default();
    let is_foreign = |contact: &&Contact| io.kin(contact.name.as_bytes()) != Kin::Own;
    let foreign: Vec<&Contact> = contacts.iter().filter(is_foreign).collect();
    if foreign.is_empty() {
        return io.out.forward(Side::Server, request.clone());
    }
    if let Some(desk) = cookie(head).and_then(|cookie| Desk::find(cookie.as_bytes(), io)) {
        for contact in &foreign {
            if let (Kin::Foreign(address), Some(nick)) =
                (io.kin(contact.name.as_bytes()), &contact.nick)
            {
                desk.call(address, nick.clone());
            }
        }
    }
    io.out.withhold();
    let mut own = Vec::new();
    let mut at = 0;
    for contact in &foreign {
        own.extend_from_slice(body.get(at..contact.span.start).unwrap_or_default());
        at = contact.span.end;
    }
    own.extend_from_slice(body.get(at..).unwrap_or_default());
    if foreign.len() < contacts.len() {
        let head = with_length(&String::from_utf8_lossy(head), own.len());
        io.out.insert(Side::Server, [head.as_bytes(), &own].concat());
    } else {
        io.out.insert(Side::Client, answer(&foreign));
    }
}

/// The cookie `T` among those of a request.
fn cookie(head: &[u8]) -> Option<&str> {
    let mut fields = std::str::from_utf8(head).ok()?.lines().filter_map(|l| l.split_once(':'));
    let (_, cookies) = fields.find(|(name, _)| name.eq_ignore_ascii_case("cookie"))?;
    cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix("T="))
}

fn with_length(head: &str, length: usize) -> String {
    let field = |line: &str| match line.split_once(':') {
        Some((name, _)) if name.eq_ignore_ascii_case("content-length") => {
            format!("{name}: {length}\r\n")
        }
        _ => line.to_owned(),
    };
    head.split_inclusive('\n').map(field).collect()
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

/// What the server says to new and changed entries: the same again, with their numbers.
fn answer(contacts: &[&Contact]) -> String {
    let entries: String = contacts.iter().map(|contact| contact.entry.as_str()).collect();
    let body = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<ab>{entries}</ab>\n");
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
