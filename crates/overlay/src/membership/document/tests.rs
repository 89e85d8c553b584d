use super::*;

fn id(n: u8) -> GatewayId {
    let key = libp2p_identity::Keypair::ed25519_from_bytes([n; 32]).unwrap();
    crate::membership::identity::gateway_id(&key).unwrap()
}

fn admitted(n: u8) -> Admitted {
    let member = Member {
        id: id(n),
        addresses: vec![HostPort::new("::1", 7700), HostPort::new("one.example.net", 7700)],
        networks: vec!["aol".parse().unwrap()],
    };
    Admitted { member, until: Some("2027-11-22".parse().unwrap()) }
}

fn operator() -> (Operator, tempfile::TempDir) {
    let state = tempfile::tempdir().unwrap();
    (Operator::load_or_make(state.path()).unwrap(), state)
}

#[test]
fn the_text_says_what_was_signed() {
    let (operator, _state) = operator();
    let document = operator.sign(3, &[admitted(1), admitted(2)]).unwrap();
    let text = document.to_text();
    assert!(text.contains("\"[::1]:7700\", \"one.example.net:7700\""), "{text}");
    let read = Membership::parse(&text).unwrap();
    assert_eq!(read, document);
    assert_eq!(read.members().collect::<Vec<_>>(), [admitted(1), admitted(2)]);
    assert_eq!((read.operator(), read.version()), (operator.id(), 3));
    assert_eq!(Membership::verify(document.signed()), Ok(document));
}

#[test]
fn a_changed_document_is_no_document() {
    let (operator, _state) = operator();
    let text = operator.sign(3, &[admitted(1)]).unwrap().to_text();
    let other = id(2).to_string();
    for (from, to) in [
        ("version = 3", "version = 4"),
        ("\"aol\"", "\"aol\", \"msn\""),
        ("2027", "2028"),
        (":7700", ":7701"),
        (&operator.id().to_string(), &other),
    ] {
        let forged = text.replacen(from, to, 1);
        assert_ne!(forged, text);
        assert_eq!(Membership::parse(&forged), Err(BadMembership::Signature), "{from}");
    }
    for bad in ["", "hello", "[mesh]", &text[..text.len() / 2]] {
        assert!(matches!(Membership::parse(bad), Err(BadMembership::Form(_))), "{bad}");
    }
}

#[test]
fn what_cannot_be_is_not_signed() {
    let (operator, _state) = operator();
    let twice = operator.sign(1, &[admitted(1), admitted(1)]);
    assert!(matches!(twice, Err(BadMembership::Contents(_))));
    let mut odd = admitted(1);
    odd.member.addresses = vec![HostPort::new("a\"\n[x]", 1)];
    assert!(matches!(operator.sign(1, &[odd]), Err(BadMembership::Contents(_))));
    assert!(operator.sign(0, &[]).is_err());
    let many: Vec<_> = (0..=MAX_MEMBERS).map(|_| admitted(1)).collect();
    assert!(operator.sign(1, &many).is_err());
}

#[test]
fn the_newer_of_one_operator_counts() {
    let ((ours, _a), (theirs, _b)) = (operator(), operator());
    let [first, second] = [1, 2].map(|version| ours.sign(version, &[]).unwrap());
    assert!(second.replaces(&first) && !first.replaces(&second) && !first.replaces(&first));
    assert!(!theirs.sign(9, &[]).unwrap().replaces(&first));
    let rival = ours.sign(2, &[admitted(1)]).unwrap();
    assert_ne!(rival.replaces(&second), second.replaces(&rival), "of a tie all choose the same");
}

#[test]
fn it_stays_on_disk_with_its_key() {
    let (operator, state) = operator();
    assert_eq!(Membership::load(state.path()).unwrap(), None);
    let document = operator.sign(1, &[admitted(1)]).unwrap();
    document.save(state.path()).unwrap();
    assert_eq!(Membership::load(state.path()).unwrap(), Some(document));
    assert_eq!(Operator::load(state.path()).unwrap().unwrap().id(), operator.id());
    std::fs::write(state.path().join(FILE), "version = 1").unwrap();
    assert!(matches!(Membership::load(state.path()), Err(Error::Membership { .. })));
}

#[test]
fn a_member_belongs_until_its_day_is_over_everywhere() {
    let day: Day = "2027-11-22".parse().unwrap();
    let (over, almost) = (day.over(), day.over().minus(std::time::Duration::from_millis(1)));
    assert!(admitted(1).belongs(almost) && !admitted(1).belongs(over));
    assert!(Admitted { until: None, ..admitted(1) }.belongs(over));
}

#[test]
fn as_many_members_as_may_be_fit_into_a_frame() {
    let (operator, _state) = operator();
    let member = |n: usize| {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&n.to_le_bytes());
        let key = libp2p_identity::Keypair::ed25519_from_bytes(seed).unwrap();
        let id = crate::membership::identity::gateway_id(&key).unwrap();
        let host = format!("gateway-{n}.messaging.example.org");
        let addresses = vec![HostPort::new(host, 7700), HostPort::new("2001:db8::1:2:3", 7700)];
        let networks = ["aol", "jabber", "msn", "yahoo"].map(|n| n.parse().unwrap()).to_vec();
        Admitted { member: Member { id, addresses, networks }, until: None }
    };
    let members: Vec<_> = (0..MAX_MEMBERS).map(member).collect();
    let document = operator.sign(1, &members).unwrap();
    let frame = crate::wire::frame::Frame::Membership(document.signed());
    let bytes = frame.encode(crate::wire::frame::NEWEST).expect("it fits").len();
    assert!(bytes < MAX_MEMBERS * 160, "{bytes} bytes");
}
