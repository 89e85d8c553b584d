use super::*;

/// The key pair of an owner, by a number.
pub(crate) fn owner(n: u8) -> Keypair {
    Keypair::ed25519_from_bytes([n; 32]).unwrap()
}

pub(crate) fn namespace(n: u8) -> Namespace {
    Namespace(owner(n).public().try_into_ed25519().unwrap().to_bytes())
}

/// A mapping of owner `n`.
pub(crate) fn mapping(
    n: u8,
    key: &str,
    value: Option<&str>,
    sequence: u64,
    expires_at: u64,
) -> Mapping {
    let mut mapping = Mapping {
        namespace: namespace(n),
        key: key.to_owned(),
        value: value.map(str::to_owned),
        sequence,
        expires_at,
        signature: Vec::new(),
    };
    mapping.signature = owner(n).sign(&mapping.signed_bytes()).unwrap();
    mapping
}

#[test]
fn the_bytes_that_are_signed_are_those_of_the_manual() {
    let signed = mapping(1, "city", Some("Oslo"), 258, 0x0102_0304);
    let mut bytes = b"ct/mapping/1\0".to_vec();
    bytes.extend_from_slice(signed.namespace.as_bytes());
    bytes.extend_from_slice(&[0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 2, 3, 4, 1]);
    bytes.extend_from_slice(b"\0\x04city\0\x04Oslo");
    assert_eq!(signed.signed_bytes(), bytes);
    let removed = mapping(1, "city", None, 258, 0x0102_0304);
    assert_eq!(removed.signed_bytes()[..13 + 32 + 16], bytes[..13 + 32 + 16]);
    assert_eq!(removed.signed_bytes()[13 + 32 + 16..], *b"\0\0\x04city\0\0");
}

#[test]
fn nothing_of_a_mapping_can_be_altered() {
    let good = mapping(1, "city", Some("Oslo"), 5, 100);
    assert_eq!(good.verify(), Ok(()));
    let altered: [fn(&mut Mapping); 8] = [
        |m| m.namespace = namespace(2),
        |m| m.key = "citz".into(),
        |m| m.value = Some("Bergen".into()),
        |m| m.value = None,
        |m| m.sequence = 6,
        |m| m.expires_at = 101,
        |m| m.signature[0] ^= 1,
        |m| m.signature.push(0),
    ];
    for alter in altered {
        let mut bad = good.clone();
        alter(&mut bad);
        assert_eq!(bad.verify(), Err(BadMapping::Signature), "{bad:?}");
    }
}

#[test]
fn a_mapping_is_no_larger_than_allowed() {
    let (key, value) = ("k".repeat(256), "v".repeat(4096));
    assert_eq!(mapping(1, &key, Some(&value), 1, 1).verify(), Ok(()));
    for key in [&"k".repeat(257), "", "line\nbreak"] {
        assert_eq!(mapping(1, key, Some(""), 1, 1).verify(), Err(BadMapping::Key));
    }
    let long = mapping(1, "k", Some(&"v".repeat(4097)), 1, 1);
    assert_eq!(long.verify(), Err(BadMapping::Value));
}

#[test]
fn a_gateway_vouches_for_nothing_but_what_it_signed() {
    let (key, by) = (owner(9), GatewayId::from_bytes(*namespace(9).as_bytes()));
    let good = Vouched::sign(&key, by, mapping(1, "city", Some("Oslo"), 5, 100)).unwrap();
    assert!(good.is_vouched());
    let other = Vouched { mapping: mapping(1, "city", Some("Oslo"), 6, 100), ..good.clone() };
    assert!(!other.is_vouched());
    let by = GatewayId::from_bytes(*namespace(8).as_bytes());
    assert!(!Vouched { by, ..good }.is_vouched());
}

#[test]
fn a_namespace_is_written_in_hexadecimal_and_read_back() {
    let owner = namespace(1);
    assert_eq!(owner.to_string().parse(), Ok(owner));
    let upper = owner.to_string().to_uppercase();
    for bad in ["", "00", &upper, &"0".repeat(63), &"g".repeat(64), &"\u{e9}".repeat(32)] {
        assert_eq!(bad.parse::<Namespace>(), Err(BadNamespace), "{bad}");
    }
}
