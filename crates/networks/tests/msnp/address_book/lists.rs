//! Responses of servers about lists and address books, with the foreign people in them.

use super::*;

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
fn one_who_was_answered_while_the_list_was_told_may_ask_again() {
    let asks = || contact(Subscription::Asked("hi".into()), true);
    let mut book = Book::of(roster(asks()));
    client(&mut book.ns, "CHG 6 NLN 0");
    server(&mut book.ns, "CHG 6 NLN 0");
    book.ask("FindMembership", "");
    book.soap.bytes(Side::Server, answer("FindMembership", &memberships()).as_bytes()).unwrap();
    book.ns.hear();
    book.ns.input(Input::Changed(contact(Subscription::None, true))).unwrap();
    book.settle();
    assert!(text(book.soap.take(Side::Client)).contains(BOB));
    book.ns.take(Side::Client);
    book.ns.input(Input::Changed(asks())).unwrap();
    deliver(&mut book.ns, Body::Contact(Consent::Request("hi".into())));
    let told = text(book.ns.take(Side::Client));
    assert!(told.starts_with("ADL 0 ") && told.contains(BOB), "{told}");
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
    book.sends(Side::Client, zipped.as_bytes());
    assert!(!text(book.soap.take(Side::Server)).contains("gzip"));
    let plain = answer("FindMembership", &memberships());
    let (_, content) = plain.split_once("\r\n\r\n").unwrap();
    let (front, back) = content.split_at(100);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{front}\r\n{:x}\r\n{back}\r\n0\r\n\r\n",
        back.len()
    );
    for byte in chunked.as_bytes() {
        book.sends(Side::Server, &[*byte]);
    }
    book.soap.wait(Duration::from_secs(1));
    assert_eq!(text(book.soap.take(Side::Client)), "");
    book.ns.input(Input::Roster(listed())).unwrap();
    book.soap.wait(Duration::from_secs(1));
    book.settle();
    assert!(body(&text(book.soap.take(Side::Client))).contains(BOB));
}

#[test]
fn an_answer_that_ends_with_the_connection_is_read_too() {
    let mut book = Book::of(listed());
    book.ask("FindMembership", "");
    let plain = answer("FindMembership", &memberships());
    let (_, content) = plain.split_once("\r\n\r\n").unwrap();
    for part in ["HTTP/1.0 200 OK\r\n\r\n", &content[..50], &content[50..]] {
        book.sends(Side::Server, part.as_bytes());
    }
    assert_eq!(text(book.soap.take(Side::Client)), "");
    book.soap.input(Input::Closed(Side::Server)).unwrap();
    book.settle();
    assert!(body(&text(book.soap.take(Side::Client))).contains(BOB));
}

#[test]
fn an_answer_that_is_too_long_passes_as_it_is() {
    for head in ["HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n"] {
        let mut book = Book::of(listed());
        book.ask("FindMembership", "");
        book.sends(Side::Server, head.as_bytes());
        let (mut passed, part) = (Vec::new(), vec![b'x'; 100_000]);
        for _ in 0..30 {
            book.sends(Side::Server, &part);
            assert!(book.soap.pending(Side::Server).len() < crosstalk_core::MAX_PENDING);
            passed.extend(book.soap.take(Side::Client));
        }
        assert_eq!(passed.len(), head.len() + 3_000_000);
        assert!(book.soap.events.iter().any(|e| matches!(e, Event::Advise(_))));
    }
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
    book.sends(Side::Server, found.as_bytes());
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
            // What was left unread meanwhile may be damaged too.
            let is_heard = |book: &mut Book| {
                (0..4).all(|_| {
                    book.ns.hear();
                    book.soap.try_hear().is_ok()
                })
            };
            if !is_heard(&mut book) {
                break;
            }
            book.soap.now.instant += Duration::from_secs(4);
            if book.soap.input(Input::Tick).is_err() || !is_heard(&mut book) {
                break;
            }
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

#[test]
fn who_asks_while_no_more_can_wait_reads_the_list_of_the_server() {
    let mut book = Book::of(listed());
    let question = request("FindMembership", "");
    let mut askers: Vec<Gateway> =
        (0..1_001).map(|_| Gateway::new(&Msnp, &book.shared, None)).collect();
    for asker in &mut askers {
        asker.bytes(Side::Client, question.as_bytes()).unwrap();
    }
    let last = askers.last_mut().unwrap();
    assert_eq!(text(last.take(Side::Server)), question);
    assert_eq!(text(last.take(Side::Client)), "");
    book.ns.hear();
    askers.iter_mut().for_each(Gateway::hear);
    askers.pop();
    assert!(askers.iter_mut().all(|asker| text(asker.take(Side::Server)) == question));
}
