//! Edits of foreign people by clients, with the rest left for the server.

use super::*;

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
    book.sends(Side::Server, reply.as_bytes());
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
fn what_is_left_for_somebody_foreign_who_is_offline_is_sent() {
    let mut book = Book::of(listed());
    book.sends(Side::Client, left_for(BOB).as_bytes());
    assert_eq!(text(book.soap.take(Side::Server)), "");
    assert!(text(book.soap.take(Side::Client)).contains("Upper=\"3\""));
    book.ns.hear();
    assert_eq!(said(&mut book.ns)[0].body, super::says("hello"));
    let own = left_for("eve@x.org");
    book.sends(Side::Client, own.as_bytes());
    assert_eq!(text(book.soap.take(Side::Server)), own);
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
fn a_list_that_is_full_takes_nobody_else_and_the_client_hears_that() {
    let mut full = Roster::default();
    for n in 1..crosstalk_core::MAX_CONTACTS {
        let address = format!("friend{n}@far-oscar").parse().unwrap();
        let friend = Contact { listed: true, ..Contact::new(address, String::new()) };
        assert!(full.put(friend, Stamp::default()));
    }
    let add = |name: &str| {
        format!(
            "<contacts><Contact><contactInfo><passportName>{name}</passportName></contactInfo>\
             </Contact></contacts>"
        )
    };
    let member = |role: &str, name: &str| {
        format!(
            "<memberships><Membership><MemberRole>{role}</MemberRole><Members><Member>\
             <PassportName>{name}</PassportName></Member></Members></Membership></memberships>"
        )
    };
    let mut book = Book::of(full);
    let (_, got) = book.ask("ABContactAdd", &add(BOB));
    assert!(got.starts_with("HTTP/1.1 200 ") && book.edits().len() == 1, "{got}");
    let carol = "carol@far-oscar.xt";
    for (operation, body) in [
        ("ABContactAdd", add(carol)),
        ("AddMember", member("Allow", carol)),
        ("AddMember", member("Block", carol)),
    ] {
        let (server_got, got) = book.ask(operation, &body);
        assert_eq!(server_got, "");
        assert!(got.starts_with("HTTP/1.1 500 ") && got.contains("QuotaLimitReached"), "{got}");
    }
    for (operation, body) in
        [("DeleteMember", member("Block", carol)), ("AddMember", member("Allow", BOB))]
    {
        assert!(book.ask(operation, &body).1.starts_with("HTTP/1.1 200 "), "{operation}");
    }
    assert_eq!(book.edits().len(), 1);
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
    // Each by a connection of its own: one waits for its answer before it asks for more.
    let mut letters: Vec<Gateway> =
        (0..20).map(|_| Gateway::new(&Msnp, &book.shared, None)).collect();
    for soap in &mut letters {
        soap.bytes(Side::Client, letter.as_bytes()).unwrap();
    }
    book.ns.hear();
    letters.iter_mut().for_each(Gateway::hear);
    let stored = |soap: &mut Gateway| text(soap.take(Side::Client)).contains(" 200 ");
    let kept = letters.iter_mut().filter_map(|soap| stored(soap).then_some(())).count();
    assert_eq!(kept, 8, "of 60,000 bytes each");
    assert_eq!(said(&mut book.ns).len(), kept);
}

#[test]
fn a_yes_is_said_when_the_change_is_made_and_not_before() {
    let mut book = Book::of(listed());
    book.soap.bytes(Side::Client, left_for(BOB).as_bytes()).unwrap();
    assert!(book.soap.take(Side::Client).is_empty());
    book.settle();
    assert!(text(book.soap.take(Side::Client)).contains("Upper=\"3\""));
    let mut book = Book::of(listed());
    book.soap.bytes(Side::Client, left_for(BOB).as_bytes()).unwrap();
    drop(book.ns);
    book.soap.hear();
    assert!(text(book.soap.take(Side::Client)).contains("SystemUnavailable"));
}

#[test]
fn what_the_client_was_told_is_not_made_is_not_made_later_either() {
    let mut book = Book::of(Roster::default());
    let add = format!(
        "<contacts><Contact><contactInfo><passportName>{BOB}</passportName></contactInfo>\
         </Contact></contacts>"
    );
    book.soap.bytes(Side::Client, request("ABContactAdd", &add).as_bytes()).unwrap();
    book.ns.hear();
    book.soap.hear();
    let mut letter = Gateway::new(&Msnp, &book.shared, None);
    letter.bytes(Side::Client, left_for(BOB).as_bytes()).unwrap();
    for soap in [&mut book.soap, &mut letter] {
        soap.wait(Duration::from_secs(4));
        assert!(text(soap.take(Side::Client)).starts_with("HTTP/1.1 500 "));
    }
    book.ns.wait(Duration::from_secs(4));
    assert!(book.edits().is_empty() && said(&mut book.ns).is_empty());
    book.sends(Side::Client, left_for(BOB).as_bytes());
    assert!(text(book.soap.take(Side::Client)).contains("Upper=\"3\""));
    assert_eq!(said(&mut book.ns).len(), 1, "it is said once");
}

#[test]
fn requests_behind_one_that_waits_are_answered_behind_it() {
    let mut book = Book::of(listed());
    let both = left_for(BOB) + &request("FindMembership", "");
    book.soap.bytes(Side::Client, both.as_bytes()).unwrap();
    assert!(book.soap.take(Side::Server).is_empty() && !book.soap.pending(Side::Client).is_empty());
    book.settle();
    assert_eq!(text(book.soap.take(Side::Server)), request("FindMembership", ""));
    book.soap.bytes(Side::Client, left_for(BOB).as_bytes()).unwrap();
    book.soap.take(Side::Client);
    book.soap.wait(Duration::from_secs(4));
    book.sends(Side::Server, answer("FindMembership", &memberships()).as_bytes());
    let got = text(book.soap.take(Side::Client));
    let refused = got.find("SystemUnavailable");
    assert!(refused.is_some() && got.find("FindMembershipResponse") < refused, "{got}");
}
