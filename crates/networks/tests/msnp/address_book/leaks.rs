//! A law over all requests by HTTP: no foreign name reaches a server, wherever in them it stands, and
//! what names nobody foreign passes byte for byte.

use super::{Book, TOKEN, answer, request};
use crate::*;

const STORAGE: &str = "http://www.msn.com/webservices/storage/w10";
const SCHEMATIZED: &str = "/storageservice/SchematizedStore.asmx";

/// Operations of the storage service, with a mark where a name could stand.
const STORED: [(&str, &str); 9] = [
    (
        "GetProfile",
        "<profileHandle><Alias><Name>-7507358714239149928</Name><NameSpace>MyCidStuff</NameSpace>\
         </Alias><OwnerName>NAME</OwnerName><RelationshipName>MyProfile</RelationshipName>\
         </profileHandle><profileAttributes><ResourceID>true</ResourceID></profileAttributes>",
    ),
    ("FindDocuments", "<objectHandle><RelationshipName alias='NAME'/></objectHandle>"),
    (
        "UpdateProfile",
        "<profile><ResourceID>862d987eb60b7a63!106</ResourceID><ExpressionProfile>\
         <FreeText>Update</FreeText><Owner>NAME</Owner></ExpressionProfile></profile>",
    ),
    ("DeleteRelationships", "<sourceHandle><Alias>mailto:NAME</Alias></sourceHandle>"),
    (
        "CreateRelationships",
        "<relationships><Relationship><TargetID>NAME</TargetID></Relationship></relationships>",
    ),
    ("CreateDocument", "<document><Owner><![CDATA[NAME]]></Owner></document>"),
    ("UpdateDocument", "<document><!-- for NAME --><Data>aGVsbG8=</Data></document>"),
    ("ShareItem", "<Emails><string>eve@x.org,NAME</string></Emails>"),
    ("Unknown", "<?for NAME?><a/>"),
];
/// Operations of the address book in which a name stands where none is looked for.
const BOOKED: [(&str, &str); 6] = [
    ("FindMembership", "<View>Full</View><for>NAME</for>"),
    ("ABFindContactsPaged", "<filterOptions><Owner>NAME</Owner></filterOptions>"),
    (
        "ABGroupAdd",
        "<groupInfo><GroupInfo><name>Work</name></GroupInfo></groupInfo><for a='NAME'/>",
    ),
    (
        "ABContactUpdate",
        "<contacts><Contact><contactId>1-2</contactId><contactInfo><webSites><ContactWebSite>\
         <webURL>mailto:NAME</webURL></ContactWebSite></webSites></contactInfo></Contact></contacts>",
    ),
    (
        "AddMember",
        "<memberships><Membership><MemberRole>Allow</MemberRole><Members><Member>\
         <PassportName>eve@x.org</PassportName></Member></Members></Membership></memberships>\
         <for>NAME</for>",
    ),
    ("ManageWLConnection", "<contactId>NAME</contactId>"),
];
/// A foreign person, in the spellings that clients and servers know, and nobody.
const NAMES: [&str; 5] =
    [BOB, "Bob@FAR-oscar.XT", "bob@nowhere.xt", "1:bob@far-oscar.xt", "bob&#64;far-oscar.xt"];

fn http(first: &str, more: &str, body: &str) -> String {
    let length = body.len();
    format!("{first} HTTP/1.1\r\nHost: x.msn.com\r\n{more}Content-Length: {length}\r\n\r\n{body}")
}

/// A request to the storage service.
fn stored(operation: &str, body: &str) -> String {
    let envelope = format!(
        "<soap:Envelope xmlns:soap='http://schemas.xmlsoap.org/soap/envelope/'><soap:Header>\
         <StorageUserHeader xmlns='{STORAGE}'><TicketToken>{TOKEN}</TicketToken>\
         </StorageUserHeader></soap:Header><soap:Body><{operation} xmlns='{STORAGE}'>{body}\
         </{operation}></soap:Body></soap:Envelope>"
    );
    let action = format!("SOAPAction: \"{STORAGE}/{operation}\"\r\n");
    http(&format!("POST {SCHEMATIZED}"), &action, &envelope)
}

/// Every kind of request, about `name`.
fn requests(name: &str) -> Vec<String> {
    let with = |text: &str| text.replace("NAME", name);
    let coded = name.replace('@', "%40").replace("&#64;", "%40");
    let form = format!("token=ru%3dhttp&user={coded}");
    let long = format!("<Data>{}</Data><Owner>{name}</Owner>", "QUJD".repeat(60_000));
    let mut all: Vec<String> =
        STORED.iter().map(|(operation, body)| stored(operation, &with(body))).collect();
    // Character references are none in these.
    all.retain(|text| {
        !name.contains('&') || ["<![", "<!--", "<?"].iter().all(|l| !text.contains(l))
    });
    all.extend(BOOKED.iter().map(|(operation, body)| request(operation, &with(body))));
    all.extend([
        stored("UpdateDocument", &long),
        stored("UpdateDocument", &format!("{name} {}", "QUJD".repeat(60_000))),
        http("POST /rsi/rsi.asmx", "", &format!("<!DOCTYPE a><a>{name}</a>")),
        http("POST /ppsecure/sha1auth.srf", "", &form),
        http(&format!("GET /storage/usertile/{coded}/static"), "", ""),
        http(&format!("GET /find?who={coded}"), "", ""),
        http("GET /", &format!("X-For: {}\r\n", coded.replace("%40", "@")), ""),
    ]);
    all
}

