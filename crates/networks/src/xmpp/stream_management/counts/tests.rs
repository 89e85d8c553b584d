use super::*;

/// Down: S G S S G. Up: F W W F W F.
fn busy() -> Acks {
    let mut acks = Acks::enable("urn:xmpp:sm:3");
    acks.enabled(Some(("id".into(), Duration::from_mins(1))));
    for sender in "SGSSG".chars() {
        if sender == 'S' {
            acks.server_sent();
        } else {
            acks.we_sent(&Bytes::from_static(b"<ours/>")).unwrap();
        }
    }
    for fate in "FWWFWF".chars() {
        acks.client_sent(fate == 'F').unwrap();
    }
    acks
}

#[test]
fn the_client_s_count_becomes_the_server_s() {
    for (client, server) in [(0, 0), (1, 1), (2, 1), (3, 2), (4, 3), (5, 3)] {
        assert_eq!(busy().client_handled(client), Ok(server));
    }
    let mut acks = busy();
    let steps: Vec<_> = [1, 2, 2, 5].map(|h| acks.client_handled(h).unwrap()).into();
    assert_eq!(steps, [1, 1, 1, 3]);
    assert!(acks.client_handled(6).is_err());
}

#[test]
fn a_count_is_looked_up_without_being_noted() {
    for h in 0..8 {
        let acks = busy();
        assert_eq!(acks.count_of_client(h), busy().client_handled(h));
        assert_eq!(acks.count_of_server(h), busy().server_handled(h));
        let (mut acks, weight) = (acks, busy().weight());
        assert_eq!(acks.weight(), weight, "nothing is settled");
        assert_eq!((acks.client_handled(3), acks.server_handled(2)), (Ok(2), Ok(5)));
    }
    let none = Acks::enable("urn:xmpp:sm:3");
    assert_eq!(none.count_of_client(0), Ok(0));
    assert!(none.count_of_client(1).is_err());
}

#[test]
fn the_server_s_count_settles_what_was_withheld_behind() {
    for (server, client) in [(0, 0), (1, 3), (2, 5), (3, 6)] {
        assert_eq!(busy().server_handled(server), Ok(client));
    }
    assert!(busy().server_handled(4).is_err());
    let mut quiet = Acks::enable("urn:xmpp:sm:3");
    quiet.client_sent(false).unwrap();
    assert_eq!(quiet.server_handled(0), Ok(1), "what the gateway took is settled");
}

#[test]
fn what_the_gateway_and_the_server_say_to_each_other_the_client_does_not_count() {
    let mut acks = busy();
    acks.server_said_to_us();
    acks.server_sent();
    acks.we_asked().unwrap();
    acks.client_sent(true).unwrap();
    assert_eq!(acks.client_handled(4), Ok(3));
    assert_eq!(acks.client_handled(5), Ok(4), "settled with what stands before it");
    assert_eq!(acks.client_handled(6), Ok(5));
    assert_eq!(acks.server_handled(3), Ok(6));
    assert_eq!(acks.server_handled(4), Ok(6), "that was ours");
    assert_eq!(acks.server_handled(5), Ok(7));
    assert!(acks.client_handled(7).is_err() && acks.server_handled(6).is_err());
}

#[test]
fn counts_wrap_around() {
    let mut acks = busy();
    let down = acks.down.as_mut().unwrap();
    (down.client, down.server) = (u32::MAX, u32::MAX - 1);
    assert_eq!(acks.client_handled(2), Ok(0));
}

#[test]
fn after_a_resume_ours_come_again_and_counts_go_on() {
    let mut acks = busy();
    acks.client_handled(3).unwrap();
    acks.server_handled(1).unwrap();
    assert_eq!(acks.resumed(), [&b"<ours/>"[..]]);
    acks.server_sent();
    assert_eq!(acks.client_handled(5), Ok(3), "ours first, then the server's repeat");
    acks.client_sent(true).unwrap();
    assert_eq!(acks.server_handled(2), Ok(4));
}

#[test]
fn a_client_that_never_acknowledges_is_dropped() {
    let mut acks = busy();
    let stanza = Bytes::from_static(b"<ours/>");
    let asked = (0..MAX_UNACKED - 2).filter(|_| acks.we_sent(&stanza).unwrap()).count();
    assert_eq!(asked, MAX_UNACKED / ASK_EVERY);
    assert!(acks.we_sent(&stanza).is_err());
}

#[test]
fn long_stanzas_are_asked_for_sooner_and_do_not_fill_the_memory() {
    let mut acks = busy();
    let stanza = Bytes::from(vec![b'x'; ASK_EVERY_BYTES / 2]);
    let sent: Vec<bool> = std::iter::from_fn(|| acks.we_sent(&stanza).ok()).collect();
    let (asked, all) = (sent.iter().filter(|asks| **asks).count(), sent.len());
    assert_eq!(all, MAX_UNACKED_BYTES / stanza.len() - 1);
    assert!((1_000_000..2_000_000).contains(&acks.weight()), "{}", acks.weight());
    assert!(acks.is_full());
    assert_eq!(asked, all / 2);
    acks.client_handled(5 + 10).unwrap();
    assert!(acks.we_sent(&stanza).is_ok());
}
