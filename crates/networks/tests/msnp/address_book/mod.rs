//! The address book of MSNP13 and later: HTTP and SOAP, in the words of captured sessions.

mod leaks;
mod recorded;

use crate::*;

const OWNER: &str = "malice@example.com";
pub(crate) const TOKEN: &str = "t=4cb93a44e8b5e3a4&amp;p=";

/// A person who is online with MSNP18, and a connection to the address book.
pub(crate) struct Book {
    lobby: Arc<Lobby>,
    ns: Gateway,
    pub(crate) soap: Gateway,
}

impl Book {
    pub(crate) fn of(roster: impl Into<Option<Roster>>) -> Self {
        let lobby = Arc::new(Lobby::default());
        let mut ns = Gateway::new(&Msnp, &lobby, roster);
        client(&mut ns, "VER 1 MSNP18 CVR0");
        server(&mut ns, "VER 1 MSNP18");
        client(&mut ns, "USR 4 SSO S t=4cb93a44e8b5e3a4&p= proof");
        server(&mut ns, &format!("USR 4 OK {OWNER} 1 0"));
        let soap = Gateway::new(&Msnp, &lobby, None);
        Self { lobby, ns, soap }
    }

    /// Sends a request; returns what the server and the client got.
    fn ask(&mut self, operation: &str, body: &str) -> (String, String) {
        self.soap.bytes(Side::Client, request(operation, body).as_bytes()).unwrap();
        let got = (text(self.soap.take(Side::Server)), text(self.soap.take(Side::Client)));
        self.ns.input(Input::Rung).unwrap();
        got
    }