/// A connection on which something else was asked before.
fn connected(roster: Roster) -> Book {
    let mut book = Book::of(roster);
    let first = request("ABFindAll", "<abId>1-2</abId>");
    book.sends(Side::Client, first.as_bytes());
    book.sends(Side::Server, answer("ABFindAll", "").as_bytes());
    assert_eq!(text(book.soap.take(Side::Server)), first);
    book.soap.take(Side::Client);
    book
}

/// Bytes of a request that the server got, and whether the client was refused it: by an answer, or
/// by the end of the connection.
fn asked(book: &mut Book, request: &str, pieces: usize) -> (Vec<u8>, bool) {
    let (mut sent, mut refused) = (Vec::new(), false);
    for piece in request.as_bytes().chunks(pieces) {
        if refused {
            break;
        }
        refused = book.soap.bytes(Side::Client, piece).is_err();
        book.settle();
        sent.extend(book.soap.take(Side::Server));
    }
    let answered = text(book.soap.take(Side::Client)).contains(" 500 ");
    (sent, refused || answered)
}

#[test]
fn no_foreign_name_reaches_a_server_by_http() {
    for name in NAMES {
        for request in requests(name) {
            for pieces in [100, 10_000, 1_000_000] {
                let mut book = connected(listed());
                let (sent, refused) = asked(&mut book, &request, pieces);
                let sent = String::from_utf8(sent).unwrap().to_ascii_lowercase();
                let shown = &request[..request.len().min(700)];
                assert!(refused && !sent.contains("bob"), "{shown} as {sent:.700}");
                assert_eq!(book.edits(), []);
            }
        }
    }
}

#[test]
fn what_names_nobody_foreign_passes_byte_by_byte_and_whole() {
    let mut all = requests("eve@x.org");
    // What people write of themselves is theirs.
    all.push(stored(
        "UpdateProfile",
        &format!(
            "<profile><ExpressionProfile><DisplayName>{BOB}</DisplayName><PersonalStatus>I am \
             {BOB}</PersonalStatus></ExpressionProfile></profile>"
        ),
    ));
    let group = format!("<groupInfo><GroupInfo><name>{BOB}</name></GroupInfo></groupInfo>");
    all.push(request("ABGroupAdd", &group));
    for request in &all {
        for pieces in [1, 1_000, 1_000_000] {
            if pieces == 1 && request.len() > 10_000 {
                continue;
            }
            let mut book = connected(Roster::default());
            let (sent, refused) = asked(&mut book, request, pieces);
            assert!(!refused && sent == request.as_bytes(), "{request:.700}");
            assert!(!book.soap.altered());
        }
    }
}

#[test]
fn what_is_compressed_is_refused_however_long_it_is() {
    let coded = |coding: &str, body: &str| {
        let more = format!("content-encoding: {coding}\r\n");
        http(&format!("POST {SCHEMATIZED}"), &more, body)
    };
    for length in [10, 40_000, 400_000] {
        for coding in ["gzip", "deflate", "identity\r\nContent-Encoding: br"] {
            let mut book = connected(listed());
            let request = coded(coding, &"\u{1}".repeat(length));
            for piece in request.as_bytes().chunks(10_000) {
                book.sends(Side::Client, piece);
            }
            assert!(book.soap.take(Side::Server).is_empty(), "{coding}, {length}");
            assert!(text(book.soap.take(Side::Client)).starts_with("HTTP/1.1 415 "));
        }
    }
    let (mut book, plain) = (connected(listed()), coded("identity", "<a/>"));
    book.sends(Side::Client, plain.as_bytes());
    assert_eq!(text(book.soap.take(Side::Server)), plain);
}

#[test]
fn an_answer_that_is_read_is_asked_for_as_it_is() {
    let mut book = Book::of(listed());
    let asked = request("ABFindAll", "");
    let asked = asked.replace("Host:", "Accept-Encoding: gzip, deflate\r\nHost:");
    book.sends(Side::Client, asked.as_bytes());
    let sent = text(book.soap.take(Side::Server));
    assert!(sent.contains("\r\nAccept-Encoding: identity\r\n") && !sent.contains("gzip"), "{sent}");
}

#[test]
fn a_connection_to_the_storage_service_is_known_by_its_ticket() {
    let mut book = Book::of(listed());
    let (_, operation) = STORED[0];
    book.sends(Side::Client, stored("GetProfile", operation).as_bytes());
    assert!(book.soap.is_known());
    // A picture is longer than may wait of somebody who is not known.
    let mut other = Gateway::new(&Msnp, &Arc::default(), None);
    let picture = stored("UpdateDocument", &format!("<Data>{}</Data>", "QUJD".repeat(60_000)));
    for piece in picture.as_bytes().chunks(10_000) {
        other.bytes(Side::Client, piece).unwrap();
        assert!(other.weight() < 8_192, "{}", other.weight());
    }
    assert_eq!(text(other.take(Side::Server)), picture);
}

#[test]
fn a_request_that_passes_costs_its_length() {
    crate::common::assert_linear("a request that is read as it passes", 100_000, |length| {
        let request = stored("UpdateDocument", &"QUJD".repeat(length));
        let mut book = Book::of(listed());
        let begun = std::time::Instant::now();
        asked(&mut book, &request, 4_000);
        begun.elapsed()
    });
}
