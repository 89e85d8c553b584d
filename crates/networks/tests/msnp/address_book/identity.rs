//! Identity of an address book: its owner, and the people who may change it.

use super::*;

#[test]
fn a_person_who_is_signed_in_twice_and_leaves_once_is_still_found() {
    let mut book = Book::of(listed());
    let mut second = Gateway::new(&Msnp, &book.shared, listed());
    client(&mut second, "VER 1 MSNP18 CVR0");
    server(&mut second, "VER 1 MSNP18");
    server(&mut second, &format!("USR 4 OK {OWNER} 1 0"));
    drop(second);
    assert!(book.fetch("FindMembership", "", &memberships()).contains(BOB));
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

/// An address book of `owner`, as its server says, in which the client wrote that it is `me`.
fn book_of(owner: &str, me: &str) -> String {
    format!(
        "<Contacts><Contact><contactId>61f3c699</contactId><contactInfo><contactType>Me\
         </contactType><passportName>{me}</passportName></contactInfo></Contact></Contacts><Ab>\
         <abInfo><ownerEmail>{owner}</ownerEmail></abInfo></Ab>"
    )
}

/// Somebody else's connection to the address book, with a ticket that nobody has seen.
fn asked_by_another(book: &mut Book, result: &str) -> (Gateway, String) {
    let mut other = Gateway::new(&Msnp, &book.shared, None);
    let question = request("ABFindContactsPaged", "").replace(TOKEN, "t=other&amp;");
    other.bytes(Side::Client, resized(&question).as_bytes()).unwrap();
    other.bytes(Side::Server, answer("ABFindContactsPaged", result).as_bytes()).unwrap();
    settle(&mut book.ns, &mut other);
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
    let mut book = Book::of(listed());
    let (_, got) = asked_by_another(&mut book, &book_of("mallory@x.org", OWNER));
    assert!(!got.contains(BOB), "Mallory wrote that it is Malice: {got}");
    let (_, got) = asked_by_another(&mut book, &book_of("", OWNER));
    assert!(!got.contains(BOB), "nobody but the client says whose it is: {got}");
    let (_, got) = asked_by_another(&mut book, &book_of(OWNER, "whoever@x.org"));
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
fn a_ticket_stays_with_whoever_showed_it_and_is_slow() {
    let mut book = Book::of(listed());
    let mut mallory = Gateway::new(&Msnp, &book.shared, Roster::default());
    client(&mut mallory, "VER 1 MSNP18 CVR0");
    server(&mut mallory, "VER 1 MSNP18");
    client(&mut mallory, "USR 4 SSO S t=mallory proof");
    server(&mut mallory, "USR 4 OK mallory@x.org 1 0");
    book.ask("ABFindContactsPaged", "");
    let reply = answer("ABFindContactsPaged", &book_of("mallory@x.org", OWNER));
    book.soap.bytes(Side::Server, reply.as_bytes()).unwrap();
    book.soap.wait(Duration::from_secs(3));
    assert_eq!(text(book.soap.take(Side::Client)), reply, "it waits no longer");
    settle(&mut mallory, &mut book.soap);
    book.settle();
    let got = book.fetch("ABFindContactsPaged", "", &book_of("", OWNER));
    assert!(got.contains(BOB), "the ticket is still Malice's: {got}");
}

#[test]
fn who_shows_no_ticket_of_the_person_changes_nothing() {
    let mut book = Book::of(listed());
    let (mut other, _) = asked_by_another(&mut book, &book_of("mallory@x.org", OWNER));
    let delete = format!(
        "<contacts><Contact><contactInfo><passportName>{BOB}</passportName></contactInfo>\
         </Contact></contacts>"
    );
    let question = request("ABContactDelete", &delete).replace(TOKEN, "t=other&amp;");
    other.bytes(Side::Client, resized(&question).as_bytes()).unwrap();
    settle(&mut book.ns, &mut other);
    assert_eq!(book.edits(), []);
}