    /// Asks for something that the server answers; returns what the client got.
    fn fetch(&mut self, operation: &str, body: &str, result: &str) -> String {
        let (server, _) = self.ask(operation, body);
        assert_eq!(server, request(operation, body));
        self.soap.bytes(Side::Server, answer(operation, result).as_bytes()).unwrap();
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

/// What a server says of lists without anybody in them.
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

#[test]
fn foreign_people_are_in_the_lists_and_the_address_book() {
    let mut book = Book::of(listed());
    let got = book.fetch("FindMembership", "", &memberships());
    let allowed = between(body(&got), "<MemberRole>Allow</MemberRole>", "</Membership>");
    assert!(allowed.contains(&format!("<PassportName>{BOB}</PassportName>")), "{got}");
    assert!(got.contains("<MemberRole>Reverse</MemberRole>"), "a list that was not there is told");
    assert!(!between(&got, "<MemberRole>Block</MemberRole>", "</Membership>").contains(BOB));
    let got = book.fetch("ABFindContactsPaged", "", &addresses());
    assert!(body(&got).contains(&format!("<passportName>{BOB}</passportName>")), "{got}");
    assert!(got.contains("<groupIds><guid>8e5272aa</guid></groupIds>"), "groups of a name are one");
    assert_eq!(got.matches("<Group>").count() + got.matches("<Group ").count(), 1);
}

#[test]
fn one_who_asks_is_pending_and_asked_about_once() {
    let words = Subscription::Asked("let me in & talk".into());
    let mut book = Book::of(roster(contact(words, false)));
    let got = book.fetch("FindMembership", "", &memberships());
    let pending = between(&got, "<MemberRole>Pending</MemberRole>", "</Membership>");
    assert!(pending.contains("<Value>let me in &amp; talk</Value>"), "{got}");
    deliver(&mut book.ns, Body::Contact(Consent::Request("let me in".into())));
    client(&mut book.ns, "CHG 6 NLN 0");
    server(&mut book.ns, "CHG 6 NLN 0");
    assert!(!text(book.ns.take(Side::Client)).contains("ADL 0"), "it stood in the list");
    assert!(!book.ns.events.iter().any(|e| matches!(e, Event::Unshown(_) | Event::Advise(_))));
    let id = between(pending, "<MembershipId>", "</MembershipId>");
    let member = format!(
        "<memberships><Membership><MemberRole>Pending</MemberRole><Members><Member>\
         <Type>Passport</Type><MembershipId>{id}</MembershipId></Member></Members></Membership>\
         </memberships>"
    );
    let (server_got, client_got) = book.ask("DeleteMember", &member);
    assert!(server_got.is_empty() && client_got.contains("<DeleteMemberResponse "), "{client_got}");
    let allow = "<ml><d n='far-oscar.xt'><c n='bob' l='2' t='1'/></d></ml>";
    book.ns.bytes(Side::Client, with_payload("ADL 7", allow).as_bytes()).unwrap();
    assert_eq!(said(&mut book.ns)[0].body, Body::Contact(Consent::Grant));
}

#[test]
fn whoever_asks_later_is_told_of_in_a_list_that_the_server_seems_to_push() {
    let mut book = Book::of(Roster::default());
    book.fetch("FindMembership", "", &memberships());
    client(&mut book.ns, "CHG 6 NLN 0");
    server(&mut book.ns, "CHG 6 NLN 0");
    book.ns.take(Side::Client);
    let asks = contact(Subscription::Asked("hi".into()), false);
    book.ns.input(Input::Changed(asks)).unwrap();
    deliver(&mut book.ns, Body::Contact(Consent::Request("hi".into())));
    let who =
        format!("<ml><d n=\"far-oscar.xt\"><c n=\"bob\" t=\"1\" l=\"8\" f=\"{BOB}\" /></d></ml>");
    assert_eq!(text(book.ns.take(Side::Client)), with_payload("ADL 0", &who));
    let got = book.fetch("FindMembership", "", &memberships());
    assert!(between(&got, "Pending</MemberRole>", "</Membership>").contains(BOB));
}

#[test]
fn somebody_foreign_is_added_named_and_removed_here() {
    let mut book = Book::of(Roster::default());
    book.fetch("ABFindContactsPaged", "", &addresses());
    let add = format!(
        "<groupFilter><groupIds><guid>8E5272AA</guid></groupIds></groupFilter><contacts><Contact>\
         <contactInfo><passportName>{BOB}</passportName><isMessengerUser>true</isMessengerUser>\
         </contactInfo></Contact></contacts>"
    );
    let (server_got, client_got) = book.ask("ABGroupContactAdd", &add);
    assert_eq!(server_got, "");
    let guid = between(body(&client_got), "<guid>", "</guid>").to_owned();
    let name = format!(
        "<contacts><Contact><contactInfo><annotations><Annotation><Name>AB.NickName</Name>\
         <Value>Bobby</Value></Annotation></annotations></contactInfo>\
         <propertiesChanged>Annotation</propertiesChanged><contactId>{guid}</contactId></Contact>\
         </contacts>"
    );
    assert_eq!(book.ask("ABContactUpdate", &name).0, "");
    let edits = book.edits();
    let listed = |alias: Option<&str>| RosterEdit::List {
        address: bob(),
        spelling: BOB.into(),
        alias: alias.map(str::to_owned),
        groups: vec!["Work".into()],
    };
    assert_eq!(edits, [listed(None), listed(Some("Bobby"))]);
    let bodies: Vec<_> = said(&mut book.ns).into_iter().map(|o| o.body).collect();
    assert_eq!(bodies, [Body::Contact(Consent::Request(RichText::default()))]);
    let delete = format!("<contacts><Contact><contactId>{guid}</contactId></Contact></contacts>");
    let (server_got, client_got) = book.ask("ABContactDelete", &delete);
    assert!(server_got.is_empty() && client_got.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(book.edits(), [RosterEdit::Remove(bob())]);
}

#[test]
fn what_is_said_of_own_people_too_loses_the_foreign_ones_only() {
    let mut book = Book::of(listed());
    let member = |name: &str| {
        format!("<Member><Type>Passport</Type><PassportName>{name}</PassportName></Member>")
    };
    let block = |members: &str| {
        format!(
            "<memberships><Membership><MemberRole>Block</MemberRole><Members>{members}</Members>\
             </Membership></memberships>"
        )
    };
    let (eve, both) = (member("eve@x.org"), member("eve@x.org") + &member(BOB));
    let (server_got, client_got) = book.ask("AddMember", &block(&both));
    assert_eq!(body(&server_got), body(&request("AddMember", &block(&eve))));
    assert_eq!(client_got, "");
    assert_eq!(book.edits(), [RosterEdit::Block(bob(), true)]);
    let reply = answer("AddMember", "");
    book.soap.bytes(Side::Server, reply.as_bytes()).unwrap();
    assert_eq!(text(book.soap.take(Side::Client)), reply);
}

#[test]
fn a_request_that_is_not_known_is_refused_where_it_names_somebody_foreign() {
    let mut book = Book::of(listed());
    let connect = format!("<contact><email>{BOB}</email></contact>");
    // The second invites people to a circle, which foreign people cannot be in.
    for operation in ["InviteSomehow", "CreateContact"] {
        let (server_got, client_got) = book.ask(operation, &connect);
        assert!(server_got.is_empty() && client_got.starts_with("HTTP/1.1 500 "), "{client_got}");
        assert!(client_got.contains("InvalidPassportUser") && book.edits().is_empty());
    }
    let own = "<contact><email>eve@x.org</email></contact>";
    assert_eq!(book.ask("InviteSomehow", own).0, request("InviteSomehow", own));
}

#[test]
fn a_name_that_nobody_can_have_and_a_client_that_is_not_known_are_refused() {
    let add = |name: &str| {
        format!(
            "<contacts><Contact><contactInfo><passportName>{name}</passportName></contactInfo>\
             </Contact></contacts>"
        )
    };
    let mut book = Book::of(Roster::default());
    let (server_got, client_got) = book.ask("ABContactAdd", &add("bob@nowhere.xt"));
    assert!(server_got.is_empty() && client_got.starts_with("HTTP/1.1 500 "), "{client_got}");
    let mut stranger = Gateway::new(&Msnp, &Arc::default(), None);
    stranger.bytes(Side::Client, request("ABContactAdd", &add(BOB)).as_bytes()).unwrap();
    assert_eq!(text(stranger.take(Side::Server)), "");
    assert!(text(stranger.take(Side::Client)).contains("InvalidPassportUser"));
}

#[test]
fn only_whole_lists_are_asked_for_where_the_client_has_foreign_people() {
    let delta = "<View>Full</View><deltasOnly>true</deltasOnly>";
    let mut book = Book::of(listed());
    let (server_got, client_got) = book.ask("FindMembership", delta);
    assert!(server_got.is_empty() && client_got.contains("FullSyncRequired"), "{client_got}");
    let mut book = Book::of(Roster::default());
    assert_eq!(book.ask("FindMembership", delta).0, request("FindMembership", delta));
}

#[test]
fn answers_are_read_in_any_wrapping_and_wait_for_the_foreign_list() {
    let mut book = Book::of(None);
    let zipped = request("FindMembership", "").replace("Host:", "Accept-Encoding: gzip\r\nHost:");
    book.soap.bytes(Side::Client, zipped.as_bytes()).unwrap();
    assert!(!text(book.soap.take(Side::Server)).contains("gzip"));
    let plain = answer("FindMembership", &memberships());
    let (_, content) = plain.split_once("\r\n\r\n").unwrap();
    let (front, back) = content.split_at(100);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{front}\r\n{:x}\r\n{back}\r\n0\r\n\r\n",
        back.len()
    );
    for byte in chunked.as_bytes() {
        book.soap.bytes(Side::Server, &[*byte]).unwrap();
    }
    book.soap.wait(Duration::from_secs(1));
    assert_eq!(text(book.soap.take(Side::Client)), "");
    book.ns.input(Input::Roster(listed())).unwrap();
    book.soap.wait(Duration::from_secs(1));
    assert!(body(&text(book.soap.take(Side::Client))).contains(BOB));
}

#[test]
fn an_answer_that_ends_with_the_connection_is_read_too() {
    let mut book = Book::of(listed());
    book.ask("FindMembership", "");
    let plain = answer("FindMembership", &memberships());
    let (_, content) = plain.split_once("\r\n\r\n").unwrap();
    for part in ["HTTP/1.0 200 OK\r\n\r\n", &content[..50], &content[50..]] {
        book.soap.bytes(Side::Server, part.as_bytes()).unwrap();
    }
    assert_eq!(text(book.soap.take(Side::Client)), "");
    book.soap.input(Input::Closed(Side::Server)).unwrap();
    assert!(body(&text(book.soap.take(Side::Client))).contains(BOB));
}

#[test]
fn an_answer_that_is_too_long_passes_as_it_is() {
    for head in ["HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n"] {
        let mut book = Book::of(listed());
        book.ask("FindMembership", "");
        book.soap.bytes(Side::Server, head.as_bytes()).unwrap();
        let (mut passed, part) = (Vec::new(), vec![b'x'; 100_000]);
        for _ in 0..30 {
            book.soap.bytes(Side::Server, &part).unwrap();
            assert!(book.soap.pending(Side::Server).len() < crosstalk_core::MAX_PENDING);
            passed.extend(book.soap.take(Side::Client));
        }
        assert_eq!(passed.len(), head.len() + 3_000_000);
        assert!(book.soap.events.iter().any(|e| matches!(e, Event::Advise(_))));
    }
}

#[test]
fn a_person_who_is_signed_in_twice_and_leaves_once_is_still_found() {
    let mut book = Book::of(listed());
    let mut second = Gateway::new(&Msnp, &book.lobby, listed());
    client(&mut second, "VER 1 MSNP18 CVR0");
    server(&mut second, "VER 1 MSNP18");
    server(&mut second, &format!("USR 4 OK {OWNER} 1 0"));
    drop(second);
    assert!(book.fetch("FindMembership", "", &memberships()).contains(BOB));
}

#[test]
fn answers_of_ours_wait_for_those_that_were_asked_for_before() {
    let mut book = Book::of(listed());
    let add = format!(
        "<contacts><Contact><contactInfo><passportName>{BOB}</passportName></contactInfo>\
         </Contact></contacts>"
    );
    book.ask("FindMembership", "");
    let (server_got, client_got) = book.ask("ABContactAdd", &add);
    assert_eq!((server_got.as_str(), client_got.as_str()), ("", ""));
    let found = answer("FindMembership", &memberships());
    book.soap.bytes(Side::Server, found.as_bytes()).unwrap();
    let got = text(book.soap.take(Side::Client));
    let (first, second) = (got.find("FindMembershipResponse"), got.find("ABContactAddResponse"));
    assert!(first.is_some() && first < second, "{got}");
}

#[test]
fn with_the_gateway_as_the_server_the_address_book_is_dialled() {
    let upstream = HostPort::new("contacts.test", 443);
    let via = Via::Direct { upstream, advertise: HostPort::new("192.0.2.9", 443) };
    let mut soap = Gateway::via(&Msnp, &Arc::default(), None, via);
    soap.bytes(Side::Client, request("FindMembership", "").as_bytes()).unwrap();
    assert!(matches!(&soap.events[..], [Event::Dial(to)] if to.host == "contacts.test"));
    assert_eq!(text(soap.take(Side::Server)), request("FindMembership", ""));
}

#[test]
fn an_address_book_of_nobody_here_passes_as_it_is() {
    let mut soap = Gateway::new(&Msnp, &Arc::default(), None);
    soap.bytes(Side::Client, request("FindMembership", "").as_bytes()).unwrap();
    let reply = answer("FindMembership", &memberships());
    soap.bytes(Side::Server, reply.as_bytes()).unwrap();
    assert_eq!(text(soap.take(Side::Client)), "", "the person may be about to sign in");
    soap.wait(Duration::from_secs(4));
    assert_eq!(text(soap.take(Side::Client)), reply);
    soap.bytes(Side::Client, request("ABFindAll", "").as_bytes()).unwrap();
    let reply = answer("ABFindAll", &addresses());
    soap.bytes(Side::Server, reply.as_bytes()).unwrap();
    assert_eq!(text(soap.take(Side::Client)), reply, "it is not waited for twice");
    assert!(!soap.altered());
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

#[test]
fn what_is_left_for_somebody_foreign_who_is_offline_is_sent() {
    let mut book = Book::of(listed());
    book.soap.bytes(Side::Client, left_for(BOB).as_bytes()).unwrap();
    assert_eq!(text(book.soap.take(Side::Server)), "");
    assert!(text(book.soap.take(Side::Client)).contains("Upper=\"3\""));
    book.ns.input(Input::Rung).unwrap();
    assert_eq!(said(&mut book.ns)[0].body, super::says("hello"));
    let own = left_for("eve@x.org");
    book.soap.bytes(Side::Client, own.as_bytes()).unwrap();
    assert_eq!(text(book.soap.take(Side::Server)), own);
}

#[test]
fn damaged_requests_and_answers_do_no_harm() {
    let mut random = common::Random(1999);
    for _ in 0..3_000 {
        let mut book = Book::of(listed());
        let add = format!(
            "<groupFilter><groupIds><guid>8e5272aa</guid></groupIds></groupFilter><contacts>\
             <Contact><contactInfo><passportName>{BOB}</passportName></contactInfo></Contact>\
             </contacts>"
        );
        let stream = [
            (Side::Client, request("FindMembership", "")),
            (Side::Server, answer("FindMembership", &memberships())),
            (Side::Client, request("ABFindAll", "")),
            (Side::Server, answer("ABFindAll", &addresses())),
            (Side::Client, request("ABGroupContactAdd", &add)),
            (Side::Client, left_for(BOB)),
        ];
        let spoilt = random.below(stream.len());
        for (i, (side, text)) in stream.iter().enumerate() {
            let mut bytes = text.clone().into_bytes();
            for _ in 0..if i == spoilt { 1 + random.below(4) } else { 0 } {
                let at = random.below(bytes.len());
                let end = bytes.len().min(at + random.below(80));
                match random.below(4) {
                    0 => bytes[at] ^= 1 << random.below(8),
                    1 => drop(bytes.drain(at..end)),
                    2 => drop(bytes.splice(at..at, text.bytes().skip(at / 2).take(60))),
                    _ => bytes[at..end].fill(b'9'),
                }
            }
            if bytes.is_empty() || book.soap.bytes(*side, &bytes).is_err() {
                break;
            }
            assert!(book.soap.pending(*side).len() <= crosstalk_core::MAX_PENDING);
            book.soap.wait(Duration::from_secs(4));
            book.ns.input(Input::Rung).unwrap();
        }
    }
}

#[test]
fn an_engine_takes_nothing_of_msnp_within_http() {
    let open =
        "POST /gateway/gateway.dll?Action=open&Server=NS HTTP/1.1\r\nContent-Length: 18\r\n\r\n";
    let mut gateway = Gateway::new(&Msnp, &Arc::default(), None);
    assert!(gateway.bytes(Side::Client, open.as_bytes()).is_err());
    assert!(!gateway.altered() && gateway.take(Side::Server).is_empty());
    assert_eq!(gateway.pending(Side::Client), open.as_bytes(), "whoever refuses it finds it whole");
}

/// An address book of `owner`, as its server says, in which the client wrote that it is `me`.
fn book_of(owner: &str, me: &str) -> String {
    format!(
        "<Contacts><Contact><contactId>61f3c699</contactId><contactInfo><contactType>Me\
         </contactType><passportName>{me}</passportName></contactInfo></Contact></Contacts><Ab>\
         <abInfo><ownerEmail>{owner}</ownerEmail></abInfo></Ab>"
    )
}

/// Somebody else's connection to the address book, with a ticket that nobody has seen.
fn asked_by_another(book: &Book, result: &str) -> (Gateway, String) {
    let mut other = Gateway::new(&Msnp, &book.lobby, None);
    let question = request("ABFindContactsPaged", "").replace(TOKEN, "t=other&amp;");
    other.bytes(Side::Client, resized(&question).as_bytes()).unwrap();
    other.bytes(Side::Server, answer("ABFindContactsPaged", result).as_bytes()).unwrap();
    other.wait(Duration::from_secs(4));
    let got = text(other.take(Side::Client));
    (other, got)
}

/// A message whose length is put right.
fn resized(message: &str) -> String {
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    let (front, rest) = head.split_once("Content-Length: ").unwrap();
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{front}Content-Length: {}{rest}\r\n\r\n{body}", body.len())
}

#[test]
fn whose_book_it_is_is_not_for_the_client_to_write() {
    let book = Book::of(listed());
    let (_, got) = asked_by_another(&book, &book_of("mallory@x.org", OWNER));
    assert!(!got.contains(BOB), "Mallory wrote that it is Malice: {got}");
    let (_, got) = asked_by_another(&book, &book_of("", OWNER));
    assert!(!got.contains(BOB), "nobody but the client says whose it is: {got}");
    let (_, got) = asked_by_another(&book, &book_of(OWNER, "whoever@x.org"));
    assert!(got.contains(BOB), "the server says whose it is: {got}");
}

#[test]
fn a_ticket_that_the_notification_server_took_is_whose_it_is() {
    let mut book = Book::of(listed());
    let got = book.fetch("ABFindContactsPaged", "", &book_of("mallory@x.org", "mallory@x.org"));
    assert!(!got.contains(BOB), "a book of somebody else is left alone: {got}");
    let got = book.fetch("ABFindContactsPaged", "", &book_of("", "mallory@x.org"));
    assert!(got.contains(BOB), "the ticket alone says whose it is: {got}");
}

#[test]
fn who_shows_no_ticket_of_the_person_changes_nothing() {
    let mut book = Book::of(listed());
    let (mut other, _) = asked_by_another(&book, &book_of("mallory@x.org", OWNER));
    let delete = format!(
        "<contacts><Contact><contactInfo><passportName>{BOB}</passportName></contactInfo>\
         </Contact></contacts>"
    );
    let question = request("ABContactDelete", &delete).replace(TOKEN, "t=other&amp;");
    other.bytes(Side::Client, resized(&question).as_bytes()).unwrap();
    book.ns.input(Input::Rung).unwrap();
    assert_eq!(book.edits(), []);
}

#[test]
fn contacts_named_by_guid_or_number_are_found_without_a_walk() {
    crate::common::assert_linear("a SOAP request", 400, |count| {
        let contacts = (0..count).map(|n| {
            let address = format!("friend{n}@far-oscar").parse().unwrap();
            Contact { listed: true, ..Contact::new(address, format!("friend{n}@far-oscar.xt")) }
        });
        let mut roster = Roster::default();
        contacts.for_each(|contact| assert!(roster.put(contact, Stamp::default())));
        let mut book = Book::of(roster);
        let guid = "<contactId>12345678-1234-1234-1234-123456789012</contactId>";
        let guids = format!("<Contact>{guid}</Contact>").repeat(count);
        let number = "<Member><MembershipId>1500000001</MembershipId></Member>".repeat(count);
        let begun = std::time::Instant::now();
        book.ask("ABContactDelete", &format!("<contacts>{guids}</contacts>"));
        book.ask("Unknown", &guids);
        let members = format!(
            "<memberships><Membership><MemberRole>Allow</MemberRole><Members>{number}</Members>\
             </Membership></memberships>"
        );
        book.ask("DeleteMember", &members);
        begun.elapsed()
    });
}

#[test]
fn more_changes_than_can_wait_are_refused_and_not_lost() {
    let mut book = Book::of(Roster::default());
    let contacts = (0..1_500).fold(String::new(), |all, n| {
        let name = format!("<passportName>friend{n}@far-oscar.xt</passportName>");
        all + "<Contact><contactInfo>" + &name + "</contactInfo></Contact>"
    });
    let (server_got, client_got) =
        book.ask("ABContactAdd", &format!("<contacts>{contacts}</contacts>"));
    assert!(server_got.is_empty() && client_got.contains(" 500 "), "{client_got}");
    assert_eq!(book.edits(), []);
    let letter = format!(
        "<soap:Envelope xmlns:soap='http://schemas.xmlsoap.org/soap/envelope/'><soap:Header>\
         <To memberName='{BOB}'/><Ticket passport='{TOKEN}'/></soap:Header><soap:Body><Content>\
         \n\n{}</Content></soap:Body></soap:Envelope>",
        "x".repeat(60_000)
    );
    let letter = format!(
        "POST /OimWS/oim.asmx HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{letter}",
        letter.len()
    );
    let stored = |book: &mut Book| {
        book.soap.bytes(Side::Client, letter.as_bytes()).unwrap();
        text(book.soap.take(Side::Client)).contains(" 200 ")
    };
    let kept = (0..20).filter(|_| stored(&mut book)).count();
    assert_eq!(kept, 8, "of 60,000 bytes each");
    book.ns.input(Input::Rung).unwrap();
    assert_eq!(said(&mut book.ns).len(), kept);
}
