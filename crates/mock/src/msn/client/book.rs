//! The address book, where clients keep their lists since MSNP13.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use bytes::BytesMut;
use crosstalk_core::RichText;
use crosstalk_networks::msnp::wire::with_payload;
use crosstalk_networks::xmpp::wire::xml::Element;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Session;
use crate::msn::book::{CONTACTS, HOST, NAMESPACE, SHARING, all};
use crate::msn::{ALLOW, BLOCK, FORWARD, book, entry, http};
use crate::{Event, Route, Stream};

/// A client's address book.
pub(super) struct Book {
    way: Route,
    ticket: String,
    stream: Option<Box<dyn Stream>>,
    /// The membership of those who ask, by name.
    pending: BTreeMap<String, String>,
    /// Names that have been shown as asking.
    asked: BTreeSet<String>,
}

impl Book {
    pub(super) const fn new(way: Route, ticket: String) -> Self {
        Self { way, ticket, stream: None, pending: BTreeMap::new(), asked: BTreeSet::new() }
    }

    /// Asks the service for `action`.
    async fn ask(&mut self, page: &str, action: &str, inside: &str) -> io::Result<Element> {
        let ticket = crosstalk_networks::html::escape(&self.ticket);
        let body = format!(
            "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Header>\
             <ABApplicationHeader xmlns=\"{NAMESPACE}\"><ApplicationId>\
             CFE80F9D-180F-4399-82AB-413F33A1FA11</ApplicationId></ABApplicationHeader>\
             <ABAuthHeader xmlns=\"{NAMESPACE}\"><TicketToken>{ticket}</TicketToken>\
             </ABAuthHeader></soap:Header><soap:Body><{action} xmlns=\"{NAMESPACE}\">{inside}\
             </{action}></soap:Body></soap:Envelope>"
        );
        let request = format!(
            "POST {page} HTTP/1.1\r\nHost: {HOST}\r\nSOAPAction: \"{NAMESPACE}/{action}\"\r\n\
             Content-Type: text/xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.way.dial_web(HOST).await?,
        };
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut buffer = BytesMut::new();
        let answer = loop {
            if let Some(answer) = http::Answer::take(&mut buffer)? {
                break answer;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        self.stream = Some(stream);
        if answer.status != 200 {
            return Err(io::Error::other(format!("{action}: status {}", answer.status)));
        }
        book::read(&answer.body)
    }
}

impl Session {
    /// Reads the whole list, and tells the notification server who is on which.
    pub(super) async fn read_book(&mut self) -> io::Result<()> {
        let memberships = self.read_memberships().await?;
        let find = if self.version < 16 { "ABFindAll" } else { "ABFindContactsPaged" };
        let view = "<abId>00000000-0000-0000-0000-000000000000</abId><abView>Full</abView>";
        let found = self.book.ask(CONTACTS, find, view).await?;
        let mut lists: BTreeMap<String, u8> = BTreeMap::new();
        for contact in all(&found, "Contact") {
            let text = |name| all(contact, name).first().map(|e| e.text()).unwrap_or_default();
            if text("contactType") == "Me" {
                continue;
            }
            let name = text("passportName").to_lowercase();
            self.guids.insert(name.clone(), text("contactId"));
            *lists.entry(name.clone()).or_default() |= FORWARD;
            self.tell(Event::Listed(name)).await;
        }
        for (name, role) in memberships {
            match role.as_str() {
                "Allow" => *lists.entry(name).or_default() |= ALLOW,
                "Block" => *lists.entry(name).or_default() |= BLOCK,
                _ => {}
            }
        }
        let entries: String = lists
            .iter()
            .map(|(name, lists)| entry(name, &format!("l=\"{lists}\" t=\"1\"")))
            .collect();
        self.ask_with("ADL", &format!("<ml l=\"1\">{entries}</ml>")).await
    }

    /// Reads the members of each role; the person is told of those who ask.
    async fn read_memberships(&mut self) -> io::Result<Vec<(String, String)>> {
        let filter = "<serviceFilter><Types><ServiceType>Messenger</ServiceType></Types>\
                      </serviceFilter>";
        let found = self.book.ask(SHARING, "FindMembership", filter).await?;
        let mut memberships = Vec::new();
        for membership in all(&found, "Membership") {
            let role = membership.text_of("MemberRole").unwrap_or_default();
            for member in all(membership, "Member") {
                let name = member.text_of("PassportName").unwrap_or_default().to_lowercase();
                if role == "Pending" {
                    let id = member.text_of("MembershipId").unwrap_or_default();
                    self.book.pending.insert(name.clone(), id);
                }
                memberships.push((name, role.clone()));
            }
        }
        for by in self.book.pending.keys().cloned().collect::<Vec<_>>() {
            if self.book.asked.insert(by.clone()) {
                self.tell(Event::Asked { by, text: RichText::default() }).await;
            }
        }
        Ok(memberships)
    }

    /// Somebody new stands in the reverse list.
    pub(super) async fn listed_back(&mut self) -> io::Result<()> {
        self.read_memberships().await.map(drop)
    }

    pub(super) async fn add_to_book(&mut self, name: &str) -> io::Result<()> {
        if self.version >= 14 {
            self.ask_with("FQY", &ml(name, "")).await?;
        }
        let contact = format!(
            "<abId>00000000-0000-0000-0000-000000000000</abId><contacts><Contact><contactInfo>\
             <passportName>{name}</passportName><isMessengerUser>true</isMessengerUser>\
             </contactInfo></Contact></contacts>"
        );
        let added = self.book.ask(CONTACTS, "ABContactAdd", &contact).await?;
        let guid = all(&added, "guid").first().map(|guid| guid.text()).unwrap_or_default();
        self.guids.insert(name.to_lowercase(), guid);
        self.ask_with("ADL", &ml(name, "l=\"2\"")).await?;
        self.ask_with("ADL", &ml(name, "l=\"1\"")).await?;
        self.tell(Event::Listed(name.to_lowercase())).await;
        Ok(())
    }

    pub(super) async fn remove_from_book(&mut self, name: &str) -> io::Result<()> {
        let name = name.to_lowercase();
        let guid = self.guids.remove(&name).unwrap_or_default();
        let contact = format!(
            "<abId>00000000-0000-0000-0000-000000000000</abId><contacts><Contact><contactId>{guid}\
             </contactId></Contact></contacts>"
        );
        self.book.ask(CONTACTS, "ABContactDelete", &contact).await?;
        self.ask_with("RML", &ml(&name, "l=\"1\"")).await?;
        self.tell(Event::Unlisted(name)).await;
        Ok(())
    }

    /// Puts somebody on the list of those who may see the person, or may not.
    pub(super) async fn judge(&mut self, name: &str, allow: bool) -> io::Result<()> {
        let (yes, no) = if allow { ("Allow", "Block") } else { ("Block", "Allow") };
        let member = member(name);
        self.book.ask(SHARING, "DeleteMember", &membership(no, &member)).await?;
        self.book.ask(SHARING, "AddMember", &membership(yes, &member)).await?;
        let (yes, no) = if allow { (ALLOW, BLOCK) } else { (BLOCK, ALLOW) };
        self.ask_with("RML", &ml(name, &format!("l=\"{no}\""))).await?;
        self.ask_with("ADL", &ml(name, &format!("l=\"{yes}\""))).await
    }

    /// Answers somebody who asks.
    pub(super) async fn answer(&mut self, name: &str, allow: bool) -> io::Result<()> {
        let role = if allow { "Allow" } else { "Block" };
        self.book.ask(SHARING, "AddMember", &membership(role, &member(name))).await?;
        let list = if allow { ALLOW } else { BLOCK };
        self.ask_with("ADL", &ml(name, &format!("l=\"{list}\""))).await?;
        self.book.asked.remove(&name.to_lowercase());
        let Some(id) = self.book.pending.remove(&name.to_lowercase()) else { return Ok(()) };
        let id = format!("<Member><MembershipId>{id}</MembershipId></Member>");
        self.book.ask(SHARING, "DeleteMember", &membership("Pending", &id)).await.map(drop)
    }

    /// Sends a request with a payload.
    async fn ask_with(&mut self, verb: &str, payload: &str) -> io::Result<()> {
        self.transaction += 1;
        let request = with_payload(&format!("{verb} {}", self.transaction), payload);
        self.write.write_all(request.as_bytes()).await
    }
}

fn member(name: &str) -> String {
    format!(
        "<Member><Type>Passport</Type><State>Accepted</State><PassportName>{name}</PassportName></Member>"
    )
}

fn membership(role: &str, member: &str) -> String {
    format!(
        "<serviceHandle><Id>0</Id><Type>Messenger</Type><ForeignId></ForeignId></serviceHandle>\
         <memberships><Membership><MemberRole>{role}</MemberRole><Members>{member}</Members>\
         </Membership></memberships>"
    )
}

/// A list of one.
fn ml(name: &str, lists: &str) -> String {
    format!("<ml>{}</ml>", entry(name, &format!("{lists} t=\"1\"")))
}
