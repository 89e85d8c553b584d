//! Small databases in the `MaxMind` format, version 2.0 of its specification.

use ipnet::IpNet;

/// Marks a place of the tree that leads nowhere, and becomes the number of nodes.
const NONE: usize = usize::MAX;

/// A record of the tree: of a node, of a place, or of nothing.
#[derive(Clone, Copy)]
enum Record {
    Nothing,
    Node(usize),
    Data(usize),
}

/// A row with names in languages, as `MaxMind` has it.
pub(crate) fn names(city: &str, country: &str) -> Vec<u8> {
    map(&[
        ("city", map(&[("names", map(&[("en", text(city))]))])),
        ("country", map(&[("names", map(&[("en", text(country))]))])),
    ])
}

/// A row with columns, as ip-location-db has it.
pub(crate) fn columns(city: &str, code: &str) -> Vec<u8> {
    map(&[("country_code", text(code)), ("state1", text("")), ("city", text(city))])
}

/// A database of ranges, each with its row.
pub(crate) fn database(places: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut nodes = vec![[Record::Nothing; 2]];
    let mut data: Vec<u8> = Vec::new();
    for (range, row) in places {
        let at = data.len();
        data.extend(row);
        insert(&mut nodes, range.parse().unwrap(), at);
    }
    let count = nodes.len();
    let value = |record: Record| match record {
        Record::Nothing => count,
        Record::Node(node) => node,
        // Behind the tree are 16 empty bytes, and then the data.
        Record::Data(at) => count + 16 + at,
    };
    let records = nodes.iter().flatten().map(|record| u32::try_from(value(*record)).unwrap());
    let mut file: Vec<u8> = records.flat_map(u32::to_be_bytes).collect();
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    file.extend(map(&[
        ("binary_format_major_version", number(5, 2)),
        ("binary_format_minor_version", number(5, 0)),
        ("build_epoch", number(9, 1_700_000_000)),
        ("database_type", text("Test-City")),
        ("description", map(&[("en", text("of a test"))])),
        ("ip_version", number(5, 6)),
        ("languages", vec![0x00, 0x04]),
        ("node_count", number(6, count as u64)),
        ("record_size", number(5, 32)),
    ]));
    file
}

/// Leads a range to the data at a place. IPv4 stands under `::/96`.
fn insert(nodes: &mut Vec<[Record; 2]>, range: IpNet, at: usize) {
    let (bits, length) = match range {
        IpNet::V4(net) => (u128::from(u32::from(net.network())), 96 + net.prefix_len()),
        IpNet::V6(net) => (u128::from(net.network()), net.prefix_len()),
    };
    let mut node = 0;
    for depth in 0..length {
        let side = usize::from(bits >> (127 - depth) & 1 == 1);
        if depth + 1 == length {
            nodes[node][side] = Record::Data(at);
            return;
        }
        let next = match nodes[node][side] {
            Record::Node(next) => next,
            _ => NONE,
        };
        node = if next == NONE {
            nodes.push([Record::Nothing; 2]);
            let next = nodes.len() - 1;
            nodes[node][side] = Record::Node(next);
            next
        } else {
            next
        };
    }
}

fn text(text: &str) -> Vec<u8> {
    // A size below 29 stands in the control byte.
    [&[2 << 5 | u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![7 << 5 | u8::try_from(entries.len()).unwrap()];
    for (key, value) in entries {
        bytes.extend(text(key));
        bytes.extend(value);
    }
    bytes
}

/// An unsigned integer of a type; those above 7 stand in a byte of their own.
fn number(kind: u8, value: u64) -> Vec<u8> {
    let bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let size = u8::try_from(bytes.len()).unwrap();
    let head = if kind > 7 { vec![size, kind - 7] } else { vec![kind << 5 | size] };
    [head, bytes].concat()
}
