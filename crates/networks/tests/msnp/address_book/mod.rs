//! The address book of MSNP13 and later: HTTP and SOAP, in the words of captured sessions.

mod edits;
mod identity;
mod leaks;
mod lists;
mod recorded;

use crate::*;

const OWNER: &str = "malice@example.com";
pub(crate) const TOKEN: &str = "t=4cb93a44e8b5e3a4&amp;p=";

/// A person who is online with MSNP18, and a connection to the address book.
pub(crate) struct Book {
    shared: Shared,
    ns: Gateway,
    pub(crate) soap: Gateway,
}

impl Book {
    pub(crate) fn of(roster: impl Into<Option<Roster>>) -> Self {
        let shared = Shared::default();
        let mut ns = Gateway::new(&Msnp, &shared, roster);
        client(&mut ns, "VER 1 MSNP18 CVR0");
        server(&mut ns, "VER 1 MSNP18");
        client(&mut ns, "USR 4 SSO S t=4cb93a44e8b5e3a4&p= proof");
        server(&mut ns, &format!("USR 4 OK {OWNER} 1 0"));
        let soap = Gateway::new(&Msnp, &shared, None);
        Self { shared, ns, soap }
    }

    /// A side of the address book says something, of which both connections then hear.
    fn sends(&mut self, side: Side, bytes: &[u8]) {
        self.soap.bytes(side, bytes).unwrap();
        self.settle();
    }

    /// Lets the connections hear what they tell each other.
    fn settle(&mut self) {
        settle(&mut self.ns, &mut self.soap);
    }

    /// Sends a request; returns what the server and the client got.
    fn ask(&mut self, operation: &str, body: &str) -> (String, String) {
        self.sends(Side::Client, request(operation, body).as_bytes());
        (text(self.soap.take(Side::Server)), text(self.soap.take(Side::Client)))
    }

    /// Asks for something that the server answers; returns what the client got.
    fn fetch(&mut self, operation: &str, body: &str, result: &str) -> String {
        let (server, _) = self.ask(operation, body);
        assert_eq!(server, request(operation, body));
        self.sends(Side::Server, answer(operation, result).as_bytes());
        text(self.soap.take(Side::Client))
    }

    pub(crate) fn edits(&mut self) -> Vec<RosterEdit> {
        let events = self.ns.events.iter();
        let edit = |e: &Event| if let Event::Roster(edit) = e { Some(edit.clone()) } else { None };
        events.filter_map(edit).collect()
    }
}

pub(crate) fn request(operation: &str, body: &str) -> String {
    let envelope = format!(
        "<soap:Envelope xmlns:soap='http://schemas.xmlsoap.org/soap/envelope/'><soap:Header>\
         <ABAuthHeader xmlns='http://www.msn.com/webservices/AddressBook'>\
         <TicketToken>{TOKEN}</TicketToken></ABAuthHeader></soap:Header><soap:Body>\
         <{operation} xmlns='http://www.msn.com/webservices/AddressBook'>{body}</{operation}>\
         </soap:Body></soap:Envelope>"
    );
    format!(
        "POST //abservice/abservice.asmx HTTP/1.1\r\nHost: local-bay.contacts.msn.com\r\n\
         Content-Length: {}\r\nConnection: Keep-Alive\r\n\r\n{envelope}",
        envelope.len()
    )
}

pub(crate) fn answer(operation: &str, result: &str) -> String {
    let envelope = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope \
         xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Header></soap:Header>\
         <soap:Body><{operation}Response xmlns=\"http://www.msn.com/webservices/AddressBook\">\
         <{operation}Result>{result}</{operation}Result></{operation}Response></soap:Body>\
         </soap:Envelope>"
    );
    let length = envelope.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n{envelope}"
    )
}

/// Response of a server about lists without anybody in them.
fn memberships() -> String {
    let empty = |role| {
        format!("<Membership><MemberRole>{role}</MemberRole><Members></Members></Membership>")
    };
    format!(
        "<Services><Service><Memberships>{}{}</Memberships><Info><Handle><Id>1</Id>\
         <Type>Messenger</Type></Handle></Info></Service></Services><OwnerNamespace><Info>\
         <CreatorPassportName>{OWNER}</CreatorPassportName></Info></OwnerNamespace>",
        empty("Allow"),
        empty("Block"),
    )
}

/// An address book with a group and nobody but its owner.
fn addresses() -> String {
    format!(
        "<Groups><Group><groupId>8e5272aa</groupId><groupInfo><name>Work</name></groupInfo>\
         </Group></Groups><Contacts><Contact><contactId>61f3c699</contactId><contactInfo>\
         <contactType>Me</contactType><passportName>{OWNER}</passportName></contactInfo>\
         </Contact></Contacts>"
    )
}

/// The body of an HTTP message, whose length must be right.
fn body(message: &str) -> &str {
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    body
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).unwrap().1.split_once(after).unwrap().0
}

/// A message for somebody who is offline.
fn left_for(name: &str) -> String {
    let envelope = format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Header>\
         <From memberName=\"{OWNER}\"/><To memberName=\"{name}\"/><Ticket passport=\"{TOKEN}\"/>\
         <Sequence><MessageNumber>3</MessageNumber></Sequence></soap:Header><soap:Body>\
         <MessageType>text</MessageType><Content>MIME-Version: 1.0\r\n\
         Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=</Content></soap:Body></soap:Envelope>"
    );
    let length = envelope.len();
    format!(
        "POST /OimWS/oim.asmx HTTP/1.1\r\nHost: ows.messenger.msn.com\r\n\
         Content-Length: {length}\r\n\r\n{envelope}"
    )
}
